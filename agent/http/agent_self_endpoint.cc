#include "agent/http/agent_self_endpoint.h"

#include <sys/utsname.h>

#include <filesystem>
#include <thread>
#include <utility>

#include "agent/cluster/pools.h"
#include "agent/http/answer_types.h"
#include "agent/http/answers.h"
#include "agent/http/host_info.h"
#include "agent/http/member_types.h"
#include "agent/local/local_agent.h"
#include "agent/version.h"
#include "agent/xds/versions.h"
#include "base/background.h"
#include "base/value.h"
#include "catalog/types/coordinate.h"

namespace proconsul::agent::http {

namespace {

using base::Errc;
using base::Result;

using Section = std::map<std::string, std::string>;

/// Of this process: what comes nearest to goroutines.
std::size_t threads() {
  std::size_t count = 0;
  std::error_code error;
  for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) ++count;
  return count;
}

std::map<std::string, Section> statistics(const Context& agent) {
  std::map<std::string, Section> sections = agent.control->statistics();
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
  sections["serf_lan"] = agent.pools->stats(false).texts();
  if (agent.pools->has_wan()) sections["serf_wan"] = agent.pools->stats(true).texts();
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

/// ,"xDS":{...}, or nothing where no gRPC port is served. The ports are those that the configuration shows.
std::string xds_block(const std::string& debug_config) {
  base::Value config;
  if (!base::read_json(debug_config, config)) return {};
  const auto port = [&](std::string_view name) -> std::int64_t {
    const base::Value* found = config.find(name);
    return found ? static_cast<std::int64_t>(found->number()) : 0;
  };
  const std::int64_t plain = port("GRPCPort"), tls = port("GRPCTLSPort");
  if (plain <= 0 && tls <= 0) return {};
  base::Value::ListType versions;
  for (const std::string_view version : xds::kEnvoyVersions) versions.emplace_back(version);
  base::Value block;
  base::Value::MapType& fields = block.make_map();
  fields["SupportedProxies"].make_map()["envoy"] = std::move(versions);
  fields["Port"] = tls > 0 ? tls : plain;
  base::Value::MapType& ports = fields["Ports"].make_map();
  ports["Plaintext"] = plain;
  ports["TLS"] = tls;
  return ",\"xDS\":" + base::to_json(block);
}

}  // namespace

Result<Reply> agent_self(Context& agent, const Request&) {
  const gossip::PoolViewPtr view = agent.pools->view(false);
  std::string body = "{\"Config\":" + agent.control->config_json();
  const std::string debug_config = agent.control->debug_config_json();
  body += ",\"DebugConfig\":" + debug_config;
  body += ",\"Coord\":";
  if (agent.settings.disable_coordinates) {
    body += "null";
  } else {
    const catalog::NetworkCoordinate* own = view->coordinates.get(view->local_name);
    base::append_json(body, own != nullptr ? *own : catalog::NetworkCoordinate::origin());
  }
  body += ",\"Member\":" + (view->local() != nullptr ? base::to_json(shown(*view->local())) : "null");
  base::Map<base::Map<std::string>> stats;
  for (const auto& [name, section] : statistics(agent)) {
    base::Map<std::string>& shown = stats[name];
    shown.insert(section.begin(), section.end());
  }
  body += ",\"Stats\":" + base::to_json(stats);
  body += ",\"Meta\":" + base::to_json(agent.local->node_info().meta);
  body += xds_block(debug_config) + '}';
  return json(std::move(body));
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
