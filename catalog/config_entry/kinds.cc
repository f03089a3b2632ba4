#include "catalog/config_entry/kinds.h"

#include <algorithm>
#include <string>

#include "catalog/types/config_chain.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/config_jwt.h"
#include "catalog/types/config_mesh.h"
#include "catalog/types/config_routes.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {
namespace {

template <class T>
std::shared_ptr<ConfigEntry> make() {
  return std::make_shared<T>();
}
template <class T>
std::shared_ptr<ConfigEntry> copy(const ConfigEntry& entry) {
  return std::make_shared<T>(static_cast<const T&>(entry));
}
template <class T>
EntryStatus* status_of(ConfigEntry& entry) {
  return &static_cast<T&>(entry).Status;
}

template <class T>
constexpr ConfigKind plain(std::string_view name) {
  return {name, &base::type_of<T>, &make<T>, &copy<T>, nullptr};
}
template <class T>
constexpr ConfigKind controlled(std::string_view name) {
  return {name, &base::type_of<T>, &make<T>, &copy<T>, &status_of<T>};
}

constexpr ConfigKind kKinds[] = {
    plain<ServiceConfigEntry>(kind::kServiceDefaults),
    plain<ProxyConfigEntry>(kind::kProxyDefaults),
    plain<ServiceRouterConfigEntry>(kind::kServiceRouter),
    plain<ServiceSplitterConfigEntry>(kind::kServiceSplitter),
    plain<ServiceResolverConfigEntry>(kind::kServiceResolver),
    plain<IngressGatewayConfigEntry>(kind::kIngressGateway),
    plain<TerminatingGatewayConfigEntry>(kind::kTerminatingGateway),
    plain<ServiceIntentionsConfigEntry>(kind::kServiceIntentions),
    plain<MeshConfigEntry>(kind::kMesh),
    plain<ExportedServicesConfigEntry>(kind::kExportedServices),
    plain<SamenessGroupConfigEntry>(kind::kSamenessGroup),
    controlled<APIGatewayConfigEntry>(kind::kApiGateway),
    plain<BoundAPIGatewayConfigEntry>(kind::kBoundApiGateway),
    controlled<HTTPRouteConfigEntry>(kind::kHttpRoute),
    controlled<TCPRouteConfigEntry>(kind::kTcpRoute),
    plain<FileSystemCertificateConfigEntry>(kind::kFileSystemCertificate),
    plain<InlineCertificateConfigEntry>(kind::kInlineCertificate),
    plain<JWTProviderConfigEntry>(kind::kJwtProvider),
};

}  // namespace

std::span<const ConfigKind> config_kinds() {
  return kKinds;
}

const ConfigKind* find_config_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &ConfigKind::name);
  return found == std::end(kKinds) ? nullptr : found;
}

base::Result<std::shared_ptr<ConfigEntry>> make_config_entry(std::string_view name) {
  const ConfigKind* kind = find_config_kind(name);
  if (!kind) return {base::Errc::invalid_argument, "invalid config entry kind: " + std::string(name)};
  std::shared_ptr<ConfigEntry> entry = kind->make();
  entry->kind = kind;
  // Of these the kind travels outside only, and this one's name not at all.
  const bool outside = !kind->type().by_wire("Kind");
  if (outside) entry->Kind = name;
  if (name == kind::kMesh) entry->Name = name;
  return entry;
}

}  // namespace proconsul::catalog
