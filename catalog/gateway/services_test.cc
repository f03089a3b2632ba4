#include "catalog/gateway/services.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "catalog/config_entry/entry_fixture.h"
#include "catalog/query/gateways.h"
#include "catalog/query/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/store/key.h"
#include "catalog/types/config_gateways.h"

namespace proconsul::catalog {
namespace {

using testing_support::EntryFixture;
using testing_support::service_request;

class GatewayServices : public EntryFixture {
 protected:
  RegisterRequest proxy_of(std::string node, std::string name, const std::string& service) {
    RegisterRequest request = service_request(std::move(node), name, name);
    request.Service->Kind = kKindConnectProxy;
    request.Service->Proxy.edit().DestinationServiceName = service;
    return request;
  }
  RegisterRequest gateway(std::string node, std::string name, std::string_view kind) {
    RegisterRequest request = service_request(std::move(node), name, name);
    request.Service->Kind = kind;
    return request;
  }
  std::vector<std::string> served_by(std::string_view gateway) {
    std::vector<std::string> names;
    for (const GatewayService* row : services_of_gateway(tables(), gateway, nullptr).rows) {
      names.push_back(row->Service.Name);
    }
    return names;
  }
  const GatewayService& row(std::string_view gateway, std::string_view service) {
    for (const GatewayService* row : services_of_gateway(tables(), gateway, nullptr).rows) {
      if (row->Service.Name == service) return *row;
    }
    static const GatewayService kNone;
    return kNone;
  }
  using Names = std::vector<std::string>;
};

TEST_F(GatewayServices, AnEntryNamesThemAndItsSettingsStandInTheRow) {
  apply(service_request("n", "web", "web"));

  EXPECT_EQ(write("terminating-gateway",
                  R"({"Name":"tgw","Services":[{"Name":"web","CAFile":"/ca","SNI":"x"},{"Name":"api"}]})"),
            "");

  EXPECT_EQ(served_by("tgw"), (Names{"api", "web"}));
  EXPECT_EQ(row("tgw", "web").CAFile, "/ca");
  EXPECT_EQ(row("tgw", "web").ServiceKind, "service");
  EXPECT_TRUE(row("tgw", "web").AutoHostRewrite);
  EXPECT_EQ(row("tgw", "api").ServiceKind, "");
  EXPECT_EQ(index_of("gateway-services"), index);
}

TEST_F(GatewayServices, TheSameServicesAgainChangeNothing) {
  const char* entry = R"({"Name":"tgw","Services":[{"Name":"web"}]})";
  EXPECT_EQ(write("terminating-gateway", entry), "");
  const std::uint64_t before = index_of("gateway-services");

  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Meta":{"a":"b"},"Services":[{"Name":"web"}]})"), "");

  EXPECT_EQ(index_of("gateway-services"), before);
  EXPECT_EQ(row("tgw", "web").ModifyIndex, before);
}

TEST_F(GatewayServices, AWildcardFollowsWhatIsRegistered) {
  apply(service_request("n", "web", "web"));
  apply(service_request("n", "consul", "consul"));
  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Services":[{"Name":"*","CAFile":"/ca"}]})"), "");
  EXPECT_EQ(served_by("tgw"), Names{"web"});

  apply(service_request("n", "db", "db"));

  EXPECT_EQ(served_by("tgw"), (Names{"db", "web"}));
  EXPECT_EQ(row("tgw", "db").CAFile, "/ca");
  EXPECT_TRUE(row("tgw", "db").FromWildcard);
  EXPECT_EQ(index_of("gateway-services"), index);
  deregister("n", "db");
  EXPECT_EQ(served_by("tgw"), Names{"web"});
  EXPECT_EQ(index_of("gateway-services"), index);
}

TEST_F(GatewayServices, WhatIsNamedStandsBeforeTheWildcardAndOutlivesItsInstances) {
  apply(service_request("n", "web", "web"));
  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Services":[{"Name":"web","SNI":"own"},{"Name":"*"}]})"), "");

  deregister("n", "web");

  EXPECT_EQ(served_by("tgw"), Names{"web"});
  EXPECT_EQ(row("tgw", "web").SNI, "own");
  EXPECT_FALSE(row("tgw", "web").FromWildcard);
}

TEST_F(GatewayServices, AnIngressWildcardTakesOnlyWhatIsInTheMeshAndSpeaksItsProtocol) {
  apply(service_request("n", "web", "web"));
  apply(service_request("n", "db", "db"));
  EXPECT_EQ(write("ingress-gateway",
                  R"({"Name":"igw","Listeners":[{"Port":80,"Protocol":"http","Services":[{"Name":"*"}]}]})"),
            "");
  EXPECT_EQ(served_by("igw"), Names{});
  apply(proxy_of("n", "web-proxy", "web"));
  EXPECT_EQ(served_by("igw"), Names{});

  EXPECT_EQ(write("service-defaults", R"({"Name":"web","Protocol":"http"})"), "");

  EXPECT_EQ(served_by("igw"), Names{"web"});
  deregister("n", "web-proxy");
  EXPECT_EQ(served_by("igw"), Names{});
}

TEST_F(GatewayServices, AnIngressGatewayStandsInThePictureOfTheMesh) {
  EXPECT_EQ(write("ingress-gateway",
                  R"({"Name":"igw","Listeners":[{"Port":80,"Protocol":"tcp","Services":[{"Name":"web"}]}]})"),
            "");
  EXPECT_TRUE(tables().mesh_links.contains(index_key({"web", "igw"})));

  EXPECT_EQ(erase("ingress-gateway", "igw"), "");

  EXPECT_FALSE(tables().mesh_links.contains(index_key({"web", "igw"})));
  EXPECT_EQ(served_by("igw"), Names{});
  EXPECT_EQ(index_of("gateway-services"), index);
  EXPECT_EQ(index_of("mesh-topology"), index);
}

TEST_F(GatewayServices, DestinationsOutsideAreServedByATerminatingWildcard) {
  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Services":[{"Name":"*"}]})"), "");

  EXPECT_EQ(write("service-defaults",
                  R"({"Name":"far","Protocol":"tcp","Destination":{"Addresses":["far.example"],"Port":443}})"),
            "");

  EXPECT_EQ(served_by("tgw"), Names{"far"});
  EXPECT_EQ(row("tgw", "far").ServiceKind, "destination");
  EXPECT_EQ(erase("service-defaults", "far"), "");
  EXPECT_EQ(served_by("tgw"), Names{});
}

TEST_F(GatewayServices, ATerminatingGatewayAnswersForItsServicesInTheMesh) {
  apply(service_request("n", "web", "web"));
  apply(gateway("n", "tgw", kKindTerminatingGateway));
  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Services":[{"Name":"web"}]})"), "");

  const InstancesAnswer found = health_instances(tables(), {.service = "web", .connect = true}, nullptr);

  ASSERT_EQ(found.rows.size(), 1u);
  EXPECT_EQ(found.rows[0]->service().get().Service, "tgw");
  EXPECT_EQ(catalog_instances(tables(), {.service = "web", .connect = true}, nullptr).rows.size(), 1u);
  EXPECT_EQ(health_ingress(tables(), "web", nullptr).rows.size(), 0u);
}

TEST_F(GatewayServices, WhoWaitsForAGatewayOfAServiceIsWoken) {
  base::KeySet watch;
  health_ingress(tables(), "web", &watch);
  struct Sink : base::WakeSink {
    void wake(std::vector<std::uint64_t>) override {}
  } sink;
  const base::Watch waiting = store.watches().watch(watch, sink, 1);

  EXPECT_EQ(write("ingress-gateway",
                  R"({"Name":"igw","Listeners":[{"Port":80,"Protocol":"tcp","Services":[{"Name":"web"}]}]})"),
            "");

  EXPECT_TRUE(waiting.fired());
}

TEST_F(GatewayServices, TerminatingGatewaysHaveTheVirtualAddressesOfWhatTheyServe) {
  set_metadata("virtual-ips", "true");
  set_metadata("virtual-ips-term-gateway", "true");
  apply(gateway("n", "tgw", kKindTerminatingGateway));
  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Services":[{"Name":"web"},{"Name":"*"}]})"), "");

  const NodeService before = find_service(tables(), "n", "tgw")->get();
  EXPECT_EQ(before.TaggedAddresses.at("consul-virtual:web").Address, "240.0.0.1");
  EXPECT_EQ(before.TaggedAddresses.at("consul-virtual:*").Address, "240.0.0.2");
  EXPECT_EQ(before.ModifyIndex, index);

  EXPECT_EQ(write("terminating-gateway", R"({"Name":"tgw","Services":[{"Name":"*"}]})"), "");

  EXPECT_FALSE(find_service(tables(), "n", "tgw")->get().TaggedAddresses.contains("consul-virtual:web"));
  EXPECT_EQ(virtual_ip_of(tables(), {.ServiceName = {.Name = "web"}, .Peer = {}}), "");
  apply(gateway("m", "tgw", kKindTerminatingGateway));
  EXPECT_TRUE(find_service(tables(), "m", "tgw")->get().TaggedAddresses.contains("consul-virtual:*"));
}

TEST_F(GatewayServices, WithoutGatewaysARegistrationTouchesNothingOfThem) {
  apply(service_request("n", "web", "web"));
  apply(proxy_of("n", "web-proxy", "web"));
  deregister("n", "web");

  EXPECT_EQ(index_of("gateway-services"), 0u);
  EXPECT_TRUE(tables().gateway_services.empty());
}

}  // namespace
}  // namespace proconsul::catalog
