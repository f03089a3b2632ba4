#include "raft/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <future>

#include "raft/lines_fsm.h"
#include "raft/memory_network.h"
#include "raft/memory_storage.h"
#include "raft/temporary_directory.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kPatience = 30s;

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// What each thread of this process does, for the reader of a failure: "raft-log S futex_wait ...".
std::string threads() {
  std::string all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    for (const char* file : {"stat", "wchan", "schedstat"}) {
      std::string line;
      std::getline(std::ifstream(task.path() / file), line);
      all += line + "  ";
    }
    all += "\n";
  }
  return all;
}

template <class T, class Call>
Result<T> await(Call call) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();
  call([promise](Result<T> result) { promise->set_value(std::move(result)); });
  if (future.wait_for(kPatience) != std::future_status::ready) return {Errc::timeout, "no answer"};
  return future.get();
}
Result<Completion> propose(Node& node, const std::string& line) {
  return await<Completion>([&](auto done) { node.propose(line, std::move(done)); });
}
Result<LogIndex> verify(Node& node) {
  return await<LogIndex>([&](auto done) { node.verify_leader(ReadMode::verified, std::move(done)); });
}
Result<SnapshotMeta> snapshot(Node& node) {
  return await<SnapshotMeta>([&](auto done) { node.snapshot(std::move(done)); });
}

struct StringSource final : ByteSource {
  explicit StringSource(std::string text) : text(std::move(text)) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    const std::size_t size = text.copy(buffer.data(), std::min<std::size_t>(buffer.size(), 5), at);
    at += size;
    return size;
  }
  std::string text;
  std::size_t at = 0;
};

NodeOptions options_for(const std::string& name, const std::string& directory) {
  NodeOptions options;
  options.id = {name};
  options.address = name + ":8300";
  options.directory = directory;
  options.core.heartbeat_timeout = 100ms;
  options.core.election_timeout = 100ms;
  options.core.leader_lease = 80ms;
  options.core.commit_timeout = 5ms;
  options.core.snapshots.interval = 20ms;
  return options;
}
Configuration servers(const std::vector<std::string>& names) {
  Configuration configuration;
  for (const std::string& name : names) configuration.servers.push_back({{name}, name + ":8300", Suffrage::voter});
  return configuration;
}

class SingleNode : public testing::Test {
 protected:
  SingleNode() : options_(options_for("a", directory_ / "raft")) {
    options_.bootstrap = servers({"a"});
    options_.core.snapshots.threshold = 1'000'000;
    options_.log = [this](Severity, const std::string& text) {
      const std::lock_guard lock(said_lock_);
      said_ += text + "\n";
    };
  }
  void start() {
    node_.reset();
    fsm_ = std::make_unique<LinesFsm>();
    Result<std::unique_ptr<Node>> node = Node::start(options_, *fsm_, transport_);
    ASSERT_TRUE(node) << node.error().detail;
    node_ = std::move(*node);
    ASSERT_TRUE(eventually([&] { return node_->is_ready(); }));
  }
  std::string refusal() {
    node_.reset();
    LinesFsm fsm;
    Result<std::unique_ptr<Node>> node = Node::start(options_, fsm, transport_);
    return node ? "it started" : node.error().detail;
  }
  std::string said() {
    const std::lock_guard lock(said_lock_);
    return said_;
  }
  std::vector<std::string> snapshot_directories() {
    std::vector<std::string> found;
    for (const auto& item : std::filesystem::directory_iterator(directory_ / "raft/snapshots"))
      found.push_back(item.path().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  TemporaryDirectory directory_;
  NodeOptions options_;
  NoTransport transport_;
  std::mutex said_lock_;
  std::string said_;
  std::unique_ptr<LinesFsm> fsm_;
  std::unique_ptr<Node> node_;
};

TEST_F(SingleNode, BecomesLeaderAtOnceAndAnswersWithTheResponseOfTheFsm) {
  const auto begin = std::chrono::steady_clock::now();
  options_.core.heartbeat_timeout = options_.core.election_timeout = 60s;
  start();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "it waited for an election timeout";

  ASSERT_TRUE(propose(*node_, "one"));
  Result<Completion> second = propose(*node_, "two");

  ASSERT_TRUE(second);
  EXPECT_EQ(std::any_cast<std::size_t>(second->response), 2u);
  EXPECT_EQ(node_->applied(), second->index);
  EXPECT_EQ(node_->leader().id.value, "a");
  EXPECT_EQ(node_->leader().address, "a:8300");
  Result<LogIndex> verified = verify(*node_);
  ASSERT_TRUE(verified);
  EXPECT_GE(*verified, second->index);
  EXPECT_TRUE(await<LogIndex>([&](auto done) { node_->barrier(std::move(done)); }));
}

TEST_F(SingleNode, StatisticsHaveConsulsKeys) {
  start();
  ASSERT_TRUE(propose(*node_, "one"));

  std::map<std::string, std::string> stats = node_->stats();

  EXPECT_EQ(stats["state"], "Leader");
  EXPECT_EQ(stats["num_peers"], "0");
  EXPECT_EQ(stats["last_contact"], "0");
  EXPECT_EQ(stats["protocol_version"], "3");
  EXPECT_EQ(stats["latest_configuration"], "[{Suffrage:Voter ID:a Address:a:8300}]");
  EXPECT_EQ(stats["applied_index"], stats["commit_index"]);
  EXPECT_EQ(stats["last_log_index"], stats["commit_index"]);
  EXPECT_EQ(stats.size(), 18u);
}

TEST_F(SingleNode, KeepsEverythingAcrossRestarts) {
  for (int life = 0; life < 3; ++life) {
    start();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(propose(*node_, std::to_string(life) + "." + std::to_string(i)));
    EXPECT_EQ(fsm_->lines().size(), static_cast<std::size_t>(life + 1) * 20);
  }
}

TEST_F(SingleNode, WithoutADirectoryEverythingWorksInMemory) {
  options_.directory.clear();
  start();

  ASSERT_TRUE(propose(*node_, "line"));
  Result<SnapshotMeta> taken = snapshot(*node_);

  ASSERT_TRUE(taken) << taken.error().detail;
  EXPECT_TRUE(node_->snapshots().read(taken->id));
}

TEST_F(SingleNode, EveryProposalOfManyThreadsIsAppliedAndAnsweredOnce) {
  start();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        node_->propose(std::to_string(t * 1000 + i),
                       [&](Result<Completion> done) { answered += done ? 1 : 1'000'000; });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(eventually([&] { return answered == 2000; })) << answered;
  std::vector<std::string> lines = fsm_->lines();
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(std::unique(lines.begin(), lines.end()) - lines.begin(), 2000);
}

TEST_F(SingleNode, StoppingAnswersEverythingThatWaits) {
  start();
  std::atomic<int> answered{0};
  for (int i = 0; i < 300; ++i) node_->propose("x", [&](Result<Completion>) { ++answered; });
  node_->snapshot([&](Result<SnapshotMeta>) { ++answered; });
  node_->verify_leader(ReadMode::verified, [&](Result<LogIndex>) { ++answered; });

  node_->stop();

  EXPECT_EQ(answered, 302);
  Result<Completion> late = propose(*node_, "late");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().detail, "raft is already shutdown");
}

TEST_F(SingleNode, NoTicksPileUpWhileTheStrandIsHeld) {
  start();
  const auto bytes_in_use = [] {
    const struct mallinfo2 all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
  };
  const std::size_t before = bytes_in_use();

  const Result<std::size_t> during = await<std::size_t>([&](auto done) {
    node_->bootstrap(servers({"a"}), [done = std::move(done), bytes_in_use](Result<>) mutable {  // on the strand
      std::this_thread::sleep_for(300ms);
      done(bytes_in_use());
    });
  });

  ASSERT_TRUE(during);
  EXPECT_LT(*during, before + (1u << 20));
  EXPECT_TRUE(propose(*node_, "after"));
}

TEST_F(SingleNode, SnapshotsByItselfCompactsTheLogAndStartsFromTheSnapshot) {
  options_.core.snapshots.threshold = 100;
  options_.core.snapshots.trailing_logs = 20;
  start();
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(propose(*node_, std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return node_->status().snapshot_index.value >= 100; }));
  const std::vector<std::string> lines = fsm_->lines();

  start();

  EXPECT_EQ(fsm_->lines(), lines);
  EXPECT_GE(node_->status().snapshot_index.value, 100u);
}

TEST_F(SingleNode, WritesGoOnWhileASnapshotIsTaken) {
  start();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(propose(*node_, std::to_string(i)));
  std::promise<Result<SnapshotMeta>> taken;
  node_->snapshot([&](Result<SnapshotMeta> meta) { taken.set_value(std::move(meta)); });
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(propose(*node_, std::to_string(50 + i)));

  Result<SnapshotMeta> meta = taken.get_future().get();

  ASSERT_TRUE(meta) << meta.error().detail;
  EXPECT_TRUE(node_->snapshots().verify(meta->id));
  start();
  EXPECT_EQ(fsm_->lines().size(), 100u);
}

TEST_F(SingleNode, ARestoredArchiveReplacesTheStateAndOutlivesARestart) {
  start();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(propose(*node_, std::to_string(i)));
  SnapshotMeta archive;
  archive.index = {500};

  Result<LogIndex> restored = await<LogIndex>([&](auto done) {
    node_->restore(std::make_unique<StringSource>("from\nthe\narchive\n"), archive, std::move(done));
  });

  ASSERT_TRUE(restored) << restored.error().detail;
  EXPECT_GT(restored->value, 500u);
  EXPECT_EQ(fsm_->lines(), (std::vector<std::string>{"from", "the", "archive"}));
  ASSERT_TRUE(propose(*node_, "after"));
  start();
  EXPECT_EQ(fsm_->lines(), (std::vector<std::string>{"from", "the", "archive", "after"}));
}

TEST_F(SingleNode, AnArchiveThatBreaksOffChangesNothing) {
  struct Broken final : ByteSource {
    Result<std::size_t> read(std::span<char> buffer) override {
      if (std::exchange(begun, true)) return {Errc::corrupt, "the archive breaks off"};
      buffer[0] = 'x';
      return std::size_t{1};
    }
    bool begun = false;
  };
  start();
  ASSERT_TRUE(propose(*node_, "kept"));

  Result<LogIndex> restored =
      await<LogIndex>([&](auto done) { node_->restore(std::make_unique<Broken>(), {}, std::move(done)); });

  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().detail, "the archive breaks off");
  EXPECT_EQ(fsm_->lines(), std::vector<std::string>{"kept"});
  EXPECT_TRUE(propose(*node_, "more"));
}

TEST_F(SingleNode, ADamagedSnapshotIsNamedAndAnOlderOneServesOnlyIfTheLogReachesBack) {
  start();
  ASSERT_TRUE(propose(*node_, "one"));
  ASSERT_TRUE(snapshot(*node_));
  ASSERT_TRUE(propose(*node_, "two"));
  Result<SnapshotMeta> newest = snapshot(*node_);
  ASSERT_TRUE(newest);
  ASSERT_TRUE(propose(*node_, "three"));
  node_.reset();
  {
    std::fstream file(directory_ / ("raft/snapshots/" + newest->id + "/state.bin"), std::ios::in | std::ios::out);
    file << 'X';
  }

  start();

  EXPECT_THAT(said(), HasSubstr(newest->id + ": checksum mismatch"));
  EXPECT_EQ(fsm_->lines(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(SingleNode, ADamagedSnapshotThatTheLogDoesNotCoverIsANamedRefusal) {
  options_.core.snapshots.trailing_logs = 0;
  start();
  ASSERT_TRUE(propose(*node_, "one"));
  ASSERT_TRUE(snapshot(*node_));
  ASSERT_TRUE(propose(*node_, "two"));
  Result<SnapshotMeta> newest = snapshot(*node_);
  ASSERT_TRUE(newest);
  ASSERT_TRUE(propose(*node_, "three"));
  node_.reset();
  std::filesystem::resize_file(directory_ / ("raft/snapshots/" + newest->id + "/state.bin"), 3);

  EXPECT_THAT(refusal(), HasSubstr("snapshots/" + newest->id + ": state.bin has 3 bytes instead of"));
  std::filesystem::remove_all(directory_ / "raft/snapshots");
  EXPECT_THAT(refusal(), HasSubstr("but there is no snapshot"));
}

TEST_F(SingleNode, PeersJsonIsFollowedOnceAndOnlyNextToItsExplanation) {
  start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(propose(*node_, std::to_string(i)));
  node_.reset();
  const std::string peers = directory_ / "raft/peers.json";
  std::ofstream(peers) << R"([{"id":"a","address":"10.0.0.1:8300","non_voter":false}])";
  EXPECT_TRUE(std::filesystem::exists(directory_ / "raft/peers.info"));

  start();

  EXPECT_FALSE(std::filesystem::exists(peers));
  EXPECT_EQ(fsm_->lines().size(), 5u);
  EXPECT_EQ(node_->configuration().servers.at(0).address, "10.0.0.1:8300");
  ASSERT_TRUE(propose(*node_, "more"));
  start();
  EXPECT_EQ(fsm_->lines().size(), 6u);

  node_.reset();
  std::ofstream(peers) << "[{]";
  EXPECT_THAT(refusal(), HasSubstr("recovery failed to parse peers.json"));
  std::filesystem::remove(directory_ / "raft/peers.info");
  start();
  EXPECT_FALSE(std::filesystem::exists(peers));
}

/// A disk that can be full.
class FlakyStorage final : public Storage {
 public:
  explicit FlakyStorage(std::shared_ptr<std::atomic<int>> mood) : mood_(std::move(mood)) {}
  LogIndex first_index() const override { return memory_.first_index(); }
  LogIndex last_index() const override { return memory_.last_index(); }
  HardState hard_state() const override { return memory_.hard_state(); }
  Result<> write(const StorageWrite& write) override {
    if (*mood_ == 1) return {Errc::unavailable, "No space left on device"};
    if (*mood_ == 2) return {Errc::corrupt, "the disk lies"};
    return memory_.write(write);
  }
  Result<std::vector<EntryPtr>> read(LogIndex first, LogIndex last, std::size_t max_bytes) override {
    return memory_.read(first, last, max_bytes);
  }
  Result<> compact(LogIndex up_to) override { return memory_.compact(up_to); }

 private:
  std::shared_ptr<std::atomic<int>> mood_;
  MemoryStorage memory_;
};

TEST_F(SingleNode, AFullDiskRefusesWritesServesReadsAndRecoversByItself) {
  auto mood = std::make_shared<std::atomic<int>>(0);
  options_.open_storage = [&](const std::string&) {
    return Result<std::unique_ptr<Storage>>(std::make_unique<FlakyStorage>(mood));
  };
  start();
  ASSERT_TRUE(propose(*node_, "before"));

  *mood = 1;
  Result<Completion> refused = propose(*node_, "while full");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("No space left on device"));
  EXPECT_FALSE(node_->disk_healthy());
  EXPECT_FALSE(propose(*node_, "while full, too"));
  EXPECT_TRUE(node_->is_leader());
  EXPECT_TRUE(verify(*node_)) << "reads go on";

  *mood = 0;
  Result<Completion> after;
  ASSERT_TRUE(eventually([&] {
    after = propose(*node_, "after");
    return after.has_value();
  })) << after.error().detail
      << "\n"
      << threads();
  EXPECT_TRUE(node_->disk_healthy());
  EXPECT_EQ(fsm_->lines(), (std::vector<std::string>{"before", "after"})) << "a refused write leaves no trace";
}

TEST_F(SingleNode, ADiskThatCannotBeTrustedStopsItWithTheReason) {
  auto mood = std::make_shared<std::atomic<int>>(0);
  options_.open_storage = [&](const std::string&) {
    return Result<std::unique_ptr<Storage>>(std::make_unique<FlakyStorage>(mood));
  };
  start();

  *mood = 2;

  EXPECT_FALSE(propose(*node_, "lost"));
  EXPECT_TRUE(eventually([&] { return !node_->is_leader(); }));
  EXPECT_TRUE(eventually([&] { return said().find("the disk lies") != std::string::npos; }));
  EXPECT_FALSE(propose(*node_, "refused"));
}

class ThreeNodes : public testing::Test {
 protected:
  struct Server {
    std::string name;
    std::unique_ptr<MemoryNetwork::Endpoint> endpoint;
    std::unique_ptr<LinesFsm> fsm;
    std::unique_ptr<Node> node;
  };
  ThreeNodes() {
    for (const char* name : {"a", "b", "c"}) servers_.push_back({name, nullptr, nullptr, nullptr});
  }
  void start(Server& server) {
    server.fsm = std::make_unique<LinesFsm>();
    server.endpoint = std::make_unique<MemoryNetwork::Endpoint>(network_, ServerId{server.name}, server.name + ":8300");
    NodeOptions options = options_for(server.name, directory_ / server.name);
    options.bootstrap = servers({"a", "b", "c"});
    options.core.snapshots.threshold = snapshot_threshold_;
    options.core.cache_bytes = cache_bytes_;
    options.core.snapshots.trailing_logs = 10;
    options.core.transfer_grace = 1ms;
    Result<std::unique_ptr<Node>> node = Node::start(options, *server.fsm, *server.endpoint);
    ASSERT_TRUE(node) << node.error().detail;
    server.node = std::move(*node);
  }
  void start_all() {
    for (Server& server : servers_) start(server);
  }
  Server* leader() {
    Server* found = nullptr;
    const auto look = [&] {
      for (Server& server : servers_) {
        if (server.node && server.node->is_ready() && verify(*server.node)) found = &server;
      }
      return found != nullptr;
    };
    EXPECT_TRUE(eventually(look)) << "no leader";
    return found;
  }
  /// Through whoever leads, until it is acknowledged.
  void write(const std::string& line) {
    ASSERT_TRUE(eventually([&] { return propose(*leader()->node, line).has_value(); }));
  }
  bool all_agree(std::size_t at_least) {
    return eventually([&] {
      const std::vector<std::string> lines = servers_[0].fsm->lines();
      if (lines.size() < at_least) return false;
      for (Server& server : servers_) {
        if (server.node && server.fsm->lines() != lines) return false;
      }
      return true;
    });
  }

  TemporaryDirectory directory_;
  MemoryNetwork network_;
  std::uint64_t snapshot_threshold_ = 1'000'000;
  std::size_t cache_bytes_ = Options{}.cache_bytes;
  std::vector<Server> servers_;
};

TEST_F(ThreeNodes, ElectALeaderAndReplicate) {
  start_all();
  for (int i = 0; i < 50; ++i) write(std::to_string(i));

  EXPECT_TRUE(all_agree(50));
  Server* first = leader();
  for (Server& server : servers_) {
    EXPECT_TRUE(eventually([&] { return server.node->leader().id.value == first->name; }));
    if (&server == first) continue;
    Result<Completion> refused = propose(*server.node, "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::not_leader);
    EXPECT_FALSE(verify(*server.node));
    EXPECT_LT(server.node->since_contact(), base::seconds(60));
    EXPECT_GT(server.node->since_contact(), base::Duration{});
  }
  EXPECT_EQ(first->node->since_contact(), base::Duration{});
}

TEST_F(ThreeNodes, WhoNeverHeardALeaderSaysSo) {
  start(servers_[0]);

  EXPECT_EQ(servers_[0].node->since_contact().nanoseconds, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(servers_[0].node->stats()["last_contact"], "never");
}

TEST_F(ThreeNodes, LoseNothingWhenLeadersDieAndComeBack) {
  start_all();
  std::size_t written = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 20; ++i) write(std::to_string(written++));
    Server* dying = leader();
    dying->node.reset();
    for (int i = 0; i < 20; ++i) write(std::to_string(written++));
    start(*dying);
  }

  ASSERT_TRUE(all_agree(written));
  std::vector<std::string> lines = servers_[0].fsm->lines();
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  EXPECT_EQ(lines.size(), written);
}

TEST_F(ThreeNodes, AnIsolatedLeaderStepsDownAndItsUncommittedProposalsAreNotAcknowledged) {
  start_all();
  write("first");
  Server* old = leader();
  EXPECT_TRUE(eventually([&] { return old->node->is_current(); }));

  network_.isolate({old->name});
  EXPECT_TRUE(eventually([&] { return !old->node->is_current(); }));
  Result<Completion> lost = propose(*old->node, "lost");
  EXPECT_FALSE(lost);
  EXPECT_TRUE(eventually([&] { return !old->node->is_leader(); }));
  write("second");
  network_.heal();

  ASSERT_TRUE(all_agree(2));
  std::vector<std::string> lines = old->fsm->lines();
  lines.erase(std::unique(lines.begin(), lines.end()),
              lines.end());  // write() repeats what was not acknowledged in time
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second"}));
}

// A follower that is faster shows what is committed; a reader of it who then asks the leader must not see an older
// state.
TEST_F(ThreeNodes, ALeaderThatHasNotAppliedWhatAFollowerShowsIsNotCurrent) {
  start_all();
  write("first");
  ASSERT_TRUE(all_agree(1));
  Server* slow = leader();
  ASSERT_TRUE(eventually([&] { return slow->node->is_current(); }));

  std::optional held = slow->fsm->hold();
  std::future<Result<Completion>> second =
      std::async(std::launch::async, [&] { return propose(*slow->node, "second"); });
  for (Server& server : servers_) {
    if (&server == slow) continue;
    ASSERT_TRUE(eventually([&] { return server.fsm->lines().size() == 2; }));
    EXPECT_FALSE(slow->node->is_current());
  }
  held.reset();

  EXPECT_TRUE(second.get());
  EXPECT_TRUE(eventually([&] { return slow->node->is_current(); }));
}

TEST_F(ThreeNodes, AFollowerThatFellBehindGetsTheSnapshot) {
  snapshot_threshold_ = 40;
  start_all();
  write("0");
  Server* behind = leader() == &servers_[0] ? &servers_[1] : &servers_[0];
  behind->node.reset();
  for (int i = 1; i < 150; ++i) write(std::to_string(i));
  ASSERT_TRUE(eventually([&] { return leader()->node->status().snapshot_index.value > 40; }));
  const std::size_t before = network_.snapshots_sent();

  start(*behind);

  ASSERT_TRUE(all_agree(150));
  EXPECT_GT(network_.snapshots_sent(), before);
  write("more");
  EXPECT_TRUE(all_agree(151));
  behind->node.reset();
  start(*behind);
  EXPECT_TRUE(all_agree(151));
}

// What the log thread reads for a follower it hands over on the strand, where meanwhile a quorum's answer may arrive.
TEST_F(ThreeNodes, AWriteIsAnsweredWhileTheLogIsReadForAFollower) {
  cache_bytes_ = 0;
  start_all();
  write("first");
  Server* behind = leader() == &servers_[0] ? &servers_[1] : &servers_[0];
  for (int round = 0; round < 10; ++round) {
    behind->node.reset();
    for (int i = 0; i < 300; ++i) write("while it is away");
    start(*behind);
    for (int i = 0; i < 100; ++i) {
      const Result<Completion> answer = propose(*leader()->node, "one at a time");
      ASSERT_TRUE(answer || answer.error().code != Errc::timeout) << answer.error().detail;
    }
  }
}

TEST_F(ThreeNodes, ARestoredArchiveReachesEveryServer) {
  start_all();
  for (int i = 0; i < 20; ++i) write(std::to_string(i));

  Result<LogIndex> restored;
  ASSERT_TRUE(eventually([&] {
    restored = await<LogIndex>(
        [&](auto done) { leader()->node->restore(std::make_unique<StringSource>("restored\n"), {}, std::move(done)); });
    return restored.has_value();
  })) << restored.error().detail;

  write("after");
  ASSERT_TRUE(all_agree(2));
  EXPECT_EQ(servers_[0].fsm->lines(), (std::vector<std::string>{"restored", "after"}));
}

TEST_F(ThreeNodes, LeadershipIsTransferredAndServersAreRemoved) {
  start_all();
  write("one");
  Server* old = leader();
  Server* next = old == &servers_[2] ? &servers_[1] : &servers_[2];

  ASSERT_TRUE(eventually([&] {
    if (next->node->is_leader()) return true;
    Server* now_leader = leader();
    if (now_leader == next) return true;
    return await<void>([&](auto done) { now_leader->node->transfer_leadership({next->name}, std::move(done)); })
        .has_value();
  }));
  ASSERT_TRUE(eventually([&] { return next->node->is_ready(); }));
  write("two");

  ASSERT_TRUE(eventually([&] {
    return await<LogIndex>([&](auto done) {
             leader()->node->change_membership({Change::remove_server, {old->name}, ""}, {}, std::move(done));
           })
        .has_value();
  }));
  EXPECT_EQ(leader()->node->configuration().servers.size(), 2u);
  EXPECT_EQ(leader()->node->stats()["num_peers"], "1");
}

}  // namespace
}  // namespace proconsul::raft
