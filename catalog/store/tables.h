// Every table of the replicated state, with its indexes. A table is a tree by its primary key; a secondary index is a
// further tree that shares the same rows. This is the only list: the snapshot writer, the queries and the commands use
// it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/radix_tree.h"
#include "catalog/prepared_query/row.h"
#include "catalog/registry/instance_row.h"
#include "catalog/registry/rows.h"
#include "catalog/store/kv_row.h"
#include "catalog/types/acl.h"
#include "catalog/types/config_entry.h"
#include "catalog/types/connect_ca.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/federation_state.h"
#include "catalog/types/peering.h"
#include "catalog/types/session.h"
#include "catalog/types/system.h"

namespace proconsul::catalog {

template <class T>
using Table = base::RadixTree<base::Row<T>>;

/// Copying is a reference per tree: a copy is a version of the whole state.
/// Keys are made by index_key() (key.h) unless the line says otherwise.
struct Tables {
  // Name of a table or of something with an index of its own ("kvs", "service.web"), in lower case -> raft index.
  base::RadixCounters indexes{};

  base::RadixTree<KvRow> kv{};             // the key itself
  base::RadixTree<KvRow> kv_by_session{};  // session, then the key itself; only what is locked
  base::RadixCounters tombstones{};        // the key or deleted prefix itself -> raft index

  Table<Session> sessions{};           // ID
  Table<Session> sessions_by_node{};   // Node, ID
  Table<Session> sessions_by_check{};  // Node, CheckID, ID

  Table<StoredQuery> queries{};             // the 16 bytes of the UUID
  Table<StoredQuery> queries_by_name{};     // name; none without
  Table<StoredQuery> queries_by_session{};  // session, then the 16 bytes; none without
  Table<StoredQuery> query_templates{};     // a zero byte, then the name in lower case, which may be empty

  // Nodes, services and checks. Keys begin with the peer they were imported from, "~" for our own.
  base::RadixTree<NodeRow> nodes{};                  // peer, node
  base::RadixTree<NodeRow> nodes_by_id{};            // peer, then the 16 bytes of the UUID (node_id_key)
  base::RadixTree<ServiceRow> services{};            // peer, node, service ID
  base::RadixTree<InstanceRow> instances{};          // peer, service name, node, service ID
  base::RadixTree<InstanceRow> connect_instances{};  // peer, name of what it serves in the mesh, node, service ID
  base::RadixTree<InstanceRow> instances_by_kind{};  // peer, kind, node, service ID; no typical ones
  base::RadixTree<CheckRow> checks{};                // peer, node, check ID
  base::RadixTree<CheckRow> checks_by_instance{};    // peer, node, service ID ("": of the node), check ID
  base::RadixTree<CheckRow> checks_by_service{};     // peer, service name, node, check ID; none without a name
  base::RadixTree<CheckRow> checks_by_status{};      // peer, status, node, check ID; no passing ones
  Table<Coordinate> coordinates{};                   // node, segment

  Table<KindServiceName> kind_service_names{};   // kind, service name
  Table<MeshLink> mesh_links{};                  // upstream, downstream
  Table<MeshLink> mesh_links_by_downstream{};    // downstream, upstream
  Table<ServiceVirtualIP> virtual_ips{};         // peer ("peer:name"), service name
  Table<ServiceVirtualIP> virtual_ips_manual{};  // manual address, peer, service name
  Table<FreeVirtualIP> free_virtual_ips{};       // "free" and "counter": at most one of each
  base::RadixCounters usage{};                   // what is counted (registry/usage.h) -> how many
  base::RadixCounters usage_indexes{};           // the same -> raft index of the last change

  Table<SystemMetadataEntry> system_metadata{};       // key
  Table<AutopilotConfig> autopilot{};                 // one row, under the empty key
  Table<FederationState> federation_states{};         // datacenter
  Table<Peering> peerings{};                          // name
  Table<Peering> peerings_by_id{};                    // ID
  Table<PeeringTrustBundle> peering_trust_bundles{};  // name of the peering
  Table<PeeringSecrets> peering_secrets{};            // ID of the peering
  base::RadixCounters peering_secret_uuids{};         // those made here -> 1
  Table<CARoot> ca_roots{};                           // ID
  Table<CAConfiguration> ca_config{};                 // one row, under the empty key
  Table<CAConsulProviderState> ca_provider_states{};  // ID

  Table<ACLToken> acl_tokens{};            // accessor
  Table<ACLToken> acl_tokens_by_secret{};  // the secret itself
  Table<ACLToken> acl_tokens_by_policy{};  // policy ID, accessor; likewise below, one row for each link
  Table<ACLToken> acl_tokens_by_role{};
  Table<ACLToken> acl_tokens_by_service{};  // service of an identity or of builtin/service, accessor
  Table<ACLToken> acl_tokens_by_method{};   // auth method, accessor; only of logins
  Table<ACLToken> acl_tokens_by_expiry{};   // expiry_key() (acl/tokens.h); only those that end
  Table<ACLPolicy> acl_policies{};          // ID
  Table<ACLPolicy> acl_policies_by_name{};
  Table<ACLRole> acl_roles{};  // ID
  Table<ACLRole> acl_roles_by_name{};
  Table<ACLRole> acl_roles_by_policy{};                 // policy ID, ID
  Table<ACLAuthMethod> acl_auth_methods{};              // name
  Table<ACLBindingRule> acl_binding_rules{};            // ID
  Table<ACLBindingRule> acl_binding_rules_by_method{};  // auth method, ID

  Table<StoredConfigEntry> config_entries{};      // kind, name
  Table<StoredConfigEntry> config_entry_links{};  // service that it names, kind, name

  // What follows from the entries of gateways, and from what they name with a wildcard (gateway/services.h).
  Table<GatewayService> gateway_services{};             // gateway, service, then the port
  Table<GatewayService> gateway_services_by_service{};  // service, gateway, then the port

  Table<ForeignRecord> foreign{};  // record type, running number: kept for parts that cannot read them

  /// The index of a table; 0 if it was never written.
  std::uint64_t index_of(std::string_view name) const;
  std::uint64_t index_of(std::initializer_list<std::string_view> names) const;
};

}  // namespace proconsul::catalog
