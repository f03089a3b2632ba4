// Consistent reads of a server that does not lead, while who leads changes.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "agent/server/lone_server.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using Said = std::move_only_function<void(Result<std::uint64_t>)>;

/// A leader elsewhere that says what the test says, when the test says it.
struct Elsewhere final : RemoteLeader {
  void apply(std::string, ApplyDone done) override { done(Error{Errc::no_leader, "No cluster leader"}); }
  void read_index(Said done) override { asked.push_back(std::move(done)); }
  void renew_session(const std::string&, Done done) override { done({}); }
  void health(std::move_only_function<void(Result<Operator::Health>)>) override {}
  void after(base::Duration delay, base::net::Task task) override {
    passed += delay.nanoseconds;
    later = std::move(task);
  }

  std::vector<Said> asked{};
  base::net::Task later{};
  std::int64_t passed = 0;
};

class LeaderWaitTest : public ::testing::Test {
 protected:
  LeaderWaitTest() {
    RaftServer::Options options = lone_server();
    configuration_ = *std::exchange(options.raft.bootstrap, std::nullopt);
    options.remote = &elsewhere_;
    options.hold_timeout = base::seconds(1);
    server_ = std::move(*RaftServer::start(std::move(options)));
    server_->verify_leader([this](Result<> result) { answer_ = std::move(result); });
  }
  ~LeaderWaitTest() override { server_->stop(); }

  void lead() {
    server_->bootstrap(configuration_, [](Result<>) {});
    for (int tries = 0; tries < 2000 && !server_->leadership().current; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_TRUE(server_->leadership().current);
  }
  void pass() { std::exchange(elsewhere_.later, nullptr)(); }

  Elsewhere elsewhere_{};
  raft::Configuration configuration_{};
  std::unique_ptr<RaftServer> server_{};
  std::optional<Result<>> answer_{};
};

TEST_F(LeaderWaitTest, AReadOfAServerThatBeginsToLeadIsItsOwn) {
  ASSERT_EQ(elsewhere_.asked.size(), 1u);
  lead();

  elsewhere_.asked[0](Error{Errc::no_leader, "No cluster leader"});

  ASSERT_TRUE(answer_);
  EXPECT_TRUE(*answer_);
}

TEST_F(LeaderWaitTest, AnIndexThatTheSuccessorDoesNotReachIsNotWaitedFor) {
  elsewhere_.asked[0](1'000'000);
  pass();
  EXPECT_EQ(elsewhere_.asked.size(), 1u) << "the same leader is not asked twice";
  lead();

  pass();

  ASSERT_EQ(elsewhere_.asked.size(), 2u);
  EXPECT_FALSE(answer_);
  elsewhere_.asked[1](1);
  ASSERT_TRUE(answer_);
  EXPECT_TRUE(*answer_);
}

TEST_F(LeaderWaitTest, WithoutALeaderItTakesTheHoldTimeout) {
  while (!answer_) pass();

  EXPECT_EQ(answer_->error().detail, "No cluster leader");
  EXPECT_EQ(elsewhere_.passed, 1'000'000'000);
  elsewhere_.asked[0](1);  // too late
}

}  // namespace
}  // namespace proconsul::agent::server
