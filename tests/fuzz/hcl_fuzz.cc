// HCL files: any bytes either parse and decode, or fail with a text.
#include <cstdint>
#include <string_view>

#include "base/hcl/hcl.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::base;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto file = hcl::parse(text, {.refuse_duplicates = size % 2 == 1});
  if (!file) {
    if (file.error().detail.empty()) __builtin_trap();
    return 0;
  }
  if (auto decoded = hcl::decode(*file); !decoded && decoded.error().detail.empty()) __builtin_trap();
  return 0;
}
