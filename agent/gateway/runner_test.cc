#include "agent/gateway/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proconsul::agent::gateway {
namespace {

using testing::HasSubstr;
using wanfed::gateway::Address;

std::unique_ptr<Runner> running(base::net::Loops& loops) {
  auto runner = Runner::start(loops, {.api = {.address = "127.0.0.1:1"},
                                      .identity = Identity{.datacenter = "dc1", .domain = "consul"},
                                      .listen = {Address{"127.0.0.1", 0}}});
  EXPECT_TRUE(runner) << runner.error().detail;
  return std::move(*runner);
}

TEST(Runner, AChangeThatFailsChangesNothing) {
  base::net::Loops loops(1);
  const auto runner = running(loops), other = running(loops);
  const std::vector<Address> before = runner->gateway().listening();
  const std::vector<Address> taken = other->gateway().listening();

  // Where to listen would do, the way to the agent does not.
  const std::vector<Address> more{Address{"127.0.0.1", 0}, Address{"127.0.0.2", 0}};
  Runner::Change change{.listen = more};
  change.asking.emplace().api = {.address = "https://127.0.0.1:1", .ca_file = "/no/such/file"};
  const base::Result<> no_way = runner->change(std::move(change));
  ASSERT_FALSE(no_way);
  EXPECT_THAT(no_way.error().detail, HasSubstr("/no/such/file"));
  EXPECT_EQ(runner->gateway().listening(), before);

  // And the other way round: nobody is asked before it listens.
  Runner::Change second{.listen = taken};
  second.asking.emplace().api = {.address = "127.0.0.1:1"};
  EXPECT_FALSE(runner->change(std::move(second)));
  EXPECT_EQ(runner->gateway().listening(), before);

  Runner::Change third{.listen = more};
  third.asking.emplace().api = {.address = "127.0.0.1:1"};
  EXPECT_TRUE(runner->change(std::move(third)));
  EXPECT_EQ(runner->gateway().listening().size(), 2u);
}

}  // namespace
}  // namespace proconsul::agent::gateway
