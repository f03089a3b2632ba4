#include "agent/http/ui_types.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(GatewayConfig, "agent.GatewayConfig") {
  type.field("AssociatedServiceCount", &GatewayConfig::AssociatedServiceCount).omit_empty();
  type.field("Addresses", &GatewayConfig::Addresses).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceSummary, "agent.ServiceSummary") {
  type.field("Kind", &ServiceSummary::Kind).omit_empty();
  type.field("Name", &ServiceSummary::Name);
  type.field("Datacenter", &ServiceSummary::Datacenter);
  type.field("Tags", &ServiceSummary::Tags);
  type.field("Nodes", &ServiceSummary::Nodes);
  type.field("ExternalSources", &ServiceSummary::ExternalSources);
  type.field("InstanceCount", &ServiceSummary::InstanceCount);
  type.field("ChecksPassing", &ServiceSummary::ChecksPassing);
  type.field("ChecksWarning", &ServiceSummary::ChecksWarning);
  type.field("ChecksCritical", &ServiceSummary::ChecksCritical);
  type.field("GatewayConfig", &ServiceSummary::GatewayConfig);
  type.field("TransparentProxy", &ServiceSummary::TransparentProxy);
  type.field("ConnectNative", &ServiceSummary::ConnectNative);
  type.field("PeerName", &ServiceSummary::PeerName).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ServiceListingSummary, "agent.ServiceListingSummary") {
  type.embed<ServiceSummary>();
  type.field("ConnectedWithProxy", &ServiceListingSummary::ConnectedWithProxy);
  type.field("ConnectedWithGateway", &ServiceListingSummary::ConnectedWithGateway);
}

namespace {

constexpr std::string_view kExternalSource = "external-source";
constexpr std::string_view kTransparent = "transparent";

void add_once(base::List<std::string>& list, const std::string& text) {
  if (std::ranges::find(list, text) == list.end()) list.push_back(text);
}

}  // namespace

// A summary while it is made.
struct ServiceSummaries::Collected {
  ServiceListingSummary summary{};
  std::set<std::string> nodes{};
  std::set<std::string> tags{};
  std::map<std::pair<std::string, std::string>, std::string> checks{};  // node and check ID -> status
  bool has_proxies = false;

  using Checks = base::List<base::Pointer<catalog::HealthCheck>>;
  void take_checks(const Checks& seen) {
    for (const auto& check : seen) checks.insert_or_assign({check->Node, check->CheckID}, check->Status);
  }

  void take(const catalog::Node& node, const catalog::NodeService& service, const Checks& seen) {
    nodes.insert(node.Node);
    summary.Kind = service.Kind;
    summary.Datacenter = node.Datacenter;
    ++summary.InstanceCount;
    summary.ConnectNative |= service.Connect->Native;
    tags.insert(service.Tags.begin(), service.Tags.end());
    if (const auto source = service.Meta.find(kExternalSource);
        source != service.Meta.end() && !source->second.empty()) {
      add_once(summary.ExternalSources, source->second);
    }
    take_checks(seen);
  }

  void take_proxy(const catalog::NodeService& proxy, const Checks& seen) {
    take_checks(seen);
    const bool transparent = proxy.Proxy->Mode == kTransparent;
    summary.TransparentProxy = transparent && (!has_proxies || summary.TransparentProxy);
    has_proxies = summary.ConnectedWithProxy = true;
  }

  ServiceListingSummary finish() {
    summary.Nodes.assign(nodes.begin(), nodes.end());
    summary.Tags.assign(tags.begin(), tags.end());
    for (const auto& [id, status] : checks) {
      if (status == catalog::kHealthPassing) ++summary.ChecksPassing;
      if (status == catalog::kHealthWarning) ++summary.ChecksWarning;
      if (status == catalog::kHealthCritical) ++summary.ChecksCritical;
    }
    return std::move(summary);
  }
};

ServiceSummaries::ServiceSummaries() = default;
ServiceSummaries::~ServiceSummaries() = default;

ServiceSummaries::Collected& ServiceSummaries::of(const std::string& name, const std::string& peer) {
  Collected& entry = collected_[{name, peer}];
  entry.summary.Name = name;
  entry.summary.PeerName = peer;
  return entry;
}

void ServiceSummaries::add(const catalog::Node& node, const catalog::NodeService& service,
                           const base::List<base::Pointer<catalog::HealthCheck>>& checks) {
  of(service.Service, node.PeerName).take(node, service, checks);
  if (service.Kind == catalog::kKindConnectProxy) {
    of(service.Proxy->DestinationServiceName, node.PeerName).take_proxy(service, checks);
  }
}

void ServiceSummaries::add_gateway(const catalog::GatewayService& link, const std::vector<std::string>& names) {
  base::List<std::string>& addresses = of(link.Service.Name, {}).summary.GatewayConfig.Addresses;
  if (link.Port == 0) return;
  const std::vector<std::string>& hosts = link.Hosts.empty() ? names : link.Hosts;
  for (std::string_view host : hosts) {
    while (host.ends_with('.')) host.remove_suffix(1);
    const bool is_ipv6 = host.find(':') != std::string_view::npos;
    std::string address = is_ipv6 ? "[" + std::string(host) + "]" : std::string(host);
    add_once(addresses, address + ":" + std::to_string(link.Port));
  }
}

std::vector<ServiceListingSummary> ServiceSummaries::finish() {
  std::vector<ServiceListingSummary> summaries;
  for (auto& [key, entry] : collected_) summaries.push_back(entry.finish());
  return summaries;
}

std::vector<ServiceListingSummary> summarize(const std::vector<catalog::CheckServiceNode>& instances) {
  ServiceSummaries summaries;
  for (const catalog::CheckServiceNode& instance : instances) {
    summaries.add(*instance.Node, *instance.Service, instance.Checks);
  }
  return summaries.finish();
}

void add_links(std::vector<ServiceListingSummary>& summaries,
               const std::vector<const catalog::GatewayService*>& links) {
  std::set<std::string_view> here;  // what there is at least a summary of
  std::map<std::string_view, base::Int> served;
  for (const ServiceListingSummary& summary : summaries) {
    if (summary.PeerName.empty()) here.insert(summary.Name);
  }
  std::set<std::string_view> linked;
  for (const catalog::GatewayService* link : links) {
    ++served[link->Gateway.Name];
    if (here.contains(link->Gateway.Name)) linked.insert(link->Service.Name);
  }
  for (ServiceListingSummary& summary : summaries) {
    if (!summary.PeerName.empty()) continue;
    summary.ConnectedWithGateway = summary.InstanceCount > 0 && linked.contains(summary.Name);
    if (const auto count = served.find(summary.Name); count != served.end()) {
      summary.GatewayConfig.AssociatedServiceCount = count->second;
    }
  }
}

}  // namespace proconsul::agent::http
