#include "catalog/config_entry/input.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::catalog {
namespace {

/// The entry as JSON, or what is wrong with it.
std::string read(std::string_view json) {
  const base::Result<base::Value> raw = base::from_json<base::Value>(json);
  EXPECT_TRUE(raw) << json;
  const auto entry = decode_config_entry(*raw->as_map());
  if (!entry) return entry.error().detail;
  std::string text;
  base::append_json(text, (*entry)->kind->type(), entry->get());
  return text;
}

TEST(ConfigEntryInput, TheKindDecides) {
  EXPECT_EQ(read("{}"), "Payload does not contain a kind/Kind key at the top level");
  EXPECT_EQ(read(R"({"KIND":"mesh"})"), "Payload does not contain a kind/Kind key at the top level");
  EXPECT_EQ(read(R"({"Kind":5})"), "Kind value in payload is not a string");
  EXPECT_EQ(read(R"({"Kind":"service_defaults"})"), "invalid config entry kind: service_defaults");
}

TEST(ConfigEntryInput, SnakesAndCamelsAreAlike) {
  const std::string camel = read(R"({"Kind":"service-resolver","Name":"a","ConnectTimeout":"5s","Subsets":{"v1":
                                     {"OnlyPassing":true}},"CreateIndex":7})");
  EXPECT_EQ(read(R"({"kind":"service-resolver","name":"a","connect_timeout":"5s","subsets":{"v1":
                     {"only_passing":true}}})"),
            camel);
  EXPECT_NE(camel.find(R"("ConnectTimeout":"5s")"), std::string::npos) << camel;
}

TEST(ConfigEntryInput, KeysOfOtherEditionsAreRefusedInTheirOwnWords) {
  EXPECT_EQ(read(R"({"Kind":"mesh","Namespace":"x","Bogus":1})"),
            "2 errors occurred:\n\t* invalid config key \"Bogus\"\n"
            "\t* invalid config key \"Namespace\", namespaces are a consul enterprise feature\n\n");
}

TEST(ConfigEntryInput, ANullInAListOfAProxysConfigurationIsRefused) {
  EXPECT_EQ(read(R"({"Kind":"proxy-defaults","Config":{"a":{"b":[1,null]}}})"), "Config[a] has a list with a null");
}

}  // namespace
}  // namespace proconsul::catalog
