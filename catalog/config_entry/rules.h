// What the rules of several kinds of config entries share, and the rules of each (validate.cc lists them).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::catalog {

struct EnvoyExtension;
struct ServiceResolverFailoverPolicy;
struct ServiceResolverPrioritizeByLocality;

struct ServiceConfigEntry;
struct ProxyConfigEntry;
struct ServiceRouterConfigEntry;
struct ServiceSplitterConfigEntry;
struct ServiceResolverConfigEntry;
struct IngressGatewayConfigEntry;
struct TerminatingGatewayConfigEntry;
struct APIGatewayConfigEntry;
struct BoundAPIGatewayConfigEntry;
struct HTTPRouteConfigEntry;
struct TCPRouteConfigEntry;
struct ServiceIntentionsConfigEntry;
struct MeshConfigEntry;
struct ExportedServicesConfigEntry;
struct JWTProviderConfigEntry;
struct InlineCertificateConfigEntry;

namespace rules {

constexpr std::size_t kLongestText = 512;  // a description, a value of the metadata
constexpr std::size_t kLongestKey = 128;   // of the metadata
constexpr std::size_t kMostPairs = 64;     // likewise

base::Error wrong(std::string text);
/// "Sources[3]".
std::string indexed(std::string_view list, std::size_t index);
std::string upper_case(std::string_view text);

/// Faults that are told together.
class Faults {
 public:
  void add(std::string fault) { faults_.push_back(std::move(fault)); }
  void add(const base::Result<>& result) {
    if (!result) faults_.push_back(result.error().detail);
  }
  void add_meta(const base::Map<std::string>& meta);
  void add_extensions(const base::List<EnvoyExtension>& extensions);
  base::Result<> result() const;

 private:
  std::vector<std::string> faults_{};
};

/// Go's dns.IsDomainName: labels of up to 63 bytes, none empty.
bool is_domain_name(std::string_view name);
bool is_http_method(std::string_view method);
/// A wildcard is allowed as the leftmost label only.
bool has_inner_wildcard(std::string_view host);

base::Result<> check_meta(const base::Map<std::string>& meta);
base::Result<> check_tls(const std::string& least, const std::string& most, const base::List<std::string>& suites);
base::Result<> check_methods(const base::List<std::string>& methods, const std::string& where);
base::Result<> check_mutual_tls_mode(const std::string& mode);
base::Result<> check_failover_policy(const base::Pointer<ServiceResolverFailoverPolicy>& policy);
base::Result<> check_locality(const base::Pointer<ServiceResolverPrioritizeByLocality>& locality);

base::Result<> check(const ServiceConfigEntry& entry);
base::Result<> check(const ProxyConfigEntry& entry);
base::Result<> check(const ServiceRouterConfigEntry& entry);
base::Result<> check(const ServiceSplitterConfigEntry& entry);
base::Result<> check(const ServiceResolverConfigEntry& entry);
base::Result<> check(const IngressGatewayConfigEntry& entry);
base::Result<> check(const TerminatingGatewayConfigEntry& entry);
base::Result<> check(const APIGatewayConfigEntry& entry);
base::Result<> check(const BoundAPIGatewayConfigEntry& entry);
base::Result<> check(const HTTPRouteConfigEntry& entry);
base::Result<> check(const TCPRouteConfigEntry& entry);
base::Result<> check(const ServiceIntentionsConfigEntry& entry);
/// Of one whose sources have IDs.
base::Result<> check_with_ids(const ServiceIntentionsConfigEntry& entry);
base::Result<> check(const MeshConfigEntry& entry);
base::Result<> check(const ExportedServicesConfigEntry& entry);
base::Result<> check(const JWTProviderConfigEntry& entry);
base::Result<> check(const InlineCertificateConfigEntry& entry);

}  // namespace rules
}  // namespace proconsul::catalog
