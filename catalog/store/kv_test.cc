#include "catalog/store/kv.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "catalog/store/key.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {
namespace {

constexpr const char* kSession = "66666666-7777-8888-9999-AAAAAAAAAAAA";

struct KvTest : testing::Test {
  Transaction transaction{Tables{}};
  const Tables& tables = transaction.tables();

  DirEntry entry(std::string key, std::string value, std::uint64_t flags = 0) {
    DirEntry entry;
    entry.Key = std::move(key);
    entry.Value = base::Bytes(std::move(value));
    entry.Flags = flags;
    return entry;
  }
  DirEntry set(std::uint64_t index, std::string key, std::string value) {
    transaction.begin_command(index);
    DirEntry stored = entry(std::move(key), std::move(value));
    kv_set(transaction, stored);
    return stored;
  }
  void open_session(std::string id = kSession, std::string behavior = "release") {
    transaction.tables().nodes.insert(index_key({"~", "n1"}), NodeRow::make(Node{}));
    Session session;
    session.ID = std::move(id);
    session.Node = "n1";
    session.Behavior = std::move(behavior);
    session.LockDelay = base::seconds(15);
    ASSERT_TRUE(session_create(transaction, session));
  }
  base::Result<bool> lock(std::uint64_t index, std::string key, std::string value, std::string session = kSession) {
    transaction.begin_command(index);
    DirEntry locked = entry(std::move(key), std::move(value));
    locked.Session = std::move(session);
    return kv_lock(transaction, locked);
  }
};

TEST_F(KvTest, ASetKeepsTheIndexOfCreationAndTheHolderOfTheLock) {
  open_session();
  set(5, "a", "1");
  ASSERT_TRUE(lock(6, "a", "2"));

  const DirEntry stored = set(7, "a", "3");

  EXPECT_EQ(stored.CreateIndex, 5u);
  EXPECT_EQ(stored.ModifyIndex, 7u);
  EXPECT_EQ(stored.Session, kSession);
  EXPECT_EQ(tables.kv.get("a")->session(), kSession);
  EXPECT_EQ(kv_get(tables, "a", nullptr).index, 7u);
}

TEST_F(KvTest, ASetThatChangesNothingIsNotAWrite) {
  set(5, "a", "1");

  const DirEntry again = set(6, "a", "1");

  EXPECT_EQ(again.ModifyIndex, 5u);
  EXPECT_EQ(kv_table_index(tables), 5u);
}

TEST_F(KvTest, NilAndEmptyValuesAreToldApart) {
  set(5, "empty", "");
  DirEntry nil;
  nil.Key = "nil";
  kv_set(transaction, nil);

  EXPECT_FALSE(tables.kv.get("empty")->entry("empty").Value.is_nil());
  EXPECT_TRUE(tables.kv.get("nil")->entry("nil").Value.is_nil());
}

TEST_F(KvTest, CheckAndSetComparesTheModifyIndexAndZeroMeansAbsent) {
  transaction.begin_command(5);
  DirEntry fresh = entry("a", "1");
  EXPECT_TRUE(kv_set_cas(transaction, fresh));
  DirEntry present = entry("a", "2");
  EXPECT_FALSE(kv_set_cas(transaction, present));
  DirEntry right = entry("a", "2");
  right.ModifyIndex = 5;
  transaction.begin_command(6);
  EXPECT_TRUE(kv_set_cas(transaction, right));
  DirEntry absent = entry("b", "2");
  absent.ModifyIndex = 5;
  EXPECT_FALSE(kv_set_cas(transaction, absent));

  EXPECT_FALSE(kv_delete_cas(transaction, "a", 5));
  EXPECT_TRUE(kv_delete_cas(transaction, "a", 6));
  EXPECT_TRUE(kv_delete_cas(transaction, "a", 6)) << "what is gone already counts as deleted";
}

TEST_F(KvTest, ALockIsHeldByOneSessionAndCountsHowOftenItWasTaken) {
  open_session();
  open_session("11111111-2222-3333-4444-555555555555");

  EXPECT_TRUE(*lock(5, "a", "x"));
  EXPECT_FALSE(*lock(6, "a", "y", "11111111-2222-3333-4444-555555555555"));
  EXPECT_TRUE(*lock(7, "a", "x")) << "held already";
  EXPECT_EQ(tables.kv.get("a")->modify_index(), 5u);
  transaction.begin_command(8);
  DirEntry release = entry("a", "z");
  release.Session = "11111111-2222-3333-4444-555555555555";
  EXPECT_FALSE(*kv_unlock(transaction, release));
  release.Session = kSession;
  EXPECT_TRUE(*kv_unlock(transaction, release));
  EXPECT_TRUE(*lock(9, "a", "y", "11111111-2222-3333-4444-555555555555"));

  EXPECT_EQ(tables.kv.get("a")->lock_index(), 2u);
  EXPECT_EQ(tables.kv.get("a")->create_index(), 5u);
  EXPECT_EQ(tables.kv_by_session.size(), 1u);
}

TEST_F(KvTest, LockingNeedsASessionThatExists) {
  EXPECT_EQ(lock(5, "a", "x", "").error().detail, "missing session");
  EXPECT_EQ(lock(5, "a", "x", "nope").error().detail, "invalid session \"nope\"");
  DirEntry release = entry("a", "x");
  EXPECT_EQ(kv_unlock(transaction, release).error().detail, "missing session");
}

TEST_F(KvTest, AListingAnswersTheHighestIndexOfItsRowsAndTombstones) {
  set(5, "a/x", "1");
  set(6, "a/y", "1");
  set(7, "b/x", "1");
  EXPECT_EQ(kv_list(tables, "a/", nullptr).index, 6u);
  EXPECT_EQ(kv_list(tables, "c/", nullptr).index, 7u) << "nothing there: the table's";

  transaction.begin_command(8);
  kv_delete(transaction, "a/y");
  set(9, "b/y", "1");
  EXPECT_EQ(kv_list(tables, "a/", nullptr).index, 8u);
  EXPECT_EQ(kv_list(tables, "", nullptr).index, 9u);

  transaction.begin_command(10);
  kv_delete_tree(transaction, "a/");
  set(11, "b/y", "2");
  EXPECT_EQ(kv_list(tables, "a/", nullptr).index, 10u);
  EXPECT_EQ(tables.tombstones.get("a/"), 10u);

  ASSERT_TRUE(tombstone_apply(transaction, {{}, "dc1", "reap", 9}));
  EXPECT_EQ(kv_list(tables, "a/", nullptr).index, 10u);
  ASSERT_TRUE(tombstone_apply(transaction, {{}, "dc1", "reap", 10}));
  EXPECT_EQ(kv_list(tables, "a/", nullptr).index, 11u);
  EXPECT_EQ(tombstone_apply(transaction, {{}, "dc1", "x", 10}).error().detail, "Invalid Tombstone operation 'x'");
}

TEST_F(KvTest, DeletingTheWholeTreeLeavesNoTombstoneAndDeletingNothingChangesNothing) {
  set(5, "a", "1");
  transaction.begin_command(6);
  kv_delete_tree(transaction, "b");
  kv_delete(transaction, "b");
  EXPECT_EQ(kv_table_index(tables), 5u);

  kv_delete_tree(transaction, "");

  EXPECT_EQ(tables.tombstones.size(), 0u);
  EXPECT_EQ(kv_table_index(tables), 6u);
  EXPECT_EQ(kv_get(tables, "a", nullptr).index, 6u);
}

TEST_F(KvTest, KeysAreCutAtTheSeparator) {
  for (const char* key : {"a", "a/b", "a/b/c", "a/d", "b", "b//c"}) set(5, key, "1");
  const auto keys = [&](std::string_view prefix, std::string_view separator) {
    return kv_keys(kv_list(tables, prefix, nullptr), prefix, separator);
  };

  EXPECT_EQ(keys("", "/"), (std::vector<std::string_view>{"a", "a/", "b", "b/"}));
  EXPECT_EQ(keys("a/", "/"), (std::vector<std::string_view>{"a/b", "a/b/", "a/d"}));
  EXPECT_EQ(keys("b", "//"), (std::vector<std::string_view>{"b", "b//"}));
  EXPECT_EQ(keys("a/", ""), (std::vector<std::string_view>{"a/b", "a/b/c", "a/d"}));
}

TEST_F(KvTest, TheEndOfASessionReleasesItsKeysAndDelaysTheirLocks) {
  open_session();
  ASSERT_TRUE(*lock(5, "a", "1"));
  ASSERT_TRUE(*lock(5, "b", "1"));

  transaction.begin_command(6);
  ASSERT_TRUE(session_destroy(transaction, "66666666-7777-8888-9999-aaaaaaaaaaaa"));

  EXPECT_EQ(tables.kv.get("a")->session(), "");
  EXPECT_EQ(tables.kv.get("a")->lock_index(), 1u);
  EXPECT_EQ(tables.kv.get("b")->modify_index(), 6u);
  EXPECT_TRUE(tables.kv_by_session.empty());
  ASSERT_EQ(transaction.effects().lock_delays.size(), 2u);
  EXPECT_EQ(transaction.effects().lock_delays[0].key, "a");
  EXPECT_EQ(transaction.effects().lock_delays[0].delay, base::seconds(15));
}

TEST_F(KvTest, TheEndOfASessionOfTheOtherKindDeletesItsKeys) {
  open_session(kSession, "delete");
  ASSERT_TRUE(*lock(5, "a", "1"));

  transaction.begin_command(6);
  ASSERT_TRUE(session_destroy(transaction, kSession));

  EXPECT_EQ(tables.kv.get("a"), nullptr);
  EXPECT_EQ(tables.tombstones.get("a"), 6u);
  EXPECT_EQ(transaction.effects().tombstone_index, 6u);
  EXPECT_EQ(transaction.effects().lock_delays.size(), 1u);
}

TEST_F(KvTest, CommandsAnswerAsTheirOperationDoes) {
  const auto apply = [&](std::string op, DirEntry with) {
    KVSRequest request;
    request.Op = std::move(op);
    request.DirEnt = std::move(with);
    return kv_apply(transaction, request);
  };
  transaction.begin_command(5);

  EXPECT_EQ(*apply("set", entry("a", "1")), std::nullopt);
  EXPECT_EQ(*apply("cas", entry("a", "1")), false);
  EXPECT_EQ(*apply("delete-cas", entry("a", "")), false);
  EXPECT_EQ(*apply("delete-tree", entry("a", "")), std::nullopt);
  EXPECT_EQ(*apply("delete", entry("a", "")), std::nullopt);
  EXPECT_EQ(apply("lock", entry("a", "")).error().detail, "missing session");
  EXPECT_EQ(apply("nope", entry("a", "")).error().detail, "Invalid KVS operation 'nope'");
}

TEST_F(KvTest, RestoredRowsKeepTheirIndexes) {
  DirEntry row = entry("a", "1");
  row.CreateIndex = 3, row.ModifyIndex = 9, row.LockIndex = 2, row.Session = kSession;
  kv_restore(transaction, row);
  row.Key = "b", row.ModifyIndex = 4;
  kv_restore(transaction, row);
  tombstone_restore(transaction, "c/", 11);

  EXPECT_EQ(tables.kv.get("a")->entry("a").CreateIndex, 3u);
  EXPECT_EQ(tables.index_of("kvs"), 9u);
  EXPECT_EQ(tables.index_of("tombstones"), 11u);
  EXPECT_EQ(tables.kv_by_session.size(), 2u);
}

TEST_F(KvTest, AWatcherOfAnAbsentKeySleepsThroughOtherWrites) {
  struct Sink : base::WakeSink {
    void wake(std::vector<std::uint64_t>) override {}
  } sink;
  Store store;
  base::KeySet absent, prefix, everything;
  kv_get(store.view()->tables(), "a/b", &absent);
  kv_list(store.view()->tables(), "a/", &prefix);
  kv_list(store.view()->tables(), "", &everything);
  auto key_watch = store.watches().watch(absent, sink, 1);
  auto prefix_watch = store.watches().watch(prefix, sink, 2);
  auto all_watch = store.watches().watch(everything, sink, 3);
  const auto put = [&](std::string key) {
    DirEntry written = entry(std::move(key), "1");
    kv_set(store.writer(), written);
    store.commit();
  };

  put("a/b/c");
  EXPECT_FALSE(key_watch.fired());
  EXPECT_TRUE(prefix_watch.fired());
  EXPECT_TRUE(all_watch.fired());
  kv_delete_tree(store.writer(), "a/b/");
  store.commit();
  EXPECT_FALSE(key_watch.fired());
  put("a/b");
  EXPECT_TRUE(key_watch.fired());
}

// The same rules, written against plain maps.
struct Model {
  struct Item {
    std::string value, session;
    std::uint64_t create, modify, lock;
  };
  std::map<std::string, Item> items{};
  std::map<std::string, std::uint64_t> stones{};
  std::uint64_t kvs = 0, tombstones = 0;

  void write(std::uint64_t index, const std::string& key, Item item) {
    const auto found = items.find(key);
    item.create = found == items.end() ? index : found->second.create;
    item.modify = index;
    if (found != items.end() && found->second.value == item.value && found->second.session == item.session &&
        found->second.lock == item.lock) {
      return;
    }
    items[key] = item;
    kvs = index;
  }
  void erase(std::uint64_t index, const std::string& key) {
    if (items.erase(key) == 0) return;
    stones[key] = tombstones = kvs = index;
  }
  std::uint64_t list_index(const std::string& prefix) const {
    std::uint64_t index = 0;
    for (const auto& [key, item] : items) {
      if (key.starts_with(prefix)) index = std::max(index, item.modify);
    }
    for (const auto& [key, stone] : stones) {
      if (key.starts_with(prefix)) index = std::max(index, stone);
    }
    return index == 0 || prefix.empty() ? std::max(kvs, tombstones) : index;
  }
};

TEST_F(KvTest, AgreesWithPlainMapsOverRandomCommands) {
  const std::string sessions[] = {"11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-aaaaaaaaaaaa"};
  std::mt19937 random(3);
  Model model;
  const auto word = [&](unsigned most) {
    std::string key;
    for (unsigned n = 1 + random() % most; n > 0; --n) key += "ab/"[random() % 3];
    return key;
  };
  std::uint64_t index = 10;
  for (const auto& session : sessions) open_session(session, session == sessions[0] ? "release" : "delete");

  for (int step = 0; step < 30000; ++step) {
    transaction.begin_command(++index);
    const std::string key = word(4);
    const std::string value = std::to_string(random() % 2);
    const std::string& session = sessions[random() % 2];
    const auto found = model.items.find(key);
    const bool exists = found != model.items.end();
    DirEntry with = entry(key, value);
    switch (random() % 10) {
      case 0:
      case 1:
        kv_set(transaction, with);
        model.write(index, key, {value, exists ? found->second.session : "", 0, 0, 0});
        break;
      case 2:
        with.ModifyIndex = exists && random() % 4 ? found->second.modify : random() % 2;
        if (const bool expected = with.ModifyIndex == (exists ? found->second.modify : 0); expected) {
          ASSERT_TRUE(kv_set_cas(transaction, with));
          model.write(index, key, {value, exists ? found->second.session : "", 0, 0, 0});
        } else {
          ASSERT_FALSE(kv_set_cas(transaction, with));
        }
        break;
      case 3:
      case 4:
        with.Session = session;
        if (exists && !found->second.session.empty() && found->second.session != session) {
          ASSERT_FALSE(*kv_lock(transaction, with));
        } else {
          ASSERT_TRUE(*kv_lock(transaction, with));
          const auto lock = !exists ? 1 : found->second.lock + (found->second.session.empty() ? 1 : 0);
          model.write(index, key, {value, session, 0, 0, lock});
        }
        break;
      case 5:
        with.Session = session;
        if (exists && found->second.session == session) {
          ASSERT_TRUE(*kv_unlock(transaction, with));
          model.write(index, key, {value, "", 0, 0, found->second.lock});
        } else {
          ASSERT_FALSE(*kv_unlock(transaction, with));
        }
        break;
      case 6:
        kv_delete(transaction, key);
        model.erase(index, key);
        break;
      case 7: {
        if (random() % 4) break;
        const std::string prefix = random() % 8 ? key : "";
        kv_delete_tree(transaction, prefix);
        if (std::erase_if(model.items, [&](auto& item) { return item.first.starts_with(prefix); })) {
          if (!prefix.empty()) model.stones[prefix] = model.tombstones = index;
          model.kvs = index;
        }
        break;
      }
      case 8: {
        if (random() % 16) break;
        ASSERT_TRUE(session_destroy(transaction, session));
        std::vector<std::string> held;
        for (const auto& [name, item] : model.items) {
          if (item.session == session) held.push_back(name);
        }
        for (const auto& name : held) {
          if (session == sessions[0]) {
            auto item = model.items[name];
            item.session.clear();
            model.write(index, name, item);
          } else {
            model.erase(index, name);
          }
        }
        open_session(session, session == sessions[0] ? "release" : "delete");
        break;
      }
      case 9: {
        if (random() % 64) break;
        const std::uint64_t until = index - random() % 500;
        ASSERT_TRUE(tombstone_apply(transaction, {{}, "", "reap", until}));
        std::erase_if(model.stones, [&](auto& stone) { return stone.second <= until; });
        break;
      }
    }

    const std::string prefix = random() % 8 ? word(3) : "";
    ASSERT_EQ(kv_list(tables, prefix, nullptr).index, model.list_index(prefix)) << step;
    if (step % 50) continue;
    ASSERT_EQ(tables.kv.size(), model.items.size()) << step;
    std::size_t locked = 0;
    for (const auto& [name, item] : model.items) {
      const DirEntry stored = tables.kv.get(name)->entry(name);
      ASSERT_EQ(stored.Value, item.value);
      ASSERT_EQ(stored.Session, item.session);
      ASSERT_EQ(stored.CreateIndex, item.create);
      ASSERT_EQ(stored.ModifyIndex, item.modify);
      ASSERT_EQ(stored.LockIndex, item.lock);
      locked += !item.session.empty();
    }
    ASSERT_EQ(tables.kv_by_session.size(), locked);
    ASSERT_EQ(tables.tombstones.size(), model.stones.size());
  }
}

// "a b", with "..." if there is more.
std::string spell(const KvPage& page) {
  std::string text;
  for (const auto& [key, row] : page.entries) text += (text.empty() ? "" : " ") + std::string(key);
  return page.more ? text + " ..." : text;
}

TEST_F(KvTest, AListingMayBeReadInPages) {
  std::uint64_t at = 10;
  for (const char* key : {"a", "p/1", "p/2", "p/3", "q"}) set(++at, key, "v");
  const auto page = [&](std::string_view prefix, std::string_view after, std::size_t limit) {
    return spell(kv_page(tables, {.prefix = prefix, .separator = {}, .after = after, .limit = limit}, nullptr));
  };

  EXPECT_EQ(page("p/", "", 2), "p/1 p/2 ...");
  EXPECT_EQ(page("p/", "p/2", 2), "p/3");
  EXPECT_EQ(page("p/", "p/3", 2), "");
  EXPECT_EQ(page("p/", "a", 1), "p/1 ...");
  EXPECT_EQ(page("p/", "zzz", 1), "");
  EXPECT_EQ(page("", "", 3), "a p/1 p/2 ...");
  EXPECT_EQ(page("", "p/1x", 9), "p/2 p/3 q");
}

TEST_F(KvTest, PagesOfCutKeysNameEachOnce) {
  std::uint64_t at = 10;
  for (const char* key : {"d/a/1", "d/a/2", "d/b", "d/c/1", "d/c/2", "d/e"}) set(++at, key, "v");
  const auto page = [&](std::string_view after, std::size_t limit) {
    return spell(kv_page(tables, {.prefix = "d/", .separator = "/", .after = after, .limit = limit}, nullptr));
  };

  EXPECT_EQ(page("", 2), "d/a/ d/b ...");
  EXPECT_EQ(page("d/b", 1), "d/c/ ...");
  EXPECT_EQ(page("d/c/", 5), "d/e");
  EXPECT_EQ(page("d/a/", 1), "d/b ...");
}

TEST_F(KvTest, APagesIndexIsOfItsRowsAndOfWhatWasDeleted) {
  set(11, "p/1", "v");
  set(12, "p/2", "v");
  set(13, "p/3", "v");
  const auto index = [&] { return kv_page(tables, {.prefix = "p/", .limit = 2}, nullptr).index; };
  EXPECT_EQ(index(), 12u);

  set(14, "p/3", "new");
  EXPECT_EQ(index(), 12u);
  transaction.begin_command(15);
  kv_delete(transaction, "p/3");
  EXPECT_EQ(index(), 15u);
}

}  // namespace
}  // namespace proconsul::catalog
