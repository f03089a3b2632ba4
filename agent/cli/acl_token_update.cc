// acl token update: what it sets, adds, and leaves.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr Flag kChangeFlags[] = {
    {.name = "accessor-id",
     .kind = FlagKind::text,
     .help = "The token's accessor ID, or its first characters if no other token's begins so.",
     .value_name = "id"},
    {.name = "append-node-identity",
     .kind = FlagKind::list,
     .help = "As -node-identity, but those that the token has stay.",
     .value_name = "identity"},
    {.name = "append-policy-id",
     .kind = FlagKind::list,
     .help = "As -policy-id, but the policies that the token has stay.",
     .value_name = "id"},
    {.name = "append-policy-name",
     .kind = FlagKind::list,
     .help = "As -policy-name, but the policies that the token has stay.",
     .value_name = "name"},
    {.name = "append-role-id",
     .kind = FlagKind::list,
     .help = "As -role-id, but the roles that the token has stay.",
     .value_name = "id"},
    {.name = "append-role-name",
     .kind = FlagKind::list,
     .help = "As -role-name, but the roles that the token has stay.",
     .value_name = "name"},
    {.name = "append-service-identity",
     .kind = FlagKind::list,
     .help = "As -service-identity, but those that the token has stay.",
     .value_name = "identity"},
    {.name = "description", .kind = FlagKind::text, .help = "What the token is for; an empty one changes nothing."},
    {.name = "id", .kind = FlagKind::text, .help = "The older name of -accessor-id.", .value_name = "id"},
    {.name = "merge-node-identities",
     .kind = FlagKind::boolean,
     .help = "Older: lets -node-identity add to those that the token has."},
    {.name = "merge-policies",
     .kind = FlagKind::boolean,
     .help = "Older: lets -policy-id and -policy-name add to those that the token has."},
    {.name = "merge-roles",
     .kind = FlagKind::boolean,
     .help = "Older: lets -role-id and -role-name add to those that the token has."},
    {.name = "merge-service-identities",
     .kind = FlagKind::boolean,
     .help = "Older: lets -service-identity add to those that the token has."},
};

constexpr auto kGrantFlags = joined(kIdentityFlags, kPolicyLinkFlags, kRoleLinkFlags, kTemplateChangeFlags);

// The flags that give a token's links of one kind.
struct LinkChange {
  LinkKind kind;
  LinkFlags set, append;
  bool merge;
  const char* deprecated;  // what is said of the older flag
  const char* conflict;
};

Result<> change_links(const Context& context, ApiClient& client, const LinkChange& change, base::List<AclLink>& links) {
  if (change.merge) {
    context.ui.error(change.deprecated);
    return add_links(context, client, change.kind, change.set, LinkMode::merge, links);
  }
  if (change.set.any() && change.append.any()) return {Errc::invalid_argument, change.conflict};
  if (change.set.any()) links.reset();
  return add_links(context, client, change.kind, change.set.any() ? change.set : change.append, LinkMode::append,
                   links);
}

Result<> change_links(const Context& context, ApiClient& client, AclToken& token) {
  const FlagValues& flags = context.flags;
  const LinkChange policies{
      .kind = LinkKind::policy,
      .set = {flags.list("policy-name"), flags.list("policy-id")},
      .append = {flags.list("append-policy-name"), flags.list("append-policy-id")},
      .merge = flags.boolean("merge-policies"),
      .deprecated =
          "merge-policies is deprecated and will be removed in a future Consul version. Use "
          "`append-policy-name` or `append-policy-id` instead.",
      .conflict =
          "Cannot combine the use of policy-id/policy-name flags with append- variants. To set or overwrite "
          "existing policies, use -policy-id or -policy-name. To append to existing policies, use "
          "-append-policy-id or -append-policy-name."};
  if (Result<> changed = change_links(context, client, policies, token.Policies); !changed) return changed;
  const LinkChange roles{
      .kind = LinkKind::role,
      .set = {flags.list("role-name"), flags.list("role-id")},
      .append = {flags.list("append-role-name"), flags.list("append-role-id")},
      .merge = flags.boolean("merge-roles"),
      .deprecated =
          "merge-roles is deprecated and will be removed in a future Consul version. Use "
          "`append-role-name` or `append-role-id` instead.",
      .conflict =
          "Cannot combine the use of role-id/role-name flags with append- variants. To set or overwrite "
          "existing roles, use -role-id or -role-name. To append to existing roles, use -append-role-id or "
          "-append-role-name."};
  return change_links(context, client, roles, token.Roles);
}

// What the flags say of identities and templates.
struct Identities {
  base::List<AclServiceIdentity> services{};
  base::List<AclNodeIdentity> nodes{};
  TemplateChange templates{};
  bool append_services{}, append_nodes{};
};

Result<Identities> identities_of(const FlagValues& flags) {
  Identities given{.append_services = !flags.list("append-service-identity").empty(),
                   .append_nodes = !flags.list("append-node-identity").empty()};
  if (given.append_services && !flags.list("service-identity").empty()) {
    return {Errc::invalid_argument,
            "Cannot combine the use of service-identity flag with append-service-identity. To set or overwrite "
            "existing service identities, use -service-identity. To append to existing service identities, use "
            "-append-service-identity."};
  }
  auto services =
      service_identities(flags.list(given.append_services ? "append-service-identity" : "service-identity"));
  if (!services) return services.error();
  if (given.append_nodes && !flags.list("node-identity").empty()) {
    return {Errc::invalid_argument,
            "Cannot combine the use of node-identity flag with append-node-identity. To set or overwrite existing node "
            "identities, use -node-identity. To append to existing node identities, use -append-node-identity."};
  }
  auto nodes = node_identities(flags.list(given.append_nodes ? "append-node-identity" : "node-identity"));
  if (!nodes) return nodes.error();
  auto templates = changed_templates(
      flags, "Cannot combine the use of -append-templated-policy flags with replace-templated-policy.");
  if (!templates) return templates.error();

  given.services = std::move(*services);
  given.nodes = std::move(*nodes);
  given.templates = std::move(*templates);
  return given;
}

void change_identities(const FlagValues& flags, Identities given, AclToken& token) {
  if (given.append_services || flags.boolean("merge-service-identities")) {
    merge(token.ServiceIdentities, given.services);
  } else {
    token.ServiceIdentities = std::move(given.services);
  }
  if (given.append_nodes || flags.boolean("merge-node-identities")) {
    merge(token.NodeIdentities, given.nodes);
  } else {
    token.NodeIdentities = std::move(given.nodes);
  }
  apply(std::move(given.templates), token.TemplatedPolicies);
}

int run_update(const Context& context) {
  const FlagValues& flags = context.flags;
  std::string part = flags.text("accessor-id");
  if (part.empty()) {
    part = flags.text("id");
    if (part.empty()) return fail(context, "Cannot update a token without specifying the -accessor-id parameter");
    context.ui.error("Use the -accessor-id parameter to specify token by Accessor ID");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> accessor = token_accessor(context, *client, part);
  if (!accessor) return fail(context, "Error determining token ID: " + accessor.error().detail);
  const std::string path = "/v1/acl/token/" + *accessor;
  Result<AclToken> token = read_acl<AclToken>(context, *client, path);
  if (!token) return fail(context, "Error when retrieving current token: " + token.error().detail);

  if (const std::string& description = flags.text("description"); !description.empty()) {
    token->Description = description;
  }
  Result<Identities> identities = identities_of(flags);
  if (!identities) return fail(context, identities.error().detail);
  if (const Result<> linked = change_links(context, *client, *token); !linked) {
    return fail(context, linked.error().detail);
  }
  change_identities(flags, std::move(*identities), *token);

  if (!format_known(context)) return 1;
  const Result<AclToken> updated = write_acl(*client, path, *token);
  if (!updated) return fail(context, "Failed to update token " + *accessor + ": " + updated.error().detail);
  return show_acl(context, *updated);
}

constexpr Command kCommands[] = {
    {.name = "acl token update",
     .synopsis = "Change a token",
     .usage = "acl token update [options] -accessor-id=ID",
     .help = R"(  Changes what the options name. Service and node identities are always set anew, unless
  those to append are given: without any of these options the token has none afterwards.

      $ consul acl token update -accessor-id=986193 -append-policy-name=web
      $ consul acl token update -accessor-id=986193 -description=replication)",
     .flags = {kChangeFlags, kGrantFlags, kShowFlags, kAclClientFlags},
     .run = run_update},
};

}  // namespace

std::span<const Command> acl_token_update_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
