#include "catalog/store/store.h"

#include <gtest/gtest.h>

#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

struct Sink : base::WakeSink {
  std::vector<std::vector<std::uint64_t>> calls{};
  void wake(std::vector<std::uint64_t> tokens) override { calls.push_back(std::move(tokens)); }
};

base::KeySet watch_index(std::string_view name) {
  base::KeySet keys;
  watch_key(&keys, Topic::index, name);
  return keys;
}

TEST(Store, AViewKeepsItsVersionWhateverIsCommittedLater) {
  Store store;
  const ViewPtr before = store.view();

  store.writer().begin_command(7);
  store.writer().set_index("Nodes");
  EXPECT_EQ(store.view()->tables().index_of("nodes"), 0u) << "not committed yet";
  store.commit();

  EXPECT_EQ(before->tables().index_of("nodes"), 0u);
  EXPECT_EQ(store.view()->tables().index_of("nodes"), 7u);
  EXPECT_EQ(store.view()->applied_index(), 7u);
}

TEST(Store, ACommitWakesEachSinkOnceForAllCommandsInIt) {
  Store store;
  Sink sink;
  auto nodes = store.watches().watch(watch_index("nodes"), sink, 1);
  auto services = store.watches().watch(watch_index("services"), sink, 2);
  auto checks = store.watches().watch(watch_index("checks"), sink, 3);

  store.writer().begin_command(7);
  store.writer().set_index("nodes");
  store.writer().begin_command(8);
  store.writer().set_index("services");
  store.commit();

  ASSERT_EQ(sink.calls.size(), 1u);
  EXPECT_EQ(sink.calls[0].size(), 2u);
  EXPECT_FALSE(checks.fired());
}

TEST(Store, ACommandThatFailsHalfwayChangesNothing) {
  Store store;
  Sink sink;
  auto nodes = store.watches().watch(watch_index("nodes"), sink, 1);
  store.writer().begin_command(7);

  const auto result = store.writer().atomically([&]() -> base::Result<> {
    store.writer().set_index("nodes");
    store.writer().effects().lock_delays.push_back({"key", base::seconds(1)});
    return {base::Errc::internal, "no"};
  });
  const Effects effects = store.commit();

  EXPECT_FALSE(result);
  EXPECT_EQ(store.view()->tables().index_of("nodes"), 0u);
  EXPECT_TRUE(effects.lock_delays.empty());
  EXPECT_TRUE(sink.calls.empty());
}

TEST(Store, ARestoredIndexOnlyGrows) {
  Transaction transaction{Tables{}};
  transaction.raise_index("kvs", 9);
  transaction.raise_index("kvs", 4);
  transaction.raise_index("empty", 0);

  EXPECT_EQ(transaction.tables().index_of({"kvs", "absent"}), 9u);
  EXPECT_TRUE(transaction.tables().indexes.contains("empty"));
}

TEST(Store, ReplacingTheStateWakesEverybody) {
  Store store;
  Sink sink;
  auto watch = store.watches().watch(watch_index("nodes"), sink, 1);
  Transaction restored{Tables{}};
  restored.raise_index("kvs", 5);

  store.replace(restored.tables(), 12);

  EXPECT_TRUE(watch.fired());
  EXPECT_EQ(store.view()->tables().index_of("kvs"), 5u);
  EXPECT_EQ(store.view()->applied_index(), 12u);
}

TEST(IndexKey, PartsAreInLowerCaseAndEndWithAZeroByte) {
  EXPECT_EQ(index_key({"Node", "Web-1"}), std::string("node\0web-1\0", 11));
}

}  // namespace
}  // namespace proconsul::catalog
