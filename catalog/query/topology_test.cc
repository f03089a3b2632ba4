#include "catalog/query/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "catalog/config_entry/entry_fixture.h"
#include "catalog/registry/connect_ca.h"

namespace proconsul::catalog {
namespace {

using testing::ElementsAre;
using testing_support::check_of;
using testing_support::EntryFixture;
using testing_support::service_request;

class Sink : public base::WakeSink {
 public:
  void wake(std::vector<std::uint64_t> tokens) override { woken += tokens.size(); }
  std::size_t woken = 0;
};

class Topology : public EntryFixture {
 protected:
  Topology() {
    CAConfiguration authority;
    authority.Provider = "consul";
    authority.ClusterID = "11111111-2222-3333-4444-555555555555";
    store.writer().begin_command(++index);
    restore_ca_config(store.writer(), authority);
    store.commit();
  }
  void proxy(const std::string& id, const std::string& service, std::vector<std::string> upstreams = {},
             const char* mode = "") {
    RegisterRequest request = service_request("n1", id, service + "-proxy");
    request.Service->Kind = kKindConnectProxy;
    ConnectProxyConfig& config = request.Service->Proxy.edit();
    config.DestinationServiceName = service;
    config.Mode = mode;
    for (std::string& name : upstreams) config.Upstreams.emplace_back().DestinationName = std::move(name);
    apply(std::move(request));
  }
  void instance(const std::string& name) { apply(service_request("n1", name, name)); }
  void native(const std::string& name) {
    RegisterRequest request = service_request("n1", name, name);
    request.Service->Connect.edit().Native = true;
    apply(std::move(request));
  }
  void intention(const std::string& destination, const std::string& sources) {
    ASSERT_EQ(write("service-intentions", R"({"Name":")" + destination + R"(","Sources":[)" + sources + "]}"), "");
  }
  static std::string source(const std::string& name, const std::string& action) {
    return R"({"Name":")" + name + R"(","Type":"consul","Action":")" + action + R"("})";
  }

  ServiceTopology of(std::string service, bool default_allow = false, std::string kind = {},
                     base::KeySet* watch = nullptr) {
    const auto found = service_topology(
        tables(),
        {.service = std::move(service), .kind = std::move(kind), .datacenter = "dc1", .default_allow = default_allow},
        watch);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? *found : ServiceTopology{};
  }
  std::string refusal_of(std::string service, std::string kind) {
    const auto found =
        service_topology(tables(), {.service = std::move(service), .kind = std::move(kind), .datacenter = "dc1"}, {});
    return found ? "" : found.error().detail;
  }
  /// "db proxy-registration +" where it is allowed.
  static std::vector<std::string> told(const TopologySide& side) {
    std::vector<std::string> all;
    for (const auto& [name, source] : side.sources) {
      all.push_back(name + " " + source + (side.decisions.at(name).Allowed ? " +" : " -"));
    }
    return all;
  }
  static std::vector<std::string> ids(const TopologySide& side) {
    std::vector<std::string> all;
    for (const InstanceRow* row : side.rows) all.push_back(row->service().get().ID);
    return all;
  }
  template <class Change>
  bool wakes(const std::string& service, Change change) {
    base::KeySet keys;
    of(service, false, {}, &keys);
    Sink sink;
    base::Watch watch = store.watches().watch(keys, sink, 1);
    change();
    return sink.woken > 0;
  }
};

TEST_F(Topology, ProxiesNameWhomTheirServiceCalls) {
  instance("web");
  instance("db");
  proxy("wp", "web", {"db"});
  proxy("wp2", "web", {"db"});
  proxy("dp", "db");

  const ServiceTopology web = of("web");
  EXPECT_THAT(told(web.upstreams), ElementsAre("db proxy-registration -"));
  EXPECT_THAT(ids(web.upstreams), ElementsAre("db", "dp"));
  EXPECT_THAT(told(web.downstreams), ElementsAre());
  EXPECT_EQ(web.protocol, "tcp");
  EXPECT_FALSE(web.transparent);
  EXPECT_EQ(web.index, index);
  const ServiceTopology db = of("db");
  EXPECT_THAT(told(db.downstreams), ElementsAre("web proxy-registration -"));
  EXPECT_THAT(ids(db.downstreams), ElementsAre("web", "wp", "wp2"));
}

TEST_F(Topology, ALinkGoesWithItsProxy) {
  proxy("wp", "web", {"db", "cache"});

  proxy("wp", "web", {"cache"});
  EXPECT_THAT(told(of("web").upstreams), ElementsAre("cache proxy-registration -"));
  deregister("n1", "wp");
  EXPECT_THAT(told(of("web").upstreams), ElementsAre());
  EXPECT_THAT(told(of("cache").downstreams), ElementsAre());
}

TEST_F(Topology, WhoIsTransparentReachesWhatIntentionsAllow) {
  for (const char* name : {"web", "db", "cache", "queue"}) instance(name);
  intention("db", source("web", "allow"));
  intention("cache", source("*", "allow"));
  intention("queue", source("web", "deny"));
  EXPECT_THAT(told(of("web").upstreams), ElementsAre());

  proxy("wp", "web", {}, "transparent");

  const ServiceTopology web = of("web");
  EXPECT_TRUE(web.transparent);
  EXPECT_THAT(told(web.upstreams), ElementsAre("cache wildcard-intention +", "db specific-intention +"));
  EXPECT_TRUE(web.upstreams.decisions.at("db").HasExact);
  EXPECT_THAT(told(of("web", true).upstreams), ElementsAre("cache default-allow +", "db specific-intention +"));
  EXPECT_THAT(told(of("db").downstreams), ElementsAre("web specific-intention +"));
  proxy("wp2", "web");
  EXPECT_FALSE(of("web").transparent);
  EXPECT_THAT(ids(of("web").upstreams), ElementsAre("cache", "db"));
}

TEST_F(Topology, WhoIsNotTransparentIsNobodysCallerByIntentions) {
  for (const char* name : {"web", "db"}) instance(name);
  proxy("wp", "web");
  native("api");

  EXPECT_THAT(told(of("db", true).downstreams), ElementsAre("api default-allow +"));
  EXPECT_THAT(ids(of("db", true).downstreams), ElementsAre("api"));
  EXPECT_THAT(told(of("api", true).upstreams), ElementsAre("db default-allow +", "web default-allow +"));
}

TEST_F(Topology, WhatIsAllowedForSomeRequestsIsNotAllowedInGeneral) {
  ASSERT_EQ(write("service-defaults", R"({"Name":"db","Protocol":"http"})"), "");
  instance("db");
  proxy("wp", "web", {}, "transparent");
  intention("db", R"({"Name":"web","Type":"consul","Permissions":[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]})");

  const ServiceTopology web = of("web");
  EXPECT_THAT(told(web.upstreams), ElementsAre("db specific-intention -"));
  EXPECT_TRUE(web.upstreams.decisions.at("db").HasPermissions);
  EXPECT_EQ(of("db").protocol, "http");
}

TEST_F(Topology, ChainsLeadFromOneServiceToAnother) {
  instance("web");
  instance("db");
  proxy("wp", "web", {"virtual"});
  ASSERT_EQ(write("service-resolver", R"({"Name":"virtual","Redirect":{"Service":"step"}})"), "");
  ASSERT_EQ(write("service-resolver", R"({"Name":"step","Redirect":{"Service":"db"}})"), "");
  ASSERT_EQ(write("service-resolver", R"({"Name":"other","Redirect":{"Service":"cache"}})"), "");

  EXPECT_THAT(told(of("web").upstreams), ElementsAre("virtual routing-config -"));
  EXPECT_THAT(ids(of("web").upstreams), ElementsAre());
  EXPECT_THAT(told(of("db").downstreams), ElementsAre("web proxy-registration -"));
  EXPECT_THAT(told(of("cache").downstreams), ElementsAre());
}

TEST_F(Topology, IngressGatewaysCallWhatTheyServe) {
  instance("web");
  RegisterRequest gateway = service_request("n1", "igw", "igw");
  gateway.Service->Kind = kKindIngressGateway;
  apply(std::move(gateway));
  ASSERT_EQ(write("service-defaults", R"({"Name":"web","Protocol":"http"})"), "");
  ASSERT_EQ(write("ingress-gateway", R"({"Name":"igw","Listeners":[
      {"Port":80,"Protocol":"http","Services":[{"Name":"web"}]}]})"),
            "");

  const ServiceTopology igw = of("igw", false, "ingress-gateway");
  EXPECT_EQ(igw.protocol, "http");
  EXPECT_THAT(told(igw.upstreams), ElementsAre("web proxy-registration -"));
  EXPECT_THAT(told(of("web").downstreams), ElementsAre("igw proxy-registration -"));
  EXPECT_EQ(of("none", false, "ingress-gateway").protocol, "");
}

TEST_F(Topology, ApiGatewaysCallWhatIsBoundToThem) {
  instance("web");
  ASSERT_EQ(write("api-gateway", R"({"Name":"gate","Listeners":[{"Name":"a","Port":80,"Protocol":"tcp"}]})"), "");
  EXPECT_EQ(refusal_of("gate", "api-gateway"), "not an APIGateway");

  ASSERT_EQ(write("bound-api-gateway", R"({"Name":"gate","Services":{"web":[]}})"), "");

  EXPECT_THAT(told(of("gate", false, "api-gateway").upstreams), ElementsAre("web proxy-registration -"));
  EXPECT_EQ(of("gate", false, "api-gateway").protocol, "tcp");
  EXPECT_THAT(told(of("web").downstreams), ElementsAre("gate proxy-registration -"));
}

TEST_F(Topology, SaysWhatItCannotAnswer) {
  EXPECT_EQ(refusal_of("web", "mesh-gateway"), "unsupported kind \"mesh-gateway\"");

  Store empty;
  const auto found = service_topology(empty.writer().tables(), {.service = "web", .datacenter = "dc1"}, nullptr);

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail,
            "failed to get sources for discovery chain target \"web\": failed to fetch discovery chain for \"web\": "
            "no cluster ca config setup");
}

TEST_F(Topology, WakesWhomAChangeConcerns) {
  instance("web");
  instance("db");
  proxy("wp", "web", {"db"});

  EXPECT_FALSE(wakes("db", [&] { proxy("xp", "x", {"cache"}); }));
  EXPECT_TRUE(wakes("db", [&] { proxy("ap", "api", {"db"}); }));
  EXPECT_TRUE(wakes("db", [&] { check(check_of("n1", "c", "critical", "web")); }));
  EXPECT_TRUE(wakes("db", [&] { deregister("n1", "ap"); }));
  EXPECT_TRUE(wakes("web", [&] { proxy("wp", "web", {"db", "cache"}); }));
  EXPECT_TRUE(wakes("web", [&] { intention("db", source("web", "deny")); }));
  EXPECT_TRUE(wakes("db", [&] { write("service-resolver", R"({"Name":"v","Redirect":{"Service":"db"}})"); }));
}

TEST_F(Topology, ManyServicesAreWatchedTogether) {
  for (int i = 0; i < 200; ++i) native("s" + std::to_string(i));

  base::KeySet keys;
  const ServiceTopology topology = of("s0", true, {}, &keys);

  EXPECT_EQ(topology.upstreams.rows.size(), 199u);
  EXPECT_LT(keys.size(), 100u);
  Sink sink;
  base::Watch watch = store.watches().watch(keys, sink, 1);
  check(check_of("n1", "c", "critical", "s150"));
  EXPECT_EQ(sink.woken, 1u);
}

}  // namespace
}  // namespace proconsul::catalog
