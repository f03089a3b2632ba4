// The multi-version store: one writer builds the next version privately and publishes it; readers keep any version.
//
//   View        an immutable version of the whole state. Any thread takes the newest with one load and keeps it at
//   will. Transaction the next version, on the FSM thread: commands change it; nothing is visible until
//   Store::commit(). Store       the newest version and the watches.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ref.h"
#include "base/result.h"
#include "base/time.h"
#include "base/watch.h"
#include "catalog/store/changes.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

/// What a watch key is about; its first byte. Queries register on these, transactions report them.
enum class Topic : char {
  index = 'i',         // the name of a table index, in lower case: reported by every set_index()
  kv = 'k',            // a key
  session = 's',       // index_key({ID})
  node_session = 'S',  // index_key({Node, ID})
  query = 'q',         // the 16 bytes of the UUID
  acl_token = 't',     // index_key({accessor})
  acl_policy = 'p',    // index_key({ID})
  acl_role = 'l',      // index_key({ID})
  // The keys of the tables named (tables.h); all but the last three begin with the peer, "~" for our own.
  node = 'n',           // nodes
  node_service = 'o',   // services
  service = 'v',        // instances
  connect = 'm',        // connect_instances
  check = 'c',          // checks
  service_check = 'd',  // checks_by_service
  check_status = 'e',   // checks_by_status, passing ones included
  coordinate = 'r',     // coordinates
  system = 'y',         // system_metadata
  config_entry = 'g',   // config_entries
  kind_name = 'w',      // kind_service_names: a name that comes or goes; begins with the kind
};

class View : public base::RefCounted {
 public:
  View(Tables tables, std::uint64_t applied_index) : tables_(std::move(tables)), applied_index_(applied_index) {}
  const Tables& tables() const { return tables_; }
  /// Of the last log entry that went into this version.
  std::uint64_t applied_index() const { return applied_index_; }

 private:
  const Tables tables_;
  const std::uint64_t applied_index_;
};
using ViewPtr = base::Ref<const View>;

/// What the state machine cannot do itself, because it has no clock: the leader's driver does.
struct Effects {
  struct LockDelay {
    std::string key;
    base::Duration delay;
  };
  std::vector<LockDelay> lock_delays{};  // from now on nobody may lock these keys for so long
  std::uint64_t tombstone_index{};       // not 0: there are tombstones of this index to be reaped some day
};

/// Belongs to the FSM thread. A command either changes nothing and returns an error, or changes what it says; one that
/// may fail half-way runs inside atomically().
class Transaction {
 public:
  explicit Transaction(Tables tables) : tables_(std::move(tables)) {}

  /// The raft index of the command that is being applied.
  std::uint64_t index() const { return index_; }
  void begin_command(std::uint64_t raft_index) {
    capture();
    index_ = raft_index;
    operation_.clear();
  }
  /// What the command does in particular ("set", "upsert"), for whoever measures commands.
  std::string_view operation() const { return operation_; }
  void note_operation(std::string_view operation) { operation_ = operation; }

  const Tables& tables() const { return tables_; }
  Tables& tables() { return tables_; }
  Effects& effects() { return effects_; }

  /// Tells the watchers, once committed.
  void touch(Topic topic, std::string_view key) { changed_.add_key(tag(topic), key); }
  void touch_below(Topic topic, std::string_view prefix) { changed_.add_prefix(tag(topic), prefix); }
  /// Sets a table's index (any letter case) to the command's and touches it.
  void set_index(std::string_view name) { set_index(name, index_); }
  void set_index(std::string_view name, std::uint64_t value);
  /// For restores: an index only grows.
  void raise_index(std::string_view name, std::uint64_t value);
  /// The thing is gone, and its index with it.
  void erase_index(std::string_view name);

  /// Runs a command that changes nothing unless it succeeds: on an error everything it did is undone.
  /// `command` returns a Result.
  template <class Command>
  auto atomically(Command command) {
    Savepoint savepoint{tables_, changed_.size(), effects_.lock_delays.size(), effects_.tombstone_index};
    auto result = command();
    if (!result) roll_back(std::move(savepoint));
    return result;
  }

  static std::string_view tag(const Topic& topic) { return {reinterpret_cast<const char*>(&topic), 1}; }

 private:
  friend class Store;
  struct Savepoint {
    Tables tables;
    std::size_t changes;
    std::size_t lock_delays;
    std::uint64_t tombstone_index;
  };
  void roll_back(Savepoint savepoint);
  /// The command is over: takes down what it changed.
  void capture();

  Tables tables_;
  std::uint64_t index_ = 0;
  std::string operation_{};
  base::KeySet changed_{};
  std::size_t captured_ = 0;       // how many of `changed_` were taken down
  std::vector<Change> changes_{};  // of all commands since the last commit
  Effects effects_{};
};

/// Adds what a query depends on; a null set is for callers who do not wait.
inline void watch_key(base::KeySet* watch, Topic topic, std::string_view key) {
  if (watch) watch->add_key(Transaction::tag(topic), key);
}
inline void watch_below(base::KeySet* watch, Topic topic, std::string_view prefix) {
  if (watch) watch->add_prefix(Transaction::tag(topic), prefix);
}

class Store {
 public:
  Store();
  /// The newest version. Any thread; never waits.
  ViewPtr view() const { return current_.load(); }
  base::WatchRegistry& watches() { return watches_; }
  /// The last changes; grows after the version is published and before the watches fire. Any thread.
  const ChangeLog& changes() const { return changes_; }

  // The FSM thread only.
  /// The version being built. It goes on after a commit: there is one for the store's life.
  Transaction& writer() { return writer_; }
  /// Publishes what the writer holds, wakes who watches it, and hands out the effects. Several commands may be
  /// published by one commit.
  Effects commit();
  /// Publishes another state in place of this one (a restored snapshot), and wakes everybody.
  void replace(Tables tables, std::uint64_t applied_index);

 private:
  Transaction writer_;
  base::AtomicRef<const View> current_;
  ChangeLog changes_{};
  base::WatchRegistry watches_{};
};

}  // namespace proconsul::catalog
