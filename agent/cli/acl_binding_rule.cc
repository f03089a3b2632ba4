// acl binding-rule create, delete, list, read, update.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr std::string_view kTemplated = "templated-policy";

std::string path_of(const std::string& id) {
  return "/v1/acl/binding-rule/" + id;
}

constexpr Flag kRuleFlags[] = {
    {.name = "bind-name",
     .kind = FlagKind::text,
     .help = "The name of what those get whom the rule fits; ${...} in it stands for what is known of them."},
    {.name = "bind-type",
     .kind = FlagKind::text,
     .help = "What that is: service (also if nothing is said), role, node, policy or templated-policy.",
     .value_name = "type",
     .default_value = "service"},
    {.name = "bind-vars",
     .kind = FlagKind::map,
     .help = "A variable of a templated policy, as name=VALUE; VALUE as in -bind-name. May be repeated."},
    {.name = "description", .kind = FlagKind::text, .help = "What the rule is for."},
    {.name = "selector",
     .kind = FlagKind::text,
     .help = "An expression over what is known of those that log in; by default the rule fits all.",
     .value_name = "expression"},
};

// There is one variable, in any letter case; others are nothing to any template.
base::Pointer<AclTemplateVariables> bind_variables(const FlagValues& flags) {
  const std::map<std::string, std::string>& given = flags.map("bind-vars");
  if (given.empty()) return {};
  AclTemplateVariables variables;
  for (const auto& [key, value] : given) {
    if (key.size() == 4 && (key[0] | 0x20) == 'n' && (key[1] | 0x20) == 'a' && (key[2] | 0x20) == 'm' &&
        (key[3] | 0x20) == 'e') {
      variables.Name = value;
    }
  }
  if (const auto exact = given.find("Name"); exact != given.end()) variables.Name = exact->second;
  return variables;
}

// ---- create

constexpr Flag kCreateFlags[] = {
    {.name = "method", .kind = FlagKind::text, .help = "The auth method that the rule belongs to. Required."},
};

int run_create(const Context& context) {
  const FlagValues& flags = context.flags;
  for (const std::string required : {"method", "bind-type", "bind-name"}) {
    if (flags.text(required).empty()) return fail_with_help(context, "Missing required '-" + required + "' flag");
  }
  if (flags.text("bind-type") != kTemplated && !flags.map("bind-vars").empty()) {
    return fail_with_help(context, "Cannot specify -bind-vars when -bind-type is not templated-policy");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  if (!format_known(context)) return 1;
  const Result<AclBindingRule> rule = write_acl<AclBindingRule>(*client, "/v1/acl/binding-rule",
                                                                {.Description = flags.text("description"),
                                                                 .AuthMethod = flags.text("method"),
                                                                 .Selector = flags.text("selector"),
                                                                 .BindType = flags.text("bind-type"),
                                                                 .BindName = flags.text("bind-name"),
                                                                 .BindVars = bind_variables(flags)});
  if (!rule) return fail(context, "Failed to create new binding rule: " + rule.error().detail);
  return show_acl(context, *rule);
}

// ---- update

constexpr Flag kIdFlags[] = {
    {.name = "id",
     .kind = FlagKind::text,
     .help = "The rule's ID, or its first characters if no other rule begins so. Required."},
};
constexpr Flag kUpdateFlags[] = {
    kIdFlags[0],
    {.name = "no-merge",
     .kind = FlagKind::boolean,
     .help = "Set everything as the options say, and empty what they do not name."},
};

int run_update(const Context& context) {
  const FlagValues& flags = context.flags;
  if (flags.text("id").empty()) {
    return fail(context, "Cannot update a binding rule without specifying the -id parameter");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = binding_rule_id(context, *client, flags.text("id"));
  if (!id) return fail(context, "Error determining binding rule ID: " + id.error().detail);
  const auto current = find_acl<AclBindingRule>(context, *client, path_of(*id));
  if (!current) return fail(context, "Error when retrieving current binding rule: " + current.error().detail);
  if (!*current) return fail(context, "Binding rule not found with ID " + base::quote(*id));

  const bool templated = flags.text("bind-type") == kTemplated;
  AclBindingRule rule = **current;
  if (flags.boolean("no-merge")) {
    for (const std::string required : {"bind-type", "bind-name"}) {
      if (flags.text(required).empty()) return fail_with_help(context, "Missing required '-" + required + "' flag");
    }
    if (!templated && !flags.map("bind-vars").empty()) {
      return fail_with_help(context, "-bind-vars cannot be specified when -bind-type is not templated-policy");
    }
    rule = {.ID = *id,
            .Description = flags.text("description"),
            .AuthMethod = (*current)->AuthMethod,
            .Selector = flags.text("selector"),
            .BindType = flags.text("bind-type"),
            .BindName = flags.text("bind-name"),
            .BindVars = bind_variables(flags)};
  } else {
    if (!flags.text("description").empty()) rule.Description = flags.text("description");
    if (!flags.text("bind-type").empty()) rule.BindType = flags.text("bind-type");
    if (!flags.text("bind-name").empty()) rule.BindName = flags.text("bind-name");
    if (!flags.map("bind-vars").empty()) rule.BindVars = bind_variables(flags);
    if (!templated) rule.BindVars.reset();
    if (flags.is_set("selector")) rule.Selector = flags.text("selector");
  }
  if (!format_known(context)) return 1;
  const Result<AclBindingRule> updated = write_acl(*client, path_of(*id), rule);
  if (!updated) return fail(context, "Error updating binding rule " + base::quote(*id) + ": " + updated.error().detail);
  return show_acl(context, *updated);
}

// ---- read, delete, list

int run_read(const Context& context) {
  if (context.flags.text("id").empty()) return fail(context, "Must specify the -id parameter.");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = binding_rule_id(context, *client, context.flags.text("id"));
  if (!id) return fail(context, "Error determining binding rule ID: " + id.error().detail);
  const auto rule = find_acl<AclBindingRule>(context, *client, path_of(*id));
  if (!rule) return fail(context, "Error reading binding rule " + base::quote(*id) + ": " + rule.error().detail);
  if (!*rule) return fail(context, "Binding rule not found with ID " + base::quote(*id));
  return show_acl(context, **rule);
}

int run_delete(const Context& context) {
  if (context.flags.text("id").empty()) return fail(context, "Must specify the -id parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<std::string> id = binding_rule_id(context, *client, context.flags.text("id"));
  if (!id) return fail(context, "Error determining binding rule ID: " + id.error().detail);
  if (const Result<> done = delete_acl(*client, path_of(*id)); !done) {
    return fail(context, "Error deleting binding rule " + base::quote(*id) + ": " + done.error().detail);
  }
  context.ui.output("Binding rule " + base::quote(*id) + " deleted successfully");
  return 0;
}

constexpr Flag kListFlags[] = {
    {.name = "method", .kind = FlagKind::text, .help = "Only the rules of this auth method."},
};

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  ApiRequest request = client->request("GET", "/v1/acl/binding-rules");
  apply_stale(context, request);
  if (const std::string& method = context.flags.text("method"); !method.empty()) request.set("authmethod", method);
  const auto rules = client->fetch<base::List<AclBindingRule>>(request);
  if (!rules) return fail(context, "Failed to retrieve the binding rule list: " + rules.error().detail);
  return show_acl(context, *rules);
}

constexpr Command kCommands[] = {
    {.name = "acl binding-rule",
     .synopsis = "Manage what those may do who log in",
     .usage = "acl binding-rule <subcommand> [options]",
     .help = R"(  A binding rule of an auth method says which of those that log in get which service
  identity, role, node identity or policy.

      $ consul acl binding-rule create -method=ci -bind-type=role -bind-name='ci-${value.project}'
      $ consul acl binding-rule list -method=ci)"},
    {.name = "acl binding-rule create",
     .synopsis = "Make a binding rule",
     .usage = "acl binding-rule create -method=NAME -bind-name=NAME [options]",
     .help = R"(  Prints the rule with its new ID.

      $ consul acl binding-rule create -method=k8s -bind-type=service \
          -bind-name='k8s-${serviceaccount.name}' -selector='serviceaccount.namespace==default')",
     .flags = {kCreateFlags, kRuleFlags, kShowFlags, kAclClientFlags},
     .run = run_create},
    {.name = "acl binding-rule delete",
     .synopsis = "Delete a binding rule",
     .usage = "acl binding-rule delete -id=ID [options]",
     .help = R"(  Tokens that were given by it stay as they are.)",
     .flags = {kIdFlags, kAclClientFlags},
     .run = run_delete},
    {.name = "acl binding-rule list",
     .synopsis = "List the binding rules",
     .usage = "acl binding-rule list [options]",
     .help = R"(  Prints every binding rule, or those of one auth method.)",
     .flags = {kListFlags, kShowFlags, kAclClientFlags},
     .run = run_list},
    {.name = "acl binding-rule read",
     .synopsis = "Print a binding rule",
     .usage = "acl binding-rule read -id=ID [options]",
     .help = R"(  Prints one rule.)",
     .flags = {kIdFlags, kShowFlags, kAclClientFlags},
     .run = run_read},
    {.name = "acl binding-rule update",
     .synopsis = "Change a binding rule",
     .usage = "acl binding-rule update -id=ID [options]",
     .help = R"(  Changes what the options name and leaves the rest, unless -no-merge is given. The type
  is what -bind-type says, and that says service if it is not given.

      $ consul acl binding-rule update -id=43cb72df -bind-type=role -bind-name=ops)",
     .flags = {kUpdateFlags, kRuleFlags, kShowFlags, kAclClientFlags},
     .run = run_update},
};

}  // namespace

std::span<const Command> acl_binding_rule_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
