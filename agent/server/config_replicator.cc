#include "agent/server/config_replicator.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "agent/server/replication_loop.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ConfigEntryPtr;

namespace {

auto place_of(const ConfigEntryPtr& entry) {
  return std::tuple<std::string_view, std::string_view>(entry->kind->name, entry->Name);
}

/// As Consul writes several errors of one attempt.
std::string joined(const std::vector<std::string>& faults) {
  std::string text = std::to_string(faults.size()) + (faults.size() == 1 ? " error" : " errors") + " occurred:";
  for (const std::string& fault : faults) text += "\n\t* " + fault;
  return text + "\n\n";
}

}  // namespace

ConfigDifference config_difference(std::vector<ConfigEntryPtr> here, std::vector<ConfigEntryPtr> there,
                                   std::uint64_t after) {
  return difference(std::move(here), std::move(there), &place_of,
                    [after](const ConfigEntryPtr& ours, const ConfigEntryPtr& theirs) {
                      const bool same = theirs->Hash != 0 && theirs->Hash == ours->Hash;
                      return theirs->ModifyIndex > after && !same;
                    });
}

ConfigReplicator::ConfigReplicator(Limits limits, Means means)
    : limits_(limits),
      means_(std::move(means)),
      log_("agent.server.replication.config_entry"),
      status_(base::metrics::gauge("leader.replication.config-entries.status", {},
                                   "Whether what the primary has was copied when it was last looked at.")),
      index_(base::metrics::gauge("leader.replication.config-entries.index", {},
                                  "The index of the primary up to which everything was copied.")),
      fetch_(base::metrics::sample("leader.replication.config-entries.fetch", {},
                                   "Time that asking the primary what it has takes, with the wait for a change.")),
      apply_(base::metrics::sample("leader.replication.config.apply", {},
                                   "Time that comparing and writing takes, in milliseconds.")) {}

Result<std::uint64_t> ConfigReplicator::round(std::uint64_t after, const std::stop_token& over) {
  const auto begun = std::chrono::steady_clock::now();
  Result<rpc::IndexedGenericConfigEntries> remote = means_.ask(after, over);
  fetch_.add_since(begun);
  if (over.stop_requested()) return Error{Errc::unavailable, "leadership lost"};
  if (!remote) return Error{remote.error().code, "failed to retrieve remote config entries: " + remote.error().detail};
  const base::metrics::ScopedTimer timer(apply_);
  if (remote->Index < after) {
    log_.warn("Config Entry replication remote index moved backwards, forcing a full Config Entry sync",
              {{"from", after}, {"to", remote->Index}});
    after = 0;
  }
  std::vector<ConfigEntryPtr> local;
  const catalog::ViewPtr view = means_.view();
  for (const auto [key, row] : view->tables().config_entries.all()) local.push_back(row->entry);
  const ConfigDifference difference = config_difference(std::move(local), std::move(remote->Entries), after);
  log_.debug("Config Entry replication", {{"deletions", difference.gone.size()}, {"updates", difference.set.size()}});
  // What is refused (it depends on others, which come later) is told, and tried again from the beginning.
  std::vector<std::string> faults;
  if (Result<> done = write(difference.gone, "delete", faults); !done) return done.error();
  if (Result<> done = write(difference.set, "upsert", faults); !done) return done.error();
  if (!faults.empty()) return Error{Errc::internal, joined(faults)};
  return remote->Index;
}

Result<> ConfigReplicator::write(const std::vector<ConfigEntryPtr>& entries, std::string_view operation,
                                 std::vector<std::string>& faults) {
  const base::Duration distance{1'000'000'000 / std::max<std::int64_t>(limits_.applies_a_second, 1)};
  bool first = true;
  for (const ConfigEntryPtr& entry : entries) {
    // They are every datacenter's own.
    if (entry->kind->name == catalog::kind::kExportedServices) continue;
    if (!std::exchange(first, false) && !means_.pause(distance)) return Error{Errc::unavailable, "leadership lost"};
    catalog::ConfigEntryRequest request;
    request.Op = operation;
    request.Datacenter = means_.datacenter;
    request.Entry = catalog::copy_config_entry(*entry);
    if (Result<> done = means_.apply(catalog::encode_config_entry_command(request)); !done) {
      faults.push_back("Failed to apply config entry " + std::string(operation) + ": " + done.error().detail);
    }
  }
  return {};
}

void ConfigReplicator::run(const std::stop_token& over) {
  ReplicationRounds rounds(limits_.rounds_a_second, limits_.burst, *means_.clock, means_.pause);
  ReplicationLoop{.round = [&](std::uint64_t after) { return round(after, over); },
                  .token = means_.token,
                  .report = means_.report,
                  .name = "Config Entry",
                  .log = log_,
                  .status = status_,
                  .index = index_}
      .run(rounds, over);
}

}  // namespace proconsul::agent::server
