#include "base/net/yamux.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace proconsul::base::net {
namespace {

using namespace std::chrono_literals;
using yamux::append_header;
using yamux::FrameType;
using yamux::GoAway;
using yamux::Header;
using yamux::kAck;
using yamux::kFin;
using yamux::kHeaderSize;
using yamux::kRst;
using yamux::kSyn;
using yamux::kWindow;
using yamux::read_header;
using yamux::StreamId;

const yamux::Instant kStart{};

/// Takes every stream, keeps what arrives.
struct Recorder : Yamux::User {
  void incoming(StreamId id) override {
    opened.push_back(id);
    if (core && accepts) core->accept(id);
  }
  void data(StreamId id, std::string_view bytes) override {
    received[id] += bytes;
    if (core && consumes) core->consumed(id, bytes.size());
  }
  void peer_finished(StreamId id) override { finished.push_back(id); }
  void closed(StreamId id) override { ended.push_back(id); }
  void broken(StreamId id, const Error& reason) override { failed[id] = reason.detail; }
  void written(StreamId) override {}

  Yamux* core = nullptr;
  bool accepts = true;
  bool consumes = true;
  std::vector<StreamId> opened, finished, ended;
  std::map<StreamId, std::string> received, failed;
};

struct End {
  explicit End(bool client, Yamux::Options options = {}) : core(with(options, client), user, kStart) {
    user.core = &core;
  }
  static Yamux::Options with(Yamux::Options options, bool client) {
    options.is_client = client;
    return options;
  }
  std::string output() {
    std::string out;
    while (core.take_output(out, 1 << 20)) {
    }
    return out;
  }
  /// What would be sent now, headers only.
  std::vector<Header> frames() {
    const std::string out = output();
    std::vector<Header> all;
    for (std::size_t at = 0; at < out.size();) {
      all.push_back(read_header(std::string_view(out).substr(at)));
      at += kHeaderSize;
      if (all.back().type == 0) at += all.back().length;
    }
    return all;
  }
  void receive(const Header& header, std::string_view data = {}) {
    std::string bytes;
    append_header(bytes, header);
    core.receive(bytes + std::string(data), kStart);
  }
  Recorder user;
  Yamux core;
};

Header update(std::uint16_t flags, StreamId id, std::uint32_t length = 0) {
  return {.type = 1, .flags = flags, .stream = id, .length = length};
}
Header data(StreamId id, std::uint32_t length, std::uint16_t flags = 0) {
  return {.type = 0, .flags = flags, .stream = id, .length = length};
}

void exchange(End& a, End& b) {
  for (int i = 0; i < 1000; ++i) {
    const std::string from_a = a.output(), from_b = b.output();
    if (from_a.empty() && from_b.empty()) return;
    b.core.receive(from_a, kStart);
    a.core.receive(from_b, kStart);
  }
  FAIL() << "the ends never fall silent";
}

TEST(Yamux, AHeaderIsTwelveBytesBigEndian) {
  std::string bytes;
  append_header(bytes, {.type = 1, .flags = 0x0102, .stream = 0x03040506, .length = 0x0708090a});
  EXPECT_EQ(bytes, std::string("\x00\x01\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", 12));
  EXPECT_EQ(read_header(bytes).stream, 0x03040506u);
  EXPECT_EQ(read_header(bytes).length, 0x0708090au);
}

TEST(Yamux, AStreamOpensWithAWindowUpdateAndIsAcknowledgedWithOne) {
  End client(true), server(false);
  const StreamId id = *client.core.open(kStart);
  EXPECT_EQ(id, 1u);
  const std::string syn = client.output();
  std::string expected;
  append_header(expected, update(kSyn, 1));
  EXPECT_EQ(syn, expected);
  server.core.receive(syn, kStart);
  EXPECT_EQ(server.user.opened, std::vector<StreamId>{1});
  expected.clear();
  append_header(expected, update(kAck, 1));
  EXPECT_EQ(server.output(), expected);
  EXPECT_EQ(*client.core.open(kStart), 3u);
  EXPECT_EQ(*server.core.open(kStart), 2u);
}

TEST(Yamux, BytesArriveAndBothEndsClose) {
  End client(true), server(false);
  const StreamId id = *client.core.open(kStart);
  client.core.write(id, "hello");
  client.core.finish(id, kStart);
  client.core.write(id, "too late");
  exchange(client, server);
  EXPECT_EQ(server.user.received[id], "hello");
  EXPECT_EQ(server.user.finished, std::vector<StreamId>{id});
  server.core.write(id, "and back");
  server.core.finish(id, kStart);
  exchange(client, server);
  EXPECT_EQ(client.user.received[id], "and back");
  EXPECT_EQ(client.user.ended, std::vector<StreamId>{id});
  EXPECT_EQ(client.core.streams(), 0u);
  EXPECT_EQ(server.core.streams(), 0u);
}

TEST(Yamux, NoMoreIsSentThanTheWindowAllowsAndItOpensByHalves) {
  End client(true), server(false);
  server.user.consumes = false;
  const StreamId id = *client.core.open(kStart);
  client.core.write(id, std::string(kWindow + 1000, 'x'));
  exchange(client, server);
  EXPECT_EQ(server.user.received[id].size(), kWindow);
  EXPECT_EQ(client.core.unsent(id), 1000u);

  server.core.consumed(id, kWindow / 2 - 1);
  EXPECT_TRUE(server.frames().empty());
  server.core.consumed(id, 1);
  const std::vector<Header> granted = server.frames();
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].length, kWindow / 2);
  client.receive(granted[0]);
  exchange(client, server);
  EXPECT_EQ(server.user.received[id].size(), kWindow + 1000);
}

TEST(Yamux, AWindowThatIsExceededEndsTheSessionAsAProtocolError) {
  End server(false);
  server.user.consumes = false;
  server.receive(update(kSyn, 1));
  server.output();
  server.receive(data(1, kWindow), std::string(kWindow, 'x'));
  EXPECT_FALSE(server.core.ended());
  server.receive(data(1, 1), "y");
  ASSERT_TRUE(server.core.ended());
  EXPECT_EQ(server.core.ended()->detail, "recv window exceeded");
  EXPECT_EQ(server.user.failed[1], "recv window exceeded");
  const std::vector<Header> last = server.frames();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].type, 3);
  EXPECT_EQ(last[0].length, static_cast<std::uint32_t>(GoAway::protocol_error));
}

TEST(Yamux, ALargeFrameCannotPretendThatItWasGranted) {
  End server(false);
  server.receive(update(kSyn, 1));
  server.output();
  // Half of a large frame is consumed while the rest is under way: the window grows by that half only.
  std::string head;
  append_header(head, data(1, kWindow));
  server.core.receive(head + std::string(kWindow / 2, 'x'), kStart);
  std::uint32_t granted = 0;
  for (const Header& frame : server.frames()) granted += frame.length;
  EXPECT_LE(granted, kWindow / 2);
}

TEST(Yamux, ViolationsEndTheSession) {
  const std::vector<std::pair<Header, std::string>> cases = {
      {{.version = 1, .type = 1, .flags = kSyn, .stream = 1}, "invalid protocol version"},
      {{.type = 4}, "invalid msg type"},
      {update(kSyn, 1), "duplicate stream initiated"},
      {update(kSyn, 2), "stream id of the wrong side"},
      {update(kSyn, 0), "stream id of the wrong side"},
      {{.type = 3, .length = 1}, "yamux protocol error"},
      {{.type = 3, .length = 2}, "remote yamux internal error"},
      {{.type = 3, .length = 9}, "unexpected go away received"},
      {update(0, 1, 0xffffffff), "send window overflow"},
  };
  for (const auto& [frame, text] : cases) {
    End server(false);
    server.receive(update(kSyn, 1));
    server.receive(frame);
    ASSERT_TRUE(server.core.ended()) << text;
    EXPECT_EQ(server.core.ended()->detail, text);
  }
}

TEST(Yamux, ASecondFinishAndDataBehindItAreViolations) {
  End server(false);
  server.receive(update(kSyn | kFin, 1));
  server.receive(update(kFin, 1));
  EXPECT_EQ(server.core.ended()->detail, "unexpected flag");
  End other(false);
  other.receive(update(kSyn | kFin, 1));
  other.receive(data(1, 1), "x");
  EXPECT_EQ(other.core.ended()->detail, "data after the end of a stream");
}

TEST(Yamux, DataWithSynAndFinInOneFrame) {
  End server(false);
  server.receive(data(1, 5, kSyn | kFin), "hello");
  EXPECT_EQ(server.user.received[1], "hello");
  EXPECT_EQ(server.user.finished, std::vector<StreamId>{1});
}

TEST(Yamux, DataOfAForgottenStreamIsPassedOver) {
  End server(false);
  server.receive(update(kSyn, 1));
  server.core.reset(1);
  server.receive(data(1, 5), "hello");
  server.receive(update(kSyn, 3));
  EXPECT_FALSE(server.core.ended());
  EXPECT_EQ(server.user.opened, (std::vector<StreamId>{1, 3}));
  EXPECT_TRUE(server.user.received.empty());
}

TEST(Yamux, StreamsBeyondTheBacklogAreReset) {
  End server(false, {.accept_backlog = 2});
  server.user.accepts = false;
  for (StreamId id = 1; id <= 5; id += 2) server.receive(update(kSyn, id));
  EXPECT_EQ(server.user.opened.size(), 2u);
  const std::vector<Header> refused = server.frames();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].flags, kRst);
  EXPECT_EQ(refused[0].stream, 5u);
  server.core.accept(1);
  server.receive(update(kSyn, 7));
  EXPECT_EQ(server.user.opened.size(), 3u);
}

TEST(Yamux, AnOpenerOffersNoMoreStreamsThanTheBacklogHolds) {
  End client(true, {.accept_backlog = 2});
  for (int i = 0; i < 4; ++i) client.core.write(*client.core.open(kStart), "x");
  std::vector<Header> sent = client.frames();
  EXPECT_EQ(std::ranges::count(sent, kSyn, &Header::flags), 2);
  EXPECT_EQ(sent.size(), 4u);  // and their data
  client.receive(update(kAck, 1));
  sent = client.frames();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].stream, 5u);
  EXPECT_EQ(sent[0].flags, kSyn);
  client.receive(update(kRst, 3));
  EXPECT_EQ(client.user.failed[3], "connection reset");
  EXPECT_EQ(client.frames().at(0).stream, 7u);
}

TEST(Yamux, AStreamThatIsNeverAcceptedEndsTheSessionAfter75Seconds) {
  End client(true);
  const StreamId id = *client.core.open(kStart);
  const auto answer_pings = [&] {
    for (const Header& frame : client.frames()) {
      if (frame.type == 2) client.receive({.type = 2, .flags = kAck, .length = frame.length});
    }
  };
  for (auto now = kStart + 1s; now < kStart + 75s; now += 1s) client.core.tick(now), answer_pings();
  EXPECT_FALSE(client.core.ended());
  client.core.tick(kStart + 75s);
  ASSERT_TRUE(client.core.ended());
  EXPECT_EQ(client.user.failed[id], "session shutdown");
}

TEST(Yamux, APingIsAnsweredAndOneWithoutAnswerEndsTheSession) {
  End client(true), server(false);
  server.receive({.type = 2, .flags = kSyn, .length = 77});
  const std::vector<Header> pong = server.frames();
  ASSERT_EQ(pong.size(), 1u);
  EXPECT_EQ(pong[0].flags, kAck);
  EXPECT_EQ(pong[0].length, 77u);

  EXPECT_EQ(client.core.next_deadline(), kStart + 30s);
  client.core.tick(kStart + 30s);
  ASSERT_EQ(client.frames().size(), 1u);
  EXPECT_EQ(client.core.next_deadline(), kStart + 40s);
  client.core.tick(kStart + 40s);
  EXPECT_EQ(client.core.ended()->detail, "keepalive timeout");
}

TEST(Yamux, WhileSomethingElseComesAPingMayWaitForItsAnswer) {
  End client(true);
  const StreamId id = *client.core.open(kStart);
  client.core.tick(kStart + 30s);
  std::string bytes;
  append_header(bytes, update(kAck, id));
  client.core.receive(bytes, kStart + 35s);
  client.core.tick(kStart + 40s);
  EXPECT_FALSE(client.core.ended());
  EXPECT_EQ(client.core.next_deadline(), kStart + 45s);
  client.core.tick(kStart + 45s);
  EXPECT_EQ(client.core.ended()->detail, "keepalive timeout");
}

TEST(Yamux, APeerThatSendsPingsAndReadsNothingIsCutOff) {
  End server(false, {.most_control = 1200});
  for (int i = 0; i < 101; ++i) server.receive({.type = 2, .flags = kSyn, .length = 1});
  EXPECT_TRUE(server.core.ended());
}

TEST(Yamux, AHalfClosedStreamIsResetAfterFiveMinutes) {
  End client(true, {.keepalive_interval = 1h});
  const StreamId id = *client.core.open(kStart);
  client.receive(update(kAck, id));
  client.core.finish(id, kStart);
  client.frames();
  client.core.tick(kStart + 299s);
  EXPECT_EQ(client.core.streams(), 1u);
  client.core.tick(kStart + 300s);
  EXPECT_EQ(client.core.streams(), 0u);
  EXPECT_EQ(client.user.failed[id], "stream closed");
  EXPECT_EQ(client.frames().back().flags, kRst);
}

TEST(Yamux, AfterGoAwayNoStreamsComeButThoseThatStandGoOn) {
  End client(true), server(false);
  const StreamId id = *client.core.open(kStart);
  exchange(client, server);
  server.core.go_away();
  exchange(client, server);
  EXPECT_EQ(client.core.open(kStart).error().detail, "remote end is not accepting connections");
  client.core.write(id, "still");
  exchange(client, server);
  EXPECT_EQ(server.user.received[id], "still");
  server.receive(update(kSyn, 3));
  EXPECT_EQ(server.frames().at(0).flags, kRst);
}

TEST(Yamux, TooMuchUnreadDataEndsTheSession) {
  End server(false, {.most_unread = 1000});
  server.user.consumes = false;
  server.receive(update(kSyn, 1));
  server.receive(data(1, 1001), std::string(1001, 'x'));
  ASSERT_TRUE(server.core.ended());
  EXPECT_EQ(server.frames().back().length, static_cast<std::uint32_t>(GoAway::internal_error));
}

TEST(Yamux, LargeAnswersDoNotHoldUpSmallOnes) {
  End client(true), server(false);
  const StreamId large = *client.core.open(kStart), small = *client.core.open(kStart);
  client.core.write(large, std::string(kWindow, 'x'));
  client.core.write(small, "y");
  const std::vector<Header> sent = client.frames();
  const auto of_small = std::ranges::find_if(sent, [&](const Header& f) { return f.type == 0 && f.stream == small; });
  const auto last_large =
      std::find_if(sent.rbegin(), sent.rend(), [&](const Header& f) { return f.type == 0 && f.stream == large; });
  EXPECT_LT(of_small - sent.begin(), sent.rend() - last_large - 1);
}

// Two ends over a pipe that cuts bytes anywhere: what one writes the other gets, in order, and no window is exceeded
// (the receiving core would end the session).
class YamuxSimulation : public testing::TestWithParam<unsigned> {};

TEST_P(YamuxSimulation, BytesArriveInOrderAndStreamsClose) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  Yamux::Options options{.accept_backlog = 4};
  End ends[2] = {End(true, options), End(false, options)};
  for (End& end : ends) end.user.consumes = false, end.user.accepts = false;
  std::string wire[2];  // towards ends[i]
  struct Written {
    std::string bytes;
    bool finished = false;
  };
  std::map<StreamId, Written> written[2];
  std::map<StreamId, std::size_t> consumed[2];
  std::vector<StreamId> unaccepted[2];
  std::size_t seen[2] = {0, 0};
  std::set<StreamId> reset;
  auto now = kStart;

  const auto step = [&](bool quiet) {
    const std::size_t i = below(2);
    End& end = ends[i];
    switch (below(quiet ? 4 : 8)) {
      case 0: {  // deliver
        const std::size_t size = std::min(wire[i].size(), below(40) == 0 ? wire[i].size() : below(3000));
        end.core.receive(wire[i].substr(0, size), now);
        wire[i].erase(0, size);
        break;
      }
      case 1: {  // put on the wire
        if (wire[1 - i].size() < 100'000) end.core.take_output(wire[1 - i], 1 + below(20'000));
        break;
      }
      case 2: {  // consume
        for (auto& [id, bytes] : end.user.received) {
          const std::size_t size = quiet ? bytes.size() - consumed[i][id] : below(bytes.size() - consumed[i][id] + 1);
          end.core.consumed(id, size);
          consumed[i][id] += size;
        }
        break;
      }
      case 3: {  // accept
        while (seen[i] < end.user.opened.size()) unaccepted[i].push_back(end.user.opened[seen[i]++]);
        if (unaccepted[i].empty()) break;
        const std::size_t which = below(unaccepted[i].size());
        const StreamId id = unaccepted[i][which];
        unaccepted[i].erase(unaccepted[i].begin() + static_cast<std::ptrdiff_t>(which));
        end.core.accept(id);
        written[i].try_emplace(id);
        break;
      }
      case 4: {  // open
        if (written[i].size() < 40) written[i].try_emplace(*end.core.open(now));
        break;
      }
      case 5:
      case 6: {  // write
        if (written[i].empty()) break;
        auto at = std::next(written[i].begin(), static_cast<std::ptrdiff_t>(below(written[i].size())));
        if (at->second.finished) break;
        std::string bytes(below(50) == 0 ? below(400'000) : below(2000), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        end.core.write(at->first, bytes);
        at->second.bytes += bytes;
        break;
      }
      case 7: {
        if (written[i].empty() || below(10) != 0) break;
        auto at = std::next(written[i].begin(), static_cast<std::ptrdiff_t>(below(written[i].size())));
        if (below(5) == 0) {
          end.core.reset(at->first);
          reset.insert(at->first);
        } else {
          end.core.finish(at->first, now);
        }
        at->second.finished = true;
        break;
      }
    }
    now += std::chrono::microseconds(10);
  };

  for (int i = 0; i < 4000; ++i) step(false);
  for (std::size_t i : {0, 1}) {
    for (auto& [id, stream] : written[i]) ends[i].core.finish(id, now), stream.finished = true;
  }
  for (int i = 0; i < 200'000 && (ends[0].core.streams() > 0 || ends[1].core.streams() > 0); ++i) {
    if (i % 50 == 0) {
      for (std::size_t side : {0, 1}) {
        for (auto& [id, stream] : written[side]) ends[side].core.finish(id, now);
      }
    }
    step(true);
  }

  for (std::size_t i : {0, 1}) {
    EXPECT_FALSE(ends[i].core.ended()) << ends[i].core.ended()->detail;
    EXPECT_EQ(ends[i].core.streams(), 0u);
    for (const auto& [id, stream] : written[i]) {
      const std::string& got = ends[1 - i].user.received[id];
      const bool cut = reset.contains(id) || ends[0].user.failed.contains(id) || ends[1].user.failed.contains(id);
      if (cut) {
        EXPECT_EQ(stream.bytes.substr(0, got.size()), got) << "stream " << id;
      } else {
        EXPECT_TRUE(stream.bytes == got) << "stream " << id << ": " << got.size() << " of " << stream.bytes.size();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, YamuxSimulation, testing::Range(1u, 13u));

}  // namespace
}  // namespace proconsul::base::net
