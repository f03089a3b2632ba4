// kv get, put, delete, export, import.
#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/files.h"
#include "agent/cli/kv_client.h"
#include "agent/cli/text.h"
#include "base/base64.h"
#include "base/path.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using Pairs = base::List<KvPair>;

constexpr TabLayout kPairLayout{.minimum = 0, .padding = 6};

// Keys never start with a slash, but people like to type one.
std::string without_slash(const std::string& key) {
  return key.starts_with('/') ? key.substr(1) : key;
}

Result<Pairs> list_pairs(const Context& context, ApiClient& client, const std::string& prefix) {
  ApiRequest request = client.request("GET", "/v1/kv/" + prefix);
  apply_stale(context, request);
  request.set("recurse", "");
  Result<KvAnswer<Pairs>> pairs = read_kv<Pairs>(client, request);
  if (!pairs) return pairs.error();
  return std::move(pairs->value);
}

std::string describe(const KvPair& pair, bool base64, bool with_value) {
  std::string text = "CreateIndex\t" + std::to_string(pair.CreateIndex) + "\nFlags\t" + std::to_string(pair.Flags) +
                     "\nKey\t" + pair.Key + "\nLockIndex\t" + std::to_string(pair.LockIndex) + "\nModifyIndex\t" +
                     std::to_string(pair.ModifyIndex) + "\nSession\t" + (pair.Session.empty() ? "-" : pair.Session) +
                     '\n';
  if (!pair.Partition.empty()) text += "Partition\t" + pair.Partition + '\n';
  if (!pair.Namespace.empty()) text += "Namespace\t" + pair.Namespace + '\n';
  if (with_value) text += "Value\t" + (base64 ? base::to_base64(pair.Value) : std::string(pair.Value));
  return align_tabs(text, kPairLayout);
}

int query_failed(const Context& context, const base::Error& error) {
  return fail(context, "Error querying Consul agent: " + error.detail);
}

// ---- get

constexpr Flag kGetFlags[] = {
    {.name = "base64", .kind = FlagKind::boolean, .help = "Print values in base64."},
    {.name = "detailed",
     .kind = FlagKind::boolean,
     .help = "Print all that is known of a key: indexes, flags, lock and value."},
    {.name = "keys", .kind = FlagKind::boolean, .help = "Print the names of the keys below the prefix, no values."},
    {.name = "recurse", .kind = FlagKind::boolean, .help = "Print every key below the prefix with its value."},
    {.name = "separator",
     .kind = FlagKind::text,
     .help = "With -keys: cut names behind the first separator that follows the prefix. By default \"/\".",
     .default_value = "/"},
};

int show_pairs(const Context& context, const Pairs& pairs, bool with_values) {
  const bool base64 = context.flags.boolean("base64");
  for (const KvPair& pair : pairs) {
    if (context.flags.boolean("detailed")) {
      context.ui.output(describe(pair, base64, with_values));
      if (&pair != &pairs.back()) context.ui.output("");
    } else if (with_values) {
      context.ui.output(pair.Key + ':' + (base64 ? base::to_base64(pair.Value) : std::string(pair.Value)));
    } else {
      context.ui.output(pair.Key);
    }
  }
  return 0;
}

int get_keys(const Context& context, ApiClient& client, const std::string& prefix) {
  ApiRequest request = client.request("GET", "/v1/kv/" + prefix);
  apply_stale(context, request);
  request.set("keys", "");
  if (const std::string& separator = context.flags.text("separator"); !separator.empty()) {
    request.set("separator", separator);
  }
  const auto keys = read_kv<base::List<std::string>>(client, request);
  if (!keys) return query_failed(context, keys.error());
  for (const std::string& key : keys->value) context.ui.output(key);
  return 0;
}

int get_one(const Context& context, ApiClient& client, const std::string& key) {
  ApiRequest request = client.request("GET", "/v1/kv/" + key);
  apply_stale(context, request);
  const auto pairs = read_kv<Pairs>(client, request);
  if (!pairs) return query_failed(context, pairs.error());
  if (pairs->value.empty()) return fail(context, "Error! No key exists at: " + key);
  const KvPair& pair = pairs->value.front();
  const bool base64 = context.flags.boolean("base64");
  if (context.flags.boolean("detailed")) {
    context.ui.output(describe(pair, base64, true));
  } else {
    context.ui.output(base64 ? base::to_base64(pair.Value) : std::string(pair.Value));
  }
  return 0;
}

int run_get(const Context& context) {
  if (context.arguments.size() > 1) return too_many_arguments(context, "1");
  const std::string key = context.arguments.empty() ? "" : without_slash(context.arguments[0]);
  const bool keys = context.flags.boolean("keys");
  const bool recurse = context.flags.boolean("recurse");
  if (key.empty() && !keys && !recurse) return fail(context, "Error! Missing KEY argument");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  if (recurse) {
    const Result<Pairs> pairs = list_pairs(context, *client, key);
    return pairs ? show_pairs(context, *pairs, !keys) : query_failed(context, pairs.error());
  }
  return keys ? get_keys(context, *client, key) : get_one(context, *client, key);
}

// ---- put

constexpr Flag kPutFlags[] = {
    {.name = "acquire",
     .kind = FlagKind::boolean,
     .help = "Take the lock on the key for the session of -session, creating the key if need be."},
    {.name = "base64", .kind = FlagKind::boolean, .help = "DATA is base64; store what it stands for."},
    {.name = "cas",
     .kind = FlagKind::boolean,
     .help = "Write only if the key is still as it was at -modify-index; 0 means only if it does not exist."},
    {.name = "flags", .kind = FlagKind::number, .help = "A number to keep with the key, for the client's own use."},
    {.name = "modify-index", .kind = FlagKind::number, .help = "The ModifyIndex that -cas expects."},
    {.name = "release", .kind = FlagKind::boolean, .help = "Give back the lock that the session of -session holds."},
    {.name = "session", .kind = FlagKind::text, .help = "Id of the session for -acquire and -release."},
};

struct PutArguments {
  std::string key{};
  std::string data{};
};

Result<PutArguments> put_arguments(const Context& context) {
  const std::vector<std::string>& given = context.arguments;
  if (given.empty()) return {Errc::invalid_argument, "Missing KEY argument"};
  if (given.size() > 2) {
    return {Errc::invalid_argument, "Too many arguments (expected 1 or 2, got " + std::to_string(given.size()) + ')'};
  }
  if (given.size() == 1) return PutArguments{.key = given[0]};
  Result<std::string> data = load_data(given[1], context.ui.in);
  if (!data) return data.error();
  return PutArguments{.key = given[0], .data = std::move(*data)};
}

// The whole groups of four base64 digits at the front.
std::string_view sound_groups(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return text.substr(0, std::min(text.find_first_not_of(kDigits), text.size()) / 4 * 4);
}

int put_if_unchanged(const Context& context, ApiClient& client, ApiRequest request, const std::string& key) {
  const std::uint64_t index = context.flags.number("modify-index");
  request.set("cas", std::to_string(index));
  const Result<bool> written = write_kv(client, std::move(request), key);
  const std::string failed = "Error! Did not write to " + key + ": ";
  if (!written) return fail(context, failed + written.error().detail);
  if (!*written && index == 0) return fail(context, failed + "CAS performed with index=0 and key already exists.");
  if (!*written) return fail(context, failed + "CAS failed");
  context.ui.output("Success! Data written to: " + key);
  return 0;
}

int run_put(const Context& context) {
  Result<PutArguments> arguments = put_arguments(context);
  if (!arguments) return fail(context, "Error! " + arguments.error().detail);
  const std::string& key = arguments->key;
  if (context.flags.boolean("base64")) {
    Result<std::string> decoded = base::from_base64(arguments->data);
    if (!decoded) {
      // What precedes the fault is written even so; scripts have come to live with that.
      context.ui.error("Error! Cannot base 64 decode data: " + decoded.error().detail);
      decoded = base::from_base64(sound_groups(arguments->data));
    }
    arguments->data = decoded.value_or(std::string());
  }
  const bool acquire = context.flags.boolean("acquire");
  const bool release = context.flags.boolean("release");
  const std::string& session = context.flags.text("session");
  if ((acquire || release) && session.empty()) {
    return fail(context, "Error! Missing -session (required with -acquire and -release)");
  }
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  ApiRequest request = client->request("PUT", "/v1/kv/" + key);
  request.body = std::move(arguments->data);
  if (const std::uint64_t flags = context.flags.number("flags"); flags != 0) {
    request.set("flags", std::to_string(flags));
  }
  if (context.flags.boolean("cas")) return put_if_unchanged(context, *client, std::move(request), key);
  if (acquire || release) {
    request.set(acquire ? "acquire" : "release", session);
    const Result<bool> done = write_kv(*client, std::move(request), key);
    // Why a release failed stays unsaid in Consul; the key alone would help nobody, so the reason follows it.
    if (!done) return fail(context, "Error! Failed writing data: " + (acquire ? "" : key + ": ") + done.error().detail);
    if (!*done) return fail(context, acquire ? "Error! Did not acquire lock" : "Error! Did not release lock");
    context.ui.output((acquire ? "Success! Lock acquired on: " : "Success! Lock released on: ") + key);
    return 0;
  }
  const Result<bool> written = write_kv(*client, std::move(request), key);
  if (!written) return fail(context, "Error! Failed writing data: " + written.error().detail);
  context.ui.output("Success! Data written to: " + key);
  return 0;
}

// ---- delete

constexpr Flag kDeleteFlags[] = {
    {.name = "cas", .kind = FlagKind::boolean, .help = "Delete only if the key is still as it was at -modify-index."},
    {.name = "modify-index", .kind = FlagKind::number, .help = "The ModifyIndex that -cas expects."},
    {.name = "recurse", .kind = FlagKind::boolean, .help = "Delete every key that starts with the prefix."},
};

int run_delete(const Context& context) {
  if (context.arguments.size() > 1) return too_many_arguments(context, "1");
  const std::string key = context.arguments.empty() ? "" : without_slash(context.arguments[0]);
  const bool recurse = context.flags.boolean("recurse");
  const bool cas = context.flags.boolean("cas");
  const std::uint64_t index = context.flags.number("modify-index");
  if (key.empty() && !recurse) return fail(context, "Error! Missing KEY argument");
  if (cas && index == 0) {
    return fail(context, "Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.");
  }
  if (index != 0 && !cas) return fail(context, "Cannot specify -modify-index without -cas!");
  if (recurse && cas) return fail(context, "Cannot specify both -cas and -recurse!");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  ApiRequest request = client->request("DELETE", "/v1/kv/" + key);
  if (recurse) request.set("recurse", "");
  if (cas) request.set("cas", std::to_string(index));
  const Result<ApiResponse> response = client->call(request);
  if (!response) {
    const std::string what = recurse ? "Error! Did not delete prefix "
                             : cas   ? "Error! Did not delete key "
                                     : "Error deleting key ";
    return fail(context, what + key + ": " + response.error().detail);
  }
  if (cas && response->body.find("true") == std::string::npos) {
    return fail(context, "Error! Did not delete key " + key + ": CAS failed");
  }
  context.ui.output((recurse ? "Success! Deleted keys with prefix: " : "Success! Deleted key: ") + key);
  return 0;
}

// ---- export and import

int run_export(const Context& context) {
  if (context.arguments.size() > 1) return too_many_arguments(context, "1");
  const std::string prefix = context.arguments.empty() ? "" : without_slash(context.arguments[0]);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  const Result<Pairs> pairs = list_pairs(context, *client, prefix);
  if (!pairs) return query_failed(context, pairs.error());
  base::List<KvEntry> entries;
  entries.make_present();
  for (const KvPair& pair : *pairs) {
    entries.push_back({.key = pair.Key,
                       .flags = pair.Flags,
                       .value = base::to_base64(pair.Value),
                       .name_space = pair.Namespace,
                       .partition = pair.Partition});
  }
  context.ui.output(indented_json(base::to_json(entries), "\t"));
  return 0;
}

constexpr Flag kImportFlags[] = {
    {.name = "prefix", .kind = FlagKind::text, .help = "Put the imported keys under this prefix."},
};

constexpr std::size_t kProgressStep = 64;

Result<std::string> import_data(const Context& context) {
  const std::vector<std::string>& given = context.arguments;
  if (given.empty()) return {Errc::invalid_argument, "Missing DATA argument"};
  if (given.size() > 1) {
    return {Errc::invalid_argument, "Too many arguments (expected 1, got " + std::to_string(given.size()) + ')'};
  }
  if (given[0].empty()) return {Errc::invalid_argument, "Empty DATA argument"};
  return load_data(given[0], context.ui.in);
}

/// Writes the keys in turn; the detail of an error is the whole message.
Result<> import_entries(const Context& context, ApiClient& client, const base::List<base::Pointer<KvEntry>>& entries) {
  std::size_t done = 0;
  for (const base::Pointer<KvEntry>& each : entries) {
    if (!each) return {Errc::invalid_argument, "Error! null is no entry"};
    const KvEntry& entry = *each;
    // Where a person sees the keys go by nobody needs to be told how far it is.
    if (!context.ui.to_terminal && done++ % kProgressStep == 0) {
      context.ui.show_progress("importing key " + std::to_string(done) + " of " + std::to_string(entries.size()));
    }
    Result<std::string> value = base::from_base64(entry.value);
    if (!value) {
      return {Errc::invalid_argument,
              "Error base 64 decoding value for key " + entry.key + ": " + value.error().detail};
    }
    std::string key = base::join_path(context.flags.text("prefix"), entry.key);
    if (entry.key.ends_with('/')) key += '/';  // a folder's own key
    ApiRequest request = client.request("PUT", "/v1/kv/" + key);
    request.body = std::move(*value);
    if (entry.flags != 0) request.set("flags", std::to_string(entry.flags));
    if (!entry.name_space.empty()) request.set("ns", entry.name_space);
    if (const Result<bool> written = write_kv(client, std::move(request), key); !written) {
      return {written.error().code, "Error! Failed writing data for key " + key + ": " + written.error().detail};
    }
    context.ui.output("Imported: " + key);
  }
  return {};
}

int run_import(const Context& context) {
  const Result<std::string> data = import_data(context);
  if (!data) return fail(context, "Error! " + data.error().detail);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const auto entries = base::from_json<base::List<base::Pointer<KvEntry>>>(*data);
  if (!entries) return fail(context, "Cannot unmarshal data: " + entries.error().detail);
  const Result<> imported = import_entries(context, *client, *entries);
  context.ui.end_progress();
  return imported ? 0 : fail(context, imported.error().detail);
}

constexpr Command kCommands[] = {
    {.name = "kv",
     .synopsis = "Read and write the key-value store",
     .usage = "kv <subcommand> [options] [args]",
     .help = R"(  Read and write the keys of the cluster.

      $ consul kv put redis/config/connections 5
      $ consul kv get redis/config/connections
      $ consul kv get -detailed redis/config/connections
      $ consul kv delete redis/config/connections

  Each subcommand explains itself with -h.)"},
    {.name = "kv delete",
     .synopsis = "Delete a key or a tree of keys",
     .usage = "kv delete [options] KEY_OR_PREFIX",
     .help = R"(  Deletes one key; nothing happens if there is none. With -recurse it deletes every
  key that starts with the prefix.

      $ consul kv delete redis/config/connections
      $ consul kv delete -recurse redis/)",
     .flags = {kDeleteFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_delete},
    {.name = "kv export",
     .synopsis = "Print a tree of keys as JSON",
     .usage = "kv export [options] [PREFIX]",
     .help = R"(  Prints every key that starts with the prefix, with its flags and its value in
  base64. "kv import" reads this form.

      $ consul kv export redis/ > redis.json)",
     .flags = {kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_export},
    {.name = "kv get",
     .synopsis = "Print a key, a tree of keys or their names",
     .usage = "kv get [options] [KEY_OR_PREFIX]",
     .help = R"(  Prints the value of a key, byte for byte; an absent key is an error.

      $ consul kv get redis/config/connections
      $ consul kv get -recurse redis/
      $ consul kv get -keys redis/)",
     .flags = {kGetFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_get},
    {.name = "kv import",
     .synopsis = "Write a tree of keys from JSON",
     .usage = "kv import [options] DATA",
     .help = R"(  Writes the keys that "kv export" printed. DATA is JSON, @FILE, or - for standard
  input.

      $ consul kv import @redis.json
      $ consul kv export redis/ | consul kv import -prefix=copy -)",
     .flags = {kImportFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_import},
    {.name = "kv put",
     .synopsis = "Write a key",
     .usage = "kv put [options] KEY [DATA]",
     .help = R"(  Writes a key. DATA is the value itself, @FILE, or - for standard input; without
  it the value is empty.

      $ consul kv put redis/config/connections 5
      $ consul kv put program/license @license.lic
      $ consul kv put -cas -modify-index=844 redis/config/connections 6)",
     .flags = {kPutFlags, kClientFlags, kServerFlags, kTenancyFlags},
     .run = run_put},
};

}  // namespace

std::span<const Command> kv_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
