#include "agent/rpc/methods/families.h"
#include "base/strconv.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

Result<> ping(Services&, const Nothing&, Nothing&) {
  return {};
}

Result<> leader(Services& services, const DCSpecificRequest&, std::string& reply) {
  reply = services.server.leader_address();
  return {};
}

Result<> peers(Services& services, const DCSpecificRequest&, base::List<std::string>& reply) {
  reply = services.server.peers();
  return {};
}

Result<> raft_stats(Services& services, const Nothing&, RaftStats& reply) {
  // The figures of `consul info`, which autopilot reads from every server.
  auto sections = services.cluster->statistics();
  const auto figures = sections.find("raft");
  if (figures == sections.end()) return {};
  const auto number = [&](const char* name) {
    const Result<std::uint64_t> value = base::parse_uint(figures->second[name]);
    return value ? *value : 0;
  };
  reply.LastContact = figures->second["last_contact"];
  reply.LastTerm = number("last_log_term");
  reply.LastIndex = number("last_log_index");
  return {};
}

}  // namespace

std::span<const Method> status_methods() {
  static constexpr Method kRows[] = {
      method<&ping>("Status.Ping", kReads | kHere),
      method<&leader>("Status.Leader", kReads | kDatacenterOnly),
      method<&peers>("Status.Peers", kReads | kDatacenterOnly),
      method<&raft_stats>("Status.RaftStats", kReads | kHere),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
