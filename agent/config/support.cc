// What the agent is told but cannot do yet. A key that would be missed is refused at start, with a sentence; one whose
// absence nobody can be hurt by (a port on which nothing listens, the timing of a protocol that is not spoken) is kept
// and named in a warning.
#include <algorithm>
#include <set>

#include "agent/config/keys.h"
#include "agent/config/load.h"
#include "agent/config/ours.h"
#include "agent/mesh/authority_config.h"

namespace proconsul::agent::config {
namespace {

using base::Value;

std::string_view part(Owner owner) {
  switch (owner) {
    case Owner::core:
      return "this agent";
    case Owner::dns:
      return "the DNS server";
    case Owner::servers:
      return "joining servers";
    case Owner::acl:
      return "access control";
    case Owner::security:
      return "TLS between agents";
    case Owner::mesh:
      return "the service mesh";
    case Owner::ui:
      return "the web UI";
    case Owner::telemetry:
      return "sending metrics to Circonus";
    case Owner::cloud:
      return "the HCP link";
  }
  return {};
}

bool is_built(Owner owner) {
  return owner == Owner::core || owner == Owner::dns || owner == Owner::servers || owner == Owner::acl ||
         owner == Owner::ui;
}

/// Refused whenever they are set to anything but nothing.
constexpr std::string_view kRefused[] = {
    "cloud.resource_id",
    "telemetry.circonus_api_token",
    "telemetry.circonus_submission_url",
};

bool says_something(const Value& value) {
  if (const bool* flag = value.as_bool()) return *flag;
  if (const std::string* text = value.as_string()) return !text->empty();
  if (const Value::ListType* list = value.as_list()) return !list->empty();
  if (const Value::MapType* map = value.as_map()) return !map->empty();
  return !value.is_nil();
}

void collect(const Settings& given, const Group& group, const std::string& prefix, const std::set<std::string>& refused,
             std::vector<std::string>& out) {
  for (const auto& [name, value] : given) {
    auto known = group.members().find(name);
    if (known == group.members().end()) continue;
    const Group::Member& member = known->second;
    const std::string path = prefix + name;
    if (member.key->type == KeyType::object && value.as_map() != nullptr) {
      collect(*value.as_map(), *member.group, path + ".", refused, out);
    } else if (!is_built(member.key->owner) && member.key->use == Use::user && !refused.contains(path)) {
      out.push_back(path + " has no effect yet: " + std::string(part(member.key->owner)) + " is not built.");
    }
  }
}

}  // namespace

std::vector<std::string> not_built(const Loaded& loaded) {
  std::vector<std::string> out;
  const Config& config = loaded.config;
  if (config.connect_enabled) {
    const std::string& provider = config.connect_ca_provider;
    if (base::Result<> has = mesh::check_provider(provider.empty() ? mesh::kBuiltinProvider : provider); !has) {
      out.push_back("connect.ca_provider: " + has.error().detail);
    }
  }
  if (const base::Result<Ours> values = ours(loaded); !values) out.push_back(values.error().detail);
  for (std::string_view path : kRefused) {
    const Value* value = find(loaded.given, path);
    if (value == nullptr || !says_something(*value)) continue;
    const Group::Member* member = find_key(path);
    out.push_back(std::string(path) + " is set: " + std::string(part(member->key->owner)) + " is not built yet.");
  }
  return out;
}

std::vector<std::string> without_effect(const Loaded& loaded) {
  std::vector<std::string> out;
  std::set<std::string> refused(std::begin(kRefused), std::end(kRefused));
  collect(loaded.given, root_group(), "", refused, out);
  if (!loaded.config.server_mode && find(loaded.given, "snapshots") != nullptr) {
    out.push_back("snapshots has no effect: only servers take them.");
  }
  if (!loaded.config.primary_gateways.empty() && !loaded.config.connect_mesh_gateway_wan_federation_enabled) {
    out.push_back("primary_gateways has no effect: connect.enable_mesh_gateway_wan_federation is not set.");
  }
  if (!loaded.config.server_mode && !loaded.config.retry_join_wan.empty()) {
    out.push_back("retry_join_wan has no effect: only servers join the WAN.");
  }
  return out;
}

}  // namespace proconsul::agent::config
