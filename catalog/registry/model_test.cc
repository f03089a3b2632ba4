// Random registrations against a model that is too simple to be wrong: plain maps, and indexes raised by the rules.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "base/json.h"
#include "catalog/query/checks.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/registry_fixture.h"
#include "catalog/registry/usage.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using namespace testing_support;

struct ModelService {
  std::string name;
  base::Int port;
  std::uint64_t created, modified;
};
struct ModelCheck {
  std::string status, service_id, service_name;
  std::uint64_t created, modified;
};
struct ModelNode {
  std::string address;
  std::uint64_t created, modified;
  std::map<std::string, ModelService> services;
  std::map<std::string, ModelCheck> checks;
};

class Model {
 public:
  std::map<std::string, ModelNode> nodes;
  std::map<std::string, std::uint64_t> indexes;
  std::uint64_t index = 0;

  void put_node(const std::string& name, const std::string& address) {
    auto [at, fresh] = nodes.try_emplace(name, ModelNode{address, index, index, {}, {}});
    if (!fresh && at->second.address == address) return;
    at->second.address = address;
    at->second.modified = index;
    raise("nodes");
    raise_own("node." + name);
    raise_services_of(at->second);
  }
  void put_service(const std::string& node, const std::string& id, const std::string& name, base::Int port) {
    auto& services = nodes.at(node).services;
    auto [at, fresh] = services.try_emplace(id, ModelService{name, port, index, index});
    if (!kinds.contains(name)) {
      kinds.insert(name);
      indexes["kind_service_names.typical"] = index;
    }
    if (!fresh && at->second.name == name && at->second.port == port) return;
    at->second = {name, port, at->second.created, index};
    raise("services");
    raise("nodes");
    raise_own("node." + node);
    raise_service(name);
  }
  void put_check(const std::string& node, const std::string& id, const std::string& status,
                 const std::string& service_id) {
    ModelNode& owner = nodes.at(node);
    const std::string name = service_id.empty() ? "" : owner.services.at(service_id).name;
    auto [at, fresh] = owner.checks.try_emplace(id, ModelCheck{status, service_id, name, index, index});
    ModelCheck& check = at->second;
    if (!fresh && check.status == status && check.service_id == service_id && check.service_name == name) return;
    check = {status, service_id, name, check.created, index};
    if (service_id.empty()) {
      raise_services_of(owner);
    } else {
      raise_service(name);
    }
    raise("checks");
  }
  void drop_check(const std::string& node, const std::string& id) {
    const auto owner = nodes.find(node);
    if (owner == nodes.end() || !owner->second.checks.contains(id)) return;
    const ModelCheck check = owner->second.checks.at(id);
    if (check.service_id.empty()) {
      raise_services_of(owner->second);
      raise("services");
    } else {
      raise_service(check.service_name);
    }
    owner->second.checks.erase(id);
    raise("checks");
  }
  void drop_service(const std::string& node, const std::string& id) {
    const auto owner = nodes.find(node);
    if (owner == nodes.end() || !owner->second.services.contains(id)) return;
    std::set<std::string> checks;
    for (const auto& [check_id, check] : owner->second.checks) {
      if (check.service_id == id) checks.insert(check_id);
    }
    for (const std::string& check : checks) drop_check(node, check);
    raise("checks");
    const std::string name = owner->second.services.at(id).name;
    owner->second.services.erase(id);
    raise("services");
    raise_kind();
    raise("nodes");
    raise_own("node." + node);
    if (has(name)) {
      raise_own("service." + name);
      return;
    }
    indexes.erase("peer.~:service." + name);
    raise_own("service_last_extinction");
    kinds.erase(name);
    indexes["kind_service_names.typical"] = index;
  }
  void drop_node(const std::string& node) {
    const auto owner = nodes.find(node);
    if (owner == nodes.end()) return;
    raise_services_of(owner->second);
    std::set<std::string> ids;
    for (const auto& [id, service] : owner->second.services) ids.insert(id);
    for (const std::string& id : ids) drop_service(node, id);
    ids.clear();
    for (const auto& [id, check] : owner->second.checks) ids.insert(id);
    for (const std::string& id : ids) drop_check(node, id);
    nodes.erase(node);
    raise("nodes");
    indexes.erase("peer.~:node." + node);
    raise_own("node_last_extinction");
  }
  bool has(const std::string& name) const {
    for (const auto& [node, owner] : nodes) {
      for (const auto& [id, service] : owner.services) {
        if (service.name == name) return true;
      }
    }
    return false;
  }

 private:
  std::set<std::string> kinds;

  void raise_own(const std::string& name) { indexes["peer.~:" + name] = index; }
  void raise(const std::string& table) {
    indexes[table] = index;
    raise_own(table);
  }
  void raise_kind() { raise("service_kind.typical"); }
  void raise_service(const std::string& name) {
    raise_own("service." + name);
    raise_kind();
  }
  void raise_services_of(const ModelNode& node) {
    for (const auto& [id, service] : node.services) raise_service(service.name);
  }
};

class RegistryModel : public RegistryFixture, public testing::WithParamInterface<unsigned> {
 protected:
  void compare(const Model& model) {
    std::map<std::string, std::uint64_t> indexes;
    tables().indexes.each({}, [&](std::string_view name, std::uint64_t value) { indexes.emplace(name, value); });
    ASSERT_EQ(indexes, model.indexes);

    ASSERT_EQ(tables().nodes.size(), model.nodes.size());
    std::size_t services = 0;
    std::size_t checks = 0;
    std::map<std::string, std::size_t> instances;
    for (const auto& [name, expected] : model.nodes) {
      const NodeRow* row = find_node(tables(), name);
      ASSERT_NE(row, nullptr);
      const Node node = row->get();
      EXPECT_EQ(node.Address, expected.address);
      EXPECT_EQ(node.CreateIndex, expected.created);
      EXPECT_EQ(node.ModifyIndex, expected.modified);
      for (const auto& [id, service] : expected.services) {
        ++services;
        ++instances[service.name];
        const ServiceRow* found = find_service(tables(), name, id);
        ASSERT_NE(found, nullptr);
        const StoredService stored = found->get();
        EXPECT_EQ(stored.Service, service.name);
        EXPECT_EQ(stored.Port, service.port);
        EXPECT_EQ(stored.CreateIndex, service.created);
        EXPECT_EQ(stored.ModifyIndex, service.modified);
      }
      for (const auto& [id, check] : expected.checks) {
        ++checks;
        const CheckRow* found = find_check(tables(), name, id);
        ASSERT_NE(found, nullptr);
        const HealthCheck stored = found->get();
        EXPECT_EQ(stored.Status, check.status);
        EXPECT_EQ(stored.ServiceName, check.service_name);
        EXPECT_EQ(stored.CreateIndex, check.created);
        EXPECT_EQ(stored.ModifyIndex, check.modified);
      }
    }
    ASSERT_EQ(tables().services.size(), services);
    ASSERT_EQ(tables().instances.size(), services);
    ASSERT_EQ(tables().checks.size(), checks);
    ASSERT_EQ(tables().checks_by_instance.size(), checks);
    const ServiceUsage usage = service_usage(tables(), nullptr).usage;
    EXPECT_EQ(usage.Nodes, static_cast<base::Int>(model.nodes.size()));
    EXPECT_EQ(usage.ServiceInstances, static_cast<base::Int>(services));
    EXPECT_EQ(usage.Services, static_cast<base::Int>(instances.size()));
    for (const auto& [service, count] : instances) compare_answers(service, count);
  }

  // What is kept encoded must be what a fresh look at the tables gives.
  void compare_answers(const std::string& service, std::size_t count) {
    const InstancesAnswer answer = health_instances(tables(), {.service = service}, nullptr);
    ASSERT_EQ(answer.rows.size(), count);
    EXPECT_EQ(answer.index, index_of("peer.~:service." + service));
    std::string scratch;
    for (const InstanceRow* row : answer.rows) {
      CheckServiceNode fresh = check_service_node(tables(), *row);
      auto worst = InstanceRow::Health::passing;
      for (const auto& check : fresh.Checks) {
        if (check->Status == "critical") worst = InstanceRow::Health::critical;
        if (check->Status == "warning") worst = std::max(worst, InstanceRow::Health::warning);
      }
      EXPECT_EQ(health(tables(), *row), worst);
      show_lists(fresh);
      EXPECT_EQ(health_json(tables(), *row, scratch), base::to_json(fresh));
      ServiceNode flat = service_node(tables(), *row);
      show_lists(flat);
      EXPECT_EQ(catalog_json(tables(), *row, scratch), base::to_json(flat));
    }
  }
};

TEST_P(RegistryModel, EveryCommandDoesWhatTheModelDoes) {
  std::mt19937 random(GetParam());
  const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const std::string statuses[] = {"passing", "warning", "critical"};
  Model model;
  for (int step = 0; step < 600; ++step) {
    SCOPED_TRACE("step " + std::to_string(step) + ", seed " + std::to_string(GetParam()));
    const std::string node = "n" + std::to_string(pick(4));
    const std::string id = "s" + std::to_string(pick(4));
    const std::string check_id = "c" + std::to_string(pick(4));
    const std::string address = "10.0.0." + std::to_string(pick(2));
    model.index = index + 1;
    switch (pick(8)) {
      case 0:
        apply(node_request(node, address));
        model.put_node(node, address);
        break;
      case 1:
      case 2: {
        RegisterRequest request = service_request(node, id, "web" + std::to_string(pick(3)));
        request.Address = address;
        request.Service->Port = pick(2);
        model.put_node(node, address);
        model.put_service(node, id, request.Service->Service, request.Service->Port);
        apply(request);
        break;
      }
      case 3:
      case 4:
      case 5: {
        if (!model.nodes.contains(node)) break;
        const bool on_service = pick(2) == 0 && model.nodes.at(node).services.contains(id);
        const std::string& status = statuses[pick(3)];
        check(check_of(node, check_id, status, on_service ? id : ""));
        model.put_check(node, check_id, status, on_service ? id : "");
        break;
      }
      case 6:
        if (pick(2) == 0) {
          deregister(node, id);
          model.drop_service(node, id);
        } else {
          deregister(node, {}, check_id);
          model.drop_check(node, check_id);
        }
        break;
      default:
        if (pick(4) != 0) break;
        deregister(node);
        model.drop_node(node);
    }
    compare(model);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RegistryModel, testing::Range(1u, 9u));

}  // namespace
}  // namespace proconsul::catalog
