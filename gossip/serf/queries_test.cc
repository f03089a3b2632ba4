#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "gossip/serf/fake_membership.h"
#include "gossip/vectors.h"

namespace proconsul::gossip::serf {
namespace {

using base::Bytes;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A query of the node "other" at 10.0.0.2.
Query query_named(std::string name, LamportTime time = 5) {
  return {.LTime = time,
          .ID = 77,
          .Addr = Bytes(std::string("\x0a\0\0\x02", 4)),
          .Port = 8301,
          .SourceNode = "other",
          .Timeout = base::seconds(5),
          .Name = std::move(name)};
}

QueryResponse sent_response(const LoneNode& node, std::size_t index = 0) {
  const std::string& message = node.membership.sent.at(index).second;
  EXPECT_EQ(message[0], static_cast<char>(MessageType::query_response));
  return decode<QueryResponse>(std::string_view(message).substr(1)).value();
}

TEST(SerfQueries, OneIsDeliveredOnceAndAnsweredOnce) {
  LoneNode self;
  self.add("other", 2);
  self.observer.take();

  self.hear(MessageType::query, query_named("uptime"));
  self.hear(MessageType::query, query_named("uptime"));
  ASSERT_THAT(self.observer.take(), ElementsAre("query uptime"));
  IncomingQuery& query = self.observer.queries[0];
  EXPECT_EQ(self.serf->respond(query, Bytes(std::string(2000, 'x'))).error().detail,
            "response exceeds limit of 1024 bytes");
  EXPECT_TRUE(self.serf->respond(query, Bytes(std::string("3 days"))));

  EXPECT_EQ(self.membership.sent[0].first, "10.0.0.2:8301");
  EXPECT_EQ(sent_response(self).Payload, "3 days");
  EXPECT_EQ(sent_response(self).From, "self");
  EXPECT_EQ(self.serf->respond(query, {}).error().detail, "response already sent");
  EXPECT_EQ(self.serf->stats().query_queue, 1u);
}

TEST(SerfQueries, AnAnswerMayBeTooLate) {
  LoneNode self;
  self.hear(MessageType::query, query_named("uptime"));

  self.pass(base::seconds(6));

  EXPECT_EQ(self.serf->respond(self.observer.queries.at(0), {}).error().detail, "response is past the deadline");
}

TEST(SerfQueries, AForgedTimeoutIsCut) {
  LoneNode self;
  self.pass(base::seconds(1));
  for (const std::int64_t timeout : {INT64_MAX, INT64_MIN}) {
    Query query = query_named("uptime");
    query.ID = static_cast<std::uint32_t>(timeout);
    query.Timeout = {timeout};
    self.hear(MessageType::query, query);
  }

  EXPECT_EQ(self.observer.queries.at(0).deadline, self.clock.now() + base::seconds(24 * 3600));
  EXPECT_EQ(self.observer.queries.at(1).deadline, self.clock.now());
}

TEST(SerfQueries, OneThatShallNotSpreadIsNotPassedOn) {
  LoneNode self;
  Query query = query_named("uptime");
  query.Flags = kQueryNoBroadcast | kQueryAck;

  self.hear(MessageType::query, query);

  EXPECT_EQ(self.serf->stats().query_queue, 0u);
  EXPECT_EQ(sent_response(self).Flags, kQueryAck);
}

TEST(SerfQueries, FiltersSayWhoIsMeant) {
  const base::Map<std::string> tags{{"role", "web-1"}};
  const auto passes = [&](const QueryParams& params) { return passes_filters(encode_filters(params), "self", tags); };

  EXPECT_TRUE(passes({}));
  EXPECT_TRUE(passes({.filter_nodes = {"other", "self"}}));
  EXPECT_FALSE(passes({.filter_nodes = {"other"}}));
  EXPECT_TRUE(passes({.filter_tags = {{"role", "^web"}}}));
  EXPECT_FALSE(passes({.filter_tags = {{"role", "^db"}}}));
  EXPECT_FALSE(passes({.filter_tags = {{"role", "["}}}));
  EXPECT_FALSE(passes({.filter_nodes = {"self"}, .filter_tags = {{"absent", "."}}}));
  EXPECT_TRUE(passes({.filter_tags = {{"absent", "^$"}}}));
  EXPECT_FALSE(passes_filters({Bytes()}, "self", tags));
  EXPECT_FALSE(passes_filters({Bytes(std::string("\x07"))}, "self", tags));
  const Query recorded = decode<Query>(std::string_view(bytes_of("serf.json", "query_filters")).substr(1)).value();
  EXPECT_FALSE(passes_filters(recorded.Filters, "self", tags));
}

TEST(SerfQueries, OneForOthersIsOnlyPassedOn) {
  LoneNode self;
  Query query = query_named("uptime");
  query.Flags = kQueryAck;
  query.Filters = encode_filters({.filter_nodes = {"third"}});

  self.hear(MessageType::query, query);

  EXPECT_THAT(self.observer.take(), IsEmpty());
  EXPECT_THAT(self.membership.sent, IsEmpty());
  EXPECT_EQ(self.serf->stats().query_queue, 1u);
}

TEST(SerfQueries, TheAskerGathersAcksAndAnswers) {
  LoneNode self;
  self.add("other", 2);
  self.observer.take();
  std::vector<std::string> heard;
  QuerySinks sinks;
  sinks.acked = [&](const std::string& from) { heard.push_back("ack " + from); };
  sinks.answered = [&](const std::string& from, const Bytes& payload) { heard.push_back(from + "=" + payload); };
  sinks.finished = [&] { heard.emplace_back("end"); };

  const QueryHandle asked = self.serf->query("uptime", {}, {.request_ack = true}, std::move(sinks)).value();
  ASSERT_TRUE(self.serf->respond(self.observer.queries.at(0), Bytes(std::string("mine"))));
  self.settle();
  const QueryResponse answer{
      .LTime = asked.time, .ID = asked.id, .From = "other", .Payload = Bytes(std::string("theirs"))};
  self.hear(MessageType::query_response, answer);
  self.hear(MessageType::query_response, answer);
  self.hear(MessageType::query_response, QueryResponse{.LTime = asked.time, .ID = asked.id + 1, .From = "liar"});
  EXPECT_THAT(heard, ElementsAre("ack self", "self=mine", "other=theirs"));
  // 200 ms x 16 x ceil(log10(3))
  self.pass(base::milliseconds(3300));
  self.hear(MessageType::query_response,
            QueryResponse{.LTime = asked.time, .ID = asked.id, .From = "late", .Payload = {}});

  EXPECT_THAT(heard, ElementsAre("ack self", "self=mine", "other=theirs", "end"));
}

TEST(SerfQueries, ASinkMayCloseItsQuery) {
  LoneNode self;
  int ends = 0;
  QueryHandle asked{};
  QuerySinks sinks;
  sinks.answered = [&](const std::string&, const Bytes&) { self.serf->close_query(asked); };
  sinks.finished = [&] { ++ends; };

  asked = self.serf->query("uptime", {}, {}, std::move(sinks)).value();
  self.hear(MessageType::query_response, QueryResponse{.LTime = asked.time, .ID = asked.id, .From = "other"});
  self.pass(base::seconds(10));

  EXPECT_EQ(ends, 1);
}

TEST(SerfQueries, WhatIsTooLargeIsNotAsked) {
  LoneNode self;
  EXPECT_EQ(self.serf->query("q", Bytes(std::string(1024, 'x')), {}, {}).error().detail,
            "query exceeds limit of 1024 bytes");
  EXPECT_THAT(self.queued(), IsEmpty());
}

TEST(SerfQueries, AnswersAlsoGoThroughOthers) {
  LoneNode self;
  for (std::uint8_t i = 2; i < 7; ++i) self.add("n" + std::to_string(i), i);
  Query query = query_named("uptime");
  query.RelayFactor = 3;
  self.hear(MessageType::query, query);

  ASSERT_TRUE(self.serf->respond(self.observer.queries.at(0), Bytes(std::string("pong"))));

  ASSERT_THAT(self.membership.sent, SizeIs(4));
  LoneNode relay;
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(self.membership.sent[i].second[0], static_cast<char>(MessageType::relay));
    relay.serf->user_message(self.membership.sent[i].second);
    EXPECT_EQ(relay.membership.sent.at(i - 1).first, "10.0.0.2:8301");
    EXPECT_EQ(relay.membership.sent.at(i - 1).second, self.membership.sent[0].second);
  }
}

TEST(SerfQueries, ASmallPoolRelaysNothing) {
  LoneNode self;
  self.add("other", 2);
  Query query = query_named("uptime");
  query.RelayFactor = 3;
  query.Flags = kQueryAck;

  self.hear(MessageType::query, query);

  EXPECT_THAT(self.membership.sent, SizeIs(1));
}

TEST(SerfQueries, ARelayedAnswerWithoutAPlaceGoesNowhere) {
  LoneNode self;
  const auto relay_to = [&](RelayAddress to) {
    self.serf->user_message(encode(MessageType::relay, RelayHeader{.DestAddr = std::move(to)}) + "x");
  };

  relay_to({.IP = Bytes(std::string("abc")), .Port = 1});
  relay_to({.IP = Bytes(std::string("\x0a\0\0\x02", 4)), .Port = 70'000});

  EXPECT_THAT(self.membership.sent, IsEmpty());
}

TEST(SerfQueries, OldOnesAndThoseBeforeTheRestartAreDropped) {
  LoneNode self({}, nullptr, "query-clock: 100\n", true);

  self.hear(MessageType::query, query_named("before", 100));
  self.hear(MessageType::query, query_named("after", 101));
  self.hear(MessageType::query, query_named("new", 1000));
  self.hear(MessageType::query, query_named("old", 400));

  EXPECT_THAT(self.observer.take(), ElementsAre("query after", "query new"));
}

TEST(SerfConflicts, OthersSayWhereTheyKnowTheName) {
  LoneNode self;
  self.add("other", 2);
  const auto ask = [&](std::string name, LamportTime time) {
    Query query = query_named("_serf_conflict", time);
    query.Payload = Bytes(std::move(name));
    self.hear(MessageType::query, query);
  };

  ask("other", 5);
  ask("nobody", 6);
  ask("self", 7);

  ASSERT_THAT(self.membership.sent, SizeIs(2)) << "nothing about oneself";
  const std::string known = sent_response(self, 0).Payload;
  EXPECT_EQ(decode<Member>(std::string_view(known).substr(1))->Port, 8301);
  EXPECT_EQ(base::to_hex(sent_response(self, 1).Payload), "06c0");
}

TEST(SerfConflicts, TheMinorityGoes) {
  for (const bool wins : {true, false}) {
    LoneNode self;
    self.add("other", 2);
    self.observer.take();
    self.serf->name_conflict(self.membership.local(), node_named("self", 9));
    self.serf->name_conflict(self.membership.local(), node_named("self", 9));
    self.settle();
    EXPECT_EQ(self.serf->stats().query_queue, 1u) << "one vote at a time";
    const std::string message = self.queued().at(0);
    const Query asked = decode<Query>(std::string_view(message).substr(1)).value();
    EXPECT_EQ(asked.Payload, "self");

    Member seen{.Name = "self", .Addr = Bytes(std::string("\x0a\0\0\x01", 4)), .Port = 8301};
    if (!wins) seen.Port = 1;
    self.hear(MessageType::query_response,
              QueryResponse{.LTime = asked.LTime,
                            .ID = asked.ID,
                            .From = "other",
                            .Payload = Bytes(encode(MessageType::conflict_response, seen))});
    self.pass(base::seconds(10));

    if (wins) {
      EXPECT_THAT(self.observer.take(), IsEmpty());
    } else {
      EXPECT_THAT(self.observer.take(), ElementsAre("conflict lost"));
    }
  }
}

TEST(SerfConflicts, NothingIsAskedWhereResolutionIsOff) {
  LoneNode self(Settings::consul_lan());
  self.serf->name_conflict(self.membership.local(), node_named("self", 9));
  self.settle();
  EXPECT_THAT(self.queued(), IsEmpty());
}

TEST(SerfCoordinates, TravelInAcks) {
  LoneNode one;
  LoneNode two;
  two.add("one", 2);

  two.serf->ping_complete(node_named("one", 2), base::milliseconds(20), one.serf->ack_payload());
  two.serf->ping_complete(node_named("one", 2), base::milliseconds(20), "\x02");
  two.serf->ping_complete(node_named("one", 2), base::milliseconds(20), "\x01\xff");
  two.serf->ping_complete(node_named("one", 2), base::seconds(11), one.serf->ack_payload());

  EXPECT_EQ(base::to_hex(one.serf->ack_payload()), base::to_hex(bytes_of("serf.json", "ack_payload_origin")));
  EXPECT_EQ(*two.serf->coordinates().get("one"), Coordinate::origin());
  EXPECT_EQ(*two.serf->coordinates().get("self"), two.serf->coordinate().value());
  EXPECT_GT(distance(two.serf->coordinate().value(), Coordinate::origin()), base::milliseconds(1));
  Settings off;
  off.disable_coordinates = true;
  LoneNode without(off);
  EXPECT_EQ(without.serf->ack_payload(), "");
  EXPECT_EQ(without.serf->coordinate().error().detail, "Coordinates are disabled");
  EXPECT_FALSE(without.serf->stats().texts().contains("coordinate_resets"));
}

}  // namespace
}  // namespace proconsul::gossip::serf
