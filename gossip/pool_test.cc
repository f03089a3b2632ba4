#include "gossip/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "base/base64.h"
#include "gossip/serf/keyring_file.h"

namespace proconsul::gossip {
namespace {

using serf::MemberStatus;

/// Waits for what another thread does; long enough for a busy machine.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// What is called back, awaited.
template <class T>
class Answer {
 public:
  auto take() {
    return [this](T value) {
      const std::lock_guard lock(mutex_);
      value_.emplace(std::move(value));
      came_.notify_all();
    };
  }
  T get() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return value_.has_value(); });
    return std::move(*value_);
  }

 private:
  std::mutex mutex_{};
  std::condition_variable came_{};
  std::optional<T> value_{};
};

class Application final : public PoolHandler {
 public:
  void member_event(const serf::MemberEvent& event) override {
    for (const serf::MemberPtr& member : event.members) {
      // What is told can be seen already.
      const Pool* told = pool;
      const bool seen = told == nullptr || told->view()->members.contains(member->Name);
      note(std::string(to_string(event.type)) + " " + member->Name + (seen ? "" : " unseen"));
    }
  }
  void user_event(const serf::UserEventMessage& event) override { note("user " + event.Name + " " + event.Payload); }
  void query(serf::IncomingQuery query) override {
    note("query " + query.name);
    Pool& asked = *pool;
    const base::Bytes answer("I am " + asked.view()->local_name);
    asked.respond(std::move(query), answer, [](const base::Result<>&) {});
  }
  void note(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  bool heard(const std::string& event) {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(events_, event) != events_.end();
  }
  std::atomic<Pool*> pool = nullptr;  // events come before it is known here

 private:
  std::mutex mutex_{};
  std::vector<std::string> events_{};
};

swim::Address local(std::uint16_t port) {
  return {.ip = std::string("\x7f\0\0\1", 4), .port = port};
}

struct Node {
  std::unique_ptr<Application> application = std::make_unique<Application>();
  std::unique_ptr<Pool> pool{};
  MemberStatus status(const std::string& name) const {
    const PoolViewPtr view = pool->view();
    const serf::Member* member = view->members.get(name);
    return member == nullptr ? MemberStatus::none : member->Status;
  }
};

class PoolTest : public testing::Test {
 protected:
  PoolTest() {
    base::log::set_level(base::log::Level::off);
    std::string pattern = testing::TempDir() + "pool_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~PoolTest() override { std::filesystem::remove_all(folder_); }

  PoolConfig config(const std::string& name) const {
    PoolConfig config;
    config.settings.node_name = name;
    config.settings.timing.gossip_interval = base::milliseconds(20);
    config.settings.leave_propagate_delay = base::milliseconds(50);
    config.settings.tags = {{"role", "node"}};
    return config;
  }
  Node start(PoolConfig config) {
    Node node;
    auto pool = Pool::start(loops_.next(), std::move(config), *node.application);
    if (!pool) throw std::runtime_error(pool.error().detail);
    node.pool = std::move(*pool);
    node.application->pool = node.pool.get();
    return node;
  }
  static void join(Node& node, const Node& with) {
    Answer<base::Result<swim::JoinOutcome>> answer;
    node.pool->join({local(with.pool->port())}, true, answer.take());
    const auto outcome = answer.get();
    ASSERT_TRUE(outcome);
    ASSERT_EQ(outcome->joined, 1);
  }

  base::net::Loops loops_{2};
  std::string folder_{};
};

TEST_F(PoolTest, NodesFindEachOtherAndTellTheNews) {
  Node one = start(config("one"));
  Node two = start(config("two"));
  Node three = start(config("three"));
  join(two, one);
  join(three, one);
  EXPECT_TRUE(eventually(
      [&] { return one.status("three") == MemberStatus::alive && two.status("three") == MemberStatus::alive; }));
  EXPECT_TRUE(eventually([&] { return two.application->heard("member-join three"); }));
  EXPECT_EQ(one.pool->view()->local()->Name, "one");
  EXPECT_EQ(one.pool->view()->local()->Port, one.pool->port());

  Answer<base::Result<>> fired;
  two.pool->user_event("deploy", base::Bytes(std::string("v1")), false, fired.take());
  EXPECT_TRUE(fired.get());
  for (Node* node : {&one, &two, &three}) {
    EXPECT_TRUE(eventually([&] { return node->application->heard("user deploy v1"); }));
  }

  Answer<base::Result<>> tagged;
  three.pool->set_tags({{"role", "db"}}, tagged.take());
  EXPECT_TRUE(tagged.get());
  EXPECT_TRUE(eventually([&] { return one.pool->view()->members.get("three")->Tags.at("role") == "db"; }));
  EXPECT_TRUE(eventually([&] { return one.application->heard("member-update three"); }));

  const auto texts = one.pool->stats().texts();
  EXPECT_EQ(texts.size(), 12u);
  EXPECT_EQ(texts.at("members"), "3");
  EXPECT_EQ(texts.at("encrypted"), "false");
  EXPECT_TRUE(eventually([&] { return one.pool->view()->coordinates.size() > 1; }));
}

TEST_F(PoolTest, AQueryIsAnsweredByAll) {
  Node one = start(config("one"));
  Node two = start(config("two"));
  join(two, one);
  std::mutex mutex;
  std::vector<std::string> answers;
  serf::QuerySinks sinks;
  sinks.answered = [&](const std::string&, const base::Bytes& payload) {
    const std::lock_guard lock(mutex);
    answers.push_back(payload);
  };
  Answer<bool> finished;
  sinks.finished = [take = finished.take()]() mutable { take(true); };
  Answer<base::Result<serf::QueryHandle>> asked;

  one.pool->query("who", {}, {.timeout = base::seconds(60)}, std::move(sinks), asked.take());
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return answers.size() == 2;
  }));
  one.pool->close_query(asked.get().value());
  finished.get();

  std::ranges::sort(answers);
  EXPECT_EQ(answers, (std::vector<std::string>{"I am one", "I am two"}));
}

TEST_F(PoolTest, KeysOfTheWholePoolChangeAndAreKept) {
  const std::string old_key = base::to_base64(std::string(16, 'a'));
  const std::string new_key = base::to_base64(std::string(32, 'b'));
  const auto encrypted = [&](const std::string& name) {
    PoolConfig made = config(name);
    made.keyring_file = folder_ + "/" + name + "/local.keyring";
    made.keyring = serf::open_keyring(made.keyring_file, old_key).value();
    return made;
  };
  Node one = start(encrypted("one"));
  Node two = start(encrypted("two"));
  join(two, one);
  const auto change = [&](serf::KeyOperation operation, const std::string& key) {
    Answer<serf::KeyResult> answer;
    one.pool->key_operation(operation, key, 0, answer.take());
    return answer.get();
  };

  EXPECT_EQ(change(serf::KeyOperation::install, new_key).error, "");
  EXPECT_EQ(change(serf::KeyOperation::use, new_key).error, "");
  EXPECT_EQ(change(serf::KeyOperation::remove, old_key).error, "");
  const serf::KeyResult list = change(serf::KeyOperation::list, "");
  EXPECT_EQ(list.error, "");
  EXPECT_EQ(list.keys, (std::map<std::string, int>{{new_key, 2}}));
  EXPECT_EQ(serf::open_keyring(folder_ + "/two/local.keyring", "")->primary(), std::string(32, 'b'));
  EXPECT_EQ(two.pool->stats().texts().at("encrypted"), "true");

  Node plain = start(config("plain"));
  Answer<base::Result<swim::JoinOutcome>> refused;
  plain.pool->join({local(one.pool->port())}, true, refused.take());
  EXPECT_EQ(refused.get()->joined, 0);
}

TEST_F(PoolTest, WhoLeavesHasLeftAndIsPruned) {
  Node one = start(config("one"));
  Node two = start(config("two"));
  Node three = start(config("three"));
  join(two, one);
  join(three, one);
  ASSERT_TRUE(eventually([&] { return two.status("three") == MemberStatus::alive; }));
  Answer<base::Result<>> left;
  Answer<base::Result<>> pruned;

  three.pool->leave(left.take());
  EXPECT_TRUE(left.get());
  EXPECT_TRUE(eventually([&] { return one.application->heard("member-leave three"); }));
  EXPECT_EQ(one.status("three"), MemberStatus::left);
  three.pool.reset();
  one.pool->force_leave("three", true, pruned.take());
  EXPECT_TRUE(pruned.get());

  EXPECT_EQ(one.status("three"), MemberStatus::none);
  EXPECT_TRUE(eventually([&] { return two.status("three") == MemberStatus::none; }));
}

TEST_F(PoolTest, WhoComesBackRejoinsByItsSnapshot) {
  Node one = start(config("one"));
  PoolConfig remembering = config("two");
  remembering.snapshot_file = folder_ + "/serf/local.snapshot";
  const PoolConfig same{.settings = remembering.settings, .snapshot_file = remembering.snapshot_file};
  Node two = start(std::move(remembering));
  join(two, one);
  two.pool.reset();

  two = start(PoolConfig{.settings = same.settings, .snapshot_file = same.snapshot_file});

  EXPECT_TRUE(eventually([&] { return two.status("one") == MemberStatus::alive; }));
}

TEST_F(PoolTest, WhatCannotStartSaysWhy) {
  Node one = start(config("one"));
  Application application;
  PoolConfig taken = config("two");
  taken.bind_port = one.pool->port();
  PoolConfig long_tags = config("two");
  long_tags.settings.tags = {{"key", std::string(600, 'x')}};

  const auto in_use = Pool::start(loops_.next(), std::move(taken), application);
  const auto too_long = Pool::start(loops_.next(), std::move(long_tags), application);
  PoolConfig no_folder = config("two");
  no_folder.snapshot_file = "/dev/null/local.snapshot";
  const auto unreadable = Pool::start(loops_.next(), std::move(no_folder), application);

  ASSERT_FALSE(in_use);
  EXPECT_TRUE(in_use.error().detail.find("address already in use") != std::string::npos) << in_use.error().detail;
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().detail, "Encoded length of tags exceeds limit of 512 bytes");
  ASSERT_FALSE(unreadable);
  EXPECT_TRUE(unreadable.error().detail.starts_with("Failed to setup snapshot: failed to open snapshot: "));
}

TEST_F(PoolTest, WhatCannotBeJoinedSaysWhy) {
  Node one = start(config("one"));
  Answer<base::Result<swim::JoinOutcome>> answer;

  one.pool->join({local(1)}, true, answer.take());

  const auto outcome = answer.get();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->joined, 0);
  ASSERT_EQ(outcome->errors.size(), 1u);
  EXPECT_TRUE(outcome->errors[0].starts_with("Failed to join 127.0.0.1:1: ")) << outcome->errors[0];
}

}  // namespace
}  // namespace proconsul::gossip
