#include "catalog/store/txn.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/register.h"
#include "catalog/registry/validate.h"
#include "catalog/store/kv.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {
namespace {

using base::Errc;
using base::quote;
using base::Result;

using Results = std::vector<TxnResult>;
// What one operation gives back, or why it failed.
using Outcome = Result<Results>;

Outcome failure(std::string what) {
  return {Errc::internal, std::move(what)};
}
Outcome nothing() {
  return Results{};
}
Outcome one(DirEntry entry) {
  Results results(1);
  results[0].KV = std::move(entry);
  return results;
}
Outcome one(Node node) {
  Results results(1);
  results[0].Node = std::move(node);
  return results;
}
Outcome one(NodeService service) {
  Results results(1);
  results[0].Service = std::move(service);
  return results;
}
Outcome one(HealthCheck check) {
  Results results(1);
  results[0].Check = std::move(check);
  return results;
}

DirEntry without_value(DirEntry entry) {
  entry.Value = base::Bytes();
  return entry;
}

// ---- keys ----

// Nothing if the verb does not read.
std::optional<Outcome> read(const Tables& tables, const TxnKVOp& op) {
  const DirEntry& entry = op.DirEnt;
  const KvRow* row = tables.kv.get(entry.Key);
  if (op.Verb == "get") {
    return row ? one(row->entry(entry.Key)) : failure("key " + quote(entry.Key) + " doesn't exist");
  }
  if (op.Verb == "get-or-empty") return one(row ? row->entry(entry.Key) : without_value(entry));
  if (op.Verb == "get-tree") {
    Results results;
    for (auto [key, found] : tables.kv.prefix(entry.Key)) results.emplace_back().KV = found->entry(key);
    return results;
  }
  if (op.Verb == "check-session") {
    const auto checked = kv_check_session(tables, entry.Key, entry.Session);
    return checked ? one((*checked)->entry_without_value(entry.Key)) : Outcome(checked.error());
  }
  if (op.Verb == "check-index") {
    const auto checked = kv_check_index(tables, entry.Key, entry.ModifyIndex);
    return checked ? one((*checked)->entry_without_value(entry.Key)) : Outcome(checked.error());
  }
  if (op.Verb == "check-not-exists") return row ? failure("key " + quote(entry.Key) + " exists") : nothing();
  return std::nullopt;
}

Outcome write(Transaction& transaction, const TxnKVOp& op) {
  DirEntry entry = op.DirEnt;
  const auto answer = [&](const Result<bool>& done, std::string_view action, std::string_view why) -> Outcome {
    if (!done) return done.error();
    if (!*done)
      return failure(std::string("failed to ").append(action) + " key " + quote(entry.Key) + ", " + why.data());
    return one(without_value(std::move(entry)));
  };
  if (op.Verb == "set") return kv_set(transaction, entry), one(without_value(std::move(entry)));
  if (op.Verb == "cas") return answer(kv_set_cas(transaction, entry), "set", "index is stale");
  if (op.Verb == "lock") return answer(kv_lock(transaction, entry), "lock", "lock is already held");
  if (op.Verb == "unlock") {
    return answer(kv_unlock(transaction, entry), "unlock", "lock isn't held, or is held by another session");
  }
  if (op.Verb == "delete") return kv_delete(transaction, entry.Key), nothing();
  if (op.Verb == "delete-tree") return kv_delete_tree(transaction, entry.Key), nothing();
  if (op.Verb == "delete-cas") {
    if (kv_delete_cas(transaction, entry.Key, entry.ModifyIndex)) return nothing();
    return failure("failed to delete key " + quote(entry.Key) + ", index is stale");
  }
  return failure("unknown KV verb " + quote(op.Verb));
}

// ---- nodes, services, checks ----

// Index 0 expects that there is nothing yet.
template <class Row>
bool index_matches(const Row* existing, std::uint64_t expected) {
  return expected == (existing ? existing->get().ModifyIndex : 0);
}
template <class Row>
bool may_delete(const Row* existing, std::uint64_t expected) {
  return existing && existing->get().ModifyIndex == expected;
}

Result<const NodeRow*> find(const Tables& tables, const Node& node) {
  if (node.ID.empty()) return find_node(tables, node.Node, node.PeerName);
  return find_node_by_id(tables, node.ID, node.PeerName);
}

std::optional<Outcome> read(const Tables& tables, const TxnNodeOp& op) {
  if (op.Verb != "get") return std::nullopt;
  const auto found = find(tables, op.Node);
  if (!found) return found.error();
  return *found ? one((*found)->get()) : failure("node " + quote(op.Node.Node) + " doesn't exist");
}

Outcome write(Transaction& transaction, const TxnNodeOp& op) {
  const Node& node = op.Node;
  const auto stored = [&]() -> Outcome {
    const auto found = find(transaction.tables(), node);
    if (!found) return found.error();
    return *found ? one((*found)->get()) : nothing();
  };
  const NodeRow* existing = find_node(transaction.tables(), node.Node, node.PeerName);
  const bool cas = op.Verb == "cas";
  if (cas && !index_matches(existing, node.ModifyIndex)) {
    return failure("failed to set node " + quote(node.Node) + ", index is stale");
  }
  if (cas || op.Verb == "set") {
    // Consul forgets the error of a "cas", here and with checks: the operation then gives back what is stored, if
    // anything. Servers that apply one log must agree on what it does, so ours forgets it too.
    const auto ensured = ensure_node(transaction, node, Indexes::assign);
    return ensured || cas ? stored() : Outcome(ensured.error());
  }
  const bool delete_cas = op.Verb == "delete-cas";
  if (delete_cas && !may_delete(existing, node.ModifyIndex)) {
    return failure("failed to delete node " + quote(node.Node) + ", index is stale");
  }
  if (delete_cas || op.Verb == "delete") {
    const auto deleted = delete_node(transaction, node.Node, node.PeerName);
    return deleted ? nothing() : Outcome(deleted.error());
  }
  return failure("unknown Node verb " + quote(op.Verb));
}

std::string name(const TxnServiceOp& op) {
  return "service " + quote(op.Service.ID) + " on node " + quote(op.Node);
}
std::string name(const TxnCheckOp& op) {
  return "check " + quote(op.Check.CheckID) + " on node " + quote(op.Check.Node);
}

std::optional<Outcome> read(const Tables& tables, const TxnServiceOp& op) {
  if (op.Verb != "get") return std::nullopt;
  const ServiceRow* row = find_service(tables, op.Node, op.Service.ID, op.Service.PeerName);
  return row ? one(NodeService(row->get())) : failure(name(op) + " doesn't exist");
}

Outcome write(Transaction& transaction, const TxnServiceOp& op) {
  const NodeService& service = op.Service;
  const auto find = [&] { return find_service(transaction.tables(), op.Node, service.ID, service.PeerName); };
  const ServiceRow* existing = find();
  const bool cas = op.Verb == "cas";
  if (cas && !index_matches(existing, service.ModifyIndex)) {
    return failure("failed to set " + name(op) + ", index is stale");
  }
  if (cas || op.Verb == "set") {
    if (auto ensured = ensure_service(transaction, op.Node, service, Indexes::assign); !ensured) return ensured.error();
    const ServiceRow* row = find();
    return row ? one(NodeService(row->get())) : nothing();
  }
  const bool delete_cas = op.Verb == "delete-cas";
  if (delete_cas && !may_delete(existing, service.ModifyIndex)) {
    return failure("failed to delete " + name(op) + ", index is stale");
  }
  if (delete_cas || op.Verb == "delete") {
    const auto deleted = delete_service(transaction, op.Node, service.ID, service.PeerName);
    return deleted ? nothing() : Outcome(deleted.error());
  }
  return failure("unknown Service verb " + quote(op.Verb));
}

// A check is looked up by node and ID; without one of them Consul's index says this, behind what was tried.
const std::string kNoCheckKey = "index error: object is missing a value for this index";
bool has_key(const HealthCheck& check) {
  return !check.Node.empty() && !check.CheckID.empty();
}

std::optional<Outcome> read(const Tables& tables, const TxnCheckOp& op) {
  if (op.Verb != "get") return std::nullopt;
  if (!has_key(op.Check)) return failure("failed check lookup: " + kNoCheckKey);
  const CheckRow* row = find_check(tables, op.Check.Node, op.Check.CheckID, op.Check.PeerName);
  return row ? one(row->get()) : failure(name(op) + " doesn't exist");
}

Outcome write(Transaction& transaction, const TxnCheckOp& op) {
  const HealthCheck& check = op.Check;
  if (!has_key(check)) {
    if (op.Verb == "cas") return failure("failed check lookup: " + kNoCheckKey);
    if (op.Verb == "delete") return failure("check lookup failed: " + kNoCheckKey);
    if (op.Verb == "delete-cas") return failure("check lookup failed: failed check lookup: " + kNoCheckKey);
  }
  const auto find = [&] { return find_check(transaction.tables(), check.Node, check.CheckID, check.PeerName); };
  const CheckRow* existing = find();
  const bool cas = op.Verb == "cas";
  if (cas && !index_matches(existing, check.ModifyIndex)) {
    return failure("failed to set " + name(op) + ", index is stale");
  }
  if (cas || op.Verb == "set") {
    if (auto ensured = ensure_check(transaction, check, Indexes::assign); !ensured && !cas) return ensured.error();
    const CheckRow* row = find();
    return row ? one(row->get()) : nothing();
  }
  const bool delete_cas = op.Verb == "delete-cas";
  if (delete_cas && !may_delete(existing, check.ModifyIndex)) {
    return failure("failed to delete " + name(op) + ", index is stale");
  }
  if (delete_cas || op.Verb == "delete") {
    const auto deleted = delete_check(transaction, check.Node, check.CheckID, check.PeerName);
    return deleted ? nothing() : Outcome(deleted.error());
  }
  return failure("unknown check verb " + quote(op.Verb));
}

// ---- sessions ----

std::optional<Outcome> read(const Tables&, const TxnSessionOp&) {
  return std::nullopt;
}

Outcome write(Transaction& transaction, const TxnSessionOp& op) {
  if (op.Verb != "delete") return failure("unknown session verb " + quote(op.Verb));
  const auto deleted = session_delete_row(transaction, op.Session.ID);
  return deleted ? nothing() : failure("failed to delete session: " + deleted.error().detail);
}

// ---- all of them ----

// Calls act with the one member that is set.
template <class Act>
Outcome dispatch(const TxnOp* op, Act act) {
  if (op && op->KV) return act(*op->KV);
  if (op && op->Node) return act(*op->Node);
  if (op && op->Service) return act(*op->Service);
  if (op && op->Check) return act(*op->Check);
  if (op && op->Session) return act(*op->Session);
  if (op && !op->Intention.is_nil()) {
    return failure("Legacy intention modifications are disabled after the config entry migration.");
  }
  return failure("no operation specified");
}

base::Pointer<TxnError> error_at(std::size_t index, std::string what) {
  TxnError error;
  error.OpIndex = static_cast<std::int64_t>(index);
  error.What = std::move(what);
  return error;
}

template <class Act>
TxnResponse run(const base::List<base::Pointer<TxnOp>>& ops, Act act) {
  TxnResponse response;
  response.Results.make_present();
  for (std::size_t i = 0; i < ops.size(); ++i) {
    Outcome outcome = dispatch(ops[i].get(), act);
    if (!outcome) {
      response.Errors.push_back(error_at(i, std::move(outcome).error().detail));
    } else {
      for (auto& result : *outcome) response.Results.push_back(std::move(result));
    }
  }
  if (!response.Errors.empty()) response.Results.reset();
  return response;
}

}  // namespace

TxnResponse txn_apply(Transaction& transaction, TxnRequest& request) {
  TxnResponse response;
  (void)transaction.atomically([&]() -> Result<> {
    response = run(request.Ops, [&](const auto& op) -> Outcome {
      if (auto outcome = read(transaction.tables(), op)) return *std::move(outcome);
      return write(transaction, op);
    });
    if (!response.Errors.empty()) return {Errc::conflict, "rolled back"};
    return {};
  });
  return response;
}

TxnResponse txn_read(const Tables& tables, const base::List<base::Pointer<TxnOp>>& ops) {
  return run(ops, [&](const auto& op) -> Outcome {
    if (auto outcome = read(tables, op)) return *std::move(outcome);
    return failure("cannot write in read-only transaction");
  });
}

namespace {

bool one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
  return std::ranges::find(verbs, verb) != verbs.end();
}

// What is wrong with the operation; empty if nothing is.
std::string fault_of(TxnKVOp& op, const std::function<bool(std::string_view key)>& lock_is_delayed) {
  if (op.DirEnt.Key.empty() && op.Verb != "delete-tree") return "Must provide key";
  if (!one_of(op.Verb, {"set", "delete", "delete-cas", "delete-tree", "cas", "lock", "unlock", "get", "get-or-empty",
                        "get-tree", "check-session", "check-index", "check-not-exists"})) {
    return "unknown KV operation: " + op.Verb;
  }
  if (op.Verb != "lock" || !lock_is_delayed(op.DirEnt.Key)) return {};
  return "failed to lock key " + quote(op.DirEnt.Key) + " due to lock delay";
}

std::string registry_fault(std::string_view what, const std::string& verb, const std::function<Result<>()>& prepare) {
  if (verb == "get") return {};
  if (!one_of(verb, {"set", "cas", "delete", "delete-cas"})) {
    return std::string("unknown ").append(what).append(" operation: ") + verb;
  }
  const auto prepared = prepare();
  return prepared ? std::string() : prepared.error().detail;
}

}  // namespace

base::List<base::Pointer<TxnError>> txn_check(base::List<base::Pointer<TxnOp>>& ops,
                                              const std::function<bool(std::string_view key)>& lock_is_delayed) {
  const auto fault = [&](TxnOp* op) -> std::string {
    if (op && op->KV) return fault_of(*op->KV, lock_is_delayed);
    if (op && op->Node) {
      const Node& node = op->Node->Node;
      return registry_fault("node", op->Node->Verb, [&] { return prepare_node(node.Node, node.ID); });
    }
    if (op && op->Service) {
      return registry_fault("service", op->Service->Verb, [&] { return prepare_service(op->Service->Service); });
    }
    if (op && op->Check) {
      return registry_fault("check", op->Check->Verb, [&] { return prepare_check(op->Check->Check), Result<>(); });
    }
    if (op && op->Session) {
      return op->Session->Verb == "delete" ? std::string() : "unknown session operation: " + op->Session->Verb;
    }
    return "unknown operation type";
  };
  base::List<base::Pointer<TxnError>> errors;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (std::string what = fault(ops[i].get()); !what.empty()) errors.push_back(error_at(i, std::move(what)));
  }
  return errors;
}

}  // namespace proconsul::catalog
