#include "agent/config/interfaces.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "agent/config/build_network.h"
#include "base/quote.h"
#include "base/regex.h"
#include "base/strconv.h"
#include "catalog/store/key.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::quote;
using base::Result;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t end = text.find(at);
    out.emplace_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

/// Keeps the order of equals. (The library's own wants a buffer from a function that it has deprecated.)
template <class Less>
void sort_stably(Interfaces& list, Less less) {
  for (std::size_t i = 1; i < list.size(); ++i) {
    for (std::size_t j = i; j > 0 && less(list[j], list[j - 1]); --j) std::swap(list[j], list[j - 1]);
  }
}

// --- networks with a meaning

constexpr unsigned kForwarding = 4294967295;  // not an RFC: what routers do not forward

struct Registry {
  unsigned rfc;
  std::vector<Network> networks;
};

const std::vector<Registry>& registries() {
  static const std::vector<Registry>& all = *new std::vector<Registry>([] {
    const std::pair<unsigned, const char*> texts[] = {
        {919, "255.255.255.255/32"},
        {1112, "224.0.0.0/4"},
        {1122, "0.0.0.0/8 127.0.0.0/8"},
        {1918, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"},
        {2544, "198.18.0.0/15"},
        {2765, ""},  // IPv4 addresses in IPv6, which are IPv4 here
        {2928, "2001::/16"},
        {3056, "2002::/16"},
        {3068, "192.88.99.0/24 2002:c058:6301::/120"},
        {3171, "224.0.0.0/4"},
        {3330,
         "0.0.0.0/8 10.0.0.0/8 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 "
         "198.18.0.0/15 224.0.0.0/4 240.0.0.0/4"},
        {3849, "2001:db8::/32"},
        {3927, "169.254.0.0/16"},
        {4038, ""},
        {4193, "fc00::/7"},
        {4291, "::/128 ::1/128 ::/96 fe80::/10 fec0::/10 ff00::/8"},
        {4380, "2001::/32"},
        {4773, "2001::/23"},
        {4843, "2001:10::/28"},
        {5180, "2001:200::/48"},
        {5735, "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 198.18.0.0/15"},
        {5737, "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24"},
        {6052, "64:ff9b::/96"},
        {6333, "192.0.0.0/29"},
        {6598, "100.64.0.0/10"},
        {6666, "100::/64"},
        {6890,
         "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 "
         "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 "
         "255.255.255.255/32 ::1/128 ::/128 64:ff9b::/96 100::/64 2001::/16 2002::/16 fc00::/7 fe80::/10"},
        {7335, "192.0.0.0/29"},
        {kForwarding,
         "0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 "
         "255.255.255.255/32 ::1/128 ::/128 2001:db8::/32 2001:10::/28 fe80::/10"}};
    std::vector<Registry> out;
    for (const auto& [rfc, text] : texts) {
      Registry& registry = out.emplace_back(Registry{rfc, {}});
      for (const std::string& network : words_of(text)) registry.networks.push_back(*Network::parse(network));
    }
    return out;
  }());
  return all;
}

/// The address with its whole network.
bool lies_in(const InterfaceAddress& address, const Network& network) {
  return address.prefix >= network.prefix && network.contains(address.ip);
}

bool is_in(const InterfaceAddress& address, unsigned rfc) {
  for (const Registry& registry : registries()) {
    if (registry.rfc != rfc) continue;
    return std::ranges::any_of(registry.networks, [&](const Network& network) { return lies_in(address, network); });
  }
  return false;
}

// --- bits of an address

using Bits = unsigned __int128;

unsigned width(const InterfaceAddress& address) {
  return address.ip.is_v4() ? 32 : 128;
}
Bits bits_of(const Ip& ip) {
  Bits bits = 0;
  for (std::size_t i = 0; i < ip.size(); ++i) bits = bits << 8 | ip.bytes()[i];
  return bits;
}
Ip ip_of(Bits bits, bool v4) {
  std::uint8_t bytes[16] = {};
  const std::size_t size = v4 ? 4 : 16;
  for (std::size_t i = size; i-- > 0; bits >>= 8) bytes[i] = static_cast<std::uint8_t>(bits);
  return Ip::from_bytes(bytes, v4);
}
/// The host's part of an address in a network with this prefix.
Bits host_mask(const InterfaceAddress& address, unsigned prefix) {
  const unsigned count = width(address) - std::min(prefix, width(address));
  return count == 0 ? Bits(0) : count == 128 ? ~Bits(0) : (Bits(1) << count) - 1;
}
Bits network_of(const InterfaceAddress& address) {
  return bits_of(address.ip) & ~host_mask(address, address.prefix);
}
std::string text_of(Bits bits, bool v4) {
  return ip_of(bits, v4).to_string();
}

std::string digits(Bits bits, unsigned base) {
  std::string out;
  do out.insert(out.begin(), "0123456789abcdef"[static_cast<unsigned>(bits % base)]);
  while ((bits /= base) != 0);
  return out;
}
std::string padded(std::string text, std::size_t size) {
  return text.size() < size ? std::string(size - text.size(), '0') + text : text;
}

std::string with_prefix(const InterfaceAddress& address) {
  const std::string ip = address.ip.to_string();
  return address.prefix == width(address) ? ip : ip + "/" + std::to_string(address.prefix);
}

std::string flags_of(const InterfaceAddress& address) {
  std::string out;
  const auto add = [&](bool flag, const char* word) {
    if (flag) out += (out.empty() ? "" : "|") + std::string(word);
  };
  add(address.up, "up");
  add(address.broadcast, "broadcast");
  add(address.loopback, "loopback");
  add(address.point_to_point, "pointtopoint");
  add(address.multicast, "multicast");
  add(address.running, "running");
  return out.empty() ? "0" : out;
}

// --- selecting

Result<Selected> by_flags(const Interfaces& list, const std::string& wanted) {
  struct Wanted {
    bool up{}, broadcast{}, loopback{}, point_to_point{}, multicast{};
  } interface;
  bool check_interface = false;
  std::vector<std::function<bool(const InterfaceAddress&)>> attributes;
  const auto any_of = [](std::initializer_list<const char*> networks) {
    std::vector<Network> parsed;
    for (const char* text : networks) parsed.push_back(*Network::parse(text));
    return [parsed](const InterfaceAddress& address) {
      return std::ranges::any_of(parsed, [&](const Network& network) { return network.contains(address.ip); });
    };
  };
  const auto multicast = any_of({"224.0.0.0/4", "ff00::/8"});
  const auto link_local = any_of({"169.254.0.0/16", "fe80::/10"});
  for (const std::string& flag : split(catalog::lower_case(wanted), '|')) {
    bool of_interface = true;
    if (flag == "broadcast") {
      interface.broadcast = true;
    } else if (flag == "down") {
      interface.up = false;
    } else if (flag == "up") {
      interface.up = true;
    } else if (flag == "point-to-point") {
      interface.point_to_point = true;
    } else if (flag == "loopback") {
      interface.loopback = true;
      attributes.emplace_back([](const InterfaceAddress& address) { return address.ip.is_loopback(); });
    } else if (flag == "multicast") {
      interface.multicast = true;
      attributes.emplace_back(multicast);
    } else {
      of_interface = false;
      if (flag == "forwardable") {
        attributes.emplace_back([](const InterfaceAddress& address) { return !is_in(address, kForwarding); });
      } else if (flag == "global unicast") {
        attributes.emplace_back([=](const InterfaceAddress& address) {
          const Ip& ip = address.ip;
          const bool broadcast = ip.is_v4() && ip.to_string() == "255.255.255.255";
          return !(ip.is_any() || ip.is_loopback() || broadcast || multicast(address) || link_local(address));
        });
      } else if (flag == "interface-local multicast") {
        attributes.emplace_back([](const InterfaceAddress& address) {
          return !address.ip.is_v4() && address.ip.bytes()[0] == 0xFF && (address.ip.bytes()[1] & 0x0F) == 1;
        });
      } else if (flag == "link-local multicast") {
        attributes.emplace_back([in = any_of({"224.0.0.0/24"})](const InterfaceAddress& address) {
          return in(address) ||
                 (!address.ip.is_v4() && address.ip.bytes()[0] == 0xFF && (address.ip.bytes()[1] & 0x0F) == 2);
        });
      } else if (flag == "link-local unicast") {
        attributes.emplace_back(link_local);
      } else if (flag == "unspecified") {
        attributes.emplace_back([](const InterfaceAddress& address) { return address.ip.is_any(); });
      } else {
        return fail("Unknown interface flag: " + quote(flag));
      }
    }
    check_interface = check_interface || of_interface;
  }
  Selected out;
  for (const InterfaceAddress& address : list) {
    const bool has_all = (!interface.up || address.up) && (!interface.broadcast || address.broadcast) &&
                         (!interface.loopback || address.loopback) &&
                         (!interface.point_to_point || address.point_to_point) &&
                         (!interface.multicast || address.multicast);
    const bool matched = (check_interface && has_all) ||
                         std::ranges::any_of(attributes, [&](const auto& holds) { return holds(address); });
    (matched ? out.included : out.excluded).push_back(address);
  }
  return out;
}

Selected by(const Interfaces& list, auto&& matches) {
  Selected out;
  for (const InterfaceAddress& address : list) (matches(address) ? out.included : out.excluded).push_back(address);
  return out;
}

/// Several alternatives are asked one after the other; what several of them select appears several times.
void append(Selected& out, Selected more) {
  std::ranges::move(more.included, std::back_inserter(out.included));
  std::ranges::move(more.excluded, std::back_inserter(out.excluded));
}

Result<Selected> by_networks(const Interfaces& list, const std::string& wanted) {
  Selected out;
  for (const std::string& text : split(wanted, '|')) {
    std::optional<Network> network = Network::parse(text);
    if (const std::optional<Ip> ip = Ip::parse(text)) network = Network{*ip, static_cast<unsigned>(ip->size() * 8)};
    if (!network) return fail("unable to create an IP address from " + quote(text) + ": invalid IPAddr " + text);
    append(out, by(list, [&](const InterfaceAddress& address) { return lies_in(address, *network); }));
  }
  return out;
}

Result<Selected> by_rfcs(const Interfaces& list, const std::string& wanted) {
  Selected out;
  for (const std::string& text : split(wanted, '|')) {
    const std::string begin = "unable to lookup RFC number " + quote(text) + ": ";
    const Result<std::uint64_t> rfc = base::parse_uint(text);
    if (!rfc) return fail(begin + "unable to parse RFC number " + quote(text) + ": " + rfc.error().detail);
    if (std::ranges::none_of(registries(), [&](const Registry& registry) { return registry.rfc == *rfc; })) {
      return fail(begin + "unsupported RFC " + std::to_string(*rfc));
    }
    append(out, by(list, [&](const InterfaceAddress& address) { return is_in(address, static_cast<unsigned>(*rfc)); }));
  }
  return out;
}

Result<Selected> by_size(const Interfaces& list, const std::string& wanted) {
  const Result<std::uint64_t> size = base::parse_uint(wanted);
  if (!size) return fail("invalid exclude size argument (" + quote(wanted) + "): " + size.error().detail);
  for (const InterfaceAddress& address : list) {
    if (*size <= width(address)) continue;
    return fail(std::string("mask size out of bounds for IPv") + (address.ip.is_v4() ? "4" : "6") +
                " address: " + std::to_string(*size));
  }
  return by(list, [&](const InterfaceAddress& address) { return address.prefix == *size; });
}

Result<Selected> by_type(const Interfaces& list, const std::string& wanted) {
  const std::vector<std::string> types = split(catalog::lower_case(wanted), '|');
  for (const std::string& type : types) {
    if (type != "ip" && type != "ipv4" && type != "ipv6" && type != "unix") {
      return fail("unsupported type " + quote(type) + " " + quote(wanted));
    }
  }
  Selected out;
  for (const InterfaceAddress& address : list) {
    for (const std::string& type : types) {
      const bool matched = type == "ip" || type == (address.ip.is_v4() ? "ipv4" : "ipv6");
      (matched ? out.included : out.excluded).push_back(address);
    }
  }
  return out;
}

Result<Selected> by_expression(const Interfaces& list, const char* what, const std::string& wanted, auto&& text_of) {
  Result<base::Regex> pattern = base::Regex::compile(wanted);
  if (!pattern) {
    return fail(std::string("Unable to compile ") + what + " regexp " + quote(wanted) + ": " + pattern.error().detail);
  }
  return by(list, [&](const InterfaceAddress& address) { return pattern->matches(text_of(address)); });
}

void sort_by_type_and_size(Interfaces& list) {
  sort_stably(list, [](const InterfaceAddress& a, const InterfaceAddress& b) {
    if (a.ip.is_v4() != b.ip.is_v4()) return a.ip.is_v4();
    return a.prefix < b.prefix;
  });
}

std::string ips_of(const Interfaces& list) {
  std::string out;
  for (const InterfaceAddress& address : list) out += (out.empty() ? "" : " ") + address.ip.to_string();
  return out;
}

Interfaces routed(const Surroundings& host, bool special) {
  Interfaces out = *sorted(host.interfaces, "default,type,size", host);
  std::erase_if(out, [&](const InterfaceAddress& address) {
    return !address.up || is_in(address, kForwarding) || is_in(address, 6890) != special;
  });
  return out;
}

}  // namespace

bool is_special_purpose(const Ip& ip) {
  return is_in({.ip = ip, .prefix = static_cast<unsigned>(ip.size() * 8)}, 6890);
}

Result<Interfaces> default_interfaces(const Surroundings& host) {
  if (host.default_interface.empty()) return fail("No default interface found");
  return by(host.interfaces, [&](const auto& address) { return address.name == host.default_interface; }).included;
}

Interfaces private_interfaces(const Surroundings& host) {
  return routed(host, true);
}
Interfaces public_interfaces(const Surroundings& host) {
  return routed(host, false);
}

std::string private_ips(const Surroundings& host) {
  Interfaces list = host.interfaces;
  sort_by_type_and_size(list);
  std::erase_if(list, [](const auto& address) { return !is_in(address, 6890) || is_in(address, kForwarding); });
  return ips_of(list);
}
std::string public_ips(const Surroundings& host) {
  Interfaces list = host.interfaces;
  sort_by_type_and_size(list);
  std::erase_if(list, [](const auto& address) { return is_in(address, 6890); });
  return ips_of(list);
}

Result<std::string> interface_ip(const std::string& name, const Surroundings& host) {
  Result<Selected> named = select(host.interfaces, "name", name, "include");
  if (!named) return named.error();
  Interfaces& list = named->included;
  std::erase_if(list, [](const auto& address) { return is_in(address, kForwarding); });
  sort_by_type_and_size(list);
  return list.empty() ? std::string() : list[0].ip.to_string();
}
Result<std::string> interface_ips(const std::string& name, const Surroundings& host) {
  Result<Selected> named = select(host.interfaces, "name", name, "include");
  if (!named) return named.error();
  sort_by_type_and_size(named->included);
  return ips_of(named->included);
}

Result<Selected> select(const Interfaces& list, const std::string& selector, const std::string& wanted,
                        std::string_view verb) {
  const std::string by_what = catalog::lower_case(selector);
  if (by_what == "address") return by_expression(list, "address", wanted, with_prefix);
  if (by_what == "flag" || by_what == "flags") return by_flags(list, wanted);
  if (by_what == "name") {
    return by_expression(list, "name", wanted, [](const InterfaceAddress& address) { return address.name; });
  }
  if (by_what == "network") return by_networks(list, wanted);
  if (by_what == "port") {
    return by_expression(list, "port", wanted, [](const InterfaceAddress&) { return std::string("0"); });
  }
  if (by_what == "rfc" || by_what == "rfcs") return by_rfcs(list, wanted);
  if (by_what == "size") return by_size(list, wanted);
  if (by_what == "type") return by_type(list, wanted);
  return fail("invalid " + std::string(verb) + " selector " + quote(selector));
}

Result<Interfaces> sorted(Interfaces list, const std::string& clauses, const Surroundings& host) {
  using Compare = std::function<int(const InterfaceAddress&, const InterfaceAddress&)>;
  const auto three_way = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
  std::vector<Compare> order;
  for (const std::string& clause : split(clauses, ',')) {
    const std::vector<std::string> words = words_of(catalog::lower_case(clause));
    std::string key = words.size() == 1 ? words[0] : "";
    const int sign = key.starts_with('-') ? -1 : 1;
    if (key.starts_with('-') || key.starts_with('+')) key.erase(0, 1);
    Compare compare;
    if (key == "address") {
      compare = [=](auto& a, auto& b) { return a.ip.is_v4() == b.ip.is_v4() ? three_way(a.ip, b.ip) : 0; };
    } else if (key == "default") {
      compare = [=, best = host.default_interface](auto& a, auto& b) {
        return best.empty() ? 0 : three_way(a.name != best, b.name != best);
      };
    } else if (key == "name") {
      compare = [=](auto& a, auto& b) { return three_way(a.name, b.name); };
    } else if (key == "private") {
      compare = [=](auto& a, auto& b) {
        const bool special = is_in(a, 6890);
        if (a.ip.is_v4() != b.ip.is_v4()) return special ? -1 : 0;
        return three_way(!special, !is_in(b, 6890));
      };
    } else if (key == "size") {
      compare = [=](auto& a, auto& b) { return a.ip.is_v4() == b.ip.is_v4() ? three_way(a.prefix, b.prefix) : 0; };
    } else if (key == "type") {
      compare = [=](auto& a, auto& b) { return three_way(!a.ip.is_v4(), !b.ip.is_v4()); };
    } else if (key == "port") {
      compare = [](auto&, auto&) { return 0; };
    } else {
      return fail("unknown sort type: " + quote(clause));
    }
    order.push_back([=](auto& a, auto& b) { return sign * compare(a, b); });
  }
  sort_stably(list, [&](const InterfaceAddress& a, const InterfaceAddress& b) {
    for (const Compare& compare : order) {
      if (int result = compare(a, b); result != 0) return result < 0;
    }
    return false;
  });
  return list;
}

Result<Interfaces> offset(Interfaces list, std::int64_t by) {
  const bool from_end = by < 0;
  const std::uint64_t distance = from_end ? 0 - static_cast<std::uint64_t>(by) : static_cast<std::uint64_t>(by);
  if (distance > list.size()) {
    return fail("unable to seek past the end of the interface array: offset (" + std::to_string(distance) +
                ") exceeds the number of interfaces (" + std::to_string(list.size()) + ")");
  }
  const std::size_t start = from_end ? list.size() - distance : distance;
  list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(start));
  return list;
}

Result<Interfaces> unique(const Interfaces& list, const std::string& by) {
  const std::string what = catalog::lower_case(by);
  if (what != "address" && what != "name") return fail("unsupported unique constraint " + quote(by));
  Interfaces out;
  std::string last;
  for (const InterfaceAddress& address : list) {
    std::string text = what == "name" ? address.name : with_prefix(address);
    if (!last.empty() && last == text) continue;
    last = std::move(text);
    out.push_back(address);
  }
  return out;
}

Result<std::string> attribute(const InterfaceAddress& address, const std::string& name) {
  const std::string key = catalog::lower_case(name);
  const bool v4 = address.ip.is_v4();
  const unsigned bits = width(address);
  const Bits own = bits_of(address.ip);
  const Bits hosts = host_mask(address, address.prefix);
  const Bits network = network_of(address);
  // A network of one or two has no address that nobody may use; IPv6 has none at all.
  const unsigned edge = v4 && address.prefix < 31 ? 1 : 0;
  if (key == "flags") return flags_of(address);
  if (key == "name") return address.name;
  if (key == "address" || key == "host") return address.ip.to_string();
  if (key == "binary") return padded(digits(own, 2), bits);
  if (key == "hex") return padded(digits(own, 16), bits / 4);
  if (key == "first_usable") return text_of(network + edge, v4);
  if (key == "last_usable") return text_of((network | hosts) - edge, v4);
  if (key == "mask_bits") return std::to_string(address.prefix);
  if (key == "netmask") return text_of(~hosts, v4);
  if (key == "network") return text_of(network, v4);
  if (key == "port") return std::string("0");
  if (key == "octets") {
    std::string out;
    for (std::size_t i = 0; i < address.ip.size(); ++i) {
      out += (i > 0 ? " " : "") + std::to_string(address.ip.bytes()[i]);
    }
    return out;
  }
  if (key == "size") {
    // All of IPv6 is one more than fits.
    if (address.prefix == 0 && !v4) return std::string("340282366920938463463374607431768211456");
    return digits(hosts + 1, 10);
  }
  if (v4 && key == "broadcast") return text_of(network | hosts, v4);
  if ((v4 && key == "uint32") || (!v4 && key == "uint128")) return digits(own, 10);
  if (key == "string") return with_prefix(address);
  if (key == "type") return std::string(v4 ? "IPv4" : "IPv6");
  return fail("unsupported attribute name " + quote(key));
}

Result<std::string> join(const Interfaces& list, const std::string& name, const std::string& between) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Result<std::string> value = attribute(list[i], name);
    if (!value) return value.error();
    out += (i > 0 ? between : "") + *value;
  }
  return out;
}

Result<Interfaces> math(Interfaces list, const std::string& operation, const std::string& value) {
  const std::string what = catalog::lower_case(operation);
  for (InterfaceAddress& address : list) {
    const auto refuse = [&](const std::string& why) {
      return fail("unable to perform an IPMath operation on " + with_prefix(address) + ": " + why);
    };
    const bool v4 = address.ip.is_v4();
    const auto not_a_number = [&](const Error& error) {
      return refuse("unable to convert " + quote(value) + " to int for operation " + quote(operation) + ": " +
                    error.detail);
    };
    if (what == "mask") {
      const Result<std::uint64_t> prefix = base::parse_uint(value, 10, 32);
      if (!prefix) return not_a_number(prefix.error());
      if (*prefix > width(address)) {
        return refuse("parameter for operation " + quote(operation) + " on " + (v4 ? "ipv4" : "ipv6") +
                      " addresses must be between 0 and " + (v4 ? "32" : "64"));
      }
      const auto bits = static_cast<unsigned>(*prefix);
      address.ip = ip_of(bits_of(address.ip) & ~host_mask(address, bits), v4);
      address.prefix = std::min(address.prefix, bits);
      continue;
    }
    if (what != "address" && what != "network") return refuse("unsupported math operation: " + quote(operation));
    if (!value.starts_with('+') && !value.starts_with('-')) {
      return refuse("sign (+/-) is required for operation " + quote(operation));
    }
    const Result<std::int64_t> number = base::parse_int(value, 10, v4 ? 33 : 64);
    if (!number) return not_a_number(number.error());
    const auto step = static_cast<Bits>(static_cast<__int128>(*number));  // in two's complement of any width
    if (what == "address") {
      address.ip = ip_of(bits_of(address.ip) + step, v4);
    } else {
      // Within the network; below zero counts from its end.
      address.ip = ip_of(network_of(address) | (step & host_mask(address, address.prefix)), v4);
    }
  }
  return list;
}

}  // namespace proconsul::agent::config
