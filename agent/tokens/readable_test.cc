#include "agent/tokens/readable.h"

#include <gtest/gtest.h>

#include "agent/tokens/compile.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::agent::tokens {
namespace {

using catalog::testing_support::check_of;
using catalog::testing_support::service_request;

constexpr const char* kPeer = "west";
// Somebody of this cluster, for what happens to be called the same.
constexpr const char* kByName = R"(node "n1" { policy = "read" } service "web" { policy = "read" })";
constexpr const char* kAllNodes = R"(node_prefix "" { policy = "read" } service "web" { policy = "read" })";
constexpr const char* kSomeProxy = R"(service "any" { policy = "write" })";

Who who(std::string rules) {
  catalog::ACLPolicy policy;
  policy.ID = "p1";
  policy.Name = "app";
  policy.Rules = std::move(rules);
  Compiler compiler(false);
  return {.accessor = "a1", .permissions = *compiler.compile({policy})};
}

class Imports : public catalog::testing_support::RegistryFixture {
 protected:
  void SetUp() override {
    for (const char* peer : {"", kPeer}) {
      catalog::RegisterRequest request = service_request("n1", "web", "web");
      request.PeerName = request.Service->PeerName = peer;
      for (const char* service : {"", "web"}) {
        request.Checks.emplace_back(check_of("n1", std::string("c") + service, "passing", service));
        request.Checks.back()->PeerName = peer;
      }
      apply(std::move(request));
    }
  }
  std::size_t nodes(const Who& of, const char* peer) {
    catalog::NodesAnswer found = catalog::list_nodes(tables(), {}, peer, nullptr);
    EXPECT_EQ(found.rows.size(), 1u);
    keep_readable(of, found.rows);
    return found.rows.size();
  }
  std::size_t checks(const Who& of, const char* peer) {
    catalog::ChecksAnswer found = catalog::checks_of_node(tables(), "n1", peer, nullptr);
    EXPECT_EQ(found.rows.size(), 2u);
    keep_readable(of, found.rows);
    return found.rows.size();
  }
  std::size_t services(const Who& of, const char* peer) {
    catalog::NodeServicesAnswer found = catalog::services_of_node(tables(), "n1", peer, nullptr);
    EXPECT_EQ(found.services.size(), 1u);
    keep_readable(of, found);
    EXPECT_TRUE(found.node != nullptr || found.services.empty());
    return found.services.size();
  }
  std::size_t dumped(const Who& of, const char* peer) {
    catalog::NodeDumpAnswer found = catalog::dump_nodes(tables(), "n1", peer, nullptr);
    EXPECT_EQ(found.dump.size(), 1u);
    keep_readable(of, found.dump);
    return found.dump.empty() ? 0 : 1 + found.dump.front()->Services.size() + found.dump.front()->Checks.size();
  }
};

TEST_F(Imports, RulesForANameAreNotForWhatAPeerCallsTheSame) {
  EXPECT_EQ(nodes(who(kByName), ""), 1u);
  EXPECT_EQ(checks(who(kByName), ""), 2u);
  EXPECT_EQ(services(who(kByName), ""), 1u);
  EXPECT_EQ(dumped(who(kByName), ""), 4u);

  EXPECT_EQ(nodes(who(kByName), kPeer), 0u);
  EXPECT_EQ(checks(who(kByName), kPeer), 0u);
  EXPECT_EQ(services(who(kByName), kPeer), 0u);
  EXPECT_EQ(dumped(who(kByName), kPeer), 0u);
}

TEST_F(Imports, WhoReadsAllNodesReadsImportedOnes) {
  EXPECT_EQ(nodes(who(kAllNodes), kPeer), 1u);
  EXPECT_EQ(checks(who(kAllNodes), kPeer), 1u) << "the node's own";
  EXPECT_EQ(services(who(kAllNodes), kPeer), 0u);
  EXPECT_EQ(dumped(who(kAllNodes), kPeer), 2u);
}

TEST_F(Imports, WhoMayWriteSomeServiceReadsAllThatPeersExport) {
  EXPECT_EQ(nodes(who(kSomeProxy), kPeer), 1u);
  EXPECT_EQ(checks(who(kSomeProxy), kPeer), 2u);
  EXPECT_EQ(services(who(kSomeProxy), kPeer), 1u);
  EXPECT_EQ(dumped(who(kSomeProxy), kPeer), 4u);
  EXPECT_EQ(nodes(who(kSomeProxy), ""), 0u);
}

}  // namespace
}  // namespace proconsul::agent::tokens
