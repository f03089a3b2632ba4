#include "catalog/registry/register.h"

#include <algorithm>

#include "catalog/registry/indexes.h"
#include "catalog/registry/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/same.h"
#include "catalog/registry/usage.h"
#include "catalog/store/key.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

Error failure(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

Node node_of(RegisterRequest& request) {
  Node node;
  node.CreateIndex = request.CreateIndex;
  node.ModifyIndex = request.ModifyIndex;
  node.ID = std::move(request.ID);
  node.Node = request.Node;
  node.Address = std::move(request.Address);
  node.Datacenter = std::move(request.Datacenter);
  node.PeerName = request.PeerName;
  node.TaggedAddresses = std::move(request.TaggedAddresses);
  node.Meta = std::move(request.NodeMeta);
  node.Locality = std::move(request.Locality);
  return node;
}

// The service and the checks take the peer of the request; all must agree.
Result<> settle_peers(RegisterRequest& request) {
  bool agree = true;
  const auto settle = [&](std::string& peer) {
    if (peer.empty()) peer = request.PeerName;
    if (peer != request.PeerName) agree = false;
  };
  if (request.Service) settle(request.Service->PeerName);
  if (request.Check) settle(request.Check->PeerName);
  for (auto& check : request.Checks) {
    if (check) settle(check->PeerName);
  }
  if (!agree) {
    return failure("Cannot register services and checks for multiple peer names in one registration request");
  }
  return {};
}

Result<> ensure_check_of(Transaction& tx, const std::string& node, const std::string& peer, HealthCheck check,
                         Indexes indexes) {
  if (!same_letters(check.PeerName, peer)) {
    return failure("check peer name \"" + check.PeerName + "\" does not match node peer name \"" + peer + "\"");
  }
  if (!same_letters(check.Node, node)) {
    return failure("check node \"" + check.Node + "\" does not match node \"" + node + "\"");
  }
  std::string check_node = check.Node;
  if (Result<> done = ensure_check(tx, std::move(check), indexes); !done) {
    return failure("failed inserting check on node \"" + check_node + "\": " + done.error().detail);
  }
  return {};
}

Result<> ensure_registration(Transaction& tx, RegisterRequest request, Indexes indexes) {
  if (Result<> settled = settle_peers(request); !settled) return settled;
  const std::string node = request.Node;
  const std::string peer = request.PeerName;

  const NodeRow* known_node = find_node(tx.tables(), node, peer);
  if (!known_node || (!request.SkipNodeUpdate && changes_node(request, known_node->get()))) {
    if (Result<> done = ensure_node(tx, node_of(request), indexes); !done) {
      return failure("failed inserting node: " + done.error().detail);
    }
  }

  if (request.Service) {
    const ServiceRow* known = find_service(tx.tables(), node, request.Service->ID, peer);
    if (!known || !same_registration(known->get(), *request.Service)) {
      if (Result<> done = ensure_service(tx, node, std::move(*request.Service), indexes); !done) {
        return failure("failed inserting service: " + done.error().detail);
      }
    }
  }

  if (request.Check) {
    if (Result<> done = ensure_check_of(tx, node, peer, std::move(*request.Check), indexes); !done) return done;
  }
  for (auto& check : request.Checks) {
    if (!check) continue;
    if (Result<> done = ensure_check_of(tx, node, peer, std::move(*check), indexes); !done) return done;
  }
  return {};
}

// Savepoints make every table shared and so every change a copy; a registration that cannot fail needs none.
bool cannot_fail(const Tables& tables, const RegisterRequest& request) {
  if (request.Node.empty() || !request.PeerName.empty()) return false;
  if (!request.ID.empty()) {
    Result<std::string> bytes = node_id_bytes(request.ID);
    if (!bytes) return false;
    // Neither renamed, nor another's name.
    if (tables.nodes_by_id.get(node_id_key({}, *bytes)) != find_node(tables, request.Node)) return false;
  }
  const auto fits = [&](const HealthCheck& check) {
    if (check.CheckID.empty() || !check.PeerName.empty() || !same_letters(check.Node, request.Node)) return false;
    if (tables.sessions_by_check.prefix(index_key({check.Node, check.CheckID}))) return false;
    if (check.ServiceID.empty()) return true;
    return (request.Service && same_letters(request.Service->ID, check.ServiceID)) ||
           find_service(tables, request.Node, check.ServiceID) != nullptr;
  };
  if (request.Service) {
    const NodeService& service = *request.Service;
    const bool in_mesh =
        service.Kind == kKindConnectProxy || service.Kind == kKindTerminatingGateway || service.Connect->Native;
    if (in_mesh || !service.PeerName.empty() || !validate_service_meta(service.Kind, service.Meta)) return false;
  }
  if (request.Check && !fits(*request.Check)) return false;
  return std::all_of(request.Checks.begin(), request.Checks.end(),
                     [&](const auto& check) { return check && fits(*check); });
}

// Somebody else who goes by this name, if he is alive.
Result<> check_name_is_free(Transaction& tx, const Node& node, bool nameless_may_lose) {
  const NodeRow* row = find_node(tx.tables(), node.Node, node.PeerName);
  if (!row) return {};
  const Node other = row->get();
  if (other.ID == node.ID || (other.ID.empty() && nameless_may_lose)) return {};
  // Without a serf check it is a node that nobody watches: it may be replaced.
  const CheckRow* serf = find_check(tx.tables(), other.Node, kSerfCheckId, other.PeerName);
  if (!serf || check_status(*serf) == kHealthCritical) return {};
  return failure("Node name " + node.Node + " is reserved by node " + other.ID + " with name " + other.Node + " (" +
                 other.Address + ")");
}

void put_node(Transaction& tx, Node node) {
  node.Partition.clear();
  const std::string key = index_key({peer_part(node.PeerName), node.Node});
  Tables& tables = tx.tables();
  const NodeRow* before = tables.nodes.get(key);
  if (before) {
    const std::string old_id = before->get().ID;
    if (old_id != node.ID) {
      if (auto bytes = node_id_bytes(old_id)) tables.nodes_by_id.erase(node_id_key(node.PeerName, *bytes));
    }
  }
  base::Ref<const NodeRow> row = NodeRow::make(node);
  tables.nodes.insert(key, row);
  if (auto bytes = node_id_bytes(node.ID)) tables.nodes_by_id.insert(node_id_key(node.PeerName, *bytes), row);
  if (node.PeerName.empty()) count_usage(tx, kUsageNodes, before ? 0 : +1);
  tx.touch(Topic::node, key);

  raise_nodes(tx, node.ModifyIndex, node.PeerName);
  raise_node(tx, node.ModifyIndex, node.Node, node.PeerName);
  // Whoever reads a service reads its node, too.
  renew_instances_of_node(tx, node.ModifyIndex, node.Node, node.PeerName, false);
}

}  // namespace

Result<> apply_register(Transaction& tx, RegisterRequest request) {
  if (cannot_fail(tx.tables(), request)) return ensure_registration(tx, std::move(request), Indexes::assign);
  return tx.atomically([&] { return ensure_registration(tx, std::move(request), Indexes::assign); });
}

Result<> restore_registration(Transaction& tx, RegisterRequest request) {
  return ensure_registration(tx, std::move(request), Indexes::preserve);
}

Result<> apply_deregister(Transaction& tx, const DeregisterRequest& request) {
  const auto deregister = [&] {
    if (!request.ServiceID.empty()) return delete_service(tx, request.Node, request.ServiceID, request.PeerName);
    if (!request.CheckID.empty()) return delete_check(tx, request.Node, request.CheckID, request.PeerName);
    return delete_node(tx, request.Node, request.PeerName);
  };
  // Only ending a session can fail.
  return tx.tables().sessions.empty() ? deregister() : tx.atomically(deregister);
}

Result<> ensure_node(Transaction& tx, Node node, Indexes indexes) {
  if (node.Node.empty()) return failure("failed inserting node: object missing primary index");
  base::Ref<const NodeRow> known;
  if (!node.ID.empty()) {
    Result<const NodeRow*> by_id = find_node_by_id(tx.tables(), node.ID, node.PeerName);
    if (!by_id) return failure("node lookup failed: " + by_id.error().detail);
    known = base::Ref<const NodeRow>::share(*by_id);
    if (!known) {
      if (Result<> free = check_name_is_free(tx, node, true); !free) {
        return failure("Error while renaming Node ID: \"" + node.ID + "\": " + free.error().detail);
      }
    } else if (const Node old = known->get(); !same_letters(old.Node, node.Node)) {
      const std::string who = "Error while renaming Node ID: \"" + node.ID + "\" (" + node.Address + ")";
      if (Result<> free = check_name_is_free(tx, node, false); !free) {
        return failure(who + ": " + free.error().detail);
      }
      if (Result<> done = delete_node(tx, old.Node, old.PeerName); !done) {
        return failure(who + " from " + old.Node + " to " + node.Node + ": " + done.error().detail);
      }
    }
    if (Result<std::string> whole = node_id_bytes(node.ID); !whole) {
      return failure("failed inserting node: failed to build index 'uuid': " + whole.error().detail);
    }
  }
  if (!known) known = base::Ref<const NodeRow>::share(find_node(tx.tables(), node.Node, node.PeerName));

  if (known) {
    const Node old = known->get();
    node.CreateIndex = old.CreateIndex;
    node.ModifyIndex = old.ModifyIndex;
    if (same_node(node, old)) return {};
    node.ModifyIndex = tx.index();
  } else if (indexes == Indexes::assign || node.CreateIndex == 0) {
    node.CreateIndex = node.ModifyIndex = tx.index();
  }
  put_node(tx, std::move(node));
  return {};
}

Result<> delete_node(Transaction& tx, std::string_view name, std::string_view peer) {
  Tables& tables = tx.tables();
  const std::string key = index_key({peer_part(peer), name});
  const base::Ref<const NodeRow> row = tables.nodes.share(key);
  if (!row) return {};
  const Node node = row->get();

  std::vector<std::string> services;
  for (const auto [service_key, service] : tables.services.prefix(key)) {
    const StoredService stored = service->get();
    raise_service(tx, tx.index(), stored.Service, stored.PeerName);
    raise_kind(tx, tx.index(), stored.Kind, stored.PeerName);
    services.push_back(stored.ID);
  }
  for (const std::string& id : services) {
    if (Result<> done = delete_service(tx, name, id, peer); !done) return done;
  }

  std::vector<std::string> checks;
  for (const auto [check_key, check] : tables.checks.prefix(key)) checks.push_back(check->get().CheckID);
  for (const std::string& id : checks) {
    if (Result<> done = delete_check(tx, name, id, peer); !done) return done;
  }

  if (peer.empty()) {
    const std::string prefix = index_key({name});
    if (tables.coordinates.erase_prefix(prefix) > 0) {
      tx.touch_below(Topic::coordinate, prefix);
      tx.raise_index("coordinates", tx.index());
    }
  }

  tables.nodes.erase(key);
  if (auto bytes = node_id_bytes(node.ID)) tables.nodes_by_id.erase(node_id_key(node.PeerName, *bytes));
  if (node.PeerName.empty()) count_usage(tx, kUsageNodes, -1);
  tx.touch(Topic::node, key);
  raise_nodes(tx, tx.index(), node.PeerName);
  tx.erase_index(node_index(node.PeerName, name));
  raise_node_extinction(tx, tx.index(), node.PeerName);

  return peer.empty() ? session_end_of_node(tx, name) : Result<>{};
}

}  // namespace proconsul::catalog
