#include "base/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

namespace proconsul::base {
namespace {

struct Sink : WakeSink {
  std::mutex mutex{};
  std::vector<std::vector<std::uint64_t>> calls{};
  void wake(std::vector<std::uint64_t> tokens) override {
    const std::lock_guard lock(mutex);
    std::ranges::sort(tokens);
    calls.push_back(std::move(tokens));
  }
  std::vector<std::uint64_t> take() {
    const std::lock_guard lock(mutex);
    std::vector<std::uint64_t> all;
    for (auto& call : calls) all.insert(all.end(), call.begin(), call.end());
    calls.clear();
    return all;
  }
};

KeySet keys(std::initializer_list<std::string_view> exact, std::initializer_list<std::string_view> prefixes = {}) {
  KeySet set;
  for (auto key : exact) set.add_key(key);
  for (auto prefix : prefixes) set.add_prefix(prefix);
  return set;
}

using Tokens = std::vector<std::uint64_t>;

TEST(Watch, WakesExactlyTheWaitersOfTheChangedKey) {
  WatchRegistry registry;
  Sink sink;
  auto exact = registry.watch(keys({"k/a"}), sink, 1);
  auto prefix = registry.watch(keys({}, {"k/"}), sink, 2);
  auto longer = registry.watch(keys({"k/ab"}, {"k/a/"}), sink, 3);
  auto shorter = registry.watch(keys({"k/"}), sink, 4);

  registry.report(keys({"k/a"}));

  EXPECT_EQ(sink.take(), (Tokens{1, 2}));
  EXPECT_TRUE(exact.fired());
  EXPECT_TRUE(prefix.fired());
  EXPECT_FALSE(longer.fired());
  EXPECT_FALSE(shorter.fired());
  EXPECT_EQ(registry.waiters(), 2u);
}

TEST(Watch, ADeletedPrefixWakesWhatLiesBelowItAndWhatCoversIt) {
  WatchRegistry registry;
  Sink sink;
  auto below = registry.watch(keys({"a/b/c"}), sink, 1);
  auto prefix_below = registry.watch(keys({}, {"a/b/"}), sink, 2);
  auto covering = registry.watch(keys({}, {"a"}), sink, 3);
  auto other = registry.watch(keys({"a"}, {"a/c"}), sink, 4);

  registry.report(keys({}, {"a/b"}));

  EXPECT_EQ(sink.take(), (Tokens{1, 2, 3}));
  EXPECT_FALSE(other.fired());
}

TEST(Watch, OneReportCallsEachSinkOnceAndAWaiterOfManyChangedKeysIsWokenOnce) {
  WatchRegistry registry;
  Sink left;
  Sink right;
  std::vector<Watch> watches;
  for (std::uint64_t i = 0; i < 100; ++i)
    watches.push_back(registry.watch(keys({"a", "b", "a"}), i % 2 ? left : right, i));

  registry.report(keys({"a", "b", "c"}));

  ASSERT_EQ(left.calls.size(), 1u);
  ASSERT_EQ(right.calls.size(), 1u);
  EXPECT_EQ(left.calls[0].size(), 50u);
  EXPECT_EQ(right.calls[0].size(), 50u);
  registry.report(keys({"a"}));
  EXPECT_EQ(left.calls.size(), 1u);
}

TEST(Watch, ACancelledWatchIsGone) {
  WatchRegistry registry;
  Sink sink;
  auto first = registry.watch(keys({"a"}), sink, 1);
  auto second = registry.watch(keys({"a"}), sink, 2);
  auto third = registry.watch(keys({"a"}), sink, 3);

  second.cancel();
  registry.report(keys({"a"}));

  EXPECT_EQ(sink.take(), (Tokens{1, 3}));
  EXPECT_EQ(registry.waiters(), 0u);
}

TEST(Watch, ReportAllWakesEverybody) {
  WatchRegistry registry;
  Sink sink;
  auto first = registry.watch(keys({"a"}), sink, 1);
  auto second = registry.watch(keys({}, {""}), sink, 2);

  registry.report_all();

  EXPECT_EQ(sink.take(), (Tokens{1, 2}));
}

TEST(Watch, AgreesWithAPlainListOfWaiters) {
  std::mt19937 random(11);
  auto word = [&] {
    std::string key;
    for (unsigned n = random() % 5; n > 0; --n) key += static_cast<char>('a' + random() % 2);
    return key;
  };
  WatchRegistry registry;
  Sink sink;
  struct Plain {
    Watch watch;
    std::set<std::string> exact, prefixes;
  };
  std::map<std::uint64_t, Plain> plain;
  std::uint64_t next_token = 0;
  for (int step = 0; step < 20000; ++step) {
    const auto choice = random() % 4;
    if (choice < 2) {
      Plain entry;
      KeySet set;
      for (unsigned n = random() % 4; n > 0; --n) {
        const std::string key = word();
        if (random() % 2) {
          set.add_key(key), entry.exact.insert(key);
        } else {
          set.add_prefix(key), entry.prefixes.insert(key);
        }
      }
      entry.watch = registry.watch(set, sink, ++next_token);
      plain.emplace(next_token, std::move(entry));
    } else if (choice == 2 && !plain.empty()) {
      plain.erase(std::next(plain.begin(), static_cast<long>(random() % plain.size())));
    } else {
      const std::string changed = word();
      const bool deleted_prefix = random() % 8 == 0;
      Tokens expected;
      for (const auto& [token, entry] : plain) {
        bool hit = false;
        for (const auto& key : entry.exact) hit |= deleted_prefix ? key.starts_with(changed) : key == changed;
        for (const auto& prefix : entry.prefixes) {
          hit |= changed.starts_with(prefix) || (deleted_prefix && prefix.starts_with(changed));
        }
        if (hit) expected.push_back(token);
      }
      registry.report(deleted_prefix ? keys({}, {changed}) : keys({changed}));
      ASSERT_EQ(sink.take(), expected);
      for (const auto token : expected) plain.erase(token);
    }
    ASSERT_EQ(registry.waiters(), plain.size());
  }
}

TEST(Watch, NoWakeUpIsLostBetweenReadingAndWaiting) {
  WatchRegistry registry;
  std::atomic<int> version{0};
  constexpr int kLast = 20000;
  std::vector<std::jthread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      Sink sink;
      for (;;) {
        const int read = version.load();
        if (read == kLast) return;
        auto watch = registry.watch(keys({"key"}), sink, 1);
        if (version.load() != read) continue;
        while (!watch.fired()) std::this_thread::yield();
      }
    });
  }

  for (int i = 1; i <= kLast; ++i) {
    version.store(i);
    registry.report(keys({"key"}));
    if (i % 4 == 0) std::this_thread::yield();
  }
  readers.clear();

  EXPECT_EQ(registry.waiters(), 0u);
}

}  // namespace
}  // namespace proconsul::base
