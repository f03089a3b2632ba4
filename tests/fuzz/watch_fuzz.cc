// Watches: their parameters as a configuration gives them, and the answers that they decode.
#include <cstddef>
#include <cstdint>

#include "agent/watch/plan.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto parameters = base::from_json<agent::watch::Parameters>(text)) {
    bool deprecated = false;
    (void)agent::watch::parse_agent_watch(*parameters, deprecated);
  }
  const auto view = static_cast<agent::watch::View>(data[0] % 10);
  const auto decoded = agent::watch::decode(view, 200, text, std::nullopt);
  // What a handler gets is JSON.
  if (decoded && !base::from_json<base::Value>(decoded->json)) __builtin_trap();
  return 0;
}
