#include <gtest/gtest.h>

#include "base/json.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/register.h"
#include "catalog/types/service.h"
#include "catalog/types/session.h"

namespace proconsul::catalog {
namespace {

template <class T>
T decoded(std::string_view json) {
  const auto object = base::from_json<T>(json, {.reject_unknown = true});
  EXPECT_TRUE(object) << object.error().detail;
  return object ? *object : T{};
}
template <class T>
std::string refusal(std::string_view json) {
  const auto object = base::from_json<T>(json, {.reject_unknown = true});
  return object ? "" : object.error().detail;
}

TEST(CheckType, TakesOldSpellingsAndDurationsAsText) {
  const auto check = decoded<CheckType>(
      R"({"args":["a"],"interval":"10s","timeout":5000000000,"docker_container_id":"d","tls_skip_verify":true,)"
      R"("deregister_critical_service_after":"1m","ServiceID":"ignored"})");

  EXPECT_EQ(check.ScriptArgs.size(), 1u);
  EXPECT_EQ(check.Interval, base::seconds(10));
  EXPECT_EQ(check.Timeout, base::seconds(5));
  EXPECT_EQ(check.DockerContainerID, "d");
  EXPECT_TRUE(check.TLSSkipVerify);
  EXPECT_EQ(check.DeregisterCriticalServiceAfter, base::seconds(60));
  EXPECT_NE(refusal<CheckType>(R"({"disable_redirects":true})"), "");
  EXPECT_TRUE(decoded<CheckDefinition>(R"({"disable_redirects":true})").DisableRedirects);
}

TEST(CheckType, Http2PingsGoOverTlsUnlessToldOtherwise) {
  EXPECT_TRUE(decoded<CheckType>(R"({"H2PING":"x:1"})").H2PingUseTLS);
  EXPECT_FALSE(decoded<CheckType>(R"({"H2PING":"x:1","H2PingUseTLS":false})").H2PingUseTLS);
  EXPECT_FALSE(decoded<CheckType>(R"({"HTTP":"x"})").H2PingUseTLS);
}

TEST(ServiceDefinition, IsDecodedWithItsSidecar) {
  const auto service = decoded<ServiceDefinition>(
      R"({"Name":"web","enable_tag_override":true,"tagged_addresses":{"lan":{"Address":"1.2.3.4","Port":5}},)"
      R"("Check":{"TTL":"5s"},"Connect":{"sidecar_service":{"Port":21000}},)"
      R"("Proxy":{"destination_service_name":"x","upstreams":[{"destination_name":"db","local_bind_port":9}]}})");

  EXPECT_TRUE(service.EnableTagOverride);
  EXPECT_EQ(service.TaggedAddresses.at("lan").Port, 5);
  EXPECT_EQ(service.Check.TTL, base::seconds(5));
  EXPECT_EQ(service.Connect->SidecarService->Port, 21000);
  EXPECT_EQ(service.Proxy->DestinationServiceName, "x");
  EXPECT_EQ(service.Proxy->Upstreams.at(0).LocalBindPort, 9);
}

TEST(Session, SmallLockDelaysAreSeconds) {
  EXPECT_EQ(decoded<Session>(R"({"LockDelay":15})").LockDelay, base::seconds(15));
  EXPECT_EQ(decoded<Session>(R"({"LockDelay":"15s"})").LockDelay, base::seconds(15));
  EXPECT_EQ(decoded<Session>(R"({"LockDelay":15000000000})").LockDelay, base::seconds(15));
}

TEST(RegisterRequest, RefusesUnknownKeysButNotInDefinitions) {
  EXPECT_NE(refusal<RegisterRequest>(R"({"Node":"n","Nonsense":1})"), "");
  EXPECT_EQ(decoded<RegisterRequest>(R"({"Check":{"Definition":{"Interval":"5s","Nonsense":1}}})")
                .Check->Definition->Interval,
            base::seconds(5));
  EXPECT_EQ(decoded<DeregisterRequest>(R"({"Node":"n","Address":"obsolete"})").Node, "n");
}

TEST(HealthCheck, ShowsDurationsAsTextAndLeavesOutWhatIsUnset) {
  HealthCheck check;
  EXPECT_NE(base::to_json(check).find(R"("Definition":{},"CreateIndex":0)"), std::string::npos);

  check.Definition.edit().Interval = base::seconds(10);
  check.Definition.edit().TCP = "localhost:1";

  EXPECT_NE(base::to_json(check).find(R"("Definition":{"Interval":"10s","TCP":"localhost:1"})"), std::string::npos);
}

TEST(NodeService, ShowsProxySettingsAsThePeerDoes) {
  NodeService service;
  service.Proxy.edit().TransparentProxy.edit().OutboundListenerPort = 15001;

  EXPECT_NE(base::to_json(service).find(R"("Proxy":{"TransparentProxy":{"OutboundListenerPort":15001},"Mode":"",)"
                                        R"("MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"")"),
            std::string::npos);
}

}  // namespace
}  // namespace proconsul::catalog
