#include "agent/http/openapi.h"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/http/encode.h"
#include "agent/version.h"
#include "base/json.h"
#include "base/schema.h"

namespace proconsul::agent::http {
namespace {

using base::SchemaBuilder;
using base::Value;
using Object = Value::MapType;

enum class Kind : std::uint8_t { flag, text, words, number, boolean, duration };

struct Parameter {
  std::uint64_t bit;  // 0: follows from the row
  const char* name;
  Kind kind;
  const char* about;
};

constexpr Parameter kParameters[] = {
    {param::kNear, "near", Kind::text, "Nearest first, as seen from this node; _agent is the answering one."},
    {param::kNodeMeta, "node-meta", Kind::words, "key:value that the node's metadata must have; all of them."},
    {param::kTag, "tag", Kind::words, "A tag that the instance must have; all of them."},
    {param::kPassing, "passing", Kind::boolean, "Only instances whose checks all pass; without a value: true."},
    {param::kPeer, "peer", Kind::text, "Services that this peer exports."},
    {param::kSamenessGroup, "sameness-group", Kind::text, "Refused: not in this edition."},
    {param::kMergeCentralConfig, "merge-central-config", Kind::flag, "Proxies with their central configuration."},
    {param::kFilter, "filter", Kind::text, "An expression: only what matches it is answered."},
    {param::kRaw, "raw", Kind::flag, "The value alone, as it is."},
    {param::kKeys, "keys", Kind::flag, "Only the names of keys below the prefix."},
    {param::kRecurse, "recurse", Kind::flag, "All that is below the prefix."},
    {param::kSeparator, "separator", Kind::text, "With keys: names end at the first of these behind the prefix."},
    {param::kFlags, "flags", Kind::number, "A number that is kept with the value."},
    {param::kCas, "cas", Kind::number, "Only if this is the index of the last change; 0: only if there is none yet."},
    {param::kAcquire, "acquire", Kind::text, "Lock the key for this session."},
    {param::kRelease, "release", Kind::text, "Unlock the key, which this session holds."},
    {param::kEnable, "enable", Kind::boolean, "Whether maintenance begins or ends. Must be there."},
    {param::kReason, "reason", Kind::text, "Shown with the maintenance."},
    {param::kNote, "note", Kind::text, "The check's new output."},
    {param::kFormat, "format", Kind::text, "Another form of the answer: text, or prometheus."},
    {param::kReplaceExistingChecks, "replace-existing-checks", Kind::flag, "Checks that are not in the body go."},
    {param::kId, "id", Kind::text, "The server's id."},
    {param::kAddress, "address", Kind::text, "The server's address and port."},
    {param::kLogLevel, "loglevel", Kind::text, "The least level that is shown."},
    {param::kLogJson, "logjson", Kind::flag, "Lines as JSON."},
    {param::kWan, "wan", Kind::flag, "Of the pool of all datacenters' servers."},
    {param::kSegment, "segment", Kind::text, "Of this network segment; _all: of all."},
    {param::kHash, "hash", Kind::text, "Wait until the content has another hash than this."},
    {param::kDatacenter, "dc", Kind::text, "The datacenter; by default the agent's own."},
    {param::kNode, "node", Kind::text, "Only agents whose node's name matches this expression."},
    {param::kService, "service", Kind::text, "Only agents with a service whose name matches this expression."},
    {param::kName, "name", Kind::text, "Only what has this name."},
    {param::kLimit, "limit", Kind::number, "How many at most."},
    {param::kConnect, "connect", Kind::boolean, "Instances in the mesh that lead to the service."},
    {param::kTopic, "topic", Kind::text, "kv, services, health or nodes."},
    {param::kPrefix, "prefix", Kind::text, "Only keys that begin so."},
    {param::kAfter, "after", Kind::text, "With keys or recurse: the page behind this key."},
    {param::kFromIndex, "index", Kind::number, "Changes after this index; by default those to come."},
    {param::kPrune, "prune", Kind::flag, "It goes from the list of members, too."},
    {param::kRelayFactor, "relay-factor", Kind::number, "How many others pass each answer on, 0 to 5."},
    {param::kLocalOnly, "local-only", Kind::boolean, "Only this datacenter's pool."},
    {param::kCompileDatacenter, "compile-dc", Kind::text,
     "Where the chain is looked at; by default where it is asked."},
    {param::kPem, "pem", Kind::boolean, "The certificates themselves, instead of JSON."},
    {param::kKind, "kind", Kind::text,
     "What the service is: nothing in particular (empty), ingress-gateway or api-gateway. Must be there."},
    {param::kGlobal, "global", Kind::flag, "Of all datacenters."},
    {param::kSource, "source", Kind::text, "The service that calls. Must be there."},
    {param::kDestination, "destination", Kind::text, "The service that is called. Must be there."},
    {param::kSourceType, "source-type", Kind::text, "What the source is: consul."},
    {param::kBy, "by", Kind::text, "The side that the names are of: source or destination. Must be there."},
    {param::kNames, "name", Kind::words, "A service; at least one."},
};

constexpr Parameter kPretty{0, "pretty", Kind::flag, "Indented JSON."};
constexpr Parameter kDatacenter{0, "dc", Kind::text, "The datacenter; by default the agent's own."};
constexpr Parameter kIndex{0, "index", Kind::number, "Wait until the answer's index is greater than this."};
constexpr Parameter kWait{0, "wait", Kind::duration, "How long to wait at most, \"30s\"."};
constexpr Parameter kStale{0, "stale", Kind::flag, "Any server may answer, and from what it has."};
constexpr Parameter kConsistent{0, "consistent", Kind::flag, "A quorum confirms the leader before it answers."};
constexpr Parameter kMaxStale{0, "max_stale", Kind::duration, "Stale, unless the server is behind by more than this."};
constexpr Parameter kCached{0, "cached", Kind::flag, "What the agent has at hand; X-Cache and Age tell of it."};

// What the frame around the handlers answers.
constexpr Failure kBadRequest{400, R"([\s\S]*)", "A parameter, a header or the body is not what it must be."};
constexpr Failure kBlocked{403, "Endpoint is blocked by agent configuration", "http_config.block_endpoints"};
constexpr Failure kRestricted{403, "Access is restricted", "http_config.allow_write_http_from"};
constexpr Failure kTooLarge{413, R"(Request body[\s\S]*)", "The body is larger than its limit."};
constexpr Failure kBadQuery{500, "", "The query string cannot be decoded: what existing clients see."};
constexpr Failure kNoPath{500, "No path to datacenter", "Clients tell a datacenter that is not there by this text."};
constexpr Failure kNoLeader{500, "No cluster leader", "Clients try again on this text."};
constexpr Failure kNoFilter{500, R"(Failed to create boolean expression evaluator: [\s\S]*)",
                            "A filter that does not compile: Consul's status."};
constexpr Failure kRpcRate{429, "RPC rate limit exceeded", "limits.rpc_rate"};
constexpr Failure kElsewhere{429, "rate limit exceeded, try again later or against a different server",
                             "limits.request_limits"};
constexpr Failure kLater{503,
                         "rate limit exceeded for operation that can only be performed by the leader, try again later",
                         "limits.request_limits.write_rate"};

Value object(std::initializer_list<std::pair<const std::string, Value>> members) {
  Value value;
  value.make_map().insert(members.begin(), members.end());
  return value;
}

Value schema_of(Kind kind) {
  switch (kind) {
    case Kind::flag:
      return object({{"type", "string"}, {"enum", base::List<Value>{""}}});
    case Kind::text:
      return object({{"type", "string"}});
    case Kind::words:
      return object({{"type", "array"}, {"items", object({{"type", "string"}})}});
    case Kind::number:
      return object({{"type", "integer"}, {"format", "uint64"}, {"minimum", 0}});
    case Kind::boolean:
      return object({{"type", "boolean"}});
    case Kind::duration:
      return object({{"type", "string"}, {"pattern", R"(^([0-9]{1,4}(ms|s|m|h))+$)"}});
  }
  return {};
}

Value parameter(const Parameter& each) {
  Value shown =
      object({{"name", each.name}, {"in", "query"}, {"description", each.about}, {"schema", schema_of(each.kind)}});
  if (each.kind == Kind::flag || each.kind == Kind::boolean) (*shown.as_map())["allowEmptyValue"] = true;
  return shown;
}

class Document {
 public:
  void add(const Route& route) {
    const Description& says = route.says;
    std::string path(route.pattern);
    if (path.ends_with('/')) path += '{' + std::string(says.rest) + '}';
    path += route.ending;
    Value operation = object({{"operationId", operation_id(route)},
                              {"summary", says.summary},
                              {"tags", base::List<Value>{family(route.pattern)}},
                              {"parameters", parameters(route)},
                              {"responses", responses(route)}});
    if (!says.rpc.empty()) (*operation.as_map())["x-consul-rpc"] = says.rpc;
    if (says.body || says.takes_octets) (*operation.as_map())["requestBody"] = body(says);
    Value& item = paths_[path];
    if (!item.as_map()) item.make_map();
    (*item.as_map())[method_name(route.method)] = std::move(operation);
  }

  std::string text() {
    Object schemas = written_.components();
    for (const auto& [name, schema] : read_.components()) schemas.emplace(name, schema);
    const Value token = object({{"type", "apiKey"}, {"in", "header"}, {"name", "X-Consul-Token"}});
    const Value bearer = object({{"type", "http"}, {"scheme", "bearer"}});
    const Value document = object({
        {"openapi", "3.1.0"},
        {"info",
         object(
             {{"title", "Consul HTTP API"},
              {"description",
               "What this agent serves. Answers to heads that are no valid HTTP, too long or too late (400, 408, 417, "
               "431, 501, 505) and redirects of paths with empty or dotted segments (307) are not listed."},
              {"version", std::string(kConsulVersion)},
              {"license", object({{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}})}})},
        {"servers", base::List<Value>{object({{"url", "/"}})}},
        {"security",
         base::List<Value>{object({}), object({{"token", empty_list()}}), object({{"bearer", empty_list()}})}},
        {"paths", Value(paths_)},
        {"components", object({{"schemas", Value(std::move(schemas))},
                               {"securitySchemes", object({{"token", token}, {"bearer", bearer}})}})},
    });
    return base::to_json(document);
  }

 private:
  static Value empty_list() {
    Value list;
    list.make_list();
    return list;
  }

  static const char* method_name(Method method) {
    constexpr const char* kNames[] = {"get", "post", "put", "delete", "head", "options", "patch"};
    return kNames[static_cast<std::size_t>(method)];
  }

  static std::string family(std::string_view pattern) {
    const std::size_t begin = pattern.find('/', 1) + 1;
    return std::string(pattern.substr(begin, pattern.find('/', begin) - begin));
  }

  static std::string operation_id(const Route& route) {
    std::string id = method_name(route.method);
    for (const char c : route.pattern.substr(std::string_view("/v1").size())) {
      id += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
    }
    while (id.ends_with('_')) id.pop_back();
    if (!route.ending.empty()) id += '_' + std::string(route.ending.substr(1));
    return route.pattern.ends_with('/') ? id + "_" + std::string(route.says.rest) : id;
  }

  static bool is_query(const Route& route) { return route.handler.read || (route.flags & (kQueryOptions | kGoesOn)); }

  static Value parameters(const Route& route) {
    base::List<Value> list;
    list.make_present();
    if (!route.says.rest.empty()) {
      list.push_back(object({{"name", route.says.rest},
                             {"in", "path"},
                             {"required", true},
                             {"schema", object({{"type", "string"}, {"minLength", 1}})}}));
    }
    if (is_query(route)) {
      const bool blocks = route.handler.read != nullptr;
      for (const Parameter* each : {&kDatacenter, &kStale, &kConsistent, &kMaxStale}) {
        if (each == &kDatacenter && (route.flags & kGoesOn)) continue;
        list.push_back(parameter(*each));
      }
      if (blocks) list.push_back(parameter(kIndex));
      if (blocks) list.push_back(parameter(kWait));
      if (route.flags & kCacheable) list.push_back(parameter(kCached));
    }
    if (route.handler.hash) list.push_back(parameter(kWait));
    if (route.flags & kOpaqueIndex) list.push_back(parameter(kIndex));
    for (const Parameter& each : kParameters) {
      if (each.bit & route.says.params) list.push_back(parameter(each));
    }
    if (route.says.answer) list.push_back(parameter(kPretty));
    return list;
  }

  Value body(const Description& says) {
    Value content = says.body ? object({{"application/json", object({{"schema", read_.schema(says.body())}})}})
                              : object({{"application/octet-stream", object({{"schema", object({})}})}});
    return object({{"content", std::move(content)}});
  }

  /// The content of a success.
  Value content(const Description& says, bool success = true) {
    Value text = object({{"schema", object({{"type", "string"}})}});
    Value found;
    Object& media = found.make_map();
    if (success && says.gives == Content::events) media["text/event-stream"] = object({});
    if (says.answer && (!success || says.gives == Content::json))
      media["application/json"] = object({{"schema", written_.schema(says.answer())}});
    if (says.also_text || says.gives == Content::text) media["text/plain"] = text;
    if (says.params & param::kPem) media["application/pem-certificate-chain"] = text;
    if (says.gives == Content::octets) media["application/octet-stream"] = object({});
    if (says.gives == Content::gzip) media["application/x-gzip"] = object({});
    return found;
  }

  static Value header(const char* about, const char* type) {
    return object({{"description", about}, {"schema", object({{"type", type}})}});
  }

  static Value query_headers(const Route& route) {
    Value headers =
        object({{"X-Consul-Index", header("For the next blocking query.", "integer")},
                {"X-Consul-Knownleader", header("Whether some leader is known.", "boolean")},
                {"X-Consul-Lastcontact", header("Milliseconds since the leader was heard of.", "integer")}});
    if (route.flags & kCacheable) {
      (*headers.as_map())["X-Cache"] = header("HIT or MISS, with ?cached.", "string");
      (*headers.as_map())["Age"] = header("Seconds, of a hit.", "integer");
    }
    return headers;
  }

  static std::vector<const Failure*> failures_of(const Route& route) {
    std::vector<const Failure*> list{&kBadRequest, &kBlocked, &kBadQuery};
    if (route.writes()) list.push_back(&kRestricted);
    if ((route.says.body || route.says.takes_octets) && !route.handler.upload) list.push_back(&kTooLarge);
    if (route.says.params & param::kFilter) list.push_back(&kNoFilter);
    if (!route.says.rpc.empty()) {
      list.push_back(&kNoPath);
      list.push_back(&kNoLeader);
      list.push_back(&kRpcRate);
      list.push_back(&kElsewhere);
      if (route.writes()) list.push_back(&kLater);
    }
    for (const Failure* each : route.says.failures) {
      if (each) list.push_back(each);
    }
    return list;
  }

  Value responses(const Route& route) {
    const Description& says = route.says;
    std::map<int, Value> found;
    Value success = object({{"description", "OK"}});
    if (Value media = content(says); !media.as_map()->empty()) (*success.as_map())["content"] = std::move(media);
    if (route.handler.read) (*success.as_map())["headers"] = query_headers(route);
    for (const int status : says.same_answer_with) {
      if (status != 0)
        found[status] = object({{"description", status_text(status)}, {"content", content(says, false)}});
    }
    found[200] = std::move(success);

    std::map<int, std::vector<const Failure*>> by_status;
    for (const Failure* each : failures_of(route)) by_status[each->status].push_back(each);
    for (const auto& [status, failures] : by_status) {
      std::string pattern, about;
      for (const Failure* each : failures) {
        pattern += (pattern.empty() ? "^(" : "|") + std::string(each->text);
        if (!about.empty()) about += '\n';
        about += each->why;
      }
      Value& response = found[status];
      if (!response.as_map()) response.make_map();
      Object& members = *response.as_map();
      members["description"] = about;
      Value& media = members["content"];
      if (!media.as_map()) media.make_map();
      (*media.as_map())["text/plain"] =
          object({{"schema", object({{"type", "string"}, {"pattern", pattern + ")\\s*$"}})}});
    }
    Value all;
    for (auto& [status, response] : found)
      (*(all.as_map() ? all.as_map() : &all.make_map()))[std::to_string(status)] = response;
    return all;
  }

  SchemaBuilder written_{SchemaBuilder::Use::written};
  SchemaBuilder read_{SchemaBuilder::Use::read};
  Object paths_{};
};

template <class Visit>
void each_served(std::span<const std::span<const Route>> families, Visit visit) {
  for (const std::span<const Route> family : families) {
    for (const Route& route : family) {
      if (route.handler && !(route.flags & kBare)) visit(route);
    }
  }
}

}  // namespace

std::string openapi(std::span<const std::span<const Route>> families) {
  Document document;
  each_served(families, [&](const Route& route) { document.add(route); });
  return document.text();
}

std::vector<std::string> undescribed(std::span<const std::span<const Route>> families) {
  std::vector<std::string> faults;
  each_served(families, [&](const Route& route) {
    const Description& says = route.says;
    const auto fault = [&](const char* what) { faults.push_back(std::string(route.pattern) + ": " + what); };
    if (says.summary.empty()) fault("no summary");
    if (says.rest.empty() == route.pattern.ends_with('/')) fault("`rest` and the pattern disagree");
    if (says.gives == Content::json && !says.answer) fault("no type of the answer");
    const bool only_success = says.same_answer_with.front() == 0;
    if (says.gives != Content::json && says.answer && only_success) fault("an answer that is no JSON has a type");
    if (route.handler.read && says.rpc.empty()) fault("a query without its RPC");
  });
  return faults;
}

base::Result<Reply> openapi_document(Context&, const Request&) {
  static const std::string kDocument = openapi(all_routes());
  return json(kDocument);
}

}  // namespace proconsul::agent::http
