#include "catalog/config_entry/validate.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/config_intentions.h"

namespace proconsul::catalog {
namespace {

std::shared_ptr<ConfigEntry> entry_from(std::string_view kind, std::string_view json) {
  std::shared_ptr<ConfigEntry> entry = *make_config_entry(kind);
  const ConfigKind* known = entry->kind;
  const base::Result<> read = base::read_json(json, known->type(), entry.get());
  EXPECT_TRUE(read) << read.error().detail;
  entry->kind = known;
  return entry;
}
/// What is told to whoever writes it; "" if nothing.
std::string fault(std::string_view kind, std::string_view json) {
  const auto entry = entry_from(kind, json);
  if (base::Result<> done = normalize_config_entry(*entry); !done) return done.error().detail;
  base::Result<> done = validate_config_entry(*entry);
  return done ? "" : done.error().detail;
}
std::string normalized(std::string_view kind, std::string_view json) {
  const auto entry = entry_from(kind, json);
  EXPECT_TRUE(normalize_config_entry(*entry));
  std::string text;
  base::append_json(text, entry->kind->type(), entry.get());
  return text;
}

TEST(ConfigEntryNormalization, ServiceDefaultsSpeakInLowerCase) {
  EXPECT_NE(normalized("service-defaults", R"({"Name":"a","Protocol":"HTTP"})").find(R"("Protocol":"http")"),
            std::string::npos);
}

TEST(ConfigEntryNormalization, ProxyDefaultsAreGlobal) {
  EXPECT_NE(normalized("proxy-defaults", "{}").find(R"("Name":"global")"), std::string::npos);
  EXPECT_EQ(fault("proxy-defaults", R"({"Name":"x"})"), R"(invalid name ("x"), only "global" is supported)");
}

TEST(ConfigEntryNormalization, SourcesOfIntentionsAreInOrderOfPrecedence) {
  const auto entry = entry_from("service-intentions",
                                R"({"Name":"web","Sources":[{"Name":"*","Action":"deny"},{"Name":"a","Action":"allow",
                                "LegacyID":"x"}]})");
  ASSERT_TRUE(normalize_config_entry(*entry));

  const auto& sources = entry_as<ServiceIntentionsConfigEntry>(entry.get())->Sources;
  EXPECT_EQ(sources[0]->Name, "a");
  EXPECT_EQ(sources[0]->Precedence, 9);
  EXPECT_EQ(sources[0]->LegacyID, "");
  EXPECT_EQ(sources[0]->Type, "consul");
  EXPECT_EQ(sources[1]->Precedence, 8);
}

TEST(ConfigEntryNormalization, ARouteMatchesEverythingUnlessItSaysWhat) {
  const std::string text = normalized("http-route", R"({"Name":"r","Parents":[{"Name":"gw"}],"Rules":[{"Matches":[
      {"Method":"get"}],"Services":[{"Name":"a"}]}]})");

  EXPECT_NE(text.find(R"("Kind":"api-gateway")"), std::string::npos);
  EXPECT_NE(text.find(R"("Method":"GET","Path":{"Match":"prefix","Value":"/"})"), std::string::npos);
  EXPECT_NE(text.find(R"("Weight":1)"), std::string::npos);
}

TEST(ConfigEntryValidation, EveryKindHasEntriesWithoutFaults) {
  EXPECT_EQ(fault("service-defaults", R"({"Name":"a","Protocol":"grpc","Meta":{"a":"b"}})"), "");
  EXPECT_EQ(fault("proxy-defaults", R"({"Config":{"protocol":"http"}})"), "");
  EXPECT_EQ(fault("service-router", R"({"Name":"a","Routes":[{"Match":{"HTTP":{"PathPrefix":"/x"}}}]})"), "");
  EXPECT_EQ(fault("service-splitter", R"({"Name":"a","Splits":[{"Weight":99.99},{"Weight":0.01,"Service":"b"}]})"), "");
  EXPECT_EQ(fault("service-resolver", R"({"Name":"a","Subsets":{"v1":{"Filter":"Service.Meta.v == 1"}}})"), "");
  EXPECT_EQ(fault("ingress-gateway", R"({"Name":"a","Listeners":[{"Port":1,"Services":[{"Name":"b"}]}]})"), "");
  EXPECT_EQ(fault("terminating-gateway", R"({"Name":"a","Services":[{"Name":"b","CAFile":"c"}]})"), "");
  EXPECT_EQ(fault("api-gateway", R"({"Name":"a","Listeners":[{"Name":"l","Port":80,"Protocol":"HTTP"}]})"), "");
  EXPECT_EQ(fault("tcp-route", R"({"Name":"a","Parents":[{"Name":"gw"}]})"), "");
  EXPECT_EQ(fault("service-intentions", R"({"Name":"*","Sources":[{"Name":"a","Action":"deny"}]})"), "");
  EXPECT_EQ(fault("mesh", R"({"TLS":{"Incoming":{"TLSMinVersion":"TLSv1_2"}}})"), "");
  EXPECT_EQ(fault("exported-services", R"({"Name":"default","Services":[{"Name":"a","Consumers":[{"Peer":"p"}]}]})"),
            "");
  EXPECT_EQ(fault("jwt-provider", R"({"Name":"a","JSONWebKeySet":{"Local":{"Filename":"f"}}})"), "");
  EXPECT_EQ(fault("file-system-certificate", R"({"Name":"a"})"), "");
}

TEST(ConfigEntryValidation, FaultsOfServiceDefaultsAreToldTogether) {
  EXPECT_EQ(fault("service-defaults", "{}"), "Name is required");
  EXPECT_EQ(fault("service-defaults", R"({"Name":"a","Protocol":"x","BalanceInboundConnections":"y",
                                          "RateLimits":{},"EnvoyExtensions":[{}]})"),
            "4 errors occurred:\n\t* invalid value for balance_inbound_connections: y\n\t* invalid value for protocol: "
            "x\n\t* invalid rate_limits config. Rate limiting is a consul enterprise feature\n\t* invalid "
            "EnvoyExtensions[0]: Name is required\n\n");
  EXPECT_EQ(fault("service-defaults", R"({"Name":"a","UpstreamConfig":{"Overrides":[{"Name":"*"}]}})"),
            "1 error occurred:\n\t* error in upstream override for *:: Wildcard name is not supported\n\n");
  EXPECT_EQ(fault("service-defaults", R"({"Name":"a","Destination":{"Addresses":["*.b"],"Port":0}})"),
            "2 errors occurred:\n\t* Destination address '*.b' is invalid Could not validate address *.b as an IP or "
            "Hostname\n\t* Invalid Port number 0\n\n");
}

TEST(ConfigEntryValidation, TheFirstFaultOfOtherKindsIsTold) {
  EXPECT_EQ(fault("service-router", R"({"Name":"a","Routes":[{"Match":{"HTTP":{"PathExact":"x"}}}]})"),
            R"(Route[0] PathExact doesn't start with '/': "x")");
  EXPECT_EQ(fault("service-splitter", R"({"Name":"a","Splits":[{"Weight":50}]})"),
            "the sum of all split weights must be 100, not 50.000000");
  EXPECT_EQ(fault("service-splitter", R"({"Name":"a","Splits":[{"Weight":50},{"Weight":50,"Service":"a"}]})"),
            R"(split destination occurs more than once: service="a", subset="", namespace="", partition="")");
  EXPECT_EQ(fault("service-resolver", R"({"Name":"a","DefaultSubset":"v"})"),
            R"(DefaultSubset "v" is not a valid subset)");
  EXPECT_EQ(fault("service-resolver", R"({"Name":"a","Redirect":{}})"), "Redirect is empty");
  EXPECT_EQ(fault("service-resolver", R"({"Name":"a","Failover":{"*":{}}})"),
            R"(Bad Failover["*"]: one of Service, ServiceSubset, Namespace, Targets, SamenessGroup, or Datacenters is )"
            "required");
  EXPECT_EQ(fault("service-resolver", R"({"Name":"a","LoadBalancer":{"Policy":"x"}})"),
            R"(Bad LoadBalancer policy: "x" is not supported)");
  EXPECT_EQ(fault("ingress-gateway", R"({"Name":"a","Listeners":[{"Port":1}]})"),
            "No service declared for listener with port 1");
  EXPECT_EQ(fault("api-gateway", R"({"Name":"a"})"), "api gateway must have at least one listener");
  EXPECT_EQ(fault("http-route", R"({"Name":"a","Hostnames":["*.x"]})"), R"(host "*.x" must not be a wildcard)");
  EXPECT_EQ(fault("tcp-route", R"({"Name":"a","Services":[{"Name":"b"},{"Name":"c"}]})"),
            "tcp-route currently only supports one service");
  EXPECT_EQ(fault("service-intentions", R"({"Name":"a"})"), "At least one source is required");
  EXPECT_EQ(fault("service-intentions", R"({"Name":"a","Sources":[{"Name":"b"}]})"),
            "Sources[0].Action must be set to 'allow' or 'deny'");
  EXPECT_EQ(fault("mesh", R"({"TLS":{"Outgoing":{"TLSMinVersion":"x"}}})"),
            "error in outgoing TLS configuration: no matching TLS version found for x, please specify one of "
            "[TLS_AUTO, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]");
  EXPECT_EQ(fault("exported-services", R"({"Name":"x"})"), R"(exported-services Name must be "default")");
  EXPECT_EQ(fault("jwt-provider", R"({"Name":"a"})"), "JSONWebKeySet is required");
  EXPECT_EQ(fault("sameness-group", R"({"Name":"a"})"), "sameness-groups are an enterprise-only feature");
}

TEST(ConfigEntryValidation, MetadataIsBounded) {
  const std::string large(513, 'x');
  EXPECT_EQ(fault("file-system-certificate", R"({"Meta":{"k":")" + large + "\"}}"),
            "1 error occurred:\n\t* Meta value for key \"k\" exceeds maximum length 512\n\n");
}

}  // namespace
}  // namespace proconsul::catalog
