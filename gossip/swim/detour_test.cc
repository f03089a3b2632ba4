// A pool whose members are in two networks with the same addresses: only a detour leads from one to the other.
#include "gossip/swim/detour.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <thread>

#include "gossip/swim/driver.h"
#include "gossip/swim/test_core.h"

namespace proconsul::gossip::swim {
namespace {

using base::milliseconds;
using base::seconds;

/// What every member's detour knows: who is behind which name.
struct Gateways {
  base::net::Loop& loop;
  std::map<std::string, Driver*, std::less<>> drivers{};
  std::atomic<int> packets = 0, streams = 0;
  bool broken = false;
};

class TestDetour final : public Detour {
 public:
  TestDetour(Gateways& gateways, std::string network) : gateways_(gateways), network_(std::move(network)) {}
  bool leads_to(std::string_view node) const override { return !node.ends_with(network_); }
  void send(const Address& to, std::string packet) override {
    ++gateways_.packets;
    gateways_.loop.post([&gateways = gateways_, node = to.node, packet = std::move(packet)] {
      const auto there = gateways.drivers.find(node);
      if (there != gateways.drivers.end() && !gateways.broken) there->second->take_packet(Address{}, packet);
    });
  }
  std::unique_ptr<base::net::Attempt> open(const Address& to, Opened opened) override {
    struct Opening final : base::net::Attempt {
      std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    };
    ++gateways_.streams;
    auto opening = std::make_unique<Opening>();
    gateways_.loop.post([&gateways = gateways_, node = to.node, opened = std::move(opened),
                         alive = std::weak_ptr<bool>(opening->alive)]() mutable {
      if (alive.expired()) return;
      auto there = gateways.drivers.find(node);
      if (node.starts_with("*.")) there = gateways.drivers.find("a" + node.substr(1));
      if (there == gateways.drivers.end() || gateways.broken) {
        return opened(base::Error{base::Errc::unavailable, "no gateway"});
      }
      int ends[2];
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
      there->second->take_stream({}, base::net::TcpChannel::adopt(gateways.loop, base::net::Fd(ends[1])));
      opened(base::net::ChannelPtr(base::net::TcpChannel::adopt(gateways.loop, base::net::Fd(ends[0]))));
    });
    return opening;
  }

 private:
  Gateways& gateways_;
  const std::string network_;
};

class DetourTest : public testing::Test {
 protected:
  struct Member {
    std::unique_ptr<TestDetour> detour{};
    Recorder above{};
    std::unique_ptr<Driver> driver{};
  };
  ~DetourTest() override {
    loops_[0].run([&] {
      gateways_.drivers.clear();
      for (auto& [name, member] : members_) member.driver.reset();
    });
    loops_.stop();
  }
  Member& add(const std::string& name, std::optional<Address> address = {}) {
    Member& member = members_[name];
    loops_[0].run([&] {
      DriverOptions options;
      member.detour = std::make_unique<TestDetour>(gateways_, name.substr(name.find('.')));
      options.detour = member.detour.get();
      options.config.name = name;
      if (address) options.config.address = *address;
      options.config.timing.probe_interval = milliseconds(100);
      options.config.timing.probe_timeout = milliseconds(50);
      options.config.timing.gossip_interval = milliseconds(10);
      options.config.timing.push_pull_interval = milliseconds(500);
      options.config.timing.suspicion_max_timeout_mult = 2;
      member.driver = Driver::open(loops_[0], std::move(options)).value();
      ASSERT_TRUE(member.driver->start(member.above));
      gateways_.drivers[name] = member.driver.get();
    });
    return member;
  }
  JoinOutcome join(Member& member, Address with) {
    std::promise<JoinOutcome> outcome;
    loops_[0].run([&] {
      member.driver->join({std::move(with)}, [&](JoinOutcome result) { outcome.set_value(std::move(result)); });
    });
    return outcome.get_future().get();
  }
  template <class Holds>
  bool eventually(Holds holds) {
    for (int i = 0; i < 4000; ++i) {
      bool now = false;
      loops_[0].run([&] { now = holds(); });
      if (now) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  base::net::Loops loops_{1};
  Gateways gateways_{loops_[0]};
  std::map<std::string, Member> members_{};
};

TEST_F(DetourTest, MembersWithTheSameAddressInTwoNetworksAreOnePoolByTheirNames) {
  Member& a = add("a.dc1");
  Address of_a;
  loops_[0].run([&] { of_a = a.driver->local().address; });
  Member& b = add("b.dc1");
  Member& c = add("c.dc2", of_a);
  EXPECT_EQ(join(b, {.ip = of_a.ip, .port = of_a.port, .node = "a.dc1"}).joined, 1);
  EXPECT_EQ(gateways_.streams, 0) << "within a network nothing goes by the detour";

  EXPECT_EQ(join(c, {.ip = std::string("\xc0\0\2\2", 4), .port = 1, .node = "*.dc1"}).joined, 1);

  const auto all_see = [&](std::size_t count) {
    return eventually([&] {
      return a.driver->alive_count() == count && b.driver->alive_count() == count && c.driver->alive_count() == count;
    });
  };
  EXPECT_TRUE(all_see(3));
  const int packets = gateways_.packets;
  EXPECT_TRUE(eventually([&] { return gateways_.packets > packets + 20; })) << "they probe each other";
  loops_[0].run([&] { EXPECT_EQ(c.driver->suspect_count() + a.driver->suspect_count(), 0U); });

  loops_[0].run([&] { gateways_.broken = true; });
  EXPECT_TRUE(eventually([&] { return c.driver->alive_count() == 1 && a.driver->alive_count() == 2; }));
  EXPECT_EQ(join(c, {.ip = of_a.ip, .port = of_a.port, .node = "a.dc1"}).joined, 0);
  loops_[0].run([&] { gateways_.broken = false; });
  EXPECT_EQ(join(c, {.ip = of_a.ip, .port = of_a.port, .node = "b.dc1"}).joined, 1);
  EXPECT_TRUE(all_see(3));
}

TEST_F(DetourTest, AUserMessageOfAnySizeGoesByAStreamOfItsOwn) {
  Member& a = add("a.dc1");
  Member& c = add("c.dc2");
  std::promise<base::Result<>> sent;

  loops_[0].run([&] {
    c.driver->send_user_message_reliably({.ip = "1234", .port = 1, .node = "a.dc1"}, std::string(3'000'000, 'u'),
                                         [&](base::Result<> result) { sent.set_value(std::move(result)); });
  });

  EXPECT_TRUE(sent.get_future().get());
  EXPECT_TRUE(eventually([&] { return a.above.messages.size() == 1 && a.above.messages[0].size() == 3'000'000; }));
}

}  // namespace
}  // namespace proconsul::gossip::swim
