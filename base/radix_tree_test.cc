#include "base/radix_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace proconsul::base {
namespace {

std::atomic<long> live_rows{0};
struct Number : RefCounted {
  long value;
  explicit Number(long v) : value(v) { ++live_rows; }
  ~Number() { --live_rows; }
};
using Tree = RadixTree<Number>;
using Model = std::map<std::string, long>;

Ref<const Number> number(long value) {
  return Ref<const Number>::adopt(new Number(value));
}

// Short keys over few letters, so that prefixes of each other, shared paths and the empty key are common.
std::string random_key(std::mt19937& random) {
  static constexpr std::string_view kLetters("\0\x01 a/\x7f\x80\xff", 8);
  std::string key;
  for (unsigned n = random() % 7; n > 0; --n) key += kLetters[random() % kLetters.size()];
  if (random() % 8 == 0) key += std::to_string(random() % 1000);
  return key;
}

template <class Range>
Model to_model(Range&& range) {
  Model model;
  for (auto [key, row] : range) model.emplace(key, row->value);
  return model;
}

void expect_same(const Tree& tree, const Model& model) {
  ASSERT_EQ(tree.size(), model.size());
  auto at = tree.all();
  for (const auto& [key, value] : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(at.key(), key);
    ASSERT_EQ(at.row()->value, value);
    at.next();
  }
  ASSERT_FALSE(at);
  auto back = tree.all(Tree::Direction::reverse);
  for (auto i = model.rbegin(); i != model.rend(); ++i, back.next()) {
    ASSERT_TRUE(back);
    ASSERT_EQ(back.key(), i->first);
  }
  ASSERT_FALSE(back);
}

void expect_same_queries(const Tree& tree, const Model& model, const std::string& probe) {
  const auto found = model.find(probe);
  const Number* row = tree.get(probe);
  ASSERT_EQ(row != nullptr, found != model.end());
  if (row) ASSERT_EQ(row->value, found->second);

  Model with_prefix;
  for (auto i = model.lower_bound(probe); i != model.end() && i->first.starts_with(probe); ++i) with_prefix.insert(*i);
  ASSERT_EQ(to_model(tree.prefix(probe)), with_prefix);

  auto lower = model.lower_bound(probe);
  for (auto at = tree.lower_bound(probe); at; at.next(), ++lower) {
    ASSERT_NE(lower, model.end());
    ASSERT_EQ(at.key(), lower->first);
  }
  ASSERT_EQ(lower, model.end());

  auto upper = model.upper_bound(probe);
  for (auto at = tree.reverse_lower_bound(probe); at; at.next()) {
    ASSERT_NE(upper, model.begin());
    ASSERT_EQ(at.key(), (--upper)->first);
  }
  ASSERT_EQ(upper, model.begin());

  const std::string* longest = nullptr;
  for (const auto& [key, value] : model) {
    if (std::string_view(probe).starts_with(key)) longest = &key;
  }
  const auto entry = tree.longest_prefix(probe);
  ASSERT_EQ(entry.row != nullptr, longest != nullptr);
  if (longest) ASSERT_EQ(entry.key, *longest);
}

TEST(RadixTree, AgreesWithAnOrderedMapWhileManyVersionsLive) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<std::pair<Tree, Model>> versions(1);
    for (int step = 0; step < 400; ++step) {
      auto [tree, model] = versions[random() % versions.size()];
      for (unsigned edits = 1 + random() % 40; edits > 0; --edits) {
        const std::string key = random_key(random);
        switch (random() % 8) {
          case 0:
            ASSERT_EQ(tree.erase(key), model.erase(key) == 1);
            break;
          case 1: {
            if (random() % 4) break;
            const std::string prefix = key.substr(0, random() % 4);
            const auto erased = std::erase_if(model, [&](auto& item) { return item.first.starts_with(prefix); });
            ASSERT_EQ(tree.erase_prefix(prefix), erased);
            break;
          }
          default: {
            const long value = static_cast<long>(random());
            ASSERT_EQ(tree.insert(key, number(value)), !model.contains(key));
            model[key] = value;
          }
        }
      }
      expect_same_queries(tree, model, random_key(random));
      if (versions.size() < 12) {
        versions.emplace_back(tree, model);
      } else {
        versions[random() % versions.size()] = {tree, model};
      }
      if (step % 20 == 0) {
        for (const auto& [old, old_model] : versions) expect_same(old, old_model);
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(live_rows, 0);
}

TEST(RadixTree, PartsTellExactlyWhatDiffersBetweenVersions) {
  std::mt19937 random(5);
  Tree tree;
  Model model;
  for (int version = 0; version < 300; ++version) {
    const std::string prefix = version % 3 == 0 ? std::string() : random_key(random);
    const Tree before = tree;
    const Model model_before = model;
    const auto part = before.part(prefix);
    for (unsigned n = random() % 20; n > 0; --n) {
      const std::string key = random_key(random);
      if (random() % 3 == 0) {
        tree.erase(key);
        model.erase(key);
      } else {
        const long value = static_cast<long>(random() % 1000);
        tree.insert(key, number(value));
        model[key] = value;
      }
    }

    Model patched = model_before;
    Tree::compare(part, tree.part(prefix), [&](std::string_view key, const Number* was, const Number* is) {
      ASSERT_TRUE(key.starts_with(prefix));
      const auto at = patched.find(std::string(key));
      ASSERT_EQ(was != nullptr, at != patched.end());
      if (was) ASSERT_EQ(was->value, at->second);
      if (was) patched.erase(at);
      if (is) patched.emplace(key, is->value);
      ASSERT_NE(was, is);
    });

    for (const auto& [key, value] : model) {
      if (key.starts_with(prefix)) ASSERT_EQ(patched.at(key), value);
    }
    for (const auto& [key, value] : patched) {
      if (key.starts_with(prefix)) ASSERT_TRUE(model.contains(key));
    }
    bool same = true;
    for (const auto& [key, value] : model) same = same && (!key.starts_with(prefix) || model_before.contains(key));
    if (tree.has_same(part, prefix)) {
      EXPECT_TRUE(same);
    }
  }
}

TEST(RadixTree, ADeepChainOfPrefixesIsFreedWithoutDeepRecursion) {
  Tree tree;
  std::string key;
  for (int i = 0; i < 3000; ++i) tree.insert(key += 'x', number(i));
  const std::string longest = key + std::string(1 << 20, 'y');
  tree.insert(longest, number(-1));

  EXPECT_EQ(tree.longest_prefix(longest + "z").key, longest);
  EXPECT_EQ(tree.erase_prefix("xx"), 3000u);
  EXPECT_EQ(tree.size(), 1u);

  tree.clear();
  EXPECT_EQ(live_rows, 0);
}

TEST(RadixTree, ReadersOfOldVersionsAreUndisturbedByTheWriter) {
  Tree first;
  for (int i = 0; i < 2000; ++i) first.insert("key" + std::to_string(i), number(i));
  struct View : RefCounted {
    Tree tree;
  };
  auto make_view = [](const Tree& tree) {
    auto* view = new View;
    view->tree = tree;
    return Ref<const View>::adopt(view);
  };
  AtomicRef<const View> current(make_view(first));
  std::atomic<bool> stop{false};
  std::atomic<long> faults{0};
  std::vector<std::jthread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto view = current.load();
        long sum = 0;
        long rows = 0;
        for (auto [key, row] : view->tree.prefix("key1")) sum += row->value, ++rows;
        for (auto [key, row] : view->tree.prefix("key1")) sum -= row->value, --rows;
        if (sum != 0 || rows != 0 || view->tree.size() != 2000) ++faults;
      }
    });
  }

  std::mt19937 random(7);
  Tree next = first;
  for (int version = 0; version < 3000; ++version) {
    for (int edit = 0; edit < 3; ++edit) {
      const std::string key = "key" + std::to_string(random() % 2000);
      next.erase(key);
      next.insert(key, number(version));
    }
    current.store(make_view(next));
  }
  stop = true;
  readers.clear();

  EXPECT_EQ(faults, 0);
}

TEST(RadixCounters, ListsWhatWasSetInOrder) {
  RadixCounters counters;
  counters.set("service.web", 7);
  counters.set("kvs", 3);
  counters.set("service.db", 5);
  counters.set("kvs", 9);

  std::vector<std::pair<std::string, std::uint64_t>> seen;
  counters.each("", [&](std::string_view key, std::uint64_t value) { seen.emplace_back(key, value); });

  EXPECT_EQ(counters.get("kvs"), 9u);
  EXPECT_EQ(counters.get("absent"), 0u);
  EXPECT_EQ(seen,
            (std::vector<std::pair<std::string, std::uint64_t>>{{"kvs", 9}, {"service.db", 5}, {"service.web", 7}}));
}

}  // namespace
}  // namespace proconsul::base
