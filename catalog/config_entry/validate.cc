#include "catalog/config_entry/validate.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/quote.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/hash.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/config_entry/rules.h"
#include "catalog/store/key.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/config_jwt.h"
#include "catalog/types/config_mesh.h"
#include "catalog/types/config_routes.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {

using base::Result;

namespace {

constexpr base::Int kClockSkewSeconds = 30;

void normalize(UpstreamConfig& config) {
  config.Protocol = lower_case(config.Protocol);
  config.ConnectTimeoutMs = std::max<base::Int>(config.ConnectTimeoutMs, 0);
}

void upper_case_all(base::List<std::string>& words) {
  for (std::string& word : words) word = rules::upper_case(word);
}

void normalize_parents(base::List<ResourceReference>& parents) {
  for (ResourceReference& parent : parents) {
    if (parent.Kind.empty()) parent.Kind = kind::kApiGateway;
  }
}

Result<> normalize(ServiceConfigEntry& entry) {
  entry.Protocol = lower_case(entry.Protocol);
  if (!entry.UpstreamConfig) return {};
  for (auto& config : entry.UpstreamConfig->Overrides) {
    if (config) normalize(*config);
  }
  if (entry.UpstreamConfig->Defaults) normalize(*entry.UpstreamConfig->Defaults);
  return {};
}

Result<> normalize(ProxyConfigEntry& entry) {
  if (!entry.Name.empty() && entry.Name != "global") {
    return rules::wrong("invalid name (" + base::quote(entry.Name) + R"(), only "global" is supported)");
  }
  entry.Name = "global";
  return compute_protocol(entry);
}

void normalize(ServiceRouterConfigEntry& entry) {
  for (ServiceRoute& route : entry.Routes) {
    if (route.Match && route.Match->HTTP) upper_case_all(route.Match->HTTP->Methods);
  }
}

void normalize(ServiceSplitterConfigEntry& entry) {
  for (ServiceSplit& split : entry.Splits) {  // a hundredth of a percent is the least that there is
    split.Weight = static_cast<float>(std::lround(static_cast<double>(split.Weight * 100.0F))) / 100.0F;
  }
}

void normalize(IngressGatewayConfigEntry& entry) {
  for (IngressListener& listener : entry.Listeners) {
    listener.Protocol = listener.Protocol.empty() ? "tcp" : lower_case(listener.Protocol);
  }
}

void normalize(APIGatewayConfigEntry& entry) {
  for (APIGatewayListener& listener : entry.Listeners) {
    listener.Protocol = lower_case(listener.Protocol);
    for (ResourceReference& certificate : listener.TLS.Certificates) {
      if (certificate.Kind.empty()) certificate.Kind = kind::kInlineCertificate;
    }
  }
}

void normalize(HTTPRouteConfigEntry& entry) {
  normalize_parents(entry.Parents);
  for (HTTPRouteRule& rule : entry.Rules) {
    for (HTTPMatch& match : rule.Matches) {
      match.Method = rules::upper_case(match.Method);
      if (match.Path.Match.empty()) match.Path = {.Match = "prefix", .Value = "/"};
    }
    for (HTTPService& service : rule.Services) service.Weight = std::max<base::Int>(service.Weight, 1);
  }
}

/// The more exactly both sides are named, the earlier an intention counts.
base::Int precedence(const std::string& destination, const std::string& source) {
  return (destination == "*" ? 6 : 9) - (source == "*" ? 1 : 0);
}

void normalize(ServiceIntentionsConfigEntry& entry, bool with_ids) {
  for (auto& source : entry.Sources) {
    if (!source) continue;
    if (source->Type.empty()) source->Type = "consul";
    source->Precedence = precedence(entry.Name, source->Name);
    if (with_ids) {
      source->LegacyMeta.make_present();
    } else {
      source->LegacyID.clear();
      source->LegacyCreateTime.reset();
      source->LegacyUpdateTime.reset();
    }
    for (auto& permission : source->Permissions) {
      if (permission && permission->HTTP) upper_case_all(permission->HTTP->Methods);
    }
  }
  // There are two of them only: who is named, then everybody.
  base::List<base::Pointer<SourceIntention>> sorted;
  for (const bool everybody : {false, true}) {
    for (auto& source : entry.Sources) {
      if ((source && source->Name == "*") == everybody) sorted.push_back(source);
    }
  }
  if (!entry.Sources.empty()) entry.Sources = std::move(sorted);
}

Result<> normalize_content(ConfigEntry& entry) {
  if (auto* service = entry_as<ServiceConfigEntry>(&entry)) return normalize(*service);
  if (auto* proxies = entry_as<ProxyConfigEntry>(&entry)) return normalize(*proxies);
  if (auto* router = entry_as<ServiceRouterConfigEntry>(&entry)) normalize(*router);
  if (auto* splitter = entry_as<ServiceSplitterConfigEntry>(&entry)) normalize(*splitter);
  if (auto* ingress = entry_as<IngressGatewayConfigEntry>(&entry)) normalize(*ingress);
  if (auto* gateway = entry_as<APIGatewayConfigEntry>(&entry)) normalize(*gateway);
  if (auto* http = entry_as<HTTPRouteConfigEntry>(&entry)) normalize(*http);
  if (auto* tcp = entry_as<TCPRouteConfigEntry>(&entry)) normalize_parents(tcp->Parents);
  if (auto* intentions = entry_as<ServiceIntentionsConfigEntry>(&entry)) normalize(*intentions, false);
  if (auto* exports = entry_as<ExportedServicesConfigEntry>(&entry)) {
    for (ExportedService& service : exports->Services) service.Namespace.clear();
  }
  if (auto* provider = entry_as<JWTProviderConfigEntry>(&entry); provider && provider->ClockSkewSeconds == 0) {
    provider->ClockSkewSeconds = kClockSkewSeconds;
  }
  return {};
}

}  // namespace

Result<> normalize_config_entry(ConfigEntry& entry) {
  entry.Kind = entry.kind->name;
  if (Result<> done = normalize_content(entry); !done) return done;
  entry.Hash = hash_config_entry(entry);
  return {};
}

Result<> normalize_intentions_with_ids(ServiceIntentionsConfigEntry& entry) {
  entry.Kind = entry.kind->name;
  normalize(entry, true);
  entry.Hash = hash_config_entry(entry);
  return {};
}

Result<> validate_intentions_with_ids(const ServiceIntentionsConfigEntry& entry) {
  return rules::check_with_ids(entry);
}

Result<> validate_config_entry(const ConfigEntry& entry) {
  const auto checked_as = [&]<class T>(const T* one) { return one ? rules::check(*one) : Result<>{}; };
  const std::string_view name = entry.kind->name;
  if (name == kind::kServiceDefaults) return checked_as(entry_as<ServiceConfigEntry>(&entry));
  if (name == kind::kProxyDefaults) return checked_as(entry_as<ProxyConfigEntry>(&entry));
  if (name == kind::kServiceRouter) return checked_as(entry_as<ServiceRouterConfigEntry>(&entry));
  if (name == kind::kServiceSplitter) return checked_as(entry_as<ServiceSplitterConfigEntry>(&entry));
  if (name == kind::kServiceResolver) return checked_as(entry_as<ServiceResolverConfigEntry>(&entry));
  if (name == kind::kIngressGateway) return checked_as(entry_as<IngressGatewayConfigEntry>(&entry));
  if (name == kind::kTerminatingGateway) return checked_as(entry_as<TerminatingGatewayConfigEntry>(&entry));
  if (name == kind::kApiGateway) return checked_as(entry_as<APIGatewayConfigEntry>(&entry));
  if (name == kind::kBoundApiGateway) return checked_as(entry_as<BoundAPIGatewayConfigEntry>(&entry));
  if (name == kind::kHttpRoute) return checked_as(entry_as<HTTPRouteConfigEntry>(&entry));
  if (name == kind::kTcpRoute) return checked_as(entry_as<TCPRouteConfigEntry>(&entry));
  if (name == kind::kServiceIntentions) return checked_as(entry_as<ServiceIntentionsConfigEntry>(&entry));
  if (name == kind::kMesh) return checked_as(entry_as<MeshConfigEntry>(&entry));
  if (name == kind::kExportedServices) return checked_as(entry_as<ExportedServicesConfigEntry>(&entry));
  if (name == kind::kJwtProvider) return checked_as(entry_as<JWTProviderConfigEntry>(&entry));
  if (name == kind::kSamenessGroup) return rules::wrong("sameness-groups are an enterprise-only feature");
  if (name == kind::kInlineCertificate) return checked_as(entry_as<InlineCertificateConfigEntry>(&entry));
  return rules::check_meta(entry.Meta);  // certificates in files
}

}  // namespace proconsul::catalog
