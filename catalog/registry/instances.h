// Keeping the instance rows (instance_row.h) true while nodes, services and checks change.
#pragma once

#include <string_view>

#include "catalog/registry/rows.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

/// Puts the service row, and its instance row, into every table; `before` is what it replaces.
void put_service(Transaction& tx, const StoredService& service, const StoredService* before);
void take_service(Transaction& tx, const StoredService& service);

/// A check of this one instance changed.
void renew_instance(Transaction& tx, const ServiceRow* service);
/// A check of the node became that of one instance: the others have it no more, but their indexes stay, as in Consul.
void renew_others_of_node(Transaction& tx, std::string_view node, std::string_view peer);
/// The node or a check of it changed, and with that every instance on it: renews them and raises the indexes of their
/// services and kinds.
void renew_instances_of_node(Transaction& tx, std::uint64_t index, std::string_view node, std::string_view peer,
                             bool only_checks);

}  // namespace proconsul::catalog
