#include "agent/http_settings.h"

namespace proconsul::agent {

http::Settings http_settings(const config::Config& config) {
  http::Settings settings;
  settings.datacenter = config.datacenter;
  settings.node_name = config.node_name;
  settings.dev_mode = config.dev_mode;
  settings.default_acl_policy = config.acls_enabled ? config.acl_resolver.default_policy : "allow";
  settings.translate_wan_addresses = config.translate_wan_addrs;
  settings.response_headers.insert(config.http_response_headers.begin(), config.http_response_headers.end());
  settings.block_endpoints.assign(config.http_block_endpoints.begin(), config.http_block_endpoints.end());
  for (const config::Network& network : config.allow_write_http_from) {
    settings.allow_write_from.push_back(network.to_string());
  }
  settings.use_cache = config.http_use_cache;
  settings.use_streaming_backend = config.use_streaming_backend;
  settings.discovery_max_stale = config.discovery_max_stale;
  settings.max_query_time = config.max_query_time;
  settings.default_query_time = config.default_query_time;
  settings.rpc_hold_timeout = config.rpc_hold_timeout;
  if (config.session_ttl_min.nanoseconds > 0) settings.session_ttl_min = config.session_ttl_min;
  settings.kv_max_value_size = config.kv_max_value_size;
  settings.txn_max_ops = config.txn_max_ops;
  settings.txn_max_req_len = config.txn_max_req_len;
  if (config.http_max_header_bytes > 0) {
    settings.max_header_bytes = static_cast<std::uint32_t>(config.http_max_header_bytes);
  }
  settings.max_connections_per_client = config.http_max_conns_per_client;
  settings.handshake_timeout = config.https_handshake_timeout;
  settings.allow_unprintable_paths = config.disable_http_unprintable_char_filter;
  settings.serf_lan_address = config.serf_advertise_addr_lan.ip.to_string();
  settings.serf_wan_address = config.serf_advertise_addr_wan.ip.to_string();
  settings.acls_enabled = config.acls_enabled;
  settings.key_list_policy = config.acl_enable_key_list_policy;
  settings.scratch_directory = config.data_dir;
  settings.disable_coordinates = config.disable_coordinates;
  settings.connect_enabled = config.connect_enabled;
  settings.default_intention_policy = config.default_intention_policy;
  for (const std::string& domain : {config.dns_domain, config.dns_alt_domain}) {
    if (!domain.empty()) settings.dns_domains.push_back(domain);
  }
  settings.ui_enabled = config.ui.enabled || !config.ui.dir.empty();
  settings.ui_content_path = config.ui.content_path;
  return settings;
}

ui_proxy::SiteSettings site_settings(const config::Config& config) {
  const config::Ui& ui = config.ui;
  ui_proxy::SiteSettings settings{.content_path = ui.content_path,
                                  .folder = ui.dir,
                                  .datacenter = config.datacenter,
                                  .primary_datacenter = config.primary_datacenter,
                                  .acls_enabled = config.acls_enabled,
                                  .peering_enabled = config.peering_enabled,
                                  .hcp_enabled = ui.hcp_enabled,
                                  .metrics_proxy_enabled = !ui.metrics_proxy.base_url.empty(),
                                  .metrics_provider = ui.metrics_provider,
                                  .metrics_provider_options_json = ui.metrics_provider_options_json};
  settings.metrics_provider_files.assign(ui.metrics_provider_files.begin(), ui.metrics_provider_files.end());
  settings.dashboard_url_templates.insert(ui.dashboard_url_templates.begin(), ui.dashboard_url_templates.end());
  return settings;
}

ui_proxy::MetricsProxySettings metrics_proxy_settings(const config::Config& config) {
  const config::UiMetricsProxy& given = config.ui.metrics_proxy;
  ui_proxy::MetricsProxySettings settings{.base_url = given.base_url};
  settings.path_allowlist.assign(given.path_allowlist.begin(), given.path_allowlist.end());
  for (const config::UiHeader& header : given.add_headers) settings.add_headers.emplace_back(header.name, header.value);
  return settings;
}

http::RequestLimits::Options request_limits(const config::Config& config) {
  return {.mode = static_cast<http::RequestLimits::Mode>(config.request_limits_mode),
          .read_rate = config.request_limits_read_rate,
          .write_rate = config.request_limits_write_rate,
          .rpc_rate = config.rpc_rate_limit,
          .rpc_burst = config.rpc_max_burst};
}

}  // namespace proconsul::agent
