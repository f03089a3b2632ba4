#include "agent/event/events.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/msgpack.h"

namespace proconsul::agent::event {
namespace {

struct EventsTest : testing::Test {
  std::map<std::string, catalog::NodeService> services{};
  base::WatchRegistry watches{};
  base::SeededRandom random{3};
  Events events{{.node = "n1", .services = [this] { return services; }}, watches};

  std::string fire(UserEvent event) {
    const auto fired = events.fire(std::move(event), random);
    return fired ? "" : fired.error().detail;
  }
};

TEST_F(EventsTest, AnEventReachesThisAgentWithARisingTime) {
  EXPECT_EQ(fire({.Name = "deploy", .Payload = base::Bytes(std::string("p"))}), "");
  EXPECT_EQ(fire({.Name = "other"}), "");

  const std::vector<UserEvent> all = events.list();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].Name, "deploy");
  EXPECT_EQ(all[0].Payload, "p");
  EXPECT_TRUE(all[1].Payload.is_nil());
  EXPECT_EQ(all[0].LTime + 1, all[1].LTime);
  EXPECT_NE(index_of(all[0]), index_of(all[1]));
  EXPECT_EQ(events.list("other").size(), 1u);
}

TEST_F(EventsTest, FiltersDecideWhetherItIsKept) {
  services["web-1"].Tags = {"v1"};
  EXPECT_EQ(fire({.Name = "a", .NodeFilter = "^n"}), "");
  EXPECT_EQ(fire({.Name = "b", .NodeFilter = "^m"}), "");
  EXPECT_EQ(fire({.Name = "c", .ServiceFilter = "web"}), "");
  EXPECT_EQ(fire({.Name = "d", .ServiceFilter = "web", .TagFilter = "v2"}), "");
  EXPECT_EQ(fire({.Name = "e", .ServiceFilter = "web", .TagFilter = "v."}), "");
  EXPECT_EQ(fire({.Name = "f", .ServiceFilter = "db"}), "");

  std::string names;
  for (const UserEvent& event : events.list()) names += event.Name;
  EXPECT_EQ(names, "ace");
}

TEST_F(EventsTest, OnlyTheLast256AreKept) {
  for (int i = 0; i < 300; ++i) EXPECT_EQ(fire({.Name = std::to_string(i)}), "");

  ASSERT_EQ(events.list().size(), 256u);
  EXPECT_EQ(events.list().front().Name, "44");
  EXPECT_EQ(events.list().back().Name, "299");
}

TEST_F(EventsTest, WhatCannotBeSentIsRefused) {
  EXPECT_EQ(fire({}), "User event missing name");
  EXPECT_EQ(fire({.Name = "e", .TagFilter = "t"}), "Cannot provide tag filter without service filter");
  EXPECT_EQ(fire({.Name = "e", .NodeFilter = "("}),
            "Invalid node filter: error parsing regexp: missing closing ): `(`");
  EXPECT_EQ(fire({.Name = "e", .Payload = base::Bytes(std::string(600, 'x'))}),
            "error broadcasting event: user event exceeds configured limit of 512 bytes before encoding");
  EXPECT_EQ(fire({.Name = "e", .Payload = base::Bytes(std::string(430, 'x'))}),
            "error broadcasting event: user event exceeds configured limit of 512 bytes after encoding");
  EXPECT_TRUE(events.list().empty());
}

TEST_F(EventsTest, WaitersAreWokenByWhatIsKept) {
  struct Sink : base::WakeSink {
    void wake(std::vector<std::uint64_t> tokens) override { woken += tokens.size(); }
    std::size_t woken = 0;
  } sink;
  base::KeySet keys;
  Events::watch_key(keys);
  const base::Watch watch = watches.watch(keys, sink, 1);

  EXPECT_EQ(fire({.Name = "e", .NodeFilter = "elsewhere"}), "");
  EXPECT_EQ(sink.woken, 0u);
  EXPECT_EQ(fire({.Name = "e"}), "");
  EXPECT_EQ(sink.woken, 1u);
}

TEST_F(EventsTest, BytesFromTheGossipMayBeAnything) {
  events.receive("consul:new-leader", "n2", 5);
  events.receive("consul:event:x", "\xff\x00garbage", 5);
  EXPECT_TRUE(events.list().empty());

  events.receive("consul:event:x",
                 base::to_msgpack(UserEvent{.ID = "no uuid", .Name = "x"}, base::MsgpackHandle::event), 77);

  ASSERT_EQ(events.list().size(), 1u);
  EXPECT_EQ(events.list()[0].LTime, 77u);
  EXPECT_EQ(index_of(events.list()[0]), 1u);
}

// Recorded from a peer.
TEST(UserEvent, TravelsAsThePeerWritesIt) {
  for (const char* hex :
       {"83a24944d92431313131313131312d323232322d333333332d343434342d353535353535353535353535a16ea66465706c6f79a17601",
        "87a24944d92431313131313131312d323232322d333333332d343434342d353535353535353535353535a16ea66465706c6f79a26e66d9"
        "2e5e7765622d2e2a2d776974682d612d7261746865722d6c6f6e672d726567756c61722d65787072657373696f6e24a170c4077061796c"
        "6f6164a27366a3776562a27466a27631a17601"}) {
    const std::string bytes = *base::from_hex(hex);
    const auto event = base::from_msgpack<UserEvent>(bytes, base::MsgpackHandle::event);
    ASSERT_TRUE(event) << event.error().detail;
    EXPECT_EQ(base::to_hex(base::to_msgpack(*event, base::MsgpackHandle::event)), hex);
  }
}

}  // namespace
}  // namespace proconsul::agent::event
