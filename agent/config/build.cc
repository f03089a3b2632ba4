#include "agent/config/build.h"

#include <cctype>
#include <cstdlib>

#include "agent/config/build_acl.h"
#include "agent/config/build_network.h"
#include "agent/config/build_telemetry.h"
#include "agent/config/build_tls.h"
#include "agent/config/definition.h"
#include "agent/config/settings_reader.h"
#include "agent/config/source.h"
#include "agent/mesh/authority_config.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/config_entry/input.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

constexpr std::string_view kVersion = "1.21.4";  // the version that clients of the API are told
constexpr std::int64_t kMaxRaftMultiplier = 10;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

class Builder : SettingsReader {
 public:
  Builder(Settings& settings, const Surroundings& host, std::vector<std::string>& warnings,
          std::vector<std::string>& errors)
      : SettingsReader(settings, host, warnings, errors), own_(settings) {}

  Result<Config> run(bool development) {
    config_.dev_mode = development;
    identity();
    definitions();
    if (Result<> built = build_network(own_, host_, config_, warnings_, errors_); !built) return built.error();
    http();
    build_telemetry(*this, config_);
    if (Result<> built = raft(); !built) return built.error();
    dns();
    gossip();
    build_acl(*this, config_);
    if (Result<> built = segments(); !built) return built.error();
    if (Result<> built = mesh(); !built) return built.error();
    ui();
    if (Result<> built = build_tls(*this, config_); !built) return built.error();
    if (config_.cache.entry_fetch_max_burst <= 0) {
      return fail("cache.entry_fetch_max_burst must be strictly positive, was: " +
                  std::to_string(config_.cache.entry_fetch_max_burst));
    }
    if (config_.cache.entry_fetch_rate <= 0) {
      return fail("cache.entry_fetch_rate must be strictly positive, was: " +
                  text_of_number(config_.cache.entry_fetch_rate));
    }
    if (config_.bootstrap_expect == 1) {
      config_.bootstrap = true;
      config_.bootstrap_expect = 0;
      warnings_.push_back("BootstrapExpect is set to 1; this is the same as Bootstrap mode.");
    }
    return std::move(config_);
  }

 private:
  static std::string text_of_number(double number) {
    std::string out = std::to_string(number);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.ends_with('.')) out.pop_back();
    return out;
  }

  void identity() {
    Config& c = config_;
    c.server_mode = flag("server");
    c.bootstrap = flag("bootstrap");
    c.bootstrap_expect = integer("bootstrap_expect");
    c.data_dir = text("data_dir");
    c.datacenter = lower(text("datacenter"));
    c.primary_datacenter = lower(text("primary_datacenter"));
    if (c.primary_datacenter.empty()) c.primary_datacenter = c.datacenter;
    c.node_name = text("node_name");
    if (c.node_name.empty()) c.node_name = host_.host_name;
    c.node_name = trimmed(c.node_name);
    c.node_id = text("node_id");
    c.node_meta = text_map_of(at("node_meta"));
    if (const Value* locality = at("locality")) {
      catalog::Locality& out = c.locality.emplace();
      out.Region = text_or(locality->find("region"));
      out.Zone = text_or(locality->find("zone"));
    }
    c.disable_host_node_id = flag("disable_host_node_id");
    c.leave_on_terminate = flag("leave_on_terminate", !c.server_mode);
    c.skip_leave_on_interrupt = flag("skip_leave_on_interrupt", c.server_mode);
    c.rejoin_after_leave = flag("rejoin_after_leave");
    c.auto_reload_config = flag("auto_reload_config");
    c.auto_reload_config_coalesce_interval = base::seconds(1);
    c.pid_file = text("pid_file");
    c.logging = {.level = text("log_level"),
                 .json = flag("log_json"),
                 .syslog = flag("enable_syslog"),
                 .syslog_facility = text("syslog_facility"),
                 .file = text("log_file"),
                 .rotate_duration = duration("log_rotate_duration"),
                 .rotate_bytes = integer("log_rotate_bytes"),
                 .rotate_max_files = integer("log_rotate_max_files")};
    c.enable_debug = flag("enable_debug");
    c.disable_update_check = flag("disable_update_check");
    c.disable_anonymous_signature = flag("disable_anonymous_signature");
    c.experiments = texts("experiments");
    c.version = kVersion;
    c.build_date = base::from_unix(1);
    c.read_replica = flag("read_replica");
    c.segment_name = text("segment");
    c.segment_limit = integer("segment_limit");
    c.segment_name_limit = integer("segment_name_limit");
    c.cloud = {.resource_id = text("cloud.resource_id"),
               .client_id = text("cloud.client_id"),
               .client_secret = text("cloud.client_secret"),
               .hostname = text("cloud.hostname"),
               .auth_url = text("cloud.auth_url"),
               .scada_address = text("cloud.scada_address"),
               .node_id = c.node_id,
               .node_name = c.node_name};
  }

  void definitions() {
    Config& c = config_;
    c.dns_service_ttl.make_present();
    if (const Value* ttl = at("dns_config.service_ttl")) {
      for (const auto& [name, value] : *ttl->as_map()) {
        c.dns_service_ttl[name] = read_duration("dns_config.service_ttl[" + base::quote(name) + "]", &value, errors_);
      }
    }
    if (const Value* checks = at("checks")) {
      for (const Value& check : *checks->as_list()) {
        const std::size_t before = errors_.size();
        c.checks.push_back(build_check(check, errors_));
        c.check_origins.push_back(origin_of(check, before));
      }
    }
    if (const Value* services = at("services")) {
      for (const Value& service : *services->as_list()) {
        const std::size_t before = errors_.size();
        c.services.push_back(build_service(service, errors_));
        c.service_origins.push_back(origin_of(service, before));
      }
    }
    c.ae_interval = duration("ae_interval");
    c.check_deregister_interval_min = duration("check_deregister_interval_min");
    c.check_reap_interval = duration("check_reap_interval");
    c.check_update_interval = duration("check_update_interval");
    c.check_output_max_size = integer("check_output_max_size", 4096);
    c.discard_check_output = flag("discard_check_output");
    c.enable_remote_script_checks = flag("enable_script_checks");
    c.enable_local_script_checks = flag("enable_local_script_checks", c.enable_remote_script_checks);
    c.enable_agent_tls_for_checks = flag("enable_agent_tls_for_checks");
    c.enable_central_service_config = flag("enable_central_service_config");
    if (const Value* watches = at("watches")) {
      for (const Value& watch : *watches->as_list()) {
        c.watches.push_back(watch.as_map() != nullptr ? *watch.as_map() : Map<Value>());
      }
    }
    c.disable_coordinates = flag("disable_coordinates");
    c.coordinate_update_batch_size = integer("consul.coordinate.update_batch_size");
    c.coordinate_update_max_batches = integer("consul.coordinate.update_max_batches");
    c.coordinate_update_period = duration("consul.coordinate.update_period");
    c.sync_coordinate_rate_target = number_or(at("sync_coordinate_rate_target"));
    c.sync_coordinate_interval_min = duration("sync_coordinate_interval_min");
  }

  /// Where a definition stands; what has been said of it since the first `before` errors gets that place too.
  std::string origin_of(const Value& definition, std::size_t before) {
    std::string origin = text_or(definition.find(kOrigin));
    if (origin.empty()) return origin;
    for (std::size_t i = before; i < errors_.size(); ++i) errors_[i] += " (" + origin + ")";
    return origin;
  }

  void http() {
    Config& c = config_;
    c.http_block_endpoints = texts("http_config.block_endpoints");
    c.allow_write_http_from = networks("allow_write_http_from", texts("http_config.allow_write_http_from"));
    c.http_max_conns_per_client = integer("limits.http_max_conns_per_client");
    c.http_max_header_bytes = integer("http_config.max_header_bytes");
    c.http_response_headers = text_map_of(at("http_config.response_headers"));
    c.https_handshake_timeout = duration("limits.https_handshake_timeout");
    c.http_use_cache = flag("http_config.use_cache", true);
    c.disable_http_unprintable_char_filter = flag("disable_http_unprintable_char_filter");
    c.kv_max_value_size = size("limits.kv_max_value_size");
    c.txn_max_ops = size("limits.txn_max_ops");
    c.txn_max_req_len = size("limits.txn_max_req_len");
    c.default_query_time = duration("default_query_time");
    c.max_query_time = duration("max_query_time");
    c.discovery_max_stale = duration("discovery_max_stale");
  }

  List<Network> networks(const std::string& name, const List<std::string>& texts) {
    List<Network> out;
    if (!texts.is_nil()) out.make_present();
    for (const std::string& text : texts) {
      if (std::optional<Network> network = Network::parse(trimmed(text))) {
        out.push_back(*network);
      } else {
        errors_.push_back(name + ": invalid cidr: " + text);
      }
    }
    return out;
  }

  Result<> raft() {
    Config& c = config_;
    const std::int64_t multiplier = integer("performance.raft_multiplier");
    if (multiplier < 1 || multiplier > kMaxRaftMultiplier) {
      return fail("performance.raft_multiplier cannot be " + std::to_string(multiplier) + ". Must be between 1 and " +
                  std::to_string(kMaxRaftMultiplier));
    }
    const auto scaled = [&](std::string_view path) { return Duration{duration(path).nanoseconds * multiplier}; };
    c.raft_election_timeout = scaled("consul.raft.election_timeout");
    c.raft_heartbeat_timeout = scaled("consul.raft.heartbeat_timeout");
    c.raft_leader_lease_timeout = scaled("consul.raft.leader_lease_timeout");
    c.raft_protocol = integer("raft_protocol");
    c.raft_snapshot_threshold = integer("raft_snapshot_threshold");
    c.raft_snapshot_interval = duration("raft_snapshot_interval");
    c.raft_trailing_logs = integer("raft_trailing_logs");
    c.raft_prevote_disabled = flag("raft_prevote_disabled");
    c.raft_log_store.backend = text("raft_logstore.backend", "default");
    c.raft_log_store.disable_log_cache = flag("raft_logstore.disable_log_cache");
    c.raft_log_store.verification = {.enabled = flag("raft_logstore.verification.enabled"),
                                     .interval = duration("raft_logstore.verification.interval")};
    c.raft_log_store.bolt.no_freelist_sync = flag("raft_logstore.boltdb.no_freelist_sync");
    c.raft_log_store.wal.segment_size = std::min<std::int64_t>(integer("raft_logstore.wal.segment_size_mb"), 1 << 20)
                                        << 20;
    c.autopilot_cleanup_dead_servers = flag("autopilot.cleanup_dead_servers");
    c.autopilot_disable_upgrade_migration = flag("autopilot.disable_upgrade_migration");
    c.autopilot_last_contact_threshold = duration("autopilot.last_contact_threshold");
    c.autopilot_max_trailing_logs = integer("autopilot.max_trailing_logs");
    c.autopilot_min_quorum = size("autopilot.min_quorum");
    c.autopilot_redundancy_zone_tag = text("autopilot.redundancy_zone_tag");
    c.autopilot_server_stabilization_time = duration("autopilot.server_stabilization_time");
    c.autopilot_upgrade_version_tag = text("autopilot.upgrade_version_tag");
    c.mass_failure_brake = {.enabled = flag("mass_failure_brake.enabled"),
                            .max_failed_percent = integer("mass_failure_brake.max_failed_percent"),
                            .min_failed = integer("mass_failure_brake.min_failed"),
                            .window = duration("mass_failure_brake.window"),
                            .max_hold = duration("mass_failure_brake.max_hold")};
    c.flap_damping = {.enabled = flag("flap_damping.enabled"),
                      .max_changes = integer("flap_damping.max_changes"),
                      .window = duration("flap_damping.window"),
                      .stable_time = duration("flap_damping.stable_time")};
    c.server_health_interval = duration("consul.server.health_interval");
    c.session_ttl_min = duration("session_ttl_min");
    c.leave_drain_time = duration("performance.leave_drain_time");
    c.rpc_hold_timeout = duration("performance.rpc_hold_timeout");
    return {};
  }

  void dns() {
    Config& c = config_;
    c.dns_domain = text("domain");
    c.dns_alt_domain = text("alt_domain");
    c.dns_allow_stale = flag("dns_config.allow_stale");
    c.dns_a_record_limit = integer("dns_config.a_record_limit");
    c.dns_disable_compression = flag("dns_config.disable_compression");
    c.dns_enable_truncate = flag("dns_config.enable_truncate");
    c.dns_max_stale = duration("dns_config.max_stale");
    c.dns_node_ttl = duration("dns_config.node_ttl");
    c.dns_only_passing = flag("dns_config.only_passing");
    const std::string strategy = text("dns_config.recursor_strategy");
    if (strategy.empty() || strategy == "sequential" || strategy == "random") {
      c.dns_recursor_strategy = strategy.empty() ? "sequential" : strategy;
    } else {
      errors_.push_back("dns_config.recursor_strategy: invalid strategy: " + base::quote(strategy));
    }
    c.dns_recursor_timeout = read_duration("recursor_timeout", at("dns_config.recursor_timeout"), errors_);
    const auto seconds = [&](const char* key, std::uint32_t fallback) {
      return static_cast<std::uint32_t>(integer("dns_config.soa." + std::string(key), fallback));
    };
    c.dns_soa = {.refresh = seconds("refresh", 3600),
                 .retry = seconds("retry", 600),
                 .expire = seconds("expire", 86400),
                 .min_ttl = seconds("min_ttl", 0)};
    c.dns_udp_answer_limit = integer("dns_config.udp_answer_limit");
    c.dns_node_meta_txt = flag("dns_config.enable_additional_node_meta_txt", true);
    c.dns_use_cache = flag("dns_config.use_cache");
    c.dns_cache_max_age = duration("dns_config.cache_max_age");
  }

  void gossip() {
    Config& c = config_;
    c.encrypt_key = text("encrypt");
    c.encrypt_verify_incoming = flag("encrypt_verify_incoming");
    c.encrypt_verify_outgoing = flag("encrypt_verify_outgoing");
    c.disable_keyring_file = flag("disable_keyring_file");
    c.disable_remote_exec = flag("disable_remote_exec");
    c.gossip_lan_gossip_interval = duration("gossip_lan.gossip_interval");
    c.gossip_lan_gossip_nodes = integer("gossip_lan.gossip_nodes");
    c.gossip_lan_probe_interval = duration("gossip_lan.probe_interval");
    c.gossip_lan_probe_timeout = duration("gossip_lan.probe_timeout");
    c.gossip_lan_suspicion_mult = integer("gossip_lan.suspicion_mult");
    c.gossip_lan_retransmit_mult = integer("gossip_lan.retransmit_mult");
    c.gossip_wan_gossip_interval = duration("gossip_wan.gossip_interval");
    c.gossip_wan_gossip_nodes = integer("gossip_wan.gossip_nodes");
    c.gossip_wan_probe_interval = duration("gossip_wan.probe_interval");
    c.gossip_wan_probe_timeout = duration("gossip_wan.probe_timeout");
    c.gossip_wan_suspicion_mult = integer("gossip_wan.suspicion_mult");
    c.gossip_wan_retransmit_mult = integer("gossip_wan.retransmit_mult");
    c.retry_join_lan = expanded("retry_join");
    c.retry_join_wan = expanded("retry_join_wan");
    c.retry_join_interval_lan = duration("retry_interval");
    c.retry_join_interval_wan = duration("retry_interval_wan");
    c.retry_join_max_attempts_lan = integer("retry_max");
    c.retry_join_max_attempts_wan = integer("retry_max_wan");
    c.reconnect_timeout_lan = duration("reconnect_timeout");
    c.reconnect_timeout_wan = duration("reconnect_timeout_wan");
    c.advertise_reconnect_timeout = duration("advertise_reconnect_timeout");
    c.server_rejoin_age_max = duration_at_least("server_rejoin_age_max", base::seconds(6 * 3600));
    c.rpc_handshake_timeout = duration("limits.rpc_handshake_timeout");
    c.rpc_client_timeout = duration("limits.rpc_client_timeout");
    c.rpc_rate_limit = rate("limits.rpc_rate");
    c.rpc_max_burst = integer("limits.rpc_max_burst");
    c.rpc_max_conns_per_client = integer("limits.rpc_max_conns_per_client");
    c.rpc_protocol = integer("protocol");
    c.rpc_enable_streaming = flag("rpc.enable_streaming", c.server_mode);
    c.use_streaming_backend = flag("use_streaming_backend", true);
    c.server_name = text("server_name");
    c.cache = {.entry_fetch_rate = rate("cache.entry_fetch_rate", kUnlimited),
               .entry_fetch_max_burst = integer("cache.entry_fetch_max_burst", 2)};
  }

  /// This edition has none, but what is said of them is looked at.
  Result<> segments() {
    const Value* list = at("segments");
    for (const Value& segment : list ? *list->as_list() : Value::ListType{}) {
      const Value* name = segment.find("name");
      const Value* port = segment.find("port");
      if (port && port->number() > 0) continue;
      return fail("Port for segment " + base::quote(text_or(name)) + " cannot be <= 0");
    }
    if (list && !list->as_list()->empty()) return fail("Network segments are not supported in this version of Consul");
    return {};
  }

  Result<> mesh() {
    Config& c = config_;
    c.connect_enabled = flag("connect.enabled") || c.auto_encrypt_allow_tls || c.auto_config.enabled;
    c.connect_ca_provider = text("connect.ca_provider");
    if (const Value* ca = at("connect.ca_config")) c.connect_ca_config = mesh::with_state_names(*ca->as_map());
    c.connect_mesh_gateway_wan_federation_enabled = flag("connect.enable_mesh_gateway_wan_federation");
    if (c.connect_mesh_gateway_wan_federation_enabled && !c.connect_enabled) {
      return fail("'connect.enable_mesh_gateway_wan_federation=true' requires 'connect.enabled=true'");
    }
    c.connect_test_ca_leaf_root_change_spread = duration("connect.test_ca_leaf_root_change_spread");
    c.peering_enabled = flag("peering.enabled");
    c.peering_test_allow_peer_registrations = flag("peering.test_allow_peer_registrations");
    if (const Value* entries = at("config_entries.bootstrap")) {
      for (const Value& entry : *entries->as_list()) {
        const std::string at = "config_entries.bootstrap[" + std::to_string(c.config_entry_bootstrap.size()) + "]: ";
        c.config_entry_bootstrap.push_back(entry.as_map() != nullptr ? *entry.as_map() : Map<Value>());
        const auto read = catalog::valid_config_entry(c.config_entry_bootstrap.back());
        if (!read) return fail(at + read.error().detail);
      }
    }
    c.primary_gateways = expanded("primary_gateways");
    c.primary_gateways_interval = duration("primary_gateways_interval");
    c.xds_update_rate_limit = rate("xds.update_max_per_second");
    c.enable_xds_load_balancing = flag("performance.enable_xds_load_balancing");
    c.grpc_keepalive_interval = duration_at_least("performance.grpc_keepalive_interval", base::seconds(1));
    c.grpc_keepalive_timeout = duration_at_least("performance.grpc_keepalive_timeout", base::seconds(1));
    c.local_proxy_config_resync_interval = base::seconds(30);
    return {};
  }

  void ui() {
    // The names before `ui_config`, which they give way to.
    const auto moved = [&](const char* from, const char* to) {
      const Value* old = at(from);
      if (old == nullptr) return;
      warnings_.push_back("The '" + std::string(from) + "' field is deprecated. Use the '" + to + "' field instead.");
      if (at(to) == nullptr) set(own_, to, *old);
    };
    moved("ui", "ui_config.enabled");
    moved("ui_dir", "ui_config.dir");
    moved("ui_content_path", "ui_config.content_path");
    Ui& u = config_.ui;
    u.enabled = flag("ui_config.enabled");
    u.dir = text("ui_config.dir");
    std::string path = text("ui_config.content_path");
    if (path.empty()) path = "ui";
    path.erase(0, path.find_first_not_of('/'));
    path.resize(path.find_last_not_of('/') + 1);
    u.content_path = "/" + path + "/";
    const char* const hcp = std::getenv("CONSUL_HCP_ENABLED");
    u.hcp_enabled = hcp != nullptr && std::string_view(hcp) == "true";
    u.metrics_provider = text("ui_config.metrics_provider");
    u.metrics_provider_files = texts("ui_config.metrics_provider_files");
    u.metrics_provider_options_json = text("ui_config.metrics_provider_options_json");
    u.metrics_proxy.base_url = text("ui_config.metrics_proxy.base_url");
    if (const Value* headers = at("ui_config.metrics_proxy.add_headers")) {
      for (const Value& header : *headers->as_list()) {
        u.metrics_proxy.add_headers.push_back(
            {.name = text_or(header.find("name")), .value = text_or(header.find("value"))});
      }
    }
    u.metrics_proxy.path_allowlist = texts("ui_config.metrics_proxy.path_allowlist");
    if (u.metrics_provider == "prometheus" && u.metrics_proxy.path_allowlist.empty()) {
      u.metrics_proxy.path_allowlist = {"/api/v1/query", "/api/v1/query_range"};
    }
    u.dashboard_url_templates = text_map_of(at("ui_config.dashboard_url_templates"));
  }

  Settings& own_;  // what the reader reads
  Config config_;
};

}  // namespace

Result<Config> build(Settings settings, bool development, const Surroundings& host, std::vector<std::string>& warnings,
                     std::vector<std::string>& errors) {
  return Builder(settings, host, warnings, errors).run(development);
}

}  // namespace proconsul::agent::config
