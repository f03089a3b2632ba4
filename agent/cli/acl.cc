// acl bootstrap, set-agent-token.
#include <algorithm>

#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "agent/cli/files.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

// ---- bootstrap

Result<std::string> chosen_secret(const Context& context) {
  if (context.arguments.empty()) return std::string();
  const std::string& source = context.arguments[0];
  if (source.empty()) {
    return {Errc::invalid_argument, "Failed to load data: must specify a file path or '-' for stdin"};
  }
  Result<std::string> text = source == "-" ? Result<std::string>(read_all(context.ui.in)) : read_file(source);
  if (!text) return {text.error().code, "Failed to read file: " + text.error().detail};
  return std::string(trim_space(*text));
}

int run_bootstrap(const Context& context) {
  if (context.arguments.size() > 1) return fail(context, "This command takes up to one argument");
  const Result<std::string> secret = chosen_secret(context);
  if (!secret) return fail(context, "Error reading provided token: " + secret.error().detail);
  if (!format_known(context)) return 1;
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  ApiRequest request = client->request("PUT", "/v1/acl/bootstrap");
  if (!secret->empty()) {
    request.body = "{\"BootstrapSecret\":";
    base::append_json_string(request.body, *secret);
    request.body += '}';
  }
  const Result<AclToken> token = client->fetch<AclToken>(request);
  if (!token) return fail(context, "Failed ACL bootstrapping: " + token.error().detail);
  return show_acl(context, *token);
}

// ---- set-agent-token

struct AgentTokenKind {
  std::string_view name;
  std::vector<std::string_view> targets;  // as the API calls it: today's name, then those that older agents know
};

const std::vector<AgentTokenKind>& agent_token_kinds() {
  static const std::vector<AgentTokenKind> kinds{
      {"default", {"default", "acl_token"}},
      {"agent", {"agent", "acl_agent_token"}},
      {"recovery", {"agent_recovery", "agent_master", "acl_agent_master_token"}},
      {"replication", {"replication", "acl_replication_token"}},
      {"config_file_service_registration", {"config_file_service_registration"}},
      {"dns", {"dns"}},
  };
  return kinds;
}

Result<> set_agent_token(ApiClient& client, const AgentTokenKind& kind, const std::string& token) {
  Result<> done;
  for (const std::string_view target : kind.targets) {
    ApiRequest request = client.request("PUT", "/v1/agent/token/" + std::string(target));
    request.body = "{\"Token\":";
    base::append_json_string(request.body, token);
    request.body += '}';
    const Result<ApiResponse> answer = client.call(request);
    if (answer) return {};
    done = answer.error();
  }
  return done;
}

Result<std::string> agent_token(const Context& context) {
  const std::vector<std::string>& words = context.arguments;
  if (words.empty()) return {Errc::invalid_argument, "Missing TYPE and TOKEN arguments"};
  if (words.size() == 1) {
    const auto known = std::ranges::find(agent_token_kinds(), words[0], &AgentTokenKind::name);
    const bool token_missing = known != agent_token_kinds().end() && known->targets.size() > 1;
    return {Errc::invalid_argument, token_missing ? "Missing TOKEN argument" : "MISSING TYPE argument"};
  }
  if (words.size() > 2) {
    return {Errc::invalid_argument, "Too many arguments: expected 2 got " + std::to_string(words.size())};
  }
  return load_data(words[1], context.ui.in);
}

int run_set_agent_token(const Context& context) {
  const Result<std::string> token = agent_token(context);
  if (!token) return fail(context, "Error! " + token.error().detail);
  std::optional<ApiClient> client = connect(context, "Error connecting to Consul Agent");
  if (!client) return 1;
  const std::string& name = context.arguments[0];
  const auto kind = std::ranges::find(agent_token_kinds(), name, &AgentTokenKind::name);
  if (kind == agent_token_kinds().end()) return fail(context, "Unknown token type");
  if (const Result<> set = set_agent_token(*client, *kind, *token); !set) {
    return fail(context, "Failed to set ACL token " + base::quote(name) + ": " + set.error().detail);
  }
  context.ui.output("ACL token " + base::quote(name) + " set successfully");
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "acl",
     .synopsis = "Manage access control",
     .usage = "acl <subcommand> [options] [args]",
     .help = R"(  Tokens are what requests carry; policies say what may be done; roles are policies
  under one name. Auth methods and binding rules say who may log in, and what for.

      $ consul acl bootstrap
      $ consul acl policy create -name=web -rules=@web.hcl
      $ consul acl token create -policy-name=web
      $ consul acl set-agent-token default 0bc6bc46-f25e-4262-b2d9-ffbe1d96be6f)"},
    {.name = "acl bootstrap",
     .synopsis = "Make the first token, which may do everything",
     .usage = "acl bootstrap [options] [FILE]",
     .help = R"(  Prints the token. It works once for each cluster. The secret may be chosen: it is then
  read from the file, or from standard input if the file is "-".)",
     .flags = {kFormatFlags, kClientFlags, kServerFlags},
     .run = run_bootstrap},
    {.name = "acl set-agent-token",
     .synopsis = "Give an agent one of its own tokens",
     .usage = "acl set-agent-token [options] TYPE TOKEN",
     .help = R"(  The token may also be @FILE, or - for standard input. An agent keeps it over restarts if
  acl.enable_token_persistence is set. The types:

      default      for requests that carry no token, and for what has no token of its own
      agent        for what the agent does by itself, such as keeping its node registered
      recovery     gives access to the agent's own API while no server can be reached
      replication  for copying the primary datacenter's data
      config_file_service_registration
                   for services and checks of the configuration files
      dns          for DNS queries

      $ consul acl set-agent-token agent @/etc/consul/agent.token)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_set_agent_token},
};

}  // namespace

std::span<const Command> acl_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
