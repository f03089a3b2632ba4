#include "agent/http/config_endpoint.h"

#include <string>
#include <utility>
#include <vector>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/rpc/config_types.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/config_entry/input.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ConfigEntryPtr;
using catalog::ConfigEntryRequest;

struct Named {
  std::string_view kind{};
  std::string_view name{};
  bool has_name = false;  // perhaps an empty one
};

/// What follows /v1/config/: a kind, or a kind and a name, which may have slashes.
Named named(const Request& request) {
  const std::size_t slash = request.rest.find('/');
  if (slash == std::string_view::npos) return {.kind = request.rest};
  return {.kind = request.rest.substr(0, slash), .name = request.rest.substr(slash + 1), .has_name = true};
}

void append_entry(std::string& out, const catalog::ConfigEntry& entry) {
  base::append_json(out, entry.kind->type(), &entry);
}

Result<Answer> show_entry(const AskedContext& context, rpc::ConfigEntryResponse& found) {
  if (!found.Entry) {
    const Named wanted = named(context.request);
    return Answer{.reply = failure({Errc::not_found, "Config entry not found for " + base::quote(wanted.kind) + " / " +
                                                         base::quote(wanted.name)})};
  }
  std::string body;
  append_entry(body, *found.Entry);
  return Answer{.reply = json(std::move(body))};
}

Answer list_of(const std::vector<ConfigEntryPtr>& entries) {
  std::string body = "[";
  for (const ConfigEntryPtr& entry : entries) {
    if (body.size() > 1) body += ',';
    append_entry(body, *entry);
  }
  body += ']';
  return Answer{.reply = json(std::move(body))};
}

Result<Answer> show_kind(const AskedContext&, rpc::IndexedConfigEntries& found) {
  return list_of(found.Entries);
}
Result<Answer> show_all(const AskedContext&, rpc::IndexedGenericConfigEntries& found) {
  return list_of(found.Entries);
}

/// ?cas, which makes `op` of the change what depends on an index.
Result<> take_index(const Request& request, std::string_view op, ConfigEntryRequest& change) {
  const std::string_view given = request.param("cas");
  if (given.empty()) return {};
  const Result<std::uint64_t> index = base::parse_uint(given);
  if (!index) return Error{Errc::internal, index.error().detail};
  change.Op = op;
  change.Entry->ModifyIndex = *index;
  return {};
}

Result<std::shared_ptr<catalog::ConfigEntry>> decode_entry(const Request& request) {
  const auto failed = [](const Error& error) {
    return Error{Errc::invalid_argument, "Request decoding failed: " + error.detail};
  };
  base::Value raw;
  if (Result<> read = base::read_json(request.body, raw, {.input = base::JsonInput::first}); !read) {
    return failed(read.error());
  }
  if (raw.is_nil()) raw.make_map();
  const base::Value::MapType* map = raw.as_map();
  if (!map) {
    const char* kind = raw.as_list() ? "slice" : raw.as_string() ? "string" : raw.as_bool() ? "bool" : "float64";
    return failed({Errc::invalid_argument, std::string("'' expected a map, got '") + kind + "'"});
  }
  Result<std::shared_ptr<catalog::ConfigEntry>> entry = catalog::decode_config_entry(*map);
  if (!entry) return failed(entry.error());
  return entry;
}

}  // namespace

Result<Question> ask_config(const Context&, const Request& request) {
  const Named wanted = named(request);
  if (wanted.has_name) {
    auto query = query_of<rpc::ConfigEntryQuery>(request);
    query.Kind = wanted.kind;
    query.Name = wanted.name;
    return question("ConfigEntry.Get", std::move(query), &show_entry);
  }
  if (!wanted.kind.empty()) {
    auto query = query_of<rpc::ConfigEntryQuery>(request);
    query.Kind = wanted.kind;
    return question("ConfigEntry.List", std::move(query), &show_kind);
  }
  // A list of one kind could not be read if it came from another server.
  if (!request.options.filter.empty()) {
    return Error{Errc::internal, "filtering not supported for config entry kind="};
  }
  auto query = query_of<rpc::ConfigEntryListAllRequest>(request);
  for (const catalog::ConfigKind& kind : catalog::config_kinds()) query.Kinds.emplace_back(kind.name);
  return question("ConfigEntry.ListAll", std::move(query), &show_all);
}

void config_put(Context& agent, const Request& request, Responder responder) {
  ConfigEntryRequest change{};
  change.Op = "upsert";
  change.Datacenter = named_datacenter(agent, request);
  change.Token = token_of(request);
  Result<std::shared_ptr<catalog::ConfigEntry>> entry = decode_entry(request);
  if (!entry) return responder.send(Result<Reply>(entry.error()));
  change.Entry = std::move(*entry);
  if (Result<> taken = take_index(request, "upsert-cas", change); !taken) {
    return responder.send(Result<Reply>(taken.error()));
  }
  ask<ConfigEntryRequest, bool>(
      agent, "ConfigEntry.Apply", std::move(change), [responder = std::move(responder)](Result<bool> applied) mutable {
        responder.send(applied ? Result<Reply>(json(*applied ? "true" : "false")) : Result<Reply>(applied.error()));
      });
}

void config_delete(Context& agent, const Request& request, Responder responder) {
  const Named wanted = named(request);
  if (!wanted.has_name) {
    return responder.send(Result<Reply>(Errc::not_found, "Must provide both a kind and name to delete"));
  }
  ConfigEntryRequest change{};
  change.Op = "delete";
  change.Datacenter = named_datacenter(agent, request);
  change.Token = token_of(request);
  Result<std::shared_ptr<catalog::ConfigEntry>> entry = catalog::make_config_entry(wanted.kind);
  if (!entry) return responder.send(Result<Reply>(entry.error()));
  change.Entry = std::move(*entry);
  if (change.Entry->Name.empty()) change.Entry->Name = wanted.name;
  if (Result<> taken = take_index(request, "delete-cas", change); !taken) {
    return responder.send(Result<Reply>(taken.error()));
  }
  const bool with_index = change.Op == "delete-cas";
  ask<ConfigEntryRequest, rpc::ConfigEntryDeleteResponse>(
      agent, "ConfigEntry.Delete", std::move(change),
      [with_index, responder = std::move(responder)](Result<rpc::ConfigEntryDeleteResponse> deleted) mutable {
        if (!deleted) return responder.send(Result<Reply>(deleted.error()));
        responder.send(json(!with_index ? "{}" : deleted->Deleted ? "true" : "false"));
      });
}

}  // namespace proconsul::agent::http
