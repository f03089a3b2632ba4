// Takes archives of the state at intervals and keeps the newest ones in each store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/backup/store.h"
#include "agent/config/snapshots.h"
#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "base/interrupt.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"

namespace proconsul::agent::backup {

/// "consul-dc1-20260102T030405Z-17.snap": when it was taken, and the raft index that it reaches.
struct ArchiveName {
  std::int64_t unix_seconds{};
  std::uint64_t index{};
};
std::string archive_name(const std::string& beginning, ArchiveName what);
/// Nothing if the name is not one of those that begin so.
std::optional<ArchiveName> parse_archive_name(std::string_view beginning, std::string_view name);
/// Of names with this beginning, those that go when only the newest `retain` stay.
std::vector<std::string> outdated(const std::string& beginning, std::vector<std::string> names, std::size_t retain);

class Scheduler {
 public:
  struct Options {
    config::SnapshotSchedule schedule{};
    std::string datacenter{};
    std::string node{};
    std::string scratch{};  // a folder for archives under way; empty: the system's
  };
  /// All outlive it. An error: credentials are missing.
  static base::Result<std::unique_ptr<Scheduler>> start(Options options, server::Server& server,
                                                        server::Operator& cluster, base::net::Loop& loop);
  /// Ends what is under way; not on a loop.
  ~Scheduler();

 private:
  struct Kept {
    std::unique_ptr<ArchiveStore> store{};
    std::optional<std::int64_t> due{};  // unix seconds; unknown until its newest archive was looked for
    int failures = 0;                   // in a row
  };
  Scheduler(Options options, server::Server& server, server::Operator& cluster);
  void run();
  bool our_turn() const;
  void look(Kept& kept, std::int64_t now);
  void take(std::int64_t now);
  base::Result<std::unique_ptr<raft::ScratchFile>> make_archive(std::int64_t now, std::uint64_t& index);
  base::Result<> keep(Kept& kept, const std::string& name, raft::ScratchFile& archive);
  void failed(Kept& kept, std::int64_t now, const base::Error& error);

  const Options options_;
  const std::string beginning_;  // of names
  server::Server& server_;
  server::Operator& cluster_;
  base::Interrupt stopping_{};
  base::net::Resolver resolver_{};
  std::vector<Kept> stores_{};  // the thread's own
  std::thread thread_{};
};

}  // namespace proconsul::agent::backup
