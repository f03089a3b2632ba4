#include "agent/config/build.h"

#include <cctype>
#include <cstdlib>
#include <set>

#include "agent/config/build_network.h"
#include "agent/config/definition.h"
#include "agent/config/source.h"
#include "agent/config/template.h"
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
// Blocked unless a prefix names it.
constexpr std::string_view kServerCallMetric = "rpc.server.call";
constexpr std::int64_t kMaxRaftMultiplier = 10;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string trimmed(std::string text) {
  const char* spaces = " \t\r\n\v\f";
  text.erase(0, text.find_first_not_of(spaces));
  const std::size_t last = text.find_last_not_of(spaces);
  text.resize(last == text.npos ? 0 : last + 1);
  return text;
}

class Builder {
 public:
  Builder(Settings settings, const Surroundings& host, std::vector<std::string>& warnings,
          std::vector<std::string>& errors)
      : settings_(std::move(settings)), host_(host), warnings_(warnings), errors_(errors) {}

  Result<Config> run(bool development) {
    config_.dev_mode = development;
    identity();
    definitions();
    if (Result<> built = build_network(settings_, host_, config_, warnings_, errors_); !built) return built.error();
    http();
    telemetry();
    if (Result<> built = raft(); !built) return built.error();
    dns();
    gossip();
    acl();
    if (Result<> built = mesh(); !built) return built.error();
    ui();
    if (Result<> built = tls(); !built) return built.error();
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
  const Value* at(std::string_view path) const { return find(settings_, path); }
  std::string text(std::string_view path, std::string fallback = {}) const {
    return text_or(at(path), std::move(fallback));
  }
  bool flag(std::string_view path, bool fallback = false) const { return boolean_or(at(path), fallback); }
  std::int64_t integer(std::string_view path, std::int64_t fallback = 0) const {
    return integer_or(at(path), fallback);
  }
  std::uint64_t size(std::string_view path) const { return static_cast<std::uint64_t>(integer(path)); }
  List<std::string> texts(std::string_view path) const { return texts_of(at(path)); }
  Duration duration(std::string_view path) { return read_duration(std::string(path), at(path), errors_); }
  Duration duration_at_least(std::string_view path, Duration least) {
    const Duration value = duration(path);
    if (value < least) {
      errors_.push_back(std::string(path) + ": duration '" + text(path) + "' cannot be less than: " + to_string(least));
    }
    return value;
  }
  /// Negative is no limit.
  double rate(std::string_view path, double fallback = 0) const {
    const double value = number_or(at(path), fallback);
    return value < 0 ? kUnlimited : value;
  }
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

  void telemetry() {
    Telemetry& t = config_.telemetry;
    const auto own = [&](const char* key) { return text("telemetry." + std::string(key)); };
    t.circonus_api_app = own("circonus_api_app");
    t.circonus_api_token = own("circonus_api_token");
    t.circonus_api_url = own("circonus_api_url");
    t.circonus_broker_id = own("circonus_broker_id");
    t.circonus_broker_select_tag = own("circonus_broker_select_tag");
    t.circonus_check_display_name = own("circonus_check_display_name");
    t.circonus_check_force_metric_activation = own("circonus_check_force_metric_activation");
    t.circonus_check_id = own("circonus_check_id");
    t.circonus_check_instance_id = own("circonus_check_instance_id");
    t.circonus_check_search_tag = own("circonus_check_search_tag");
    t.circonus_check_tags = own("circonus_check_tags");
    t.circonus_submission_interval = own("circonus_submission_interval");
    t.circonus_submission_url = own("circonus_submission_url");
    t.disable_hostname = flag("telemetry.disable_hostname");
    t.disable_per_tenancy_usage_metrics = flag("telemetry.disable_per_tenancy_usage_metrics");
    t.dogstatsd_addr = own("dogstatsd_addr");
    t.dogstatsd_tags = texts("telemetry.dogstatsd_tags");
    t.retry_failed_connection = flag("telemetry.retry_failed_connection");
    t.filter_default = flag("telemetry.filter_default");
    t.metrics_prefix = own("metrics_prefix");
    t.statsd_addr = own("statsd_address");
    t.statsite_addr = own("statsite_address");
    t.enable_host_metrics =
        flag("telemetry.enable_host_metrics", config_.server_mode && !config_.cloud.resource_id.empty());
    t.prometheus = {
        .expiration = read_duration("prometheus_retention_time", at("telemetry.prometheus_retention_time"), errors_),
        .name = t.metrics_prefix};

    const std::string server_call = t.metrics_prefix + "." + std::string(kServerCallMetric);
    bool named = false;
    for (const std::string& rule : texts("telemetry.prefix_filter")) {
      if (rule.empty()) {
        warnings_.push_back("Cannot have empty filter rule in prefix_filter");
        continue;
      }
      if (rule[0] != '+' && rule[0] != '-') {
        warnings_.push_back("Filter rule must begin with either '+' or '-': " + base::quote(rule));
        continue;
      }
      std::string prefix = rule.substr(1);
      named = named || prefix == server_call;
      (rule[0] == '+' ? t.allowed_prefixes : t.blocked_prefixes).push_back(std::move(prefix));
    }
    if (!named) t.blocked_prefixes.push_back(server_call);
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

  /// Texts that may hold address templates.
  List<std::string> expanded(const std::string& path) {
    List<std::string> out;
    out.make_present();
    for (const std::string& item : texts(path)) {
      if (item.empty()) continue;
      Result<std::string> result = expand_template(item, host_);
      if (!result) {
        errors_.push_back(path + ": error parsing " + base::quote(item) + ": " + result.error().detail);
      } else if (*result == item) {
        out.push_back(item);
      } else {
        for (std::string& word : words_of(*result)) out.push_back(std::move(word));
      }
    }
    return out;
  }

  void acl() {
    Config& c = config_;
    c.acls_enabled = flag("acl.enabled");
    c.acl_resolver = {.enabled = c.acls_enabled,
                      .datacenter = c.datacenter,
                      .node_name = c.node_name,
                      .policy_ttl = duration("acl.policy_ttl"),
                      .token_ttl = duration("acl.token_ttl"),
                      .role_ttl = duration("acl.role_ttl"),
                      .down_policy = text("acl.down_policy"),
                      .default_policy = text("acl.default_policy")};
    c.acl_tokens = {.data_dir = c.data_dir,
                    .enable_persistence = flag("acl.enable_token_persistence"),
                    .user = text("acl.tokens.default"),
                    .agent = text("acl.tokens.agent"),
                    .agent_recovery = text("acl.tokens.agent_recovery"),
                    .replication = text("acl.tokens.replication"),
                    .config_file_registration = text("acl.tokens.config_file_service_registration"),
                    .dns = text("acl.tokens.dns")};
    c.acl_enable_key_list_policy = flag("acl.enable_key_list_policy");
    c.acl_initial_management_token = text("acl.tokens.initial_management");
    c.acl_token_replication = flag("acl.enable_token_replication");
    c.default_intention_policy = text("default_intention_policy");
    const std::string mode = text("limits.request_limits.mode");
    if (mode == "disabled" || mode == "permissive" || mode == "enforcing") {
      c.request_limits_mode = mode == "disabled" ? 0 : mode == "permissive" ? 1 : 2;
    } else {
      errors_.push_back("limits.request_limits.mode: invalid mode: " + base::quote(mode));
    }
    c.request_limits_read_rate = rate("limits.request_limits.read_rate");
    c.request_limits_write_rate = rate("limits.request_limits.write_rate");
    c.auto_encrypt_tls = flag("auto_encrypt.tls");
    c.auto_encrypt_allow_tls = flag("auto_encrypt.allow_tls");
    c.auto_encrypt_dns_san = texts("auto_encrypt.dns_san");
    c.auto_encrypt_ip_san = ip_texts("auto_encrypt.ip_san", "AutoEncrypt.IPSAN");
    c.auto_config = {.enabled = flag("auto_config.enabled"),
                     .intro_token = text("auto_config.intro_token"),
                     .intro_token_file = text("auto_config.intro_token_file"),
                     .server_addresses = expanded("auto_config.server_addresses"),
                     .dns_sans = texts("auto_config.dns_sans"),
                     .ip_sans = ip_texts("auto_config.ip_sans", "auto_config.ip_sans")};
    if (const char* token = std::getenv("CONSUL_INTRO_TOKEN"); token != nullptr && *token != '\0') {
      if (!c.auto_config.intro_token.empty()) {
        warnings_.push_back(
            "Both auto_config.intro_token and the CONSUL_INTRO_TOKEN environment variable are set. Using the value "
            "from the environment variable");
      }
      c.auto_config.intro_token = token;
    }
    authorizer();
  }

  void authorizer() {
    AutoConfigAuthorizer& out = config_.auto_config.authorizer;
    const std::string block = "auto_config.authorization.static.";
    out.enabled = flag("auto_config.authorization.enabled");
    out.allow_reuse = flag(block + "allow_reuse");
    out.claim_assertions = texts(block + "claim_assertions");
    for (const auto& [name, key] : {std::pair{"BoundAudiences", "bound_audiences"},
                                    {"ClaimMappings", "claim_mappings"},
                                    {"JWTSupportedAlgs", "jwt_supported_algs"},
                                    {"JWTValidationPubKeys", "jwt_validation_pub_keys"},
                                    {"ListClaimMappings", "list_claim_mappings"}}) {
      const Value* value = at(block + key);
      out.method[name] = value != nullptr ? *value : Value();
    }
    for (const auto& [name, key] : {std::pair{"BoundIssuer", "bound_issuer"},
                                    {"JWKSCACert", "jwks_ca_cert"},
                                    {"JWKSURL", "jwks_url"},
                                    {"OIDCDiscoveryCACert", "oidc_discovery_ca_cert"},
                                    {"OIDCDiscoveryURL", "oidc_discovery_url"}}) {
      out.method[name] = text(block + key);
    }
    for (const auto& [name, key] : {std::pair{"ClockSkewLeeway", "clock_skew_leeway"},
                                    {"ExpirationLeeway", "expiration_leeway"},
                                    {"NotBeforeLeeway", "not_before_leeway"}}) {
      out.method[name] = duration(block + key).nanoseconds;
    }
  }

  List<std::string> ip_texts(std::string_view path, const char* shown) {
    List<std::string> out;
    out.make_present();
    for (const std::string& item : texts(path)) {
      if (std::optional<Ip> ip = Ip::parse(item)) {
        out.push_back(ip->to_string());
      } else {
        warnings_.push_back("Cannot parse ip " + base::quote(item) + " from " + shown);
      }
    }
    return out;
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
      if (at(to) == nullptr) set(settings_, to, *old);
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

  Result<> tls() {
    Config& c = config_;
    const auto given = [&](const char* listener, const char* key) {
      return at("tls." + std::string(listener) + "." + key) != nullptr;
    };
    if (given("grpc", "verify_outgoing")) return fail("verify_outgoing is not valid in the tls.grpc stanza");
    if (given("grpc", "verify_server_hostname") || given("https", "verify_server_hostname")) {
      return fail("verify_server_hostname is only valid in the tls.defaults and tls.internal_rpc stanzas");
    }
    if (given("defaults", "use_auto_cert") || given("https", "use_auto_cert") ||
        given("internal_rpc", "use_auto_cert")) {
      return fail("use_auto_cert is only valid in the tls.grpc stanza");
    }
    const std::string default_version = tls_version("tls.defaults.tls_min_version");
    const List<std::string> default_suites = cipher_suites("tls.defaults.tls_cipher_suites", default_version);

    const auto listener = [&](const std::string& name) {
      const auto inherited = [&](const char* key) {
        const Value* own = at("tls." + name + "." + key);
        return own != nullptr ? own : at("tls.defaults." + std::string(key));
      };
      TlsListener out;
      out.ca_path = text_or(inherited("ca_path"));
      out.ca_file = text_or(inherited("ca_file"));
      out.cert_file = text_or(inherited("cert_file"));
      out.key_file = text_or(inherited("key_file"));
      out.verify_incoming = boolean_or(inherited("verify_incoming"));
      if (name != "grpc") out.verify_outgoing = boolean_or(inherited("verify_outgoing"));
      out.min_version = at("tls." + name + ".tls_min_version") == nullptr
                            ? default_version
                            : tls_version("tls." + name + ".tls_min_version");
      if (at("tls." + name + ".tls_cipher_suites") == nullptr) {
        if (out.min_version != "TLSv1_3") out.cipher_suites = default_suites;
      } else {
        out.cipher_suites = cipher_suites("tls." + name + ".tls_cipher_suites", out.min_version);
      }
      return out;
    };
    c.tls.internal_rpc = listener("internal_rpc");
    const Value* hostname = at("tls.internal_rpc.verify_server_hostname");
    if (hostname == nullptr) hostname = at("tls.defaults.verify_server_hostname");
    c.tls.internal_rpc.verify_server_hostname = boolean_or(hostname);
    // Whoever wants the server's name checked wants its certificate checked.
    if (c.tls.internal_rpc.verify_server_hostname) c.tls.internal_rpc.verify_outgoing = true;
    c.tls.https = listener("https");
    c.tls.grpc = listener("grpc");
    c.tls.grpc.use_auto_cert = flag("tls.grpc.use_auto_cert");
    c.tls.server_mode = c.server_mode;
    c.tls.server_name = c.server_name;
    c.tls.node_name = c.node_name;
    c.tls.domain = c.dns_domain;
    c.tls.enable_agent_tls_for_checks = c.enable_agent_tls_for_checks;
    c.tls.auto_tls = c.auto_encrypt_tls || c.auto_config.enabled;

    const bool grpc_tls = !c.tls.grpc.cert_file.empty() || (c.tls.auto_tls && c.tls.grpc.use_auto_cert);
    if (grpc_tls && c.grpc_port > 0 && at("ports.grpc_tls") == nullptr) {
      return fail(
          "the `ports.grpc` listener no longer supports TLS. Use `ports.grpc_tls` instead. This message is appearing "
          "because GRPC is configured to use TLS, but `ports.grpc_tls` is not defined");
    }
    return {};
  }

  std::string tls_version(const std::string& path) {
    const std::string version = text(path);
    if (version.empty()) return "TLS_AUTO";
    for (const char* known : {"TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"}) {
      if (version == known) return version;
    }
    errors_.push_back(path + ": invalid TLS version: no matching TLS version found for " + version +
                      ", please specify one of [TLS_AUTO, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]");
    return "TLS_INVALID";
  }

  List<std::string> cipher_suites(const std::string& path, const std::string& version) {
    List<std::string> out;
    if (at(path) == nullptr) return out;
    if (version == "TLSv1_3") {
      errors_.push_back(path + ": TLS 1.3 cipher suites are not configurable");
      return out;
    }
    out.make_present();
    static const std::set<std::string_view> known = {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
                                                     "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                                     "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                                                     "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                                                     "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                                     "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
                                                     "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"};
    std::string unmatched;
    std::string rest = trimmed(text(path));
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      std::string suite = rest.substr(0, comma);
      rest = comma == rest.npos ? std::string() : rest.substr(comma + 1);
      if (!known.contains(suite)) unmatched += (unmatched.empty() ? "" : ",") + suite;
      out.push_back(std::move(suite));
    }
    if (!unmatched.empty()) {
      errors_.push_back(path + ": invalid TLS cipher suites: no matching Consul Agent TLS cipher suite found for " +
                        unmatched);
      out.clear();
    }
    return out;
  }

  Settings settings_;
  const Surroundings& host_;
  std::vector<std::string>& warnings_;
  std::vector<std::string>& errors_;
  Config config_;
};

}  // namespace

Result<Config> build(Settings settings, bool development, const Surroundings& host, std::vector<std::string>& warnings,
                     std::vector<std::string>& errors) {
  return Builder(std::move(settings), host, warnings, errors).run(development);
}

}  // namespace proconsul::agent::config
