// state.bin from anywhere: any bytes may be refused; what is accepted must be written and read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "catalog/snapshot.h"

namespace {

proconsul::base::Result<proconsul::catalog::RestoredState> read_all(std::string_view bytes) {
  return proconsul::catalog::read_snapshot([&](std::span<char> buffer) -> proconsul::base::Result<std::size_t> {
    const std::size_t size = std::min(buffer.size(), bytes.size());
    std::memcpy(buffer.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    return size;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::catalog;
  auto state = read_all({reinterpret_cast<const char*>(data), size});
  if (!state) return 0;
  std::string again;
  const StateImage image{ViewPtr::adopt(new View(state->tables, 0)), state->chunks};
  const auto written = write_snapshot(image, [&](std::string_view piece) -> proconsul::base::Result<> {
    again += piece;
    return {};
  });
  if (!written || !read_all(again)) std::abort();
  return 0;
}
