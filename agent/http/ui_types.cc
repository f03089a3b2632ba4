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

void add(base::List<std::string>& list, const std::string& text) {
  if (std::ranges::find(list, text) == list.end()) list.push_back(text);
}

// A summary while it is made.
struct Collected {
  ServiceListingSummary summary{};
  std::set<std::string> nodes{};
  std::set<std::string> tags{};
  std::map<std::pair<std::string, std::string>, std::string> checks{};  // node and check ID -> status
  bool has_proxies = false;

  void take_checks(const catalog::CheckServiceNode& instance) {
    for (const auto& check : instance.Checks) checks.insert_or_assign({check->Node, check->CheckID}, check->Status);
  }

  void take(const catalog::CheckServiceNode& instance) {
    const catalog::NodeService& service = *instance.Service;
    nodes.insert(instance.Node->Node);
    summary.Kind = service.Kind;
    summary.Datacenter = instance.Node->Datacenter;
    ++summary.InstanceCount;
    summary.ConnectNative |= service.Connect->Native;
    tags.insert(service.Tags.begin(), service.Tags.end());
    if (const auto source = service.Meta.find(kExternalSource);
        source != service.Meta.end() && !source->second.empty()) {
      add(summary.ExternalSources, source->second);
    }
    take_checks(instance);
  }

  void take_proxy(const catalog::CheckServiceNode& instance) {
    take_checks(instance);
    const bool transparent = instance.Service->Proxy->Mode == kTransparent;
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

}  // namespace

std::vector<ServiceListingSummary> summarize(const std::vector<catalog::CheckServiceNode>& instances) {
  std::map<std::pair<std::string, std::string>, Collected> collected;  // name and peer
  const auto of = [&](const std::string& name, const std::string& peer) -> Collected& {
    Collected& entry = collected[{name, peer}];
    entry.summary.Name = name;
    entry.summary.PeerName = peer;
    return entry;
  };
  for (const catalog::CheckServiceNode& instance : instances) {
    const std::string& peer = instance.Node->PeerName;
    of(instance.Service->Service, peer).take(instance);
    if (instance.Service->Kind == catalog::kKindConnectProxy) {
      of(instance.Service->Proxy->DestinationServiceName, peer).take_proxy(instance);
    }
  }
  std::vector<ServiceListingSummary> summaries;
  for (auto& [key, entry] : collected) summaries.push_back(entry.finish());
  return summaries;
}

}  // namespace proconsul::agent::http
