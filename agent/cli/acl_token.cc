// acl token clone, create, delete, list, read.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "agent/cli/acl_uses.h"
#include "base/clock.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

std::string path_of(const std::string& accessor) {
  return "/v1/acl/token/" + accessor;
}

constexpr Flag kAccessorFlags[] = {
    {.name = "accessor-id",
     .kind = FlagKind::text,
     .help = "The token's accessor ID, its first characters if no other token's begins so, or anonymous.",
     .value_name = "id"},
    {.name = "id", .kind = FlagKind::text, .help = "The older name of -accessor-id.", .value_name = "id"},
};

// -accessor-id, or -id after `warning`; empty if there is neither.
std::string accessor_part(const Context& context, std::string_view warning) {
  if (const std::string& part = context.flags.text("accessor-id"); !part.empty()) return part;
  const std::string& part = context.flags.text("id");
  if (!part.empty()) context.ui.error(warning);
  return part;
}

// ---- create

constexpr Flag kCreateFlags[] = {
    {.name = "accessor",
     .kind = FlagKind::text,
     .help = "The new token's accessor ID, a UUID; by default one is made.",
     .value_name = "id"},
    {.name = "description", .kind = FlagKind::text, .help = "What the token is for."},
    {.name = "expires-ttl", .kind = FlagKind::duration, .help = "How long the token lives; by default for ever."},
    {.name = "local", .kind = FlagKind::boolean, .help = "Let the token count in this datacenter only."},
    {.name = "secret",
     .kind = FlagKind::text,
     .help = "The new token's secret ID, a UUID; by default one is made.",
     .value_name = "id"},
};

constexpr auto kGrantFlags = joined(kIdentityFlags, kPolicyLinkFlags, kRoleLinkFlags, kTemplateFlags);

int run_create(const Context& context) {
  const FlagValues& flags = context.flags;
  const LinkFlags policies{flags.list("policy-name"), flags.list("policy-id")};
  const LinkFlags roles{flags.list("role-name"), flags.list("role-id")};
  const std::string& name = flags.text("templated-policy");
  const std::string& file = flags.text("templated-policy-file");
  if (!policies.any() && !roles.any() && flags.list("service-identity").empty() &&
      flags.list("node-identity").empty() && name.empty() && file.empty()) {
    return fail(context,
                "Cannot create a token without specifying -policy-name, -policy-id, -role-name, -role-id, "
                "-service-identity, -node-identity, -templated-policy, or -templated-policy-file at least once");
  }
  if (!file.empty() && !name.empty()) {
    return fail(context,
                "Cannot combine the use of templated-policy flag with templated-policy-file. To create a token with a "
                "single templated policy and simple use case, use -templated-policy. For multiple templated policies "
                "and more complicated use cases, use -templated-policy-file");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  AclToken token{.AccessorID = flags.text("accessor"),
                 .SecretID = flags.text("secret"),
                 .Description = flags.text("description"),
                 .Local = flags.boolean("local")};
  if (const base::Duration ttl = flags.duration("expires-ttl"); ttl.nanoseconds > 0) token.ExpirationTTL = ttl;
  auto services = service_identities(flags.list("service-identity"));
  if (!services) return fail(context, services.error().detail);
  token.ServiceIdentities = std::move(*services);
  auto nodes = node_identities(flags.list("node-identity"));
  if (!nodes) return fail(context, nodes.error().detail);
  token.NodeIdentities = std::move(*nodes);
  auto templates = templated_policies(name, file, flags.list("var"));
  if (!templates) return fail(context, templates.error().detail);
  token.TemplatedPolicies = std::move(*templates);
  Result<> linked = add_links(context, *client, LinkKind::policy, policies, LinkMode::append, token.Policies);
  if (linked) linked = add_links(context, *client, LinkKind::role, roles, LinkMode::append, token.Roles);
  if (!linked) return fail(context, linked.error().detail);

  if (!format_known(context)) return 1;
  const Result<AclToken> made = write_acl(*client, "/v1/acl/token", token);
  if (!made) return fail(context, "Failed to create new token: " + made.error().detail);
  return show_acl(context, *made);
}

// ---- clone

constexpr Flag kCloneFlags[] = {
    kAccessorFlags[0],
    kAccessorFlags[1],
    {.name = "description", .kind = FlagKind::text, .help = "What the new token is for; by default as the old one."},
};

int run_clone(const Context& context) {
  const std::string part =
      accessor_part(context, "The -id parameter is deprecated. Use the -accessor-id parameter instead.");
  if (part.empty()) return fail(context, "Cannot update a token without specifying the -accessor-id parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> accessor = token_accessor(context, *client, part);
  if (!accessor) return fail(context, "Error determining token Accessor ID: " + accessor.error().detail);
  if (!format_known(context)) return 1;
  ApiRequest request = client->request("PUT", path_of(*accessor) + "/clone");
  request.body = "{\"Description\":";
  base::append_json_string(request.body, context.flags.text("description"));
  request.body += '}';
  const Result<AclToken> token = client->fetch<AclToken>(request);
  if (!token) return fail(context, "Error cloning token: " + token.error().detail);
  return show_acl(context, *token);
}

// ---- read

constexpr Flag kReadFlags[] = {
    kAccessorFlags[0],
    kAccessorFlags[1],
    {.name = "expanded",
     .kind = FlagKind::boolean,
     .help = "Also print the rules of all that the token is made of, and the agent's defaults."},
    {.name = "last-used",
     .kind = FlagKind::boolean,
     .help = "Also print when the token was last used, to half a minute, as far as the servers know."},
    {.name = "self",
     .kind = FlagKind::boolean,
     .help = "Read the token that the request carries, instead of naming one."},
};

// Prints the token, and what -last-used asks for.
template <class Token>
int show_token(const Context& context, ApiClient& client, const Token& token) {
  if (!context.flags.boolean("last-used")) return show_acl(context, token);
  if (context.flags.text("format") == "json") return fail(context, "-last-used is for -format=pretty");
  const Result<AclTokenUses> uses = token_uses(client);
  if (!uses) return fail(context, "Failed to retrieve the uses of tokens: " + uses.error().detail);
  const int shown = show_acl(context, token);
  if (shown == 0) context.ui.output(last_use_line(*uses, token.AccessorID));
  return shown;
}

int read_self(const Context& context, ApiClient& client) {
  if (context.flags.boolean("expanded")) {
    return fail(context, "Cannot use both -expanded and -self. Instead, use -expanded and -accessor-id=<accessor id>.");
  }
  const Result<AclToken> token = read_acl<AclToken>(context, client, "/v1/acl/token/self");
  if (!token) return fail(context, "Error reading token: " + token.error().detail);
  return show_token(context, client, *token);
}

int run_read(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  if (context.flags.boolean("self")) return read_self(context, *client);
  const std::string part = accessor_part(context, "Use the -accessor-id parameter to specify token by Accessor ID");
  if (part.empty()) return fail(context, "Must specify the -accessor-id parameter");
  const Result<std::string> accessor = token_accessor(context, *client, part);
  if (!accessor) return fail(context, "Error determining token ID: " + accessor.error().detail);
  const auto failed = [&](const base::Error& error) {
    return fail(context, "Error reading token " + base::quote(*accessor) + ": " + error.detail);
  };
  if (!context.flags.boolean("expanded")) {
    const Result<AclToken> token = read_acl<AclToken>(context, *client, path_of(*accessor));
    return token ? show_token(context, *client, *token) : failed(token.error());
  }
  ApiRequest request = client->request("GET", path_of(*accessor));
  apply_stale(context, request);
  request.set("expanded", "true");
  const Result<AclTokenExpanded> token = client->fetch<AclTokenExpanded>(request);
  return token ? show_token(context, *client, *token) : failed(token.error());
}

// ---- delete, list

int run_delete(const Context& context) {
  const std::string part = accessor_part(context, "Use the -accessor-id parameter to specify token by Accessor ID.");
  if (part.empty()) return fail(context, "Must specify the -accessor-id parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> accessor = token_accessor(context, *client, part);
  if (!accessor) return fail(context, "Error determining token ID: " + accessor.error().detail);
  if (const Result<> done = delete_acl(*client, path_of(*accessor)); !done) {
    return fail(context, "Error deleting token " + base::quote(*accessor) + ": " + done.error().detail);
  }
  context.ui.output("Token " + base::quote(*accessor) + " deleted successfully");
  return 0;
}

constexpr Flag kListFlags[] = {
    {.name = "unused",
     .kind = FlagKind::duration,
     .help = "Only tokens that exist for so long and were not used in that time, as far as the servers know."},
};

// Those of -unused, each with when it was used last.
int list_unused(const Context& context, ApiClient& client, const base::List<AclTokenEntry>& tokens) {
  const Result<AclTokenUses> uses = token_uses(client);
  if (!uses) return fail(context, "Failed to retrieve the uses of tokens: " + uses.error().detail);
  const UnusedTokens unused =
      unused_tokens(tokens, *uses, context.flags.duration("unused"), base::system_clock().wall());
  if (unused.unsure > 0) {
    context.ui.error(std::to_string(unused.unsure) + " more were not used since " + to_rfc3339(uses->Since) +
                     "; of the time before, nothing is known");
  }
  if (context.flags.text("format") != "pretty") return show_acl(context, unused.tokens);
  for (const AclTokenEntry& token : unused.tokens) {
    const AclToken& shown = token;
    if (const int code = show_acl(context, shown); code != 0) return code;
    context.ui.output(last_use_line(*uses, token.AccessorID) + "\n");
  }
  return 0;
}

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto tokens = read_acl<base::List<AclTokenEntry>>(context, *client, "/v1/acl/tokens");
  if (!tokens) return fail(context, "Failed to retrieve the token list: " + tokens.error().detail);
  if (context.flags.duration("unused").nanoseconds > 0) return list_unused(context, *client, *tokens);
  return show_acl(context, *tokens);
}

constexpr Command kCommands[] = {
    {.name = "acl token",
     .synopsis = "Manage tokens",
     .usage = "acl token <subcommand> [options]",
     .help = R"(  A token is a secret that requests carry, and an accessor ID by which it is managed.

      $ consul acl token create -description=web -policy-name=web
      $ consul acl token read -accessor-id=986193)"},
    {.name = "acl token clone",
     .synopsis = "Make a token that may do what another one may",
     .usage = "acl token clone [options] -accessor-id=ID",
     .help = R"(  Prints the new token, which has IDs of its own.)",
     .flags = {kCloneFlags, kFormatFlags, kAclClientFlags},
     .run = run_clone},
    {.name = "acl token create",
     .synopsis = "Make a token",
     .usage = "acl token create [options]",
     .help = R"(  Prints the token with its secret. It needs at least one policy, role, identity or
  templated policy.

      $ consul acl token create -description=web -policy-name=web -service-identity=web
      $ consul acl token create -templated-policy=builtin/service -var=name:web)",
     .flags = {kCreateFlags, kGrantFlags, kShowFlags, kAclClientFlags},
     .run = run_create},
    {.name = "acl token delete",
     .synopsis = "Delete a token",
     .usage = "acl token delete [options] -accessor-id=ID",
     .help = R"(  Requests that carry the token are refused from then on.)",
     .flags = {kAccessorFlags, kAclClientFlags},
     .run = run_delete},
    {.name = "acl token list",
     .synopsis = "List the tokens",
     .usage = "acl token list [options]",
     .help = R"(  Prints every token with what it links to. Servers remember when a token was last used, to
  half a minute; when all of them were stopped at the same time, they begin anew.

      $ consul acl token list -unused=720h)",
     .flags = {kListFlags, kShowFlags, kAclClientFlags},
     .run = run_list},
    {.name = "acl token read",
     .synopsis = "Print a token",
     .usage = "acl token read [options] -accessor-id=ID",
     .help = R"(  Prints one token with what it links to.

      $ consul acl token read -accessor-id=4be56c77-82
      $ consul acl token read -self)",
     .flags = {kReadFlags, kShowFlags, kAclClientFlags},
     .run = run_read},
};

}  // namespace

std::span<const Command> acl_token_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
