#include "gossip/serf/event.h"

namespace proconsul::gossip::serf {

std::string_view to_string(MemberEventType type) {
  switch (type) {
    case MemberEventType::join:
      return "member-join";
    case MemberEventType::leave:
      return "member-leave";
    case MemberEventType::failed:
      return "member-failed";
    case MemberEventType::update:
      return "member-update";
    case MemberEventType::reap:
      return "member-reap";
  }
  return "unknown";
}

}  // namespace proconsul::gossip::serf
