// Debian's RocksDB is compiled for processors without SSE 4.2, so it sums every byte of the log by table, which costs
// more than writing it. Where RocksDB is linked statically its function is replaced by ours, which gives the same sum
// (third_party/dependencies.cmake: --wrap).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "raft/checksum.h"

extern "C" std::uint32_t __wrap__ZN7rocksdb6crc32c6ExtendEjPKcm(std::uint32_t before, const char* data,
                                                                std::size_t size) {
  return proconsul::raft::crc32c(std::string_view(data, size), before);
}
