// What a server tells of a service to who follows it: whatever comes, as many subscriptions as it takes, the bytes that
// are kept stay within their bound and can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/http/service_instances.h"
#include "base/watch.h"

namespace http = proconsul::agent::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostBytes = 64 * 1024;
  static proconsul::base::WatchRegistry watches;
  static const http::Context context{.server = nullptr, .local_watches = watches, .settings = {}};
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  http::ServiceInstances::Request request;
  request.ServiceName = "web";
  const auto kind = static_cast<std::uint8_t>(input.front());
  request.Connect = kind & 1;
  request.HealthFilterType = kind & 2 ? 2 : 0;
  if (kind & 4) request.Filter = "Service.Port == 80 or \"v1\" in Service.Tags";
  if (kind & 8) request.TagFilter = true, request.ServiceTags = {"V1"};
  if (kind & 16) request.NodeMetaFilters.insert_or_assign("rack", "1");
  input.remove_prefix(1);
  http::ServiceInstances instances(context, request, kMostBytes);
  (void)instances.subscribe();
  while (input.size() >= 2) {
    const std::size_t length = static_cast<std::uint8_t>(input[0]) << 8 | static_cast<std::uint8_t>(input[1]);
    input.remove_prefix(2);
    const std::string_view message = input.substr(0, length & 0x3fff);
    input.remove_prefix(message.size());
    const auto taken = instances.take(message);
    if (!taken) instances.forget();
    if (taken && instances.bytes() > kMostBytes) std::abort();
    if (taken && *taken && instances.render().flat().size() > kMostBytes + 2) std::abort();
    if (!taken || length & 0x4000) (void)instances.subscribe();
    if (length & 0x8000) instances.forget();
  }
  return 0;
}
