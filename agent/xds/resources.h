// What a proxy is configured with: Envoy's resources by type and name, each with a version that is its content's hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace proconsul::agent::xds {

enum class Kind : std::uint8_t { cluster, endpoint, listener, route, secret };
inline constexpr std::size_t kKinds = 5;
inline constexpr std::array<std::string_view, kKinds> kTypeUrls = {
    "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    "type.googleapis.com/envoy.config.listener.v3.Listener",
    "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
};
constexpr std::string_view type_url(Kind kind) {
  return kTypeUrls[static_cast<std::size_t>(kind)];
}
/// Nothing: a type that no proxy is given.
std::optional<Kind> kind_of(std::string_view type_url);

struct Resource {
  std::string version{};                      // SHA-256 of the body, hex
  std::shared_ptr<const std::string> body{};  // the message
  bool operator==(const Resource& other) const { return version == other.version; }
};

struct Resources {
  using ByName = std::map<std::string, Resource, std::less<>>;
  std::array<ByName, kKinds> kinds{};
  /// Kinds of which it is said, too, that there is none.
  std::array<bool, kKinds> may_be_empty{};

  const ByName& of(Kind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
  void put(Kind kind, std::string name, std::string body);
  bool operator==(const Resources&) const = default;
};

}  // namespace proconsul::agent::xds
