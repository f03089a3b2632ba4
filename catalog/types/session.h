// Sessions: who may hold locks, and which checks they live by.
#pragma once

#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

struct ServiceCheck {
  std::string ID{};
  std::string Namespace{};
  bool operator==(const ServiceCheck&) const = default;
};
PROCONSUL_DECLARE_TYPE(ServiceCheck)

/// One session. It dies with its node and with any of its checks that turns critical or goes away.
struct Session : RaftIndex {
  std::string ID{};  // UUID text
  std::string Name{};
  std::string Node{};
  base::Duration LockDelay{};
  std::string Behavior{};  // "release" or "delete": what becomes of its keys
  std::string TTL{};       // Go duration text; empty: none
  base::List<std::string> NodeChecks{};
  base::List<ServiceCheck> ServiceChecks{};
  base::List<std::string> Checks{};  // the spelling before 1.7; counts like NodeChecks
};
PROCONSUL_DECLARE_TYPE(Session)

/// Command 3. Op: create (ID chosen by the leader), destroy.
struct SessionRequest : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  catalog::Session Session{};
};
PROCONSUL_DECLARE_TYPE(SessionRequest)

}  // namespace proconsul::catalog
