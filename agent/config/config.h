// The agent's configuration with every default applied, every address known and every contradiction refused: what the
// rest of the agent reads. Built by load.h; shown, secrets hidden, under DebugConfig of /v1/agent/self, whose names are
// in describe.cc.
#pragma once

#include <string>
#include <vector>

#include "agent/config/address.h"
#include "base/time.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/service.h"

namespace proconsul::agent::config {

using base::Duration;
using base::Int;
using base::List;
using base::Map;
using base::Uint;

/// No limit, as Consul's rates spell it.
constexpr double kUnlimited = 1.7976931348623157e308;

struct TlsListener {
  bool verify_incoming{};
  std::string ca_file{};
  std::string ca_path{};
  std::string cert_file{};
  std::string key_file{};
  std::string min_version{};          // TLS_AUTO, TLSv1_0 to TLSv1_3
  List<std::string> cipher_suites{};  // names of TLS 1.2 and below; empty: the library's
  bool verify_outgoing{};
  bool verify_server_hostname{};
  bool use_auto_cert{};
  bool operator==(const TlsListener&) const = default;
};

struct Tls {
  bool server_mode{};
  TlsListener internal_rpc{};
  TlsListener grpc{};
  TlsListener https{};
  std::string node_name{};
  std::string server_name{};
  std::string domain{};
  bool enable_agent_tls_for_checks{};
  bool auto_tls{};
};

struct Logging {
  std::string level{};
  bool json{};
  std::string name{};
  bool syslog{};
  std::string syslog_facility{};
  std::string file{};
  Duration rotate_duration{};
  Int rotate_bytes{};
  Int rotate_max_files{};
};

struct Prometheus {
  Duration expiration{};  // how long a metric is kept; zero: the format is off
  std::string name{};
};

struct Telemetry {
  bool disable{};
  std::string circonus_api_app{}, circonus_api_token{}, circonus_api_url{}, circonus_broker_id{};
  std::string circonus_broker_select_tag{}, circonus_check_display_name{};
  std::string circonus_check_force_metric_activation{}, circonus_check_id{}, circonus_check_instance_id{};
  std::string circonus_check_search_tag{}, circonus_check_tags{}, circonus_submission_interval{};
  std::string circonus_submission_url{};
  bool disable_hostname{};
  bool disable_per_tenancy_usage_metrics{};
  std::string dogstatsd_addr{};
  List<std::string> dogstatsd_tags{};
  bool retry_failed_connection{};
  bool filter_default{};  // whether metrics that no prefix names are kept
  List<std::string> allowed_prefixes{};
  List<std::string> blocked_prefixes{};
  std::string metrics_prefix{};
  std::string statsd_addr{};
  std::string statsite_addr{};
  bool enable_host_metrics{};
  Prometheus prometheus{};
};

struct RaftLogStore {
  struct Verification {
    bool enabled{};
    Duration interval{};
  };
  struct Bolt {
    bool no_freelist_sync{};
  };
  struct Wal {
    Int segment_size{};  // bytes
  };
  std::string backend{};
  bool disable_log_cache{};
  Verification verification{};
  Bolt bolt{};
  Wal wal{};
};

/// Ours: the leader tells the catalog of no failure while too many fail at once.
struct MassFailureBrake {
  bool enabled{};
  Int max_failed_percent{};
  Int min_failed{};
  Duration window{};
  Duration max_hold{};
};

/// Ours: who flaps stays critical until it is stable.
struct FlapDamping {
  bool enabled{};
  Int max_changes{};
  Duration window{};
  Duration stable_time{};
};

struct UiHeader {
  std::string name{};
  std::string value{};
};
struct UiMetricsProxy {
  std::string base_url{};
  List<UiHeader> add_headers{};
  List<std::string> path_allowlist{};
};
struct Ui {
  bool enabled{};
  std::string dir{};
  std::string content_path{};  // begins and ends with "/"
  std::string metrics_provider{};
  List<std::string> metrics_provider_files{};
  std::string metrics_provider_options_json{};
  UiMetricsProxy metrics_proxy{};
  Map<std::string> dashboard_url_templates{};
  bool hcp_enabled{};
};

struct Soa {
  std::uint32_t refresh{3600};
  std::uint32_t retry{600};
  std::uint32_t expire{86400};
  std::uint32_t min_ttl{};
};

/// Tokens of the agent itself.
struct AclTokens {
  std::string data_dir{};
  bool enable_persistence{};
  std::string user{}, agent{}, agent_recovery{}, replication{}, config_file_registration{}, dns{};
};
struct AclResolver {
  bool enabled{};
  std::string datacenter{};
  std::string node_name{};
  Duration policy_ttl{};
  Duration token_ttl{};
  Duration role_ttl{};
  std::string down_policy{};
  std::string default_policy{};
};

/// Which JSON web tokens introduce a client to this server.
struct AutoConfigAuthorizer {
  bool enabled{};
  bool allow_reuse{};
  List<std::string> claim_assertions{};
  Map<base::Value> method{};  // the settings of a jwt auth method, under its names: "BoundAudiences"
};
struct AutoConfig {
  bool enabled{};
  std::string intro_token{};
  std::string intro_token_file{};
  List<std::string> server_addresses{};
  List<std::string> dns_sans{};
  List<std::string> ip_sans{};
  AutoConfigAuthorizer authorizer{};
};

struct Cache {
  double entry_fetch_rate{kUnlimited};
  Int entry_fetch_max_burst{2};
};

struct Cloud {
  std::string resource_id{}, client_id{}, client_secret{}, hostname{}, auth_url{}, scada_address{};
  std::string node_id{}, node_name{};
};

struct Config {
  // --- this agent
  bool dev_mode{};
  bool server_mode{};
  bool bootstrap{};
  Int bootstrap_expect{};
  std::string data_dir{};  // empty with -dev: nothing is kept
  std::string datacenter{};
  std::string primary_datacenter{};
  std::string node_name{};
  std::string node_id{};  // as configured; node_id.h settles it
  Map<std::string> node_meta{};
  base::Pointer<catalog::Locality> locality{};
  bool disable_host_node_id{};
  bool leave_on_terminate{};
  bool skip_leave_on_interrupt{};
  bool rejoin_after_leave{};
  bool auto_reload_config{};
  Duration auto_reload_config_coalesce_interval{};
  std::string pid_file{};
  Logging logging{};
  Telemetry telemetry{};
  bool enable_debug{};
  bool disable_update_check{};
  bool disable_anonymous_signature{};
  List<std::string> experiments{};
  std::string revision{}, version{}, version_prerelease{}, version_metadata{};
  base::Time build_date{};

  // --- addresses
  Ip bind_addr{};
  Ip advertise_addr_lan{};
  Ip advertise_addr_wan{};
  Map<std::string> tagged_addresses{};
  bool translate_wan_addrs{};
  List<Ip> client_addrs{};
  Int http_port{}, https_port{}, dns_port{}, grpc_port{}, grpc_tls_port{}, server_port{}, serf_port_lan{},
      serf_port_wan{};
  List<Address> http_addrs{}, https_addrs{}, dns_addrs{}, grpc_addrs{}, grpc_tls_addrs{};
  Address rpc_bind_addr{}, rpc_advertise_addr{};
  Address serf_bind_addr_lan{}, serf_bind_addr_wan{}, serf_advertise_addr_lan{}, serf_advertise_addr_wan{};
  List<Network> serf_allowed_cidrs_lan{}, serf_allowed_cidrs_wan{};
  std::string unix_socket_user{}, unix_socket_group{}, unix_socket_mode{};
  Int connect_sidecar_min_port{}, connect_sidecar_max_port{}, expose_min_port{}, expose_max_port{};

  // --- HTTP
  List<std::string> http_block_endpoints{};
  List<Network> allow_write_http_from{};
  Int http_max_conns_per_client{};
  Int http_max_header_bytes{};
  Map<std::string> http_response_headers{};
  Duration https_handshake_timeout{};
  bool http_use_cache{};
  bool disable_http_unprintable_char_filter{};
  Uint kv_max_value_size{};
  Uint txn_max_ops{};  // ours: Consul has a constant of 128
  Uint txn_max_req_len{};
  Duration default_query_time{};
  Duration max_query_time{};
  Duration discovery_max_stale{};
  Tls tls{};

  // --- raft and the leader's duties
  Duration raft_election_timeout{}, raft_heartbeat_timeout{}, raft_leader_lease_timeout{};  // multiplied already
  Int raft_protocol{};
  Int raft_snapshot_threshold{};
  Duration raft_snapshot_interval{};
  Int raft_trailing_logs{};
  bool raft_prevote_disabled{};
  RaftLogStore raft_log_store{};
  bool autopilot_cleanup_dead_servers{};
  bool autopilot_disable_upgrade_migration{};
  Duration autopilot_last_contact_threshold{};
  Int autopilot_max_trailing_logs{};
  Uint autopilot_min_quorum{};
  std::string autopilot_redundancy_zone_tag{};
  Duration autopilot_server_stabilization_time{};
  std::string autopilot_upgrade_version_tag{};
  MassFailureBrake mass_failure_brake{};
  FlapDamping flap_damping{};
  Duration server_health_interval{};
  Duration session_ttl_min{};
  Duration leave_drain_time{};
  Duration rpc_hold_timeout{};

  // --- services and checks of this node
  List<catalog::ServiceDefinition> services{};
  List<catalog::CheckDefinition> checks{};
  std::vector<std::string> service_origins{}, check_origins{};  // of each: "web.hcl line 3"
  Duration ae_interval{};
  Duration check_deregister_interval_min{};
  Duration check_reap_interval{};
  Duration check_update_interval{};
  Int check_output_max_size{};
  bool discard_check_output{};
  bool enable_local_script_checks{};
  bool enable_remote_script_checks{};
  bool enable_agent_tls_for_checks{};
  bool enable_central_service_config{};
  List<Map<base::Value>> watches{};

  // --- coordinates
  bool disable_coordinates{};
  Int coordinate_update_batch_size{}, coordinate_update_max_batches{};
  Duration coordinate_update_period{};
  double sync_coordinate_rate_target{};
  Duration sync_coordinate_interval_min{};

  // --- DNS
  std::string dns_domain{}, dns_alt_domain{};
  bool dns_allow_stale{};
  Int dns_a_record_limit{};
  bool dns_disable_compression{}, dns_enable_truncate{};
  Duration dns_max_stale{}, dns_node_ttl{};
  bool dns_only_passing{};
  std::string dns_recursor_strategy{};
  Duration dns_recursor_timeout{};
  List<std::string> dns_recursors{};
  Map<Duration> dns_service_ttl{};
  Soa dns_soa{};
  Int dns_udp_answer_limit{};
  bool dns_node_meta_txt{}, dns_use_cache{};
  Duration dns_cache_max_age{};

  // --- gossip and RPC
  std::string encrypt_key{};
  bool encrypt_verify_incoming{}, encrypt_verify_outgoing{};
  bool disable_keyring_file{}, disable_remote_exec{};
  Duration gossip_lan_gossip_interval{}, gossip_lan_probe_interval{}, gossip_lan_probe_timeout{};
  Int gossip_lan_gossip_nodes{}, gossip_lan_suspicion_mult{}, gossip_lan_retransmit_mult{};
  Duration gossip_wan_gossip_interval{}, gossip_wan_probe_interval{}, gossip_wan_probe_timeout{};
  Int gossip_wan_gossip_nodes{}, gossip_wan_suspicion_mult{}, gossip_wan_retransmit_mult{};
  List<std::string> retry_join_lan{}, retry_join_wan{};
  Duration retry_join_interval_lan{}, retry_join_interval_wan{};
  Int retry_join_max_attempts_lan{}, retry_join_max_attempts_wan{};
  Duration reconnect_timeout_lan{}, reconnect_timeout_wan{}, advertise_reconnect_timeout{};
  Duration server_rejoin_age_max{};
  Duration rpc_handshake_timeout{}, rpc_client_timeout{};
  double rpc_rate_limit{};
  Int rpc_max_burst{}, rpc_max_conns_per_client{}, rpc_protocol{};
  bool rpc_enable_streaming{}, use_streaming_backend{};
  std::string server_name{};
  Cache cache{};

  // --- ACLs and limits
  bool acls_enabled{};
  AclResolver acl_resolver{};
  AclTokens acl_tokens{};
  bool acl_enable_key_list_policy{};
  std::string acl_initial_management_token{};
  bool acl_token_replication{};
  std::string default_intention_policy{};
  Int request_limits_mode{};  // 0 disabled, 1 permissive, 2 enforcing
  double request_limits_read_rate{}, request_limits_write_rate{};
  bool auto_encrypt_tls{}, auto_encrypt_allow_tls{};
  List<std::string> auto_encrypt_dns_san{}, auto_encrypt_ip_san{};
  AutoConfig auto_config{};

  // --- mesh, federation, UI
  bool connect_enabled{};
  std::string connect_ca_provider{};
  Map<base::Value> connect_ca_config{};
  bool connect_mesh_gateway_wan_federation_enabled{};
  Duration connect_test_ca_leaf_root_change_spread{};
  bool peering_enabled{}, peering_test_allow_peer_registrations{};
  List<Map<base::Value>> config_entry_bootstrap{};
  List<std::string> primary_gateways{};
  Duration primary_gateways_interval{};
  double xds_update_rate_limit{};
  bool enable_xds_load_balancing{};
  Duration grpc_keepalive_interval{}, grpc_keepalive_timeout{};
  Duration local_proxy_config_resync_interval{};
  Ui ui{};
  Cloud cloud{};

  // --- of the other edition: accepted, shown, without effect
  bool read_replica{};
  std::string segment_name{};
  Int segment_limit{}, segment_name_limit{};
  bool reporting_license_enabled{};
};
PROCONSUL_DECLARE_TYPE(Config)

/// The values that /v1/agent/self shows under DebugConfig: Consul's names, durations as text, addresses as URLs, and
/// "hidden" in place of every key, token and secret.
base::Value::MapType debug_view(const Config& config);

/// The address that a command on this host reaches the agent at, TLS and plain; empty where it does not listen.
struct LocalEndpoints {
  std::string unix_socket{}, http{}, https{};
};
LocalEndpoints local_endpoints(const Config& config);

}  // namespace proconsul::agent::config
