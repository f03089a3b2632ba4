// config delete, list, read, write.
#include <algorithm>
#include <memory>
#include <utility>

#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/config_json.h"
#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "base/hcl/hcl.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/config_entry/input.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/config_mesh.h"
#include "catalog/types/config_services.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using base::Value;
using catalog::ConfigEntry;
namespace kind = catalog::kind;

constexpr std::string_view kClientFailed = "Error connect to Consul agent";
constexpr std::string_view kPath = "/v1/config";

constexpr Flag kKindFlags[] = {
    {.name = "kind", .kind = FlagKind::text, .help = "The kind of the entry: service-defaults, mesh and so on."},
    {.name = "name", .kind = FlagKind::text, .help = "The name of the entry."},
};
constexpr Flag kIndexFlags[] = {
    {.name = "cas", .kind = FlagKind::boolean, .help = "Only if the entry is still as -modify-index says."},
    {.name = "modify-index",
     .kind = FlagKind::number,
     .help = "With -cas: the ModifyIndex that the entry must have; 0 if there must be none."},
};

/// Some have the one name that there is, whatever they say.
std::string name_of(const ConfigEntry& entry) {
  return entry.kind->name == kind::kProxyDefaults ? "global" : entry.Name;
}

/// Nobody writes one, and clients know none.
Result<std::shared_ptr<ConfigEntry>> make_known(std::string_view kind) {
  if (kind != kind::kBoundApiGateway) return catalog::make_config_entry(kind);
  return {Errc::invalid_argument, "invalid config entry kind: " + std::string(kind)};
}

/// An entry from a file, or with "-" from the standard input: HCL or JSON.
Result<std::shared_ptr<ConfigEntry>> load(const Context& context, const std::string& file) {
  std::string text;
  if (file.empty()) {
    return {Errc::invalid_argument,
            "Failed to load data: Failed to load data: must specify a file path or '-' for stdin"};
  }
  if (file == "-") {
    text = read_all(context.ui.in);
  } else {
    Result<std::string> read = read_file(file);
    if (!read) return {read.error().code, "Failed to load data: Failed to read file: " + read.error().detail};
    text = std::move(*read);
  }
  const std::string failed = "Failed to decode config entry input: ";
  Result<Value::MapType> raw = base::hcl::decode(text);
  if (!raw) return {raw.error().code, failed + failed + raw.error().detail};
  Result<std::shared_ptr<ConfigEntry>> entry = catalog::decode_config_entry(*raw, catalog::EntryFrom::client);
  if (entry) {
    if (Result<std::shared_ptr<ConfigEntry>> known = make_known((*entry)->kind->name); !known) entry = known;
  }
  if (!entry) return {entry.error().code, failed + entry.error().detail};
  return entry;
}

std::string json_of(const ConfigEntry& entry) {
  std::string text;
  base::append_json(text, entry.kind->type(), &entry);
  return text;
}

// ---- write

/// What whoever wrote this should know.
std::string_view warning(const ConfigEntry& entry) {
  const auto* service = catalog::entry_as<catalog::ServiceConfigEntry>(&entry);
  if (service && service->MutualTLSMode == "permissive") {
    return "MutualTLSMode=permissive is insecure. Set to `strict` when your service no longer needs to accept non-mTLS "
           "traffic. Check `tcp.permissive_public_listener` metrics in Envoy for non-mTLS traffic. Refer to Consul "
           "documentation for more information.";
  }
  const auto* proxies = catalog::entry_as<catalog::ProxyConfigEntry>(&entry);
  if (proxies && proxies->MutualTLSMode == "permissive") {
    return "MutualTLSMode=permissive is insecure. To keep your services secure, set MutualTLSMode to `strict` whenever "
           "possible and override with service-defaults only if necessary. To check which service-defaults are "
           "currently in permissive mode, run `consul config list -kind service-defaults -filter 'MutualTLSMode = "
           "\"permissive\"'`.";
  }
  const auto* mesh = catalog::entry_as<catalog::MeshConfigEntry>(&entry);
  if (mesh && mesh->AllowEnablingPermissiveMutualTLS) {
    return "AllowEnablingPermissiveMutualTLS=true allows insecure MutualTLSMode=permissive configurations in the "
           "proxy-defaults and service-defaults config entries. You can set AllowEnablingPermissiveMutualTLS=false at "
           "any time to disallow additional permissive configurations. To list services in permissive mode, run "
           "`consul config list -kind service-defaults -filter 'MutualTLSMode = \"permissive\"'`.";
  }
  return {};
}

int run_write(const Context& context) {
  if (context.arguments.size() != 1) {
    return fail(context, "Must provide exactly one positional argument to specify the config entry to write");
  }
  const Result<std::shared_ptr<ConfigEntry>> entry = load(context, context.arguments[0]);
  if (!entry) return fail(context, entry.error().detail);
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("PUT", std::string(kPath));
  if (context.flags.boolean("cas")) request.set("cas", std::to_string(context.flags.number("modify-index")));
  request.body = json_of(**entry);
  const std::string what = std::string((*entry)->kind->name) + "/" + name_of(**entry);
  const Result<ApiResponse> written = client->call(request);
  if (!written) return fail(context, "Error writing config entry " + what + ": " + written.error().detail);
  if (written->body.find("true") == std::string::npos) return fail(context, "Config entry not updated: " + what);
  context.ui.output("Config entry written: " + what);
  if (const std::string_view text = warning(**entry); !text.empty()) {
    context.ui.error("WARNING: " + std::string(text));
  }
  return 0;
}

// ---- read

int run_read(const Context& context) {
  const std::string& kind = context.flags.text("kind");
  const std::string& name = context.flags.text("name");
  if (kind.empty()) return fail(context, "Must specify the -kind parameter");
  if (name.empty()) return fail(context, "Must specify the -name parameter");
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  const std::string failed = "Error reading config entry " + kind + "/" + name + ": ";
  const Result<std::shared_ptr<ConfigEntry>> made = make_known(kind);
  if (!made) return fail(context, failed + made.error().detail);
  ApiRequest request = client->request("GET", std::string(kPath) + "/" + kind + "/" + name);
  apply_stale(context, request);
  const Result<ApiResponse> found = client->call(request);
  if (!found) return fail(context, failed + found.error().detail);
  ConfigEntry& entry = **made;
  const catalog::ConfigKind* const known = entry.kind;
  if (Result<> read = base::read_json(found->body, known->type(), &entry, {.input = base::JsonInput::first}); !read) {
    return fail(context, failed + read.error().detail);
  }
  entry.kind = known;
  context.ui.output(indented_json(client_json(entry), "    "));
  return 0;
}

// ---- list

constexpr Flag kListFlags[] = {
    kKindFlags[0],
    {.name = "filter", .kind = FlagKind::text, .help = "Only those that the expression matches: service-defaults."},
};

int run_list(const Context& context) {
  const std::string& kind = context.flags.text("kind");
  if (kind.empty()) return fail(context, "Must specify the -kind parameter");
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  ApiRequest request = client->request("GET", std::string(kPath) + "/" + kind);
  apply_stale(context, request);
  if (const std::string& filter = context.flags.text("filter"); !filter.empty()) request.set("filter", filter);
  const auto entries = client->fetch<base::List<Value>>(request);
  if (!entries) {
    return fail(context, "Error listing config entries for kind " + base::quote(kind) + ": " + entries.error().detail);
  }
  if (const auto known = make_known(kind); !known && !entries->empty()) {
    return fail(context, "Error listing config entries for kind " + base::quote(kind) + ": " + known.error().detail);
  }
  for (const Value& entry : *entries) {
    const Value* name = entry.find("Name");
    const std::string* text = name ? name->as_string() : nullptr;
    context.ui.output(kind == kind::kMesh ? "mesh" : kind == kind::kProxyDefaults ? "global" : text ? *text : "");
  }
  return 0;
}

// ---- delete

constexpr Flag kDeleteFlags[] = {
    {.name = "filename",
     .kind = FlagKind::text,
     .help = "A file with the entry, in place of its kind and name.",
     .value_name = "path"},
    kKindFlags[0],
    kKindFlags[1],
    kIndexFlags[0],
    kIndexFlags[1],
};

/// What is wrong with the flags; "" if nothing.
std::string_view check_delete(const FlagValues& flags) {
  const bool by_file = !flags.text("filename").empty();
  const bool has_kind = !flags.text("kind").empty(), has_name = !flags.text("name").empty();
  if (!by_file && !has_kind && !has_name) return "Must specify the -kind or -filename parameter";
  if (by_file && (has_kind || has_name)) return "filename can't be used with kind or name";
  if (!by_file && !has_kind) return "Must specify the -kind parameter";
  if (!by_file && !has_name) return "Must specify the -name parameter";
  const bool cas = flags.boolean("cas");
  if (cas && flags.number("modify-index") == 0) return "Must specify a -modify-index greater than 0 with -cas";
  if (!cas && flags.number("modify-index") != 0) return "Cannot specify -modify-index without -cas";
  return {};
}

int run_delete(const Context& context) {
  const FlagValues& flags = context.flags;
  if (const std::string_view fault = check_delete(flags); !fault.empty()) return fail(context, fault);
  std::string kind = flags.text("kind"), name = flags.text("name");
  if (const std::string& file = flags.text("filename"); !file.empty()) {
    const Result<std::shared_ptr<ConfigEntry>> entry = load(context, file);
    if (!entry) return fail(context, entry.error().detail);
    kind = (*entry)->kind->name;
    name = name_of(**entry);
  }
  std::optional<ApiClient> client = connect(context, kClientFailed);
  if (!client) return 1;
  const std::string what = kind + "/" + name;
  if (name.empty()) {
    return fail(context, "Error deleting config entry " + what + ": Both kind and name parameters must not be empty");
  }
  ApiRequest request = client->request("DELETE", std::string(kPath) + "/" + what);
  const bool cas = flags.boolean("cas");
  if (cas) request.set("cas", std::to_string(flags.number("modify-index")));
  const Result<ApiResponse> deleted = client->call(request);
  if (!deleted) return fail(context, "Error deleting config entry " + what + ": " + deleted.error().detail);
  if (cas && deleted->body.find("true") == std::string::npos) {
    return fail(context, "Config entry not deleted: " + what);
  }
  context.ui.output("Config entry deleted: " + what);
  return 0;
}

}  // namespace

std::span<const Command> config_commands() {
  static const Command kRows[] = {
      {.name = "config",
       .synopsis = "Read and change central configuration",
       .usage = "config <subcommand> [options] [args]",
       .help = "Entries say once what holds for services, proxies, gateways and the mesh."},
      {.name = "config delete",
       .synopsis = "Delete a config entry",
       .usage = "config delete [options] ([-kind KIND -name NAME] | [-filename FILE])",
       .help = "The entry is named by its kind and name, or by a file that holds it.",
       .flags = {kDeleteFlags, kClientFlags, kServerFlags, kTenancyFlags},
       .run = run_delete},
      {.name = "config list",
       .synopsis = "List the config entries of a kind",
       .usage = "config list [options] -kind KIND",
       .help = "Shows their names.",
       .flags = {kListFlags, kClientFlags, kServerFlags, kTenancyFlags},
       .run = run_list},
      {.name = "config read",
       .synopsis = "Show a config entry",
       .usage = "config read [options] -kind KIND -name NAME",
       .help = "Shows it as JSON.",
       .flags = {kKindFlags, kClientFlags, kServerFlags, kTenancyFlags},
       .run = run_read},
      {.name = "config write",
       .synopsis = "Create or change a config entry",
       .usage = "config write [options] FILE",
       .help = "The file holds the entry in HCL or JSON; - stands for the standard input.",
       .flags = {kIndexFlags, kClientFlags, kServerFlags, kTenancyFlags},
       .run = run_write},
  };
  return kRows;
}

}  // namespace proconsul::agent::cli
