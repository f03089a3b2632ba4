#include "agent/config/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

namespace proconsul::agent::config {

std::optional<Ip> Ip::parse(std::string_view text) {
  const std::string copy(text);
  std::uint8_t bytes[16];
  if (copy.size() != std::strlen(copy.c_str())) return std::nullopt;
  if (inet_pton(AF_INET, copy.c_str(), bytes) == 1) return from_bytes(bytes, true);
  if (inet_pton(AF_INET6, copy.c_str(), bytes) == 1) return from_bytes(bytes, false);
  return std::nullopt;
}

Ip Ip::from_bytes(const std::uint8_t* bytes, bool v4) {
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!v4 && std::equal(kMapped, kMapped + 12, bytes)) return from_bytes(bytes + 12, true);
  Ip ip;
  ip.v4_ = v4;
  std::copy_n(bytes, ip.size(), ip.bytes_.begin());
  return ip;
}

std::string Ip::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text) != nullptr ? text : "";
}

bool Ip::is_any() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Ip::is_loopback() const {
  if (v4_) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::optional<Ip> ip = Ip::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (!ip || code != std::errc{} || end != digits.data() + digits.size() || prefix > ip->size() * 8) {
    return std::nullopt;
  }
  std::uint8_t bytes[16] = {};
  for (std::size_t i = 0; i < ip->size(); ++i) {
    const unsigned bits = prefix > i * 8 ? std::min<unsigned>(prefix - static_cast<unsigned>(i) * 8, 8) : 0;
    bytes[i] = static_cast<std::uint8_t>(ip->bytes()[i] & (0xFF00U >> bits));
  }
  return Network{Ip::from_bytes(bytes, ip->is_v4()), prefix};
}

bool Network::contains(const Ip& ip) const {
  if (ip.is_v4() != address.is_v4()) return false;
  for (std::size_t i = 0; i < ip.size(); ++i) {
    const unsigned bits = prefix > i * 8 ? std::min<unsigned>(prefix - static_cast<unsigned>(i) * 8, 8) : 0;
    if (((ip.bytes()[i] ^ address.bytes()[i]) & (0xFF00U >> bits) & 0xFFU) != 0) return false;
  }
  return true;
}

std::string Network::to_string() const {
  return address.to_string() + "/" + std::to_string(prefix);
}

std::string Address::to_string() const {
  if (kind == Kind::unix_socket) return path;
  if (kind == Kind::none) return {};
  const std::string host = ip.is_v4() ? ip.to_string() : "[" + ip.to_string() + "]";
  return host + ":" + std::to_string(port);
}

std::string Address::to_url() const {
  switch (kind) {
    case Kind::none:
      return {};
    case Kind::tcp:
      return "tcp://" + to_string();
    case Kind::udp:
      return "udp://" + to_string();
    case Kind::unix_socket:
      return "unix://" + path;
  }
  return {};
}

Surroundings Surroundings::of_this_host() {
  Surroundings host;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0) host.host_name = name;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) host.file_limit = limit.rlim_cur;

  ifaddrs* list = nullptr;
  if (getifaddrs(&list) == 0) {
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr || entry->ifa_netmask == nullptr) continue;
      const int family = entry->ifa_addr->sa_family;
      if (family != AF_INET && family != AF_INET6) continue;
      const auto bytes = [&](const sockaddr* address) {
        return family == AF_INET
                   ? reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr)
                   : reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
      };
      InterfaceAddress address;
      address.name = entry->ifa_name;
      address.up = (entry->ifa_flags & IFF_UP) != 0;
      address.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
      address.broadcast = (entry->ifa_flags & IFF_BROADCAST) != 0;
      address.multicast = (entry->ifa_flags & IFF_MULTICAST) != 0;
      address.running = (entry->ifa_flags & IFF_RUNNING) != 0;
      address.point_to_point = (entry->ifa_flags & IFF_POINTOPOINT) != 0;
      address.ip = Ip::from_bytes(bytes(entry->ifa_addr), family == AF_INET);
      const std::uint8_t* mask = bytes(entry->ifa_netmask);
      for (std::size_t i = 0; i < (family == AF_INET ? 4U : 16U); ++i) {
        address.prefix += static_cast<unsigned>(std::popcount(mask[i]));
      }
      host.interfaces.push_back(std::move(address));
    }
    freeifaddrs(list);
  }

  // Columns: interface, destination, gateway, flags, ...; the default route's destination is 0.
  std::ifstream routes("/proc/net/route");
  std::string line;
  while (std::getline(routes, line)) {
    std::istringstream columns(line);
    std::string interface, destination;
    if (columns >> interface >> destination && destination == "00000000") {
      host.default_interface = interface;
      break;
    }
  }
  return host;
}

bool is_private(const Ip& ip) {
  static const std::vector<Network> blocks = [] {
    std::vector<Network> out;
    for (const char* text :
         {"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
          "192.0.2.0/24", "192.168.0.0/16", "::1/128", "fe80::/10", "fc00::/7", "fec0::/10", "2001:db8::/32"}) {
      out.push_back(*Network::parse(text));
    }
    return out;
  }();
  return std::any_of(blocks.begin(), blocks.end(), [&](const Network& block) { return block.contains(ip); });
}

std::vector<Ip> private_ipv4(const Surroundings& host) {
  std::vector<Ip> outside, loopback;
  bool others = false;
  for (const InterfaceAddress& address : host.interfaces) {
    if (!address.up) continue;
    if (!address.loopback) others = true;
    if (!address.ip.is_v4() || !is_private(address.ip)) continue;
    (address.loopback ? loopback : outside).push_back(address.ip);
  }
  return others ? outside : loopback;
}

std::vector<Ip> public_ipv6(const Surroundings& host) {
  std::vector<Ip> out;
  for (const InterfaceAddress& address : host.interfaces) {
    if (!address.ip.is_v4() && !is_private(address.ip)) out.push_back(address.ip);
  }
  return out;
}

}  // namespace proconsul::agent::config
