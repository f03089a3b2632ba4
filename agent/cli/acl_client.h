// What the commands of access control share: finding objects by the front of their ID, the identities and
// templates that flags name, and printing what came of it. Error texts are Consul's.
#pragma once

#include <string>
#include <string_view>

#include "agent/cli/acl_flags.h"
#include "agent/cli/acl_text.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/text.h"
#include "base/json.h"

namespace proconsul::agent::cli {

/// Whether -format is one that there is; if not, says so. What changes something asks first: what it makes must not go
/// unseen for a mistyped word.
bool format_known(const Context& context);

/// Prints the object, or the list of them, as -format says. Returns the exit code.
template <class T>
int show_acl(const Context& context, const T& object) {
  if (!format_known(context)) return 1;
  const bool meta = context.flags.has("meta") && context.flags.boolean("meta");
  std::string text;
  if (context.flags.text("format") == "json") {
    text = indented_json(base::to_json(object), "    ");
  } else if constexpr (requires { acl_text(object, meta); }) {
    text = acl_text(object, meta);
  } else {
    text = acl_list_text(object, meta);
  }
  if (!text.empty()) context.ui.output(text);
  return 0;
}

/// GET; with ?stale if the command's flags say so.
template <class T>
base::Result<T> read_acl(const Context& context, ApiClient& client, const std::string& path) {
  ApiRequest request = client.request("GET", path);
  apply_stale(context, request);
  return client.fetch<T>(request);
}
/// read_acl(), but null if the agent says that there is none.
template <class T>
base::Result<base::Pointer<T>> find_acl(const Context& context, ApiClient& client, const std::string& path) {
  ApiRequest request = client.request("GET", path);
  apply_stale(context, request);
  base::Result<ApiResponse> response = client.call(request, {200, 404});
  if (!response) return response.error();
  if (response->status == 404) return base::Pointer<T>();
  base::Result<T> object = base::from_json<T>(response->body, {.input = base::JsonInput::first});
  if (!object) return object.error();
  return base::Pointer<T>(std::move(*object));
}
/// PUT of the object; what the agent made of it.
template <class T>
base::Result<T> write_acl(ApiClient& client, const std::string& path, const T& object) {
  ApiRequest request = client.request("PUT", path);
  request.body = base::to_json(object);
  return client.fetch<T>(request);
}
base::Result<> delete_acl(ApiClient& client, const std::string& path);

// The whole ID that begins with `part`; a whole one is taken as it is, without asking.

/// Also "anonymous".
base::Result<std::string> token_accessor(const Context& context, ApiClient& client, const std::string& part);
/// Also the names of the builtin policies.
base::Result<std::string> policy_id(const Context& context, ApiClient& client, const std::string& part);
base::Result<std::string> role_id(const Context& context, ApiClient& client, const std::string& part);
base::Result<std::string> binding_rule_id(const Context& context, ApiClient& client, const std::string& part);

/// The path of a policy, role or method by its name, escaped once more as the agent expects it.
std::string by_name(std::string_view path, std::string_view name);

/// From "web" or "web:dc1,dc2".
base::Result<base::List<AclServiceIdentity>> service_identities(const std::vector<std::string>& texts);
/// From "n1:dc1".
base::Result<base::List<AclNodeIdentity>> node_identities(const std::vector<std::string>& texts);

/// From the name of a template with its variables ("name:web"), from a file of them, or both; either may be empty.
base::Result<base::List<AclTemplatedPolicy>> templated_policies(const std::string& name, const std::string& file,
                                                                const std::vector<std::string>& variables);

/// What the flags say that become of the templated policies that are there.
struct TemplateChange {
  base::List<AclTemplatedPolicy> policies{};
  bool replace{};  // instead of being added
};
/// By kTemplateChangeFlags. `conflict` begins the text of the error that both ways are asked for.
base::Result<TemplateChange> changed_templates(const FlagValues& flags, std::string_view conflict);
void apply(TemplateChange change, base::List<AclTemplatedPolicy>& policies);

/// Sets the identity of the service, or adds it.
void merge(base::List<AclServiceIdentity>& into, const base::List<AclServiceIdentity>& more);
/// Adds those that are not there.
void merge(base::List<AclNodeIdentity>& into, const base::List<AclNodeIdentity>& more);

/// Links as a command line gives them: names as they are, IDs by their front.
struct LinkFlags {
  const std::vector<std::string>& names;
  const std::vector<std::string>& ids;
  bool any() const { return !names.empty() || !ids.empty(); }
};
enum class LinkKind : std::uint8_t { policy, role };
enum class LinkMode : std::uint8_t {
  append,
  merge,  // only those that are not there
};
/// Adds the links. Error: "Error resolving policy ID : why".
base::Result<> add_links(const Context& context, ApiClient& client, LinkKind kind, const LinkFlags& flags,
                         LinkMode mode, base::List<AclLink>& links);

}  // namespace proconsul::agent::cli
