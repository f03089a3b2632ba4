#include "agent/server/server_info.h"

#include <charconv>
#include <string_view>

#include "gossip/ip_text.h"

namespace proconsul::agent::server {
namespace {

using Tags = base::Map<std::string>;

constexpr std::string_view kFeature = "ft_";
constexpr std::string_view kSegmentAddress = "sl_";
// What Consul 1.21 speaks (serf.tsv).
constexpr int kProtocol = 2, kProtocolMin = 2, kProtocolMax = 3, kRaftProtocol = 3;

const std::string* find(const Tags& tags, const std::string& name) {
  const auto at = tags.find(name);
  return at == tags.end() ? nullptr : &at->second;
}

std::string text_of(const Tags& tags, const std::string& name) {
  const std::string* value = find(tags, name);
  return value ? *value : std::string();
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An absent tag leaves the value as it is; false: it is there and no number.
template <class Number>
bool read(const Tags& tags, const std::string& name, Number& value) {
  const std::string* text = find(tags, name);
  if (!text) return true;
  const auto read = number<Number>(*text);
  if (read) value = *read;
  return read.has_value();
}

std::size_t digits(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end - at;
}

void put_port(Tags& tags, const char* name, std::uint16_t port) {
  if (port != 0) tags.insert_or_assign(name, std::to_string(port));
}

}  // namespace

std::string ServerInfo::rpc_address() const {
  const bool v6 = ip.find(':') != ip.npos;
  return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

std::string build_version(std::string_view build) {
  for (std::size_t from = 0; from < build.size(); ++from) {
    std::size_t at = from;
    int parts = 0;
    while (parts < 3) {
      const std::size_t length = digits(build, at);
      if (length == 0) break;
      at += length;
      if (++parts < 3) {
        if (at >= build.size() || build[at] != '.') break;
        ++at;
      }
    }
    if (parts == 3) return std::string(build.substr(from, at - from));
  }
  return {};
}

std::optional<ServerInfo> server_info(const gossip::serf::Member& member) {
  const Tags& tags = member.Tags;
  if (text_of(tags, "role") != "consul") return std::nullopt;
  ServerInfo info;
  info.name = member.Name;
  info.id = text_of(tags, "id");
  info.datacenter = text_of(tags, "dc");
  info.segment = text_of(tags, "segment");
  info.short_name = info.name;
  if (const std::string suffix = "." + info.datacenter; info.short_name.ends_with(suffix)) {
    info.short_name.resize(info.short_name.size() - suffix.size());
  }
  info.ip = gossip::ip_text(member.Addr);
  info.gossip_port = member.Port;
  info.status = member.Status;
  info.bootstrap = find(tags, "bootstrap") != nullptr;
  info.use_tls = find(tags, "use_tls") != nullptr;
  info.acls = text_of(tags, "acls") == "1";
  info.read_replica = find(tags, "read_replica") != nullptr || find(tags, "nonvoter") != nullptr;
  info.build = build_version(text_of(tags, "build"));
  if (!find(tags, "port") || !find(tags, "vsn") || info.build.empty()) return std::nullopt;
  if (!read(tags, "port", info.port) || !read(tags, "vsn", info.protocol) || !read(tags, "expect", info.expect) ||
      !read(tags, "raft_vsn", info.raft_version) || !read(tags, "wan_join_port", info.wan_join_port)) {
    return std::nullopt;
  }
  const bool grpc = read(tags, "grpc_port", info.grpc_port);
  const bool grpc_tls = read(tags, "grpc_tls_port", info.grpc_tls_port);
  if (!grpc && !grpc_tls) return std::nullopt;
  if ((find(tags, "grpc_port") || find(tags, "grpc_tls_port")) && info.grpc_port == 0 && info.grpc_tls_port == 0) {
    return std::nullopt;
  }
  for (const auto& [name, value] : tags) {
    if (name.starts_with(kFeature)) {
      if (!number<int>(value)) return std::nullopt;
      info.features.emplace(name.substr(kFeature.size()), value);
    } else if (name.starts_with(kSegmentAddress)) {
      const std::size_t colon = value.rfind(':');
      if (colon == value.npos || !number<int>(std::string_view(value).substr(colon + 1))) return std::nullopt;
    }
  }
  return info;
}

std::optional<std::string> client_datacenter(const gossip::serf::Member& member) {
  if (text_of(member.Tags, "role") != "node") return std::nullopt;
  return text_of(member.Tags, "dc");
}

Tags server_tags(const ServerInfo& own, std::string_view build) {
  Tags tags;
  tags.emplace("role", "consul");
  tags.emplace("dc", own.datacenter);
  tags.emplace("segment", own.segment);
  tags.emplace("id", own.id);
  tags.emplace("vsn", std::to_string(kProtocol));
  tags.emplace("vsn_min", std::to_string(kProtocolMin));
  tags.emplace("vsn_max", std::to_string(kProtocolMax));
  tags.emplace("raft_vsn", std::to_string(kRaftProtocol));
  tags.emplace("build", build);
  tags.emplace("port", std::to_string(own.port));
  put_port(tags, "grpc_port", own.grpc_port);
  put_port(tags, "grpc_tls_port", own.grpc_tls_port);
  put_port(tags, "wan_join_port", own.wan_join_port);
  if (own.bootstrap) tags.emplace("bootstrap", "1");
  if (own.expect != 0) tags.emplace("expect", std::to_string(own.expect));
  if (own.read_replica) {
    tags.emplace("nonvoter", "1");  // what servers before 1.9 look for
    tags.emplace("read_replica", "1");
  }
  if (own.use_tls) tags.emplace("use_tls", "1");
  tags.emplace("acls", own.acls ? "1" : "0");
  for (const auto& [name, state] : own.features) tags.emplace(std::string(kFeature) + name, state);
  return tags;
}

Tags client_tags(const std::string& datacenter, const std::string& id, std::string_view build) {
  Tags tags;
  tags.emplace("role", "node");
  tags.emplace("dc", datacenter);
  tags.emplace("segment", "");
  tags.emplace("id", id);
  tags.emplace("vsn", std::to_string(kProtocol));
  tags.emplace("vsn_min", std::to_string(kProtocolMin));
  tags.emplace("vsn_max", std::to_string(kProtocolMax));
  tags.emplace("build", build);
  return tags;
}

}  // namespace proconsul::agent::server
