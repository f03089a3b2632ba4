// Every table of the replicated state, with its indexes. A table is a tree by its primary key; a secondary index is a
// further tree that shares the same rows. This is the only list: the snapshot writer, the queries and the commands use
// it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/radix_tree.h"
#include "catalog/store/kv_row.h"
#include "catalog/types/health.h"
#include "catalog/types/node.h"
#include "catalog/types/session.h"

namespace proconsul::catalog {

template <class T>
using Table = base::RadixTree<base::Row<T>>;

/// Copying is a reference per tree: a copy is a version of the whole state.
/// Keys are made by index_key() (key.h) unless the line says otherwise.
struct Tables {
  // Name of a table or of something with an index of its own ("kvs", "service.web"), in lower case -> raft index.
  base::RadixCounters indexes{};

  base::RadixTree<KvRow> kv{};             // the key itself
  base::RadixTree<KvRow> kv_by_session{};  // session, then the key itself; only what is locked
  base::RadixCounters tombstones{};        // the key or deleted prefix itself -> raft index

  Table<Session> sessions{};           // ID
  Table<Session> sessions_by_node{};   // Node, ID
  Table<Session> sessions_by_check{};  // Node, CheckID, ID

  Table<Node> nodes{};          // PeerName, Node
  Table<HealthCheck> checks{};  // PeerName, Node, CheckID

  /// The index of a table; 0 if it was never written.
  std::uint64_t index_of(std::string_view name) const;
  std::uint64_t index_of(std::initializer_list<std::string_view> names) const;
};

}  // namespace proconsul::catalog
