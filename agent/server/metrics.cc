#include "agent/server/metrics.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "catalog/commands.h"

namespace proconsul::agent::server {
namespace {

using catalog::Command;

struct CommandName {
  std::uint8_t number;
  const char* name;
  const char* operation;  // of a command that does only this; null: what it notes, if anything
};

constexpr CommandName kNames[] = {
    {0, "fsm.register", nullptr},
    {1, "fsm.deregister", nullptr},
    {2, "fsm.kvs", nullptr},
    {3, "fsm.session", nullptr},
    {5, "fsm.tombstone", nullptr},
    {6, "fsm.coordinate.batch-update", nullptr},
    {7, "fsm.prepared-query", nullptr},
    {8, "fsm.txn", nullptr},
    {9, "fsm.autopilot", nullptr},
    {13, "fsm.ca", nullptr},
    {17, "fsm.acl.token", "upsert"},
    {18, "fsm.acl.token", "delete"},
    {19, "fsm.acl.policy", "upsert"},
    {20, "fsm.acl.policy", "delete"},
    {21, "fsm.ca.leaf", nullptr},
    {23, "fsm.acl.role", "upsert"},
    {24, "fsm.acl.role", "delete"},
    {25, "fsm.acl.bindingrule", "upsert"},
    {26, "fsm.acl.bindingrule", "delete"},
    {27, "fsm.acl.authmethod", "upsert"},
    {28, "fsm.acl.authmethod", "delete"},
    {31, "fsm.system_metadata", nullptr},
    {35, "fsm.peering", "write"},
    {36, "fsm.peering", "delete"},
    {37, "fsm.peering", "terminate"},
    {38, "fsm.peering_trust_bundle", "write"},
    {39, "fsm.peering_trust_bundle", "delete"},
    {40, "fsm.peering_secrets", "write"},
};

// Operations come from the log: names that nobody knows must not fill the memory.
constexpr std::size_t kMostRows = 128;

}  // namespace

const base::metrics::Sample* ServerMetrics::of_command(std::uint8_t number) const {
  switch (static_cast<Command>(number)) {
    case Command::register_:
      return &catalog_register;
    case Command::deregister:
      return &catalog_deregister;
    case Command::kvs:
      return &kvs_apply;
    case Command::session:
      return &session_apply;
    case Command::prepared_query:
      return &prepared_query_apply;
    case Command::txn:
      return &txn_apply;
    default:
      return nullptr;
  }
}

const ServerMetrics& server_metrics() {
  static const ServerMetrics kMetrics;
  return kMetrics;
}

void CommandTimes::add(std::uint8_t number, std::string_view operation, std::chrono::steady_clock::time_point begun) {
  for (const Row& row : rows_) {
    if (row.number == number && row.operation == operation) return row.times.add_since(begun);
  }
  const auto* name = std::find_if(std::begin(kNames), std::end(kNames),
                                  [number](const CommandName& candidate) { return candidate.number == number; });
  if (name == std::end(kNames) || rows_.size() == kMostRows) return;
  base::metrics::Labels labels;
  if (name->operation || !operation.empty()) {
    labels.emplace_back("op", name->operation ? name->operation : std::string(operation));
  }
  const auto times =
      base::metrics::sample(name->name, std::move(labels), "Time that applying such a command takes, in milliseconds.");
  rows_.push_back({number, std::string(operation), times});
  times.add_since(begun);
}

}  // namespace proconsul::agent::server
