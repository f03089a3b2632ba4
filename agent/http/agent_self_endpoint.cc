#include "agent/http/agent_self_endpoint.h"

#include <sys/utsname.h>

#include <filesystem>
#include <thread>
#include <utility>

#include "agent/http/answer_types.h"
#include "agent/http/answers.h"
#include "agent/http/host_info.h"
#include "agent/http/member_types.h"
#include "agent/local/local_agent.h"
#include "agent/server/operator.h"
#include "agent/version.h"
#include "base/background.h"
#include "base/value.h"
#include "catalog/types/coordinate.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(Member, "serf.Member") {
  type.field("Name", &Member::Name);
  type.field("Addr", &Member::Addr);
  type.field("Port", &Member::Port);
  type.field("Tags", &Member::Tags);
  type.field("Status", &Member::Status);
  type.field("ProtocolMin", &Member::ProtocolMin);
  type.field("ProtocolMax", &Member::ProtocolMax);
  type.field("ProtocolCur", &Member::ProtocolCur);
  type.field("DelegateMin", &Member::DelegateMin);
  type.field("DelegateMax", &Member::DelegateMax);
  type.field("DelegateCur", &Member::DelegateCur);
}

namespace {

using base::Errc;
using base::Result;

/// This server, as it would tell the others of itself.
Member self(const Context& agent, bool wan) {
  const Settings& settings = agent.settings;
  Member member{};
  member.Name = wan ? settings.node_name + '.' + settings.datacenter : settings.node_name;
  member.Addr = wan ? settings.serf_wan_address : settings.serf_lan_address;
  member.Port = wan ? settings.serf_wan_port : settings.serf_lan_port;
  const auto tag = [&](const char* name, std::string value) { member.Tags.emplace(name, std::move(value)); };
  tag("acls", settings.acls_enabled ? "1" : "0");
  tag("build", std::string(kConsulVersion) + ":");
  tag("dc", settings.datacenter);
  tag("ft_fs", "1");
  tag("ft_si", "1");
  if (settings.grpc_port > 0) tag("grpc_port", std::to_string(settings.grpc_port));
  if (settings.grpc_tls_port > 0) tag("grpc_tls_port", std::to_string(settings.grpc_tls_port));
  tag("id", agent.local->node_info().id);
  tag("port", std::to_string(settings.server_port));
  tag("raft_vsn", "3");
  tag("role", "consul");
  tag("segment", "");
  tag("vsn", "2");
  tag("vsn_max", "3");
  tag("vsn_min", "2");
  if (!wan && settings.serf_wan_port > 0) tag("wan_join_port", std::to_string(settings.serf_wan_port));
  return member;
}

using Section = std::map<std::string, std::string>;

/// Of this process: what comes nearest to goroutines.
std::size_t threads() {
  std::size_t count = 0;
  std::error_code error;
  for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) ++count;
  return count;
}

std::map<std::string, Section> statistics(const Context& agent) {
  std::map<std::string, Section> sections = agent.cluster->statistics();
  const local::LocalAgent::Counts counts = agent.local->counts();
  sections["consul"]["acl"] = agent.settings.acls_enabled ? "enabled" : "disabled";
  sections["agent"] = {{"checks", std::to_string(counts.checks)},
                       {"services", std::to_string(counts.services)},
                       {"check_ttls", std::to_string(counts.check_ttls)},
                       {"check_monitors", std::to_string(counts.check_monitors)}};
  sections["build"] = {{"prerelease", std::string()},
                       {"revision", std::string(kBuildVersion)},
                       {"version", std::string(kConsulVersion)},
                       {"version_metadata", std::string()}};
  utsname system{};
  uname(&system);
  sections["runtime"] = {{"arch", "amd64"},
                         {"os", "linux"},
                         {"cpu_count", std::to_string(std::thread::hardware_concurrency())},
                         {"max_procs", std::to_string(std::thread::hardware_concurrency())},
                         {"goroutines", std::to_string(threads())},
                         {"version", std::string(kBuildName)}};
  return sections;
}

}  // namespace

Result<Reply> agent_self(Context& agent, const Request&) {
  std::string body = "{\"Config\":" + agent.control->config_json();
  body += ",\"DebugConfig\":" + agent.control->debug_config_json();
  body += ",\"Coord\":";
  if (agent.settings.disable_coordinates) {
    body += "null";
  } else {
    base::append_json(body, catalog::NetworkCoordinate::origin());
  }
  body += ",\"Member\":" + base::to_json(self(agent, false));
  base::Map<base::Map<std::string>> stats;
  for (const auto& [name, section] : statistics(agent)) {
    base::Map<std::string>& shown = stats[name];
    shown.insert(section.begin(), section.end());
  }
  body += ",\"Stats\":" + base::to_json(stats);
  body += ",\"Meta\":" + base::to_json(agent.local->node_info().meta) + '}';
  return json(std::move(body));
}

Result<Reply> agent_members(Context& agent, const Request& request) {
  const bool wan = !request.param("wan").empty();
  const std::string_view segment = request.param("segment");
  if (!segment.empty() && segment != "_all") {
    if (wan) return {Errc::invalid_argument, "Cannot provide a segment with wan=true"};
    return {Errc::internal, "Network segments are not supported in this version of Consul"};
  }
  Result<base::filter::Filter> filter = base::filter::Filter::create<Member>(request.param("filter"));
  if (!filter) return filter.error();
  const Member member = self(agent, wan);
  return json(filter->matches(member) ? '[' + base::to_json(member) + ']' : "[]");
}

Result<Reply> agent_version(Context&, const Request&) {
  return json(base::to_json(AgentVersion{.SHA = std::string(kBuildName),
                                         .BuildDate = std::string(kBuildDate),
                                         .HumanVersion = std::string(kConsulVersion),
                                         .FIPS = {}}));
}

void agent_host(Context& agent, const Request&, Responder responder) {
  agent.background->run(
      [responder = std::move(responder)]() mutable { responder.send(json(base::to_json(host_info()))); });
}

void agent_reload(Context& agent, const Request&, Responder responder) {
  agent.background->run([&agent, responder = std::move(responder)]() mutable {
    const Result<> reloaded = agent.control->reload();
    if (!reloaded) return responder.send(Result<Reply>(Errc::internal, reloaded.error().detail));
    responder.send(empty());
  });
}

void agent_leave(Context& agent, const Request&, Responder responder) {
  agent.background->run([&agent, responder = std::move(responder)]() mutable {
    const Result<> left = agent.control->leave();
    if (!left) return responder.send(Result<Reply>(Errc::internal, left.error().detail));
    responder.send(empty());
  });
}

}  // namespace proconsul::agent::http
