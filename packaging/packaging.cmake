# What is installed where, and the Debian package made of it (`./dev package`).
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # no test is built for a package
file(STRINGS agent/version.h version_line REGEX "kBuildVersion = ")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" PROJECT_VERSION "${version_line}")
execute_process(COMMAND git log -1 "--date=format:%a, %d %b %Y %H:%M:%S %z" --format=%cd
                WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE PACKAGE_DATE OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET)
if(NOT PACKAGE_DATE)
  set(PACKAGE_DATE "Thu, 01 Jan 1970 00:00:00 +0000")
endif()

# Pages and changelogs are kept compressed, without the time of building.
set(packed ${CMAKE_CURRENT_BINARY_DIR}/packaging)
configure_file(packaging/debian/changelog.in ${packed}/changelog @ONLY)
configure_file(packaging/proconsul.1 ${packed}/proconsul.1 COPYONLY)
add_custom_command(OUTPUT ${packed}/changelog.gz ${packed}/proconsul.1.gz
                   COMMAND gzip -9nkf changelog proconsul.1 WORKING_DIRECTORY ${packed}
                   DEPENDS ${packed}/changelog ${packed}/proconsul.1 VERBATIM)
add_custom_target(packed_texts DEPENDS ${packed}/changelog.gz ${packed}/proconsul.1.gz)

install(TARGETS proconsul RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${packed}/proconsul.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES packaging/systemd/proconsul.service DESTINATION lib/systemd/system)
install(FILES packaging/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
        RENAME proconsul)
install(FILES packaging/debian/copyright ${packed}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/proconsul.hcl DESTINATION /etc/proconsul.d)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME proconsul)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The Proconsul authors <maintainers@proconsul.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "service discovery and key-value store that speak Consul's protocols")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "An agent that registers and finds services, watches their health, stores
keys and holds locks, and answers over HTTP and its command line as Consul
does, so that existing clients and operators need not change.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
    ${CMAKE_SOURCE_DIR}/packaging/debian/postrm ${CMAKE_SOURCE_DIR}/packaging/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
include(CPack)
