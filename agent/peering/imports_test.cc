#include "agent/peering/imports.h"

#include <gtest/gtest.h>

#include "catalog/commands.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::agent::peering {
namespace {

using base::Result;
using catalog::CheckServiceNode;

constexpr const char* kPeer = "west";

CheckServiceNode instance_of(const std::string& node, const std::string& service) {
  CheckServiceNode instance;
  instance.Node.emplace().Node = node;
  instance.Node->Address = "10.0.0.1";
  instance.Node->Datacenter = "dc2";
  instance.Service.emplace().ID = service;
  instance.Service->Service = service;
  instance.Service->Weights.emplace() = {.Passing = 1, .Warning = 1};
  return instance;
}

class PeerImports : public testing::Test {
 protected:
  /// How many commands there were.
  std::size_t apply(const Result<Commands>& commands) {
    EXPECT_TRUE(commands) << commands.error().detail;
    if (!commands) return 0;
    for (const std::string& command : *commands) {
      store.writer().begin_command(++index);
      const catalog::CommandRow* row = catalog::find_command(static_cast<std::uint8_t>(command.front()));
      const Result<catalog::ApplyResult> applied = row->apply(store.writer(), std::string_view(command).substr(1));
      EXPECT_TRUE(applied) << applied.error().detail;
      if (applied) EXPECT_EQ(applied->error(), nullptr) << applied->error()->detail;
      store.commit();
    }
    return commands->size();
  }
  std::size_t show(const std::string& service, std::vector<CheckServiceNode> nodes) {
    ExportedService shown;
    for (CheckServiceNode& each : nodes) shown.Nodes.push_back(std::move(each));
    return apply(import_service(tables(), kPeer, service, std::move(shown)));
  }
  std::size_t list(std::vector<std::string> names) {
    ExportedServiceList listed;
    for (std::string& name : names) listed.Services.push_back(std::move(name));
    return apply(import_list(tables(), kPeer, listed));
  }
  std::vector<std::string> nodes() {
    std::vector<std::string> names;
    for (const auto [key, row] : tables().nodes.prefix(catalog::index_key({catalog::peer_part(kPeer)}))) {
      names.push_back(catalog::name_of(*row));
    }
    return names;
  }
  const catalog::Tables& tables() { return store.writer().tables(); }

  catalog::Store store{};
  std::uint64_t index = 10;
};

TEST_F(PeerImports, WhatIsStoredAsItIsShownIsNotWrittenAgain) {
  EXPECT_EQ(show("web", {instance_of("n1", "web"), instance_of("n2", "web")}), 2u);
  EXPECT_EQ(show("web", {instance_of("n1", "web"), instance_of("n2", "web")}), 0u);
  EXPECT_EQ(nodes(), (std::vector<std::string>{"n1", "n2"}));
}

TEST_F(PeerImports, ANodeStaysAsLongAsAnotherServiceIsOnIt) {
  show("web", {instance_of("n1", "web")});
  show("db", {instance_of("n1", "db")});

  list({"db"});
  EXPECT_EQ(nodes(), std::vector<std::string>{"n1"});

  show("db", {});
  EXPECT_EQ(nodes(), std::vector<std::string>());
}

TEST_F(PeerImports, ServicesThatLeaveTheListTogetherTakeTheirNodesAlong) {
  show("web", {instance_of("n1", "web"), instance_of("n2", "web")});
  show("db", {instance_of("n1", "db"), instance_of("n3", "db")});
  show("api", {instance_of("n3", "api")});

  list({"api"});

  EXPECT_EQ(nodes(), std::vector<std::string>{"n3"});
  EXPECT_NE(catalog::find_service(tables(), "n3", "api", kPeer), nullptr);
  EXPECT_EQ(catalog::find_service(tables(), "n3", "db", kPeer), nullptr);
}

TEST_F(PeerImports, WhereANodeIsIsKept) {
  CheckServiceNode instance = instance_of("n1", "web");
  instance.Node->Locality.emplace().Region = "eu";

  show("web", {instance});

  const catalog::NodeRow* row = catalog::find_node(tables(), "n1", kPeer);
  ASSERT_NE(row, nullptr);
  ASSERT_TRUE(row->get().Locality);
  EXPECT_EQ(row->get().Locality->Region, "eu");
}

TEST_F(PeerImports, AnInstanceWithoutWhatItNeedsChangesNothing) {
  ExportedService shown;
  shown.Nodes.push_back(instance_of("n1", "web"));
  shown.Nodes.push_back(instance_of("", "web"));
  EXPECT_FALSE(import_service(tables(), kPeer, "web", shown));
}

}  // namespace
}  // namespace proconsul::agent::peering
