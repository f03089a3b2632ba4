#include "catalog/registry/register.h"

#include <gtest/gtest.h>

#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/registry_fixture.h"
#include "catalog/registry/usage.h"
#include "catalog/store/key.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {
namespace {

using namespace testing_support;

class Registry : public RegistryFixture {};

TEST_F(Registry, ARepeatedRegistrationMovesNoIndex) {
  apply(service_request("n1", "web1", "web"));
  const auto first = index;

  apply(service_request("n1", "web1", "web"));

  EXPECT_EQ(index_of("peer.~:nodes"), first);
  EXPECT_EQ(index_of("peer.~:service.web"), first);
  EXPECT_EQ(find_service(tables(), "n1", "web1")->get().ModifyIndex, first);
}

TEST_F(Registry, AChangedNodeMovesTheIndexesOfItsServicesAndNoOthers) {
  apply(service_request("n1", "web1", "web"));
  apply(service_request("n2", "db1", "db"));
  const auto before = index;

  apply(node_request("n1", "10.9.9.9"));

  EXPECT_EQ(index_of("peer.~:service.web"), index);
  EXPECT_EQ(index_of("peer.~:service.db"), before);
  EXPECT_EQ(index_of("peer.~:services"), before);
  EXPECT_EQ(find_node(tables(), "n1")->get().Address, "10.9.9.9");
}

TEST_F(Registry, ANodeWithAKnownIdAndANewNameIsRenamedAndLosesItsServices) {
  RegisterRequest old = service_request("old", "web1", "web");
  old.ID = "11111111-2222-3333-4444-555555555555";
  apply(old);
  const auto created = index;

  RegisterRequest renamed = node_request("new");
  renamed.ID = old.ID;
  apply(renamed);

  EXPECT_EQ(find_node(tables(), "old"), nullptr);
  EXPECT_EQ(find_service(tables(), "old", "web1"), nullptr);
  EXPECT_EQ(find_node(tables(), "new")->get().CreateIndex, created);
  EXPECT_EQ(index_of("peer.~:service_last_extinction"), index);
  EXPECT_EQ(tables().nodes_by_id.size(), 1u);
}

TEST_F(Registry, TheNameOfAHealthyNodeIsNotForAnotherId) {
  RegisterRequest first = node_request("n1");
  first.ID = "11111111-2222-3333-4444-555555555555";
  first.Check = check_of("n1", "serfHealth", "passing");
  apply(first);

  RegisterRequest thief = node_request("n1");
  thief.ID = "99999999-2222-3333-4444-555555555555";

  EXPECT_EQ(refusal(thief),
            "failed inserting node: Error while renaming Node ID: \"99999999-2222-3333-4444-555555555555\": Node name "
            "n1 is reserved by node 11111111-2222-3333-4444-555555555555 with name n1 (10.0.0.1)");
  check(check_of("n1", "serfHealth", "critical"));
  EXPECT_EQ(refusal(thief), "");
  EXPECT_EQ(find_node(tables(), "n1")->get().ID, thief.ID);
}

TEST_F(Registry, AFailedRegistrationLeavesNothingBehind) {
  RegisterRequest request = service_request("n1", "web1", "web");
  request.Check = check_of("n1", "c1", "passing", "nobody");

  EXPECT_EQ(refusal(request), "failed inserting check on node \"n1\": Missing service registration");

  EXPECT_TRUE(tables().nodes.empty());
  EXPECT_TRUE(tables().instances.empty());
  EXPECT_EQ(index_of("nodes"), 0u);
}

TEST_F(Registry, TheLastInstanceOfAServiceTakesItsIndexAlong) {
  apply(service_request("n1", "web1", "web"));
  apply(service_request("n2", "web2", "web"));
  deregister("n1", "web1");
  EXPECT_EQ(index_of("peer.~:service.web"), index);

  deregister("n2", "web2");

  EXPECT_EQ(index_of("peer.~:service.web"), 0u);
  EXPECT_EQ(index_of("peer.~:service_last_extinction"), index);
  EXPECT_EQ(index_of("kind_service_names.typical"), index);
  EXPECT_EQ(service_usage(tables(), nullptr).usage.Services, 0);
}

TEST_F(Registry, ACheckThatTurnsCriticalEndsTheSessionsThatLiveByIt) {
  apply(node_request("n1"));
  check(check_of("n1", "c1", "passing"));
  SessionRequest create;
  create.Op = "create";
  create.Session.ID = "aaaaaaaa-2222-3333-4444-555555555555";
  create.Session.Node = "n1";
  create.Session.NodeChecks = base::List<std::string>({"c1"});
  store.writer().begin_command(++index);
  ASSERT_TRUE(session_apply(store.writer(), create));

  check(check_of("n1", "c1", "critical"));

  EXPECT_TRUE(tables().sessions.empty());
}

TEST_F(Registry, ANodeTakesItsServicesChecksAndCoordinatesAlong) {
  RegisterRequest request = service_request("n1", "web1", "web");
  request.Check = check_of("n1", "c1", "passing", "web1");
  apply(request);

  deregister("N1");

  EXPECT_TRUE(tables().nodes.empty());
  EXPECT_TRUE(tables().services.empty());
  EXPECT_TRUE(tables().instances.empty());
  EXPECT_TRUE(tables().checks.empty());
  EXPECT_TRUE(tables().checks_by_instance.empty());
  EXPECT_TRUE(tables().checks_by_service.empty());
  EXPECT_EQ(index_of("peer.~:node.n1"), 0u);
  EXPECT_EQ(index_of("peer.~:node_last_extinction"), index);
}

TEST_F(Registry, ARenamedServiceIsFoundUnderItsNewNameOnly) {
  apply(service_request("n1", "s1", "web"));

  apply(service_request("n1", "s1", "api"));

  EXPECT_FALSE(tables().instances.prefix(index_key({"~", "web"})));
  EXPECT_TRUE(tables().instances.prefix(index_key({"~", "api"})));
  EXPECT_EQ(service_usage(tables(), nullptr).usage.Services, 1);
  EXPECT_EQ(service_usage(tables(), nullptr).usage.ServiceInstances, 1);
}

TEST_F(Registry, MeshServicesGetAddressesOnceTheClusterHasAgreed) {
  RegisterRequest proxy = service_request("n1", "web-proxy", "web-proxy");
  proxy.Service->Kind = kKindConnectProxy;
  proxy.Service->Proxy.edit().DestinationServiceName = "web";
  apply(proxy);
  EXPECT_EQ(virtual_ip_of(tables(), {.ServiceName = {.Name = "web"}}), "");

  SystemMetadataEntry flag;
  flag.Key = "virtual-ips";
  flag.Value = "true";
  store.writer().tables().system_metadata.insert(index_key({flag.Key}), base::make_row(flag));
  proxy.Service->Port = 81;
  apply(proxy);
  RegisterRequest native = service_request("n1", "api", "api");
  native.Service->Connect.edit().Native = true;
  apply(native);

  EXPECT_EQ(virtual_ip_of(tables(), {.ServiceName = {.Name = "web"}}), "240.0.0.1");
  EXPECT_EQ(virtual_ip_of(tables(), {.ServiceName = {.Name = "api"}}), "240.0.0.2");
  EXPECT_EQ(find_service(tables(), "n1", "api")->get().TaggedAddresses.at("consul-virtual").Address, "240.0.0.2");
  deregister("n1", "api");
  EXPECT_EQ(virtual_ip_of(tables(), {.ServiceName = {.Name = "api"}}), "");
  apply(native);
  EXPECT_EQ(virtual_ip_of(tables(), {.ServiceName = {.Name = "api"}}), "240.0.0.2");
}

TEST_F(Registry, UsageCountsInstancesByTheirPartInTheMesh) {
  apply(service_request("n1", "web1", "web"));
  apply(service_request("n2", "consul", "consul"));
  RegisterRequest proxy = service_request("n1", "p", "web-proxy");
  proxy.Service->Kind = kKindConnectProxy;
  proxy.Service->Proxy.edit().DestinationServiceName = "web";
  apply(proxy);

  const ServiceUsage usage = service_usage(tables(), nullptr).usage;

  EXPECT_EQ(usage.Nodes, 2);
  EXPECT_EQ(usage.Services, 3);
  EXPECT_EQ(usage.ServiceInstances, 3);
  EXPECT_EQ(usage.BillableServiceInstances, 1);
  EXPECT_EQ(usage.ConnectServiceInstances.at("connect-proxy"), 1);
  EXPECT_EQ(usage.ConnectServiceInstances.at("connect-native"), 0);
}

}  // namespace
}  // namespace proconsul::catalog
