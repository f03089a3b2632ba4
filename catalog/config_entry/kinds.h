// The kinds of central configuration: the only list of them.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/type.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

struct EntryStatus;  // types/config_routes.h

namespace kind {
inline constexpr std::string_view kServiceDefaults = "service-defaults";
inline constexpr std::string_view kProxyDefaults = "proxy-defaults";
inline constexpr std::string_view kServiceRouter = "service-router";
inline constexpr std::string_view kServiceSplitter = "service-splitter";
inline constexpr std::string_view kServiceResolver = "service-resolver";
inline constexpr std::string_view kIngressGateway = "ingress-gateway";
inline constexpr std::string_view kTerminatingGateway = "terminating-gateway";
inline constexpr std::string_view kServiceIntentions = "service-intentions";
inline constexpr std::string_view kMesh = "mesh";
inline constexpr std::string_view kExportedServices = "exported-services";
inline constexpr std::string_view kSamenessGroup = "sameness-group";
inline constexpr std::string_view kApiGateway = "api-gateway";
inline constexpr std::string_view kBoundApiGateway = "bound-api-gateway";
inline constexpr std::string_view kHttpRoute = "http-route";
inline constexpr std::string_view kTcpRoute = "tcp-route";
inline constexpr std::string_view kFileSystemCertificate = "file-system-certificate";
inline constexpr std::string_view kInlineCertificate = "inline-certificate";
inline constexpr std::string_view kJwtProvider = "jwt-provider";
}  // namespace kind

struct ConfigKind {
  std::string_view name;
  const base::Type& (*type)();
  std::shared_ptr<ConfigEntry> (*make)();
  std::shared_ptr<ConfigEntry> (*copy)(const ConfigEntry& entry);
  /// What the controllers of API gateways say about the entry; null for kinds that they do not look after.
  EntryStatus* (*status)(ConfigEntry& entry);
};

std::span<const ConfigKind> config_kinds();
/// Null if there is no such kind. Exact spelling.
const ConfigKind* find_config_kind(std::string_view name);
/// An empty entry; "invalid config entry kind: x" for others.
base::Result<std::shared_ptr<ConfigEntry>> make_config_entry(std::string_view kind);
/// An entry with the same content that may be changed.
inline std::shared_ptr<ConfigEntry> copy_config_entry(const ConfigEntry& entry) {
  return entry.kind->copy(entry);
}

/// What can be routed by request.
inline bool is_http_like(std::string_view protocol) {
  return protocol == "http" || protocol == "http2" || protocol == "grpc";
}

/// The entry as what it is; null if it is of another kind, or null.
template <class T>
const T* entry_as(const ConfigEntry* entry) {
  return entry && entry->kind->type == &base::type_of<T> ? static_cast<const T*>(entry) : nullptr;
}
template <class T>
T* entry_as(ConfigEntry* entry) {
  return entry && entry->kind->type == &base::type_of<T> ? static_cast<T*>(entry) : nullptr;
}

}  // namespace proconsul::catalog
