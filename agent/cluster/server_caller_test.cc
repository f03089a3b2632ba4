#include "agent/cluster/server_caller.h"

#include <gtest/gtest.h>

#include <future>

#include "agent/rpc/test_port.h"
#include "agent/rpc/types.h"

namespace proconsul::agent::cluster {
namespace {

using base::Result;
using rpc::test::StorePort;

class ServerCallerTest : public testing::Test {
 protected:
  ~ServerCallerTest() override {
    caller.stop();
    pool.stop();
  }
  std::string ask(const char* name) {
    std::promise<Result<>> answered;
    const rpc::Method& method = *rpc::find_method(name);
    rpc::ask(caller, loops.next(), method, method.make(),
             [&](Result<> result) { answered.set_value(std::move(result)); });
    const Result<> result = answered.get_future().get();
    return result ? "" : result.error().detail;
  }

  base::net::Loops loops{2};
  rpc::Pool pool{loops, {}};
  ServerCaller caller{loops, pool, {.times = {.rpc_hold_timeout = base::milliseconds(300)}}};
};

TEST_F(ServerCallerTest, WithoutServersItSaysSo) {
  EXPECT_EQ(ask("Status.Ping"), "No known Consul servers");
  EXPECT_FALSE(caller.choose());
}

TEST_F(ServerCallerTest, AServerAnswers) {
  StorePort one(loops);
  caller.add(one.target());

  EXPECT_EQ(ask("Status.Ping"), "");
  EXPECT_EQ(caller.known_servers(), 1u);
}

TEST_F(ServerCallerTest, WhenAServerDiesReadsGoOnWithAnother) {
  StorePort one(loops, "s1"), two(loops, "s2");
  caller.add(one.target());
  caller.add(two.target());
  ASSERT_EQ(ask("Status.Leader"), "");

  // Whichever it was.
  const std::string first = caller.choose()->node;
  (first == "s1" ? one : two).stop();

  EXPECT_EQ(ask("Status.Leader"), "");
  EXPECT_NE(caller.choose()->node, first);
}

TEST_F(ServerCallerTest, MoreCallsThanTheLimitAreRefused) {
  StorePort one(loops);
  caller.add(one.target());
  caller.limit(0, 2);

  EXPECT_EQ(ask("Status.Ping"), "");
  EXPECT_EQ(ask("Status.Ping"), "");
  EXPECT_EQ(ask("Status.Ping"), "RPC rate limit exceeded");

  caller.limit(base::TokenBucket::kUnlimited, 1);
  EXPECT_EQ(ask("Status.Ping"), "");
}

TEST_F(ServerCallerTest, ACallThatWaitsIsAnsweredAtTheEnd) {
  StorePort one(loops);
  one.server.leads = false;  // every call is tried again until the hold timeout
  caller.add(one.target());
  std::promise<Result<>> answered;
  const rpc::Method& method = *rpc::find_method("KVS.Apply");

  rpc::ask(caller, loops.next(), method, method.make(),
           [&](Result<> result) { answered.set_value(std::move(result)); });
  caller.stop();

  EXPECT_FALSE(answered.get_future().get());
}

}  // namespace
}  // namespace proconsul::agent::cluster
