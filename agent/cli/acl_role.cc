// acl role create, delete, list, read, update.
#include <algorithm>

#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

std::string path_of(const std::string& id) {
  return "/v1/acl/role/" + id;
}

constexpr Flag kIdFlag = {
    .name = "id", .kind = FlagKind::text, .help = "The role's ID, or its first characters if no other role begins so."};
constexpr Flag kDescriptionFlag = {.name = "description", .kind = FlagKind::text, .help = "What the role is for."};

// ---- create

constexpr Flag kCreateFlags[] = {
    kDescriptionFlag,
    {.name = "name", .kind = FlagKind::text, .help = "The role's name. Required."},
};

constexpr auto kGrantFlags = joined(kIdentityFlags, kPolicyLinkFlags, kTemplateFlags);

int run_create(const Context& context) {
  const FlagValues& flags = context.flags;
  if (flags.text("name").empty()) return fail_with_help(context, "Missing required '-name' flag");
  const LinkFlags policies{flags.list("policy-name"), flags.list("policy-id")};
  const std::string& name = flags.text("templated-policy");
  const std::string& file = flags.text("templated-policy-file");
  if (!policies.any() && flags.list("service-identity").empty() && flags.list("node-identity").empty() &&
      name.empty() && file.empty()) {
    return fail(context,
                "Cannot create a role without specifying -policy-name, -policy-id, -service-identity, -node-identity, "
                "-templated-policy-file or -templated-policy at least once");
  }
  if (!file.empty() && !name.empty()) {
    return fail(context,
                "Cannot combine the use of templated-policy flag with templated-policy-file. To create a role with a "
                "single templated policy and simple use case, use -templated-policy. For multiple templated policies "
                "and more complicated use cases, use -templated-policy-file");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  AclRole role{.Name = flags.text("name"), .Description = flags.text("description")};
  const Result<> linked = add_links(context, *client, LinkKind::policy, policies, LinkMode::append, role.Policies);
  if (!linked) return fail(context, linked.error().detail);
  auto services = service_identities(flags.list("service-identity"));
  if (!services) return fail(context, services.error().detail);
  role.ServiceIdentities = std::move(*services);
  auto nodes = node_identities(flags.list("node-identity"));
  if (!nodes) return fail(context, nodes.error().detail);
  role.NodeIdentities = std::move(*nodes);
  auto templates = templated_policies(name, file, flags.list("var"));
  if (!templates) return fail(context, templates.error().detail);
  role.TemplatedPolicies = std::move(*templates);

  if (!format_known(context)) return 1;
  const Result<AclRole> made = write_acl(*client, "/v1/acl/role", role);
  if (!made) return fail(context, "Failed to create new role: " + made.error().detail);
  return show_acl(context, *made);
}

// ---- read

constexpr Flag kPickFlags[] = {
    kIdFlag,
    {.name = "name", .kind = FlagKind::text, .help = "The role's name, instead of -id."},
};

int run_read(const Context& context) {
  const std::string& part = context.flags.text("id");
  const std::string& name = context.flags.text("name");
  if (part.empty() && name.empty()) return fail(context, "Must specify either the -id or -name parameters");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  std::string which = name;
  std::string path = by_name("/v1/acl/role/name/", name);
  if (!part.empty()) {
    const Result<std::string> id = role_id(context, *client, part);
    if (!id) return fail(context, "Error determining role ID: " + id.error().detail);
    which = *id;
    path = path_of(*id);
  }
  const auto role = find_acl<AclRole>(context, *client, path);
  if (!role) return fail(context, "Error reading role " + base::quote(which) + ": " + role.error().detail);
  if (!*role) {
    return fail(context, std::string("Role not found with ") + (part.empty() ? "name " : "ID ") + base::quote(which));
  }
  return show_acl(context, **role);
}

// ---- update

constexpr Flag kUpdateFlags[] = {
    kDescriptionFlag,
    kIdFlag,
    {.name = "name", .kind = FlagKind::text, .help = "The role's new name."},
    {.name = "no-merge",
     .kind = FlagKind::boolean,
     .help = "Set everything as the options say, and empty what they do not name."},
};

constexpr auto kChangeFlags = joined(kIdentityFlags, kPolicyLinkFlags, kTemplateChangeFlags);

// What the flags say of identities and templates.
struct Given {
  base::List<AclServiceIdentity> services{};
  base::List<AclNodeIdentity> nodes{};
  TemplateChange templates{};
};

Result<Given> given_by(const FlagValues& flags) {
  Given given;
  auto services = service_identities(flags.list("service-identity"));
  if (!services) return services.error();
  given.services = std::move(*services);
  auto nodes = node_identities(flags.list("node-identity"));
  if (!nodes) return nodes.error();
  given.nodes = std::move(*nodes);
  auto templates = changed_templates(
      flags, "Cannot combine the use of append-templated-policy flags with replace-templated-policy.");
  if (!templates) return templates.error();
  given.templates = std::move(*templates);
  return given;
}

int run_update(const Context& context) {
  const FlagValues& flags = context.flags;
  if (flags.text("id").empty()) return fail(context, "Cannot update a role without specifying the -id parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = role_id(context, *client, flags.text("id"));
  if (!id) return fail(context, "Error determining role ID: " + id.error().detail);
  Result<Given> given = given_by(flags);
  if (!given) return fail(context, given.error().detail);
  const auto current = find_acl<AclRole>(context, *client, path_of(*id));
  if (!current) return fail(context, "Error when retrieving current role: " + current.error().detail);
  if (!*current) return fail(context, "Role not found with ID " + base::quote(*id));

  const bool keep = !flags.boolean("no-merge");
  AclRole role = keep ? **current : AclRole{.ID = *id};
  if (!keep || !flags.text("name").empty()) role.Name = flags.text("name");
  if (!keep || !flags.text("description").empty()) role.Description = flags.text("description");
  const LinkFlags policies{flags.list("policy-name"), flags.list("policy-id")};
  const Result<> linked =
      add_links(context, *client, LinkKind::policy, policies, keep ? LinkMode::merge : LinkMode::append, role.Policies);
  if (!linked) return fail(context, linked.error().detail);
  merge(role.ServiceIdentities, given->services);
  merge(role.NodeIdentities, given->nodes);
  apply(std::move(given->templates), role.TemplatedPolicies);

  if (!format_known(context)) return 1;
  const Result<AclRole> updated = write_acl(*client, path_of(*id), role);
  if (!updated) return fail(context, "Error updating role " + base::quote(*id) + ": " + updated.error().detail);
  return show_acl(context, *updated);
}

// ---- delete, list

Result<std::string> named_id(const Context& context, ApiClient& client) {
  if (const std::string& part = context.flags.text("id"); !part.empty()) return role_id(context, client, part);
  const std::string& name = context.flags.text("name");
  const auto roles = read_acl<base::List<AclRole>>(context, client, "/v1/acl/roles");
  if (!roles) return roles.error();
  const auto role = std::ranges::find(*roles, name, &AclRole::Name);
  if (role == roles->end()) return {base::Errc::not_found, "No such role with name " + name};
  return role->ID;
}

int run_delete(const Context& context) {
  if (context.flags.text("id").empty() && context.flags.text("name").empty()) {
    return fail(context, "Must specify the -id or -name parameters");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = named_id(context, *client);
  if (!id) return fail(context, "Error determining role ID: " + id.error().detail);
  if (const Result<> done = delete_acl(*client, path_of(*id)); !done) {
    return fail(context, "Error deleting role " + base::quote(*id) + ": " + done.error().detail);
  }
  context.ui.output("Role " + base::quote(*id) + " deleted successfully");
  return 0;
}

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto roles = read_acl<base::List<AclRole>>(context, *client, "/v1/acl/roles");
  if (!roles) return fail(context, "Failed to retrieve the role list: " + roles.error().detail);
  return show_acl(context, *roles);
}

constexpr Command kCommands[] = {
    {.name = "acl role",
     .synopsis = "Manage roles",
     .usage = "acl role <subcommand> [options]",
     .help = R"(  A role is policies and identities under one name, which tokens link to.

      $ consul acl role create -name=web -policy-name=web -service-identity=web
      $ consul acl role read -name=web)"},
    {.name = "acl role create",
     .synopsis = "Make a role",
     .usage = "acl role create -name=NAME [options]",
     .help = R"(  Prints the role with its new ID. It needs at least one policy, identity or templated
  policy.

      $ consul acl role create -name=web -policy-name=web -service-identity=web:dc1,dc2)",
     .flags = {kCreateFlags, kGrantFlags, kShowFlags, kAclClientFlags},
     .run = run_create},
    {.name = "acl role delete",
     .synopsis = "Delete a role",
     .usage = "acl role delete [options] -id=ID",
     .help = R"(  Tokens that link to the role lose what it gave them.)",
     .flags = {kPickFlags, kAclClientFlags},
     .run = run_delete},
    {.name = "acl role list",
     .synopsis = "List the roles",
     .usage = "acl role list [options]",
     .help = R"(  Prints every role with what it links to.)",
     .flags = {kShowFlags, kAclClientFlags},
     .run = run_list},
    {.name = "acl role read",
     .synopsis = "Print a role",
     .usage = "acl role read [options] -id=ID",
     .help = R"(  Prints one role with what it links to.

      $ consul acl role read -id=fdabbcb5
      $ consul acl role read -name=web)",
     .flags = {kPickFlags, kShowFlags, kAclClientFlags},
     .run = run_read},
    {.name = "acl role update",
     .synopsis = "Change a role",
     .usage = "acl role update [options] -id=ID",
     .help = R"(  Adds the policies and identities that the options name to those of the role, unless
  -no-merge is given.

      $ consul acl role update -id=fdabbcb5 -name=web-front -policy-name=web)",
     .flags = {kUpdateFlags, kChangeFlags, kShowFlags, kAclClientFlags},
     .run = run_update},
};

}  // namespace

std::span<const Command> acl_role_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
