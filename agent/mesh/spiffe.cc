#include "agent/mesh/spiffe.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/net/url.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Result;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// What of a text DNS names may hold.
std::string plain(std::string_view text, std::size_t most) {
  std::string out = lower(text);
  std::erase_if(out, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9'); });
  out.resize(std::min(out.size(), most));
  return out;
}

/// Matches a path part for part: a "*" takes one that is not empty.
bool matches(const std::vector<std::string_view>& parts, std::size_t from,
             std::initializer_list<std::string_view> pattern, std::vector<std::string_view>& taken) {
  if (parts.size() - from != pattern.size()) return false;
  taken.clear();
  std::size_t at = from;
  for (const std::string_view wanted : pattern) {
    const std::string_view part = parts[at++];
    if (wanted != "*" ? part != wanted : part.empty()) return false;
    if (wanted == "*") taken.push_back(part);
  }
  return true;
}

}  // namespace

std::string SpiffeId::uri() const {
  std::string path;
  if (!partition.empty() && partition != "default" && kind != Kind::server) path = "/ap/" + partition;
  switch (kind) {
    case Kind::service:
      path += "/ns/" + name_space + "/dc/" + datacenter + "/svc/" + name;
      break;
    case Kind::agent:
      path += "/agent/client/dc/" + datacenter + "/id/" + name;
      break;
    case Kind::mesh_gateway:
      path += "/gateway/mesh/dc/" + datacenter;
      break;
    case Kind::server:
      path += "/agent/server/dc/" + datacenter;
      break;
    case Kind::signing:
      path.clear();
      break;
  }
  return "spiffe://" + host + base::net::escape_path(path);
}

Result<SpiffeId> parse_spiffe(std::string_view text) {
  const Result<base::net::Url> url = base::net::parse_url(text);
  if (!url) return url.error();
  if (url->scheme != "spiffe") return {Errc::internal, "SPIFFE ID must have 'spiffe' scheme"};
  std::vector<std::string_view> parts;
  for (std::string_view rest = url->path; !rest.empty();) {
    rest.remove_prefix(1);
    parts.push_back(rest.substr(0, rest.find('/')));
    rest.remove_prefix(parts.back().size());
  }
  SpiffeId id{.host = url->host};
  std::size_t from = 0;
  if (parts.size() > 2 && parts[0] == "ap" && !parts[1].empty()) {
    id.partition = base::net::unescape_path(parts[1]);
    from = 2;
  }
  std::vector<std::string_view> taken;
  const auto part = [&](std::size_t i) { return base::net::unescape_path(taken[i]); };
  if (matches(parts, from, {"ns", "*", "dc", "*", "svc", "*"}, taken)) {
    id.kind = SpiffeId::Kind::service;
    id.name_space = part(0);
    id.datacenter = part(1);
    id.name = part(2);
    return id;
  }
  if (matches(parts, from, {"agent", "client", "dc", "*", "id", "*"}, taken)) {
    id.kind = SpiffeId::Kind::agent;
    id.datacenter = part(0);
    id.name = part(1);
    return id;
  }
  if (matches(parts, from, {"gateway", "mesh", "dc", "*"}, taken)) {
    id.kind = SpiffeId::Kind::mesh_gateway;
    id.datacenter = part(0);
    return id;
  }
  if (from == 0 && matches(parts, 0, {"agent", "server", "dc", "*"}, taken)) {
    id.kind = SpiffeId::Kind::server;
    id.datacenter = part(0);
    return id;
  }
  const std::size_t dot = url->host.find('.');
  if (url->path.empty() && dot != std::string::npos && dot > 0) {
    id.kind = SpiffeId::Kind::signing;
    return id;
  }
  return {Errc::internal, "SPIFFE ID is not in the expected format: " + std::string(text)};
}

std::string trust_domain(std::string_view cluster_id) {
  return lower(cluster_id) + ".consul";
}

bool can_sign(std::string_view domain, const SpiffeId& id) {
  return id.kind != SpiffeId::Kind::agent && lower(id.host) == domain;
}

std::string authority_name(std::string_view unique, std::string_view cluster_id, bool primary) {
  return std::string(primary ? "pri-" : "sec-") + plain(unique, 8) + ".consul.ca." +
         std::string(cluster_id.substr(0, 8)) + ".consul";
}

}  // namespace proconsul::agent::mesh
