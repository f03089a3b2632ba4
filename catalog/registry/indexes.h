// The raft indexes that changes of nodes, services and checks raise. They are part of the contract: a blocking query
// compares them, and snapshots carry them.
#pragma once

#include <cstdint>
#include <string_view>

#include "catalog/store/store.h"

namespace proconsul::catalog {

void raise_nodes(Transaction& tx, std::uint64_t index, std::string_view peer);
void raise_node(Transaction& tx, std::uint64_t index, std::string_view node, std::string_view peer);
void raise_services(Transaction& tx, std::uint64_t index, std::string_view peer);
void raise_service(Transaction& tx, std::uint64_t index, std::string_view service, std::string_view peer);
void raise_kind(Transaction& tx, std::uint64_t index, std::string_view kind, std::string_view peer);
void raise_checks(Transaction& tx, std::uint64_t index, std::string_view peer);
/// When the last instance of a service, or a node, goes: what waits for something missing compares these.
void raise_service_extinction(Transaction& tx, std::uint64_t index, std::string_view peer);
void raise_node_extinction(Transaction& tx, std::uint64_t index, std::string_view peer);

inline constexpr std::string_view kServiceExtinction = "service_last_extinction";
inline constexpr std::string_view kNodeExtinction = "node_last_extinction";

}  // namespace proconsul::catalog
