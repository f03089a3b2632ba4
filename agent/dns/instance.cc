#include "agent/dns/instance.h"

#include <algorithm>
#include <optional>

#include "agent/dns/message.h"
#include "agent/dns/name.h"

namespace proconsul::agent::dns {
namespace {

using catalog::CheckServiceNode;
using catalog::HealthCheck;

constexpr std::string_view kNodeMaintenance = "_node_maintenance";
constexpr std::string_view kServiceMaintenance = "_service_maintenance:";

std::string hex(const config::Ip& ip) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < ip.size(); ++i) {
    text += kDigits[ip.bytes()[i] >> 4];
    text += kDigits[ip.bytes()[i] & 15];
  }
  return text;
}

void set_ip(const config::Ip& ip, std::array<char, 16>& bytes, bool& v6) {
  std::copy_n(ip.bytes(), ip.size(), bytes.begin());
  v6 = !ip.is_v4();
}

std::string tagged(const base::Map<std::string>& addresses, const char* tag) {
  const auto found = addresses.find(tag);
  return found == addresses.end() ? std::string{} : found->second;
}
std::string tagged(const base::Map<catalog::ServiceAddress>& addresses, const char* tag) {
  const auto found = addresses.find(tag);
  return found == addresses.end() ? std::string{} : found->second.Address;
}

/// The address that the question wants out of an address and its tagged ones.
template <class Tagged>
std::string pick(const std::string& address, const Tagged& addresses, bool wan, Want want) {
  std::string any = address;
  std::string v4 = tagged(addresses, "lan_ipv4");
  std::string v6 = tagged(addresses, "lan_ipv6");
  if (wan) {
    if (addresses.contains("wan")) any = tagged(addresses, "wan");
    if (addresses.contains("wan_ipv4")) v4 = tagged(addresses, "wan_ipv4");
    if (addresses.contains("wan_ipv6")) v6 = tagged(addresses, "wan_ipv6");
  }
  if (want != Want::a && !v6.empty()) return v6;
  if (want != Want::aaaa && !v4.empty()) return v4;
  return any;
}

bool wan_wanted(const Settings& settings, std::string_view datacenter) {
  return settings.translate_wan_addresses && datacenter != settings.datacenter;
}

std::int64_t weight(const CheckServiceNode& joined) {
  const catalog::Weights weights =
      joined.Service->Weights ? *joined.Service->Weights : catalog::Weights{.Passing = 1, .Warning = 1};
  bool warning = false;
  bool critical = false;
  bool maintenance = false;
  for (const auto& check : joined.Checks) {
    if (!check || (!check->ServiceName.empty() && check->ServiceName != joined.Service->Service)) continue;
    if (check->CheckID == kNodeMaintenance || check->CheckID.starts_with(kServiceMaintenance)) {
      maintenance = true;
    } else if (check->Status == catalog::kHealthWarning) {
      warning = true;
    } else if (check->Status == catalog::kHealthCritical) {
      critical = true;
    } else if (check->Status != catalog::kHealthPassing) {
      return 1;
    }
  }
  if (maintenance || critical) return 0;
  return warning ? weights.Warning : weights.Passing;
}

Endpoint make_endpoint(const Settings& settings, const CheckServiceNode& joined, std::string_view datacenter,
                       Want want) {
  const catalog::Node& node = *joined.Node;
  const catalog::NodeService& service = *joined.Service;
  const std::string address = pick(service.Address, service.TaggedAddresses, wan_wanted(settings, datacenter), want);
  const NodeAddress of_node = node_address(settings, node, want);
  Endpoint endpoint;
  if (address.empty() && of_node.text.empty()) return endpoint;

  const std::optional<config::Ip> own = address.empty() ? of_node.ip : config::Ip::parse(address);
  if (!own) {
    std::optional<std::string> host = to_name(address.empty() ? of_node.text : address);
    if (!host) return endpoint;
    endpoint.kind = Endpoint::Kind::host;
    endpoint.name = std::move(*host);
    if (!address.empty() && of_node.ip) {
      endpoint.has_node_ip = true;
      set_ip(*of_node.ip, endpoint.node_ip, endpoint.node_v6);
    }
    return endpoint;
  }
  set_ip(*own, endpoint.ip, endpoint.v6);
  if (address.empty() && of_node.text == node.Address) {
    endpoint.kind = Endpoint::Kind::node;
    return endpoint;
  }
  endpoint.kind = Endpoint::Kind::address;
  std::string name = hex(*own) + ".addr";
  if (service.PeerName.empty()) name += "." + node.Datacenter;
  endpoint.name = to_labels(name).value_or("");
  return endpoint;
}

// RFC 1464
std::string key_and_value(const std::string& key, const std::string& value) {
  const std::size_t first = std::min(key.find_first_not_of(' '), key.size());
  const std::size_t last = first == key.size() ? first : key.find_last_not_of(' ') + 1;
  std::string text;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    if (c == '`' || c == '=' || (c == ' ' && (i < first || i >= last))) text += '`';
    text += c;
  }
  text += '=';
  for (const char c : value) {
    if (c == '`') text += '`';
    text += c;
  }
  return text;
}

}  // namespace

Want want_of(std::uint16_t type) {
  if (type == kTypeA) return Want::a;
  return type == kTypeAaaa ? Want::aaaa : Want::any;
}

bool answers(bool v6, std::uint16_t type) {
  return type == (v6 ? kTypeAaaa : kTypeA) || type == kTypeSrv || type == kTypeAny || type == kTypeNs ||
         type == kTypeTxt;
}

NodeAddress node_address(const Settings& settings, const catalog::Node& node, Want want) {
  NodeAddress address;
  address.text = pick(node.Address, node.TaggedAddresses, wan_wanted(settings, node.Datacenter), want);
  address.ip = config::Ip::parse(address.text);
  return address;
}

std::string node_labels(const catalog::Node& node) {
  std::string name = node.Node + ".node.";
  name += node.PeerName.empty() ? node.Datacenter : node.PeerName + ".peer";
  return to_labels(name).value_or("");
}

std::vector<std::string> meta_records(const catalog::Node& node) {
  std::vector<std::string> records;
  for (const auto& [key, value] : node.Meta) {
    constexpr std::string_view kBare = "rfc1035-";
    const bool bare = key.size() >= kBare.size() &&
                      std::equal(kBare.begin(), kBare.end(), key.begin(), [](char a, char b) { return a == lower(b); });
    const std::string text = bare ? value : key_and_value(key, value);
    std::string data;
    std::size_t at = 0;
    do {  // strings of at most 255 bytes; a client joins them
      const std::size_t size = std::min<std::size_t>(text.size() - at, 255);
      data += static_cast<char>(size);
      data.append(text, at, size);
      at += size;
    } while (at < text.size());
    records.push_back(std::move(data));
  }
  return records;
}

Instance make_instance(const Settings& settings, const CheckServiceNode& joined, std::string_view datacenter) {
  Instance instance;
  const catalog::NodeService& service = *joined.Service;
  instance.node_name = node_labels(*joined.Node);
  for (const Want want : {Want::a, Want::aaaa, Want::any}) {
    Endpoint endpoint = make_endpoint(settings, joined, datacenter, want);
    const auto known = std::find(instance.endpoints.begin(), instance.endpoints.end(), endpoint);
    instance.which[static_cast<std::size_t>(want)] = static_cast<std::uint8_t>(known - instance.endpoints.begin());
    if (known == instance.endpoints.end()) instance.endpoints.push_back(std::move(endpoint));
  }
  instance.endpoints.shrink_to_fit();
  instance.weight = static_cast<std::uint16_t>(weight(joined));
  const bool wan = wan_wanted(settings, datacenter);
  std::int64_t port = service.Port;
  if (const auto tag = service.TaggedAddresses.find("wan"); wan && tag != service.TaggedAddresses.end()) {
    if (tag->second.Port != 0) port = tag->second.Port;
  }
  instance.port = static_cast<std::uint16_t>(port);
  instance.identity = joined.Node->Node + ":" + pick(service.Address, service.TaggedAddresses, wan, Want::any) + ":" +
                      std::to_string(port);
  instance.meta = meta_records(*joined.Node);
  return instance;
}

std::size_t Instance::memory() const {
  std::size_t bytes =
      sizeof *this + node_name.capacity() + identity.capacity() + endpoints.capacity() * sizeof(Endpoint);
  for (const Endpoint& endpoint : endpoints) bytes += endpoint.name.capacity();
  for (const std::string& text : meta) bytes += sizeof text + text.capacity();
  return bytes;
}

}  // namespace proconsul::agent::dns
