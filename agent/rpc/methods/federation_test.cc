// Methods that ask the gossip pools, and servers of other datacenters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <mutex>

#include "agent/http/test_server.h"
#include "agent/rpc/autopilot_state.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/dispatcher.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/types.h"
#include "catalog/commands.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/register.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using gossip::serf::KeyOperation;
using http::test::StoreServer;
using ::testing::ElementsAre;

class FakeFederation final : public Federation {
 public:
  std::vector<std::string> datacenters() const override { return names; }
  base::List<catalog::DatacenterMap> coordinates() const override { return maps; }
  bool on_wan() const override { return wan; }
  bool has_federation_states() const override { return states; }
  void user_event(std::string name, std::string payload, std::move_only_function<void(Result<>)> done) override {
    events.push_back(name + "=" + payload);
    done({});
  }
  void key_operation(bool of_wan, KeyOperation, std::string key, std::uint8_t, gossip::serf::KeyDone done) override {
    operations.push_back((of_wan ? "wan " : "lan ") + key);
    gossip::serf::KeyResult result;
    result.nodes = 3;
    result.keys = {{"k", 3}};
    done(std::move(result));
  }

  std::vector<std::string> names{"dc1"};
  base::List<catalog::DatacenterMap> maps{};
  bool wan = true, states = true;
  std::vector<std::string> events{}, operations{};
};

/// Knows no way to other servers; remembers who was asked for one.
class NoWay final : public Cluster {
 public:
  Result<Target> leader() const override { return Error{Errc::no_leader, kNoLeader}; }
  Result<Target> route(std::string_view datacenter) const override {
    const std::lock_guard lock(mutex);
    asked.emplace_back(datacenter);
    return Error{Errc::not_found, kNoPath};
  }
  mutable std::mutex mutex{};
  mutable std::vector<std::string> asked{};
};

class FederationMethods : public ::testing::Test {
 protected:
  ~FederationMethods() override {
    dispatcher.stop();
    pool.stop();
  }
  template <class Req, class Rep>
  Result<Rep> call(const char* method, Req request) {
    std::promise<Result<Rep>> promise;
    ask<Req, Rep>(dispatcher, loops[0], method, std::move(request),
                  [&](Result<Rep> reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  void store(catalog::PreparedQuery query) {
    server.store.writer().begin_command(++server.index);
    catalog::PreparedQueryRequest request;
    request.Op = "create";
    query.ID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    request.Query.emplace() = std::move(query);
    EXPECT_TRUE(catalog::query_apply(server.store.writer(), request));
    server.store.commit();
  }

  base::net::Loops loops{1};
  StoreServer server{};
  FakeFederation federation{};
  NoWay cluster{};
  Pool pool{loops, {}};
  Dispatcher dispatcher{loops, Services{.server = server, .federation = &federation}, cluster, pool, {}};
};

TEST_F(FederationMethods, DatacentersAsTheFederationKnowsThem) {
  federation.names = {"dc1", "near", "far"};
  catalog::DatacenterMap map;
  map.Datacenter = "near";
  map.AreaID = "wan";
  federation.maps.push_back(map);

  const auto names = call<DatacentersRequest, base::List<std::string>>("Catalog.ListDatacenters", {});
  const auto maps = call<Nothing, base::List<catalog::DatacenterMap>>("Coordinate.ListDatacenters", {});

  ASSERT_TRUE(names && maps);
  EXPECT_THAT(*names, ElementsAre("dc1", "near", "far"));
  ASSERT_EQ(maps->size(), 1u);
  EXPECT_EQ(maps->front().Datacenter, "near");
}

TEST_F(FederationMethods, AnEventIsFiredUnderConsulsPrefix) {
  EventFireRequest request;
  request.Name = "deploy";
  request.Payload = base::Bytes("bytes");

  EXPECT_TRUE((call<EventFireRequest, EventFireResponse>("Internal.EventFire", request)));

  EXPECT_THAT(federation.events, ElementsAre("consul:event:deploy=bytes"));
}

TEST_F(FederationMethods, KeysAreTreatedInBothPoolsAndInEveryOtherDatacenter) {
  KeyringRequest request;
  request.Operation = "list";

  const auto here = call<KeyringRequest, KeyringResponses>("Internal.KeyringOperation", request);

  ASSERT_TRUE(here);
  ASSERT_EQ(here->Responses.size(), 2u);
  EXPECT_TRUE(here->Responses[0]->WAN);
  EXPECT_FALSE(here->Responses[1]->WAN);
  EXPECT_EQ(here->Responses[1]->Datacenter, "dc1");
  EXPECT_EQ(here->Responses[1]->NumNodes, 3);
  EXPECT_EQ(here->Responses[1]->Keys.at("k"), 3);

  federation.names = {"dc1", "dc2"};
  const auto both = call<KeyringRequest, KeyringResponses>("Internal.KeyringOperation", request);
  EXPECT_FALSE(both) << "one datacenter that cannot be asked spoils the answer";
  EXPECT_THAT(cluster.asked, ElementsAre("dc2"));

  federation.operations.clear();
  request.Forwarded = true;
  EXPECT_TRUE((call<KeyringRequest, KeyringResponses>("Internal.KeyringOperation", request)));
  EXPECT_THAT(federation.operations, ElementsAre("lan ")) << "another datacenter's: of the LAN alone";
}

TEST_F(FederationMethods, KeyOperationsThatMakeNoSenseAreRefused) {
  KeyringRequest request;
  request.Operation = "install";
  request.LocalOnly = true;
  EXPECT_EQ((call<KeyringRequest, KeyringResponses>("Internal.KeyringOperation", request)).error().detail,
            "argument error: LocalOnly can only be used for List operations");
  request.Operation = "burn";
  EXPECT_FALSE((call<KeyringRequest, KeyringResponses>("Internal.KeyringOperation", request)));
  EXPECT_TRUE(federation.operations.empty());
}

TEST_F(FederationMethods, AQueryFailsOverAsFarAsDatacentersAreKnown) {
  federation.names = {"dc1", "near", "far"};
  catalog::PreparedQuery query;
  query.Name = "q";
  query.Service.Service = "web";
  query.Service.Failover.NearestN = 1;
  query.Service.Failover.Datacenters = {"unknown", "far"};
  query.DNS.TTL = "4s";
  store(std::move(query));
  PreparedQueryExecuteRequest request;
  request.QueryIDOrName = "q";

  const auto found =
      call<PreparedQueryExecuteRequest, catalog::PreparedQueryExecuteResponse>("PreparedQuery.Execute", request);

  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_THAT(cluster.asked, ElementsAre("near", "far"));
  EXPECT_EQ(found->Failovers, 2);
  EXPECT_TRUE(found->Nodes.empty());
  EXPECT_EQ(found->Service, "web");
  EXPECT_EQ(found->DNS.TTL, "4s");
  EXPECT_TRUE(found->KnownLeader);
}

TEST_F(FederationMethods, AQueryThatIsNotThereIsNotFound) {
  PreparedQueryExecuteRequest request;
  request.QueryIDOrName = "none";
  EXPECT_EQ((call<PreparedQueryExecuteRequest, catalog::PreparedQueryExecuteResponse>("PreparedQuery.Execute", request))
                .error()
                .detail,
            "Query not found");
  request.RequireConsistent = true;
  EXPECT_EQ((call<PreparedQueryExecuteRequest, catalog::PreparedQueryExplainResponse>("PreparedQuery.Explain", request))
                .error()
                .detail,
            "Query not found");
  EXPECT_EQ(server.verifications, 1);
}

TEST_F(FederationMethods, AServiceDumpIsFiltered) {
  for (const char* name : {"db", "web"}) {
    catalog::RegisterRequest request;
    request.Datacenter = "dc1";
    request.Node = "n";
    request.Address = "10.0.0.1";
    request.Service.emplace().Service = name;
    request.Service->ID = name;
    server.store.writer().begin_command(++server.index);
    EXPECT_TRUE(catalog::apply_register(server.store.writer(), std::move(request)));
  }
  server.store.commit();
  ServiceDumpRequest request;
  EXPECT_EQ((call<ServiceDumpRequest, IndexedNodesWithGateways>("Internal.ServiceDump", request))->Nodes.size(), 2u);
  request.Filter = "Service.Service == web";
  const auto found = call<ServiceDumpRequest, IndexedNodesWithGateways>("Internal.ServiceDump", request);
  ASSERT_EQ(found->Nodes.size(), 1u);
  EXPECT_EQ(found->Nodes[0].Service->Service, "web");
  request.Filter = {};
  request.UseServiceKind = true;
  request.ServiceKind = "connect-proxy";
  EXPECT_TRUE((call<ServiceDumpRequest, IndexedNodesWithGateways>("Internal.ServiceDump", request))->Nodes.empty());
}

TEST(AutopilotState, ShowsEveryServerByItsId) {
  server::Operator::Health health;
  health.servers.push_back({.peer = {.id = "a", .address = "10.0.0.1:8300", .voter = true, .leader = true},
                            .healthy = true,
                            .gossip_status = "alive",
                            .version = "1.21.4"});
  health.servers.push_back({.peer = {.id = "b", .address = "10.0.0.2:8300"}, .gossip_status = "failed"});
  const catalog::Store store;

  const AutopilotState state = autopilot_state(store.view()->tables(), health);

  EXPECT_FALSE(state.Healthy);
  EXPECT_EQ(state.Leader, "a");
  EXPECT_THAT(state.Voters, ElementsAre("a"));
  EXPECT_EQ(state.Servers.at("a")->State, "leader");
  EXPECT_EQ(state.Servers.at("b")->State, "non-voter");
  EXPECT_EQ(state.Servers.at("b")->Server.NodeStatus, "failed");
  const std::string bytes = base::to_msgpack(state);
  EXPECT_EQ(base::from_msgpack<AutopilotState>(bytes)->Servers.at("a")->Server.Version, "1.21.4");
}

}  // namespace
}  // namespace proconsul::agent::rpc
