// Finding single nodes, services and checks in a version, and the keys they lie under.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/registry/rows.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

/// First part of the keys of what belongs to this peer; "~" for what is our own.
std::string_view peer_part(std::string_view peer);
/// "peer.~:nodes": the name of a table's index for one peer.
std::string peer_index(std::string_view peer, std::string_view name);
std::string service_index(std::string_view peer, std::string_view service);
std::string node_index(std::string_view peer, std::string_view node);
/// "typical" for the empty kind.
std::string_view kind_text(std::string_view kind);

// Null if absent. Letter case does not matter. The rows live as long as the tables.
const NodeRow* find_node(const Tables& tables, std::string_view node, std::string_view peer = {});
const ServiceRow* find_service(const Tables& tables, std::string_view node, std::string_view service_id,
                               std::string_view peer = {});
const CheckRow* find_check(const Tables& tables, std::string_view node, std::string_view check_id,
                           std::string_view peer = {});
/// By the whole UUID; an error if that is none.
base::Result<const NodeRow*> find_node_by_id(const Tables& tables, std::string_view id, std::string_view peer = {});
/// The key of a node by its ID; the UUID must be whole for a row, a prefix of its bytes finds all that begin so.
std::string node_id_key(std::string_view peer, std::string_view uuid_bytes);
base::Result<std::string> node_id_bytes(std::string_view id);
/// By a prefix of the UUID's text (an odd last digit is left out). `many` tells that more than one node matched; then,
/// and if the text is no such prefix, null.
const NodeRow* find_node_by_id_prefix(const Tables& tables, std::string_view prefix, std::string_view peer, bool& many);

/// A shorter text is a name, not the beginning of a UUID.
inline constexpr std::size_t kMinNodeIdLength = 2;
/// By name, else by an unambiguous beginning of its UUID. `many` (may be null) tells that several begin so.
const NodeRow* find_node_by_name_or_id(const Tables& tables, std::string_view name_or_id, std::string_view peer,
                                       bool* many = nullptr);

}  // namespace proconsul::catalog
