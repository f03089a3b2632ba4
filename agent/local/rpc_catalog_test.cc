#include "agent/local/rpc_catalog.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "agent/cluster/server_caller.h"
#include "agent/rpc/test_port.h"
#include "catalog/registry/register.h"

namespace proconsul::agent::local {
namespace {

using base::Result;

/// A client agent's catalog, behind a server port over a bare store.
class RpcCatalogTest : public testing::Test {
 protected:
  ~RpcCatalogTest() override {
    caller.stop();
    pool.stop();
    port.stop();
    loops.stop();  // what is still under way refers to the rest
  }
  void put(const std::string& status, const std::string& service = "web") {
    catalog::RegisterRequest request{};
    request.Node = "far";
    request.Address = "10.0.0.2";
    request.Service.emplace();
    request.Service->ID = request.Service->Service = service;
    request.Check.emplace();
    request.Check->Node = "far";
    request.Check->CheckID = request.Check->Name = "c";
    request.Check->ServiceID = service;
    request.Check->Status = status;
    const std::lock_guard lock(port.server.mutex);
    port.server.store.writer().begin_command(++port.server.index);
    ASSERT_TRUE(catalog::apply_register(port.server.store.writer(), std::move(request)));
    (void)port.server.store.commit();
  }
  Result<Remote> fetch() {
    std::promise<Result<Remote>> promise;
    catalog.fetch([&](Result<Remote> found) { promise.set_value(std::move(found)); });
    return promise.get_future().get();
  }
  /// Counts news.
  std::function<void()> news() {
    return [this] {
      const std::lock_guard lock(mutex);
      ++changes;
      changed.notify_all();
    };
  }
  void await(int count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return changes >= count; });
  }

  std::mutex mutex{};
  std::condition_variable changed{};
  int changes = 0;
  base::net::Loops loops{2};
  rpc::test::StorePort port{loops};
  rpc::Pool pool{loops, {}};
  cluster::ServerCaller caller{loops, pool, {}};
  RpcCatalog catalog{loops, caller, {.node = "far", .datacenter = "dc1"}};
};

TEST_F(RpcCatalogTest, WithoutServersAFetchFails) {
  const Result<Remote> found = fetch();

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail, "No known Consul servers");
}

TEST_F(RpcCatalogTest, FetchesTheNodeWithItsServicesAndChecks) {
  caller.add(port.target());
  EXPECT_FALSE(fetch()->node);

  put("passing");
  const Result<Remote> found = fetch();

  ASSERT_TRUE(found && found->node);
  EXPECT_EQ(found->node->Address, "10.0.0.2");
  ASSERT_EQ(found->services.size(), 1u);
  EXPECT_EQ(found->services[0].ID, "web");
  ASSERT_EQ(found->checks.size(), 1u);
  EXPECT_EQ(found->checks[0].Status, "passing");
}

TEST_F(RpcCatalogTest, FollowsTheChecksOfAnotherNode) {
  caller.add(port.target());
  put("passing");

  const auto followed = catalog.follow("far", "web", "", news());
  await(1);
  EXPECT_EQ(followed->read().value()->checks.at(0).Status, "passing");
  put("critical");
  await(2);

  EXPECT_EQ(followed->read().value()->checks.at(0).Status, "critical");
}

TEST_F(RpcCatalogTest, AServiceWithoutChecksIsLookedFor) {
  caller.add(port.target());
  put("passing", "db");

  const auto followed = catalog.follow("far", "web", "", news());
  await(1);

  EXPECT_FALSE(followed->read().value()->service_exists);
}

TEST_F(RpcCatalogTest, WhatCannotBeFollowedIsAnError) {
  const auto followed = catalog.follow("far", "web", "", news());
  await(1);

  const auto read = followed->read();
  ASSERT_TRUE(read && !*read);
  EXPECT_EQ(read->error().detail, "No known Consul servers");
}

}  // namespace
}  // namespace proconsul::agent::local
