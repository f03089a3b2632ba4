// Snapshot archives: what `consul snapshot restore` uploads.
#include <cstddef>
#include <cstdint>

#include "raft/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul;
  struct Source final : raft::ByteSource {
    std::string_view left;
    base::Result<std::size_t> read(std::span<char> buffer) override {
      const std::size_t taken = left.copy(buffer.data(), buffer.size());
      left.remove_prefix(taken);
      return taken;
    }
  } source;
  source.left = {reinterpret_cast<const char*>(data), size};
  raft::NullSink sink;
  (void)raft::read_archive(source, sink, {.max_state_bytes = 1u << 20});
  return 0;
}
