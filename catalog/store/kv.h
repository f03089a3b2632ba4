// Keys and values: the commands of the state machine and the queries over a version.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/kv.h"

namespace proconsul::catalog {

// ---- queries: what depends on the tables is added to `watch`, if given ----

struct KvGetAnswer {
  std::uint64_t index{};  // the row's, or that of the table when there is no row
  const KvRow* row{};     // lives as long as the tables
};
KvGetAnswer kv_get(const Tables& tables, std::string_view key, base::KeySet* watch);

struct KvListAnswer {
  std::uint64_t index{};
  std::vector<base::RadixTree<KvRow>::Entry> entries{};  // key and row, in order of keys; live as long as the tables
};
/// All keys with the prefix. The index is the highest among them and the tombstones there, or the table's if there is
/// neither, or if the prefix is empty.
KvListAnswer kv_list(const Tables& tables, std::string_view prefix, base::KeySet* watch);

/// The keys of a listing; what follows the first separator after the prefix is cut off, and what then is equal is named
/// once. An empty separator cuts nothing.
std::vector<std::string_view> kv_keys(const KvListAnswer& list, std::string_view prefix, std::string_view separator);

/// A piece of a listing, for prefixes with more keys than one wants at once.
struct KvPageQuery {
  std::string_view prefix{};
  std::string_view separator{};  // as of kv_keys(); the keys of the answer's entries are cut then
  std::string_view after{};      // begins behind this key, or cut key
  std::size_t limit{};           // at most so many
};
struct KvPage : KvListAnswer {
  bool more = false;  // there are further ones behind the last
};
/// Its index is of the rows that it walked and of the prefix's tombstones: what happens on other pages wakes nobody who
/// waits for this one.
KvPage kv_page(const Tables& tables, const KvPageQuery& query, base::KeySet* watch);

/// The index of the whole table, deletions included.
std::uint64_t kv_table_index(const Tables& tables);

// ---- commands ----

/// Applies command 2: the answer of cas, delete-cas, lock and unlock, nothing for the others.
base::Result<std::optional<bool>> kv_apply(Transaction& transaction, KVSRequest& request);
/// Applies command 5.
base::Result<> tombstone_apply(Transaction& transaction, const TombstoneRequest& request);

// The single operations; transactions use them too. An entry that comes back carries the indexes that it was stored
// with.
/// Keeps the holder of the lock. An entry that changes nothing is not written and keeps its ModifyIndex.
void kv_set(Transaction& transaction, DirEntry& entry);
bool kv_set_cas(Transaction& transaction, DirEntry& entry);
void kv_delete(Transaction& transaction, std::string_view key);
bool kv_delete_cas(Transaction& transaction, std::string_view key, std::uint64_t expected);
void kv_delete_tree(Transaction& transaction, std::string_view prefix);
/// False if another session holds the lock; an error if there is no such session.
base::Result<bool> kv_lock(Transaction& transaction, DirEntry& entry);
/// False if the entry's session does not hold the lock.
base::Result<bool> kv_unlock(Transaction& transaction, DirEntry& entry);
/// The row must exist and have this session or this ModifyIndex.
base::Result<const KvRow*> kv_check_session(const Tables& tables, std::string_view key, std::string_view session);
base::Result<const KvRow*> kv_check_index(const Tables& tables, std::string_view key, std::uint64_t expected);

/// What becomes of the keys a session holds when it ends.
void kv_release_all(Transaction& transaction, std::string_view session, base::Duration lock_delay);
void kv_delete_all(Transaction& transaction, std::string_view session, base::Duration lock_delay);

/// A row or tombstone of a snapshot, as it was.
void kv_restore(Transaction& transaction, const DirEntry& entry);
void tombstone_restore(Transaction& transaction, std::string_view key, std::uint64_t index);

}  // namespace proconsul::catalog
