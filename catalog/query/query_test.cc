#include <gtest/gtest.h>

#include "base/watch.h"
#include "catalog/query/checks.h"
#include "catalog/query/distance.h"
#include "catalog/query/instances.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/coordinates.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::catalog {
namespace {

using namespace testing_support;

class Sink : public base::WakeSink {
 public:
  void wake(std::vector<std::uint64_t> tokens) override { woken += tokens.size(); }
  std::size_t woken = 0;
};

class Query : public RegistryFixture {
 protected:
  /// Whether the change wakes who waits for an answer.
  template <class Ask, class Change>
  bool wakes(Ask ask, Change change) {
    base::KeySet keys;
    ask(&keys);
    Sink sink;
    base::Watch watch = store.watches().watch(keys, sink, 1);
    change();
    return sink.woken > 0;
  }
  InstancesAnswer health_of(std::string_view service, base::KeySet* watch = nullptr) {
    return health_instances(tables(), {.service = service}, watch);
  }
  std::string json_of(const InstanceRow& row) {
    std::string scratch;
    return std::string(health_json(tables(), row, scratch));
  }
};

TEST_F(Query, AnInstanceIsShownWithItsNodeAndTheChecksOfBoth) {
  apply(service_request("n1", "web1", "web"));
  check(check_of("n1", "serfHealth", "passing"));
  check(check_of("n1", "c1", "warning", "web1"));
  check(check_of("n1", "other", "critical", "web1"));

  const InstancesAnswer answer = health_of("WEB");

  ASSERT_EQ(answer.rows.size(), 1u);
  EXPECT_EQ(answer.index, index);
  const CheckServiceNode joined = check_service_node(tables(), *answer.rows[0]);
  EXPECT_EQ(joined.Node->Address, "10.0.0.1");
  ASSERT_EQ(joined.Checks.size(), 3u);
  EXPECT_EQ(joined.Checks[0]->CheckID, "serfHealth");
  EXPECT_EQ(joined.Checks[1]->ServiceName, "web");
  EXPECT_EQ(health(tables(), *answer.rows[0]), InstanceRow::Health::critical);
}

TEST_F(Query, TheEncodedInstanceIsThePeersJson) {
  RegisterRequest request = service_request("n1", "web1", "web");
  request.ID = "11111111-2222-3333-4444-555555555555";
  request.Service->Meta.make_present();
  apply(request);
  check(check_of("n1", "serfHealth", "passing"));

  const std::string json = json_of(*health_of("web").rows[0]);

  EXPECT_EQ(
      json,
      R"({"Node":{"ID":"11111111-2222-3333-4444-555555555555","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1",)"
      R"("TaggedAddresses":null,"Meta":null,"CreateIndex":11,"ModifyIndex":11},"Service":{"ID":"web1","Service":"web",)"
      R"("Tags":[],"Address":"","Meta":{},"Port":80,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,)"
      R"("Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":11,)"
      R"("ModifyIndex":11},"Checks":[{"Node":"n1","CheckID":"serfHealth","Name":"serfHealth","Status":"passing",)"
      R"("Notes":"","Output":"","ServiceID":"","ServiceName":"","ServiceTags":[],"Type":"","Interval":"","Timeout":"",)"
      R"("ExposedPort":0,"Definition":{},"CreateIndex":12,"ModifyIndex":12}]})");
}

TEST_F(Query, TheEncodedInstanceIsKeptUntilItsNodeServiceOrACheckChanges) {
  apply(service_request("n1", "web1", "web"));
  apply(service_request("n2", "web2", "web"));
  const auto text_of = [&](std::size_t i) { return json_of(*health_of("web").rows[i]); };
  const auto kept = [&](std::size_t i) { return health_of("web").rows[i]->json(InstanceRow::Form::health) != nullptr; };
  const std::string first = text_of(0);
  text_of(1);
  ASSERT_TRUE(kept(0) && kept(1));

  check(check_of("n1", "c1", "passing", "web1"));

  EXPECT_FALSE(kept(0));
  EXPECT_TRUE(kept(1));
  EXPECT_NE(text_of(0), first);
  check(check_of("n2", "node", "passing"));
  EXPECT_FALSE(kept(1));
  text_of(1);
  apply(node_request("n2", "10.7.7.7"));
  EXPECT_FALSE(kept(1));
  EXPECT_NE(text_of(1).find("10.7.7.7"), std::string::npos);
}

TEST_F(Query, AnOldVersionKeepsItsAnswer) {
  apply(service_request("n1", "web1", "web"));
  const ViewPtr old = store.view();
  check(check_of("n1", "c1", "critical", "web1"));

  const auto before = health_instances(old->tables(), {.service = "web"}, nullptr);

  EXPECT_TRUE(check_service_node(old->tables(), *before.rows[0]).Checks.empty());
  EXPECT_EQ(health(old->tables(), *before.rows[0]), InstanceRow::Health::passing);
  EXPECT_EQ(health(tables(), *health_of("web").rows[0]), InstanceRow::Health::critical);
}

TEST_F(Query, WhoWaitsForAServiceSleepsThroughTheOthers) {
  apply(service_request("n1", "web1", "web"));
  apply(service_request("n2", "db1", "db"));
  const auto ask = [&](base::KeySet* keys) { health_of("web", keys); };

  EXPECT_FALSE(wakes(ask, [&] { apply(service_request("n2", "db2", "db")); }));
  EXPECT_FALSE(wakes(ask, [&] { check(check_of("n2", "c", "critical", "db1")); }));
  EXPECT_TRUE(wakes(ask, [&] { check(check_of("n1", "c", "critical")); }));
  EXPECT_TRUE(wakes(ask, [&] { apply(node_request("n1", "10.3.3.3")); }));
  EXPECT_TRUE(wakes(ask, [&] { apply(service_request("n2", "web2", "web")); }));
  EXPECT_TRUE(wakes(ask, [&] { deregister("n1", "web1"); }));
}

TEST_F(Query, WhoWaitsForAMissingServiceIsWokenByItsFirstInstance) {
  apply(service_request("n1", "old", "old"));
  deregister("n1", "old");
  const auto gone = index;
  apply(service_request("n2", "db1", "db"));
  const auto ask = [&](base::KeySet* keys) { EXPECT_EQ(health_of("web", keys).index, gone); };

  EXPECT_FALSE(wakes(ask, [&] { apply(service_request("n2", "db2", "db")); }));
  EXPECT_TRUE(wakes(ask, [&] { apply(service_request("n1", "web1", "web")); }));
}

TEST_F(Query, WhoWaitsForTheListOfNodesSleepsThroughServices) {
  apply(node_request("n1"));
  const auto ask = [&](base::KeySet* keys) { list_nodes(tables(), {}, {}, keys); };

  EXPECT_FALSE(wakes(ask, [&] { apply(service_request("n1", "web1", "web")); }));
  EXPECT_TRUE(wakes(ask, [&] { apply(node_request("n2")); }));
}

TEST_F(Query, CatalogAnswersDoNotWakeForChecks) {
  apply(service_request("n1", "web1", "web"));
  const auto ask = [&](base::KeySet* keys) { catalog_instances(tables(), {.service = "web"}, keys); };

  EXPECT_FALSE(wakes(ask, [&] { check(check_of("n1", "c", "critical", "web1")); }));
  EXPECT_TRUE(wakes(ask, [&] { apply(node_request("n1", "10.3.3.3")); }));
}

TEST_F(Query, TagsAreComparedWithoutLetterCaseAndAllMustBeThere) {
  RegisterRequest request = service_request("n1", "web1", "web");
  request.Service->Tags = base::List<std::string>({"Prod", "v2"});
  apply(request);
  const auto found = [&](std::vector<std::string> tags) {
    return health_instances(tables(), {.service = "web", .tags = &tags}, nullptr).rows.size();
  };

  EXPECT_EQ(found({"prod", "V2"}), 1u);
  EXPECT_EQ(found({"prod", "v3"}), 0u);
  EXPECT_EQ(found({}), 1u);
}

TEST_F(Query, MeshClientsFindProxiesByTheirDestination) {
  apply(service_request("n1", "web1", "web"));
  RegisterRequest proxy = service_request("n1", "p", "web-proxy");
  proxy.Service->Kind = kKindConnectProxy;
  proxy.Service->Proxy.edit().DestinationServiceName = "web";
  apply(proxy);

  const auto answer = health_instances(tables(), {.service = "web", .connect = true}, nullptr);

  ASSERT_EQ(answer.rows.size(), 1u);
  EXPECT_EQ(service_name(answer.rows[0]->service()), "web-proxy");
  EXPECT_EQ(answer.index, index);
  EXPECT_EQ(instances_of_kind(tables(), kKindConnectProxy, {}, nullptr).rows.size(), 1u);
  EXPECT_EQ(instances_of_kind(tables(), {}, {}, nullptr).rows.size(), 1u);
}

TEST_F(Query, DroppedInstancesAreReplacedByTheLast) {
  for (const std::string node : {"a", "b", "c", "d"}) apply(service_request(node, "web", "web"));
  check(check_of("a", "c", "critical", "web"));
  check(check_of("b", "c", "warning", "web"));
  const auto nodes = [&](HealthFilter filter) {
    auto rows = health_of("web").rows;
    filter_by_health(tables(), rows, filter);
    std::string names;
    for (const InstanceRow* row : rows) names += row->service().get().Node;
    return names;
  };

  EXPECT_EQ(nodes(HealthFilter::all), "abcd");
  EXPECT_EQ(nodes(HealthFilter::not_critical), "dbc");
  EXPECT_EQ(nodes(HealthFilter::only_passing), "dc");
}

TEST_F(Query, ACheckOfTheNodeThatMovesToOneInstanceNoLongerCountsForTheOthers) {
  apply(service_request("a", "web1", "web"));
  apply(service_request("a", "web2", "web"));
  check(check_of("a", "c", "critical"));
  const auto passing = [&] {
    auto rows = health_of("web").rows;
    filter_by_health(tables(), rows, HealthFilter::only_passing);
    return rows.size();
  };
  ASSERT_EQ(passing(), 0u);

  check(check_of("a", "c", "critical", "web1"));

  EXPECT_EQ(passing(), 1u);
}

TEST_F(Query, ANodeIsFoundByNameOrByTheBeginningOfItsId) {
  RegisterRequest request = service_request("n1", "web1", "web");
  request.ID = "11111111-2222-3333-4444-555555555555";
  apply(request);
  RegisterRequest other = node_request("n2");
  other.ID = "11117777-2222-3333-4444-555555555555";
  apply(other);
  const auto find = [&](std::string_view what) { return services_of_node(tables(), what, {}, nullptr); };

  EXPECT_EQ(find("N1").services.size(), 1u);
  EXPECT_EQ(find("11111111").services.size(), 1u);
  EXPECT_EQ(find("1111").node, nullptr);
  EXPECT_EQ(find("1111").index, 0u);
  EXPECT_EQ(find("nobody").node, nullptr);
}

TEST_F(Query, ServicesAreListedWithTheTagsOfAllTheirInstances) {
  RegisterRequest one = service_request("n1", "a", "web");
  one.Service->Tags = base::List<std::string>({"b", "a"});
  one.NodeMeta["rack"] = "1";
  apply(one);
  RegisterRequest two = service_request("n2", "b", "web");
  two.Service->Tags = base::List<std::string>({"c", "a"});
  apply(two);

  const auto all = list_services(tables(), {}, {}, nullptr);
  const auto some = list_services(tables(), {{"rack", "1"}}, {}, nullptr);

  EXPECT_EQ(static_cast<std::vector<std::string>>(all.services.at("web")), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(static_cast<std::vector<std::string>>(some.services.at("web")), (std::vector<std::string>{"a", "b"}));
}

TEST_F(Query, ChecksAreFoundByNodeServiceAndState) {
  apply(service_request("n1", "web1", "web"));
  check(check_of("n1", "c1", "passing", "web1"));
  check(check_of("n1", "c2", "critical"));

  EXPECT_EQ(checks_of_node(tables(), "n1", {}, nullptr).rows.size(), 2u);
  EXPECT_EQ(checks_of_service(tables(), "web", {}, {}, nullptr).rows.size(), 1u);
  EXPECT_EQ(checks_in_state(tables(), "any", {}, {}, nullptr).rows.size(), 2u);
  EXPECT_EQ(checks_in_state(tables(), "passing", {}, {}, nullptr).rows.size(), 1u);
  EXPECT_EQ(checks_in_state(tables(), "critical", {}, {}, nullptr).rows[0]->get().CheckID, "c2");
  EXPECT_EQ(checks_in_state(tables(), "critical", {{"rack", "1"}}, {}, nullptr).rows.size(), 0u);
}

TEST_F(Query, NearAndFarAreWhatCoordinatesSay) {
  Coordinates updates;
  for (const auto& [node, where] : std::vector<std::pair<std::string, double>>{{"a", 0}, {"b", 0.3}, {"c", 0.1}}) {
    apply(node_request(node));
    Coordinate& coordinate = updates.emplace_back().emplace();
    coordinate.Node = node;
    coordinate.Coord.emplace().Vec = base::List<double>({where});
  }
  apply(node_request("d"));
  store.writer().begin_command(++index);
  apply_coordinates(store.writer(), updates);
  std::vector<std::string> nodes = {"d", "b", "c", "a"};

  sort_by_distance(tables(), "a", nodes, [](const std::string& node) { return node; });

  EXPECT_EQ(nodes, (std::vector<std::string>{"a", "c", "b", "d"}));
  sort_by_distance(tables(), "d", nodes, [](const std::string& node) { return node; });
  EXPECT_EQ(nodes.front(), "a");
}

TEST_F(Query, ADumpShowsNodesWithAllThatIsOnThem) {
  apply(service_request("n1", "web1", "web"));
  check(check_of("n1", "c1", "passing", "web1"));
  apply(node_request("n2"));

  const auto all = dump_nodes(tables(), {}, {}, nullptr);

  ASSERT_EQ(all.dump.size(), 2u);
  EXPECT_EQ(all.dump[0]->Services.size(), 1u);
  EXPECT_EQ(all.dump[0]->Checks.size(), 1u);
  EXPECT_EQ(dump_nodes(tables(), "n2", {}, nullptr).dump.size(), 1u);
}

}  // namespace
}  // namespace proconsul::catalog
