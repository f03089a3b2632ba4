#include "agent/cluster/servers.h"

#include <algorithm>
#include <set>

namespace proconsul::agent::cluster {
namespace {

using gossip::serf::MemberPtr;
using gossip::serf::MemberStatus;
using server::ServerInfo;

/// How long others are preferred to a server that did not answer.
constexpr base::Duration kAvoided = base::seconds(10);

bool is_reachable(const ServerInfo& server) {
  return server.status == MemberStatus::alive || server.status == MemberStatus::leaving;
}

}  // namespace

std::vector<ServerInfo> Servers::local() const {
  std::vector<ServerInfo> servers;
  for (const MemberPtr& member : options_.members(false)) {
    auto server = server::server_info(*member);
    if (server && server->segment.empty() && server->datacenter == options_.datacenter) {
      servers.push_back(std::move(*server));
    }
  }
  return servers;
}

std::vector<ServerInfo> Servers::alive() const {
  std::vector<ServerInfo> servers = local();
  std::erase_if(servers, [](const ServerInfo& server) { return !is_reachable(server); });
  return servers;
}

std::optional<ServerInfo> Servers::by_id(std::string_view id) const {
  for (const MemberPtr& member : options_.members(false)) {
    const auto tag = member->Tags.find("id");
    if (tag == member->Tags.end() || tag->second != id) continue;
    if (auto server = server::server_info(*member)) return server;
  }
  return std::nullopt;
}

std::vector<std::string> Servers::datacenters() const {
  std::set<std::string> names{options_.datacenter};
  for (const MemberPtr& member : options_.members(true)) {
    if (const auto server = server::server_info(*member)) names.insert(server->datacenter);
  }
  return {names.begin(), names.end()};
}

std::optional<ServerInfo> Servers::route(std::string_view datacenter) {
  const bool here = datacenter == options_.datacenter;
  std::vector<ServerInfo> servers;
  for (const MemberPtr& member : options_.members(!here)) {
    auto server = server::server_info(*member);
    if (server && server->datacenter == datacenter && is_reachable(*server) && server->id != options_.own_id) {
      servers.push_back(std::move(*server));
    }
  }
  if (servers.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const std::size_t first = turn_++ % servers.size();
  std::ranges::rotate(servers, servers.begin() + static_cast<std::ptrdiff_t>(first));
  const base::MonotonicTime now = options_.clock->now();
  std::erase_if(failed_, [now](const auto& entry) { return now - entry.second >= kAvoided; });
  const auto fresh =
      std::ranges::find_if(servers, [this](const ServerInfo& server) { return !failed_.contains(server.name); });
  return fresh != servers.end() ? *fresh : servers.front();
}

void Servers::failed(std::string_view name) {
  const std::lock_guard lock(mutex_);
  failed_.insert_or_assign(std::string(name), options_.clock->now());
}

std::string Servers::explain(std::string_view datacenter) const {
  std::string known;
  for (const std::string& name : datacenters()) known += (known.empty() ? "" : ", ") + name;
  std::string text = "known datacenters: " + known;
  std::string there;
  for (const MemberPtr& member : options_.members(true)) {
    const auto server = server::server_info(*member);
    if (!server || server->datacenter != datacenter) continue;
    there += (there.empty() ? "" : ", ") + server->name + " at " + server->rpc_address() + " is " +
             std::string(gossip::serf::to_string(server->status));
  }
  if (there.empty()) {
    return text + "; no server of " + std::string(datacenter) +
           " is a member of the WAN pool: check its name, and that one of its servers joined (join -wan, "
           "retry_join_wan)";
  }
  return text + "; " + there + ": check that these servers run and that their WAN port is reachable, UDP and TCP";
}

}  // namespace proconsul::agent::cluster
