#include "gossip/swim/broadcast_queue.h"

#include <gtest/gtest.h>

#include "gossip/swim/timing.h"

namespace proconsul::gossip::swim {
namespace {

using Messages = std::vector<std::string>;

BroadcastQueue queue_of(std::size_t nodes, int mult = 3) {
  return BroadcastQueue([nodes] { return nodes; }, mult);
}

TEST(BroadcastQueue, LeastSentThenLongestThenNewest) {
  BroadcastQueue queue = queue_of(9);
  queue.push("first");
  queue.push("other");
  queue.push("longer");
  EXPECT_EQ(queue.take(2, 9), (Messages{"longer"}));

  const Messages all = queue.take(2, 1000);

  EXPECT_EQ(all, (Messages{"other", "first", "longer"}));
}

TEST(BroadcastQueue, WhatFitsIsLookedForInEveryTier) {
  BroadcastQueue queue = queue_of(9);
  queue.push("sm");
  EXPECT_EQ(queue.take(2, 1000), (Messages{"sm"}));
  queue.push("a message that is long");
  queue.push("abc");

  EXPECT_EQ(queue.take(2, 10), (Messages{"abc", "sm"}));
  EXPECT_TRUE(queue.take(2, 2).empty());
  EXPECT_TRUE(queue.take(2, 3).empty());
}

TEST(BroadcastQueue, NoMessageTwiceInOnePacket) {
  BroadcastQueue queue = queue_of(1000);
  queue.push("x");

  EXPECT_EQ(queue.take(2, 1000), (Messages{"x"}));
}

TEST(BroadcastQueue, AMessageLeavesAfterItsTransmits) {
  const std::size_t nodes = 99;
  BroadcastQueue queue = queue_of(nodes);
  int sent = 0;
  queue.push("x", "", [&] { ++sent; });

  for (int i = 1; i < retransmit_limit(3, nodes); ++i) EXPECT_EQ(queue.take(2, 100).size(), 1u);
  EXPECT_EQ(sent, 0);
  EXPECT_EQ(queue.take(2, 100).size(), 1u);

  EXPECT_EQ(sent, 1);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_TRUE(queue.take(2, 100).empty());
}

TEST(BroadcastQueue, ANameIsQueuedOnce) {
  BroadcastQueue queue = queue_of(9);
  int replaced = 0;
  queue.push("old", "node", [&] { ++replaced; });
  EXPECT_EQ(queue.take(2, 100), (Messages{"old"}));

  queue.push("new", "node");

  EXPECT_EQ(replaced, 1);
  EXPECT_EQ(queue.take(2, 100), (Messages{"new"}));
  EXPECT_EQ(queue.take(2, 100), (Messages{"new"}));
  EXPECT_EQ(queue.size(), 1u);
}

TEST(BroadcastQueue, PruneKeepsTheLeastSent) {
  BroadcastQueue queue = queue_of(9);
  int dropped = 0;
  queue.push("often", "a", [&] { ++dropped; });
  EXPECT_EQ(queue.take(2, 100).size(), 1u);
  queue.push("new", "b");

  queue.prune(1);

  EXPECT_EQ(dropped, 1);
  EXPECT_EQ(queue.take(2, 100), (Messages{"new"}));
  queue.push("a again", "a");
  EXPECT_EQ(queue.size(), 2u);
  queue.clear();
  EXPECT_EQ(queue.size(), 0u);
}

TEST(BroadcastQueue, SentMayQueueAgain) {
  BroadcastQueue queue = queue_of(0);
  queue.push("x", "a", [&] { queue.push("y", "a"); });

  EXPECT_EQ(queue.take(2, 100), (Messages{"x"}));

  EXPECT_EQ(queue.take(2, 100), (Messages{"y"}));
}

}  // namespace
}  // namespace proconsul::gossip::swim
