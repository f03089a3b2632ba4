#include "wanfed/gateway/routes.h"

#include <algorithm>
#include <map>
#include <utility>

namespace proconsul::wanfed::gateway {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& letter : out) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
  }
  return out;
}

/// "Consul." is "consul".
std::string domain_of(std::string_view text) {
  while (text.starts_with('.')) text.remove_prefix(1);
  while (text.ends_with('.')) text.remove_suffix(1);
  return lower(text);
}

std::vector<Address> sorted(std::vector<Address> addresses) {
  std::erase_if(addresses, [](const Address& address) { return address.host.empty() || address.port == 0; });
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

}  // namespace

std::string to_string(const Address& address) {
  const std::string port = std::to_string(address.port);
  if (address.host.find(':') != std::string::npos) return "[" + address.host + "]:" + port;
  return address.host + ":" + port;
}

std::string_view to_string(ClusterKind kind) {
  switch (kind) {
    case ClusterKind::service:
      return "service";
    case ClusterKind::datacenter:
      return "datacenter";
    case ClusterKind::remote_servers:
      return "remote_servers";
    case ClusterKind::local_servers:
      return "local_servers";
    case ClusterKind::local_server:
      return "local_server";
  }
  return "unknown";
}

RouteTable::RouteTable(const Topology& topology) {
  const std::string datacenter = lower(topology.datacenter);
  const std::string servers = ".server.";  // between a node and its datacenter
  const std::string domain = "." + domain_of(topology.domain);
  const std::string mesh = ".internal." + domain_of(topology.trust_domain);
  std::map<std::string, Cluster> all;
  std::vector<std::string> wildcards;
  const auto add = [&all](std::string name, ClusterKind kind, std::vector<Address> endpoints) {
    Cluster cluster{.name = name, .kind = kind, .endpoints = sorted(std::move(endpoints))};
    return all.try_emplace(std::move(name), std::move(cluster)).second;
  };

  std::map<std::string, const Topology::Datacenter*> others;
  for (const Topology::Datacenter& other : topology.datacenters) {
    const std::string name = lower(other.name);
    if (name.empty() || name == datacenter) continue;
    const auto [known, is_new] = others.try_emplace(name, &other);
    if (!is_new && other.index > known->second->index) known->second = &other;
  }
  for (const auto& [name, other] : others) {
    if (add(name + mesh, ClusterKind::datacenter, other->gateways)) wildcards.push_back(name + mesh);
    if (!topology.wan_federation) continue;
    const std::string bare = servers.substr(1) + name + domain;
    if (add(bare, ClusterKind::remote_servers, other->gateways)) wildcards.push_back(bare);
  }
  if (topology.wan_federation) {
    std::map<std::string, std::vector<Address>> by_node;
    std::vector<Address> everyone;
    for (const Topology::Server& server : topology.servers) {
      if (server.node.empty()) continue;
      by_node[lower(server.node)].push_back(server.address);
      everyone.push_back(server.address);
    }
    for (auto& [node, addresses] : by_node) {
      add(node + servers + datacenter + domain, ClusterKind::local_server, std::move(addresses));
    }
    add(servers.substr(1) + datacenter + domain, ClusterKind::local_servers, std::move(everyone));
  }
  for (const Topology::Service& service : topology.services) {
    if (!service.sni.empty()) add(lower(service.sni), ClusterKind::service, service.instances);
  }

  clusters_.reserve(all.size());
  for (auto& [name, cluster] : all) {
    exact_.emplace(name, clusters_.size());
    clusters_.push_back(std::move(cluster));
  }
  for (std::string& name : wildcards) {
    const std::size_t place = exact_.find(name)->second;
    below_.emplace(std::move(name), place);
  }
}

const Cluster* RouteTable::cluster(std::string_view name) const {
  const auto found = exact_.find(name);
  return found == exact_.end() ? nullptr : &clusters_[found->second];
}

const Cluster* RouteTable::find(std::string_view server_name) const {
  if (const Cluster* exact = cluster(server_name)) return exact;
  for (std::size_t dot = server_name.find('.'); dot != std::string_view::npos; dot = server_name.find('.', dot + 1)) {
    if (dot == 0) continue;  // a wildcard stands for something
    const auto found = below_.find(server_name.substr(dot + 1));
    if (found != below_.end()) return &clusters_[found->second];
  }
  return nullptr;
}

RouteChanges diff(const RouteTable& before, const RouteTable& after) {
  RouteChanges changes;
  for (const Cluster& cluster : before.clusters()) {
    const Cluster* now = after.cluster(cluster.name);
    if (now == nullptr) {
      changes.removed.push_back(cluster.name);
    } else if (*now != cluster) {
      changes.changed.push_back(cluster.name);
    }
  }
  for (const Cluster& cluster : after.clusters()) {
    if (before.cluster(cluster.name) == nullptr) changes.added.push_back(cluster.name);
  }
  return changes;
}

}  // namespace proconsul::wanfed::gateway
