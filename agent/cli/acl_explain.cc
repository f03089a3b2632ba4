// acl explain.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "base/quote.h"
#include "base/type_of.h"

namespace proconsul::agent::cli {

using base::Result;

/// What POST /v1/acl/explain takes.
struct AclQuestion {
  std::string AccessorID{};
  std::string Permission{};
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(AclQuestion)
PROCONSUL_DESCRIBE_TYPE(AclQuestion, "api.ACLQuestion") {
  type.field("AccessorID", &AclQuestion::AccessorID).omit_empty();
  type.field("Permission", &AclQuestion::Permission);
  type.field("Name", &AclQuestion::Name).omit_empty();
}

/// And what it answers.
struct AclExplanation {
  bool Allow{};
  std::string AccessorID{}, Permission{}, Name{}, Rule{}, Grants{}, Policy{}, Default{}, TokenSource{};
};
PROCONSUL_DECLARE_TYPE(AclExplanation)
PROCONSUL_DESCRIBE_TYPE(AclExplanation, "api.ACLExplanation") {
  type.field("Allow", &AclExplanation::Allow);
  type.field("AccessorID", &AclExplanation::AccessorID);
  type.field("Permission", &AclExplanation::Permission);
  type.field("Name", &AclExplanation::Name).omit_empty();
  type.field("Rule", &AclExplanation::Rule).omit_empty();
  type.field("Grants", &AclExplanation::Grants).omit_empty();
  type.field("Policy", &AclExplanation::Policy).omit_empty();
  type.field("Default", &AclExplanation::Default).omit_empty();
  type.field("TokenSource", &AclExplanation::TokenSource).omit_empty();
}

namespace {

constexpr int kDeniedCode = 2;

constexpr Flag kExplainFlags[] = {
    {.name = "accessor-id",
     .kind = FlagKind::text,
     .help = "Another token than that of the request, by its accessor ID or the front of it, or anonymous.",
     .value_name = "id"},
};

std::string source_text(const std::string& source) {
  if (source == "agent") return ", the agent's own for requests that carry none";
  if (source == "none") return ", as the request carries none";
  return {};
}

std::string text_of(const AclExplanation& why) {
  std::string text = std::string("Allowed:     ") + (why.Allow ? "yes" : "no");
  text += "\nToken:       " + why.AccessorID + source_text(why.TokenSource);
  text += "\nPermission:  " + why.Permission;
  if (!why.Name.empty()) text += " on " + base::quote(why.Name);
  text += "\nDecided by:  ";
  if (why.Rule.empty()) {
    text += "acl.default_policy, " + why.Default + ": no rule of the token is about it";
  } else {
    text += why.Rule + " = " + base::quote(why.Grants);
    if (!why.Policy.empty()) text += ", of the policy " + base::quote(why.Policy);
  }
  return text;
}

int run_explain(const Context& context) {
  const std::vector<std::string>& words = context.arguments;
  if (words.empty() || words.size() > 2) {
    return fail(context, "This command takes a permission, as key:write, and the name of what it is about");
  }
  if (!format_known(context)) return 1;
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  AclQuestion question{.Permission = words[0], .Name = words.size() > 1 ? words[1] : std::string()};
  if (const std::string& part = context.flags.text("accessor-id"); !part.empty()) {
    Result<std::string> accessor = token_accessor(context, *client, part);
    if (!accessor) return fail(context, "Error determining token ID: " + accessor.error().detail);
    question.AccessorID = std::move(*accessor);
  }
  ApiRequest request = client->request("POST", "/v1/acl/explain");
  request.body = base::to_json(question);
  const Result<AclExplanation> why = client->fetch<AclExplanation>(request);
  if (!why) return fail(context, "Error explaining the permission: " + why.error().detail);
  const bool json = context.flags.text("format") == "json";
  context.ui.output(json ? indented_json(base::to_json(*why), "    ") : text_of(*why));
  return why->Allow ? 0 : kDeniedCode;
}

constexpr Command kCommands[] = {
    {.name = "acl explain",
     .synopsis = "Say whether a token allows something, and which rule says so",
     .usage = "acl explain [options] PERMISSION [NAME]",
     .help = R"(  The permission is as in the text of a refusal. Without -accessor-id it is asked about the
  token of the request. The exit code is 0 if it is allowed, and 2 if it is not.

      $ consul acl explain key:write app/colour
      $ consul acl explain -accessor-id=986193 operator:read)",
     .flags = {kExplainFlags, kFormatFlags, kAclClientFlags},
     .run = run_explain},
};

}  // namespace

std::span<const Command> acl_explain_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
