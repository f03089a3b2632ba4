// acl auth-method create, delete, list, read, update.
#include "agent/cli/acl_client.h"
#include "agent/cli/acl_commands.h"
#include "agent/cli/files.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

std::string path_of(const std::string& name) {
  return by_name("/v1/acl/auth-method/", name);
}

constexpr Flag kMethodFlags[] = {
    {.name = "config",
     .kind = FlagKind::text,
     .help = "The method's configuration in JSON: itself, @FILE, or - for standard input.",
     .value_name = "json"},
    {.name = "description", .kind = FlagKind::text, .help = "What the method is for."},
    {.name = "display-name", .kind = FlagKind::text, .help = "How the UI calls the method, instead of its name."},
    {.name = "kubernetes-ca-cert",
     .kind = FlagKind::text,
     .help = "Of type kubernetes: certificate of the authority of the Kubernetes API, in PEM; itself, @FILE, or - for "
             "standard input.",
     .value_name = "pem"},
    {.name = "kubernetes-host",
     .kind = FlagKind::text,
     .help = "Of type kubernetes: URL of the Kubernetes API.",
     .value_name = "url"},
    {.name = "kubernetes-service-account-jwt",
     .kind = FlagKind::text,
     .help = "Of type kubernetes: the token with which servers ask the Kubernetes API.",
     .value_name = "jwt"},
    {.name = "max-token-ttl",
     .kind = FlagKind::duration,
     .help = "How long the tokens live that the method gives; by default for ever."},
    {.name = "token-locality",
     .kind = FlagKind::text,
     .help = "local: its tokens count in this datacenter only, as by default; global: in all."},
};

struct Kubernetes {
  std::string host{};
  std::string ca_cert{};
  std::string service_account_jwt{};
  bool any() const { return !host.empty() || !ca_cert.empty() || !service_account_jwt.empty(); }
};

Kubernetes kubernetes_of(const FlagValues& flags) {
  return {.host = flags.text("kubernetes-host"),
          .ca_cert = flags.text("kubernetes-ca-cert"),
          .service_account_jwt = flags.text("kubernetes-service-account-jwt")};
}

Result<> load_certificate(const Context& context, Kubernetes& kubernetes) {
  Result<std::string> loaded = load_data(kubernetes.ca_cert, context.ui.in);
  if (!loaded) return {loaded.error().code, "Invalid '-kubernetes-ca-cert' value: " + loaded.error().detail};
  if (loaded->empty()) return {Errc::invalid_argument, "Kubernetes CA Cert is empty"};
  kubernetes.ca_cert = std::move(*loaded);
  return {};
}

Result<> all_given(const Kubernetes& kubernetes) {
  const auto missing = [](const std::string& flag) -> base::Error {
    return {Errc::invalid_argument, "Missing required '-kubernetes-" + flag + "' flag"};
  };
  if (kubernetes.host.empty()) return missing("host");
  if (kubernetes.ca_cert.empty()) return missing("ca-cert");
  if (kubernetes.service_account_jwt.empty()) return missing("service-account-jwt");
  return {};
}

void set_config(base::Map<base::Value>& config, const Kubernetes& kubernetes) {
  config.make_present();
  if (!kubernetes.host.empty()) config["Host"] = kubernetes.host;
  if (!kubernetes.ca_cert.empty()) config["CACert"] = kubernetes.ca_cert;
  if (!kubernetes.service_account_jwt.empty()) config["ServiceAccountJWT"] = kubernetes.service_account_jwt;
}

// -config, if it is given: all of the configuration. `noun` and `what` are words of the error texts.
Result<> read_config(const Context& context, const Kubernetes& kubernetes, std::string_view noun, std::string_view what,
                     base::Map<base::Value>& config) {
  const std::string& source = context.flags.text("config");
  if (source.empty()) return {};
  if (kubernetes.any()) {
    return {Errc::invalid_argument, "Cannot use command line arguments with '-config' " + std::string(noun)};
  }
  const Result<std::string> text = load_data(source, context.ui.in);
  if (!text) return {text.error().code, "Error loading configuration file: " + text.error().detail};
  config.reset();
  if (const Result<> read = base::read_json(*text, config); !read) {
    return {read.error().code, "Error parsing JSON " + std::string(what) + ": " + read.error().detail};
  }
  return {};
}

// ---- create

constexpr Flag kCreateFlags[] = {
    {.name = "name", .kind = FlagKind::text, .help = "The method's name. Required."},
    {.name = "type",
     .kind = FlagKind::text,
     .help = "Who vouches for those that log in: jwt, oidc, kubernetes, aws-iam. Required."},
};

int run_create(const Context& context) {
  const FlagValues& flags = context.flags;
  for (const std::string required : {"type", "name"}) {
    if (flags.text(required).empty()) return fail_with_help(context, "Missing required '-" + required + "' flag");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  AclAuthMethod method{.Name = flags.text("name"),
                       .Type = flags.text("type"),
                       .DisplayName = flags.text("display-name"),
                       .Description = flags.text("description"),
                       .TokenLocality = flags.text("token-locality")};
  if (const base::Duration ttl = flags.duration("max-token-ttl"); ttl.nanoseconds > 0) method.MaxTokenTTL = ttl;
  Kubernetes kubernetes = kubernetes_of(flags);
  Result<> done = read_config(context, kubernetes, "flags", "configuration file", method.Config);
  if (done && method.Type == "kubernetes") {
    done = all_given(kubernetes);
    if (done) done = load_certificate(context, kubernetes);
    if (done) set_config(method.Config, kubernetes);
  }
  if (!done) return fail(context, done.error().detail);
  if (!format_known(context)) return 1;
  const Result<AclAuthMethod> made = write_acl(*client, "/v1/acl/auth-method", method);
  if (!made) return fail(context, "Failed to create new auth method: " + made.error().detail);
  return show_acl(context, *made);
}

// ---- update

constexpr Flag kUpdateFlags[] = {
    {.name = "name", .kind = FlagKind::text, .help = "The method's name. Required."},
    {.name = "no-merge",
     .kind = FlagKind::boolean,
     .help = "Set everything as the options say, and empty what they do not name."},
};

Result<> change(const Context& context, bool keep, Kubernetes& kubernetes, AclAuthMethod& method) {
  const FlagValues& flags = context.flags;
  const auto set = [&](std::string& field, std::string_view flag) {
    if (!keep || !flags.text(flag).empty()) field = flags.text(flag);
  };
  set(method.Description, "description");
  set(method.DisplayName, "display-name");
  set(method.TokenLocality, "token-locality");
  if (const base::Duration ttl = flags.duration("max-token-ttl"); ttl.nanoseconds > 0) method.MaxTokenTTL = ttl;
  if (Result<> read = read_config(context, kubernetes, "flag", "for auth method config", method.Config); !read) {
    return read;
  }
  if (keep) method.Config.make_present();
  if (method.Type != "kubernetes") return {};
  if (!keep) {
    if (Result<> given = all_given(kubernetes); !given) return given;
  }
  set_config(method.Config, kubernetes);
  return {};
}

int run_update(const Context& context) {
  const std::string& name = context.flags.text("name");
  if (name.empty()) return fail(context, "Cannot update an auth method without specifying the -name parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto current = find_acl<AclAuthMethod>(context, *client, path_of(name));
  if (!current) return fail(context, "Error when retrieving current auth method: " + current.error().detail);
  if (!*current) return fail(context, "Auth method not found with name " + base::quote(name));
  Kubernetes kubernetes = kubernetes_of(context.flags);
  if (!kubernetes.ca_cert.empty()) {
    if (const Result<> loaded = load_certificate(context, kubernetes); !loaded) {
      return fail(context, loaded.error().detail);
    }
  }
  const bool keep = !context.flags.boolean("no-merge");
  AclAuthMethod method = keep ? **current : AclAuthMethod{.Name = (*current)->Name, .Type = (*current)->Type};
  if (const Result<> changed = change(context, keep, kubernetes, method); !changed) {
    return fail(context, changed.error().detail);
  }
  if (!format_known(context)) return 1;
  const Result<AclAuthMethod> updated = write_acl(*client, path_of(method.Name), method);
  if (!updated) return fail(context, "Error updating auth method " + base::quote(name) + ": " + updated.error().detail);
  return show_acl(context, *updated);
}

// ---- read, delete, list

constexpr Flag kNameFlags[] = {
    {.name = "name", .kind = FlagKind::text, .help = "The method's name. Required."},
};

int run_read(const Context& context) {
  const std::string& name = context.flags.text("name");
  if (name.empty()) return fail(context, "Must specify the -name parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto method = find_acl<AclAuthMethod>(context, *client, path_of(name));
  if (!method) return fail(context, "Error reading auth method " + base::quote(name) + ": " + method.error().detail);
  if (!*method) return fail(context, "Auth method not found with name " + base::quote(name));
  return show_acl(context, **method);
}

int run_delete(const Context& context) {
  const std::string& name = context.flags.text("name");
  if (name.empty()) return fail(context, "Must specify the -name parameter");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  if (const Result<> done = delete_acl(*client, path_of(name)); !done) {
    return fail(context, "Error deleting auth method " + base::quote(name) + ": " + done.error().detail);
  }
  context.ui.output("Auth method " + base::quote(name) + " deleted successfully");
  return 0;
}

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto methods = read_acl<base::List<AclAuthMethodEntry>>(context, *client, "/v1/acl/auth-methods");
  if (!methods) return fail(context, "Failed to retrieve the auth method list: " + methods.error().detail);
  return show_acl(context, *methods);
}

constexpr Command kCommands[] = {
    {.name = "acl auth-method",
     .synopsis = "Manage who is trusted to log others in",
     .usage = "acl auth-method <subcommand> [options]",
     .help = R"(  An auth method is somebody else who vouches for those that log in; binding rules say
  which token they get.

      $ consul acl auth-method create -name=ci -type=jwt -config=@ci.json
      $ consul acl auth-method read -name=ci)"},
    {.name = "acl auth-method create",
     .synopsis = "Make an auth method",
     .usage = "acl auth-method create -name=NAME -type=TYPE [options]",
     .help = R"(  Prints the method as it is kept.

      $ consul acl auth-method create -name=ci -type=jwt -max-token-ttl=30m -config=@ci.json
      $ consul acl auth-method create -name=k8s -type=kubernetes \
          -kubernetes-host=https://api.example.com:6443 -kubernetes-ca-cert=@ca.crt \
          -kubernetes-service-account-jwt="$JWT")",
     .flags = {kCreateFlags, kMethodFlags, kShowFlags, kAclClientFlags},
     .run = run_create},
    {.name = "acl auth-method delete",
     .synopsis = "Delete an auth method",
     .usage = "acl auth-method delete -name=NAME [options]",
     .help = R"(  Its binding rules and the tokens that it gave go with it.)",
     .flags = {kNameFlags, kAclClientFlags},
     .run = run_delete},
    {.name = "acl auth-method list",
     .synopsis = "List the auth methods",
     .usage = "acl auth-method list [options]",
     .help = R"(  Prints every method without its configuration; "acl auth-method read" shows that.)",
     .flags = {kShowFlags, kAclClientFlags},
     .run = run_list},
    {.name = "acl auth-method read",
     .synopsis = "Print an auth method",
     .usage = "acl auth-method read -name=NAME [options]",
     .help = R"(  Prints one method with its configuration.)",
     .flags = {kNameFlags, kShowFlags, kAclClientFlags},
     .run = run_read},
    {.name = "acl auth-method update",
     .synopsis = "Change an auth method",
     .usage = "acl auth-method update -name=NAME [options]",
     .help = R"(  Changes what the options name and leaves the rest, unless -no-merge is given. -config
  is always the whole configuration.

      $ consul acl auth-method update -name=ci -max-token-ttl=1h)",
     .flags = {kUpdateFlags, kMethodFlags, kShowFlags, kAclClientFlags},
     .run = run_update},
};

}  // namespace

std::span<const Command> acl_auth_method_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
