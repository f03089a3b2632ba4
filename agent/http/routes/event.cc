// User events.
#include "agent/http/routes/families.h"

#include "agent/event/user_event.h"
#include "agent/http/event_endpoint.h"
#include "agent/http/route.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::type_of;
using enum Method;

constexpr Failure kBadEvent{
    500,
    R"((User event missing name|Cannot provide tag filter|Invalid|user event exceeds|(rpc error making call: )?ACL)[\s\S]*)",
    "The event is refused: Consul's status."};

constexpr Route kEventRoutes[] = {
    {put,
     "/v1/event/fire/",
     async(event_fire),
     kOctets,
     {.rpc = "Internal.EventFire",
      .summary = "Tell an event to the agents that the filters match",
      .rest = "name",
      .params = param::kDatacenter | param::kNode | param::kService | param::kTag,
      .takes_octets = true,
      .answer = type_of<event::UserEvent>,
      .failures = {&kBadEvent}}},
    {get,
     "/v1/event/list",
     hashed(event_list),
     kOpaqueIndex | kOwn,
     {.summary = "The last events that this agent was told",
      .params = param::kName,
      .answer = type_of<List<event::UserEvent>>}},
};

}  // namespace

std::span<const Route> event_routes() {
  return kEventRoutes;
}

}  // namespace proconsul::agent::http
