#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/recover/compare.h"
#include "agent/recover/data_directory.h"
#include "agent/recover/rebuild.h"
#include "base/files.h"
#include "catalog/commands.h"
#include "catalog/types/kv.h"
#include "catalog/types/register.h"
#include "raft/configuration.h"
#include "raft/lines_fsm.h"
#include "raft/recovery.h"
#include "raft/rocks_storage.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::recover {
namespace {

using testing::HasSubstr;

constexpr const char* kFirst = "11111111-1111-1111-1111-111111111111";
constexpr const char* kSecond = "22222222-2222-2222-2222-222222222222";

raft::EntryPtr entry(std::uint64_t index, std::uint64_t term, raft::EntryType type, std::string data) {
  auto made = std::make_shared<raft::Entry>();
  made->index = {index};
  made->term = {term};
  made->type = type;
  made->data = std::move(data);
  return made;
}

std::string put(const std::string& key) {
  catalog::KVSRequest request{};
  request.Op = "set";
  request.DirEnt.Key = key;
  return catalog::encode_command(catalog::Command::kvs, request);
}

std::string node(const std::string& name, const std::string& id) {
  catalog::RegisterRequest request{};
  request.ID = id;
  request.Node = name;
  request.Address = "10.0.0.1";
  return catalog::encode_command(catalog::Command::register_, request);
}

/// Data directories of servers that have stopped.
class RecoverTest : public testing::Test {
 protected:
  /// Of the first server, in a cluster of both: `keys` changes in each term, from term 1 on.
  std::string make(const std::string& name, const std::vector<int>& keys) {
    const std::string path = folder_ / name;
    std::filesystem::create_directories(path + "/raft/snapshots");
    std::ofstream(path + "/node-id") << kFirst << '\n';
    auto storage = raft::RocksStorage::open({.directory = path + "/raft/log"});
    EXPECT_TRUE(storage);
    const raft::Configuration both{{{{kFirst}, "10.0.0.1:8300"}, {{kSecond}, "10.0.0.2:8300"}}};
    raft::StorageWrite write;
    write.entries.push_back(entry(1, 1, raft::EntryType::configuration, raft::encode(both)));
    write.entries.push_back(entry(2, 1, raft::EntryType::command, node("alpha", kFirst)));
    std::uint64_t index = 2, term = 0;
    for (const int count : keys) {
      ++term;
      for (int i = 0; i < count; ++i) {
        ++index;
        write.entries.push_back(entry(index, term, raft::EntryType::command, put("key" + std::to_string(index))));
      }
    }
    write.hard_state = raft::HardState{{term}, {term}, "10.0.0.2:8300"};
    EXPECT_TRUE((*storage)->write(write));
    return path;
  }
  std::vector<DataDirectory> read(const std::vector<std::string>& paths) {
    std::vector<DataDirectory> directories;
    for (const std::string& path : paths) directories.push_back(read_data_directory(path));
    return directories;
  }

  raft::TemporaryDirectory folder_{};
};

TEST_F(RecoverTest, ADirectoryTellsWhatItHolds) {
  const DataDirectory directory = read_data_directory(make("a", {3, 2}));

  EXPECT_EQ(directory.problem, "");
  EXPECT_EQ(directory.kind, DataDirectory::Kind::ours);
  EXPECT_EQ(directory.node_id, kFirst);
  EXPECT_EQ(directory.node, "alpha");
  EXPECT_EQ(directory.log.first().value, 1u);
  EXPECT_EQ(directory.last(), (Position{{2}, {7}}));
  EXPECT_EQ(directory.hard_state.voted_for, "10.0.0.2:8300");
  ASSERT_EQ(directory.servers.servers.size(), 2u);
  EXPECT_EQ(directory.servers_index.value, 1u);
  EXPECT_EQ(directory.server_names, (std::vector<std::string>{"alpha", ""}));
  ASSERT_TRUE(directory.contents);
  EXPECT_EQ(directory.contents->keys, 5u);
  EXPECT_EQ(directory.contents->nodes, 1u);
}

TEST_F(RecoverTest, WhatIsOpenIsNotRead) {
  const std::string path = make("a", {1});
  const auto running = raft::RocksStorage::open({.directory = path + "/raft/log"});
  ASSERT_TRUE(running);
  // A lock of one's own process does not hinder it: another one has to look.
  const pid_t child = ::fork();
  if (child == 0) ::_exit(read_data_directory(path).running ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(RecoverTest, ADamagedLogIsAProblemAndNotATrap) {
  const std::string path = make("a", {50});
  for (const auto& file : std::filesystem::directory_iterator(path + "/raft/log")) {
    if (file.path().extension() == ".log") std::filesystem::resize_file(file.path(), 100);
  }
  const DataDirectory directory = read_data_directory(path);

  EXPECT_FALSE(directory.readable());
  EXPECT_THAT(directory.problem, HasSubstr("what was acknowledged reached entry 52 and cannot be read"));
  EXPECT_FALSE(check_rebuild(directory, directory.servers));
}

TEST_F(RecoverTest, TheNewestIsWhomRaftWouldElect) {
  const auto directories = read({make("short", {5}), make("long", {9}), make("later", {3, 1})});

  EXPECT_EQ(newest(directories)->path, directories[2].path);
  const auto lost = missing(directories[2], directories[1]);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->from.value, 6u);  // there the terms begin to differ
  EXPECT_EQ(lost->to.value, 11u);
  EXPECT_EQ(lost->changes, 6u);
  EXPECT_FALSE(missing(directories[1], directories[0]));
  EXPECT_EQ(missing(directories[0], directories[1])->entries(), 4u);
  EXPECT_EQ(missing(directories[0], directories[2])->entries(), 1u);
}

TEST_F(RecoverTest, ServersAreNamedByIdOrName) {
  const DataDirectory directory = read_data_directory(make("a", {1}));
  const auto why_not = [&](const std::string& text) {
    const auto servers = parse_servers(text, directory);
    return servers ? "" : servers.error().detail;
  };

  const auto servers = parse_servers("alpha=10.0.0.9:8300," + std::string(kSecond) + "=[::1]:8301", directory);
  ASSERT_TRUE(servers) << servers.error().detail;
  EXPECT_EQ(servers->servers[0].id.value, kFirst);
  EXPECT_EQ(servers->servers[0].address, "10.0.0.9:8300");
  EXPECT_EQ(servers->servers[1].address, "[::1]:8301");
  EXPECT_EQ(this_server_alone(directory)->servers[0].address, "10.0.0.1:8300");
  EXPECT_THAT(why_not("beta=10.0.0.9:8300"), HasSubstr("is neither a node ID nor the name of a server"));
  EXPECT_THAT(why_not("alpha"), HasSubstr("it should read ID=ADDRESS:PORT"));
  EXPECT_THAT(why_not("alpha=10.0.0.9"), HasSubstr("needs a port"));
  EXPECT_THAT(why_not("alpha=::1:8300"), HasSubstr("needs brackets"));
  EXPECT_THAT(why_not("alpha=h:0"), HasSubstr("no usable port"));
  EXPECT_NE(why_not("alpha=h:1,alpha=h:2"), "");
  EXPECT_NE(why_not("alpha=h:1,"), "");
}

TEST_F(RecoverTest, TheNextStartFormsTheClusterAndTheCopyStaysAsItWas) {
  const std::string path = make("a", {4});
  const DataDirectory before = read_data_directory(path);
  const raft::Configuration alone = *this_server_alone(before);
  ASSERT_TRUE(check_rebuild(before, alone));
  const auto rebuilt = rebuild(before, alone, true, 1234);
  ASSERT_TRUE(rebuilt) << rebuilt.error().detail;
  EXPECT_EQ(rebuilt->backup, path + "/raft.before-recover-1234");

  raft::LinesFsm fsm;
  std::vector<std::string> said;
  const auto started = raft::recover(path + "/raft", 2, fsm, [&](const std::string& text) { said.push_back(text); });
  ASSERT_TRUE(started) << started.error().detail;
  EXPECT_EQ(said.back(), "deleted peers.json file after successful recovery");
  EXPECT_EQ(started->start.snapshot->configuration, alone);
  EXPECT_EQ(started->applied.value, 6u);
  EXPECT_EQ(fsm.lines().size(), 5u);

  std::filesystem::create_directories(folder_ / "copy");
  std::filesystem::copy(rebuilt->backup, folder_ / "copy/raft", std::filesystem::copy_options::recursive);
  const DataDirectory copy = read_data_directory(folder_ / "copy");
  EXPECT_EQ(copy.last(), before.last());
  EXPECT_EQ(copy.contents->keys, 4u);
  EXPECT_FALSE(copy.recovery_asked);
}

TEST_F(RecoverTest, AnOlderPeersJsonIsKept) {
  const std::string path = make("a", {1});
  std::ofstream(path + "/raft/peers.json") << "old";
  const DataDirectory directory = read_data_directory(path);
  EXPECT_TRUE(directory.recovery_asked);

  ASSERT_TRUE(rebuild(directory, *this_server_alone(directory), false, 99));

  EXPECT_EQ(*base::read_file(path + "/raft/peers.json.before-recover-99", 100), "old");
  EXPECT_THAT(*base::read_file(path + "/raft/peers.json", 1000), HasSubstr(kFirst));
}

TEST_F(RecoverTest, WhatCannotFormAClusterIsRefused) {
  const DataDirectory directory = read_data_directory(make("a", {1}));
  const raft::Configuration other{{{{kSecond}, "10.0.0.2:8300"}}};
  EXPECT_THAT(check_rebuild(directory, other).error().detail, HasSubstr("is not among -servers"));
  EXPECT_THAT(check_rebuild(read_data_directory(folder_ / "none"), other).error().detail,
              HasSubstr("no such file or directory"));
  const std::string empty = folder_ / "empty";
  std::filesystem::create_directories(empty + "/raft");
  {
    ASSERT_TRUE(raft::RocksStorage::open({.directory = empty + "/raft/log"}));
  }
  EXPECT_THAT(check_rebuild(read_data_directory(empty), other).error().detail, HasSubstr("holds nothing"));
}

}  // namespace
}  // namespace proconsul::agent::recover
