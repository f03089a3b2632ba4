// Every endpoint of the HTTP API: what no family has answers 404.
#include "agent/http/route.h"
#include "agent/http/routes/families.h"

namespace proconsul::agent::http {

std::span<const std::span<const Route>> all_routes() {
  static const std::span<const Route> families[] = {
      status_routes(),
      agent_routes(),
      catalog_routes(),
      coordinate_routes(),
      health_routes(),
      kv_routes(),
      operator_routes(),
      session_routes(),
      snapshot_routes(),
      stream_routes(),
      txn_routes(),
      acl_routes(),
      config_routes(),
      connect_routes(),
      intention_routes(),
      internal_routes(),
      discovery_chain_routes(),
      exported_services_routes(),
      event_routes(),
      peering_routes(),
      query_routes(),
      document_routes(),
      profile_routes(),
  };
  return families;
}

}  // namespace proconsul::agent::http
