#include "agent/http/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "base/type_of.h"
#include "base/value.h"

namespace proconsul::agent::http {
namespace {

using base::Value;

Value document() {
  Value value;
  const base::Result<> read = base::read_json(openapi(all_routes()), value);
  EXPECT_TRUE(read);
  return value;
}

const Value* at(const Value& value, std::initializer_list<const char*> path) {
  const Value* found = &value;
  for (const char* key : path) found = found ? found->find(key) : nullptr;
  return found;
}

void each_reference(const Value& value, std::vector<std::string>& found) {
  if (const Value::MapType* map = value.as_map()) {
    for (const auto& [key, member] : *map) {
      if (key == "$ref" && member.as_string()) found.push_back(*member.as_string());
      each_reference(member, found);
    }
  }
  if (const Value::ListType* list = value.as_list()) {
    for (const Value& member : *list) each_reference(member, found);
  }
}

TEST(OpenApi, EveryRouteIsDescribed) {
  EXPECT_THAT(undescribed(all_routes()), testing::IsEmpty());
}

TEST(OpenApi, AMissingDescriptionIsNoticed) {
  static constexpr Route kRows[] = {{Method::get, "/v1/x/", call(openapi_document)}, {Method::get, "/v1/y", later()}};
  constexpr std::span<const Route> kFamilies[] = {kRows};

  EXPECT_THAT(undescribed(kFamilies),
              testing::ElementsAre("/v1/x/: no summary", "/v1/x/: `rest` and the pattern disagree",
                                   "/v1/x/: no type of the answer"));
}

TEST(OpenApi, WhatItRefersToIsThere) {
  const Value whole = document();
  std::vector<std::string> references;
  each_reference(whole, references);

  EXPECT_GT(references.size(), 50u);
  for (const std::string& reference : references) {
    constexpr std::string_view kPlace = "#/components/schemas/";
    ASSERT_TRUE(reference.starts_with(kPlace)) << reference;
    EXPECT_TRUE(at(whole, {"components", "schemas", reference.c_str() + kPlace.size()})) << reference;
  }
}

TEST(OpenApi, NamesEachParameterOnce) {
  const Value whole = document();

  for (const auto& [path, item] : *at(whole, {"paths"})->as_map()) {
    for (const auto& [method, operation] : *item.as_map()) {
      std::set<std::string> names;
      for (const Value& parameter : *operation.find("parameters")->as_list()) {
        EXPECT_TRUE(names.insert(*parameter.find("name")->as_string()).second) << method << ' ' << path;
      }
    }
  }
}

TEST(OpenApi, SaysWhatARouteTakesAndAnswers) {
  const Value whole = document();

  const Value* kv = at(whole, {"paths", "/v1/kv/{key}"});
  ASSERT_TRUE(kv);
  EXPECT_TRUE(at(*kv, {"get"}) && at(*kv, {"put"}) && at(*kv, {"delete"}));
  EXPECT_TRUE(at(*kv, {"put", "requestBody", "content", "application/octet-stream"}));
  EXPECT_TRUE(at(*kv, {"put", "responses", "413", "content", "text/plain"}));
  const Value* health = at(whole, {"paths", "/v1/health/service/{service}", "get"});
  ASSERT_TRUE(health);
  EXPECT_EQ(base::to_json(*at(*health, {"responses", "200", "content", "application/json", "schema"})),
            R"({"items":{"$ref":"#/components/schemas/CheckServiceNode"},"type":["array","null"]})");
  EXPECT_TRUE(at(*health, {"responses", "200", "headers", "X-Cache"}));
  EXPECT_TRUE(at(*health, {"responses", "500"}));
  EXPECT_TRUE(at(whole, {"paths", "/v1/catalog/register", "put", "requestBody", "content", "application/json"}));
  EXPECT_TRUE(at(whole, {"paths", "/v1/acl/auth-methods"}));
  EXPECT_TRUE(at(whole, {"paths", "/v1/peerings"}));
}

TEST(OpenApi, WhatIsReadMayLackAnyField) {
  const Value whole = document();

  EXPECT_TRUE(at(whole, {"components", "schemas", "Node", "required"}));
  EXPECT_FALSE(at(whole, {"components", "schemas", "RegisterRequestInput", "required"}));
}

}  // namespace
}  // namespace proconsul::agent::http
