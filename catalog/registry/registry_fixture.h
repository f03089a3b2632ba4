// What tests of the registry and of its queries share: requests in one line, and a store that applies them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "catalog/registry/register.h"
#include "catalog/store/store.h"

namespace proconsul::catalog::testing_support {

inline RegisterRequest node_request(std::string node, std::string address = "10.0.0.1") {
  RegisterRequest request;
  request.Datacenter = "dc1";
  request.Node = std::move(node);
  request.Address = std::move(address);
  return request;
}

inline RegisterRequest service_request(std::string node, std::string id, std::string name) {
  RegisterRequest request = node_request(std::move(node));
  NodeService& service = request.Service.emplace();
  service.ID = std::move(id);
  service.Service = std::move(name);
  service.Port = 80;
  return request;
}

inline HealthCheck check_of(std::string node, std::string id, std::string status, std::string service_id = {}) {
  HealthCheck check;
  check.Node = std::move(node);
  check.CheckID = std::move(id);
  check.Name = check.CheckID;
  check.Status = std::move(status);
  check.ServiceID = std::move(service_id);
  return check;
}

class RegistryFixture : public testing::Test {
 protected:
  void apply(RegisterRequest request) {
    store.writer().begin_command(++index);
    const auto done = apply_register(store.writer(), std::move(request));
    ASSERT_TRUE(done) << done.error().detail;
    store.commit();
  }
  std::string refusal(RegisterRequest request) {
    store.writer().begin_command(++index);
    const auto done = apply_register(store.writer(), std::move(request));
    store.commit();
    return done ? "" : done.error().detail;
  }
  void check(HealthCheck check) {
    RegisterRequest request = node_request(check.Node);
    request.SkipNodeUpdate = true;
    request.Check = std::move(check);
    apply(std::move(request));
  }
  void deregister(std::string node, std::string service = {}, std::string check_id = {}) {
    DeregisterRequest request;
    request.Node = std::move(node);
    request.ServiceID = std::move(service);
    request.CheckID = std::move(check_id);
    store.writer().begin_command(++index);
    ASSERT_TRUE(apply_deregister(store.writer(), request));
    store.commit();
  }
  const Tables& tables() { return store.writer().tables(); }
  std::uint64_t index_of(std::string_view name) { return tables().index_of(name); }

  Store store;
  std::uint64_t index = 10;
};

}  // namespace proconsul::catalog::testing_support
