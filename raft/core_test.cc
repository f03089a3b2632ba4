#include "raft/core.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace proconsul::raft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds(1000)};

Configuration members(std::initializer_list<const char*> ids) {
  Configuration configuration;
  for (const char* id : ids) configuration.servers.push_back({{id}, std::string(id) + ":8300", Suffrage::voter});
  return configuration;
}

EntryPtr entry(std::uint64_t index, std::uint64_t term, std::string data = "x") {
  return std::make_shared<Entry>(
      Entry{.index = {index}, .term = {term}, .type = EntryType::command, .data = std::move(data)});
}

Message from(const char* id, Body body, std::uint64_t call = 1) {
  return {{id}, std::string(id) + ":8300", call, std::move(body)};
}

// One server "a" with its effects at hand; its disk does what the test says.
class Bench {
 public:
  explicit Bench(std::initializer_list<const char*> ids, Options options = {}) : Bench(options) {
    EXPECT_TRUE(core.bootstrap(members(ids), now));
    settle();
  }
  explicit Bench(Options options = {}) : core(options, Start{.id = {"a"}, .address = "a:8300", .seed = 7}, kStart) {}

  Effects take() {
    Effects effects = core.take();
    if (effects.write) written = effects.write_number;
    sent.insert(sent.end(), effects.messages.begin(), effects.messages.end());
    return effects;
  }
  /// The disk finishes everything; what follows from it is returned.
  Effects settle() {
    Effects all;
    for (int round = 0; round < 10; ++round) {
      Effects effects = take();
      std::ranges::move(effects.messages, std::back_inserter(all.messages));
      std::ranges::move(effects.fsm, std::back_inserter(all.fsm));
      std::ranges::move(effects.reads, std::back_inserter(all.reads));
      if (effects.lost) all.lost = effects.lost;
      if (effects.transfer) all.transfer = effects.transfer;
      if (effects.compact) all.compact = effects.compact;
      if (!effects.write) break;
      core.persisted(written, now);
    }
    return all;
  }
  void pass(Nanoseconds time) {
    now += time;
    core.tick(now);
  }
  /// Wins an election with the vote of b and commits the no-op with b's help.
  void lead() {
    pass(seconds(2));
    settle();
    if (core.role() == Role::candidate) {
      core.receive(from("b", PreVoteResponse{core.term() == Term{1} ? Term{2} : Term{core.term().value + 1}, true}),
                   now);
      settle();
      core.receive(from("b", VoteResponse{core.term(), true}), now);
    }
    ASSERT_EQ(core.role(), Role::leader);
    acknowledge("b", settle());
    settle();
    ASSERT_TRUE(core.status().ready);
  }
  void acknowledge(const char* id, const Effects& effects) {
    for (const Message& message : effects.messages) {
      const auto* append = std::get_if<AppendRequest>(&message.body);
      if (append == nullptr || message.peer.value != id) continue;
      const LogIndex last = append->prev_index + append->entries.size();
      core.receive(from(id, AppendResponse{core.term(), last, true, false}, message.call), now);
    }
  }
  void follow(std::uint64_t term) {
    core.receive(from("b", AppendRequest{.term = {term}}), now);
    settle();
  }

  Instant now = kStart;
  Core core;
  std::uint64_t written = 0;
  std::vector<Message> sent{};  // everything so far
};

template <class T>
std::vector<T> bodies(const Effects& effects) {
  std::vector<T> found;
  for (const Message& message : effects.messages) {
    if (const T* body = std::get_if<T>(&message.body)) found.push_back(*body);
  }
  return found;
}

TEST(Core, SingleVoterLeadsWithoutWaitingForATimer) {
  Bench bench({"a"});

  EXPECT_EQ(bench.core.next_tick(), kStart);
  bench.core.tick(kStart);
  bench.settle();

  EXPECT_EQ(bench.core.role(), Role::leader);
  EXPECT_TRUE(bench.core.status().ready);
}

TEST(Core, BootstrapIsRefusedOnceThereIsState) {
  Bench bench({"a", "b", "c"});

  const base::Result<> again = bench.core.bootstrap(members({"a"}), bench.now);

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().detail, "bootstrap only works on new clusters");
}

TEST(Core, VoteLeavesOnlyOnceItIsDurable) {
  Bench bench({"a", "b", "c"});
  bench.core.receive(from("b", VoteRequest{{5}, {1}, {1}, false}, 9), bench.now);

  const Effects before = bench.take();
  EXPECT_TRUE(before.messages.empty());
  ASSERT_TRUE(before.write && before.write->hard_state);
  EXPECT_EQ(before.write->hard_state->voted_for, "b:8300");

  bench.core.persisted(bench.written, bench.now);
  const Effects after = bench.take();
  ASSERT_EQ(bodies<VoteResponse>(after).size(), 1u);
  EXPECT_TRUE(bodies<VoteResponse>(after)[0].granted);
  EXPECT_EQ(after.messages[0].call, 9u);
}

TEST(Core, OneVotePerTermThoughTheSameCandidateMayAskAgain) {
  Bench bench({"a", "b", "c"});
  bench.core.receive(from("b", VoteRequest{{5}, {1}, {1}, false}), bench.now);
  bench.settle();

  bench.core.receive(from("c", VoteRequest{{5}, {1}, {1}, false}), bench.now);
  EXPECT_FALSE(bodies<VoteResponse>(bench.settle())[0].granted);
  bench.core.receive(from("b", VoteRequest{{5}, {1}, {1}, false}), bench.now);
  EXPECT_TRUE(bodies<VoteResponse>(bench.settle())[0].granted);
}

TEST(Core, CandidateWithAnOlderLogGetsNoVoteButItsTermCounts) {
  Bench bench({"a", "b", "c"});

  bench.core.receive(from("b", VoteRequest{{5}, {0}, {0}, false}), bench.now);

  EXPECT_FALSE(bodies<VoteResponse>(bench.settle())[0].granted);
  EXPECT_EQ(bench.core.term(), Term{5});
}

TEST(Core, WhoHearsALeaderVotesOnlyInATransfer) {
  Bench bench({"a", "b", "c"});
  bench.follow(2);

  bench.core.receive(from("c", VoteRequest{{3}, {9}, {2}, false}), bench.now);
  EXPECT_FALSE(bodies<VoteResponse>(bench.settle())[0].granted);
  EXPECT_EQ(bench.core.term(), Term{2});

  bench.core.receive(from("c", VoteRequest{{3}, {9}, {2}, true}), bench.now);
  EXPECT_TRUE(bodies<VoteResponse>(bench.settle())[0].granted);
}

TEST(Core, PreVoteIsAnsweredAndChangesNothing) {
  Bench bench({"a", "b", "c"});

  bench.core.receive(from("b", PreVoteRequest{{7}, {1}, {1}}), bench.now);

  const Effects effects = bench.take();
  EXPECT_TRUE(bodies<PreVoteResponse>(effects)[0].granted);
  EXPECT_EQ(bodies<PreVoteResponse>(effects)[0].term, Term{7});
  EXPECT_EQ(bench.core.term(), Term{1});
  EXPECT_FALSE(effects.write);
}

TEST(Core, StrangersAreRefusedUnlessTheirLogIsAhead) {
  Bench bench({"a", "b", "c"});

  bench.core.receive(from("z", VoteRequest{{5}, {1}, {1}, false}), bench.now);
  EXPECT_FALSE(bodies<VoteResponse>(bench.settle())[0].granted);
  bench.core.receive(from("z", VoteRequest{{5}, {2}, {1}, false}), bench.now);
  EXPECT_TRUE(bodies<VoteResponse>(bench.settle())[0].granted);
}

TEST(Core, ALeaderWhoseProcessHasEndedIsReplacedWithoutATimeout) {
  Bench bench({"a", "b", "c"});
  bench.follow(3);
  const Message vote = from("c", VoteRequest{{4}, {5}, {5}, false});
  bench.core.receive(vote, bench.now);
  EXPECT_FALSE(bodies<VoteResponse>(bench.settle())[0].granted) << "b may hold a lease";

  bench.core.peer_gone({"c"}, bench.now);
  EXPECT_GT(bench.core.next_tick(), bench.now + milliseconds(50)) << "c does not lead";
  bench.core.peer_gone({"b"}, bench.now);
  EXPECT_LE(bench.core.next_tick(), bench.now + milliseconds(20));
  EXPECT_TRUE(bench.core.status().leader.value.empty());

  for (int tries = 0; tries < 3; ++tries) {  // the other one has not noticed yet
    bench.pass(bench.core.next_tick() - bench.now);
    EXPECT_EQ(bodies<PreVoteRequest>(bench.settle()).size(), 2u);
  }
  EXPECT_LE(bench.now - kStart, milliseconds(200));
  bench.core.receive(vote, bench.now);
  EXPECT_TRUE(bodies<VoteResponse>(bench.settle())[0].granted);
}

TEST(Core, CandidateAsksForPreVotesFirstAndBecomesLeaderByAMajority) {
  Bench bench({"a", "b", "c"});
  bench.pass(seconds(2));
  EXPECT_EQ(bodies<PreVoteRequest>(bench.settle()).size(), 2u);
  EXPECT_EQ(bench.core.term(), Term{1});

  bench.core.receive(from("c", PreVoteResponse{{2}, true}), bench.now);
  EXPECT_EQ(bodies<VoteRequest>(bench.settle()).size(), 2u);
  bench.core.receive(from("c", VoteResponse{{2}, true}), bench.now);

  EXPECT_EQ(bench.core.role(), Role::leader);
  EXPECT_EQ(bodies<AppendRequest>(bench.settle()).size(), 2u);
}

TEST(Core, LeaderCountsItselfOnlyOnceItsDiskHasTheEntry) {
  Bench bench({"a", "b", "c"});
  bench.lead();
  const base::Result<LogIndex> index = bench.core.propose(EntryType::command, "w", {}, {}, bench.now);
  const Effects sent = bench.take();
  ASSERT_TRUE(sent.write);

  bench.acknowledge("b", sent);
  EXPECT_LT(bench.core.commit(), *index);
  bench.core.persisted(bench.written, bench.now);

  EXPECT_EQ(bench.core.commit(), *index);
}

TEST(Core, FollowerAcknowledgesEntriesWhenDurableAndHeartbeatsAtOnce) {
  Bench bench({"a", "b", "c"});
  bench.follow(2);
  bench.core.receive(from("b", AppendRequest{{2}, {1}, {1}, {entry(2, 2)}, {0}}, 5), bench.now);
  bench.core.receive(from("b", AppendRequest{.term = {2}}, 6), bench.now);

  const Effects before = bench.take();
  ASSERT_EQ(before.messages.size(), 1u);
  EXPECT_EQ(before.messages[0].call, 6u);

  bench.core.persisted(bench.written, bench.now);
  const Effects after = bench.take();
  ASSERT_EQ(after.messages.size(), 1u);
  EXPECT_EQ(after.messages[0].call, 5u);
}

TEST(Core, MismatchSendsTheLeaderBeforeTheWholeConflictingTerm) {
  Bench bench({"a", "b", "c"});
  bench.core.receive(from("b", AppendRequest{{2}, {1}, {1}, {entry(2, 2), entry(3, 2), entry(4, 2)}, {0}}), bench.now);
  bench.settle();

  bench.core.receive(from("c", AppendRequest{{4}, {4}, {3}, {entry(5, 4)}, {0}}), bench.now);

  const auto answers = bodies<AppendResponse>(bench.settle());
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_FALSE(answers[0].success);
  EXPECT_TRUE(answers[0].no_retry_backoff);
  EXPECT_EQ(answers[0].last_index, LogIndex{1});
}

TEST(Core, ConflictingSuffixIsReplacedInOneWrite) {
  Bench bench({"a", "b", "c"});
  bench.core.receive(from("b", AppendRequest{{2}, {1}, {1}, {entry(2, 2), entry(3, 2)}, {0}}), bench.now);
  bench.settle();

  bench.core.receive(from("c", AppendRequest{{3}, {1}, {1}, {entry(2, 3)}, {2}}), bench.now);

  const Effects effects = bench.take();
  ASSERT_TRUE(effects.write);
  EXPECT_EQ(effects.write->truncate_from, LogIndex{2});
  EXPECT_EQ(effects.write->entries.size(), 1u);
  ASSERT_EQ(effects.fsm.size(), 1u);
  EXPECT_EQ(effects.fsm[0].entries.back()->term, Term{3});
}

TEST(Core, StopsRatherThanServeAnotherHistoryThanTheLeader) {
  Bench bench({"a", "b", "c"});
  bench.core.receive(from("b", AppendRequest{{2}, {1}, {1}, {entry(2, 2)}, {2}}), bench.now);
  bench.settle();

  bench.core.receive(from("c", AppendRequest{{4}, {2}, {3}, {entry(3, 4)}, {2}}), bench.now);

  const Effects effects = bench.take();
  ASSERT_TRUE(effects.halt);
  EXPECT_EQ(effects.halt->code, base::Errc::corrupt);
  EXPECT_TRUE(effects.messages.empty());
}

TEST(Core, OneHeartbeatRoundAnswersAllWaitingReads) {
  Bench bench({"a", "b", "c"});
  bench.lead();
  for (std::uint64_t read = 1; read <= 5; ++read) bench.core.read(read, ReadMode::verified, bench.now);
  const Effects round = bench.settle();
  ASSERT_TRUE(round.reads.empty());
  ASSERT_EQ(bodies<AppendRequest>(round).size(), 2u);

  bench.acknowledge("b", round);
  const Effects first = bench.settle();
  bench.acknowledge("b", first);
  const Effects second = bench.settle();

  EXPECT_EQ(first.reads.size() + second.reads.size(), 5u);
  EXPECT_LE(bodies<AppendRequest>(first).size(), 2u);
  EXPECT_TRUE(second.messages.empty());
}

TEST(Core, LeaseAnswersReadsUntilItRunsOutAndNotAfterATransferBegan) {
  Options options;
  options.transfer_grace = seconds(1);
  Bench bench({"a", "b", "c"}, options);
  bench.lead();
  EXPECT_TRUE(bench.core.lease_holds(bench.now));
  EXPECT_FALSE(bench.core.lease_holds(bench.now + options.leader_lease));
  EXPECT_LE(bench.core.lease_end(bench.now), bench.now + options.leader_lease);

  ASSERT_TRUE(bench.core.transfer_leadership({"b"}, bench.now));
  const Effects effects = bench.settle();

  EXPECT_EQ(bodies<TimeoutNowRequest>(effects).size(), 1u);
  EXPECT_FALSE(bench.core.lease_holds(bench.now));
}

TEST(Core, LeaderWithoutAQuorumStepsDownAfterTheLease) {
  Bench bench({"a", "b", "c"});
  bench.lead();
  ASSERT_TRUE(bench.core.propose(EntryType::command, "w", {}, {}, bench.now));
  bench.core.read(1, ReadMode::verified, bench.now);
  bench.settle();

  bench.pass(milliseconds(501));

  const Effects effects = bench.settle();
  EXPECT_EQ(bench.core.role(), Role::follower);
  ASSERT_TRUE(effects.lost);
  EXPECT_EQ(effects.lost->error.detail, "leadership lost while committing log");
  ASSERT_EQ(effects.reads.size(), 1u);
  EXPECT_FALSE(effects.reads[0].index);
}

TEST(Core, SingleVoterWithAFullDiskServesReadsAndRefusesWrites) {
  Bench bench({"a"});
  bench.core.tick(bench.now);
  bench.settle();
  const base::Result<LogIndex> waiting = bench.core.propose(EntryType::command, "w", {}, {}, bench.now);
  ASSERT_TRUE(waiting);
  bench.take();

  bench.core.write_refused({base::Errc::unavailable, "no space left on device"}, bench.now);
  bench.core.read(1, ReadMode::verified, bench.now);
  const Effects effects = bench.take();

  EXPECT_EQ(bench.core.role(), Role::leader);
  ASSERT_TRUE(effects.lost);
  EXPECT_LT(effects.lost->above, *waiting);
  ASSERT_EQ(effects.reads.size(), 1u);
  EXPECT_TRUE(effects.reads[0].index);
  EXPECT_FALSE(bench.core.propose(EntryType::command, "w", {}, {}, bench.now));

  bench.core.persisted(bench.written, bench.now);
  EXPECT_TRUE(bench.core.propose(EntryType::command, "w", {}, {}, bench.now));
}

TEST(Core, LeaderWithAStalledDiskHandsOver) {
  Options options;
  options.leader_lease = seconds(5);
  options.heartbeat_timeout = seconds(5);
  Bench bench({"a", "b", "c"}, options);
  bench.pass(seconds(10));
  bench.lead();
  ASSERT_TRUE(bench.core.propose(EntryType::command, "w", {}, {}, bench.now));
  bench.acknowledge("b", bench.take());

  bench.pass(milliseconds(1100));
  const Effects effects = bench.take();

  EXPECT_EQ(bodies<TimeoutNowRequest>(effects).size(), 1u);
  bench.pass(seconds(1));
  EXPECT_EQ(bench.core.role(), Role::follower);
}

TEST(Core, SingleVoterWaitsForAStalledDiskWithThoseThatWrite) {
  Bench bench({"a"});
  bench.core.tick(bench.now);
  bench.settle();
  ASSERT_TRUE(bench.core.propose(EntryType::command, "w", {}, {}, bench.now));
  bench.take();
  bench.pass(seconds(60));

  EXPECT_EQ(bench.core.role(), Role::leader);
  const base::Result<LogIndex> late = bench.core.propose(EntryType::command, "w", {}, {}, bench.now);
  ASSERT_TRUE(late);
  bench.take();
  bench.core.persisted(bench.written, bench.now);
  EXPECT_EQ(bench.core.commit(), *late);
}

TEST(Core, MembershipChangesWaitForEachOther) {
  Bench bench({"a", "b", "c"});
  bench.lead();
  const MembershipChange add{Change::add_nonvoter, {"d"}, "d:8300"};
  const base::Result<LogIndex> first = bench.core.change_membership(add, {}, {}, bench.now);
  ASSERT_TRUE(first);

  EXPECT_FALSE(bench.core.change_membership({Change::remove_server, {"c"}, {}}, {}, {}, bench.now));
  bench.acknowledge("b", bench.settle());
  const base::Result<LogIndex> stale =
      bench.core.change_membership({Change::add_voter, {"d"}, "d:8300"}, {1}, {}, bench.now);
  const base::Result<LogIndex> fresh =
      bench.core.change_membership({Change::add_voter, {"d"}, "d:8300"}, *first, {}, bench.now);

  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().detail, "configuration changed since 1 (latest is " + std::to_string(first->value) + ")");
  EXPECT_TRUE(fresh);
}

TEST(Core, LeaderThatRemovesItselfLeadsUntilThatIsCommittedWithoutItsOwnVote) {
  Bench bench({"a", "b", "c"});
  bench.lead();
  bench.acknowledge("c", Effects{.messages = bench.sent});
  ASSERT_TRUE(bench.core.change_membership({Change::remove_server, {"a"}, {}}, {}, {}, bench.now));
  const Effects sent = bench.settle();

  bench.acknowledge("b", sent);
  EXPECT_EQ(bench.core.role(), Role::leader);
  bench.acknowledge("c", sent);

  EXPECT_EQ(bench.core.role(), Role::follower);
}

TEST(Core, AServerThatIsRemovedHearsOfIt) {
  Bench bench({"a", "b", "c"});
  bench.lead();
  bench.acknowledge("c", Effects{.messages = bench.sent});
  bench.settle();

  const base::Result<LogIndex> index =
      bench.core.change_membership({Change::remove_server, {"c"}, {}}, {}, {}, bench.now);
  ASSERT_TRUE(index);
  bool heard = false;
  for (const Message& message : bench.settle().messages) {
    const auto* append = std::get_if<AppendRequest>(&message.body);
    heard |= append && message.peer.value == "c" && !append->entries.empty() && append->entries.back()->index == *index;
  }

  EXPECT_TRUE(heard);
}

TEST(Core, FollowerBehindACompactedLogGetsTheSnapshot) {
  Options options;
  options.snapshots.trailing_logs = 0;
  Bench bench({"a", "b", "c"}, options);
  bench.lead();
  const LogIndex top = bench.core.commit();
  const base::Result<SnapshotMeta> meta = bench.core.snapshot_meta(top);
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->configuration_index, LogIndex{1});
  bench.core.snapshot_stored(meta, bench.now);
  EXPECT_EQ(bench.settle().compact, top);

  for (const Message& message : std::vector<Message>(bench.sent)) {
    const auto* append = std::get_if<AppendRequest>(&message.body);
    if (append == nullptr || append->is_heartbeat() || message.peer.value != "c") continue;
    bench.core.receive(from("c", AppendResponse{bench.core.term(), {0}, false, true}, message.call), bench.now);
  }

  const auto snapshots = bodies<SnapshotRequest>(bench.settle());
  ASSERT_EQ(snapshots.size(), 1u);
  EXPECT_EQ(snapshots[0].meta.index, top);
}

// As a server of hashicorp/raft does, whose log went on beyond the snapshot that replaced it.
TEST(Core, FollowerThatCannotGoOnFromItsSnapshotGetsALaterOne) {
  Options options;
  options.snapshots.trailing_logs = 0;
  Bench bench({"a", "b", "c"}, options);
  bench.lead();
  const LogIndex top = bench.core.commit();
  const LogIndex their_end = top + 2;
  bench.core.snapshot_stored(bench.core.snapshot_meta(top), bench.now);
  bench.settle();
  const auto c_refuses = [&](const std::vector<Message>& messages, LogIndex end) {
    for (const Message& message : messages) {
      const auto* append = std::get_if<AppendRequest>(&message.body);
      if (append == nullptr || append->is_heartbeat() || message.peer.value != "c") continue;
      bench.core.receive(from("c", AppendResponse{bench.core.term(), end, false, true}, message.call), bench.now);
    }
  };
  c_refuses(std::vector<Message>(bench.sent), {0});
  Effects first = bench.settle();
  ASSERT_EQ(bodies<SnapshotRequest>(first).size(), 1u);

  bench.core.receive(from("c", SnapshotResponse{bench.core.term(), true}, first.messages[0].call), bench.now);
  c_refuses(bench.settle().messages, their_end);
  Effects grown = bench.settle();
  EXPECT_TRUE(bodies<SnapshotRequest>(grown).empty());
  EXPECT_GT(bench.core.log().last(), their_end);

  bench.acknowledge("b", grown);
  bench.settle();
  EXPECT_GT(bench.core.commit(), their_end);
  bench.core.applied(bench.core.commit(), bench.now);
  bench.pass(milliseconds(20));
  EXPECT_TRUE(bench.take().take_snapshot);
  bench.pass(milliseconds(100));
  EXPECT_FALSE(bench.take().take_snapshot);  // one is being made
  const base::Result<SnapshotMeta> later = bench.core.snapshot_meta(bench.core.commit());
  ASSERT_TRUE(later);
  bench.core.snapshot_stored(later, bench.now);
  bench.settle();
  bench.pass(milliseconds(200));
  const Effects second = bench.settle();
  const auto again = bodies<SnapshotRequest>(second);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].meta.index, later->index);

  const auto call = std::ranges::find_if(
      second.messages, [](const Message& message) { return std::holds_alternative<SnapshotRequest>(message.body); });
  bench.core.receive(from("c", SnapshotResponse{bench.core.term(), true}, call->call), bench.now);
  const auto appends = bodies<AppendRequest>(bench.settle());
  EXPECT_TRUE(std::ranges::any_of(appends, [&](const AppendRequest& each) { return each.prev_index == later->index; }));
}

TEST(Core, InstalledSnapshotReplacesALogThatDoesNotContainIt) {
  Bench bench({"a", "b", "c"});
  const SnapshotMeta meta{
      .index = {50}, .term = {3}, .configuration = members({"a", "b"}), .configuration_index = {40}};
  bench.core.receive(from("b", SnapshotRequest{{4}, meta}, 11), bench.now);
  const Effects asked = bench.take();
  ASSERT_EQ(asked.receive_snapshots.size(), 1u);

  bench.core.snapshot_received(asked.receive_snapshots[0].token, meta, bench.now);
  const Effects effects = bench.take();

  ASSERT_EQ(effects.fsm.size(), 1u);
  EXPECT_EQ(effects.fsm[0].restore->index, LogIndex{50});
  ASSERT_TRUE(effects.write);
  EXPECT_EQ(effects.write->truncate_from, LogIndex{1});
  EXPECT_EQ(bench.core.status().configuration, meta.configuration);
  EXPECT_EQ(bench.core.commit(), LogIndex{50});
  EXPECT_TRUE(bodies<SnapshotResponse>(effects).empty());  // until the old log is gone
  bench.core.persisted(bench.written, bench.now);
  EXPECT_TRUE(bodies<SnapshotResponse>(bench.take())[0].success);
}

TEST(Core, UserRestoreLeavesAHoleSoThatFollowersNeedTheSnapshot) {
  Bench bench({"a"});
  bench.core.tick(bench.now);
  bench.settle();
  const LogIndex last = bench.core.log().last();

  ASSERT_TRUE(bench.core.restore({100}, bench.now));
  const Effects asked = bench.take();
  ASSERT_TRUE(asked.store_user_snapshot);
  EXPECT_GT(asked.store_user_snapshot->index, std::max(last, LogIndex{100}));
  EXPECT_FALSE(bench.core.propose(EntryType::command, "w", {}, {}, bench.now));
  const base::Result<LogIndex> done = bench.core.user_snapshot_stored(*asked.store_user_snapshot, {}, bench.now);
  const Effects effects = bench.settle();

  ASSERT_TRUE(done);
  EXPECT_EQ(*done, asked.store_user_snapshot->index + 1);
  ASSERT_FALSE(effects.fsm.empty());
  EXPECT_TRUE(effects.fsm[0].restore);
  EXPECT_EQ(bench.core.commit(), *done);
}

TEST(Core, EntriesOutsideTheCacheAreReadFromDiskInOrder) {
  Options options;
  options.cache_bytes = 0;
  Start start{.id = {"a"}, .address = "a:8300", .hard_state = {.term = {2}}, .seed = 1};
  for (const EntryPtr& stored : {entry(1, 1), entry(2, 2), entry(3, 2)}) {
    ASSERT_TRUE(start.log.load(stored));
  }
  start.log.evict({3}, 0);
  Core core(options, std::move(start), kStart);

  core.receive(from("b", AppendRequest{{2}, {3}, {2}, {}, {3}}), kStart);
  const Effects asked = core.take();
  ASSERT_EQ(asked.log_reads.size(), 1u);
  EXPECT_EQ(asked.log_reads[0].first, LogIndex{1});
  core.log_read(asked.log_reads[0].token, std::vector<EntryPtr>{entry(1, 1), entry(2, 2), entry(3, 2)}, kStart);

  const Effects effects = core.take();
  ASSERT_EQ(effects.fsm.size(), 1u);
  EXPECT_EQ(effects.fsm[0].entries.size(), 3u);
}

}  // namespace
}  // namespace proconsul::raft
