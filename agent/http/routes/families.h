// The table of endpoints in its families, each in the file that its name begins with or that says it holds it.
#pragma once

#include <span>

namespace proconsul::agent::http {

struct Route;

std::span<const Route> status_routes();
std::span<const Route> agent_routes();
std::span<const Route> catalog_routes();
std::span<const Route> coordinate_routes();
std::span<const Route> health_routes();
std::span<const Route> kv_routes();
std::span<const Route> operator_routes();
std::span<const Route> session_routes();
std::span<const Route> snapshot_routes();
std::span<const Route> stream_routes();
std::span<const Route> txn_routes();
std::span<const Route> acl_routes();
std::span<const Route> config_routes();
std::span<const Route> connect_routes();
std::span<const Route> intention_routes();
std::span<const Route> internal_routes();
std::span<const Route> discovery_chain_routes();
std::span<const Route> exported_services_routes();
std::span<const Route> event_routes();
std::span<const Route> peering_routes();
std::span<const Route> query_routes();
std::span<const Route> document_routes();
std::span<const Route> profile_routes();

}  // namespace proconsul::agent::http
