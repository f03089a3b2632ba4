// Pools of real drivers on the loopback network.
#include "gossip/swim/driver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "gossip/swim/test_core.h"

namespace proconsul::gossip::swim {
namespace {

using base::seconds;
using testing::Contains;
using testing::ElementsAre;

Timing fast() {
  Timing timing;
  timing.probe_interval = base::milliseconds(100);
  timing.probe_timeout = base::milliseconds(50);
  timing.gossip_interval = base::milliseconds(10);
  timing.push_pull_interval = base::milliseconds(500);
  timing.tcp_timeout = seconds(2);
  timing.suspicion_max_timeout_mult = 2;
  return timing;
}

class DriverTest : public testing::Test {
 protected:
  struct Member {
    Recorder above{};
    std::unique_ptr<Driver> driver{};
  };

  ~DriverTest() override {
    for (auto& member : members_) end(*member);
  }

  Member& add(Wrapping wrapping = {}, const std::string& ip = "127.0.0.1") {
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    loops_[0].run([&] {
      DriverOptions options;
      options.bind_ip = ip;
      options.config.name = "node-" + std::to_string(members_.size());
      options.config.timing = fast();
      options.config.wrapping = std::move(wrapping);
      member.driver = Driver::open(loops_[0], std::move(options)).value();
      ASSERT_TRUE(member.driver->start(member.above));
    });
    return member;
  }
  void end(Member& member) {
    loops_[0].run([&] { member.driver.reset(); });
  }
  JoinOutcome join(Member& member, const Member& with) {
    std::promise<JoinOutcome> outcome;
    loops_[0].run([&] {
      member.driver->join({with.driver->local().address}, [&](JoinOutcome result) { outcome.set_value(result); });
    });
    return outcome.get_future().get();
  }
  /// Waits until it holds; looked at on the loop.
  template <class Holds>
  bool eventually(Holds holds) {
    for (int i = 0; i < 2000; ++i) {
      bool now = false;
      loops_[0].run([&] { now = holds(); });
      if (now) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool all_see(std::size_t count) {
    return eventually([&] {
      return std::all_of(members_.begin(), members_.end(), [&](const auto& member) {
        return member->driver == nullptr || member->driver->alive_count() == count;
      });
    });
  }
  void expect_a_pool_works(const Wrapping& wrapping) {
    for (int i = 0; i < 6; ++i) {
      add(wrapping, "127.0.0." + std::to_string(i + 1));
      if (i > 0) EXPECT_EQ(join(*members_.back(), *members_.front()).joined, 1);
    }
    EXPECT_TRUE(all_see(6));

    Member& first = *members_[0];
    Member& second = *members_[1];
    loops_[0].run([&] {
      EXPECT_TRUE(first.driver->send_user_message(second.driver->local().address, &second.driver->local(), "hello"));
      first.driver->send_user_message_reliably(second.driver->local().address, std::string(300'000, 'u'),
                                               [](base::Result<> sent) { EXPECT_TRUE(sent); });
    });
    EXPECT_TRUE(eventually([&] { return second.above.messages.size() == 2; }));

    std::promise<base::Result<>> left;
    loops_[0].run([&] {
      members_[5]->driver->leave(seconds(5), [&](base::Result<> result) { left.set_value(std::move(result)); });
    });
    EXPECT_TRUE(left.get_future().get());
    end(*members_[5]);
    end(*members_[4]);  // without a word
    EXPECT_TRUE(all_see(4));
    loops_[0].run([&] {
      EXPECT_THAT(first.above.events, Contains("left node-6"));
      EXPECT_THAT(first.above.events, Contains("dead node-5"));
    });
  }

  base::net::Loops loops_{1};
  std::vector<std::unique_ptr<Member>> members_{};
};

TEST_F(DriverTest, APoolInTheOpen) {
  expect_a_pool_works({});
}

TEST_F(DriverTest, AnEncryptedAndLabelledPool) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  Wrapping wrapping;
  wrapping.keyring = &ring;
  wrapping.label = "blue";
  expect_a_pool_works(wrapping);
  for (auto& member : members_) end(*member);  // before the ring
}

TEST_F(DriverTest, PoolsOfOtherKeysDoNotMeet) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  Wrapping sealed;
  sealed.keyring = &ring;
  Member& inside = add(sealed);
  Member& outside = add();

  const JoinOutcome outcome = join(outside, inside);

  EXPECT_EQ(outcome.joined, 0);
  ASSERT_EQ(outcome.errors.size(), 1u);
  EXPECT_THAT(outcome.errors[0], testing::HasSubstr("Remote state is encrypted and encryption is not configured"));
  end(inside);
}

TEST_F(DriverTest, NobodyThereIsAnError) {
  Member& member = add();
  Address nobody = member.driver->local().address;
  {
    auto gone = Driver::open(loops_[0], {});
    nobody.port = gone.value()->port();
  }
  std::promise<JoinOutcome> outcome;
  loops_[0].run([&] { member.driver->join({nobody}, [&](JoinOutcome result) { outcome.set_value(result); }); });

  EXPECT_THAT(outcome.get_future().get().errors, ElementsAre("Failed to join " + to_string(nobody) + ": dial tcp " +
                                                             to_string(nobody) + ": connect: connection refused"));
}

TEST_F(DriverTest, AnAddressInUseIsNamed) {
  Member& member = add();
  DriverOptions options;
  options.bind_port = member.driver->port();

  const auto second = Driver::open(loops_[0], std::move(options));

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().detail,
              testing::HasSubstr("Failed to start TCP listener on \"127.0.0.1\" port " +
                                 std::to_string(member.driver->port()) + ": listen tcp 127.0.0.1:"));
}

TEST_F(DriverTest, IPv6) {
  DriverOptions options;
  options.bind_ip = "::1";
  if (!Driver::open(loops_[0], options)) GTEST_SKIP() << "no IPv6 here";
  Member& a = add({}, "::1");
  Member& b = add({}, "::1");

  EXPECT_EQ(join(a, b).joined, 1);

  EXPECT_TRUE(all_see(2));
}

TEST_F(DriverTest, StreamsThatSayNothingOrNonsenseAreEnded) {
  Member& member = add();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(member.driver->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto connect = [&] {
    base::net::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  };
  const base::net::Fd silent = connect();
  const base::net::Fd nonsense = connect();
  ASSERT_EQ(::send(nonsense.get(), "\xff nonsense", 10, 0), 10);
  char byte;

  EXPECT_EQ(::recv(nonsense.get(), &byte, 1, 0), 0);
  EXPECT_EQ(::recv(silent.get(), &byte, 1, 0), 0);  // after the time for streams
}

TEST_F(DriverTest, EndsInTheMiddleOfEverything) {
  for (int i = 0; i < 8; ++i) {
    Member& member = add();
    loops_[0].run([&] {
      std::vector<Address> all;
      for (const auto& other : members_) all.push_back(other->driver->local().address);
      member.driver->join(std::move(all), [](JoinOutcome) {});
    });
  }
  for (auto& member : members_) end(*member);
}

}  // namespace
}  // namespace proconsul::gossip::swim
