// A service instance or a node as DNS shows it: names in wire form, addresses as bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/address.h"
#include "agent/dns/settings.h"
#include "catalog/types/service.h"

namespace proconsul::agent::dns {

/// Which address a question is content with.
enum class Want : std::uint8_t { a, aaaa, any };
constexpr std::size_t kWants = 3;
Want want_of(std::uint16_t type);

/// Where a question about an instance leads.
struct Endpoint {
  enum class Kind : std::uint8_t {
    none,
    node,     // the node's own address: SRV points to the node's name
    address,  // another address: SRV points to a name made of it
    host,     // the name of a host
  };
  Kind kind{};
  bool v6{};
  std::array<char, 16> ip{};  // node, address
  std::string name{};         // address: labels before the domain; host: a whole name
  // host: the node's address, for a question whose name is that of the host
  bool has_node_ip{}, node_v6{};
  std::array<char, 16> node_ip{};

  std::string_view bytes() const { return {ip.data(), v6 ? 16U : 4U}; }
  bool operator==(const Endpoint&) const = default;
};

/// The address record of an IP answers these questions. (TXT gets addresses, too, as clients have always seen it.)
bool answers(bool v6, std::uint16_t type);

struct Instance {
  std::string node_name{};  // labels of the node's name before the domain; empty: DNS has no such name
  std::array<std::uint8_t, kWants> which{};
  std::vector<Endpoint> endpoints{};
  std::uint16_t weight{};
  std::uint16_t port{};
  std::string identity{};           // node, address and port: one SRV record for all that agree
  std::vector<std::string> meta{};  // data of the node's TXT records

  const Endpoint& endpoint(Want want) const { return endpoints[which[static_cast<std::size_t>(want)]]; }
  std::size_t memory() const;
};
/// `datacenter` is the one that was asked; empty for a peer's instances.
Instance make_instance(const Settings& settings, const catalog::CheckServiceNode& joined, std::string_view datacenter);

/// The labels of a node's name before the domain: "foo.node.dc1", "foo.node.east.peer". Empty if DNS has no such name.
std::string node_labels(const catalog::Node& node);
/// The data of the TXT records that show its metadata, sorted by key.
std::vector<std::string> meta_records(const catalog::Node& node);
/// Its address as the question wants it; a host's name where the address is none.
struct NodeAddress {
  std::string text{};
  std::optional<config::Ip> ip{};
};
NodeAddress node_address(const Settings& settings, const catalog::Node& node, Want want);

}  // namespace proconsul::agent::dns
