#include "agent/event/user_event.h"

#include "base/msgpack.h"
#include "base/regex.h"
#include "base/uuid.h"

namespace proconsul::agent::event {

using base::Errc;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(UserEvent, "agent.UserEvent") {
  type.field("ID", &UserEvent::ID);
  type.field("Name", &UserEvent::Name).wire("n");
  type.field("Payload", &UserEvent::Payload).wire("p").wire_omit_empty();
  type.field("NodeFilter", &UserEvent::NodeFilter).wire("nf").wire_omit_empty();
  type.field("ServiceFilter", &UserEvent::ServiceFilter).wire("sf").wire_omit_empty();
  type.field("TagFilter", &UserEvent::TagFilter).wire("tf").wire_omit_empty();
  type.field("Version", &UserEvent::Version).wire("v");
  type.field("LTime", &UserEvent::LTime).no_wire();
}

Result<> validate(const UserEvent& event) {
  if (event.Name.empty()) return {Errc::internal, "User event missing name"};
  if (!event.TagFilter.empty() && event.ServiceFilter.empty()) {
    return {Errc::internal, "Cannot provide tag filter without service filter"};
  }
  const std::pair<const char*, const std::string&> filters[] = {
      {"node", event.NodeFilter}, {"service", event.ServiceFilter}, {"tag", event.TagFilter}};
  for (const auto& [what, pattern] : filters) {
    if (pattern.empty()) continue;
    if (const auto regex = base::Regex::compile(pattern); !regex) {
      return {Errc::internal, std::string("Invalid ") + what + " filter: " + regex.error().detail};
    }
  }
  return {};
}

std::string seal(UserEvent& event, base::Random& random) {
  event.ID = base::generate_uuid(random);
  event.Version = kEventVersion;
  return base::to_msgpack(event, base::MsgpackHandle::event);
}

std::uint64_t index_of(const UserEvent& event) {
  const Result<std::string> bytes = base::parse_uuid(event.ID);
  if (!bytes) return 1;
  std::uint64_t index = 0;
  for (std::size_t half = 0; half < 16; half += 8) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number = number << 8 | static_cast<unsigned char>((*bytes)[half + i]);
    index ^= number;
  }
  return index;
}

}  // namespace proconsul::agent::event
