#include "catalog/types/proxy.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(EnvoyExtension, "structs.EnvoyExtension") {
  type.field("Name", &EnvoyExtension::Name);
  type.field("Required", &EnvoyExtension::Required);
  type.field("Arguments", &EnvoyExtension::Arguments).no_filter();
  type.field("ConsulVersion", &EnvoyExtension::ConsulVersion);
  type.field("EnvoyVersion", &EnvoyExtension::EnvoyVersion);
}

PROCONSUL_DESCRIBE_TYPE(MeshGatewayConfig, "structs.MeshGatewayConfig") {
  type.field("Mode", &MeshGatewayConfig::Mode).go_type("structs.MeshGatewayMode").omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(TransparentProxyConfig, "structs.TransparentProxyConfig") {
  type.field("OutboundListenerPort", &TransparentProxyConfig::OutboundListenerPort).omit_empty();
  type.field("DialedDirectly", &TransparentProxyConfig::DialedDirectly).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(AccessLogsConfig, "structs.AccessLogsConfig") {
  type.field("Enabled", &AccessLogsConfig::Enabled).omit_empty();
  type.field("DisableListenerLogs", &AccessLogsConfig::DisableListenerLogs).omit_empty();
  type.field("Type", &AccessLogsConfig::Type).go_type("structs.LogSinkType").omit_empty();
  type.field("Path", &AccessLogsConfig::Path).omit_empty();
  type.field("JSONFormat", &AccessLogsConfig::JSONFormat).omit_empty();
  type.field("TextFormat", &AccessLogsConfig::TextFormat).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ExposePath, "structs.ExposePath") {
  type.field("ListenerPort", &ExposePath::ListenerPort).omit_empty().alias("listener_port");
  type.field("Path", &ExposePath::Path).omit_empty();
  type.field("LocalPathPort", &ExposePath::LocalPathPort).omit_empty().alias("local_path_port");
  type.field("Protocol", &ExposePath::Protocol).omit_empty();
  type.field("ParsedFromCheck", &ExposePath::ParsedFromCheck).omit_empty().alias("parsed_from_check");
  type.json_shadow(R"(struct { ListenerPortSnake int "json:\"listener_port\""; )"
                   R"(LocalPathPortSnake int "json:\"local_path_port\""; )"
                   R"(ParsedFromCheckSnake bool "json:\"parsed_from_check\""; *structs.Alias })");
  type.json_refuses_null();
}

PROCONSUL_DESCRIBE_TYPE(ExposeConfig, "structs.ExposeConfig") {
  type.field("Checks", &ExposeConfig::Checks).omit_empty();
  type.field("Paths", &ExposeConfig::Paths).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(Upstream, "structs.Upstream") {
  type.field("DestinationType", &Upstream::DestinationType).alias("destination_type");
  type.field("DestinationNamespace", &Upstream::DestinationNamespace).omit_empty().alias("destination_namespace");
  type.field("DestinationPartition", &Upstream::DestinationPartition).omit_empty().alias("destination_partition");
  type.field("DestinationPeer", &Upstream::DestinationPeer).omit_empty().alias("destination_peer");
  type.field("DestinationName", &Upstream::DestinationName).alias("destination_name");
  type.field("Datacenter", &Upstream::Datacenter);
  type.field("LocalBindAddress", &Upstream::LocalBindAddress).omit_empty().alias("local_bind_address");
  type.field("LocalBindPort", &Upstream::LocalBindPort).omit_empty().alias("local_bind_port");
  type.field("LocalBindSocketPath", &Upstream::LocalBindSocketPath).omit_empty().alias("local_bind_socket_path");
  type.field("LocalBindSocketMode", &Upstream::LocalBindSocketMode).omit_empty().alias("local_bind_socket_mode");
  type.field("Config", &Upstream::Config).omit_empty().no_filter();
  type.field("MeshGateway", &Upstream::MeshGateway).alias("mesh_gateway");
  type.field("IngressHosts", &Upstream::IngressHosts).no_json().no_filter();
  type.field("CentrallyConfigured", &Upstream::CentrallyConfigured).omit_empty().no_filter();
  type.json_shadow(R"(struct { DestinationTypeSnake string "json:\"destination_type\""; )"
                   R"(DestinationPartitionSnake string "json:\"destination_partition\""; )"
                   R"(DestinationNamespaceSnake string "json:\"destination_namespace\""; )"
                   R"(DestinationPeerSnake string "json:\"destination_peer\""; )"
                   R"(DestinationNameSnake string "json:\"destination_name\""; )"
                   R"(LocalBindAddressSnake string "json:\"local_bind_address\""; )"
                   R"(LocalBindPortSnake int "json:\"local_bind_port\""; )"
                   R"(LocalBindSocketPathSnake string "json:\"local_bind_socket_path\""; )"
                   R"(LocalBindSocketModeSnake string "json:\"local_bind_socket_mode\""; )"
                   R"(MeshGatewaySnake structs.MeshGatewayConfig "json:\"mesh_gateway\""; *structs.Alias })");
  type.json_refuses_null();
}

PROCONSUL_DESCRIBE_TYPE(ConnectProxyConfig, "structs.ConnectProxyConfig") {
  // JSON has these two first, and only when something is set in them; the rest is in the order of declaration.
  type.field("TransparentProxy", &ConnectProxyConfig::TransparentProxy).omit_zero().alias("transparent_proxy");
  type.field("AccessLogs", &ConnectProxyConfig::AccessLogs).omit_zero().alias("access_logs");
  type.field("EnvoyExtensions", &ConnectProxyConfig::EnvoyExtensions).omit_empty();
  type.field("DestinationServiceName", &ConnectProxyConfig::DestinationServiceName)
      .omit_empty()
      .alias("destination_service_name");
  type.field("DestinationServiceID", &ConnectProxyConfig::DestinationServiceID)
      .omit_empty()
      .alias("destination_service_id");
  type.field("LocalServiceAddress", &ConnectProxyConfig::LocalServiceAddress)
      .omit_empty()
      .alias("local_service_address");
  type.field("LocalServicePort", &ConnectProxyConfig::LocalServicePort).omit_empty().alias("local_service_port");
  type.field("LocalServiceSocketPath", &ConnectProxyConfig::LocalServiceSocketPath)
      .omit_empty()
      .alias("local_service_socket_path");
  type.field("Mode", &ConnectProxyConfig::Mode).go_type("structs.ProxyMode");
  type.field("Config", &ConnectProxyConfig::Config).omit_empty().no_filter();
  type.field("Upstreams", &ConnectProxyConfig::Upstreams).go_type("structs.Upstreams").omit_empty();
  type.field("MeshGateway", &ConnectProxyConfig::MeshGateway).alias("mesh_gateway");
  type.field("Expose", &ConnectProxyConfig::Expose);
  type.field("MutualTLSMode", &ConnectProxyConfig::MutualTLSMode)
      .go_type("structs.MutualTLSMode")
      .no_json()
      .no_filter();
  type.json_shadow(R"(struct { DestinationServiceNameSnake string "json:\"destination_service_name\""; )"
                   R"(DestinationServiceIDSnake string "json:\"destination_service_id\""; )"
                   R"(LocalServiceAddressSnake string "json:\"local_service_address\""; )"
                   R"(LocalServicePortSnake int "json:\"local_service_port\""; )"
                   R"(LocalServiceSocketPathSnake string "json:\"local_service_socket_path\""; )"
                   R"(MeshGatewaySnake structs.MeshGatewayConfig "json:\"mesh_gateway\""; )"
                   R"(TransparentProxySnake structs.TransparentProxyConfig "json:\"transparent_proxy\""; )"
                   R"(AccessLogsSnake structs.AccessLogsConfig "json:\"access_logs\""; *structs.Alias })");
  type.json_refuses_null();
}

}  // namespace proconsul::catalog
