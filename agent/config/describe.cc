// Consul's names of the configuration, under which DebugConfig shows it.
#include "agent/config/describe.h"

namespace proconsul::agent::config {

PROCONSUL_DESCRIBE_TYPE(Ip, "net.IPAddr") {}
PROCONSUL_DESCRIBE_TYPE(Address, "net.Addr") {}
PROCONSUL_DESCRIBE_TYPE(Network, "net.IPNet") {}

PROCONSUL_DESCRIBE_TYPE(TlsListener, "tlsutil.ProtocolConfig") {
  type.field("VerifyIncoming", &TlsListener::verify_incoming);
  type.field("CAFile", &TlsListener::ca_file);
  type.field("CAPath", &TlsListener::ca_path);
  type.field("CertFile", &TlsListener::cert_file);
  type.field("KeyFile", &TlsListener::key_file);
  type.field("TLSMinVersion", &TlsListener::min_version);
  type.field("CipherSuites", &TlsListener::cipher_suites);
  type.field("VerifyOutgoing", &TlsListener::verify_outgoing);
  type.field("VerifyServerHostname", &TlsListener::verify_server_hostname);
  type.field("UseAutoCert", &TlsListener::use_auto_cert);
}

PROCONSUL_DESCRIBE_TYPE(Tls, "tlsutil.Config") {
  type.field("ServerMode", &Tls::server_mode);
  type.field("InternalRPC", &Tls::internal_rpc);
  type.field("GRPC", &Tls::grpc);
  type.field("HTTPS", &Tls::https);
  type.field("NodeName", &Tls::node_name);
  type.field("ServerName", &Tls::server_name);
  type.field("Domain", &Tls::domain);
  type.field("EnableAgentTLSForChecks", &Tls::enable_agent_tls_for_checks);
  type.field("AutoTLS", &Tls::auto_tls);
}

PROCONSUL_DESCRIBE_TYPE(Logging, "logging.Config") {
  type.field("LogLevel", &Logging::level);
  type.field("LogJSON", &Logging::json);
  type.field("Name", &Logging::name);
  type.field("EnableSyslog", &Logging::syslog);
  type.field("SyslogFacility", &Logging::syslog_facility);
  type.field("LogFilePath", &Logging::file);
  type.field("LogRotateDuration", &Logging::rotate_duration);
  type.field("LogRotateBytes", &Logging::rotate_bytes);
  type.field("LogRotateMaxFiles", &Logging::rotate_max_files);
}

PROCONSUL_DESCRIBE_TYPE(Prometheus, "prometheus.PrometheusOpts") {
  type.field("Expiration", &Prometheus::expiration);
  type.field("Name", &Prometheus::name);
}

PROCONSUL_DESCRIBE_TYPE(Telemetry, "lib.TelemetryConfig") {
  type.field("Disable", &Telemetry::disable);
  type.field("CirconusAPIApp", &Telemetry::circonus_api_app);
  type.field("CirconusAPIToken", &Telemetry::circonus_api_token);
  type.field("CirconusAPIURL", &Telemetry::circonus_api_url);
  type.field("CirconusBrokerID", &Telemetry::circonus_broker_id);
  type.field("CirconusBrokerSelectTag", &Telemetry::circonus_broker_select_tag);
  type.field("CirconusCheckDisplayName", &Telemetry::circonus_check_display_name);
  type.field("CirconusCheckForceMetricActivation", &Telemetry::circonus_check_force_metric_activation);
  type.field("CirconusCheckID", &Telemetry::circonus_check_id);
  type.field("CirconusCheckInstanceID", &Telemetry::circonus_check_instance_id);
  type.field("CirconusCheckSearchTag", &Telemetry::circonus_check_search_tag);
  type.field("CirconusCheckTags", &Telemetry::circonus_check_tags);
  type.field("CirconusSubmissionInterval", &Telemetry::circonus_submission_interval);
  type.field("CirconusSubmissionURL", &Telemetry::circonus_submission_url);
  type.field("DisableHostname", &Telemetry::disable_hostname);
  type.field("DisablePerTenancyUsageMetrics", &Telemetry::disable_per_tenancy_usage_metrics);
  type.field("DogstatsdAddr", &Telemetry::dogstatsd_addr);
  type.field("DogstatsdTags", &Telemetry::dogstatsd_tags);
  type.field("RetryFailedConfiguration", &Telemetry::retry_failed_connection);
  type.field("FilterDefault", &Telemetry::filter_default);
  type.field("AllowedPrefixes", &Telemetry::allowed_prefixes);
  type.field("BlockedPrefixes", &Telemetry::blocked_prefixes);
  type.field("MetricsPrefix", &Telemetry::metrics_prefix);
  type.field("StatsdAddr", &Telemetry::statsd_addr);
  type.field("StatsiteAddr", &Telemetry::statsite_addr);
  type.field("EnableHostMetrics", &Telemetry::enable_host_metrics);
  type.field("PrometheusOpts", &Telemetry::prometheus);
}

PROCONSUL_DESCRIBE_TYPE(RaftLogStore::Verification, "consul.RaftLogStoreVerification") {
  type.field("Enabled", &RaftLogStore::Verification::enabled);
  type.field("Interval", &RaftLogStore::Verification::interval);
}

PROCONSUL_DESCRIBE_TYPE(RaftLogStore::Bolt, "consul.RaftBoltDBConfig") {
  type.field("NoFreelistSync", &RaftLogStore::Bolt::no_freelist_sync);
}

PROCONSUL_DESCRIBE_TYPE(RaftLogStore::Wal, "consul.WALConfig") {
  type.field("SegmentSize", &RaftLogStore::Wal::segment_size);
}

PROCONSUL_DESCRIBE_TYPE(RaftLogStore, "consul.RaftLogStoreConfig") {
  type.field("Backend", &RaftLogStore::backend);
  type.field("DisableLogCache", &RaftLogStore::disable_log_cache);
  type.field("Verification", &RaftLogStore::verification);
  type.field("BoltDB", &RaftLogStore::bolt);
  type.field("WAL", &RaftLogStore::wal);
}

PROCONSUL_DESCRIBE_TYPE(UiHeader, "config.UIMetricsProxyAddHeader") {
  type.field("Name", &UiHeader::name);
  type.field("Value", &UiHeader::value);
}

PROCONSUL_DESCRIBE_TYPE(UiMetricsProxy, "config.UIMetricsProxy") {
  type.field("BaseURL", &UiMetricsProxy::base_url);
  type.field("AddHeaders", &UiMetricsProxy::add_headers);
  type.field("PathAllowlist", &UiMetricsProxy::path_allowlist);
}

PROCONSUL_DESCRIBE_TYPE(Ui, "config.UIConfig") {
  type.field("Enabled", &Ui::enabled);
  type.field("Dir", &Ui::dir);
  type.field("ContentPath", &Ui::content_path);
  type.field("MetricsProvider", &Ui::metrics_provider);
  type.field("MetricsProviderFiles", &Ui::metrics_provider_files);
  type.field("MetricsProviderOptionsJSON", &Ui::metrics_provider_options_json);
  type.field("MetricsProxy", &Ui::metrics_proxy);
  type.field("DashboardURLTemplates", &Ui::dashboard_url_templates);
  type.field("HCPEnabled", &Ui::hcp_enabled);
}

PROCONSUL_DESCRIBE_TYPE(MassFailureBrake, "config.MassFailureBrake") {
  type.field("Enabled", &MassFailureBrake::enabled);
  type.field("MaxFailedPercent", &MassFailureBrake::max_failed_percent);
  type.field("MinFailed", &MassFailureBrake::min_failed);
  type.field("Window", &MassFailureBrake::window);
  type.field("MaxHold", &MassFailureBrake::max_hold);
}

PROCONSUL_DESCRIBE_TYPE(FlapDamping, "config.FlapDamping") {
  type.field("Enabled", &FlapDamping::enabled);
  type.field("MaxChanges", &FlapDamping::max_changes);
  type.field("Window", &FlapDamping::window);
  type.field("StableTime", &FlapDamping::stable_time);
}

PROCONSUL_DESCRIBE_TYPE(Soa, "config.RuntimeSOAConfig") {
  type.field("Refresh", &Soa::refresh);
  type.field("Retry", &Soa::retry);
  type.field("Expire", &Soa::expire);
  type.field("Minttl", &Soa::min_ttl);
}

PROCONSUL_DESCRIBE_TYPE(AclTokens, "token.Config") {
  type.field("DataDir", &AclTokens::data_dir);
  type.field("EnablePersistence", &AclTokens::enable_persistence);
  type.field("ACLDefaultToken", &AclTokens::user);
  type.field("ACLAgentToken", &AclTokens::agent);
  type.field("ACLAgentRecoveryToken", &AclTokens::agent_recovery);
  type.field("ACLReplicationToken", &AclTokens::replication);
  type.field("ACLConfigFileRegistrationToken", &AclTokens::config_file_registration);
  type.field("ACLDNSToken", &AclTokens::dns);
}

PROCONSUL_DESCRIBE_TYPE(AclResolver, "consul.ACLResolverSettings") {
  type.field("ACLsEnabled", &AclResolver::enabled);
  type.field("Datacenter", &AclResolver::datacenter);
  type.field("NodeName", &AclResolver::node_name);
  type.field("ACLPolicyTTL", &AclResolver::policy_ttl);
  type.field("ACLTokenTTL", &AclResolver::token_ttl);
  type.field("ACLRoleTTL", &AclResolver::role_ttl);
  type.field("ACLDownPolicy", &AclResolver::down_policy);
  type.field("ACLDefaultPolicy", &AclResolver::default_policy);
}

PROCONSUL_DESCRIBE_TYPE(AutoConfigAuthorizer, "config.AutoConfigAuthorizer") {
  type.field("Enabled", &AutoConfigAuthorizer::enabled);
  type.field("AllowReuse", &AutoConfigAuthorizer::allow_reuse);
  type.field("ClaimAssertions", &AutoConfigAuthorizer::claim_assertions);
}

PROCONSUL_DESCRIBE_TYPE(AutoConfig, "config.AutoConfig") {
  type.field("Enabled", &AutoConfig::enabled);
  type.field("IntroToken", &AutoConfig::intro_token);
  type.field("IntroTokenFile", &AutoConfig::intro_token_file);
  type.field("ServerAddresses", &AutoConfig::server_addresses);
  type.field("DNSSANs", &AutoConfig::dns_sans);
  type.field("IPSANs", &AutoConfig::ip_sans);
  type.field("Authorizer", &AutoConfig::authorizer);
}

PROCONSUL_DESCRIBE_TYPE(Cache, "cache.Options") {
  type.field("EntryFetchRate", &Cache::entry_fetch_rate);
  type.field("EntryFetchMaxBurst", &Cache::entry_fetch_max_burst);
}

PROCONSUL_DESCRIBE_TYPE(Cloud, "config.CloudConfig") {
  type.field("ResourceID", &Cloud::resource_id);
  type.field("ClientID", &Cloud::client_id);
  type.field("ClientSecret", &Cloud::client_secret);
  type.field("Hostname", &Cloud::hostname);
  type.field("AuthURL", &Cloud::auth_url);
  type.field("ScadaAddress", &Cloud::scada_address);
  type.field("NodeID", &Cloud::node_id);
  type.field("NodeName", &Cloud::node_name);
}

PROCONSUL_DESCRIBE_TYPE(Config, "config.RuntimeConfig") {
  type.field("ACLEnableKeyListPolicy", &Config::acl_enable_key_list_policy);
  type.field("ACLInitialManagementToken", &Config::acl_initial_management_token);
  type.field("ACLResolverSettings", &Config::acl_resolver);
  type.field("ACLTokenReplication", &Config::acl_token_replication);
  type.field("ACLTokens", &Config::acl_tokens);
  type.field("ACLsEnabled", &Config::acls_enabled);
  type.field("AEInterval", &Config::ae_interval);
  type.field("AdvertiseAddrLAN", &Config::advertise_addr_lan);
  type.field("AdvertiseAddrWAN", &Config::advertise_addr_wan);
  type.field("AdvertiseReconnectTimeout", &Config::advertise_reconnect_timeout);
  type.field("AllowWriteHTTPFrom", &Config::allow_write_http_from);
  type.field("AutoConfig", &Config::auto_config);
  type.field("AutoEncryptAllowTLS", &Config::auto_encrypt_allow_tls);
  type.field("AutoEncryptDNSSAN", &Config::auto_encrypt_dns_san);
  type.field("AutoEncryptIPSAN", &Config::auto_encrypt_ip_san);
  type.field("AutoEncryptTLS", &Config::auto_encrypt_tls);
  type.field("AutoReloadConfig", &Config::auto_reload_config);
  type.field("AutoReloadConfigCoalesceInterval", &Config::auto_reload_config_coalesce_interval);
  type.field("AutopilotCleanupDeadServers", &Config::autopilot_cleanup_dead_servers);
  type.field("AutopilotDisableUpgradeMigration", &Config::autopilot_disable_upgrade_migration);
  type.field("AutopilotLastContactThreshold", &Config::autopilot_last_contact_threshold);
  type.field("AutopilotMaxTrailingLogs", &Config::autopilot_max_trailing_logs);
  type.field("AutopilotMinQuorum", &Config::autopilot_min_quorum);
  type.field("AutopilotRedundancyZoneTag", &Config::autopilot_redundancy_zone_tag);
  type.field("AutopilotServerStabilizationTime", &Config::autopilot_server_stabilization_time);
  type.field("AutopilotUpgradeVersionTag", &Config::autopilot_upgrade_version_tag);
  type.field("BindAddr", &Config::bind_addr);
  type.field("Bootstrap", &Config::bootstrap);
  type.field("BootstrapExpect", &Config::bootstrap_expect);
  type.field("BuildDate", &Config::build_date);
  type.field("Cache", &Config::cache);
  type.field("CheckDeregisterIntervalMin", &Config::check_deregister_interval_min);
  type.field("CheckOutputMaxSize", &Config::check_output_max_size);
  type.field("CheckReapInterval", &Config::check_reap_interval);
  type.field("CheckUpdateInterval", &Config::check_update_interval);
  type.field("Checks", &Config::checks);
  type.field("ClientAddrs", &Config::client_addrs);
  type.field("Cloud", &Config::cloud);
  type.field("ConfigEntryBootstrap", &Config::config_entry_bootstrap);
  type.field("ConnectCAConfig", &Config::connect_ca_config);
  type.field("ConnectCAProvider", &Config::connect_ca_provider);
  type.field("ConnectEnabled", &Config::connect_enabled);
  type.field("ConnectMeshGatewayWANFederationEnabled", &Config::connect_mesh_gateway_wan_federation_enabled);
  type.field("ConnectSidecarMaxPort", &Config::connect_sidecar_max_port);
  type.field("ConnectSidecarMinPort", &Config::connect_sidecar_min_port);
  type.field("ConnectTestCALeafRootChangeSpread", &Config::connect_test_ca_leaf_root_change_spread);
  type.field("ConsulCoordinateUpdateBatchSize", &Config::coordinate_update_batch_size);
  type.field("ConsulCoordinateUpdateMaxBatches", &Config::coordinate_update_max_batches);
  type.field("ConsulCoordinateUpdatePeriod", &Config::coordinate_update_period);
  type.field("ConsulRaftElectionTimeout", &Config::raft_election_timeout);
  type.field("ConsulRaftHeartbeatTimeout", &Config::raft_heartbeat_timeout);
  type.field("ConsulRaftLeaderLeaseTimeout", &Config::raft_leader_lease_timeout);
  type.field("ConsulServerHealthInterval", &Config::server_health_interval);
  type.field("DNSARecordLimit", &Config::dns_a_record_limit);
  type.field("DNSAddrs", &Config::dns_addrs);
  type.field("DNSAllowStale", &Config::dns_allow_stale);
  type.field("DNSAltDomain", &Config::dns_alt_domain);
  type.field("DNSCacheMaxAge", &Config::dns_cache_max_age);
  type.field("DNSDisableCompression", &Config::dns_disable_compression);
  type.field("DNSDomain", &Config::dns_domain);
  type.field("DNSEnableTruncate", &Config::dns_enable_truncate);
  type.field("DNSMaxStale", &Config::dns_max_stale);
  type.field("DNSNodeMetaTXT", &Config::dns_node_meta_txt);
  type.field("DNSNodeTTL", &Config::dns_node_ttl);
  type.field("DNSOnlyPassing", &Config::dns_only_passing);
  type.field("DNSPort", &Config::dns_port);
  type.field("DNSRecursorStrategy", &Config::dns_recursor_strategy);
  type.field("DNSRecursorTimeout", &Config::dns_recursor_timeout);
  type.field("DNSRecursors", &Config::dns_recursors);
  type.field("DNSSOA", &Config::dns_soa);
  type.field("DNSServiceTTL", &Config::dns_service_ttl);
  type.field("DNSUDPAnswerLimit", &Config::dns_udp_answer_limit);
  type.field("DNSUseCache", &Config::dns_use_cache);
  type.field("DataDir", &Config::data_dir);
  type.field("Datacenter", &Config::datacenter);
  type.field("DefaultIntentionPolicy", &Config::default_intention_policy);
  type.field("DefaultQueryTime", &Config::default_query_time);
  type.field("DevMode", &Config::dev_mode);
  type.field("DisableAnonymousSignature", &Config::disable_anonymous_signature);
  type.field("DisableCoordinates", &Config::disable_coordinates);
  type.field("DisableHTTPUnprintableCharFilter", &Config::disable_http_unprintable_char_filter);
  type.field("DisableHostNodeID", &Config::disable_host_node_id);
  type.field("DisableKeyringFile", &Config::disable_keyring_file);
  type.field("DisableRemoteExec", &Config::disable_remote_exec);
  type.field("DisableUpdateCheck", &Config::disable_update_check);
  type.field("DiscardCheckOutput", &Config::discard_check_output);
  type.field("DiscoveryMaxStale", &Config::discovery_max_stale);
  type.field("EnableAgentTLSForChecks", &Config::enable_agent_tls_for_checks);
  type.field("EnableCentralServiceConfig", &Config::enable_central_service_config);
  type.field("EnableDebug", &Config::enable_debug);
  type.field("EnableLocalScriptChecks", &Config::enable_local_script_checks);
  type.field("EnableRemoteScriptChecks", &Config::enable_remote_script_checks);
  type.field("EnableXDSLoadBalancing", &Config::enable_xds_load_balancing);
  type.field("EncryptKey", &Config::encrypt_key);
  type.field("Experiments", &Config::experiments);
  type.field("ExposeMaxPort", &Config::expose_max_port);
  type.field("ExposeMinPort", &Config::expose_min_port);
  type.field("FlapDamping", &Config::flap_damping);
  type.field("GRPCAddrs", &Config::grpc_addrs);
  type.field("GRPCKeepaliveInterval", &Config::grpc_keepalive_interval);
  type.field("GRPCKeepaliveTimeout", &Config::grpc_keepalive_timeout);
  type.field("GRPCPort", &Config::grpc_port);
  type.field("GRPCTLSAddrs", &Config::grpc_tls_addrs);
  type.field("GRPCTLSPort", &Config::grpc_tls_port);
  type.field("GossipLANGossipInterval", &Config::gossip_lan_gossip_interval);
  type.field("GossipLANGossipNodes", &Config::gossip_lan_gossip_nodes);
  type.field("GossipLANProbeInterval", &Config::gossip_lan_probe_interval);
  type.field("GossipLANProbeTimeout", &Config::gossip_lan_probe_timeout);
  type.field("GossipLANRetransmitMult", &Config::gossip_lan_retransmit_mult);
  type.field("GossipLANSuspicionMult", &Config::gossip_lan_suspicion_mult);
  type.field("GossipWANGossipInterval", &Config::gossip_wan_gossip_interval);
  type.field("GossipWANGossipNodes", &Config::gossip_wan_gossip_nodes);
  type.field("GossipWANProbeInterval", &Config::gossip_wan_probe_interval);
  type.field("GossipWANProbeTimeout", &Config::gossip_wan_probe_timeout);
  type.field("GossipWANRetransmitMult", &Config::gossip_wan_retransmit_mult);
  type.field("GossipWANSuspicionMult", &Config::gossip_wan_suspicion_mult);
  type.field("HTTPAddrs", &Config::http_addrs);
  type.field("HTTPBlockEndpoints", &Config::http_block_endpoints);
  type.field("HTTPMaxConnsPerClient", &Config::http_max_conns_per_client);
  type.field("HTTPMaxHeaderBytes", &Config::http_max_header_bytes);
  type.field("HTTPPort", &Config::http_port);
  type.field("HTTPResponseHeaders", &Config::http_response_headers);
  type.field("HTTPSAddrs", &Config::https_addrs);
  type.field("HTTPSHandshakeTimeout", &Config::https_handshake_timeout);
  type.field("HTTPSPort", &Config::https_port);
  type.field("HTTPUseCache", &Config::http_use_cache);
  type.field("KVMaxValueSize", &Config::kv_max_value_size);
  type.field("LeaveDrainTime", &Config::leave_drain_time);
  type.field("LeaveOnTerm", &Config::leave_on_terminate);
  type.field("LocalProxyConfigResyncInterval", &Config::local_proxy_config_resync_interval);
  type.field("Locality", &Config::locality);
  type.field("Logging", &Config::logging);
  type.field("MassFailureBrake", &Config::mass_failure_brake);
  type.field("MaxQueryTime", &Config::max_query_time);
  type.field("NodeID", &Config::node_id);
  type.field("NodeMeta", &Config::node_meta);
  type.field("NodeName", &Config::node_name);
  type.field("PeeringEnabled", &Config::peering_enabled);
  type.field("PeeringTestAllowPeerRegistrations", &Config::peering_test_allow_peer_registrations);
  type.field("PidFile", &Config::pid_file);
  type.field("PrimaryDatacenter", &Config::primary_datacenter);
  type.field("PrimaryGateways", &Config::primary_gateways);
  type.field("PrimaryGatewaysInterval", &Config::primary_gateways_interval);
  type.field("RPCAdvertiseAddr", &Config::rpc_advertise_addr);
  type.field("RPCBindAddr", &Config::rpc_bind_addr);
  type.field("RPCClientTimeout", &Config::rpc_client_timeout);
  type.field("RPCHandshakeTimeout", &Config::rpc_handshake_timeout);
  type.field("RPCHoldTimeout", &Config::rpc_hold_timeout);
  type.field("RPCMaxBurst", &Config::rpc_max_burst);
  type.field("RPCMaxConnsPerClient", &Config::rpc_max_conns_per_client);
  type.field("RPCProtocol", &Config::rpc_protocol);
  type.field("RPCRateLimit", &Config::rpc_rate_limit);
  type.field("RaftLogStoreConfig", &Config::raft_log_store);
  type.field("RaftPreVoteDisabled", &Config::raft_prevote_disabled);
  type.field("RaftProtocol", &Config::raft_protocol);
  type.field("RaftSnapshotInterval", &Config::raft_snapshot_interval);
  type.field("RaftSnapshotThreshold", &Config::raft_snapshot_threshold);
  type.field("RaftTrailingLogs", &Config::raft_trailing_logs);
  type.field("ReadReplica", &Config::read_replica);
  type.field("ReconnectTimeoutLAN", &Config::reconnect_timeout_lan);
  type.field("ReconnectTimeoutWAN", &Config::reconnect_timeout_wan);
  type.field("RejoinAfterLeave", &Config::rejoin_after_leave);
  type.field("RequestLimitsMode", &Config::request_limits_mode);
  type.field("RequestLimitsReadRate", &Config::request_limits_read_rate);
  type.field("RequestLimitsWriteRate", &Config::request_limits_write_rate);
  type.field("RetryJoinIntervalLAN", &Config::retry_join_interval_lan);
  type.field("RetryJoinIntervalWAN", &Config::retry_join_interval_wan);
  type.field("RetryJoinLAN", &Config::retry_join_lan);
  type.field("RetryJoinMaxAttemptsLAN", &Config::retry_join_max_attempts_lan);
  type.field("RetryJoinMaxAttemptsWAN", &Config::retry_join_max_attempts_wan);
  type.field("RetryJoinWAN", &Config::retry_join_wan);
  type.field("Revision", &Config::revision);
  type.field("SegmentLimit", &Config::segment_limit);
  type.field("SegmentName", &Config::segment_name);
  type.field("SegmentNameLimit", &Config::segment_name_limit);
  type.field("SerfAdvertiseAddrLAN", &Config::serf_advertise_addr_lan);
  type.field("SerfAdvertiseAddrWAN", &Config::serf_advertise_addr_wan);
  type.field("SerfAllowedCIDRsLAN", &Config::serf_allowed_cidrs_lan);
  type.field("SerfAllowedCIDRsWAN", &Config::serf_allowed_cidrs_wan);
  type.field("SerfBindAddrLAN", &Config::serf_bind_addr_lan);
  type.field("SerfBindAddrWAN", &Config::serf_bind_addr_wan);
  type.field("SerfPortLAN", &Config::serf_port_lan);
  type.field("SerfPortWAN", &Config::serf_port_wan);
  type.field("ServerMode", &Config::server_mode);
  type.field("ServerName", &Config::server_name);
  type.field("ServerPort", &Config::server_port);
  type.field("ServerRejoinAgeMax", &Config::server_rejoin_age_max);
  type.field("Services", &Config::services);
  type.field("SessionTTLMin", &Config::session_ttl_min);
  type.field("SkipLeaveOnInt", &Config::skip_leave_on_interrupt);
  type.field("SyncCoordinateIntervalMin", &Config::sync_coordinate_interval_min);
  type.field("SyncCoordinateRateTarget", &Config::sync_coordinate_rate_target);
  type.field("TLS", &Config::tls);
  type.field("TaggedAddresses", &Config::tagged_addresses);
  type.field("Telemetry", &Config::telemetry);
  type.field("TranslateWANAddrs", &Config::translate_wan_addrs);
  type.field("TxnMaxReqLen", &Config::txn_max_req_len);
  type.field("UIConfig", &Config::ui);
  type.field("UnixSocketGroup", &Config::unix_socket_group);
  type.field("UnixSocketMode", &Config::unix_socket_mode);
  type.field("UnixSocketUser", &Config::unix_socket_user);
  type.field("UseStreamingBackend", &Config::use_streaming_backend);
  type.field("Version", &Config::version);
  type.field("VersionMetadata", &Config::version_metadata);
  type.field("VersionPrerelease", &Config::version_prerelease);
  type.field("Watches", &Config::watches);
  type.field("XDSUpdateRateLimit", &Config::xds_update_rate_limit);
}

}  // namespace proconsul::agent::config
