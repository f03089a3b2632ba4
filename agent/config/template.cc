#include "agent/config/template.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "base/quote.h"
#include "base/regex.h"
#include "base/strconv.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using Interfaces = std::vector<InterfaceAddress>;
/// What one command of a pipeline gives to the next.
using Data = std::variant<Interfaces, std::string>;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
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

// --- properties of an address
// -----------------------------------------------------------------------------------------

bool in_any(const Ip& ip, std::initializer_list<const char*> networks) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const char* text) { return Network::parse(text)->contains(ip); });
}

/// RFC 6890 and its companions: registries of addresses with a special purpose.
bool is_special(const Ip& ip) {
  return in_any(ip, {"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
                     "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
                     "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",    "255.255.255.255/32",
                     "::1/128",       "::/128",          "64:ff9b::/96",   "100::/64",       "2001::/16",
                     "2002::/16",     "fc00::/7",        "fe80::/10"});
}

bool is_forwardable(const Ip& ip) {
  return !in_any(ip, {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24",
                      "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128",
                      "fe80::/10", "2001:db8::/32", "ff00::/8"});
}

Result<bool> has_rfc(const Ip& ip, const std::string& number) {
  if (number == "6890") return is_special(ip);
  if (number == "1918") return in_any(ip, {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"});
  if (number == "6598") return in_any(ip, {"100.64.0.0/10"});
  if (number == "3927") return in_any(ip, {"169.254.0.0/16"});
  if (number == "4193") return in_any(ip, {"fc00::/7"});
  if (number == "4291") return in_any(ip, {"::/128", "::1/128", "fe80::/10", "fec0::/10", "ff00::/8"});
  if (number == "5737") return in_any(ip, {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"});
  if (number == "3849") return in_any(ip, {"2001:db8::/32"});
  if (number == "919") return in_any(ip, {"255.255.255.255/32"});
  if (number == "1112") return in_any(ip, {"224.0.0.0/4"});
  if (number == "1122") return in_any(ip, {"0.0.0.0/8", "127.0.0.0/8"});
  return fail("unsupported RFC " + number);
}

/// Any one of the flags in "up|forwardable"; interface flags that are listed together must all be set.
Result<bool> has_flags(const InterfaceAddress& address, const std::string& wanted) {
  bool attributes = false;
  bool interface = true;
  bool asked_interface = false;
  const auto need = [&](bool flag) {
    asked_interface = true;
    interface = interface && flag;
  };
  const Ip& ip = address.ip;
  const bool multicast = in_any(ip, {"224.0.0.0/4", "ff00::/8"});
  const bool link_local = in_any(ip, {"169.254.0.0/16", "fe80::/10"});
  for (const std::string& flag : split(lower(wanted), '|')) {
    if (flag == "broadcast") {
      need(address.broadcast);
    } else if (flag == "down") {
      need(true);
    } else if (flag == "up") {
      need(address.up);
    } else if (flag == "point-to-point") {
      need(address.point_to_point);
    } else if (flag == "loopback") {
      need(address.loopback);
      attributes = attributes || ip.is_loopback();
    } else if (flag == "multicast") {
      need(address.multicast);
      attributes = attributes || multicast;
    } else if (flag == "forwardable") {
      attributes = attributes || is_forwardable(ip);
    } else if (flag == "global unicast") {
      attributes = attributes || !(ip.is_any() || ip.is_loopback() || multicast || link_local);
    } else if (flag == "interface-local multicast") {
      attributes = attributes || in_any(ip, {"ff01::/16"});
    } else if (flag == "link-local multicast") {
      attributes = attributes || in_any(ip, {"224.0.0.0/24", "ff02::/16"});
    } else if (flag == "link-local unicast") {
      attributes = attributes || link_local;
    } else if (flag == "unspecified") {
      attributes = attributes || ip.is_any();
    } else {
      return fail("Unknown interface flag: " + base::quote(flag));
    }
  }
  return attributes || (asked_interface && interface);
}

Result<std::string> attribute(const InterfaceAddress& address, const std::string& name) {
  const std::string key = lower(name);
  if (key == "address" || key == "host") return address.ip.to_string();
  if (key == "name") return address.name;
  if (key == "port") return std::string("0");
  if (key == "mask_bits" || key == "size") return std::to_string(address.prefix);
  if (key == "type") return std::string(address.ip.is_v4() ? "IPv4" : "IPv6");
  if (key == "network" || key == "string") {
    const std::string bits = "/" + std::to_string(address.prefix);
    if (key == "string") return address.ip.to_string() + (address.prefix == address.ip.size() * 8 ? "" : bits);
    return Network::parse(address.ip.to_string() + bits)->to_string();
  }
  if (key == "flags") {
    std::string out;
    const auto add = [&](bool flag, const char* word) {
      if (flag) out += (out.empty() ? "" : "|") + std::string(word);
    };
    add(address.up, "up");
    add(address.broadcast, "broadcast");
    add(address.loopback, "loopback");
    add(address.point_to_point, "pointtopoint");
    add(address.multicast, "multicast");
    return out;
  }
  return fail("unsupported attribute name " + base::quote(name));
}

// --- the commands
// -----------------------------------------------------------------------------------------------------

class Commands {
 public:
  explicit Commands(const Surroundings& host) : host_(host) {}

  Result<Data> run(const std::vector<std::string>& words, std::optional<Data> input) {
    const std::string& name = words[0];
    const auto argument = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
    const std::size_t given = words.size() - 1;
    const auto wants = [&](std::size_t count) -> Result<> {
      if (given == count) return {};
      return fail("wrong number of args for " + name + ": want " + std::to_string(count) + " got " +
                  std::to_string(given));
    };
    const auto interfaces = [&]() -> Result<Interfaces> {
      if (input && std::holds_alternative<Interfaces>(*input)) return std::get<Interfaces>(*input);
      return fail(name + " wants a list of interfaces");
    };

    if (name == "." || name == "GetAllInterfaces") return Data(host_.interfaces);
    if (name == "GetDefaultInterfaces") return Data(default_interfaces());
    if (name == "GetPrivateInterfaces") return Data(routed_interfaces(true));
    if (name == "GetPublicInterfaces") return Data(routed_interfaces(false));
    if (name == "GetPrivateIP") return Data(first(routed_interfaces(true)));
    if (name == "GetPublicIP") return Data(first(routed_interfaces(false)));
    if (name == "GetPrivateIPs") return Data(all(forwardable(true, false)));
    if (name == "GetPublicIPs") return Data(all(forwardable(false, false)));
    if (name == "GetInterfaceIP" || name == "GetInterfaceIPs") {
      if (Result<> ok = wants(1); !ok) return ok.error();
      Result<Interfaces> named = select(host_.interfaces, "name", argument(1), true);
      if (!named) return named.error();
      if (name == "GetInterfaceIP") std::erase_if(*named, [](auto& address) { return !is_forwardable(address.ip); });
      sort_by_size(*named);
      return Data(name == "GetInterfaceIP" ? first(*named) : all(*named));
    }
    Result<Interfaces> list = interfaces();
    if (!list) return list.error();
    if (name == "include" || name == "exclude") {
      if (Result<> ok = wants(2); !ok) return ok.error();
      Result<Interfaces> kept = select(*list, lower(argument(1)), argument(2), name == "include");
      if (!kept) return kept.error();
      return Data(std::move(*kept));
    }
    if (name == "sort") return sorted(std::move(*list), argument(1));
    if (name == "limit" || name == "offset") return cut(std::move(*list), name, argument(1));
    if (name == "unique") return unique(*list, argument(1));
    if (name == "attr") {
      if (list->empty()) return Data(std::string());
      Result<std::string> value = attribute(list->front(), argument(1));
      if (!value) return value.error();
      return Data(std::move(*value));
    }
    if (name == "join") {
      std::string out;
      for (std::size_t i = 0; i < list->size(); ++i) {
        Result<std::string> value = attribute((*list)[i], argument(1));
        if (!value) return value.error();
        out += (i > 0 ? argument(2) : "") + *value;
      }
      return Data(std::move(out));
    }
    return fail("function " + base::quote(name) + " not defined");
  }

 private:
  static void sort_by_size(Interfaces& list) {
    sort_stably(list, [](const InterfaceAddress& a, const InterfaceAddress& b) {
      if (a.ip.is_v4() != b.ip.is_v4()) return a.ip.is_v4();
      return a.prefix < b.prefix;
    });
  }

  Interfaces default_interfaces() const {
    Interfaces out;
    for (const InterfaceAddress& address : host_.interfaces) {
      if (!host_.default_interface.empty() && address.name == host_.default_interface) out.push_back(address);
    }
    return out;
  }

  Interfaces forwardable(bool special, bool only_up) const {
    Interfaces out;
    for (const InterfaceAddress& address : host_.interfaces) {
      if ((address.up || !only_up) && is_forwardable(address.ip) && is_special(address.ip) == special)
        out.push_back(address);
    }
    sort_by_size(out);
    return out;
  }

  /// The default route's interface comes first.
  Interfaces routed_interfaces(bool special) const {
    Interfaces out = forwardable(special, true);
    sort_stably(out, [&](const InterfaceAddress& a, const InterfaceAddress& b) {
      return (a.name == host_.default_interface) > (b.name == host_.default_interface);
    });
    return out;
  }

  static std::string first(const Interfaces& list) { return list.empty() ? std::string() : list[0].ip.to_string(); }

  static std::string all(const Interfaces& list) {
    std::string out;
    for (const InterfaceAddress& address : list) out += (out.empty() ? "" : " ") + address.ip.to_string();
    return out;
  }

  static Result<Interfaces> select(const Interfaces& list, const std::string& by, const std::string& wanted,
                                   bool keep) {
    std::optional<base::Regex> pattern;
    std::vector<Network> networks;
    if (by == "name" || by == "address") {
      Result<base::Regex> compiled = base::Regex::compile(wanted);
      if (!compiled)
        return fail("Unable to compile " + by + " regexp " + base::quote(wanted) + ": " + compiled.error().detail);
      pattern = std::move(*compiled);
    } else if (by == "network") {
      for (const std::string& text : split(wanted, '|')) {
        const std::optional<Network> network = Network::parse(text);
        if (!network) return fail("unable to parse " + base::quote(text) + " as a network");
        networks.push_back(*network);
      }
    }
    Interfaces out;
    for (const InterfaceAddress& address : list) {
      Result<bool> matched = false;
      if (by == "name") {
        matched = pattern->matches(address.name);
      } else if (by == "address") {
        matched = pattern->matches(address.ip.to_string());
      } else if (by == "network") {
        matched = std::any_of(networks.begin(), networks.end(), [&](auto& n) { return n.contains(address.ip); });
      } else if (by == "flag" || by == "flags") {
        matched = has_flags(address, wanted);
      } else if (by == "rfc" || by == "rfcs") {
        for (const std::string& number : split(wanted, '|')) {
          Result<bool> one = has_rfc(address.ip, number);
          if (!one) return one.error();
          if (*one) matched = true;
        }
      } else if (by == "size") {
        const std::string digits = wanted.starts_with('/') ? wanted.substr(1) : wanted;
        Result<std::uint64_t> size = base::parse_uint(digits);
        if (!size) return fail("invalid include size argument (" + base::quote(wanted) + ")");
        matched = address.prefix == *size;
      } else if (by == "type") {
        const std::string type = lower(wanted);
        for (const std::string& one : split(type, '|')) {
          if (one != "ip" && one != "ipv4" && one != "ipv6" && one != "unix") {
            return fail("unsupported type " + base::quote(one) + " in include/exclude");
          }
          if (one == "ip" || one == (address.ip.is_v4() ? "ipv4" : "ipv6")) matched = true;
        }
      } else {
        return fail(std::string("invalid ") + (keep ? "include" : "exclude") + " selector " + base::quote(by));
      }
      if (!matched) return matched.error();
      if (*matched == keep) out.push_back(address);
    }
    return out;
  }

  Result<Data> sorted(Interfaces list, const std::string& by) const {
    using Compare = std::function<int(const InterfaceAddress&, const InterfaceAddress&)>;
    const auto three_way = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
    std::vector<Compare> order;
    for (std::string clause : split(lower(by), ',')) {
      std::erase(clause, ' ');
      const int sign = clause.starts_with('-') ? -1 : 1;
      const std::string key = clause.starts_with('-') || clause.starts_with('+') ? clause.substr(1) : clause;
      Compare compare;
      if (key == "address") {
        compare = [=](auto& a, auto& b) { return a.ip.is_v4() == b.ip.is_v4() ? three_way(a.ip, b.ip) : 0; };
      } else if (key == "default") {
        const std::string best = host_.default_interface;
        compare = [=](auto& a, auto& b) { return three_way(a.name != best, b.name != best); };
      } else if (key == "name") {
        compare = [=](auto& a, auto& b) { return three_way(a.name, b.name); };
      } else if (key == "private") {
        compare = [=](auto& a, auto& b) { return three_way(!is_special(a.ip), !is_special(b.ip)); };
      } else if (key == "size") {
        compare = [=](auto& a, auto& b) { return three_way(a.prefix, b.prefix); };
      } else if (key == "type") {
        compare = [=](auto& a, auto& b) { return three_way(!a.ip.is_v4(), !b.ip.is_v4()); };
      } else if (key == "port") {
        compare = [](auto&, auto&) { return 0; };
      } else {
        return fail("unknown sort type: " + base::quote(clause));
      }
      order.push_back([=](auto& a, auto& b) { return sign * compare(a, b); });
    }
    sort_stably(list, [&](const InterfaceAddress& a, const InterfaceAddress& b) {
      for (const Compare& compare : order) {
        if (int result = compare(a, b); result != 0) return result < 0;
      }
      return false;
    });
    return Data(std::move(list));
  }

  static Result<Data> cut(Interfaces list, const std::string& name, const std::string& number) {
    Result<std::int64_t> count = base::parse_int(number);
    if (!count || (name == "limit" && *count < 0)) return fail("invalid " + name + " " + base::quote(number));
    const auto size = static_cast<std::int64_t>(list.size());
    if (name == "limit") {
      list.resize(static_cast<std::size_t>(std::min(*count, size)));
    } else {
      const std::int64_t from = *count < 0 ? size + *count : *count;
      if (from < 0 || from > size)
        return fail("unable to seek past the end of the interface array: offset exceeds the number of interfaces");
      list.erase(list.begin(), list.begin() + from);
    }
    return Data(std::move(list));
  }

  static Result<Data> unique(const Interfaces& list, const std::string& by) {
    Interfaces out;
    std::set<std::string> seen;
    for (const InterfaceAddress& address : list) {
      Result<std::string> value = attribute(address, by);
      if (!value) return value.error();
      if (seen.insert(*value).second) out.push_back(address);
    }
    return Data(std::move(out));
  }

  const Surroundings& host_;
};

bool is_known(std::string_view name) {
  for (const char* known :
       {".", "GetAllInterfaces", "GetDefaultInterfaces", "GetPrivateInterfaces", "GetPublicInterfaces", "GetPrivateIP",
        "GetPrivateIPs", "GetPublicIP", "GetPublicIPs", "GetInterfaceIP", "GetInterfaceIPs", "include", "exclude",
        "sort", "limit", "offset", "unique", "attr", "join"}) {
    if (name == known) return true;
  }
  return false;
}

/// The commands of `a "x" | b`: words, with their quotes taken away. Parentheses group a command that stands first.
Result<std::vector<std::vector<std::string>>> commands_of(std::string_view text) {
  std::vector<std::vector<std::string>> commands(1);
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++i;
    } else if (c == '|') {
      if (commands.back().empty()) return fail("missing value for command");
      commands.emplace_back();
      ++i;
    } else if (c == '"' || c == '`') {
      std::size_t end = i + 1;
      while (end < text.size() && text[end] != c) end += c == '"' && text[end] == '\\' ? 2 : 1;
      if (end >= text.size()) return fail("unterminated quoted string");
      Result<std::string> word = base::unquote(text.substr(i, end + 1 - i));
      if (!word) return word.error();
      commands.back().push_back(std::move(*word));
      i = end + 1;
    } else {
      std::size_t end = i;
      while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end])) && text[end] != '|' &&
             text[end] != '"' && text[end] != '`') {
        ++end;
      }
      commands.back().emplace_back(text.substr(i, end - i));
      i = end;
    }
  }
  if (commands.back().empty()) return fail("missing value for command");
  return commands;
}

}  // namespace

Result<std::string> expand_template(std::string_view text, const Surroundings& host) {
  std::string out;
  for (std::string_view rest = text;;) {
    const std::size_t open = rest.find("{{");
    out += rest.substr(0, open);
    if (open == rest.npos) return out;
    const std::size_t close = rest.find("}}", open);
    const auto unparsable = [&](const std::string& why) {
      return fail("unable to parse template " + base::quote(text) + ": template: sockaddr.Parse:1: " + why);
    };
    if (close == rest.npos) return unparsable("unclosed action");
    std::string_view inner = rest.substr(open + 2, close - open - 2);
    rest.remove_prefix(close + 2);
    if (inner.starts_with("- ")) inner.remove_prefix(2);
    if (inner.ends_with(" -")) inner.remove_suffix(2);

    Result<std::vector<std::vector<std::string>>> commands = commands_of(inner);
    if (!commands) return unparsable(commands.error().detail);
    for (const std::vector<std::string>& words : *commands) {
      if (!is_known(words[0])) return unparsable("function " + base::quote(words[0]) + " not defined");
    }
    Commands runner(host);
    std::optional<Data> data;
    for (const std::vector<std::string>& words : *commands) {
      Result<Data> result = runner.run(words, std::move(data));
      if (!result) {
        return fail("unable to execute sockaddr input " + base::quote(text) +
                    ": template: sockaddr.Parse:1: " + result.error().detail);
      }
      data = std::move(*result);
    }
    if (const std::string* value = std::get_if<std::string>(&*data)) {
      out += *value;
    } else {
      return fail("unable to execute sockaddr input " + base::quote(text) +
                  ": the pipeline ends in a list of interfaces; end it with attr or join");
    }
  }
}

}  // namespace proconsul::agent::config
