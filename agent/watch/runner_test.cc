#include "agent/watch/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <sstream>

#include "agent/cli/test_agent.h"
#include "agent/watch/handlers.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::watch {
namespace {

using cli::TestAgent;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const base::log::Logger kLog("watch");

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(WatchRunner, NewsGoToTheHandlerWithTheirIndex) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"([{"Key":"a","Value":"MQ=="}])", "X-Consul-Index: 5\r\n"),
                TestAgent::reply(200, R"([{"Key":"a","Value":"MQ=="}])", "X-Consul-Index: 6\r\n"),
                TestAgent::reply(404, "", "X-Consul-Index: 7\r\n")});
  const Plan plan = *parse({{"type", "key"}, {"key", "a"}});
  base::Interrupt stop;
  auto client = cli::ApiClient::make({.address = agent.address(), .interrupt = &stop});
  ASSERT_TRUE(client);
  std::vector<std::pair<std::uint64_t, std::string>> news;

  follow(
      plan, *client, stop,
      [&](std::uint64_t index, const std::string& json) {
        news.emplace_back(index, json);
        if (news.size() == 2) stop.raise();
      },
      kLog);

  ASSERT_EQ(news.size(), 2u);
  EXPECT_EQ(news[0].first, 5u);
  EXPECT_EQ(news[1], std::pair(std::uint64_t{7}, std::string("null")));
  EXPECT_THAT(agent.requests()[0], StartsWith("GET /v1/kv/a HTTP/1.1\r\n"));
  EXPECT_THAT(agent.requests()[1], StartsWith("GET /v1/kv/a?index=5 HTTP/1.1\r\n"));
  EXPECT_THAT(agent.requests()[2], StartsWith("GET /v1/kv/a?index=6 HTTP/1.1\r\n"));
}

TEST(WatchRunner, WhatIsRefusedIsLoggedAndAskedOfNobody) {
  TestAgent agent;
  const Plan plan = *parse({{"type", "checks"}, {"state", "x"}});
  base::Interrupt stop;
  auto client = cli::ApiClient::make({.address = agent.address(), .interrupt = &stop});
  ASSERT_TRUE(client);
  std::mutex mutex;
  std::string logged;
  const auto tap = base::log::tap(base::log::Level::error, false, [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    logged += line;
    stop.raise();
  });

  follow(plan, *client, stop, [](std::uint64_t, const std::string&) { ADD_FAILURE(); }, kLog);

  const std::lock_guard lock(mutex);
  EXPECT_THAT(logged, HasSubstr("[ERROR] watch.watch: Watch errored: type=checks error=\"Unsupported state: x\""));
  EXPECT_TRUE(agent.requests().empty());
}

TEST(WatchRunner, ProgramsGetDataAndIndex) {
  const raft::TemporaryDirectory folder;
  const std::string file = folder.path() + "/out";
  base::Interrupt abandon;
  Plan plan;
  plan.arguments = {"/bin/sh", "-c", "cat > \"$0\"; echo $CONSUL_INDEX >> \"$0\"", file};

  make_handler(plan, kLog, abandon)(42, "{\"a\":1}");

  EXPECT_EQ(content(file), "{\"a\":1}\n42\n");
}

TEST(WatchRunner, EndpointsGetDataIndexAndHeaders) {
  TestAgent endpoint;
  endpoint.answer({TestAgent::reply(200, "ok")});
  base::Interrupt abandon;
  Plan plan;
  plan.http = HttpHandler{.path = "http://" + endpoint.address() + "/hook?x=a%20b#fragment", .method = "PUT"};
  plan.http->header["x-secret"] = base::List<std::string>({"s"});

  make_handler(plan, kLog, abandon)(42, "{}");

  ASSERT_EQ(endpoint.requests().size(), 1u);
  EXPECT_THAT(endpoint.requests()[0],
              AllOf(StartsWith("PUT /hook?x=a%20b HTTP/1.1\r\n"), HasSubstr("\r\nX-Consul-Index: 42\r\n"),
                    HasSubstr("\r\nx-secret: s\r\n"), HasSubstr("\r\nContent-Type: application/json\r\n"),
                    testing::EndsWith("\r\n\r\n{}\n")));
}

TEST(WatchRunner, HeadersCannotSmuggleAnything) {
  TestAgent endpoint;
  base::Interrupt abandon;
  for (const auto& [name, value] : {std::pair("bad name", "x"), std::pair("x", "a\r\nX-Evil: 1")}) {
    Plan plan;
    plan.http = HttpHandler{.path = "http://" + endpoint.address()};
    plan.http->header[name] = base::List<std::string>({value});

    make_handler(plan, kLog, abandon)(1, "{}");
  }

  EXPECT_TRUE(endpoint.requests().empty());
}

TEST(WatchRunner, ASilentEndpointIsGivenUpAndAWaitingAgentTooAtTheEnd) {
  TestAgent silent;  // takes requests and closes the connection only when asked to end
  silent.answer({TestAgent::kNoAnswer});
  base::Interrupt abandon;
  Plan plan = *parse({{"type", "nodes"}});
  plan.http = HttpHandler{.path = "http://" + silent.address(), .timeout = base::milliseconds(1)};
  make_handler(plan, kLog, abandon)(1, "{}");

  auto runner = Runner::start(plan, {.address = silent.address()}, kLog);

  ASSERT_TRUE(runner);
  // The handler's own request may never have got away within its time.
  const auto waits = [](const std::string& request) { return request.contains("/v1/catalog/nodes"); };
  while (std::ranges::none_of(silent.requests(), waits)) std::this_thread::yield();
  (*runner)->stop();
  while (!(*runner)->finished()) std::this_thread::yield();
}

}  // namespace
}  // namespace proconsul::agent::watch
