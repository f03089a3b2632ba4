#include "agent/cluster/server_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace proconsul::agent::cluster {
namespace {

rpc::Target server(const std::string& name, const std::string& address = "10.0.0.1:8300") {
  return {.datacenter = "dc1", .node = name, .address = address};
}

class ServerListTest : public testing::Test {
 protected:
  ServerListTest() {
    for (const char* name : {"a", "b", "c"}) list.add(server(name));
  }
  std::string chosen() { return list.chosen()->node; }
  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const rpc::Target& each : list.servers()) names.insert(each.node);
    return names;
  }
  base::SeededRandom random{7};
  ServerList list{random};
};

TEST(ServerList, OfNobodyNobodyIsChosen) {
  base::SeededRandom random(1);
  ServerList list(random);

  EXPECT_EQ(list.chosen(), nullptr);
  EXPECT_FALSE(list.failed("a"));
  EXPECT_FALSE(list.choose(0, list.shuffled()));
}

TEST_F(ServerListTest, KeepsToOneWhoeverJoins) {
  const std::string first = chosen();

  for (const char* name : {"d", "e", "f"}) list.add(server(name));

  EXPECT_EQ(chosen(), first);
  EXPECT_EQ(list.size(), 6u);
}

TEST_F(ServerListTest, LeavesAServerThatFailedOnceForManyCallsThatFailed) {
  const std::string first = chosen();

  EXPECT_TRUE(list.failed(first));
  EXPECT_FALSE(list.failed(first));

  EXPECT_NE(chosen(), first);
  EXPECT_EQ(list.size(), 3u);
}

TEST(ServerList, TheOnlyServerIsAskedAgainAfterItFailed) {
  base::SeededRandom random(1);
  ServerList list(random);
  list.add(server("a"));

  EXPECT_FALSE(list.failed("a"));

  EXPECT_EQ(list.chosen()->node, "a");
}

TEST_F(ServerListTest, AServerThatComesBackHasItsNewAddress) {
  list.add(server("b", "10.0.0.9:8300"));

  EXPECT_EQ(list.size(), 3u);
  EXPECT_EQ(std::ranges::find(list.servers(), "b", &rpc::Target::node)->address, "10.0.0.9:8300");
}

TEST_F(ServerListTest, WhoAnswersIsChosenAndWhoCameMeanwhileIsKept) {
  std::vector<rpc::Target> order = list.shuffled();
  const std::string second = order[1].node;
  list.add(server("d"));
  list.remove(order[0].node);

  EXPECT_TRUE(list.choose(1, order));

  EXPECT_EQ(chosen(), second);
  EXPECT_EQ(names(), (std::set<std::string>{"d", second, order[2].node}));
}

TEST_F(ServerListTest, AChoiceThatHasGoneMeanwhileChangesNothing) {
  const std::vector<rpc::Target> order = list.shuffled();
  list.remove(order[0].node);
  const std::string before = chosen();

  EXPECT_FALSE(list.choose(0, order));

  EXPECT_EQ(chosen(), before);
}

TEST_F(ServerListTest, ManyClientsSpreadOverAllServers) {
  std::map<std::string, int> load;
  for (int client = 0; client < 3000; ++client) {
    ServerList fresh(random);
    for (const char* name : {"a", "b", "c"}) fresh.add(server(name));
    ++load[fresh.chosen()->node];
  }

  for (const auto& [name, count] : load) EXPECT_NEAR(count, 1000, 150) << name;
}

TEST(ServerList, ShufflesEveryTwoMinutesUntilTheClusterIsLarge) {
  base::SeededRandom random(5);

  for (int i = 0; i < 100; ++i) {
    const base::Duration small = ServerList::until_shuffle(3, 100, random);
    EXPECT_GE(small, base::seconds(120));
    EXPECT_LT(small, base::seconds(180));
  }
  EXPECT_EQ(ServerList::until_shuffle(3, 100'000, random), base::Duration{520'833'333'333});
}

}  // namespace
}  // namespace proconsul::agent::cluster
