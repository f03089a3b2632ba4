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
/// How often the servers of a datacenter change places, so that work is spread.
constexpr base::Duration kShuffled = base::seconds(120);
constexpr base::Duration kQuiet = base::seconds(10);
constexpr std::size_t kMostComplaints = 64;  // clients choose the names

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
    if (member->Status == MemberStatus::left) continue;
    if (const auto server = server::server_info(*member)) names.insert(server->datacenter);
  }
  return {names.begin(), names.end()};
}

bool Servers::have_feature(std::string_view datacenter, std::string_view feature) const {
  bool found = false;
  for (const MemberPtr& member : options_.members(datacenter != options_.datacenter)) {
    if (member->Status != MemberStatus::alive && member->Status != MemberStatus::failed) continue;
    const auto server = server::server_info(*member);
    if (!server || server->datacenter != datacenter) continue;
    found = true;
    const auto version = server->features.find(feature);
    if (version == server->features.end() || version->second != "1") return false;
  }
  return found;
}

void Servers::arrange(Order& order, const std::vector<ServerInfo>& servers) {
  const auto there = [&](const std::string& name) {
    return std::ranges::any_of(servers, [&](const ServerInfo& server) { return server.name == name; });
  };
  std::erase_if(order.names, [&](const std::string& name) { return !there(name); });
  for (const ServerInfo& server : servers) {
    if (std::ranges::find(order.names, server.name) == order.names.end()) order.names.push_back(server.name);
  }
  const base::MonotonicTime now = options_.clock->now();
  if (order.shuffled && now - *order.shuffled < kShuffled) return;
  order.shuffled = now;
  for (std::size_t i = order.names.size(); i > 1; --i) {
    std::swap(order.names[i - 1], order.names[options_.random->below(i)]);
  }
}

std::optional<ServerInfo> Servers::route(std::string_view datacenter) {
  const bool here = datacenter == options_.datacenter;
  std::vector<ServerInfo> servers;
  for (const MemberPtr& member : options_.members(!here)) {
    if (member->Status == MemberStatus::left) continue;
    auto server = server::server_info(*member);
    if (server && server->datacenter == datacenter && server->id != options_.own_id) {
      servers.push_back(std::move(*server));
    }
  }
  const std::lock_guard lock(mutex_);
  if (servers.empty()) {
    if (const auto known = orders_.find(datacenter); known != orders_.end()) orders_.erase(known);
    return std::nullopt;
  }
  Order& order = orders_[std::string(datacenter)];
  arrange(order, servers);
  const base::MonotonicTime now = options_.clock->now();
  std::erase_if(failed_, [now](const auto& entry) { return now - entry.second >= kAvoided; });
  // Reachable and fine, reachable, taken for dead by gossip alone.
  std::optional<ServerInfo> chosen;
  int best = 0;
  for (const std::string& name : order.names) {
    const auto server = std::ranges::find(servers, name, &ServerInfo::name);
    const bool fine = !failed_.contains(name);
    const int rank = is_reachable(*server) ? (fine ? 3 : 2) : (fine ? 1 : 0);
    if (rank <= best) continue;
    best = rank;
    chosen = *server;
  }
  return chosen;
}

void Servers::failed(std::string_view datacenter, std::string_view name) {
  const std::lock_guard lock(mutex_);
  failed_.insert_or_assign(std::string(name), options_.clock->now());
  const auto order = orders_.find(datacenter);
  if (order == orders_.end()) return;
  auto& names = order->second.names;
  if (const auto place = std::ranges::find(names, name); place != names.end()) {
    std::rotate(place, place + 1, names.end());
  }
}

bool Servers::may_complain(std::string_view of) {
  const std::lock_guard lock(mutex_);
  const base::MonotonicTime now = options_.clock->now();
  std::erase_if(complained_, [now](const auto& entry) { return now - entry.second >= kQuiet; });
  if (complained_.contains(of) || complained_.size() >= kMostComplaints) return false;
  complained_.emplace(of, now);
  return true;
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
