#include "agent/grpc/rpc_errors.h"

#include <string>

#include "agent/grpc/retried_call.h"
#include "agent/rpc/cluster.h"
#include "agent/tokens/who.h"

namespace proconsul::agent::grpc {

using base::Error;

bool is_refusal(const Error& error) {
  return tokens::is_refusal(error);
}

bool is_unknown_token(const Error& error) {
  return tokens::is_unknown(error);
}

std::optional<Status> status_of_way(const Error& error) {
  const auto says = [&](const char* text) { return error.detail.find(text) != std::string::npos; };
  if (says(rpc::kNoLeader) || says(rpc::kLeaderNotTracked)) return Status{Code::unknown, error.detail};
  if (says(rpc::kNoPath) || says(rpc::kDatacenterUnreachable)) return Status{Code::unavailable, kNoAddresses};
  return std::nullopt;
}

}  // namespace proconsul::agent::grpc
