// What errors of RPC mean as statuses. Of a call that went over the wire there is nothing but the text.
#pragma once

#include <optional>

#include "agent/grpc/method.h"
#include "base/result.h"

namespace proconsul::agent::grpc {

/// A token that does not allow it, or that nobody knows.
bool is_refusal(const base::Error& error);
bool is_unknown_token(const base::Error& error);
/// Of one that did not get where it is answered: no leader, no such datacenter.
std::optional<Status> status_of_way(const base::Error& error);

}  // namespace proconsul::agent::grpc
