// state.bin from anywhere: any bytes may be refused; what is accepted must be written and read again, and what is left
// of a snapshot without what the check leaves out must be accepted.
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

void check_all(std::string_view bytes) {
  using namespace proconsul::catalog;
  const auto reader = [](std::string_view& left) -> ReadBytes {
    return [&left](std::span<char> buffer) -> proconsul::base::Result<std::size_t> {
      const std::size_t size = std::min(buffer.size(), left.size());
      std::memcpy(buffer.data(), left.data(), size);
      left.remove_prefix(size);
      return size;
    };
  };
  std::string_view whole = bytes;
  const auto checked = check_snapshot(reader(whole));
  if (!checked) return;
  std::string rest;
  std::string_view again = bytes;
  const auto copied =
      copy_without(checked->left_out, reader(again), [&](std::string_view piece) -> proconsul::base::Result<> {
        rest += piece;
        return {};
      });
  std::uint64_t gone = 0;
  for (const auto& range : checked->left_out) gone += range.size;
  if (!copied || rest.size() + gone != bytes.size()) std::abort();
  if (checked->left_out.empty() && !read_all(rest)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::catalog;
  check_all({reinterpret_cast<const char*>(data), size});
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
