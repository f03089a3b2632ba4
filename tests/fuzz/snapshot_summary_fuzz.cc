// The state of a snapshot file, as `snapshot inspect` walks it.
#include <cstddef>
#include <cstdint>

#include "agent/cli/snapshot_summary.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::agent::cli;
  const std::string_view state(reinterpret_cast<const char*>(data), size);
  const auto summary =
      summarise(state, {.key_details = true, .key_depth = static_cast<std::int64_t>(size % 4), .key_filter = ""});
  // A header alone has no record to be counted with.
  if (summary && !summary->Stats.empty() && summary->TotalSize != static_cast<long long>(size)) __builtin_trap();
  if (summary) (void)summary_text(*summary);
  return 0;
}
