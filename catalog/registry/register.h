// What registrations and deregistrations do to nodes, services and checks. Each function is one step of a command that
// runs inside Transaction::atomically(): after an error the state may be half changed.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "catalog/registry/rows.h"
#include "catalog/store/store.h"
#include "catalog/types/register.h"

namespace proconsul::catalog {

/// Rows of a snapshot bring their indexes; a command's rows get the command's.
enum class Indexes : bool { assign, preserve };

/// Command 0. Undoes itself on an error.
base::Result<> apply_register(Transaction& tx, RegisterRequest request);
/// Command 1. Undoes itself on an error.
base::Result<> apply_deregister(Transaction& tx, const DeregisterRequest& request);
/// A snapshot's record of a node, a service or a check.
base::Result<> restore_registration(Transaction& tx, RegisterRequest request);

// ---- the steps; transactions use them too ----

/// Nothing changes when nothing differs. A node with a known ID and a new name is a renamed node: the old one goes,
/// with all that is on it. An error if the name belongs to another, healthy node.
base::Result<> ensure_node(Transaction& tx, Node node, Indexes indexes);
/// "Missing node registration" if there is no such node.
base::Result<> ensure_service(Transaction& tx, std::string_view node, NodeService service, Indexes indexes);
/// Writes a whole instance whose node is there; its ModifyIndex is what indexes rise to. `before`: what it replaces.
void insert_service(Transaction& tx, const StoredService& service, const StoredService* before);
/// Ends the sessions that live by the check when it is critical.
base::Result<> ensure_check(Transaction& tx, HealthCheck check, Indexes indexes);

// Removing what is not there is no error.
base::Result<> delete_node(Transaction& tx, std::string_view node, std::string_view peer);
base::Result<> delete_service(Transaction& tx, std::string_view node, std::string_view service_id,
                              std::string_view peer);
base::Result<> delete_check(Transaction& tx, std::string_view node, std::string_view check_id, std::string_view peer);

}  // namespace proconsul::catalog
