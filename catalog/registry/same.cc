#include "catalog/registry/same.h"

#include <algorithm>

namespace proconsul::catalog {

using base::Errc;
using base::Result;

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

template <class T>
bool equal(const T& a, const T& b) {
  return base::deep_equal(a, b);
}

}  // namespace

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool changes_node(const RegisterRequest& request, const Node& node) {
  return request.ID != node.ID || !same_letters(request.Node, node.Node) || request.PeerName != node.PeerName ||
         request.Address != node.Address || request.Datacenter != node.Datacenter ||
         !equal(request.TaggedAddresses, node.TaggedAddresses) || !equal(request.NodeMeta, node.Meta) ||
         !equal(request.Locality, node.Locality);
}

bool same_node(const Node& a, const Node& b) {
  return a.ID == b.ID && same_letters(a.Node, b.Node) && same_letters(a.PeerName, b.PeerName) &&
         a.Address == b.Address && a.Datacenter == b.Datacenter && equal(a.TaggedAddresses, b.TaggedAddresses) &&
         equal(a.Meta, b.Meta);
}

namespace {

// What both comparisons of services look at.
bool same_core(const NodeService& a, const NodeService& b) {
  return a.Kind == b.Kind && a.ID == b.ID && a.Service == b.Service && equal(a.Tags, b.Tags) &&
         a.Address == b.Address && a.Port == b.Port && equal(a.TaggedAddresses, b.TaggedAddresses) &&
         equal(a.Weights, b.Weights) && equal(a.Meta, b.Meta) && a.EnableTagOverride == b.EnableTagOverride &&
         equal(a.Proxy, b.Proxy);
}

}  // namespace

bool same_registration(const NodeService& stored, const NodeService& request) {
  // What hangs on Connect by a pointer is another one in every request.
  const auto plain = [](const ServiceConnect& connect) { return !connect.SidecarService && !connect.PeerMeta; };
  return same_core(stored, request) && stored.SocketPath == request.SocketPath &&
         equal(stored.Locality, request.Locality) && stored.PeerName == request.PeerName &&
         stored.Connect->Native == request.Connect->Native && plain(*stored.Connect) && plain(*request.Connect);
}

bool same_service(const StoredService& a, const StoredService& b) {
  return same_letters(a.Node, b.Node) && same_core(a, b) && equal(a.Connect, b.Connect);
}

bool same_check(const HealthCheck& a, const HealthCheck& b) {
  return same_letters(a.Node, b.Node) && a.CheckID == b.CheckID && a.Name == b.Name && a.Status == b.Status &&
         a.Notes == b.Notes && a.Output == b.Output && a.ServiceID == b.ServiceID && a.ServiceName == b.ServiceName &&
         equal(a.ServiceTags, b.ServiceTags) && equal(a.Definition, b.Definition) && a.PeerName == b.PeerName;
}

Result<> validate_weights(const Weights& weights) {
  if (weights.Passing < 1) return {Errc::invalid_argument, "Passing must be greater than 0"};
  if (weights.Warning < 0) return {Errc::invalid_argument, "Warning must be greater or equal than 0"};
  if (weights.Passing > 65535 || weights.Warning > 65535) {
    return {Errc::invalid_argument, "DNS Weight must be between 0 and 65535"};
  }
  return {};
}

namespace {

constexpr std::size_t kMaxPairs = 64;
constexpr std::size_t kMaxKey = 128;
constexpr std::size_t kMaxValue = 512;
constexpr std::string_view kReserved = "consul-";
constexpr std::string_view kWanFederation = "consul-wan-federation";

bool key_has_good_form(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string complaint(std::string_view key, std::string_view value, bool allow_reserved, std::string_view allowed_key) {
  if (key.empty()) return "Key cannot be blank";
  if (!key_has_good_form(key)) return "Key contains invalid characters";
  if (key.size() > kMaxKey) return "Key is too long (limit: 128 characters)";
  if (key.starts_with(kReserved) && !allow_reserved && key != allowed_key) {
    return "Key prefix 'consul-' is reserved for internal use";
  }
  if (value.size() > kMaxValue) return "Value is too long (limit: 512 characters)";
  return {};
}

Result<> validate_meta(const base::Map<std::string>& meta, bool allow_reserved, std::string_view allowed_key) {
  if (meta.size() > kMaxPairs) {
    return {Errc::invalid_argument, "Node metadata cannot contain more than 64 key/value pairs"};
  }
  for (const auto& [key, value] : meta) {
    const std::string text = complaint(key, value, allow_reserved, allowed_key);
    if (text.empty()) continue;
    return {Errc::invalid_argument, "Couldn't load metadata pair ('" + key + "', '" + value + "'): " + text};
  }
  return {};
}

}  // namespace

Result<> validate_node_meta(const base::Map<std::string>& meta, bool allow_reserved) {
  return validate_meta(meta, allow_reserved, {});
}

Result<> validate_service_meta(std::string_view kind, const base::Map<std::string>& meta) {
  return validate_meta(meta, false, kind == kKindMeshGateway ? kWanFederation : std::string_view{});
}

}  // namespace proconsul::catalog
