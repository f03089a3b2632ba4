#include "agent/config/build_network.h"

#include <optional>
#include <set>

#include "agent/config/definition.h"
#include "agent/config/template.h"
#include "base/quote.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

constexpr int kDefaultGrpcTlsPort = 8503;

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

/// An address without its port: an IP or the path of a unix socket.
struct Place {
  std::optional<Ip> ip{};
  std::string path{};
};

class NetworkBuilder {
 public:
  NetworkBuilder(const Settings& settings, const Surroundings& host, Config& config, std::vector<std::string>& warnings,
                 std::vector<std::string>& errors)
      : settings_(settings), host_(host), config_(config), warnings_(warnings), errors_(errors) {}

  Result<> run() {
    if (Result<> ok = ports(); !ok) return ok;
    if (Result<> ok = cluster_addresses(); !ok) return ok;
    client_addresses();
    if (Result<> ok = recursors(); !ok) return ok;
    if (Result<> ok = allowed("serf_lan_allowed_cidrs", config_.serf_allowed_cidrs_lan); !ok) return ok;
    if (Result<> ok = allowed("serf_wan_allowed_cidrs", config_.serf_allowed_cidrs_wan); !ok) return ok;
    config_.translate_wan_addrs = boolean_or(find(settings_, "translate_wan_addrs"));
    config_.unix_socket_user = text("unix_sockets.user");
    config_.unix_socket_group = text("unix_sockets.group");
    config_.unix_socket_mode = text("unix_sockets.mode");
    return {};
  }

 private:
  std::string text(std::string_view path) const { return text_or(find(settings_, path)); }

  /// Anything not above zero is off: -1.
  int port(const std::string& path) {
    const std::int64_t value = integer_or(find(settings_, path));
    if (value <= 0) return -1;
    if (value > 65535) errors_.push_back(path + ": invalid port: " + std::to_string(value));
    return static_cast<int>(std::min<std::int64_t>(value, 1 << 30));
  }

  Result<> ports() {
    Config& c = config_;
    c.dns_port = port("ports.dns");
    c.http_port = port("ports.http");
    c.https_port = port("ports.https");
    c.server_port = port("ports.server");
    c.grpc_port = port("ports.grpc");
    c.grpc_tls_port = port("ports.grpc_tls");
    if (find(settings_, "ports.grpc_tls") == nullptr && c.server_mode) c.grpc_tls_port = kDefaultGrpcTlsPort;
    c.serf_port_lan = port("ports.serf_lan");
    c.serf_port_wan = port("ports.serf_wan");
    const int proxy_min = port("ports.proxy_min_port");
    const int proxy_max = port("ports.proxy_max_port");
    c.connect_sidecar_min_port = port("ports.sidecar_min_port");
    c.connect_sidecar_max_port = port("ports.sidecar_max_port");
    c.expose_min_port = port("ports.expose_min_port");
    c.expose_max_port = port("ports.expose_max_port");
    if (c.server_port <= 0) return fail("server-port must be greater than zero");
    if (c.serf_port_lan <= 0) return fail("serf-lan-port must be greater than zero");
    const char* kDisable = ". To disable, set both to zero.";
    if (proxy_max < proxy_min) return fail(std::string("proxy_min_port must be less than proxy_max_port") + kDisable);
    if (c.connect_sidecar_max_port < c.connect_sidecar_min_port) {
      return fail(std::string("sidecar_min_port must be less than sidecar_max_port") + kDisable);
    }
    if (c.expose_max_port < c.expose_min_port) {
      return fail(std::string("expose_min_port must be less than expose_max_port") + kDisable);
    }
    return {};
  }

  /// What the addresses in a value (templates expanded) are; nothing when one of them is wrong.
  std::vector<Place> places(const std::string& name, const std::string& value) {
    if (value.empty()) return {};
    Result<std::string> expanded = expand_template(value, host_);
    if (!expanded) {
      errors_.push_back(name + ": error parsing " + base::quote(value) + ": " + expanded.error().detail);
      return {};
    }
    std::vector<Place> out;
    for (const std::string& word : words_of(*expanded)) {
      if (word.starts_with("unix://")) {
        out.push_back({.path = word.substr(7)});
      } else if (std::optional<Ip> ip = Ip::parse(word == "[::]" ? "::" : std::string_view(word))) {
        out.push_back({.ip = ip});
      } else {
        errors_.push_back(name + ": invalid ip address: " + word);
        return {};
      }
    }
    return out;
  }

  /// The only IP in a value; nothing if there is none.
  std::optional<Ip> one_ip(const std::string& name, const std::string& value) {
    const std::vector<Place> found = places(name, value);
    if (found.empty()) return std::nullopt;
    if (found.size() > 1) {
      std::string all;
      for (const Place& place : found)
        all += (all.empty() ? "" : " ") + (place.ip ? place.ip->to_string() : place.path);
      errors_.push_back(name + ": multiple addresses found: " + all);
      return std::nullopt;
    }
    if (!found[0].ip) errors_.push_back(name + " cannot be a unix socket");
    return found[0].ip;
  }
  std::optional<Ip> one_ip(const std::string& path) { return one_ip(path, text(path)); }

  Result<> cluster_addresses() {
    Config& c = config_;
    const std::vector<Place> bind = places("bind_addr", text("bind_addr"));
    if (bind.empty()) return fail("bind_addr cannot be empty");
    if (bind.size() > 1) {
      return fail("bind_addr cannot contain multiple addresses. Use 'addresses.{dns,http,https}' instead.");
    }
    if (!bind[0].ip) return fail("bind_addr cannot be a unix socket");
    const auto is_any_text = [](const std::string& text) {
      return text == "0.0.0.0" || text == "::" || text == "[::]";
    };
    if (is_any_text(text("advertise_addr"))) return fail("Advertise address cannot be 0.0.0.0, :: or [::]");
    if (is_any_text(text("advertise_addr_wan"))) return fail("Advertise WAN address cannot be 0.0.0.0, :: or [::]");
    c.bind_addr = *bind[0].ip;

    const std::optional<Ip> configured = one_ip("advertise_addr");
    Ip advertise = configured.value_or(c.bind_addr);
    if (advertise.is_any()) {
      const std::string kind = advertise.is_v4() ? "private IPv4" : "public IPv6";
      const std::vector<Ip> found = advertise.is_v4() ? private_ipv4(host_) : public_ipv6(host_);
      if (found.empty()) return fail("No " + kind + " address found");
      if (found.size() > 1) {
        return fail("Multiple " + kind + " addresses found. Please configure one with 'bind' and/or 'advertise'.");
      }
      advertise = found[0];
    }
    c.advertise_addr_lan = one_ip("advertise_addr").value_or(advertise);
    c.advertise_addr_wan = one_ip("advertise_addr_wan").value_or(c.advertise_addr_lan);

    // Tagged addresses: each family's own, or the advertised one if it is of that family.
    c.tagged_addresses = text_map_of(find(settings_, "tagged_addresses"));
    c.tagged_addresses.make_present();
    const auto tag = [&](const std::string& name, const std::string& path, const Ip& advertised) -> Result<> {
      c.tagged_addresses[name] = advertised.to_string();
      for (const bool v4 : {true, false}) {
        const std::string own_path = path + (v4 ? "_ipv4" : "_ipv6");
        std::optional<Ip> ip = one_ip(own_path);
        if (ip && ip->is_v4() != v4) {
          return fail(own_path + " must be an " + (v4 ? "ipv4" : "ipv6") + " address");
        }
        if (!ip && advertised.is_v4() == v4) ip = advertised;
        if (ip) c.tagged_addresses[name + (v4 ? "_ipv4" : "_ipv6")] = ip->to_string();
      }
      return {};
    };
    if (Result<> ok = tag("lan", "advertise_addr", advertise); !ok) return ok;
    c.tagged_addresses["lan"] = c.advertise_addr_lan.to_string();
    if (Result<> ok = tag("wan", "advertise_addr_wan", c.advertise_addr_wan); !ok) return ok;

    const auto address = [](const Ip& ip, int port) { return port > 0 ? Address::tcp(ip, port) : Address(); };
    c.rpc_bind_addr = address(c.bind_addr, static_cast<int>(c.server_port));
    c.rpc_advertise_addr = address(c.advertise_addr_lan, static_cast<int>(c.server_port));
    c.serf_bind_addr_lan = address(one_ip("serf_lan").value_or(c.bind_addr), static_cast<int>(c.serf_port_lan));
    c.serf_advertise_addr_lan = address(c.advertise_addr_lan, static_cast<int>(c.serf_port_lan));
    if (c.serf_port_wan > 0) {
      c.serf_bind_addr_wan = address(one_ip("serf_wan").value_or(c.bind_addr), static_cast<int>(c.serf_port_wan));
      c.serf_advertise_addr_wan = address(c.advertise_addr_wan, static_cast<int>(c.serf_port_wan));
    }
    return {};
  }

  void client_addresses() {
    Config& c = config_;
    for (const Place& place : places("client_addr", text("client_addr"))) {
      if (!place.ip) {
        errors_.push_back("client_addr cannot be a unix socket");
        c.client_addrs.clear();
        break;
      }
      c.client_addrs.push_back(*place.ip);
    }
    if (c.client_addrs.empty()) {
      warnings_.push_back(
          "client_addr is empty, client services (DNS, HTTP, HTTPS, GRPC) will not be listening for connections");
    }
    const auto listeners = [&](const char* name, Int port) {
      List<Address> out;
      std::vector<Place> own = places(std::string("addresses.") + name, text(std::string("addresses.") + name));
      if (port <= 0) return out;
      if (own.empty()) {
        for (const Ip& ip : c.client_addrs) own.push_back({.ip = ip});
      }
      for (Place& place : own) {
        if (place.ip) {
          out.push_back(Address::tcp(*place.ip, static_cast<int>(port)));
        } else {
          out.push_back({.kind = Address::Kind::unix_socket, .path = std::move(place.path)});
        }
      }
      return out;
    };
    c.dns_addrs = listeners("dns", c.dns_port);
    c.http_addrs = listeners("http", c.http_port);
    c.https_addrs = listeners("https", c.https_port);
    c.grpc_addrs = listeners("grpc", c.grpc_port);
    c.grpc_tls_addrs = listeners("grpc_tls", c.grpc_tls_port);
    for (std::size_t i = 0, count = c.dns_addrs.size(); i < count; ++i) {
      Address udp = c.dns_addrs[i];
      if (udp.kind != Address::Kind::tcp) continue;
      udp.kind = Address::Kind::udp;
      c.dns_addrs.push_back(std::move(udp));
    }
  }

  Result<> recursors() {
    std::set<std::string> seen;
    config_.dns_recursors.make_present();
    for (const std::string& recursor : texts_of(find(settings_, "recursors"))) {
      Result<std::string> expanded = expand_template(recursor, host_);
      if (!expanded) {
        return fail("Invalid DNS recursor template " + base::quote(recursor) + ": " + expanded.error().detail);
      }
      for (std::string& word : words_of(*expanded)) {
        if (word.starts_with("unix://")) return fail("DNS Recursors cannot be unix sockets: " + word);
        if (seen.insert(word).second) config_.dns_recursors.push_back(std::move(word));
      }
    }
    return {};
  }

  Result<> allowed(const std::string& path, List<Network>& out) {
    std::vector<std::string> wrong;
    for (const std::string& text : texts_of(find(settings_, path))) {
      std::string trimmed = text;
      std::erase(trimmed, ' ');
      if (std::optional<Network> network = Network::parse(trimmed)) {
        out.push_back(*network);
      } else {
        wrong.push_back("invalid cidr: " + text);
      }
    }
    if (wrong.empty()) return {};
    std::string all = std::to_string(wrong.size()) + (wrong.size() == 1 ? " error occurred:\n" : " errors occurred:\n");
    for (const std::string& error : wrong) all += "\t* " + error + "\n";
    return fail(path + ": " + all + "\n");
  }

  const Settings& settings_;
  const Surroundings& host_;
  Config& config_;
  std::vector<std::string>& warnings_;
  std::vector<std::string>& errors_;
};

}  // namespace

Result<> build_network(const Settings& settings, const Surroundings& host, Config& config,
                       std::vector<std::string>& warnings, std::vector<std::string>& errors) {
  return NetworkBuilder(settings, host, config, warnings, errors).run();
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  const char* spaces = " \t\r\n\v\f";
  for (std::size_t at = text.find_first_not_of(spaces); at != text.npos; at = text.find_first_not_of(spaces, at)) {
    const std::size_t end = std::min(text.find_first_of(spaces, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

}  // namespace proconsul::agent::config
