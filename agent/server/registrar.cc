#include "agent/server/registrar.h"

#include "agent/server/server_info.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/store/tables.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::server {
namespace {

using gossip::serf::Member;
using gossip::serf::MemberStatus;

constexpr char kAlive[] = "Agent alive and reachable";
constexpr char kFailed[] = "Agent not live or unreachable";

std::string tag(const Member& member, const std::string& name) {
  const auto at = member.Tags.find(name);
  return at == member.Tags.end() ? std::string() : at->second;
}

catalog::RegisterRequest registration(const Member& member, const std::string& datacenter, bool alive) {
  catalog::RegisterRequest request{};
  request.Datacenter = datacenter;
  request.ID = tag(member, "id");
  request.Node = member.Name;
  request.Address = gossip::ip_text(member.Addr);
  catalog::HealthCheck& check = request.Check.emplace();
  check.Node = member.Name;
  check.CheckID = catalog::kSerfCheckId;
  check.Name = catalog::kSerfCheckName;
  check.Status = alive ? catalog::kHealthPassing : catalog::kHealthCritical;
  check.Output = alive ? kAlive : kFailed;
  return request;
}

catalog::NodeService consul_service(const Member& member, const ServerInfo& info) {
  catalog::NodeService service{};
  service.ID = catalog::kConsulServiceId;
  service.Service = catalog::kConsulServiceName;
  service.Port = info.port;
  service.Weights = catalog::Weights{.Passing = 1, .Warning = 1};
  service.Meta.emplace("non_voter", tag(member, "nonvoter") == "1" ? "true" : "false");
  service.Meta.emplace("read_replica", tag(member, "read_replica") == "1" ? "true" : "false");
  service.Meta.emplace("raft_version", std::to_string(info.raft_version));
  service.Meta.emplace("serf_protocol_current", std::to_string(member.ProtocolCur));
  service.Meta.emplace("serf_protocol_min", std::to_string(member.ProtocolMin));
  service.Meta.emplace("serf_protocol_max", std::to_string(member.ProtocolMax));
  service.Meta.emplace("version", info.build);
  if (info.grpc_port > 0) service.Meta.emplace("grpc_port", std::to_string(info.grpc_port));
  if (info.grpc_tls_port > 0) service.Meta.emplace("grpc_tls_port", std::to_string(info.grpc_tls_port));
  return service;
}

bool has_serf_check(const catalog::Tables& tables, const std::string& node, std::string_view status) {
  const catalog::CheckRow* check = catalog::find_check(tables, node, catalog::kSerfCheckId);
  return check != nullptr && catalog::check_status(*check) == status;
}

bool has_serf_output(const catalog::Tables& tables, const std::string& node, std::string_view output) {
  const catalog::CheckRow* check = catalog::find_check(tables, node, catalog::kSerfCheckId);
  return check != nullptr && check->get().Output == output;
}

}  // namespace

std::optional<Fate> fate_of(MemberStatus status) {
  switch (status) {
    case MemberStatus::alive:
      return Fate::alive;
    case MemberStatus::failed:
      return Fate::failed;
    case MemberStatus::left:
      return Fate::left;
    case MemberStatus::none:
    case MemberStatus::leaving:
      break;
  }
  return std::nullopt;
}

bool belongs_in_catalog(const Member& member, std::string_view datacenter) {
  if (const auto client = client_datacenter(member)) return *client == datacenter;
  const auto server = server_info(member);
  return server && server->segment.empty() && server->datacenter == datacenter;
}

std::optional<catalog::RegisterRequest> plan_alive(const catalog::Tables& tables, const Member& member,
                                                   const std::string& datacenter,
                                                   const std::optional<std::string>& unstable) {
  catalog::RegisterRequest wanted = registration(member, datacenter, !unstable);
  if (unstable) wanted.Check->Output = *unstable;
  const auto server = server_info(member);
  if (server) wanted.Service = consul_service(member, *server);
  const catalog::NodeRow* row = catalog::find_node(tables, member.Name);
  if (row == nullptr) {
    wanted.NodeMeta.emplace("consul-version", build_version(tag(member, "build")));
    wanted.SkipNodeUpdate = true;  // the agent itself may be first to write it
    return wanted;
  }
  const catalog::Node node = row->get();
  const bool said = unstable ? has_serf_output(tables, member.Name, *unstable)
                             : has_serf_check(tables, member.Name, catalog::kHealthPassing);
  if (node.Address == wanted.Address && said) {
    if (!server) return std::nullopt;
    const catalog::ServiceRow* there = catalog::find_service(tables, member.Name, catalog::kConsulServiceId);
    if (there != nullptr) {
      const catalog::StoredService service = there->get();
      if (service.Meta == wanted.Service->Meta && service.Port == wanted.Service->Port) return std::nullopt;
    }
  }
  // The agent itself keeps these; between this look and the write it may have changed them, so the row is left alone
  // where it is right in what is known here.
  wanted.SkipNodeUpdate = node.Address == wanted.Address && node.ID == wanted.ID;
  wanted.TaggedAddresses = node.TaggedAddresses;
  wanted.NodeMeta = node.Meta;
  return wanted;
}

std::optional<catalog::RegisterRequest> plan_failed(const catalog::Tables& tables, const Member& member,
                                                    const std::string& datacenter) {
  const catalog::NodeRow* row = catalog::find_node(tables, member.Name);
  if (row == nullptr) return std::nullopt;
  catalog::RegisterRequest wanted = registration(member, datacenter, false);
  if (row->get().Address == wanted.Address && has_serf_check(tables, member.Name, catalog::kHealthCritical)) {
    return std::nullopt;
  }
  wanted.SkipNodeUpdate = true;
  return wanted;
}

std::optional<catalog::DeregisterRequest> plan_gone(const catalog::Tables& tables, const Member& member,
                                                    const std::string& datacenter) {
  if (catalog::find_node(tables, member.Name) == nullptr) return std::nullopt;
  catalog::DeregisterRequest request{};
  request.Datacenter = datacenter;
  request.Node = member.Name;
  return request;
}

std::vector<Member> unknown_members(const catalog::Tables& tables, const std::set<std::string>& known,
                                    const std::string& datacenter,
                                    const std::function<std::string(const std::string&)>& server_id) {
  std::vector<Member> gone;
  for (const auto [key, row] : tables.nodes.prefix(catalog::index_key({catalog::peer_part({})}))) {
    const catalog::Node node = row->get();
    if (known.contains(catalog::lower_case(node.Node))) continue;
    if (catalog::find_check(tables, node.Node, catalog::kSerfCheckId) == nullptr) continue;  // an external node
    Member& member = gone.emplace_back();
    member.Name = node.Node;
    member.Tags.emplace("dc", datacenter);
    member.Tags.emplace("role", "node");
    if (const auto address = gossip::ip_bytes(node.Address)) member.Addr = base::Bytes(*address);
    const catalog::ServiceRow* service = catalog::find_service(tables, node.Node, catalog::kConsulServiceId);
    if (service == nullptr) continue;
    ServerInfo info;
    info.ip = node.Address;
    info.port = static_cast<std::uint16_t>(static_cast<long>(service->get().Port));
    info.datacenter = datacenter;
    info.id = server_id(info.rpc_address());
    member.Tags = server_tags(info, "0.0.0");
  }
  return gone;
}

}  // namespace proconsul::agent::server
