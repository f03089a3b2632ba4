#include "catalog/types/session.h"

namespace proconsul::catalog {

namespace {

// People write LockDelay as seconds (15), as nanoseconds (15000000000) or as text ("15s"). A number this small can only
// have meant seconds.
constexpr std::int64_t kSecondsBelow = 1000;

void small_lock_delays_are_seconds(void* self) {
  base::Duration& delay = static_cast<Session*>(self)->LockDelay;
  // What is negative makes no sense either way; Consul multiplies it, wrapping around, and shows the result.
  if (delay.nanoseconds < kSecondsBelow) {
    delay.nanoseconds = static_cast<std::int64_t>(static_cast<std::uint64_t>(delay.nanoseconds) * 1'000'000'000U);
  }
}

}  // namespace

PROCONSUL_DESCRIBE_TYPE(ServiceCheck, "structs.ServiceCheck") {
  type.field("ID", &ServiceCheck::ID);
  type.field("Namespace", &ServiceCheck::Namespace);
}

PROCONSUL_DESCRIBE_TYPE(Session, "structs.Session") {
  type.field("ID", &Session::ID);
  type.field("Name", &Session::Name);
  type.field("Node", &Session::Node);
  type.field("LockDelay", &Session::LockDelay);
  type.field("Behavior", &Session::Behavior).go_type("structs.SessionBehavior");
  type.field("TTL", &Session::TTL);
  type.field("NodeChecks", &Session::NodeChecks);
  type.field("ServiceChecks", &Session::ServiceChecks);
  type.field("Checks", &Session::Checks).go_type("[]types.CheckID").omit_empty();
  type.embed<RaftIndex>();
  type.json_shadow_lenient("struct { LockDelay interface {}; *structs.Alias }");
  type.json_after(&small_lock_delays_are_seconds);
}

PROCONSUL_DESCRIBE_TYPE(SessionRequest, "structs.SessionRequest") {
  type.field("Datacenter", &SessionRequest::Datacenter);
  type.field("Op", &SessionRequest::Op).go_type("structs.SessionOp");
  type.field("Session", &SessionRequest::Session);
  type.embed<WriteRequest>();
}

}  // namespace proconsul::catalog
