// connect ca get-config, set-config.
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "base/json.h"
#include "base/type_of.h"
#include "base/value.h"

namespace proconsul::agent::cli {

namespace {

/// The authority's configuration as the API shows and takes it.
struct AuthorityConfiguration {
  std::string Provider{};
  base::Map<base::Value> Config{};
  base::Map<std::string> State{};
  bool ForceWithoutCrossSigning{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
};
PROCONSUL_DECLARE_TYPE(AuthorityConfiguration)

PROCONSUL_DESCRIBE_TYPE(AuthorityConfiguration, "api.CAConfig") {
  using T = AuthorityConfiguration;
  type.field("Provider", &T::Provider);
  type.field("Config", &T::Config);
  type.field("State", &T::State);
  type.field("ForceWithoutCrossSigning", &T::ForceWithoutCrossSigning);
  type.field("CreateIndex", &T::CreateIndex);
  type.field("ModifyIndex", &T::ModifyIndex);
}

using base::Result;

constexpr std::string_view kClientFailed = "Error initializing client";
constexpr std::string_view kPath = "/v1/connect/ca/configuration";

int run_get_config(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("GET", std::string(kPath));
  apply_stale(context, request);
  const auto config = client->fetch<AuthorityConfiguration>(request);
  if (!config) return fail(context, "Error querying CA configuration: " + config.error().detail);
  context.ui.output(indented_json(base::to_json(*config), "\t"));
  return 0;
}

constexpr Flag kSetFlags[] = {
    {.name = "config-file",
     .kind = FlagKind::text,
     .help = "File with the configuration, in the JSON that get-config prints.",
     .value_name = "path"},
    {.name = "force-without-cross-signing",
     .kind = FlagKind::boolean,
     .help = "Go on although the old authority does not vouch for the new one: connections may fail until "
             "everybody knows the new root."},
};

int run_set_config(const Context& context) {
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  const std::string& file = context.flags.text("config-file");
  if (file.empty()) return fail(context, "The -config-file flag is required");
  const Result<std::string> text = read_file(file);
  if (!text) return fail(context, "Error reading config file: " + text.error().detail);
  auto config = base::from_json<AuthorityConfiguration>(*text);
  if (!config) return fail(context, "Error parsing config file: " + config.error().detail);
  config->ForceWithoutCrossSigning = context.flags.boolean("force-without-cross-signing");

  ApiRequest request = client->request("PUT", std::string(kPath));
  request.body = base::to_json(*config);
  if (const Result<ApiResponse> set = client->call(request); !set) {
    return fail(context, "Error setting CA configuration: " + set.error().detail);
  }
  context.ui.output("Configuration updated!");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "connect ca",
     .synopsis = "Look after the certificate authority of the mesh",
     .usage = "connect ca <subcommand> [options] [args]",
     .help = R"(  The authority signs the certificates of the services.

      $ consul connect ca get-config
      $ consul connect ca set-config -config-file ca.json)"},
    {.name = "connect ca get-config",
     .synopsis = "Print the configuration of the authority",
     .usage = "connect ca get-config [options]",
     .help = R"(  Prints the configuration as the servers hold it, the private key included if it was
  given.)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_get_config,
     .bad_flag = BadFlag::repeated_as_parse_failure},
    {.name = "connect ca set-config",
     .synopsis = "Change the configuration of the authority",
     .usage = "connect ca set-config [options]",
     .help = R"(  Replaces the configuration. Another key, key type or root certificate makes another
  root, for which the old one vouches.)",
     .flags = {kSetFlags, kClientFlags, kServerFlags},
     .run = run_set_config,
     .bad_flag = BadFlag::repeated_as_parse_failure},
};

}  // namespace

std::span<const Command> connect_ca_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
