// The parts that the node is made of, each alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "raft/doorbell.h"
#include "raft/fsm_queue.h"
#include "raft/log_thread.h"
#include "raft/memory_storage.h"
#include "raft/strand.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(Doorbell, ARingBeforeTheWaitIsNotLost) {
  Doorbell bell;
  bell.ring();
  bell.ring();

  bell.wait();

  const auto begin = std::chrono::steady_clock::now();
  bell.wait(begin + 5ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 5ms) << "two rings are one";
}

TEST(Doorbell, WakesTheThreadThatSleeps) {
  Doorbell there, back;
  std::thread sleeper([&] {
    for (int i = 0; i < 1000; ++i) {
      there.wait();
      back.ring();
    }
  });
  for (int i = 0; i < 1000; ++i) {
    there.ring();
    back.wait();
  }
  sleeper.join();
}

TEST(Strand, RunsJobsInOrderAndNeverTwoAtOnce) {
  std::atomic<int> inside{0}, rounds{0};
  int total = 0;
  Doorbell relief;
  Strand strand([&] { ++rounds; }, [&] { relief.ring(); });
  std::atomic<bool> stop{false};
  std::thread host([&] {
    while (!stop) {
      relief.wait(std::chrono::steady_clock::now() + 1ms);
      strand.run_on();
    }
  });
  std::vector<std::vector<int>> seen(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        strand.post([&, t, i] {
          EXPECT_EQ(inside.fetch_add(1), 0);
          seen[static_cast<std::size_t>(t)].push_back(i);
          ++total;
          inside.fetch_sub(1);
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  strand.settle();
  stop = true;
  host.join();

  EXPECT_EQ(total, 20'000);
  EXPECT_GT(rounds, 0);
  for (const std::vector<int>& one : seen) EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
}

TEST(Strand, AJobThatPostsIsNotInterrupted) {
  std::string order;
  Strand strand([] {}, [] {});
  strand.post([&] {
    strand.post([&] { order += "second"; });
    order += "first ";
    EXPECT_TRUE(strand.running_here());
  });

  EXPECT_EQ(order, "first second");
  EXPECT_FALSE(strand.running_here());
}

TEST(Strand, AGuestThatIsKeptBusyIsRelieved) {
  int run = 0;
  bool asked = false;
  Strand strand([] {}, [&] { asked = true; });
  std::function<void()> again = [&] {
    if (++run < 1000) strand.post([&] { again(); });
  };

  strand.post([&] { again(); });

  EXPECT_TRUE(asked);
  EXPECT_LT(run, 1000);
  strand.run_on();
  EXPECT_EQ(run, 1000);
}

EntryPtr entry_at(std::uint64_t index) {
  auto entry = std::make_shared<Entry>();
  entry->index = {index};
  entry->term = {1};
  entry->data = std::to_string(index);
  return entry;
}

/// Records what reached the disk; waits at the gate; can be full.
class GatedStorage final : public Storage {
 public:
  struct Shared {
    std::mutex lock;
    std::vector<std::string> log;
    std::atomic<bool> full{false};
    std::promise<void> entered, gate;
    bool gated = true;
  };
  explicit GatedStorage(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  LogIndex first_index() const override { return memory_.first_index(); }
  LogIndex last_index() const override { return memory_.last_index(); }
  HardState hard_state() const override { return memory_.hard_state(); }
  Result<> write(const StorageWrite& write) override {
    if (std::exchange(shared_->gated, false)) {
      shared_->entered.set_value();
      shared_->gate.get_future().wait();
    }
    if (shared_->full) return {Errc::unavailable, "full"};
    std::string text = write.truncate_from ? "cut " + std::to_string(write.truncate_from->value) + " " : "";
    for (const EntryPtr& entry : write.entries) text += std::to_string(entry->index.value) + " ";
    {
      const std::lock_guard lock(shared_->lock);
      shared_->log.push_back(text);
    }
    return memory_.write(write);
  }
  Result<std::vector<EntryPtr>> read(LogIndex first, LogIndex last, std::size_t max_bytes) override {
    return memory_.read(first, last, max_bytes);
  }
  Result<> compact(LogIndex up_to) override { return memory_.compact(up_to); }

 private:
  std::shared_ptr<Shared> shared_;
  MemoryStorage memory_;
};

TEST(LogThread, WhatQueuesUpDuringAWriteGoesIntoOne) {
  auto shared = std::make_shared<GatedStorage::Shared>();
  std::vector<std::uint64_t> persisted;
  std::promise<void> all;
  LogThread log(std::make_unique<GatedStorage>(shared), {.persisted =
                                                             [&](std::uint64_t number, auto) {
                                                               persisted.push_back(number);
                                                               if (number == 6) all.set_value();
                                                             },
                                                         .refused = [](Error) {},
                                                         .failed = [](Error) {},
                                                         .read = [](std::uint64_t, auto) {}});
  log.write({.entries = {entry_at(1)}}, 1);
  shared->entered.get_future().wait();
  for (std::uint64_t i = 2; i <= 4; ++i) log.write({.entries = {entry_at(i)}}, i);
  log.write({.truncate_from = LogIndex{3}, .entries = {entry_at(3)}}, 5);
  log.write({.entries = {entry_at(4)}}, 6);

  shared->gate.set_value();
  all.get_future().wait();

  EXPECT_THAT(shared->log, ElementsAre("1 ", "2 3 4 ", "cut 3 3 4 "));
  EXPECT_THAT(persisted, ElementsAre(1, 4, 6));
}

TEST(LogThread, AFullDiskIsToldOnceAndReadsGoOnUntilItIsWellAgain) {
  auto shared = std::make_shared<GatedStorage::Shared>();
  shared->gated = false;
  std::atomic<int> refused{0};
  std::promise<void> told, second;
  std::promise<std::size_t> read;
  LogThread log(
      std::make_unique<GatedStorage>(shared),
      {.persisted =
           [&](std::uint64_t number, auto) {
             if (number == 2) second.set_value();
           },
       .refused =
           [&](Error) {
             if (++refused == 1) told.set_value();
           },
       .failed = [](Error) {},
       .read = [&](std::uint64_t, Result<std::vector<EntryPtr>> entries) { read.set_value(entries->size()); }});
  log.write({.entries = {entry_at(1)}}, 1);
  while (true) {  // the first one must be on the disk before it is full
    const std::lock_guard lock(shared->lock);
    if (!shared->log.empty()) break;
  }
  shared->full = true;
  log.write({.entries = {entry_at(2)}}, 2);
  told.get_future().wait();

  log.read({.token = 1, .first = {1}, .last = {1}, .max_bytes = 100});
  EXPECT_EQ(read.get_future().get(), 1u);
  shared->full = false;
  second.get_future().wait();

  EXPECT_EQ(refused, 1);
}

TEST(LogThread, WhatIsTakenBackWhileTheDiskIsFullNeverReachesIt) {
  auto shared = std::make_shared<GatedStorage::Shared>();
  shared->gated = false;
  std::promise<void> told, second;
  LogThread log(std::make_unique<GatedStorage>(shared), {.persisted =
                                                             [&](std::uint64_t number, auto) {
                                                               if (number == 3) second.set_value();
                                                             },
                                                         .refused = [&](Error) { told.set_value(); },
                                                         .failed = [](Error) {},
                                                         .read = [](std::uint64_t, auto) {}});
  shared->full = true;
  log.write({.entries = {entry_at(1), entry_at(2)}, .hard_state = HardState{{4}, {}, ""}}, 1);
  told.get_future().wait();
  log.write({.truncate_from = LogIndex{1}}, 2);
  log.write({.entries = {entry_at(1)}}, 3);
  std::this_thread::sleep_for(300ms);  // past the next attempt

  shared->full = false;
  second.get_future().wait();

  EXPECT_THAT(shared->log, ElementsAre("cut 1 ", "1 "));
}

/// Adds up what it is given.
class SumFsm final : public Fsm {
 public:
  void apply(std::span<Applied> batch) override {
    for (Applied& one : batch) {
      sum += std::stoull(one.entry->data);
      if (one.wanted) one.response = sum;
    }
  }
  std::unique_ptr<FsmSnapshot> snapshot() override { return nullptr; }
  Result<> restore(ByteSource&) override { return {}; }
  std::size_t sum = 0;
};

TEST(FsmQueue, AnswersWaitersAndReadersInOrder) {
  SumFsm fsm;
  std::atomic<std::uint64_t> reported{0};
  FsmQueue queue(fsm, {10}, {.applied = [&](LogIndex index) { reported = index.value; }, .open = {}, .failed = {}});
  std::vector<std::string> order;
  queue.when_applied({10}, [&](Result<LogIndex> index) { order.push_back("read " + std::to_string(index->value)); });
  std::promise<void> later;
  queue.when_applied({12}, [&](Result<LogIndex>) { later.set_value(); });
  FsmQueue::Work work;
  auto noop = std::make_shared<Entry>(*entry_at(11));
  noop->type = EntryType::noop;
  work.entries = {noop, entry_at(12), entry_at(13)};
  for (const std::uint64_t index : {11, 13}) {
    work.waiters.push_back({{index}, [&](Result<Completion> done) {
                              order.push_back(std::to_string(done->index.value) +
                                              (done->response.has_value() ? " answered" : " done"));
                            }});
  }

  ASSERT_TRUE(queue.push(std::move(work)));
  queue.run_here([] { return false; });

  later.get_future().wait();
  EXPECT_THAT(order, ElementsAre("read 10", "11 done", "13 answered"));
  EXPECT_EQ(queue.applied().value, 13u);
  EXPECT_EQ(reported, 13u);
  EXPECT_EQ(fsm.sum, 25u);
}

TEST(FsmQueue, ABusyGuestLeavesTheRestToTheFsmThread) {
  SumFsm fsm;
  FsmQueue queue(fsm, {0}, {.applied = [](LogIndex) {}, .open = {}, .failed = {}});
  std::promise<void> done;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    FsmQueue::Work work;
    work.entries = {entry_at(i)};
    if (i == 3) work.waiters.push_back({{3}, [&](Result<Completion>) { done.set_value(); }});
    EXPECT_EQ(queue.push(std::move(work)), i == 1);
  }
  int looked = 0;

  queue.run_here([&] { return ++looked > 1; });

  done.get_future().wait();
  EXPECT_EQ(queue.applied().value, 3u);
}

TEST(FsmQueue, StoppingTellsThoseWhoWait) {
  SumFsm fsm;
  FsmQueue queue(fsm, {0}, {.applied = [](LogIndex) {}, .open = {}, .failed = {}});
  int told = 0;
  FsmQueue::Work work;
  work.entries = {entry_at(1)};
  work.waiters.push_back({{1}, [&](Result<Completion> done) { told += done ? 100 : 1; }});
  ASSERT_TRUE(queue.push(std::move(work)));
  queue.when_applied({5}, [&](Result<LogIndex> index) { told += index ? 100 : 1; });

  queue.stop();
  queue.when_applied({6}, [&](Result<LogIndex> index) { told += index ? 100 : 1; });

  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace proconsul::raft
