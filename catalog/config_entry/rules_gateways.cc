// ingress-gateway, terminating-gateway, api-gateway, bound-api-gateway.
#include <map>
#include <set>

#include "base/quote.h"
#include "base/regex.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_gateways.h"

namespace proconsul::catalog::rules {

using base::quote;
using base::Result;

namespace {

std::string number(base::Int value) {
  return std::to_string(static_cast<std::int64_t>(value));
}

// ---- ingress-gateway ----

/// Where certificates come from may be said for the gateway, the listener or the service; together it must be whole.
struct Source {
  bool cluster = false;
  bool certificate = false;
};

Source source_of(const base::Pointer<GatewayTLSSDSConfig>& sds) {
  return sds ? Source{!sds->ClusterName.empty(), !sds->CertResource.empty()} : Source{};
}

Result<> check_sources(const IngressGatewayConfigEntry& entry, const IngressListener& listener,
                       const IngressService& service) {
  const std::string at_listener = "listener on port " + number(listener.Port) + ")";
  const std::string at_service = " (service " + quote(service.Name) + " on " + at_listener;
  const Source gateway = source_of(entry.TLS.SDS);
  const Source own = listener.TLS ? source_of(listener.TLS->SDS) : Source{};
  const Source of_service = service.TLS ? source_of(service.TLS->SDS) : Source{};
  if (!gateway.cluster && gateway.certificate) {
    return wrong("TLS.SDS.ClusterName is required if CertResource is set");
  }
  if (gateway.cluster && !gateway.certificate && !own.certificate) {
    return wrong("TLS.SDS.CertResource is required if ClusterName is set for gateway (" + at_listener);
  }
  if (own.cluster && !own.certificate) {
    return wrong("TLS.SDS.CertResource is required if ClusterName is set for listener (" + at_listener);
  }
  if (own.certificate && !own.cluster && !gateway.cluster) {
    return wrong("TLS.SDS.ClusterName is required if CertResource is set (" + at_listener);
  }
  if (!of_service.certificate) return {};
  if (service.Hosts.empty()) {
    return wrong("A service specifying TLS.SDS.CertResource must have at least one item in Hosts" + at_service);
  }
  if (!of_service.cluster && !own.cluster && !gateway.cluster) {
    return wrong("TLS.SDS.ClusterName is required if CertResource is set" + at_service);
  }
  return {};
}

Result<> check_host(const std::string& host, bool with_tls) {
  if (host == "*") {
    if (!with_tls) return {};
    return wrong("Host '*' is not allowed when TLS is enabled, all hosts must be valid DNS records to add as a DNSSAN");
  }
  if (!is_domain_name(host)) return wrong("Host " + quote(host) + " must be a valid DNS hostname");
  if (!has_inner_wildcard(host)) return {};
  return wrong("Host " + quote(host) + " is not valid, a wildcard specifier is only allowed as the leftmost label");
}

Result<> check_headers(const base::Pointer<HTTPHeaderModifiers>& headers, const std::string& which,
                       const IngressListener& listener, const IngressService& service) {
  const bool none = !headers || (headers->Add.empty() && headers->Set.empty() && headers->Remove.empty());
  if (none || is_http_like(listener.Protocol)) return {};
  return wrong(which + " headers only valid for http, http2 and grpc protocols (service " + quote(service.Name) +
               " on listener on port " + number(listener.Port) + ")");
}

Result<> check_listener(const IngressGatewayConfigEntry& entry, const IngressListener& listener) {
  const std::string at = " (listener on port " + number(listener.Port) + ")";
  std::set<std::string> hosts;
  std::set<std::string> names;
  for (const IngressService& service : listener.Services) {
    const bool wildcard = service.Name == "*";
    if (Result<> checked = check_headers(service.RequestHeaders, "request", listener, service); !checked) {
      return checked;
    }
    if (Result<> checked = check_headers(service.ResponseHeaders, "response", listener, service); !checked) {
      return checked;
    }
    if (listener.Protocol == "tcp") {
      if (wildcard) return wrong("Wildcard service name is only valid for protocol = 'http'" + at);
      if (!service.Hosts.empty()) {
        return wrong("Associating hosts to a service is not supported for the tcp protocol" + at);
      }
    }
    if (service.Name.empty()) return wrong("Service name cannot be blank" + at);
    if (wildcard && !service.Hosts.empty()) {
      return wrong("Associating hosts to a wildcard service is not supported" + at);
    }
    if (!names.insert(service.Name).second) {
      return wrong("Service " + service.Name + " cannot be added multiple times" + at);
    }
    if (Result<> checked = check_sources(entry, listener, service); !checked) return checked;
    for (const std::string& host : service.Hosts) {
      if (!hosts.insert(host).second) return wrong("Hosts must be unique within a specific listener" + at);
      if (Result<> checked = check_host(host, entry.TLS.Enabled); !checked) return checked;
    }
  }
  return {};
}

// ---- api-gateway ----

Result<> check_certificates(const base::List<ResourceReference>& certificates) {
  for (const ResourceReference& certificate : certificates) {
    if (certificate.Kind != kind::kFileSystemCertificate && certificate.Kind != kind::kInlineCertificate) {
      return wrong("unsupported certificate kind: " + quote(certificate.Kind) +
                   ", must be 'file-system-certificate' or 'inline-certificate'");
    }
    if (certificate.Name.empty()) return wrong("certificate reference must have a name");
  }
  return {};
}

Result<> check_names(const APIGatewayConfigEntry& entry) {
  static const auto pattern =
      base::Regex::compile(R"(^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)");
  std::set<std::string> names;
  for (const APIGatewayListener& listener : entry.Listeners) {
    if (!pattern->matches(listener.Name)) {
      return wrong("listener name " + quote(listener.Name) +
                   " is invalid, must be at least 1 character and contain only letters, numbers, or dashes");
    }
    if (!names.insert(listener.Name).second) {
      return wrong("found multiple listeners with the name " + quote(listener.Name));
    }
  }
  std::map<base::Int, const APIGatewayListener*> ports;
  for (const APIGatewayListener& listener : entry.Listeners) {
    const APIGatewayListener*& other = ports[listener.Port];
    if (other && (other->Hostname != listener.Hostname || other->Protocol != listener.Protocol)) {
      return wrong("listeners " + quote(other->Name) + " and " + quote(listener.Name) + " cannot be merged");
    }
    other = &listener;
  }
  return {};
}

Result<> check_listener(const APIGatewayListener& listener) {
  if (listener.Protocol != "http" && listener.Protocol != "tcp") {
    return wrong("unsupported listener protocol " + quote(listener.Protocol) + ", must be one of 'tcp', or 'http'");
  }
  if (listener.Protocol == "tcp" && !listener.Hostname.empty()) {
    return wrong("hostname specification is not supported when using TCP");
  }
  if (listener.Port <= 0 || listener.Port > 65535) {
    return wrong("listener port " + number(listener.Port) + " not in the range 1-65535");
  }
  if (has_inner_wildcard(listener.Hostname)) {
    return wrong("host " + quote(listener.Hostname) +
                 " is not valid, a wildcard specifier is only allowed as the left-most label");
  }
  if (Result<> checked = check_certificates(listener.TLS.Certificates); !checked) return checked;
  return check_tls(listener.TLS.MinVersion, listener.TLS.MaxVersion, listener.TLS.CipherSuites);
}

}  // namespace

Result<> check(const IngressGatewayConfigEntry& entry) {
  const auto check_config = [](const GatewayTLSConfig& tls) {
    return check_tls(tls.TLSMinVersion, tls.TLSMaxVersion, tls.CipherSuites);
  };
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  if (Result<> checked = check_config(entry.TLS); !checked) return checked;
  std::set<base::Int> ports;
  for (const IngressListener& listener : entry.Listeners) {
    const std::string port = number(listener.Port);
    if (!ports.insert(listener.Port).second) return wrong("port " + port + " declared on two listeners");
    if (listener.Protocol != "tcp" && !is_http_like(listener.Protocol)) {
      return wrong("protocol must be 'tcp', 'http', 'http2', or 'grpc'. '" + listener.Protocol +
                   "' is an unsupported protocol");
    }
    if (listener.Services.empty()) return wrong("No service declared for listener with port " + port);
    if (!is_http_like(listener.Protocol) && listener.Services.size() > 1) {
      return wrong(
          "Multiple services per listener are only supported for L7 protocols, 'http', 'grpc' and 'http2' (listener on "
          "port " +
          port + ")");
    }
    if (listener.TLS) {
      if (Result<> checked = check_config(*listener.TLS); !checked) return checked;
    }
    if (Result<> checked = check_listener(entry, listener); !checked) return checked;
  }
  return {};
}

Result<> check(const TerminatingGatewayConfigEntry& entry) {
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  std::set<std::string> names;
  for (const LinkedService& service : entry.Services) {
    if (service.Name.empty()) return wrong("Service name cannot be blank.");
    if (!names.insert(service.Name).second) {
      return wrong("Service " + quote(service.Name) + " was specified more than once within a namespace");
    }
    const bool any = !service.CertFile.empty() || !service.KeyFile.empty();
    const bool all = !service.CAFile.empty() && !service.CertFile.empty() && !service.KeyFile.empty();
    if (any && !all) {
      return wrong("Service " + quote(service.Name) +
                   " must have a CertFile, CAFile, and KeyFile specified for TLS origination");
    }
  }
  return {};
}

Result<> check(const APIGatewayConfigEntry& entry) {
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  if (entry.Listeners.empty()) return wrong("api gateway must have at least one listener");
  if (Result<> checked = check_names(entry); !checked) return checked;
  for (const APIGatewayListener& listener : entry.Listeners) {
    if (Result<> checked = check_listener(listener); !checked) return checked;
  }
  return {};
}

Result<> check(const BoundAPIGatewayConfigEntry& entry) {
  for (const BoundAPIGatewayListener& listener : entry.Listeners) {
    for (const ResourceReference& certificate : listener.Certificates) {
      if (certificate.Kind != kind::kInlineCertificate) {
        return wrong("unsupported certificate kind: " + quote(certificate.Kind) + ", must be 'inline-certificate'");
      }
      if (certificate.Name.empty()) return wrong("certificate reference must have a name");
    }
    for (const ResourceReference& route : listener.Routes) {
      if (route.Kind != kind::kHttpRoute && route.Kind != kind::kTcpRoute) {
        return wrong("unsupported route kind: " + quote(route.Kind) + ", must be one of 'http-route', or 'tcp-route'");
      }
      if (route.Name.empty()) return wrong("route reference must have a name");
    }
  }
  return {};
}

}  // namespace proconsul::catalog::rules
