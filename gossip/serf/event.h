// What a pool tells the layer above.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ref.h"
#include "gossip/serf/message.h"
#include "gossip/swim/membership.h"

namespace proconsul::gossip::serf {

/// One member at one time; never changes.
using MemberPtr = base::RowPtr<Member>;

enum class MemberEventType : std::uint8_t { join, leave, failed, update, reap };
/// "member-join", "member-leave", "member-failed", "member-update", "member-reap".
std::string_view to_string(MemberEventType type);

struct MemberEvent {
  MemberEventType type{};
  std::vector<MemberPtr> members{};
};

/// A query of somebody, to be answered with Serf::respond() before the deadline; at most once.
struct IncomingQuery {
  LamportTime time{};
  std::uint32_t id{};
  std::string name{};
  base::Bytes payload{};
  std::string source_node{};
  swim::Address source{};
  base::MonotonicTime deadline{};
  std::uint8_t relay_factor{};
  bool answered = false;
};

/// Calls come from within those of the membership: from within one, nothing may be asked of serf that joins or leaves.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void member_event(const MemberEvent& event) = 0;
  virtual void user_event(const UserEventMessage& event) = 0;
  virtual void query(IncomingQuery query) = 0;
  /// Serf's members() or coordinates() are not what they were; comes before the event that says so, and also for
  /// changes without an event (a member that is about to leave).
  virtual void view_changed() = 0;
  /// Most members know another node under this name; this one must go.
  virtual void name_conflict_lost() = 0;
};

}  // namespace proconsul::gossip::serf
