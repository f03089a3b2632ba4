#include "catalog/store/changes.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

namespace {

using Kind = Change::Kind;

// Of one command. Each thing is mentioned once, as it is when the command is over.
class Capture {
 public:
  Capture(const Tables& tables, std::uint64_t index, std::vector<Change>& changes)
      : tables_(tables), index_(index), changes_(changes), own_(index_key({peer_part({})})) {}

  void run(const base::KeySet& touched, std::size_t first) {
    std::size_t keys = 0;  // of the KV store
    bool catalog = false;
    for (std::size_t i = first; i < touched.size(); ++i) {
      const auto [topic, key] = item(touched, i);
      if (topic == Topic::kv) ++keys;
      catalog |= topic == Topic::service || topic == Topic::node || topic == Topic::check || topic == Topic::connect ||
                 topic == Topic::kind_name;
      // What is registered is more than what only became healthier, and comes in the same command.
      if (topic == Topic::service && is_own(key)) instances_.emplace(key);
    }
    // By far most commands: nothing can be mentioned twice.
    remember_seen_ = keys > 1 || catalog;
    for (std::size_t i = first; i < touched.size(); ++i) {
      const auto [topic, key] = item(touched, i);
      if (topic == Topic::kv) {
        touched.is_prefix(i) ? tree(key) : kv(key);
      } else if (topic == Topic::service && is_own(key)) {
        instance(key, Kind::instance);
      } else if (topic == Topic::node && is_own(key)) {
        node(key);
      } else if (topic == Topic::check && is_own(key)) {
        const Item next = i + 1 < touched.size() ? item(touched, i + 1) : Item{Topic::index, {}};
        check(key, next.topic == Topic::service_check ? next.key : std::string_view());
      } else if (topic == Topic::connect && is_own(key)) {
        connect(key);
      } else if (topic == Topic::kind_name && is_new(Kind::kind_name, key)) {
        add(Kind::kind_name, key).removed = !tables_.kind_service_names.contains(key);
      }
    }
  }

 private:
  struct Item {
    Topic topic;
    std::string_view key;
  };
  static Item item(const base::KeySet& touched, std::size_t i) {
    const std::string_view bytes = touched.bytes(i);
    if (bytes.empty()) return {Topic::index, {}};
    return {static_cast<Topic>(bytes[0]), bytes.substr(1)};
  }
  bool is_own(std::string_view key) const { return key.starts_with(own_); }

  bool is_new(Kind kind, std::string_view key) {
    return !remember_seen_ || seen_.insert(std::string(1, static_cast<char>(kind)).append(key)).second;
  }
  Change& add(Kind kind, std::string_view key) {
    Change& change = changes_.emplace_back();
    change.kind = kind;
    change.index = index_;
    change.number = ++number_;
    change.key = key;
    return change;
  }

  void kv(std::string_view key) {
    if (!is_new(Kind::kv, key)) return;
    Change& change = add(Kind::kv, key);
    change.kv = tables_.kv.share(key);
    change.removed = !change.kv;
  }
  void tree(std::string_view prefix) {
    add(Kind::kv_tree, prefix).removed = true;
    // What the same command puts back is mentioned once more, behind this.
    std::erase_if(seen_, [&](std::string_view seen) {
      return static_cast<Kind>(seen[0]) == Kind::kv && seen.substr(1).starts_with(prefix);
    });
  }

  // Who is found under the name gets a change of its own, as an instance.
  void connect(std::string_view key) {
    if (tables_.connect_instances.contains(key) || !is_new(Kind::connect, key)) return;
    add(Kind::connect, key).removed = true;
  }

  void node(std::string_view key) {
    if (!is_new(Kind::node, key)) return;
    Change& change = add(Kind::node, key);
    change.node = tables_.nodes.share(key);
    change.removed = !change.node;
    health_of_node(key);
  }

  // The checks of the whole node count for all that is on it.
  void health_of_node(std::string_view node_key) {
    for (const auto [key, row] : tables_.services.prefix(node_key)) health_of(*row);
  }
  void health_of(const ServiceRow& row) {
    const StoredService service = row.get();
    const std::string key = index_key({peer_part({}), service.Service, service.Node, service.ID});
    if (!instances_.contains(key)) instance(key, Kind::health);
  }

  // The first parts of an index key.
  static std::string_view parts(std::string_view key, int count) {
    std::size_t end = 0;
    for (; count > 0; --count) {
      end = key.find('\0', end);
      if (end == key.npos) return key;
      ++end;
    }
    return key.substr(0, end);
  }

  // The check's row says whose it is. When it is gone, its place among the checks of a service does: by name.
  void check(std::string_view key, std::string_view service_key) {
    const CheckRow* row = tables_.checks.get(key);
    if (!row && !service_key.empty()) {
      for (const auto [instance_key, instance_row] : tables_.instances.prefix(parts(service_key, 3))) {
        if (!instances_.contains(std::string(instance_key))) instance(instance_key, Kind::health);
      }
      return;
    }
    const HealthCheck check = row ? row->get() : HealthCheck{};
    if (check.ServiceID.empty()) return health_of_node(parts(key, 2));
    if (const ServiceRow* service = find_service(tables_, check.Node, check.ServiceID)) health_of(*service);
  }

  void instance(std::string_view key, Kind kind) {
    if (!is_new(Kind::instance, key)) return;
    Change& change = add(kind, key);
    const InstanceRow* row = tables_.instances.get(key);
    change.removed = row == nullptr;
    if (!row) return;
    change.service = row->share_service();
    const StoredService service = change.service->get();
    change.node = tables_.nodes.share(index_key({peer_part({}), service.Node}));
    for (const std::string_view id : {std::string_view(), std::string_view(service.ID)}) {
      for (const auto [check_key, check] :
           tables_.checks_by_instance.prefix(index_key({peer_part({}), service.Node, id}))) {
        change.checks.push_back(base::Ref<const CheckRow>::share(check));
      }
      if (service.ID.empty()) break;
    }
  }

  const Tables& tables_;
  const std::uint64_t index_;
  std::vector<Change>& changes_;
  const std::string own_;  // how the keys of our own nodes and services begin
  std::uint32_t number_ = 0;
  bool remember_seen_ = true;
  std::unordered_set<std::string> instances_{};
  std::unordered_set<std::string> seen_{};
};

// Who was found under the name: registered by one of these commands, or before them all.
void complete_connect(const Tables& before, const std::vector<Change>& changes, Change& gone) {
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    if (change->kind != Kind::instance || change->removed || change->index >= gone.index) continue;
    const StoredService service = change->service->get();
    if (index_key({peer_part({}), connect_name(service), service.Node, service.ID}) != gone.key) continue;
    gone.service = change->service;
    return;
  }
  if (const InstanceRow* row = before.connect_instances.get(gone.key)) gone.service = row->share_service();
}

}  // namespace

std::size_t Change::bytes() const {
  std::size_t size = sizeof(Change) + key.size();
  if (kv) size += sizeof(KvRow) + kv->value().size() + kv->session().size();
  if (node) size += node->packed().size();
  if (service) size += service->packed().size();
  for (const auto& check : checks) size += sizeof(check) + check->packed().size();
  return size;
}

void capture_changes(const Tables& tables, const base::KeySet& touched, std::size_t first, std::uint64_t index,
                     std::vector<Change>& changes) {
  if (first < touched.size()) Capture(tables, index, changes).run(touched, first);
}

void complete_removals(const Tables& before, std::vector<Change>& changes) {
  const auto named = [](const Change& change) {
    return change.kind != Kind::kv && change.kind != Kind::kv_tree && change.kind != Kind::kind_name;
  };
  if (std::ranges::none_of(changes, [&](const Change& change) { return change.removed && named(change); })) return;
  // Keys of nodes have fewer parts than those of instances: one map serves both.
  std::unordered_map<std::string_view, const Change*> latest;
  for (Change& change : changes) {
    if (!named(change)) continue;
    if (change.kind == Kind::connect) {
      complete_connect(before, changes, change);
      continue;
    }
    const Change*& last = latest.try_emplace(change.key).first->second;
    if (change.removed && last) {
      if (!last->removed) {
        change.node = last->node;
        change.service = last->service;
      }
    } else if (change.removed && change.kind == Kind::node) {
      change.node = before.nodes.share(change.key);
    } else if (const InstanceRow* row = change.removed ? before.instances.get(change.key) : nullptr) {
      change.service = row->share_service();
    }
    last = &change;
  }
  std::erase_if(changes, [&](const Change& change) {
    return change.removed && named(change) && !change.node && !change.service;
  });
}

void ChangeLog::append(std::vector<Change> changes, std::uint64_t last_index) {
  auto batch = std::make_shared<Batch>();
  for (const Change& change : changes) batch->bytes += change.bytes();
  batch->changes = std::move(changes);
  batch->last_index = last_index;
  std::vector<std::shared_ptr<const Batch>> dropped;  // destroyed when the lock is no longer held
  const std::lock_guard lock(mutex_);
  before_last_ = std::exchange(last_, last_index);
  if (batch->changes.empty()) return;
  bytes_ += batch->bytes;
  batches_.push_back(std::move(batch));
  while (bytes_ > max_bytes_) {
    oldest_ = batches_.front()->last_index;
    bytes_ -= batches_.front()->bytes;
    dropped.push_back(std::move(batches_.front()));
    batches_.pop_front();
  }
}

void ChangeLog::restart(std::uint64_t index) {
  std::deque<std::shared_ptr<const Batch>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(batches_);
  bytes_ = 0;
  last_ = oldest_ = index;
  before_last_ = 0;
}

bool ChangeLog::select(const Position& position, std::vector<std::shared_ptr<const Batch>>& batches,
                       std::uint64_t& last) const {
  const std::lock_guard lock(mutex_);
  if (position < Position{oldest_}) return false;
  last = last_;
  // Within a batch of several commands the position may be anywhere.
  const auto from =
      std::ranges::lower_bound(batches_, position.index, {}, [](const auto& batch) { return batch->last_index; });
  constexpr std::ptrdiff_t kAtOnce = 64;
  const bool all = batches_.end() - from <= kAtOnce;
  batches.assign(from, all ? batches_.end() : from + kAtOnce);
  if (!all) last = batches.back()->last_index;
  return true;
}

std::uint64_t ChangeLog::last_index() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::uint64_t ChangeLog::index_before_last_append() const {
  const std::lock_guard lock(mutex_);
  return before_last_;
}

std::uint64_t ChangeLog::oldest() const {
  const std::lock_guard lock(mutex_);
  return oldest_;
}

}  // namespace proconsul::catalog
