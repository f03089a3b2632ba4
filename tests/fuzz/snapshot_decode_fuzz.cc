// The state of a snapshot file, as `snapshot decode` prints it.
#include <cstddef>
#include <cstdint>

#include "agent/cli/snapshot_decode.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul;
  const std::string_view state(reinterpret_cast<const char*>(data), size);
  (void)agent::cli::decode_records(state, [](std::string_view line) {
    if (!base::from_json<base::Value>(line)) __builtin_trap();
  });
  return 0;
}
