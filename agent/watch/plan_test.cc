#include "agent/watch/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/event/user_event.h"
#include "agent/watch/follow.h"
#include "base/json.h"

namespace proconsul::agent::watch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Parameters of(std::string_view json) {
  return *base::from_json<Parameters>(json);
}
std::string error_of(std::string_view json) {
  const base::Result<Plan> plan = parse(of(json));
  return plan ? "no error" : plan.error().detail;
}
std::string agent_error_of(std::string_view json) {
  bool deprecated = false;
  const base::Result<Plan> plan = parse_agent_watch(of(json), deprecated);
  return plan ? "no error" : plan.error().detail;
}

TEST(WatchPlan, EachViewHasItsRequest) {
  const auto path = [](std::string_view json) { return parse(of(json))->path; };

  EXPECT_EQ(path(R"({"type":"key","key":"/a/b"})"), "/v1/kv/a/b");
  EXPECT_EQ(path(R"({"type":"keyprefix","prefix":"a/"})"), "/v1/kv/a/");
  EXPECT_EQ(path(R"({"type":"services"})"), "/v1/catalog/services");
  EXPECT_EQ(path(R"({"type":"nodes","filter":"x"})"), "/v1/catalog/nodes");
  EXPECT_EQ(path(R"({"type":"service","service":"web"})"), "/v1/health/service/web");
  EXPECT_EQ(path(R"({"type":"checks"})"), "/v1/health/state/any");
  EXPECT_EQ(path(R"({"type":"checks","service":"web"})"), "/v1/health/checks/web");
  EXPECT_EQ(path(R"({"type":"event","name":"deploy"})"), "/v1/event/list");
  EXPECT_EQ(path(R"({"type":"connect_roots"})"), "/v1/agent/connect/ca/roots");
  EXPECT_EQ(path(R"({"type":"connect_leaf","service":"web"})"), "/v1/agent/connect/ca/leaf/web");
  EXPECT_EQ(path(R"({"type":"agent_service","service_id":"web-1"})"), "/v1/agent/service/web-1");
}

TEST(WatchPlan, OptionsBecomeTheQuery) {
  const Plan plan = *parse(of(R"({"type":"service","service":"web","tag":["a","b"],"passingonly":true,"stale":true,
      "datacenter":"dc2","token":"t"})"));

  EXPECT_THAT(plan.query, ElementsAre(Pair("stale", ""), Pair("tag", "a"), Pair("tag", "b"), Pair("passing", "1")));
  EXPECT_EQ(plan.datacenter, "dc2");
  EXPECT_EQ(plan.token, "t");
  EXPECT_THAT(parse(of(R"({"type":"service","service":"web","tag":"one"})"))->query, ElementsAre(Pair("tag", "one")));
}

TEST(WatchPlan, StatesThatConsulsClientDoesNotKnowAreNotAskedFor) {
  const auto refusal = [](std::string_view json) { return parse(of(json))->refusal; };

  EXPECT_EQ(refusal(R"({"type":"checks","state":"x"})"), "Unsupported state: x");
  EXPECT_EQ(refusal(R"({"type":"checks","state":"maintenance"})"), "Unsupported state: maintenance");
  EXPECT_EQ(refusal(R"({"type":"checks","state":"critical"})"), "");
  EXPECT_EQ(refusal(R"({"type":"checks","state":""})"), "");
  EXPECT_EQ(refusal(R"({"type":"checks","service":"web"})"), "");
}

TEST(WatchPlan, ErrorsAreConsuls) {
  EXPECT_EQ(error_of("{}"), "Watch type must be specified");
  EXPECT_EQ(error_of(R"({"type":1})"), "Expecting type to be a string");
  EXPECT_EQ(error_of(R"({"type":"bogus"})"), "Unsupported watch type: bogus");
  EXPECT_EQ(error_of(R"({"type":"key"})"), "Must specify a single key to watch");
  EXPECT_EQ(error_of(R"({"type":"keyprefix","prefix":""})"), "Must specify a single prefix to watch");
  EXPECT_EQ(error_of(R"({"type":"service"})"), "Must specify a single service to watch");
  EXPECT_EQ(error_of(R"({"type":"key","key":"a","stale":"yes"})"), "Expecting stale to be a boolean");
  EXPECT_EQ(error_of(R"({"type":"service","service":"a","tag":5})"), "Expecting tag to be a string or []string");
  EXPECT_EQ(error_of(R"({"type":"service","service":"a","tag":["x",5]})"), "Index 1 of tag expected to be string");
  EXPECT_EQ(error_of(R"({"type":"checks","service":"a","state":"b"})"), "Cannot specify service and state");
  EXPECT_EQ(error_of(R"({"type":"event","stale":true,"x":1})"), "Invalid parameters: [stale x]");
}

TEST(WatchPlan, HttpHandlersAreCheckedAndHaveDefaults) {
  const auto config = [](std::string_view inner) {
    return R"({"type":"nodes","handler_type":"http","http_handler_config":)" + std::string(inner) + "}";
  };

  const Plan plan = *parse(of(config(R"({"path":"http://h/x","header":{"x-a":["1","2"]},"timeout":"3s"})")));

  ASSERT_TRUE(plan.http);
  EXPECT_EQ(plan.http->method, "POST");
  EXPECT_EQ(plan.http->timeout, base::seconds(3));
  EXPECT_THAT(plan.http->header, ElementsAre(Pair("x-a", ElementsAre("1", "2"))));
  EXPECT_EQ(error_of(R"({"type":"nodes","handler_type":"http"})"),
            "Handler type 'http' requires 'http_handler_config' to be set");
  EXPECT_EQ(error_of(config("{}")), "Failed to parse 'http_handler_config': Requires 'path' to be set");
  EXPECT_THAT(error_of(config(R"({"path":"x","timeout":"soon"})")),
              HasSubstr("Failed to parse timeout: time: invalid duration \"soon\""));
  EXPECT_EQ(error_of(config(R"({"path":5})")),
            "Failed to parse 'http_handler_config': 1 error(s) decoding:\n\n* 'path' expected type 'string', got "
            "unconvertible type 'float64', value: '5'");
}

TEST(WatchPlan, TheAgentsWatchesNeedExactlyOneHandler) {
  bool deprecated = false;

  EXPECT_THAT(parse_agent_watch(of(R"({"type":"nodes","args":["a","b"]})"), deprecated)->arguments,
              ElementsAre("a", "b"));
  EXPECT_FALSE(deprecated);
  EXPECT_EQ(parse_agent_watch(of(R"({"type":"nodes","handler":"x | y"})"), deprecated)->script, "x | y");
  EXPECT_TRUE(deprecated);
  EXPECT_EQ(agent_error_of(R"({"type":"nodes"})"), "Must define a watch handler");
  EXPECT_EQ(agent_error_of(R"({"type":"nodes","handler":"a","args":["b"]})"), "Only one watch handler allowed");
  EXPECT_EQ(agent_error_of(R"({"type":"nodes","handler":5})"), "Watch handler must be a string");
  EXPECT_EQ(agent_error_of(R"({"type":"nodes","args":[5]})"), "Watch args must be a list of strings");
  EXPECT_EQ(agent_error_of(R"({"type":"key","args":["x"]})"),
            "Failed to parse watch (map[string]interface {}{\"args\":[]interface {}{\"x\"}}): Must specify a single "
            "key to watch");
}

TEST(WatchDecode, DataLooksAsGosClientWritesIt) {
  EXPECT_EQ(decode(View::key, 404, "", {})->json, "null");
  EXPECT_EQ(decode(View::key, 200, R"([{"Key":"a","Value":"MQ==","Extra":1}])", {})->json,
            R"({"Key":"a","CreateIndex":0,"ModifyIndex":0,"LockIndex":0,"Flags":0,"Value":"MQ==","Session":""})");
  EXPECT_EQ(decode(View::services, 200, R"({"b":null,"a":["x"]})", {})->json, R"({"a":["x"],"b":null})");
  EXPECT_THAT(decode(View::checks, 200, R"([{"Definition":{"Interval":"10s"}}])", {})->json,
              HasSubstr(R"("Definition":{"Interval":"10s","Timeout":"0s","DeregisterCriticalServiceAfter":"0s",)"));
  EXPECT_FALSE(decode(View::nodes, 200, "not json", {}));
}

TEST(WatchDecode, EventsUpToTheLastSeenOneAreNoNews) {
  const std::string first = "11111111-2222-3333-4444-555555555555";
  const std::string second = "11111111-2222-3333-4444-666666666666";
  const auto index_of = [](const std::string& id) { return event::index_of({.ID = id}); };
  const std::string both = R"([{"ID":")" + first + R"("},{"ID":")" + second + R"("}])";

  EXPECT_THAT(decode(View::event, 200, both, std::nullopt)->json, HasSubstr(first));
  EXPECT_THAT(decode(View::event, 200, both, index_of(first))->json,
              testing::AllOf(HasSubstr(second), testing::Not(HasSubstr(first))));
  EXPECT_EQ(decode(View::event, 200, both, index_of(second))->json, "[]");
}

TEST(WatchFollow, OnlyChangedDataIsNews) {
  Follow seen;
  std::vector<std::pair<std::string, std::string>> query;

  EXPECT_TRUE(seen.answered(5, {.json = "1"}, false));
  EXPECT_FALSE(seen.answered(5, {.json = "2"}, false));
  EXPECT_FALSE(seen.answered(6, {.json = "1"}, false));
  EXPECT_TRUE(seen.answered(7, {.json = "2"}, false));

  seen.block(query);
  EXPECT_THAT(query, ElementsAre(Pair("index", "7")));
}

TEST(WatchFollow, HashedViewsBlockOnTheHash) {
  Follow seen;
  std::vector<std::pair<std::string, std::string>> query;

  EXPECT_TRUE(seen.answered(0, {.json = "1", .hash = "h"}, true));
  EXPECT_FALSE(seen.answered(0, {.json = "1", .hash = "h"}, true));

  seen.block(query);
  EXPECT_THAT(query, ElementsAre(Pair("hash", "h")));
}

TEST(WatchFollow, FailuresBackOffAndMakeEverythingNewsAgain) {
  Follow seen;
  std::vector<std::pair<std::string, std::string>> query;
  EXPECT_TRUE(seen.answered(5, {.json = "1"}, false));

  EXPECT_EQ(seen.failed(), base::seconds(5));
  EXPECT_EQ(seen.failed(), base::seconds(20));
  for (int more = 0; more < 300; ++more) EXPECT_LE(seen.failed(), base::seconds(180));

  seen.block(query);
  EXPECT_THAT(query, IsEmpty());
  EXPECT_TRUE(seen.answered(5, {.json = "1"}, false));
  EXPECT_EQ(seen.failed(), base::seconds(5));
}

}  // namespace
}  // namespace proconsul::agent::watch
