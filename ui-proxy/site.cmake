# The web UI's files become part of the room's library.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB_RECURSE site_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui-proxy/site/*)
set(embedded ${CMAKE_BINARY_DIR}/ui-proxy/embedded_site.cc)
add_custom_command(OUTPUT ${embedded}
                   COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/ui-proxy/embed.py ${CMAKE_SOURCE_DIR}/ui-proxy/site
                           ${embedded}
                   DEPENDS ${CMAKE_SOURCE_DIR}/ui-proxy/embed.py ${site_files} VERBATIM)
target_sources(ui-proxy PRIVATE ${embedded})
