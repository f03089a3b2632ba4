// How the types that clients send are read and written as JSON, error texts included.
#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

#include "catalog/types/agent_check.h"
#include "catalog/types/health.h"
#include "catalog/types/register.h"
#include "catalog/types/service.h"
#include "catalog/types/session.h"

namespace proconsul::catalog {
namespace {

template <class T>
std::string error_of(std::string_view text) {
  T object{};
  auto read = base::read_json(text, object, {.input = base::JsonInput::first, .reject_unknown = true});
  return read ? std::string() : read.error().detail;
}

TEST(TypesJson, ErrorsNameTheStructThatGoDecodesInto) {
  EXPECT_EQ(error_of<Session>("[]"),
            "json: cannot unmarshal array into Go value of type struct { LockDelay interface {}; *structs.Alias }");
  EXPECT_EQ(error_of<Session>(R"({"Node":5})"),
            "json: cannot unmarshal number into Go struct field .Alias.Node of type string");
  EXPECT_EQ(error_of<ServiceDefinition>(R"({"Port":"x"})"),
            "json: cannot unmarshal string into Go struct field .Alias.Port of type int");
  EXPECT_EQ(error_of<ServiceDefinition>(R"("x")"),
            R"(json: cannot unmarshal string into Go value of type struct { EnableTagOverrideSnake bool )"
            R"("json:\"enable_tag_override\""; TaggedAddressesSnake map[string]structs.ServiceAddress )"
            R"("json:\"tagged_addresses\""; *structs.Alias })");
  EXPECT_EQ(error_of<DeregisterRequest>("[]"),
            "json: cannot unmarshal array into Go value of type struct { Address string; *structs.Alias }");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"Service":{"Port":"x"}})"),
            "json: cannot unmarshal string into Go struct field NodeService.Service.Port of type int");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"TaggedAddresses":{"lan":1}})"),
            "json: cannot unmarshal number into Go struct field RegisterRequest.TaggedAddresses of type string");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"ID":5})"),
            "json: cannot unmarshal number into Go struct field RegisterRequest.ID of type types.NodeID");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"Checks":{}})"),
            "json: cannot unmarshal object into Go struct field RegisterRequest.Checks of type structs.HealthChecks");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"Checks":[5]})"),
            "json: cannot unmarshal number into Go struct field RegisterRequest.Checks of type structs.HealthCheck");
  EXPECT_EQ(error_of<Session>(R"({"Checks":[5]})"),
            "json: cannot unmarshal number into Go struct field .Alias.Checks of type types.CheckID");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"Token":5})"),
            "json: cannot unmarshal number into Go struct field RegisterRequest.WriteRequest.Token of type string");
  EXPECT_EQ(error_of<RegisterRequest>(R"({"Bogus":1})"), R"(json: unknown field "Bogus")");
  EXPECT_EQ(error_of<CheckDefinition>(R"({"TTL":"x"})"), R"(time: invalid duration "x")");
  EXPECT_EQ(error_of<CheckDefinition>(R"({"Interval":"10s","HTTP":5})"),
            "json: cannot unmarshal number into Go struct field .Alias.HTTP of type string");
}

TEST(TypesJson, LockDelayIsTextNanosecondsOrSeconds) {
  const auto delay = [](std::string_view text) {
    Session session;
    EXPECT_TRUE(base::read_json(text, session));
    return session.LockDelay;
  };

  EXPECT_EQ(delay(R"({"LockDelay":"20s"})"), base::seconds(20));
  EXPECT_EQ(delay(R"({"LockDelay":20})"), base::seconds(20));
  EXPECT_EQ(delay(R"({"LockDelay":20000000000})"), base::seconds(20));
  EXPECT_EQ(error_of<Session>(R"({"LockDelay":"nope"})"), R"(time: invalid duration "nope")");
}

TEST(TypesJson, ChecksAreReadInEitherSpellingAndNeverHaveUnknownKeys) {
  CheckType check;
  ASSERT_TRUE(base::read_json(
      R"({"Args":["a"],"interval":"10s","Timeout":5000000000,"tls_skip_verify":true,"H2PING":"x","service_id":"s",)"
      R"("deregister_critical_service_after":"1m"})",
      check));

  EXPECT_EQ(check.ScriptArgs, (base::List<std::string>{"a"}));
  EXPECT_EQ(check.Interval, base::seconds(10));
  EXPECT_EQ(check.Timeout, base::seconds(5));
  EXPECT_EQ(check.DeregisterCriticalServiceAfter, base::seconds(60));
  EXPECT_TRUE(check.TLSSkipVerify);
  EXPECT_TRUE(check.H2PingUseTLS);
  EXPECT_EQ(error_of<CheckType>(R"({"Bogus":1})"), R"(json: unknown field "Bogus")");

  CheckType plain;
  ASSERT_TRUE(base::read_json(R"({"H2PING":"x","h2ping_use_tls":false})", plain));
  EXPECT_FALSE(plain.H2PingUseTLS);
}

TEST(TypesJson, HealthCheckDefinitionsWriteDurationsAsTextButForTheTtl) {
  HealthCheckDefinition definition;
  ASSERT_TRUE(base::read_json(R"({"Interval":"10s","Timeout":1000000000,"TTL":"1s","Unknown":1})", definition));

  EXPECT_EQ(base::to_json(definition), R"({"Interval":"10s","Timeout":"1s","TTL":1000000000})");
}

TEST(TypesJson, AProxysUnsetPartsAreLeftOut) {
  ConnectProxyConfig proxy;

  EXPECT_EQ(base::to_json(proxy), R"({"Mode":"","MeshGateway":{},"Expose":{}})");
}

}  // namespace
}  // namespace proconsul::catalog
