# Every library from outside, found once. Packages: packages.txt.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
if(PROCONSUL_STATIC)
  set(OPENSSL_USE_STATIC_LIBS TRUE)
endif()
find_package(OpenSSL 3 REQUIRED)
find_package(GTest REQUIRED)
include(GoogleTest)

function(dependency name)
  add_library(deps_${name} INTERFACE)
  add_library(deps::${name} ALIAS deps_${name})
  target_link_libraries(deps_${name} INTERFACE ${ARGN})
endfunction()

dependency(openssl OpenSSL::SSL OpenSSL::Crypto)
dependency(gtest GTest::gtest GTest::gmock GTest::gtest_main)

# Asio and Beast are headers only.
dependency(asio Threads::Threads)
target_compile_definitions(deps_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

# dependency_library(NAME LIB...): libraries without a CMake package; static archives in a static build.
function(dependency_library name)
  set(found)
  foreach(library ${ARGN})
    if(PROCONSUL_STATIC)
      find_library(LIB_${library} NAMES lib${library}.a REQUIRED)
    else()
      find_library(LIB_${library} NAMES ${library} REQUIRED)
    endif()
    list(APPEND found ${LIB_${library}})
  endforeach()
  dependency(${name} ${found})
endfunction()

if(PROCONSUL_STATIC)
  dependency_library(rocksdb rocksdb snappy lz4 zstd bz2 z)
  # rocksdb::crc32c::Extend(uint32_t, const char*, size_t): raft/rocks_checksum.cc has a faster one.
  target_link_options(deps_rocksdb INTERFACE -Wl,--wrap=_ZN7rocksdb6crc32c6ExtendEjPKcm)
else()
  dependency_library(rocksdb rocksdb)
endif()
dependency_library(zlib z)
dependency_library(re2 re2)
dependency_library(nghttp2 nghttp2)
dependency_library(sodium sodium)
# Of glibc: SRV records of names to join.
dependency(resolv resolv)
if(PROCONSUL_STATIC)
  # Debian ships no static archives of these two; their headers hold the whole libraries.
  dependency(spdlog)
  target_compile_definitions(deps_spdlog INTERFACE SPDLOG_HEADER_ONLY SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
else()
  dependency_library(spdlog spdlog fmt)
  target_compile_definitions(deps_spdlog INTERFACE SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL SPDLOG_SHARED_LIB)
endif()
