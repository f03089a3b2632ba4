// keyring.
#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr std::int64_t kMostRelays = 5;

constexpr Flag kFlags[] = {
    {.name = "install", .kind = FlagKind::text, .help = "Give all members a further key, in base64."},
    {.name = "list", .kind = FlagKind::boolean, .help = "Show all keys, and how many members have each."},
    {.name = "list-primary", .kind = FlagKind::boolean, .help = "Show the keys with which members encrypt."},
    {.name = "local-only",
     .kind = FlagKind::boolean,
     .help = "With -list: only the LAN pool of the agent's datacenter."},
    {.name = "relay-factor",
     .kind = FlagKind::integer,
     .help = "Let this many others pass on each answer, 0 to 5.",
     .default_value = "0"},
    {.name = "remove", .kind = FlagKind::text, .help = "Take a key from all members. Not the one that encrypts."},
    {.name = "use", .kind = FlagKind::text, .help = "Encrypt with this key, which all members must have already."},
};

struct Action {
  std::string_view method;
  std::string_view announcement;
  std::string key{};
  base::Map<base::Int> KeyringResponse::* shown = nullptr;  // of lists
};

std::vector<Action> actions(const FlagValues& flags) {
  std::vector<Action> wanted;
  if (flags.boolean("list")) {
    wanted.push_back({"GET", "Gathering installed encryption keys...", {}, &KeyringResponse::Keys});
  }
  if (flags.boolean("list-primary")) {
    wanted.push_back({"GET", "Gathering installed primary encryption keys...", {}, &KeyringResponse::PrimaryKeys});
  }
  for (const auto& [flag, method, announcement] :
       {std::tuple("install", "POST", "Installing new gossip encryption key..."),
        std::tuple("use", "PUT", "Changing primary gossip encryption key..."),
        std::tuple("remove", "DELETE", "Removing gossip encryption key...")}) {
    if (const std::string& key = flags.text(flag); !key.empty()) wanted.push_back({method, announcement, key});
  }
  return wanted;
}

std::string pool_text(const KeyringResponse& pool, const base::Map<base::Int>& keys) {
  std::string text = "\n" + (pool.WAN ? std::string("WAN") : pool.Datacenter + " (LAN)");
  if (!pool.Segment.empty()) {
    text += " [" + pool.Segment + "]";
  } else if (!pool.Partition.empty() && pool.Partition != "default") {
    text += " [partition: " + pool.Partition + "]";
  }
  text += ":";
  for (const auto& [node, message] : pool.Messages) text += "\n  ===> " + node + ": " + message;
  for (const auto& [key, count] : keys) {
    text += "\n  " + key + " [" + std::to_string(count) + "/" + std::to_string(pool.NumNodes) + "]";
  }
  return text;
}

int run_keyring(const Context& context) {
  const std::vector<Action> wanted = actions(context.flags);
  if (wanted.empty()) return fail(context, help_text(context.command, context.ui.program));
  if (wanted.size() > 1) return fail(context, "Only a single action is allowed");
  const Action& action = wanted.front();
  const std::int64_t relays = context.flags.integer("relay-factor");
  if (relays < 0 || relays > kMostRelays) {
    return fail(context, "Error parsing relay factor: Relay factor must be in range: [0, 5]");
  }
  const bool local_only = context.flags.boolean("local-only");
  if (local_only && !context.flags.boolean("list")) {
    return fail(context, "Error validating local-only: local-only can only be set for list requests");
  }
  std::optional<ApiClient> client = connect(context, "Error connecting to Consul agent");
  if (!client) return 1;
  context.ui.output("==> " + std::string(action.announcement));
  ApiRequest request = client->request(std::string(action.method), "/v1/operator/keyring");
  if (relays != 0) request.set("relay-factor", std::to_string(relays));
  if (local_only) request.set("local-only", "true");
  if (action.shown != nullptr) {
    const auto pools = client->fetch<base::List<KeyringResponse>>(request);
    if (!pools) return fail(context, "error: " + pools.error().detail);
    for (const KeyringResponse& pool : *pools) context.ui.output(pool_text(pool, pool.*action.shown));
    return 0;
  }
  request.body = base::to_json(base::Value(base::Value::MapType{{"Key", base::Value(action.key)}}));
  if (const Result<ApiResponse> done = client->call(request); !done) {
    return fail(context, "error: " + done.error().detail);
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "keyring",
     .synopsis = "Manage the keys that encrypt the gossip",
     .usage = "keyring [options]",
     .help = R"(  To change the key of a cluster: -install the new one, -use it, then -remove the old
  one. Each step reaches all members of the LAN and the WAN; it fails when one of them
  does not answer or refuses, and may be repeated.)",
     .flags = {kFlags, kClientFlags},
     .run = run_keyring},
};

}  // namespace

std::span<const Command> keyring_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
