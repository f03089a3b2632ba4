#include "catalog/store/kv.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::quote;
using base::Result;

constexpr std::string_view kKvs = "kvs";
constexpr std::string_view kTombstones = "tombstones";

std::string session_prefix(std::string_view session) {
  return index_key({session});
}
std::string session_key(std::string_view session, std::string_view key) {
  return session_prefix(session).append(key);
}

// Puts the row into both trees and wakes the watchers of the key.
void put(Transaction& transaction, std::string_view key, const KvRow* existing, base::Ref<const KvRow> row) {
  Tables& tables = transaction.tables();
  const bool moves = existing && !existing->session().empty() && existing->session() != row->session();
  if (moves) tables.kv_by_session.erase(session_key(existing->session(), key));
  if (!row->session().empty()) tables.kv_by_session.insert(session_key(row->session(), key), row);
  tables.kv.insert(key, std::move(row));
  transaction.touch(Topic::kv, key);
}

void bury(Transaction& transaction, std::string_view key) {
  transaction.tables().tombstones.set(key, transaction.index());
  transaction.set_index(kTombstones);
  transaction.effects().tombstone_index = transaction.index();
}

// Stores the entry as it is, but for the indexes.
void store(Transaction& transaction, DirEntry& entry, const KvRow* existing) {
  entry.CreateIndex = existing ? existing->create_index() : transaction.index();
  if (existing && existing->same_content(entry)) {
    entry.ModifyIndex = existing->modify_index();
    return;
  }
  entry.ModifyIndex = transaction.index();
  put(transaction, entry.Key, existing, KvRow::make(entry));
  transaction.set_index(kKvs);
}

// Keys, not rows: what is done to them changes the trees.
std::vector<std::string> keys_of_session(const Tables& tables, std::string_view session) {
  const std::string prefix = session_prefix(session);
  std::vector<std::string> keys;
  for (auto [key, row] : tables.kv_by_session.prefix(prefix)) keys.emplace_back(key.substr(prefix.size()));
  return keys;
}

void delay_lock(Transaction& transaction, std::string key, base::Duration delay) {
  if (delay.nanoseconds > 0) transaction.effects().lock_delays.push_back({std::move(key), delay});
}

}  // namespace

std::uint64_t kv_table_index(const Tables& tables) {
  return tables.index_of({kKvs, kTombstones});
}

KvGetAnswer kv_get(const Tables& tables, std::string_view key, base::KeySet* watch) {
  watch_key(watch, Topic::kv, key);
  const KvRow* row = tables.kv.get(key);
  return {row ? row->modify_index() : kv_table_index(tables), row};
}

namespace {

// The index of a listing whose rows have this highest one.
std::uint64_t list_index(const Tables& tables, std::string_view prefix, std::uint64_t highest) {
  if (prefix.empty()) return kv_table_index(tables);
  // A deletion leaves no row behind, yet who waits for this prefix must see an index that grew.
  tables.tombstones.each(prefix, [&](std::string_view, std::uint64_t index) { highest = std::max(highest, index); });
  return highest > 0 ? highest : kv_table_index(tables);
}

std::string_view cut(std::string_view key, std::string_view prefix, std::string_view separator) {
  if (separator.empty()) return key;
  const auto at = key.find(separator, prefix.size());
  return at == std::string_view::npos ? key : key.substr(0, at + separator.size());
}

}  // namespace

KvListAnswer kv_list(const Tables& tables, std::string_view prefix, base::KeySet* watch) {
  watch_below(watch, Topic::kv, prefix);
  KvListAnswer answer;
  for (auto entry : tables.kv.prefix(prefix)) {
    answer.index = std::max(answer.index, entry.row->modify_index());
    answer.entries.push_back(entry);
  }
  answer.index = list_index(tables, prefix, answer.index);
  return answer;
}

KvPage kv_page(const Tables& tables, const KvPageQuery& query, base::KeySet* watch) {
  watch_below(watch, Topic::kv, query.prefix);
  KvPage page;
  for (auto at = tables.kv.lower_bound(std::max(query.prefix, query.after)); at; at.next()) {
    if (!at.key().starts_with(query.prefix)) break;
    const std::string_view name = cut(at.key(), query.prefix, query.separator);
    if (!query.after.empty() && name <= query.after) continue;
    const bool again = !page.entries.empty() && page.entries.back().key == name;
    if (!again && page.entries.size() == query.limit) {
      page.more = true;
      break;
    }
    page.index = std::max(page.index, at.row()->modify_index());
    if (!again) page.entries.push_back({name, at.row()});
  }
  page.index = list_index(tables, query.prefix, page.index);
  return page;
}

std::vector<std::string_view> kv_keys(const KvListAnswer& list, std::string_view prefix, std::string_view separator) {
  std::vector<std::string_view> keys;
  for (const auto& [key, row] : list.entries) {
    // Whatever sorts between two keys that are cut to the same name begins with it too, and is cut the same way.
    const std::string_view name = cut(key, prefix, separator);
    if (!separator.empty() && !keys.empty() && keys.back() == name) continue;
    keys.push_back(name);
  }
  return keys;
}

void kv_set(Transaction& transaction, DirEntry& entry) {
  const KvRow* existing = transaction.tables().kv.get(entry.Key);
  entry.Session = existing ? existing->session() : std::string_view();
  store(transaction, entry, existing);
}

bool kv_set_cas(Transaction& transaction, DirEntry& entry) {
  const KvRow* existing = transaction.tables().kv.get(entry.Key);
  if (entry.ModifyIndex != (existing ? existing->modify_index() : 0)) return false;
  kv_set(transaction, entry);
  return true;
}

void kv_delete(Transaction& transaction, std::string_view key) {
  Tables& tables = transaction.tables();
  const KvRow* existing = tables.kv.get(key);
  if (!existing) return;
  bury(transaction, key);
  if (!existing->session().empty()) tables.kv_by_session.erase(session_key(existing->session(), key));
  tables.kv.erase(key);
  transaction.touch(Topic::kv, key);
  transaction.set_index(kKvs);
}

bool kv_delete_cas(Transaction& transaction, std::string_view key, std::uint64_t expected) {
  const KvRow* existing = transaction.tables().kv.get(key);
  if (!existing) return true;
  if (existing->modify_index() != expected) return false;
  kv_delete(transaction, key);
  return true;
}

void kv_delete_tree(Transaction& transaction, std::string_view prefix) {
  Tables& tables = transaction.tables();
  std::vector<std::string> locked;
  for (auto [key, row] : tables.kv.prefix(prefix)) {
    if (!row->session().empty()) locked.push_back(session_key(row->session(), key));
  }
  if (tables.kv.erase_prefix(prefix) == 0) return;
  for (const auto& key : locked) tables.kv_by_session.erase(key);
  // One tombstone for all of it. When everything goes, the index of the table says so.
  if (!prefix.empty()) bury(transaction, prefix);
  transaction.touch_below(Topic::kv, prefix);
  transaction.set_index(kKvs);
}

Result<bool> kv_lock(Transaction& transaction, DirEntry& entry) {
  if (entry.Session.empty()) return {Errc::internal, "missing session"};
  if (!transaction.tables().sessions.contains(index_key({entry.Session}))) {
    return {Errc::internal, "invalid session " + quote(entry.Session)};
  }
  const KvRow* existing = transaction.tables().kv.get(entry.Key);
  if (!existing) {
    entry.LockIndex = 1;
  } else if (existing->session() == entry.Session) {
    entry.LockIndex = existing->lock_index();  // held already
  } else if (!existing->session().empty()) {
    return false;
  } else {
    entry.LockIndex = existing->lock_index() + 1;
  }
  store(transaction, entry, existing);
  return true;
}

Result<bool> kv_unlock(Transaction& transaction, DirEntry& entry) {
  if (entry.Session.empty()) return {Errc::internal, "missing session"};
  const KvRow* existing = transaction.tables().kv.get(entry.Key);
  if (!existing || existing->session() != entry.Session) return false;
  entry.Session.clear();
  entry.LockIndex = existing->lock_index();
  store(transaction, entry, existing);
  return true;
}

Result<const KvRow*> kv_check_session(const Tables& tables, std::string_view key, std::string_view session) {
  const KvRow* row = tables.kv.get(key);
  if (!row) return {Errc::internal, "failed to check session, key " + quote(key) + " doesn't exist"};
  if (row->session() != session) {
    return {Errc::internal, "failed session check for key " + quote(key) + ", current session " +
                                quote(row->session()) + " != " + quote(session)};
  }
  return row;
}

Result<const KvRow*> kv_check_index(const Tables& tables, std::string_view key, std::uint64_t expected) {
  const KvRow* row = tables.kv.get(key);
  if (!row) return {Errc::internal, "failed to check index, key " + quote(key) + " doesn't exist"};
  if (row->modify_index() != expected) {
    return {Errc::internal, "failed index check for key " + quote(key) + ", current modify index " +
                                std::to_string(row->modify_index()) + " != " + std::to_string(expected)};
  }
  return row;
}

void kv_release_all(Transaction& transaction, std::string_view session, base::Duration lock_delay) {
  for (auto& key : keys_of_session(transaction.tables(), session)) {
    const KvRow* existing = transaction.tables().kv.get(key);
    DirEntry entry = existing->entry(key);
    entry.Session.clear();
    store(transaction, entry, existing);
    delay_lock(transaction, std::move(key), lock_delay);
  }
}

void kv_delete_all(Transaction& transaction, std::string_view session, base::Duration lock_delay) {
  for (auto& key : keys_of_session(transaction.tables(), session)) {
    kv_delete(transaction, key);
    delay_lock(transaction, std::move(key), lock_delay);
  }
}

void kv_restore(Transaction& transaction, const DirEntry& entry) {
  put(transaction, entry.Key, transaction.tables().kv.get(entry.Key), KvRow::make(entry));
  transaction.raise_index(kKvs, entry.ModifyIndex);
}

void tombstone_restore(Transaction& transaction, std::string_view key, std::uint64_t index) {
  transaction.tables().tombstones.set(key, index);
  transaction.raise_index(kTombstones, index);
}

Result<std::optional<bool>> kv_apply(Transaction& transaction, KVSRequest& request) {
  const auto flagged = [](Result<bool> result) -> Result<std::optional<bool>> {
    if (!result) return std::move(result).error();
    return std::optional(*result);
  };
  DirEntry& entry = request.DirEnt;
  if (request.Op == "set") return kv_set(transaction, entry), std::nullopt;
  if (request.Op == "delete") return kv_delete(transaction, entry.Key), std::nullopt;
  if (request.Op == "delete-cas") return kv_delete_cas(transaction, entry.Key, entry.ModifyIndex);
  if (request.Op == "delete-tree") return kv_delete_tree(transaction, entry.Key), std::nullopt;
  if (request.Op == "cas") return kv_set_cas(transaction, entry);
  if (request.Op == "lock") return flagged(kv_lock(transaction, entry));
  if (request.Op == "unlock") return flagged(kv_unlock(transaction, entry));
  return {Errc::internal, "Invalid KVS operation '" + request.Op + "'"};
}

Result<> tombstone_apply(Transaction& transaction, const TombstoneRequest& request) {
  if (request.Op != "reap") return {Errc::internal, "Invalid Tombstone operation '" + request.Op + "'"};
  Tables& tables = transaction.tables();
  std::vector<std::string> ripe;
  tables.tombstones.each("", [&](std::string_view key, std::uint64_t index) {
    if (index <= request.ReapIndex) ripe.emplace_back(key);
  });
  for (const auto& key : ripe) tables.tombstones.erase(key);
  return {};
}

}  // namespace proconsul::catalog
