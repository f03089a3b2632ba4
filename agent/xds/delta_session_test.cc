#include "agent/xds/delta_session.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace proconsul::agent::xds {
namespace {

using Heard = DeltaSession::Heard;

DeltaDiscoveryRequest request(Kind kind, base::List<std::string> names = {}) {
  DeltaDiscoveryRequest out;
  out.type_url = type_url(kind);
  out.resource_names_subscribe = std::move(names);
  return out;
}

DeltaDiscoveryRequest answer(const DeltaDiscoveryResponse& to, const char* refusal = nullptr) {
  DeltaDiscoveryRequest out;
  out.type_url = to.type_url;
  out.response_nonce = to.nonce;
  if (refusal) out.error_detail.emplace().message = refusal;
  return out;
}

std::vector<std::string> names(const DeltaDiscoveryResponse& response) {
  std::vector<std::string> out;
  for (const DiscoveredResource& each : response.resources) out.push_back(each.name);
  return out;
}

/// A cluster with endpoints, and a listener.
Resources some() {
  Resources out;
  out.may_be_empty[0] = true;
  out.put(Kind::cluster, "web", "c1");
  out.put(Kind::endpoint, "web", "e1");
  out.put(Kind::listener, "default", "l1");
  return out;
}

/// Envoy has all of it.
DeltaSession settled(const Resources& resources) {
  DeltaSession session;
  session.take(request(Kind::cluster));
  session.take(request(Kind::listener));
  session.take(request(Kind::endpoint, {"web"}));
  for (int rounds = 0; rounds < 4; ++rounds) {
    for (const DeltaDiscoveryResponse& each : session.updates(resources)) session.take(answer(each));
  }
  return session;
}

TEST(DeltaSession, ListenersWaitUntilClustersAreAcknowledged) {
  const Resources resources = some();
  DeltaSession session;
  session.take(request(Kind::cluster));
  session.take(request(Kind::listener));

  const auto first = session.updates(resources);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].type_url, type_url(Kind::cluster));
  EXPECT_EQ(names(first[0]), std::vector<std::string>{"web"});
  EXPECT_EQ(first[0].nonce, "00000001");
  EXPECT_TRUE(session.updates(resources).empty());

  session.take(answer(first[0]));
  const auto second = session.updates(resources);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].type_url, type_url(Kind::listener));
}

TEST(DeltaSession, WhatIsAcknowledgedIsNotSentAgain) {
  const Resources resources = some();
  DeltaSession session = settled(resources);

  EXPECT_TRUE(session.updates(resources).empty());
}

TEST(DeltaSession, ARefusedResourceIsSentAgainOnlyWithTheNextChangeOrRequest) {
  Resources resources = some();
  DeltaSession session = settled(resources);
  resources.put(Kind::listener, "default", "bad");
  const auto sent = session.updates(resources);
  ASSERT_EQ(sent.size(), 1u);

  EXPECT_EQ(session.take(answer(sent[0], "no such filter")), Heard::refusal);
  resources.put(Kind::listener, "default", "good");
  const auto again = session.updates(resources);

  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].resources[0].resource.value, "good");
}

TEST(DeltaSession, AListenerGoesBeforeItsCluster) {
  Resources resources = some();
  DeltaSession session = settled(resources);
  Resources less;
  less.may_be_empty[0] = true;
  less.put(Kind::listener, "other", "l2");

  const auto sent = session.updates(less);

  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].type_url, type_url(Kind::listener));
  EXPECT_EQ(sent[0].removed_resources, std::vector<std::string>{"default"});
  EXPECT_EQ(sent[1].type_url, type_url(Kind::cluster));
  EXPECT_EQ(sent[1].removed_resources, std::vector<std::string>{"web"});
}

TEST(DeltaSession, AChangedClusterGetsItsEndpointsAnew) {
  Resources resources = some();
  DeltaSession session = settled(resources);
  resources.put(Kind::cluster, "web", "c2");

  const auto sent = session.updates(resources);

  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].type_url, type_url(Kind::cluster));
  EXPECT_EQ(sent[1].type_url, type_url(Kind::endpoint));
  EXPECT_EQ(names(sent[1]), std::vector<std::string>{"web"});
}

TEST(DeltaSession, WhoSubscribesAgainIsSentItAgain) {
  const Resources resources = some();
  DeltaSession session = settled(resources);

  session.take(request(Kind::endpoint, {"web"}));
  const auto sent = session.updates(resources);

  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(names(sent[0]), std::vector<std::string>{"web"});
}

TEST(DeltaSession, NamesThatAreNotSubscribedToAreNotSent) {
  Resources resources = some();
  resources.put(Kind::endpoint, "api", "e2");
  DeltaSession session = settled(resources);
  DeltaDiscoveryRequest away = request(Kind::endpoint);
  away.resource_names_unsubscribe = {"web"};

  session.take(away);
  resources.put(Kind::endpoint, "web", "e3");

  EXPECT_TRUE(session.updates(resources).empty());
}

TEST(DeltaSession, AStreamThatContinuesAnotherIsToldTheDifference) {
  const Resources resources = some();
  DeltaSession session;
  DeltaDiscoveryRequest first = request(Kind::cluster);
  first.initial_resource_versions["web"] = resources.of(Kind::cluster).at("web").version;
  first.initial_resource_versions["gone"] = "1";

  session.take(first);
  const auto sent = session.updates(resources);

  ASSERT_FALSE(sent.empty());
  EXPECT_TRUE(sent[0].resources.empty());
  DeltaDiscoveryResponse last = sent.back();
  if (last.removed_resources.empty()) {
    session.take(answer(last));
    last = session.updates(resources).at(0);
  }
  EXPECT_EQ(last.removed_resources, std::vector<std::string>{"gone"});
}

TEST(DeltaSession, OfAnUnknownTypeThereIsNothing) {
  DeltaSession session;
  DeltaDiscoveryRequest odd;
  odd.type_url = "type.googleapis.com/envoy.service.runtime.v3.Runtime";

  EXPECT_EQ(session.take(odd), Heard::something);
  EXPECT_TRUE(session.updates(some()).empty());
}

// A stream may wait for ever for a service that nobody registers, and names cost the one who sends them nothing.
TEST(DeltaSession, OfNamesThatNobodyHasOnlySoManyAreKept) {
  DeltaSession session;
  const auto names_of = [](int round) {
    base::List<std::string> many;
    for (int i = 0; i < 1000; ++i)
      many.push_back(std::to_string(round) + '/' + std::to_string(i) + std::string(1000, 'x'));
    return many;
  };
  EXPECT_EQ(session.take(request(Kind::endpoint, names_of(0))), Heard::something);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(session.take(request(Kind::endpoint, names_of(1))), Heard::something) << "the same again";
    DeltaDiscoveryRequest less = request(Kind::endpoint);
    less.resource_names_unsubscribe = names_of(1);
    if (i % 2 == 0) ASSERT_EQ(session.take(less), Heard::something);
  }

  int rounds = 2;
  while (rounds < 100 && session.take(request(Kind::endpoint, names_of(rounds))) == Heard::something) ++rounds;

  EXPECT_GT(rounds, 10);
  EXPECT_LT(rounds, 20);
}

TEST(DeltaSession, AContinuationNamesOnlySoMuch) {
  DeltaSession session;
  DeltaDiscoveryRequest first = request(Kind::cluster);
  for (int i = 0; i < 20; ++i) first.initial_resource_versions[std::to_string(i)] = std::string(1 << 20, 'v');
  EXPECT_EQ(session.take(first), Heard::too_much);
}

}  // namespace
}  // namespace proconsul::agent::xds
