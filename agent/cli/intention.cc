// intention check, create, delete, get, list, match.
#include <ctime>
#include <optional>

#include "agent/cli/client_flags.h"
#include "agent/cli/files.h"
#include "agent/cli/intention_client.h"
#include "agent/cli/mesh_commands.h"
#include "agent/cli/text.h"
#include "base/json.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using Intentions = base::List<Intention>;

constexpr std::string_view kPath = "/v1/connect/intentions";

std::string path_of(std::string_view rest) {
  return std::string(kPath) + "/" + std::string(rest);
}

/// Says the error and returns the code.
int fail_with(const Context& context, std::string_view text, int code) {
  context.ui.error(text);
  return code;
}

// ---- check

Result<bool> ask_whether_allowed(const Context& context, ApiClient& client) {
  ApiRequest request = client.request("GET", path_of("check"));
  apply_stale(context, request);
  request.set("source", context.arguments[0]);
  request.set("destination", context.arguments[1]);
  request.set("source-type", "consul");
  const Result<base::Value> answer = client.fetch<base::Value>(request);
  if (!answer) return answer.error();
  const base::Value* allowed = answer->find("Allowed");
  return allowed && allowed->as_bool() && *allowed->as_bool();
}

int run_check(const Context& context) {
  if (context.arguments.size() != 2) {
    return fail_with(context, "Error: command requires exactly two arguments: src and dst", 2);
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 2;
  const Result<bool> allowed = ask_whether_allowed(context, *client);
  if (!allowed) return fail_with(context, "Error checking the connection: " + allowed.error().detail, 2);
  context.ui.output(*allowed ? "Allowed" : "Denied");
  return *allowed ? 0 : 1;
}

// ---- create

constexpr Flag kCreateFlags[] = {
    {.name = "allow", .kind = FlagKind::boolean, .help = "Allow it. That is so without -deny, too."},
    {.name = "deny", .kind = FlagKind::boolean, .help = "Deny it."},
    {.name = "file",
     .kind = FlagKind::boolean,
     .help = "The arguments are files of intentions, as the API takes them."},
    {.name = "meta", .kind = FlagKind::map, .help = "Metadata. May be repeated."},
    {.name = "replace",
     .kind = FlagKind::boolean,
     .help = "If there is an intention of these services, write this one in its place, of which nothing is kept."},
};

Result<Intention> intention_of_file(const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  Result<Intention> intention = base::from_json<Intention>(*text, {.input = base::JsonInput::first});
  if (intention && !intention->Permissions.empty()) {
    return {Errc::invalid_argument, "cannot create L7 intention from file " + base::quote(path) +
                                        " using this CLI; use 'consul config write' instead"};
  }
  return intention;
}

/// From files, or the one that the arguments name.
Result<Intentions> described(const Context& context) {
  const std::vector<std::string>& words = context.arguments;
  Intentions intentions;
  if (context.flags.boolean("file")) {
    for (const std::string& path : words) {
      Result<Intention> intention = intention_of_file(path);
      if (!intention) return intention.error();
      intentions.push_back(std::move(*intention));
    }
    return intentions;
  }
  if (words.size() != 2) {
    return {Errc::invalid_argument, "Must specify two arguments: source and destination"};
  }
  Result<IntentionTarget> source = parse_intention_target(words[0]);
  if (!source) return {source.error().code, "Invalid intention source: " + source.error().detail};
  Result<IntentionTarget> destination = parse_intention_target(words[1]);
  if (!destination) return {destination.error().code, "Invalid intention destination: " + destination.error().detail};
  Intention& intention = intentions.emplace_back();
  intention.SourcePartition = std::move(source->partition);
  intention.SourceNS = std::move(source->name_space);
  intention.SourceName = std::move(source->name);
  intention.DestinationPartition = std::move(destination->partition);
  intention.DestinationNS = std::move(destination->name_space);
  intention.DestinationName = std::move(destination->name);
  intention.SourceType = "consul";
  intention.Action = context.flags.boolean("deny") ? "deny" : "allow";
  for (const auto& [key, value] : context.flags.map("meta")) intention.Meta[key] = value;
  return intentions;
}

/// "default/web", the namespace only where it is written.
std::string full_name(const std::string& name_space, const std::string& name) {
  return name_space.empty() ? name : name_space + "/" + name;
}

/// Whether there was one, which it replaces; the detail of an error is the whole message.
Result<bool> replace(const Context& context, ApiClient& client, Intention& intention) {
  const std::string source = full_name(intention.SourceNS, intention.SourceName);
  const std::string destination = full_name(intention.DestinationNS, intention.DestinationName);
  const std::string both = "with source " + base::quote(source) + " and destination " + base::quote(destination) + ": ";
  const Result<base::Pointer<Intention>> old = find_intention(context, client, source, destination);
  if (!old) {
    return {old.error().code, "Error looking up intention for replacement " + both + old.error().detail};
  }
  if (!*old) return false;
  intention.ID = (*old)->ID;
  ApiRequest request = client.request("PUT", path_of(intention.ID));
  request.body = base::to_json(intention);
  if (const Result<ApiResponse> done = client.call(request); !done) {
    return {done.error().code, "Error replacing intention " + both + done.error().detail};
  }
  return true;
}

int run_create(const Context& context) {
  if (context.flags.boolean("allow") && context.flags.boolean("deny")) {
    return fail(context, "Only one of -allow or -deny may be specified.");
  }
  Result<Intentions> intentions = described(context);
  if (!intentions) return fail(context, "Error: " + intentions.error().detail);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  for (Intention& intention : *intentions) {
    if (context.flags.boolean("replace")) {
      const Result<bool> replaced = replace(context, *client, intention);
      if (!replaced) return fail(context, replaced.error().detail);
      if (*replaced) continue;
    }
    ApiRequest request = client->request("POST", std::string(kPath));
    request.body = base::to_json(intention);
    if (const Result<ApiResponse> done = client->call(request); !done) {
      return fail(context,
                  "Error creating intention " + base::quote(to_string(intention)) + ": " + done.error().detail);
    }
    context.ui.output("Created: " + to_string(intention));
  }
  return 0;
}

// ---- delete

int run_delete(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const std::vector<std::string>& words = context.arguments;
  if (words.size() != 1 && words.size() != 2) return fail(context, "command requires exactly 1 or 2 arguments");
  ApiRequest request = client->request("DELETE", path_of(words.size() == 1 ? words[0] : "exact"));
  if (words.size() == 2) {
    request.set("source", words[0]);
    request.set("destination", words[1]);
  }
  if (const Result<ApiResponse> done = client->call(request); !done) {
    return fail(context, "Error deleting the intention: " + done.error().detail);
  }
  context.ui.output("Intention deleted.");
  return 0;
}

// ---- get

/// "Monday, 02-Jan-06 15:04:05 MST", in this place's time.
std::string long_time(const base::Time& time) {
  const std::time_t seconds = static_cast<std::time_t>(base::unix_seconds(time));
  std::tm here{};
  char text[80];
  if (::localtime_r(&seconds, &here) == nullptr) return base::to_rfc3339(time);
  return std::string(text, std::strftime(text, sizeof text, "%A, %d-%b-%y %H:%M:%S %Z", &here));
}

Result<Intention> named_by_arguments(const Context& context, ApiClient& client) {
  const std::vector<std::string>& words = context.arguments;
  if (words.size() != 1 && words.size() != 2) {
    return {Errc::invalid_argument, "command requires exactly 1 or 2 arguments"};
  }
  const Result<base::Pointer<Intention>> found = words.size() == 1
                                                     ? find_intention(context, client, words[0])
                                                     : find_intention(context, client, words[0], words[1]);
  if (!found) return {found.error().code, "Error reading the intention: " + found.error().detail};
  if (*found) return **found;
  if (words.size() == 1) return {Errc::not_found, "Intention not found with ID " + base::quote(words[0])};
  return {Errc::not_found,
          "Intention not found with source " + base::quote(words[0]) + " and destination " + base::quote(words[1])};
}

int run_get(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const Result<Intention> intention = named_by_arguments(context, *client);
  if (!intention) return fail(context, intention.error().detail);
  std::vector<std::vector<std::string>> rows{{"Source:", source_text(*intention)},
                                             {"Destination:", destination_text(*intention)}};
  if (!intention->Action.empty()) rows.push_back({"Action:", intention->Action});
  if (!intention->ID.empty()) rows.push_back({"ID:", intention->ID});
  if (!intention->Description.empty()) rows.push_back({"Description:", intention->Description});
  for (const auto& [key, value] : intention->Meta) rows.push_back({"Meta[" + key + "]:", value});
  rows.push_back({"Created At:", long_time(intention->CreatedAt)});
  context.ui.output(columns(rows));
  if (!intention->Permissions.empty()) {
    context.ui.output("Permissions:\n" + indented_json(base::to_json(intention->Permissions), "  "));
  }
  return 0;
}

// ---- list

int run_list(const Context& context) {
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  ApiRequest request = client->request("GET", std::string(kPath));
  apply_stale(context, request);
  const Result<Intentions> intentions = client->fetch<Intentions>(request);
  if (!intentions) return fail(context, "Failed to retrieve the intentions list: " + intentions.error().detail);
  if (intentions->empty()) return fail_with(context, "There are no intentions.", 2);
  Ui::Rows rows{{"ID", "Source", "Action", "Destination", "Precedence"}};
  for (const Intention& one : *intentions) {
    rows.push_back({one.ID, one.SourceName, one.Action, one.DestinationName, std::to_string(one.Precedence)});
  }
  context.ui.table(rows);
  return 0;
}

// ---- match

constexpr Flag kMatchFlags[] = {
    {.name = "destination",
     .kind = FlagKind::boolean,
     .help = "The name is the called service's. That is the default."},
    {.name = "source", .kind = FlagKind::boolean, .help = "The name is the calling service's."},
};

int run_match(const Context& context) {
  if (context.arguments.size() != 1) {
    return fail(context, "Error: command requires exactly one argument: src or dst");
  }
  if (context.flags.boolean("source") && context.flags.boolean("destination")) {
    return fail(context, "Error: only one of -source or -destination may be specified");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const std::string& name = context.arguments[0];
  ApiRequest request = client->request("GET", path_of("match"));
  apply_stale(context, request);
  request.set("by", context.flags.boolean("source") ? "source" : "destination");
  request.set("name", name);
  const auto matches = client->fetch<base::Map<Intentions>>(request);
  if (!matches) return fail(context, "Error matching the connection: " + matches.error().detail);
  if (const auto found = matches->find(name); found != matches->end()) {
    for (const Intention& one : found->second) context.ui.output(to_string(one));
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "intention",
     .synopsis = "Say which services may call which",
     .usage = "intention <subcommand> [options] [args]",
     .help = R"(  An intention allows or denies that a service of the mesh connects to another one. The
  more exactly both are named the earlier it counts; "*" is everybody.

      $ consul intention create web db
      $ consul intention create -deny '*' db
      $ consul intention check web db
      $ consul intention match db
      $ consul intention list)"},
    {.name = "intention check",
     .synopsis = "Ask whether a service may call another one",
     .usage = "intention check [options] SRC DST",
     .help = R"(  Prints Allowed, or Denied with exit code 1; 2 is an error.

      $ consul intention check web db)",
     .flags = {kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_check,
     .bad_flag_code = 2},
    {.name = "intention create",
     .synopsis = "Make an intention",
     .usage = "intention create [options] (SRC DST | -file FILE...)",
     .help = R"(  It fails if there is one of the same services, unless -replace is given.

      $ consul intention create web db
      $ consul intention create -replace -deny web db
      $ consul intention create -file one.json two.json)",
     .flags = {kCreateFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_create},
    {.name = "intention delete",
     .synopsis = "Delete an intention",
     .usage = "intention delete [options] (SRC DST | ID)",
     .help = R"(  By the names of its services, or by its ID if it has one.

      $ consul intention delete web db)",
     .flags = {kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_delete},
    {.name = "intention get",
     .synopsis = "Print an intention",
     .usage = "intention get [options] (SRC DST | ID)",
     .help = R"(  By the names of its services, or by its ID if it has one.

      $ consul intention get web db)",
     .flags = {kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_get},
    {.name = "intention list",
     .synopsis = "List all intentions",
     .usage = "intention list [options]",
     .help = R"(  Those that count first come first. The exit code is 2 if there are none.)",
     .flags = {kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_list},
    {.name = "intention match",
     .synopsis = "List the intentions that hold for a service",
     .usage = "intention match [options] SRC|DST",
     .help = R"(  In the order in which they count.

      $ consul intention match db
      $ consul intention match -source web)",
     .flags = {kMatchFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_match,
     .bad_flag_code = 2},
};

}  // namespace

std::span<const Command> intention_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
