#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <map>
#include <system_error>

#include "agent/config/build.h"
#include "agent/config/source.h"
#include "agent/local/rules.h"
#include "agent/mesh/authority_config.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/regex.h"
#include "base/time.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::config {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kMaxLabelLength = 63;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

bool all_of(std::string_view text, auto&& accepts) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) { return accepts(c); });
}

Result<> basic_name(const std::string& field, const std::string& value, bool may_be_empty) {
  if (value.empty()) {
    if (may_be_empty) return {};
    return fail(field + " cannot be empty");
  }
  if (!all_of(value, [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '_' || c == '-'; })) {
    return fail(field + " can only contain lowercase alphanumeric, - or _ characters. received: " + base::quote(value));
  }
  return {};
}

bool is_http_url(const std::string& text) {
  static const base::Regex pattern = *base::Regex::compile(R"(^https?://[^ \x00-\x1f]*$)");
  return pattern.matches(text);
}

class Validator {
 public:
  Validator(const Config& config, const Surroundings& host, std::vector<std::string>& warnings)
      : c_(config), host_(host), warnings_(warnings) {}

  Result<> run(const std::vector<std::string>& errors) {
    using Step = Result<> (Validator::*)();
    for (Step step :
         {&Validator::datacenter, &Validator::ui, &Validator::data_dir, &Validator::node, &Validator::addresses,
          &Validator::server, &Validator::old_data, &Validator::addresses_are_unique}) {
      if (Result<> ok = (this->*step)(); !ok) return ok;
    }
    if (!errors.empty()) return fail(error_list(errors));
    for (Step step : {&Validator::definitions, &Validator::roles, &Validator::advice, &Validator::limits}) {
      if (Result<> ok = (this->*step)(); !ok) return ok;
    }
    return {};
  }

 private:
  void warn(std::string text) { warnings_.push_back(std::move(text)); }

  Result<> datacenter() {
    if (c_.raft_protocol != 3) {
      return fail("raft_protocol version " + std::to_string(c_.raft_protocol) +
                  " is not supported by this version of Consul");
    }
    if (Result<> ok = basic_name("datacenter", c_.datacenter, false); !ok) return ok;
    const std::string& name = c_.datacenter;
    if (name.find('_') != name.npos || name.starts_with('-') || name.ends_with('-') || name.size() > kMaxLabelLength) {
      warn("Datacenter : " + base::quote(name) +
           " will not be PKI X.509 compatible due to invalid characters. Valid characters include lowercase "
           "alphanumeric characters with dashes in between.");
    }
    if (c_.data_dir.empty() && !c_.dev_mode) return fail("data_dir cannot be empty");
    return {};
  }

  Result<> ui() {
    const Ui& ui = c_.ui;
    if (!all_of(ui.content_path, [](unsigned char c) { return std::isalnum(c) || c == '/' || c == '_' || c == '-'; })) {
      return fail("ui-content-path can only contain alphanumeric, -, _, or /. received: " +
                  base::quote(ui.content_path));
    }
    static const base::Regex version = *base::Regex::compile(R"(^/v\d+/$)");
    if (version.matches(ui.content_path)) {
      return fail("ui-content-path cannot have 'v[0-9]'. received: " + base::quote(ui.content_path));
    }
    if (Result<> ok = basic_name("ui_config.metrics_provider", ui.metrics_provider, true); !ok) return ok;
    if (const std::string& options = ui.metrics_provider_options_json; !options.empty()) {
      if (!base::from_json<base::Map<base::Value>>(options)) {
        return fail(
            "ui_config.metrics_provider_options_json must be empty or a string containing a valid JSON object. "
            "received: " +
            base::quote(options));
      }
    }
    const std::string& base_url = ui.metrics_proxy.base_url;
    if (!base_url.empty() && !is_http_url(base_url)) {
      return fail("ui_config.metrics_proxy.base_url must be a valid http or https URL. received: " +
                  base::quote(base_url));
    }
    for (const std::string& path : ui.metrics_proxy.path_allowlist) {
      if (!path.starts_with('/') || path.starts_with("//") || path.find_first_of("?#% ") != path.npos) {
        return fail("ui_config.metrics_proxy.path_allowlist: path " + base::quote(path) + " is not an absolute path");
      }
    }
    for (const auto& [name, url] : ui.dashboard_url_templates) {
      if (Result<> ok = basic_name("ui_config.dashboard_url_templates key names", name, false); !ok) return ok;
      if (!is_http_url(url)) {
        return fail("ui_config.dashboard_url_templates values must be a valid http or https URL. received: " +
                    base::quote(base_url));
      }
    }
    return {};
  }

  Result<> data_dir() {
    if (c_.dev_mode) return {};
    std::error_code code;
    const fs::file_status status = fs::status(c_.data_dir, code);
    if (status.type() == fs::file_type::not_found) return {};
    if (code) return fail("Error getting info on data_dir: stat " + c_.data_dir + ": " + code.message());
    if (!fs::is_directory(status)) return fail("data_dir " + base::quote(c_.data_dir) + " is not a directory");
    return {};
  }

  Result<> node() {
    const std::string& name = c_.node_name;
    if (name.empty()) return fail("node_name cannot be empty");
    if (!all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '\\'; })) {
      warn("Node name " + base::quote(name) +
           " will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics "
           "and dashes.");
    } else if (name.size() > kMaxLabelLength) {
      warn("Node name " + base::quote(name) +
           " will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and 63 bytes.");
    }
    if (c_.locality && c_.locality->Region.empty() && !c_.locality->Zone.empty()) {
      return fail("locality is invalid: zone cannot be set without region");
    }
    return {};
  }

  Result<> addresses() {
    if (c_.advertise_addr_lan.is_any()) return fail("Advertise address cannot be 0.0.0.0, :: or [::]");
    if (c_.advertise_addr_wan.is_any()) return fail("Advertise WAN address cannot be 0.0.0.0, :: or [::]");
    if (!c_.segment_name.empty()) return fail("Network segments are not supported in this version of Consul");
    for (const Address& address : c_.dns_addrs) {
      if (address.kind == Address::Kind::unix_socket) return fail("DNS address cannot be a unix socket");
    }
    for (const std::string& recursor : c_.dns_recursors) {
      if (recursor == "0.0.0.0" || recursor == "::" || recursor == "[::]") {
        return fail("DNS recursor address cannot be 0.0.0.0, :: or [::]");
      }
    }
    const std::string_view alt = c_.dns_alt_domain;
    const std::string_view first = alt.substr(0, std::min(alt.find('.'), alt.size()));
    const bool reserved = first == "service" || first == "connect" || first == "node" || first == "query" ||
                          first == "addr" || first == c_.datacenter;
    if (reserved && alt.size() > first.size()) {
      return fail("alt_domain cannot start with {service,connect,node,query,addr," + c_.datacenter + "}");
    }
    return {};
  }

  Result<> server() {
    const std::string expect = std::to_string(c_.bootstrap_expect);
    if (c_.bootstrap && !c_.server_mode) return fail("'bootstrap = true' requires 'server = true'");
    if (c_.bootstrap_expect < 0) {
      return fail("bootstrap_expect cannot be " + expect + ". Must be greater than or equal to zero");
    }
    if (c_.bootstrap_expect > 0 && !c_.server_mode) return fail("'bootstrap_expect > 0' requires 'server = true'");
    if (c_.bootstrap_expect > 0 && c_.dev_mode) return fail("'bootstrap_expect > 0' not allowed in dev mode");
    if (c_.bootstrap_expect > 0 && c_.bootstrap) {
      return fail("'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive");
    }
    if (c_.check_output_max_size < 1) {
      return fail("check_output_max_size must be positive, to discard check output use the discard_check_output flag");
    }
    if (c_.autopilot_max_trailing_logs < 0) {
      return fail("autopilot.max_trailing_logs cannot be " + std::to_string(c_.autopilot_max_trailing_logs) +
                  ". Must be greater than or equal to zero");
    }
    if (Result<> ok = failure_options(); !ok) return ok;
    if (Result<> ok = basic_name("primary_datacenter", c_.primary_datacenter, true); !ok) return ok;
    if (!c_.dev_mode && c_.ui.enabled && !c_.ui.dir.empty()) {
      return fail(
          "Both the ui_config.enabled and ui_config.dir (or -ui and -ui-dir) were specified, please provide only "
          "one.\nIf trying to use your own web UI resources, use ui_config.dir or the -ui-dir flag.\nThe web UI is "
          "included in the binary so use ui_config.enabled or the -ui flag to enable it");
    }
    if (c_.dns_udp_answer_limit < 0) {
      return fail("dns_config.udp_answer_limit cannot be " + std::to_string(c_.dns_udp_answer_limit) +
                  ". Must be greater than or equal to zero");
    }
    if (c_.dns_a_record_limit < 0) {
      return fail("dns_config.a_record_limit cannot be " + std::to_string(c_.dns_a_record_limit) +
                  ". Must be greater than or equal to zero");
    }
    if (Result<> ok = catalog::validate_node_meta(c_.node_meta, false); !ok) {
      return fail("node_meta invalid: " + ok.error().detail);
    }
    if (!c_.encrypt_key.empty()) {
      if (auto key = base::from_base64(c_.encrypt_key); !key) {
        return fail("encrypt has invalid key: " + key.error().detail);
      }
    }
    if (c_.connect_mesh_gateway_wan_federation_enabled) {
      const std::string setting = "'connect.enable_mesh_gateway_wan_federation = true'";
      if (!c_.server_mode) return fail(setting + " requires 'server = true'");
      if (c_.node_name.find('/') != std::string::npos) {
        return fail(setting + " requires that 'node_name' not contain '/' characters");
      }
      if (!c_.retry_join_wan.empty()) return fail("'retry_join_wan' is incompatible with " + setting);
    }
    if (!c_.primary_gateways.empty()) {
      if (!c_.server_mode) return fail("'primary_gateways' requires 'server = true'");
      if (c_.primary_datacenter == c_.datacenter) {
        return fail("'primary_gateways' should only be configured in a secondary datacenter");
      }
    }
    return {};
  }

  /// Data of the versions before 0.6, which nobody converts any more, must not be taken for an empty directory.
  /// Ours: mass_failure_brake and flap_damping.
  Result<> failure_options() {
    const auto between = [&](const char* key, std::int64_t value, std::int64_t least, std::int64_t most) -> Result<> {
      if (value >= least && value <= most) return {};
      return fail(std::string(key) + " cannot be " + std::to_string(value) + ". Must be between " +
                  std::to_string(least) + " and " + std::to_string(most));
    };
    // Longer, and members would be forgotten before the catalog hears that they failed.
    const auto time = [&](const char* key, base::Duration value) -> Result<> {
      if (value >= base::seconds(1) && value <= base::seconds(8 * 3600)) return {};
      return fail(std::string(key) + " cannot be " + base::to_string(value) + ". Must be between 1s and 8h");
    };
    const MassFailureBrake& brake = c_.mass_failure_brake;
    const FlapDamping& damping = c_.flap_damping;
    for (Result<> ok :
         {between("mass_failure_brake.max_failed_percent", brake.max_failed_percent, 1, 99),
          between("mass_failure_brake.min_failed", brake.min_failed, 1, 1'000'000),
          time("mass_failure_brake.window", brake.window), time("mass_failure_brake.max_hold", brake.max_hold),
          between("flap_damping.max_changes", damping.max_changes, 1, 1000),
          time("flap_damping.window", damping.window), time("flap_damping.stable_time", damping.stable_time)}) {
      if (!ok) return ok;
    }
    return {};
  }

  Result<> old_data() {
    if (!c_.server_mode) return {};
    const std::string path = (fs::path(c_.data_dir) / "mdb").string();
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (code == std::errc::permission_denied) {
      return fail("CRITICAL: Permission denied for data folder at " + base::quote(path) +
                  "!\nConsul will refuse to boot without access to this directory.\nPlease correct permissions and try "
                  "starting again.");
    }
    if (fs::exists(status)) {
      return fail("CRITICAL: Deprecated data folder found at " + base::quote(path) +
                  "!\nConsul will refuse to boot with this directory present.\nSee "
                  "https://developer.hashicorp.com/docs/upgrade-specific.html for more information.");
    }
    const std::string& backend = c_.raft_log_store.backend;
    if (backend != "boltdb" && backend != "wal" && backend != "default") {
      return fail("raft_logstore.backend must be one of 'boltdb' or 'wal'");
    }
    if (c_.raft_log_store.wal.segment_size < 1 << 20) {
      return fail("raft_logstore.wal.segment_size_mb cannot be less than 1MB");
    }
    if (c_.raft_log_store.wal.segment_size > 1 << 30) {
      return fail("raft_logstore.wal.segment_size_mb cannot be greater than 1024 (1GiB)");
    }
    return {};
  }

  Result<> addresses_are_unique() {
    std::map<std::string, std::string> used;
    const auto take = [&](const std::string& name, const Address& address) -> Result<> {
      if (!address.is_set()) return {};
      auto [other, added] = used.emplace(address.to_url(), name);
      if (added) return {};
      return fail(name + " address " + address.to_string() + " already configured for " + other->second);
    };
    const auto take_all = [&](const std::string& name, const List<Address>& addresses) -> Result<> {
      for (const Address& address : addresses) {
        if (Result<> ok = take(name, address); !ok) return ok;
      }
      return {};
    };
    if (Result<> ok = take_all("DNS", c_.dns_addrs); !ok) return ok;
    if (Result<> ok = take_all("HTTP", c_.http_addrs); !ok) return ok;
    if (Result<> ok = take_all("HTTPS", c_.https_addrs); !ok) return ok;
    if (Result<> ok = take("RPC Advertise", c_.rpc_advertise_addr); !ok) return ok;
    if (Result<> ok = take("Serf Advertise LAN", c_.serf_advertise_addr_lan); !ok) return ok;
    return take("Serf Advertise WAN", c_.serf_advertise_addr_wan);
  }

  Result<> definitions() {
    const auto at = [](const std::vector<std::string>& origins, std::size_t i) {
      return i < origins.size() && !origins[i].empty() ? " (" + origins[i] + ")" : "";
    };
    for (std::size_t i = 0; i < c_.services.size(); ++i) {
      const catalog::ServiceDefinition& service = c_.services[i];
      if (Result<> ok = local::validate_service(service); !ok) {
        return fail("service " + base::quote(service.Name) + ": " + ok.error().detail + at(c_.service_origins, i));
      }
    }
    for (std::size_t i = 0; i < c_.checks.size(); ++i) {
      const catalog::CheckDefinition& check = c_.checks[i];
      if (Result<> ok = local::validate_check(check); !ok) {
        return fail("check " + base::quote(check.Name) + ": " + ok.error().detail + at(c_.check_origins, i));
      }
    }
    return {};
  }

  Result<> roles() {
    const std::string& provider = c_.connect_ca_provider;
    if (!provider.empty() && provider != "consul" && provider != "vault" && provider != "aws-pca") {
      return fail(provider + " is not a valid CA provider");
    }
    if (provider == mesh::kBuiltinProvider) {
      if (const auto parsed = mesh::read_authority_config(c_.connect_ca_config); !parsed) {
        return fail(parsed.error().detail);
      }
    }
    if (provider == "vault") {
      const bool primary = c_.primary_datacenter == c_.datacenter;
      if (Result<> ok = mesh::check_vault_config(c_.connect_ca_config, primary); !ok) return fail(ok.error().detail);
    }
    if (c_.server_mode && c_.auto_encrypt_tls) return fail("auto_encrypt.tls can only be used on a client.");
    if (!c_.server_mode && c_.auto_encrypt_allow_tls)
      return fail("auto_encrypt.allow_tls can only be used on a server.");
    if (c_.server_mode && c_.advertise_reconnect_timeout.nanoseconds != 0) {
      return fail("advertise_reconnect_timeout can only be used on a client");
    }
    return {};
  }

  Result<> advice() {
    const bool several = c_.server_mode && !c_.bootstrap;
    const std::string table = " See https://developer.hashicorp.com/docs/internals/consensus.html#deployment-table";
    if (several && !c_.dev_mode && c_.bootstrap_expect == 2) {
      warn("bootstrap_expect = 2: A cluster with 2 servers will provide no failure tolerance." + table);
    }
    if (several && c_.bootstrap_expect > 2 && c_.bootstrap_expect % 2 == 0) {
      warn(
          "bootstrap_expect is even number: A cluster with an even number of servers does not achieve optimum fault "
          "tolerance." +
          table);
    }
    if (c_.server_mode && c_.bootstrap && c_.bootstrap_expect == 0) {
      warn("bootstrap = true: do not enable unless necessary");
    }
    if (several && !c_.dev_mode && c_.bootstrap_expect > 1) {
      warn("bootstrap_expect > 0: expecting " + std::to_string(c_.bootstrap_expect) + " servers");
    }
    if (c_.server_mode && c_.use_streaming_backend && !c_.rpc_enable_streaming) {
      warn("use_streaming_backend = true requires rpc.enable_streaming on servers to work properly");
    }
    if (!c_.server_mode && c_.rpc_enable_streaming) {
      warn("rpc.enable_streaming = true has no effect when not running in server mode");
    }
    if (c_.auto_encrypt_allow_tls && !c_.tls.internal_rpc.verify_incoming) {
      warn(
          "if auto_encrypt.allow_tls is turned on, tls.internal_rpc.verify_incoming should be enabled (either "
          "explicitly or via tls.defaults.verify_incoming). It is necessary to turn it off during a migration to TLS, "
          "but it should definitely be turned on afterwards.");
    }
    return {};
  }

  /// What it says of tokens is looked at when the method is made: that may mean to ask other servers.
  Result<> authorizer() {
    if (!c_.auto_config.authorizer.enabled) return {};
    if (c_.acls_enabled && c_.primary_datacenter != c_.datacenter && !c_.acl_token_replication) {
      return fail(
          "Enabling auto-config authorization (auto_config.authorization.enabled) in non primary datacenters with ACLs "
          "enabled (acl.enabled) requires also enabling ACL token replication (acl.enable_token_replication)");
    }
    if (!c_.server_mode) return fail("auto_config.authorization.enabled cannot be set to true for client agents");
    if (c_.tls.internal_rpc.cert_file.empty()) {
      return fail("auto_config.authorization.enabled cannot be set without providing a TLS certificate for the server");
    }
    return {};
  }

  Result<> limits() {
    if (c_.txn_max_ops == 0) return fail("limits.txn_max_ops cannot be 0. Must be at least 1");
    const auto wanted = static_cast<std::uint64_t>(std::max<Int>(c_.http_max_conns_per_client, 0)) + 20;
    if (c_.http_max_conns_per_client > 0 && host_.file_limit > 0 && host_.file_limit < wanted) {
      return fail("system allows a max of " + std::to_string(host_.file_limit) +
                  " file descriptors, but limits.http_max_conns_per_client: " +
                  std::to_string(c_.http_max_conns_per_client) + " needs at least " + std::to_string(wanted));
    }
    if (c_.auto_config.enabled && c_.auto_encrypt_tls) {
      return fail("both auto_encrypt.tls and auto_config.enabled cannot be set to true.");
    }
    if (Result<> ok = authorizer(); !ok) return ok;
    if (c_.auto_config.enabled) {
      if (!c_.tls.internal_rpc.verify_outgoing) {
        return fail("auto_config.enabled cannot be set without configuring TLS for server communications");
      }
      if (c_.server_mode) return fail("auto_config.enabled cannot be set to true for server agents.");
      const bool has_token = !c_.auto_config.intro_token.empty(), has_file = !c_.auto_config.intro_token_file.empty();
      if (has_token && has_file) {
        warn("Both an intro token and intro token file are set. The intro token will be used instead of the file");
      } else if (!has_token && !has_file) {
        return fail(
            "One of auto_config.intro_token, auto_config.intro_token_file or the CONSUL_INTRO_TOKEN environment "
            "variable must be set to enable auto_config");
      }
      if (c_.auto_config.server_addresses.empty()) {
        return fail("auto_config.enabled is set without providing a list of addresses");
      }
    }
    if (c_.enable_remote_script_checks && !c_.acls_enabled && c_.allow_write_http_from.empty()) {
      warn(
          "using enable-script-checks without ACLs and without allow_write_http_from is DANGEROUS, use "
          "enable-local-script-checks instead, see "
          "https://www.hashicorp.com/blog/protecting-consul-from-rce-risk-in-specific-configurations/");
    }
    return {};
  }

  const Config& c_;
  const Surroundings& host_;
  std::vector<std::string>& warnings_;
};

}  // namespace

Result<> validate(const Config& config, const Surroundings& host, std::vector<std::string>& warnings,
                  const std::vector<std::string>& errors) {
  return Validator(config, host, warnings).run(errors);
}

}  // namespace proconsul::agent::config
