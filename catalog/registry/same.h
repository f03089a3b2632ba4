// When two registrations are the same, so that nothing is written and no index moves; and what metadata may look like.
// Each comparison leaves out different fields; all servers of a cluster must leave out the same ones.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/registry/rows.h"
#include "catalog/types/register.h"

namespace proconsul::catalog {

/// Equal but for letter case.
bool same_letters(std::string_view a, std::string_view b);

/// Does the request say anything else of its node?
bool changes_node(const RegisterRequest& request, const Node& node);
bool same_node(const Node& a, const Node& b);
/// A stored service against what a request brings, before its defaults are filled in.
bool same_registration(const NodeService& stored, const NodeService& request);
/// Two stored forms. (Leaves out SocketPath, Locality and the peer.)
bool same_service(const StoredService& a, const StoredService& b);
bool same_check(const HealthCheck& a, const HealthCheck& b);

/// Passing 1..65535, Warning 0..65535.
base::Result<> validate_weights(const Weights& weights);
base::Result<> validate_node_meta(const base::Map<std::string>& meta, bool allow_reserved);
base::Result<> validate_service_meta(std::string_view kind, const base::Map<std::string>& meta);

}  // namespace proconsul::catalog
