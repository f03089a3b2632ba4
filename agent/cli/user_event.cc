#include "agent/cli/user_event.h"

#include "agent/event/user_event.h"
#include "base/regex.h"

namespace proconsul::agent::cli {

using base::Errc;
using base::Result;

Result<UserEventFilter> event_filter(const Context& context) {
  for (const char* name : {"node", "service", "tag"}) {
    const std::string& pattern = context.flags.text(name);
    if (pattern.empty()) continue;
    if (const Result<base::Regex> compiled = base::Regex::compile(pattern); !compiled) {
      return {Errc::invalid_argument,
              "Failed to compile " + std::string(name) + " filter regexp: " + compiled.error().detail};
    }
  }
  UserEventFilter filter{
      .node = context.flags.text("node"), .service = context.flags.text("service"), .tag = context.flags.text("tag")};
  if (!filter.tag.empty() && filter.service.empty()) {
    return {Errc::invalid_argument, "Cannot provide tag filter without service filter."};
  }
  return filter;
}

Result<std::string> fire_event(ApiClient& client, const std::string& name, const UserEventFilter& filter,
                               std::string payload) {
  ApiRequest request = client.request("PUT", "/v1/event/fire/" + name);
  for (const auto& [key, value] :
       {std::pair("node", &filter.node), {"service", &filter.service}, {"tag", &filter.tag}}) {
    if (!value->empty()) request.set(key, *value);
  }
  request.content_type = "application/octet-stream";
  request.body = std::move(payload);
  Result<event::UserEvent> event = client.fetch<event::UserEvent>(request);
  if (!event) return event.error();
  return std::move(event->ID);
}

}  // namespace proconsul::agent::cli
