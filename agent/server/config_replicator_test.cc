#include "agent/server/config_replicator.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/json.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/config_entry/validate.h"

namespace proconsul::agent::server {
namespace {

using base::Result;
using catalog::ConfigEntryPtr;

ConfigEntryPtr entry(std::string_view kind, std::string name, std::uint64_t modified = 1, std::string meta = {}) {
  auto made = *catalog::make_config_entry(kind);
  if (!name.empty()) made->Name = std::move(name);
  if (!meta.empty()) made->Meta["m"] = std::move(meta);
  EXPECT_TRUE(catalog::normalize_config_entry(*made));
  made->ModifyIndex = modified;
  return made;
}
std::string named(const std::vector<ConfigEntryPtr>& entries) {
  std::string all;
  for (const ConfigEntryPtr& each : entries) {
    all += (all.empty() ? "" : " ") + std::string(each->kind->name) + "/" + each->Name;
  }
  return all;
}

TEST(ConfigDifference, WhatIsNotThereGoesAndWhatIsNewComes) {
  const auto found = config_difference(
      {entry("service-defaults", "old"), entry("service-defaults", "same"), entry("mesh", "")},
      {entry("service-defaults", "same"), entry("proxy-defaults", "global"), entry("service-defaults", "new")}, 0);

  EXPECT_EQ(named(found.gone), "mesh/mesh service-defaults/old");
  EXPECT_EQ(named(found.set), "proxy-defaults/global service-defaults/new");
}

TEST(ConfigDifference, OfWhatBothHaveOnlyNewContentsCount) {
  const auto here = {entry("service-defaults", "a"), entry("service-defaults", "b"), entry("service-defaults", "c")};
  const auto there = {entry("service-defaults", "a", 5, "x"), entry("service-defaults", "b", 6, "x"),
                      entry("service-defaults", "c", 7)};

  EXPECT_EQ(named(config_difference(here, there, 5).set), "service-defaults/b");
  EXPECT_EQ(named(config_difference(here, there, 0).set), "service-defaults/a service-defaults/b");
  EXPECT_EQ(named(config_difference(here, there, 0).gone), "");
}

class ConfigReplication : public testing::Test {
 protected:
  ConfigReplicator make() {
    ConfigReplicator::Means means;
    means.ask = [this](std::uint64_t after, const std::stop_token&) -> Result<rpc::IndexedGenericConfigEntries> {
      asked = after;
      return remote;
    };
    means.clock = &base::system_clock();
    means.view = [this] { return store.view(); };
    means.apply = [this](const std::string& command) { return apply(command); };
    means.pause = [this](base::Duration time) {
      pauses += time.nanoseconds > 0;
      return true;
    };
    means.datacenter = "dc2";
    return ConfigReplicator({}, std::move(means));
  }
  Result<> apply(const std::string& command) {
    auto request = catalog::read_config_entry_request(std::string_view(command).substr(1));
    EXPECT_TRUE(request);
    commands.push_back(request->Op + " " + request->Entry->Name);
    store.writer().begin_command(++index);
    const auto done = catalog::apply_config_entry(store.writer(), std::move(*request));
    store.commit();
    return done ? Result<>() : Result<>(done.error());
  }
  void has(std::vector<ConfigEntryPtr> entries, std::uint64_t at) {
    rpc::IndexedGenericConfigEntries answer;
    answer.Entries = std::move(entries);
    answer.Index = at;
    remote = std::move(answer);
  }

  catalog::Store store{};
  std::uint64_t index = 0, asked = 0;
  int pauses = 0;
  Result<rpc::IndexedGenericConfigEntries> remote = base::Error{base::Errc::internal, "gone"};
  std::vector<std::string> commands{};
};

TEST_F(ConfigReplication, ARoundMakesItSoAndKeepsItsDistance) {
  ConfigReplicator replicator = make();
  has({entry("service-defaults", "a"), entry("service-defaults", "b"), entry("exported-services", "default")}, 9);

  const Result<std::uint64_t> first = replicator.round(0, {});

  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(*first, 9u);
  EXPECT_EQ(commands, (std::vector<std::string>{"upsert a", "upsert b"}));
  EXPECT_EQ(pauses, 1);

  commands.clear();
  has({entry("service-defaults", "b")}, 10);
  ASSERT_TRUE(replicator.round(*first, {}));
  EXPECT_EQ(asked, 9u);
  EXPECT_EQ(commands, std::vector<std::string>{"delete a"});
}

TEST_F(ConfigReplication, WhatIsRefusedIsToldAndTheRestIsWritten) {
  ConfigReplicator replicator = make();
  has({entry("sameness-group", "g"), entry("service-defaults", "a")}, 9);

  const Result<std::uint64_t> done = replicator.round(0, {});

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail,
            "1 error occurred:\n\t* Failed to apply config entry upsert: sameness-groups are an enterprise-only "
            "feature\n\n");
  EXPECT_TRUE(catalog::find_config_entry(store.view()->tables(), "service-defaults", "a"));
}

TEST_F(ConfigReplication, APrimaryThatCannotBeAskedChangesNothing) {
  ConfigReplicator replicator = make();

  const Result<std::uint64_t> done = replicator.round(3, {});

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "failed to retrieve remote config entries: gone");
  EXPECT_TRUE(commands.empty());
}

TEST_F(ConfigReplication, AnIndexThatWentBackMeansThatAllMayBeOld) {
  ConfigReplicator replicator = make();
  has({entry("service-defaults", "a", 4)}, 50);
  ASSERT_TRUE(replicator.round(0, {}));
  commands.clear();
  has({entry("service-defaults", "a", 4, "other")}, 5);

  ASSERT_TRUE(replicator.round(50, {}));

  EXPECT_EQ(commands, std::vector<std::string>{"upsert a"});
}

}  // namespace
}  // namespace proconsul::agent::server
