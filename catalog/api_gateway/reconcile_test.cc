#include "catalog/api_gateway/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "catalog/api_gateway/binding.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/entry_fixture.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_routes.h"

namespace proconsul::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::entry_from;
using testing_support::EntryFixture;

constexpr std::string_view kGateway = R"({"Name":"gw","Listeners":[{"Name":"web","Port":80,"Protocol":"http"},
    {"Name":"db","Port":90,"Protocol":"tcp"}]})";

struct Nobody : base::WakeSink {
  void wake(std::vector<std::uint64_t>) override {}
};

std::string http_route(std::string_view parent, std::string_view more = R"("Rules":[{"Services":[{"Name":"web"}]}])") {
  return R"({"Name":"r","Parents":[{"Kind":"api-gateway","Name":"gw","SectionName":")" + std::string(parent) + "\"}]," +
         std::string(more) + "}";
}
std::string tcp_route(std::string_view name, std::string_view service = "db") {
  return R"({"Name":")" + std::string(name) +
         R"(","Parents":[{"Kind":"api-gateway","Name":"gw","SectionName":"db"}],)" + R"("Services":[{"Name":")" +
         std::string(service) + "\"}]}";
}

class ApiGateways : public EntryFixture {
 protected:
  ApiGateways() { EXPECT_EQ(write("service-defaults", R"({"Name":"web","Protocol":"http"})"), ""); }

  ReconcileOutcome look_at(std::string_view kind, std::string_view name) {
    return reconcile_api_gateways(store.view()->tables(), {std::string(kind), std::string(name)}, now);
  }
  void carry_out(ReconcileOutcome outcome) {
    for (ConfigEntryRequest& request : outcome.writes) {
      store.writer().begin_command(++index);
      ASSERT_TRUE(apply_config_entry(store.writer(), std::move(request)));
      store.commit();
    }
  }
  /// Looks at what was written or deleted, also by that, until there is nothing more; how many writes that took.
  std::size_t settle() {
    std::size_t writes = 0;
    while (writes < 100) {
      notice();
      if (waiting_.empty()) break;
      const ReconcileRequest request = waiting_.front();
      waiting_.pop_front();
      ReconcileOutcome outcome = look_at(request.kind, request.name);
      writes += outcome.writes.size();
      for (const ReconcileRequest& next : outcome.requests) waiting_.push_back(next);
      carry_out(std::move(outcome));
    }
    return writes;
  }
  /// "Type Section: Status Reason, Message"
  std::vector<std::string> status(std::string_view kind, std::string_view name) {
    const auto entry = copy_config_entry(*find_config_entry(store.view()->tables(), kind, name));
    std::vector<std::string> lines;
    for (const EntryCondition& each : entry->kind->status(*entry)->Conditions) {
      const std::string about = each.Resource->Kind.empty() ? "" : " " + each.Resource->SectionName;
      lines.push_back(each.Type + about + ": " + each.Status + " " + each.Reason + ", " + each.Message);
      EXPECT_TRUE(each.LastTransitionTime);
    }
    return lines;
  }
  std::string json(std::string_view kind, std::string_view name) {
    const ConfigEntry* entry = find_config_entry(store.view()->tables(), kind, name);
    if (!entry) return {};
    std::shared_ptr<ConfigEntry> shown = copy_config_entry(*entry);
    shown->CreateIndex = shown->ModifyIndex = 0;
    std::string text;
    base::append_json(text, shown->kind->type(), shown.get());
    return text;
  }
  std::string bound() { return json("bound-api-gateway", "gw"); }

  base::Time now = base::from_unix(1'700'000'000);

 private:
  void notice() {
    std::map<ReconcileRequest, std::uint64_t> found;
    for (const std::string_view kind : reconciled_kinds()) {
      for (const ConfigEntry* entry : list_config_entries(store.view()->tables(), kind)) {
        found[{std::string(kind), entry->Name}] = entry->ModifyIndex;
      }
    }
    for (const auto& [request, modified] : found) {
      if (const auto at = known_.find(request); at == known_.end() || at->second != modified)
        waiting_.push_back(request);
    }
    for (const auto& [request, modified] : known_) {
      if (!found.contains(request)) waiting_.push_back(request);
    }
    known_ = std::move(found);
  }

  std::deque<ReconcileRequest> waiting_{};
  std::map<ReconcileRequest, std::uint64_t> known_{};
};

TEST_F(ApiGateways, ARouteIsBoundToTheListenerThatItNames) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("http-route", http_route("web")), "");

  settle();

  EXPECT_THAT(status("api-gateway", "gw"),
              ElementsAre("Accepted: True Accepted, gateway is valid",
                          "Conflicted db: False NoConflict, listener has no route conflicts",
                          "Conflicted web: False NoConflict, listener has no route conflicts",
                          "ResolvedRefs db: True ResolvedRefs, resolved refs",
                          "ResolvedRefs web: True ResolvedRefs, resolved refs"));
  EXPECT_THAT(status("http-route", "r"), ElementsAre("Accepted: True Accepted, route is valid",
                                                     "Bound web: True Bound, successfully bound route"));
  EXPECT_EQ(
      bound(),
      R"({"Kind":"bound-api-gateway","Name":"gw","Listeners":[{"Name":"web","Routes":[{"Kind":"http-route",)"
      R"("Name":"r","SectionName":""}],"Certificates":null},{"Name":"db","Routes":null,"Certificates":null}],)"
      R"("Services":{"web":[{"Kind":"http-route","Name":"r","SectionName":""}]},"CreateIndex":0,"ModifyIndex":0})");
}

TEST_F(ApiGateways, WhatIsSaidAlreadyIsNotWrittenAgain) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("http-route", http_route("")), "");
  ASSERT_EQ(write("tcp-route", tcp_route("t")), "");
  settle();
  const std::string before = json("http-route", "r");
  now.seconds += 60;

  EXPECT_EQ(settle(), 0u);
  ASSERT_EQ(write("http-route", http_route("")), "") << "by a user, who knows of no status";
  EXPECT_EQ(settle(), 0u);

  EXPECT_EQ(json("http-route", "r"), before);
}

TEST_F(ApiGateways, AGatewayIsAcceptedOnceItsCertificatesAreThere) {
  ASSERT_EQ(write("api-gateway", R"({"Name":"gw","Listeners":[{"Name":"web","Port":80,"Protocol":"http","TLS":
      {"Certificates":[{"Kind":"inline-certificate","Name":"c"},{"Kind":"file-system-certificate","Name":"f"}]}}]})"),
            "");
  ASSERT_EQ(write("file-system-certificate", R"({"Name":"f","Certificate":"/c","PrivateKey":"/k"})"), "");
  ASSERT_EQ(write("http-route", http_route("web")), "");

  settle();
  EXPECT_THAT(status("api-gateway", "gw"),
              ElementsAre("Accepted: False InvalidCertificates, gateway references invalid certificates",
                          "Conflicted web: False NoConflict, listener has no route conflicts",
                          "ResolvedRefs web: False InvalidCertificateRef, certificate \"c\" not found"));
  EXPECT_THAT(status("http-route", "r"),
              ElementsAre("Accepted: True Accepted, route is valid",
                          "Bound web: False FailedToBind, failed to bind route to gateway gw: gateway has not been "
                          "accepted"));
  ASSERT_EQ(write("inline-certificate", R"({"Name":"c","Certificate":"c","PrivateKey":"k"})"), "");
  const ReconcileOutcome noticed = look_at("inline-certificate", "c");
  settle();

  EXPECT_THAT(noticed.requests, ElementsAre(ReconcileRequest{"api-gateway", "gw"}));
  EXPECT_THAT(look_at("inline-certificate", "other").requests, IsEmpty());
  EXPECT_EQ(status("api-gateway", "gw").front(), "Accepted: True Accepted, gateway is valid");
  EXPECT_EQ(status("http-route", "r").back(), "Bound web: True Bound, successfully bound route");
  EXPECT_NE(bound().find(R"("Certificates":[{"Kind":"inline-certificate","Name":"c","SectionName":""},)"
                         R"({"Kind":"file-system-certificate","Name":"f","SectionName":""}])"),
            std::string::npos)
      << bound();
}

TEST_F(ApiGateways, ARouteFollowsTheProtocolOfItsServices) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("tcp-route", tcp_route("t", "web")), "");
  const std::string refused = "failed to bind route to gateway gw: route has not been accepted";

  settle();
  EXPECT_THAT(status("tcp-route", "t"),
              ElementsAre("Accepted: False InvalidDiscoveryChain, route protocol does not match targeted service "
                          "protocol",
                          "Bound db: False FailedToBind, " + refused));
  base::KeySet keys;
  (void)reconcile_api_gateways(store.view()->tables(), {"tcp-route", "t"}, now, &keys);
  Nobody nobody;
  const base::Watch watch = store.watches().watch(keys, nobody, 0);
  ASSERT_EQ(write("service-defaults", R"({"Name":"web","Protocol":"tcp"})"), "");

  EXPECT_TRUE(watch.fired());
  carry_out(look_at("tcp-route", "t"));
  settle();
  EXPECT_THAT(status("tcp-route", "t"),
              ElementsAre("Accepted: True Accepted, route is valid", "Bound db: True Bound, successfully bound route"));
}

TEST_F(ApiGateways, ARouteWithoutServicesIsNotAccepted) {
  ASSERT_EQ(write("http-route", http_route("web", R"("Rules":[])")), "");

  settle();

  EXPECT_THAT(status("http-route", "r"),
              ElementsAre("Accepted: False NoUpstreamServicesTargeted, route must target at least one upstream service",
                          "Bound web: False GatewayNotFound, gateway was not found"));
}

TEST_F(ApiGateways, TheLastServiceOfARouteHasTheLastWord) {
  ASSERT_EQ(write("http-route", http_route("web", R"("Rules":[{"Services":[{"Name":"db"},{"Name":"web"}]}])")), "");
  settle();
  EXPECT_EQ(status("http-route", "r").front(), "Accepted: True Accepted, route is valid");

  ASSERT_EQ(write("http-route", http_route("web", R"("Rules":[{"Services":[{"Name":"web"},{"Name":"db"}]}])")), "");
  settle();
  EXPECT_EQ(status("http-route", "r").front(),
            "Accepted: False InvalidDiscoveryChain, route protocol does not match targeted service protocol");
}

TEST_F(ApiGateways, WhyARouteIsNotBoundIsSaid) {
  ASSERT_EQ(write("api-gateway", R"({"Name":"gw","Listeners":[{"Name":"web","Port":80,"Protocol":"http",
      "Hostname":"*.example.com"},{"Name":"db","Port":90,"Protocol":"tcp"}]})"),
            "");
  const auto why = [&](std::string_view parent, std::string_view hostname) {
    const std::string more =
        R"("Rules":[{"Services":[{"Name":"web"}]}],"Hostnames":[")" + std::string(hostname) + "\"]";
    EXPECT_EQ(write("http-route", http_route(parent, more)), "");
    settle();
    return status("http-route", "r").back();
  };

  EXPECT_EQ(why("web", "a.example.com"), "Bound web: True Bound, successfully bound route");
  EXPECT_EQ(why("web", "a.example.org"),
            "Bound web: False FailedToBind, failed to bind route to gateway gw: listener web is does not have any "
            "hostnames that match the route");
  EXPECT_NE(bound().find(R"({"Name":"web","Routes":[],)"), std::string::npos) << bound();
  EXPECT_EQ(why("none", "a.example.com"),
            "Bound none: False FailedToBind, failed to bind route r to gateway gw with listener 'none'");
  ASSERT_EQ(write("http-route", http_route("db")), "");
  settle();
  EXPECT_EQ(status("http-route", "r").back(),
            "Bound db: False FailedToBind, failed to bind route r to gateway gw: listener db is not a http listener");
}

TEST_F(ApiGateways, TwoRoutesOfOneTcpListenerAreInConflictUntilOneGoes) {
  const auto conflict = [this] { return status("api-gateway", "gw")[1]; };
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("tcp-route", tcp_route("t1")), "");
  ASSERT_EQ(write("tcp-route", tcp_route("t2")), "");

  settle();
  EXPECT_EQ(conflict(),
            "Conflicted db: True RouteConflict, TCP-based listeners currently only support binding a single route");
  ASSERT_EQ(erase("tcp-route", "t1"), "");
  settle();

  EXPECT_EQ(conflict(), "Conflicted db: False NoConflict, listener has no route conflicts");
  EXPECT_EQ(bound().find("t1"), std::string::npos);
  ASSERT_EQ(erase("tcp-route", "t2"), "");
  settle();
  EXPECT_NE(bound().find(R"({"Name":"db","Routes":[],"Certificates":null}],"Services":{})"), std::string::npos)
      << bound();
}

TEST_F(ApiGateways, WhatWasBoundToAGatewayGoesWithIt) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("http-route", http_route("")), "");
  settle();

  ASSERT_EQ(erase("api-gateway", "gw"), "");
  settle();

  EXPECT_EQ(bound(), "");
  EXPECT_THAT(status("http-route", "r"), ElementsAre("Accepted: True Accepted, route is valid",
                                                     "Bound : False GatewayNotFound, gateway was not found"));
}

TEST_F(ApiGateways, OtherListenersOfAGatewayAreBoundAnew) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("http-route", http_route("web")), "");
  settle();

  ASSERT_EQ(write("api-gateway", R"({"Name":"gw","Listeners":[{"Name":"other","Port":80,"Protocol":"http"}]})"), "");
  settle();

  EXPECT_NE(bound().find(R"("Listeners":[{"Name":"other","Routes":null,"Certificates":null}])"), std::string::npos)
      << bound();
  EXPECT_EQ(status("http-route", "r").back(),
            "Bound web: False FailedToBind, failed to bind route r to gateway gw with listener 'web'");
}

TEST_F(ApiGateways, AListenerThatLosesItsRoutesToAnotherProtocolHasAnEmptyList) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ASSERT_EQ(write("http-route", http_route("web")), "");
  settle();

  ASSERT_EQ(write("api-gateway", R"({"Name":"gw","Listeners":[{"Name":"web","Port":80,"Protocol":"tcp"},
                                                              {"Name":"db","Port":81,"Protocol":"tcp"}]})"),
            "");
  settle();

  EXPECT_NE(bound().find(R"("Listeners":[{"Name":"web","Routes":[],"Certificates":null},)"
                         R"({"Name":"db","Routes":null,"Certificates":null}])"),
            std::string::npos)
      << bound();
}

TEST_F(ApiGateways, AWriteComesToNothingIfTheEntryIsAnotherByThen) {
  ASSERT_EQ(write("api-gateway", kGateway), "");
  ReconcileOutcome late = look_at("api-gateway", "gw");
  ASSERT_EQ(write("api-gateway", R"({"Name":"gw","Listeners":[{"Name":"other","Port":80,"Protocol":"http"}]})"), "");

  carry_out(std::move(late));

  EXPECT_THAT(status("api-gateway", "gw"), IsEmpty());
  EXPECT_NE(json("api-gateway", "gw").find("other"), std::string::npos);
}

TEST(ApiGatewayHostnames, AreThoseThatTheListenerAnswersFor) {
  const auto fitting = [](std::string_view listener, std::string_view hostnames) {
    const auto entry = entry_from("http-route", R"({"Name":"r","Hostnames":)" + std::string(hostnames) + "}");
    return filtered_hostnames(*entry_as<HTTPRouteConfigEntry>(entry.get()), listener);
  };

  EXPECT_THAT(fitting("a.b", "null"), ElementsAre("a.b"));
  EXPECT_THAT(fitting("*", R"(["x.y","z"])"), ElementsAre("x.y", "z"));
  EXPECT_THAT(fitting("*.y", R"(["x.y","z"])"), ElementsAre("x.y"));
  EXPECT_THAT(fitting("z", R"(["x.z","z"])"), ElementsAre("z"));
  EXPECT_THAT(fitting("q", R"(["x.y","z"])"), IsEmpty());
}

}  // namespace
}  // namespace proconsul::catalog
