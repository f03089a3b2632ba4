// acl policy create, delete, list, read, update.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "agent/cli/files.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr std::string_view kByName = "/v1/acl/policy/name/";
constexpr std::string_view kNeither = "Must specify either the -id or -name parameters";

constexpr Flag kDescriptionFlag = {.name = "description", .kind = FlagKind::text, .help = "What the policy is for."};
constexpr Flag kRulesFlag = {.name = "rules",
                             .kind = FlagKind::text,
                             .help = "The rules themselves, @FILE, or - for standard input.",
                             .value_name = "rules"};
constexpr Flag kDatacenterFlag = {.name = "valid-datacenter",
                                  .kind = FlagKind::list,
                                  .help = "A datacenter in which the policy holds; by default in all. May be repeated.",
                                  .value_name = "name"};
constexpr Flag kIdFlag = {.name = "id",
                          .kind = FlagKind::text,
                          .help = "The policy's ID, or its first characters if no other policy begins so."};

std::string path_of(const std::string& id) {
  return "/v1/acl/policy/" + id;
}

Result<base::Pointer<AclPolicy>> find_by_name(const Context& context, ApiClient& client, const std::string& name) {
  Result<base::Pointer<AclPolicy>> policy = find_acl<AclPolicy>(context, client, by_name(kByName, name));
  if (policy) return policy;
  return {policy.error().code, "Failed to find policy with name " + name + ": " + policy.error().detail};
}

// By -id, or by -name.
Result<std::string> named_id(const Context& context, ApiClient& client) {
  if (const std::string& id = context.flags.text("id"); !id.empty()) return policy_id(context, client, id);
  const std::string& name = context.flags.text("name");
  const Result<base::Pointer<AclPolicy>> policy = find_by_name(context, client, name);
  if (!policy) return policy.error();
  if (!*policy) return {base::Errc::not_found, "No such policy with name: " + name};
  return (*policy)->ID;
}

base::List<std::string> list_of(const std::vector<std::string>& values) {
  base::List<std::string> list;
  list.assign(values.begin(), values.end());
  return list;
}

// ---- create

constexpr Flag kCreateFlags[] = {
    kDescriptionFlag,
    {.name = "name", .kind = FlagKind::text, .help = "The policy's name. Required."},
    kRulesFlag,
    kDatacenterFlag,
};

int run_create(const Context& context) {
  const FlagValues& flags = context.flags;
  if (flags.text("name").empty()) return fail_with_help(context, "Missing required '-name' flag");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  Result<std::string> rules = load_data(flags.text("rules"), context.ui.in);
  if (!rules) return fail(context, "Error loading rules: " + rules.error().detail);
  if (!format_known(context)) return 1;
  const Result<AclPolicy> policy = write_acl<AclPolicy>(*client, "/v1/acl/policy",
                                                        {.Name = flags.text("name"),
                                                         .Description = flags.text("description"),
                                                         .Rules = std::move(*rules),
                                                         .Datacenters = list_of(flags.list("valid-datacenter"))});
  if (!policy) return fail(context, "Failed to create new policy: " + policy.error().detail);
  return show_acl(context, *policy);
}

// ---- read

constexpr Flag kPickFlags[] = {
    kIdFlag,
    {.name = "name", .kind = FlagKind::text, .help = "The policy's name, instead of -id."},
};

int run_read(const Context& context) {
  const std::string& part = context.flags.text("id");
  const std::string& name = context.flags.text("name");
  if (part.empty() && name.empty()) return fail(context, kNeither);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto failed = [&](const std::string& which, const base::Error& error) {
    return fail(context, "Error reading policy " + base::quote(which) + ": " + error.detail);
  };
  if (!part.empty()) {
    const Result<std::string> id = policy_id(context, *client, part);
    if (!id) return fail(context, "Error determining policy ID: " + id.error().detail);
    const Result<AclPolicy> policy = read_acl<AclPolicy>(context, *client, path_of(*id));
    if (!policy) return failed("id:" + *id, policy.error());
    return show_acl(context, *policy);
  }
  const Result<base::Pointer<AclPolicy>> policy = find_by_name(context, *client, name);
  if (!policy) return failed("name:" + name, policy.error());
  if (!*policy) return fail(context, "Error policy not found: " + name);
  return show_acl(context, **policy);
}

// ---- update

constexpr Flag kUpdateFlags[] = {
    kDescriptionFlag,
    kIdFlag,
    {.name = "name",
     .kind = FlagKind::text,
     .help = "With -id: the policy's new name. Without: the name by which it is found."},
    {.name = "no-merge",
     .kind = FlagKind::boolean,
     .help = "Set everything as the options say, and empty what they do not name."},
    kRulesFlag,
    kDatacenterFlag,
};

int run_update(const Context& context) {
  const FlagValues& flags = context.flags;
  if (flags.text("id").empty() && flags.text("name").empty()) return fail(context, kNeither);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = named_id(context, *client);
  if (!id) return fail(context, "Error determining policy ID: " + id.error().detail);
  const Result<std::string> rules = load_data(flags.text("rules"), context.ui.in);
  if (!rules) return fail(context, "Error loading data source: " + rules.error().detail);

  AclPolicy updated;
  const bool merge = !flags.boolean("no-merge");
  if (merge) {
    const Result<AclPolicy> current = read_acl<AclPolicy>(context, *client, path_of(*id));
    if (!current) return fail(context, "Error reading policy " + base::quote(*id) + ": " + current.error().detail);
    updated.Name = current->Name;
    updated.Description = current->Description;
    updated.Datacenters = current->Datacenters;
    updated.Rules = current->Rules;
  }
  updated.ID = *id;
  if (!merge || flags.is_set("name")) updated.Name = flags.text("name");
  if (!merge || flags.is_set("description")) updated.Description = flags.text("description");
  if (!merge || flags.is_set("rules")) updated.Rules = *rules;
  if (!merge || flags.is_set("valid-datacenter")) updated.Datacenters = list_of(flags.list("valid-datacenter"));

  if (!format_known(context)) return 1;
  const Result<AclPolicy> policy = write_acl(*client, path_of(*id), updated);
  if (!policy) return fail(context, "Error updating policy " + base::quote(*id) + ": " + policy.error().detail);
  return show_acl(context, *policy);
}

// ---- delete, list

int run_delete(const Context& context) {
  if (context.flags.text("id").empty() && context.flags.text("name").empty()) return fail(context, kNeither);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = named_id(context, *client);
  if (!id) return fail(context, "Error determining policy ID: " + id.error().detail);
  if (const Result<> done = delete_acl(*client, path_of(*id)); !done) {
    return fail(context, "Error deleting policy " + base::quote(*id) + ": " + done.error().detail);
  }
  context.ui.output("Policy " + base::quote(*id) + " deleted successfully");
  return 0;
}

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto policies = read_acl<base::List<AclPolicyEntry>>(context, *client, "/v1/acl/policies");
  if (!policies) return fail(context, "Failed to retrieve the policy list: " + policies.error().detail);
  return show_acl(context, *policies);
}

constexpr Command kCommands[] = {
    {.name = "acl policy",
     .synopsis = "Manage policies",
     .usage = "acl policy <subcommand> [options]",
     .help = R"(  A policy is a set of rules; tokens and roles link to it.

      $ consul acl policy create -name=web -rules=@web.hcl
      $ consul acl policy read -name=web)"},
    {.name = "acl policy create",
     .synopsis = "Make a policy",
     .usage = "acl policy create -name=NAME [options]",
     .help = R"(  Prints the policy with its new ID.

      $ consul acl policy create -name=web -rules='key_prefix "web/" { policy = "write" }')",
     .flags = {kCreateFlags, kShowFlags, kAclClientFlags},
     .run = run_create},
    {.name = "acl policy delete",
     .synopsis = "Delete a policy",
     .usage = "acl policy delete [options] -id=ID",
     .help = R"(  Tokens and roles that link to the policy lose what it gave them.)",
     .flags = {kPickFlags, kAclClientFlags},
     .run = run_delete},
    {.name = "acl policy list",
     .synopsis = "List the policies",
     .usage = "acl policy list [options]",
     .help = R"(  Prints every policy without its rules; "acl policy read" shows those.)",
     .flags = {kShowFlags, kAclClientFlags},
     .run = run_list},
    {.name = "acl policy read",
     .synopsis = "Print a policy",
     .usage = "acl policy read [options] -id=ID",
     .help = R"(  Prints one policy with its rules.

      $ consul acl policy read -id=fdabbcb5
      $ consul acl policy read -name=web)",
     .flags = {kPickFlags, kShowFlags, kAclClientFlags},
     .run = run_read},
    {.name = "acl policy update",
     .synopsis = "Change a policy",
     .usage = "acl policy update [options] -id=ID",
     .help = R"(  Changes what the options name and leaves the rest, unless -no-merge is given.

      $ consul acl policy update -id=fdabbcb5 -name=web-front
      $ consul acl policy update -name=web -rules=@web.hcl)",
     .flags = {kUpdateFlags, kShowFlags, kAclClientFlags},
     .run = run_update},
};

}  // namespace

std::span<const Command> acl_policy_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
