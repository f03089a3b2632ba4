// acl templated-policy list, preview, read.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

// As format_known(), which these commands word otherwise.
template <class T>
int show(const Context& context, const T& object) {
  const std::string& format = context.flags.text("format");
  if (format != "pretty" && format != "json") return fail(context, "unknown format: " + base::quote(format));
  return show_acl(context, object);
}

// ---- read, list

constexpr Flag kReadFlags[] = {
    {.name = "meta", .kind = FlagKind::boolean, .help = "Also print the template and the schema of its variables."},
    {.name = "name", .kind = FlagKind::text, .help = "The template's name, such as builtin/service. Required."},
};

int run_read(const Context& context) {
  const std::string& name = context.flags.text("name");
  if (name.empty()) return fail(context, "Must specify the -name parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto policy = find_acl<AclTemplate>(context, *client, "/v1/acl/templated-policy/name/" + name);
  if (!policy) {
    return fail(context, "Error reading templated policy " + base::quote(name) + ": " + policy.error().detail);
  }
  if (!*policy) return fail(context, "Templated policy not found with name " + base::quote(name));
  return show(context, **policy);
}

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto policies = read_acl<base::Map<AclTemplate>>(context, *client, "/v1/acl/templated-policies");
  if (!policies) return fail(context, "Failed to retrieve the templated policies list: " + policies.error().detail);
  return show(context, *policies);
}

// ---- preview

constexpr Flag kPreviewFlags[] = {
    {.name = "file",
     .kind = FlagKind::text,
     .help = "File with one templated policy and its variables, instead of -name.",
     .value_name = "path"},
    {.name = "name",
     .kind = FlagKind::text,
     .help = "The template's name, such as builtin/service; -var gives what it asks for."},
    kVariableFlag,
};

int run_preview(const Context& context) {
  const std::string& name = context.flags.text("name");
  const std::string& file = context.flags.text("file");
  if (name.empty() && file.empty()) {
    return fail(context, "Cannot preview a templated policy without specifying -name or -file");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto policies = templated_policies(name, file, context.flags.list("var"));
  if (!policies) return fail(context, policies.error().detail);
  if (policies->size() != 1) return fail(context, "Can only preview a single templated policy at a time.");
  const AclTemplatedPolicy& policy = policies->front();
  ApiRequest request = client->request("POST", "/v1/acl/templated-policy/preview/" + policy.TemplateName);
  request.body = base::to_json(policy.TemplateVariables);
  const Result<AclPolicy> made = client->fetch<AclPolicy>(request);
  if (!made) return fail(context, "Failed to generate the templated policy preview: " + made.error().detail);
  return show_acl(context, *made);
}

constexpr Command kCommands[] = {
    {.name = "acl templated-policy",
     .synopsis = "Show the templates of policies",
     .usage = "acl templated-policy <subcommand> [options]",
     .help = R"(  A templated policy is a policy with a blank in it; tokens and roles have it with a name
  in the blank.

      $ consul acl templated-policy list
      $ consul acl templated-policy preview -name=builtin/service -var=name:web)"},
    {.name = "acl templated-policy list",
     .synopsis = "List the templates",
     .usage = "acl templated-policy list [options]",
     .help = R"(  Prints the names of the templates.)",
     .flags = {kFormatFlags, kAclClientFlags},
     .run = run_list},
    {.name = "acl templated-policy preview",
     .synopsis = "Print the policy that a template becomes",
     .usage = "acl templated-policy preview [options]",
     .help = R"(  Prints the policy with the rules that tokens get from it.

      $ consul acl templated-policy preview -name=builtin/service -var=name:web
      $ consul acl templated-policy preview -file=web.hcl)",
     .flags = {kPreviewFlags, kFormatFlags, kAclClientFlags},
     .run = run_preview},
    {.name = "acl templated-policy read",
     .synopsis = "Print a template",
     .usage = "acl templated-policy read [options] -name=NAME",
     .help = R"(  Prints what the template is for and which variables it asks for.)",
     .flags = {kReadFlags, kFormatFlags, kAclClientFlags},
     .run = run_read},
};

}  // namespace

std::span<const Command> acl_templated_policy_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
