#include "agent/local/sync.h"

#include <map>
#include <set>
#include <utility>

#include "catalog/registry/same.h"
#include "catalog/types/health.h"

namespace proconsul::agent::local {
namespace {

/// Tagged addresses that begin so are the servers' own (virtual IPs): an agent neither sets nor removes them.
constexpr std::string_view kReserved = "consul-";

catalog::StoredService stored(const catalog::NodeService& service) {
  catalog::StoredService row{};
  static_cast<catalog::NodeService&>(row) = service;
  return row;
}

/// The catalog's word counts for tags that may be overridden there and for the servers' own addresses.
void take_over(catalog::NodeService& service, const catalog::NodeService& remote) {
  if (service.EnableTagOverride) service.Tags = remote.Tags;
  for (const auto& [name, address] : remote.TaggedAddresses) {
    if (name.starts_with(kReserved)) service.TaggedAddresses.insert_or_assign(name, address);
  }
}

void compare_services(State& state, const Remote& remote) {
  std::map<std::string_view, const catalog::NodeService*> there;
  for (const catalog::NodeService& service : remote.services) there.emplace(service.ID, &service);
  for (const auto& [id, entry] : state.services()) {
    if (entry.deleted) continue;
    const auto found = there.find(id);
    ServiceEntry taken = entry;
    if (found != there.end()) take_over(taken.service, *found->second);
    const bool same = found != there.end() && catalog::same_service(stored(taken.service), stored(*found->second));
    state.compared(std::move(taken), same);
  }
  for (const auto& [id, service] : there) {
    if (id == catalog::kConsulServiceId || state.services().contains(id)) continue;
    state.add_stray_service(std::string(id));
  }
}

void compare_checks(State& state, const Remote& remote) {
  std::map<std::string_view, const catalog::HealthCheck*> there;
  for (const catalog::HealthCheck& check : remote.checks) there.emplace(check.CheckID, &check);
  for (const auto& [id, entry] : state.checks()) {
    if (entry.deleted) continue;
    const auto found = there.find(id);
    bool same = false;
    if (found != there.end()) {
      catalog::HealthCheck other = *found->second;
      if (entry.deferred) other.Output = entry.check.Output;
      same = catalog::same_check(entry.check, other);
    }
    state.compared(id, same);
  }
  for (const auto& [id, check] : there) {
    if (id == catalog::kSerfCheckId || state.checks().contains(id)) continue;
    state.add_stray_check(std::string(id));
  }
}

bool same_locality(const base::Pointer<catalog::Locality>& a, const base::Pointer<catalog::Locality>& b) {
  return a && b ? *a == *b : !a && !b;
}

catalog::RegisterRequest registration(const State& state, const NodeInfo& node, bool node_in_sync) {
  catalog::RegisterRequest request{};
  request.Datacenter = node.datacenter;
  request.ID = node.id;
  request.Node = state.node();
  request.Address = node.address;
  request.TaggedAddresses = node.tagged_addresses;
  request.NodeMeta = node.meta;
  request.SkipNodeUpdate = node_in_sync;
  return request;
}

catalog::DeregisterRequest deregistration(const State& state, const NodeInfo& node) {
  catalog::DeregisterRequest request{};
  request.Datacenter = node.datacenter;
  request.Node = state.node();
  return request;
}

}  // namespace

void compare(State& state, const NodeInfo& node, const Remote& remote) {
  if (!remote.node || remote.node->ID != node.id || remote.node->TaggedAddresses != node.tagged_addresses ||
      remote.node->Meta != node.meta || !same_locality(remote.node->Locality, node.locality)) {
    state.node_in_sync = false;
  }
  compare_services(state, remote);
  compare_checks(state, remote);
}

std::vector<Step> plan(const State& state, const NodeInfo& node, const SyncTokens& tokens) {
  std::vector<Step> steps;
  if (!state.node_in_sync) {
    catalog::RegisterRequest request = registration(state, node, false);
    request.Locality = node.locality;
    request.Token = tokens.agent;
    steps.push_back({.request = std::move(request), .node = true});
  }
  std::set<std::string_view> sent;
  for (const std::string& id : state.unsent_services()) {
    const ServiceEntry& entry = state.services().find(id)->second;
    Step step{.services = {{id, entry.revision}}};
    const auto add = [&](const CheckEntry& check) {
      step.checks.push_back({check.check.CheckID, check.revision});
      sent.insert(check.check.CheckID);
    };
    if (entry.deleted) {
      catalog::DeregisterRequest request = deregistration(state, node);
      request.Token = tokens.agent;
      request.ServiceID = id;
      step.request = std::move(request);
      // Its checks go with it.
      for (const CheckEntry* check : state.entries_of(id)) {
        if (check->deleted && !id.empty()) add(*check);
      }
    } else {
      catalog::RegisterRequest request = registration(state, node, true);
      request.Service.emplace() = entry.service;
      request.Token = tokens.of(entry);
      for (const CheckEntry* check : state.entries_of(id)) {
        if (check->deleted || check->in_sync || tokens.of(*check) != tokens.of(entry)) continue;
        request.Checks.emplace_back(check->check);
        add(*check);
      }
      if (request.Checks.size() == 1) {
        request.Check = std::move(request.Checks.front());
        request.Checks.reset();
      }
      step.request = std::move(request);
    }
    steps.push_back(std::move(step));
  }
  for (const std::string& id : state.unsent_checks()) {
    if (sent.contains(id)) continue;
    const CheckEntry& entry = state.checks().find(id)->second;
    Step step{.checks = {{id, entry.revision}}};
    if (entry.deleted) {
      catalog::DeregisterRequest request = deregistration(state, node);
      request.Token = tokens.agent;
      request.CheckID = id;
      step.request = std::move(request);
    } else {
      catalog::RegisterRequest request = registration(state, node, true);
      request.Check.emplace() = entry.check;
      request.Token = tokens.of(entry);
      if (const catalog::NodeService* service = state.service(entry.check.ServiceID)) {
        request.Service.emplace() = *service;
      }
      step.request = std::move(request);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

void settle(State& state, const Step& step) {
  if (step.node) state.node_in_sync = true;
  for (const auto& [id, revision] : step.services) state.settle_service(id, revision);
  for (const auto& [id, revision] : step.checks) state.settle_check(id, revision);
}

}  // namespace proconsul::agent::local
