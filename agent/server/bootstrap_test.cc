#include "agent/server/bootstrap.h"

#include <gtest/gtest.h>

namespace proconsul::agent::server {
namespace {

using Verdict = BootstrapPlan::Verdict;

ServerInfo server(const std::string& id, int expect = 3) {
  ServerInfo info;
  info.name = "n" + id;
  info.id = id;
  info.datacenter = "dc1";
  info.ip = "10.0.0." + id;
  info.port = 8300;
  info.expect = expect;
  return info;
}

BootstrapView view_of(std::vector<ServerInfo> servers) {
  return {.datacenter = "dc1", .expect = 3, .read_replica = false, .has_log = false, .servers = std::move(servers)};
}

TEST(Bootstrap, WaitsUntilAllAreHere) {
  EXPECT_EQ(plan_bootstrap(view_of({server("1"), server("2")})).verdict, Verdict::wait);
  const BootstrapPlan plan = plan_bootstrap(view_of({server("2"), server("1"), server("3", 0)}));
  EXPECT_EQ(plan.verdict, Verdict::ask);
  ASSERT_EQ(plan.configuration.servers.size(), 3u);
  EXPECT_EQ(plan.configuration.servers[0].id.value, "1");
  EXPECT_EQ(plan.configuration.servers[0].address, "10.0.0.1:8300");
  EXPECT_EQ(plan.configuration.servers[0].suffrage, raft::Suffrage::voter);
}

TEST(Bootstrap, ReadReplicasDoNotCountAndHaveNoVote) {
  ServerInfo replica = server("3");
  replica.read_replica = true;
  EXPECT_EQ(plan_bootstrap(view_of({server("1"), server("2"), replica})).verdict, Verdict::wait);
  const BootstrapPlan plan = plan_bootstrap(view_of({server("1"), server("2"), replica, server("4")}));
  EXPECT_EQ(plan.verdict, Verdict::ask);
  EXPECT_EQ(plan.configuration.servers[2].suffrage, raft::Suffrage::nonvoter);
}

TEST(Bootstrap, NamesWhatDoesNotFit) {
  BootstrapPlan plan = plan_bootstrap(view_of({server("1"), server("2", 5), server("3")}));
  EXPECT_EQ(plan.verdict, Verdict::wait);
  EXPECT_TRUE(plan.is_mistake);
  EXPECT_NE(plan.reason.find("n2 at 10.0.0.2:8300 expects 5, this server 3"), plan.reason.npos) << plan.reason;

  ServerInfo eager = server("2");
  eager.bootstrap = true;
  plan = plan_bootstrap(view_of({server("1"), eager, server("3")}));
  EXPECT_TRUE(plan.is_mistake);
  EXPECT_NE(plan.reason.find("bootstrap mode"), plan.reason.npos);

  ServerInfo twin = server("2");
  twin.id = "1";
  plan = plan_bootstrap(view_of({server("1"), twin, server("3")}));
  EXPECT_TRUE(plan.is_mistake);
  EXPECT_NE(plan.reason.find("n1 at 10.0.0.1:8300 and n2 at 10.0.0.2:8300 have the same node ID"), plan.reason.npos)
      << plan.reason;
}

TEST(Bootstrap, NeverTwice) {
  BootstrapView view = view_of({server("1"), server("2"), server("3")});
  view.has_log = true;
  EXPECT_EQ(plan_bootstrap(view).verdict, Verdict::never);
  view.has_log = false;
  view.read_replica = true;
  EXPECT_EQ(plan_bootstrap(view).verdict, Verdict::wait);
}

}  // namespace
}  // namespace proconsul::agent::server
