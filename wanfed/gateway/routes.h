// Where a mesh gateway sends a connection, by the server name in its ClientHello. Pure: from a description of what
// there is to a table that never changes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace proconsul::wanfed::gateway {

/// `host` is an IP address, or a name that is looked up when it is dialled.
struct Address {
  std::string host{};
  std::uint16_t port = 0;
  auto operator<=>(const Address&) const = default;
};
/// "10.0.0.1:8443", "[::1]:8443", "gateway.example.com:443"
std::string to_string(const Address& address);

/// What a gateway must know of the world.
struct Topology {
  /// A datacenter and the healthy gateways that lead there. Of two with the same name that with the higher index
  /// counts: federation states and the catalog may both tell. The gateway's own is passed over.
  struct Datacenter {
    std::string name{};
    std::uint64_t index = 0;
    std::vector<Address> gateways{};
  };
  /// A server of the own datacenter: its LAN address and RPC port.
  struct Server {
    std::string node{};
    Address address{};
  };
  /// Whatever else is reached by exactly one server name: healthy instances of a service, of a subset or of an imported
  /// one ("web.default.dc1.internal.<trust domain>"), servers for peering.
  struct Service {
    std::string sni{};
    std::vector<Address> instances{};
  };
  std::string datacenter{};
  std::string domain = "consul";
  std::string trust_domain{};
  bool wan_federation = false;  // this gateway leads to servers too
  std::vector<Datacenter> datacenters{};
  std::vector<Server> servers{};
  std::vector<Service> services{};
};

enum class ClusterKind : std::uint8_t { service, datacenter, remote_servers, local_servers, local_server };
/// "service", "datacenter" ...: for labels.
std::string_view to_string(ClusterKind kind);

/// Endpoints that are as good as each other.
struct Cluster {
  std::string name{};
  ClusterKind kind{};
  std::vector<Address> endpoints{};  // sorted, each once; none: it is known and nobody is there
  bool operator==(const Cluster&) const = default;
};

class RouteTable {
 public:
  /// Without any route.
  RouteTable() = default;
  /// Names that stand for servers and datacenters go before services that have the same.
  explicit RouteTable(const Topology& topology);

  /// The cluster of a server name in lower case; null: none. An exact name goes before a wildcard, and the longer
  /// wildcard before the shorter. The table owns it.
  const Cluster* find(std::string_view server_name) const;
  /// By name.
  const std::vector<Cluster>& clusters() const { return clusters_; }
  const Cluster* cluster(std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Index = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

  std::vector<Cluster> clusters_{};
  Index exact_{};  // every cluster by its own name
  Index below_{};  // "dc2.internal.td": any name that ends in "." and this
};

/// What changed between two tables, by names of clusters, sorted.
struct RouteChanges {
  std::vector<std::string> added{}, removed{}, changed{};
  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};
RouteChanges diff(const RouteTable& before, const RouteTable& after);

}  // namespace proconsul::wanfed::gateway
