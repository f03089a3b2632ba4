#include "agent/watch/plan.h"

#include <algorithm>
#include <array>

#include "agent/cli/api_types.h"
#include "agent/event/user_event.h"
#include "agent/watch/types.h"
#include "base/json.h"
#include "base/quote.h"

namespace proconsul::agent::watch {
namespace {

using base::Errc;
using base::Result;
using base::Value;

constexpr std::array<std::pair<std::string_view, View>, 10> kViews{{
    {"key", View::key},
    {"keyprefix", View::keyprefix},
    {"services", View::services},
    {"nodes", View::nodes},
    {"service", View::service},
    {"checks", View::checks},
    {"event", View::event},
    {"connect_roots", View::connect_roots},
    {"connect_leaf", View::connect_leaf},
    {"agent_service", View::agent_service},
}};

// Of checks; the HTTP API takes any other for one that no check is in.
constexpr std::array<std::string_view, 4> kStates{"any", "critical", "passing", "warning"};

base::Error refuse(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

// Takes parameters out of the map one by one, and keeps the first complaint.
class Taker {
 public:
  explicit Taker(Parameters& parameters) : parameters_(parameters) {}

  std::string text(std::string_view name) {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) return "";
    const std::string* value = found->second.as_string();
    if (value == nullptr) return complain("Expecting " + std::string(name) + " to be a string");
    std::string taken = *value;
    parameters_.erase(found);
    return taken;
  }
  bool boolean(std::string_view name) {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) return false;
    const bool* value = found->second.as_bool();
    if (value == nullptr) {
      complain("Expecting " + std::string(name) + " to be a boolean");
      return false;
    }
    const bool taken = *value;
    parameters_.erase(found);
    return taken;
  }
  std::vector<std::string> texts(std::string_view name) {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) return {};
    std::vector<std::string> taken;
    if (const std::string* one = found->second.as_string()) {
      taken.push_back(*one);
    } else if (const Value::ListType* list = found->second.as_list()) {
      for (const Value& element : *list) {
        const std::string* text = element.as_string();
        if (text == nullptr) {
          complain("Index " + std::to_string(taken.size()) + " of " + std::string(name) + " expected to be string");
          return {};
        }
        taken.push_back(*text);
      }
    } else {
      complain("Expecting " + std::string(name) + " to be a string or []string");
      return {};
    }
    parameters_.erase(found);
    return taken;
  }
  std::optional<Value> any(std::string_view name) {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) return std::nullopt;
    Value taken = std::move(found->second);
    parameters_.erase(found);
    return taken;
  }
  const std::string& complaint() const { return complaint_; }

 private:
  std::string complain(std::string text) {
    if (complaint_.empty()) complaint_ = std::move(text);
    return "";
  }
  Parameters& parameters_;
  std::string complaint_{};
};

std::string go_type(const Value& value) {
  if (value.as_string()) return "string";
  if (value.as_bool()) return "bool";
  if (value.as_double()) return "float64";
  if (value.is_number()) return "int";
  if (value.as_list()) return "[]interface {}";
  if (value.as_map()) return "map[string]interface {}";
  return "nil";
}

// As Go's %v prints it.
std::string go_text(const Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  return base::to_json(value);
}

// As Go's %#v prints it.
std::string go_syntax(const Value& value) {
  std::string out;
  if (const std::string* text = value.as_string()) return base::quote(*text);
  if (const Value::ListType* list = value.as_list()) {
    for (const Value& element : *list) out += (out.empty() ? "" : ", ") + go_syntax(element);
    return "[]interface {}{" + out + '}';
  }
  if (const Value::MapType* map = value.as_map()) {
    for (const auto& [key, element] : *map) {
      out += (out.empty() ? "" : ", ") + base::quote(key) + ":" + go_syntax(element);
    }
    return "map[string]interface {}{" + out + '}';
  }
  if (value.is_nil()) return "interface {}(nil)";
  return base::to_json(value);
}

// ---- http_handler_config

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

const Value* member(const Value& map, std::string_view name) {
  if (const Value* exact = map.find(name)) return exact;
  for (const auto& [key, value] : *map.as_map()) {
    if (same_letters(key, name)) return &value;
  }
  return nullptr;
}

Result<HttpHandler> parse_http_handler(const Value& given) {
  // HCL makes a list of a block.
  const Value* config = &given;
  if (const Value::ListType* list = given.as_list(); list != nullptr && list->size() == 1) config = &list->front();
  if (config->as_map() == nullptr) {
    return refuse("1 error(s) decoding:\n\n* '' expected a map, got '" + go_type(*config) + "'");
  }
  HttpHandler handler;
  std::vector<std::string> faults;
  const auto mismatch = [&](std::string_view name, std::string_view wanted, const Value& value) {
    faults.push_back("'" + std::string(name) + "' expected type '" + std::string(wanted) +
                     "', got unconvertible type '" + go_type(value) + "', value: '" + go_text(value) + "'");
  };
  std::string timeout;
  std::string method;
  for (auto [name, into] : {std::pair("path", &handler.path), {"method", &method}, {"timeout", &timeout}}) {
    const Value* value = member(*config, name);
    if (value == nullptr || value->is_nil()) continue;
    if (const std::string* text = value->as_string()) {
      *into = *text;
    } else {
      mismatch(name, "string", *value);
    }
  }
  if (const Value* value = member(*config, "tls_skip_verify"); value != nullptr && !value->is_nil()) {
    if (const bool* skip = value->as_bool()) {
      handler.tls_skip_verify = *skip;
    } else {
      mismatch("tls_skip_verify", "bool", *value);
    }
  }
  if (const Value* header = member(*config, "header"); header != nullptr && !header->is_nil()) {
    const Value* map = header;
    if (const Value::ListType* list = header->as_list(); list != nullptr && list->size() == 1) map = &list->front();
    if (map->as_map() == nullptr) {
      faults.push_back("'header' expected a map, got '" + go_type(*header) + "'");
    } else {
      for (const auto& [name, values] : *map->as_map()) {
        if (values.as_list() == nullptr) {
          faults.push_back("'header[" + name + "]': source data must be an array or slice, got " + go_type(values));
          continue;
        }
        base::List<std::string>& into = handler.header[name];
        for (const Value& value : *values.as_list()) {
          if (const std::string* text = value.as_string()) {
            into.push_back(*text);
          } else {
            mismatch("header[" + name + "][" + std::to_string(into.size()) + "]", "string", value);
          }
        }
      }
    }
  }
  if (!faults.empty()) {
    std::string text = std::to_string(faults.size()) + " error(s) decoding:\n";
    std::ranges::sort(faults);
    for (const std::string& fault : faults) text += "\n* " + fault;
    return refuse(text);
  }
  if (handler.path.empty()) return refuse("Requires 'path' to be set");
  if (!method.empty()) handler.method = method;
  if (!timeout.empty()) {
    const Result<base::Duration> parsed = base::parse_duration(timeout);
    if (!parsed) return refuse("Failed to parse timeout: " + parsed.error().detail);
    handler.timeout = *parsed;
  }
  return handler;
}

// ---- the views

std::string without_slash(std::string key) {
  if (key.starts_with('/')) key.erase(0, 1);
  return key;
}

// Sets path and query; the detail of an error is the first complaint.
Result<> address(Plan& plan, Taker& take) {
  const auto missing = [&](std::string_view what) {
    return refuse(take.complaint().empty() ? "Must specify a single " + std::string(what) + " to watch"
                                           : take.complaint());
  };
  const auto add = [&](std::string_view key, std::string value) {
    if (!value.empty()) plan.query.emplace_back(key, std::move(value));
  };
  const auto stale = [&] {
    if (take.boolean("stale")) plan.query.emplace_back("stale", "");
  };
  switch (plan.view) {
    case View::key:
    case View::keyprefix: {
      stale();
      const bool one = plan.view == View::key;
      const std::string_view name = one ? "key" : "prefix";
      const std::string key = take.text(name);
      if (key.empty()) return missing(name);
      plan.path = "/v1/kv/" + without_slash(key);
      if (!one) plan.query.emplace_back("recurse", "");
      break;
    }
    case View::services:
    case View::nodes:
      stale();
      add("filter", take.text("filter"));
      plan.path = plan.view == View::services ? "/v1/catalog/services" : "/v1/catalog/nodes";
      break;
    case View::service: {
      stale();
      add("filter", take.text("filter"));
      const std::string service = take.text("service");
      if (service.empty()) return missing("service");
      for (std::string& tag : take.texts("tag")) plan.query.emplace_back("tag", std::move(tag));
      if (take.boolean("passingonly")) plan.query.emplace_back("passing", "1");
      plan.path = "/v1/health/service/" + service;
      break;
    }
    case View::checks: {
      stale();
      const std::string service = take.text("service");
      std::string state = take.text("state");
      add("filter", take.text("filter"));
      if (!service.empty() && !state.empty() && take.complaint().empty()) {
        return refuse("Cannot specify service and state");
      }
      if (service.empty() && state.empty()) state = "any";
      if (!state.empty() && std::ranges::find(kStates, state) == kStates.end())
        plan.refusal = "Unsupported state: " + state;
      plan.path = state.empty() ? "/v1/health/checks/" + service : "/v1/health/state/" + state;
      break;
    }
    case View::event:
      add("name", take.text("name"));
      plan.path = "/v1/event/list";
      break;
    case View::connect_roots:
      plan.path = "/v1/agent/connect/ca/roots";
      break;
    case View::connect_leaf:
      plan.path = "/v1/agent/connect/ca/leaf/" + take.text("service");
      break;
    case View::agent_service:
      plan.path = "/v1/agent/service/" + take.text("service_id");
      break;
  }
  if (!take.complaint().empty()) return refuse(take.complaint());
  return {};
}

// `parameters` is left with the exempt ones, or with what was there when the complaint arose.
Result<Plan> parse_into(Parameters& parameters, std::initializer_list<std::string_view> exempt, Parameters& exempted) {
  Plan plan;
  Taker take(parameters);
  plan.datacenter = take.text("datacenter");
  if (take.complaint().empty()) plan.token = take.text("token");
  if (take.complaint().empty()) plan.type = take.text("type");
  if (!take.complaint().empty()) return refuse(take.complaint());
  if (plan.type.empty()) return refuse("Watch type must be specified");
  plan.handler_type = take.text("handler_type");
  if (!take.complaint().empty()) return refuse(take.complaint());
  if (plan.handler_type == "http") {
    if (!parameters.contains("http_handler_config")) {
      return refuse("Handler type 'http' requires 'http_handler_config' to be set");
    }
    Result<HttpHandler> handler = parse_http_handler(parameters["http_handler_config"]);
    if (!handler) return refuse("Failed to parse 'http_handler_config': " + handler.error().detail);
    plan.http = std::move(*handler);
    parameters.erase("http_handler_config");
  }
  const auto view = std::ranges::find(kViews, plan.type, &std::pair<std::string_view, View>::first);
  if (view == kViews.end()) return refuse("Unsupported watch type: " + plan.type);
  plan.view = view->second;
  if (Result<> addressed = address(plan, take); !addressed) return addressed.error();

  for (const std::string_view name : exempt) {
    if (std::optional<Value> value = take.any(name)) exempted[std::string(name)] = std::move(*value);
  }
  if (!parameters.empty()) {
    std::string names;
    for (const auto& [name, value] : parameters) names += (names.empty() ? "" : " ") + name;
    return refuse("Invalid parameters: [" + names + ']');
  }
  return plan;
}

template <class T>
Result<Decoded> reencoded(std::string_view body) {
  const Result<T> value = base::from_json<T>(body, {.input = base::JsonInput::first});
  if (!value) return value.error();
  return Decoded{.json = base::to_json(*value)};
}

}  // namespace

Result<Plan> parse(Parameters parameters, std::initializer_list<std::string_view> exempt) {
  Parameters exempted;
  return parse_into(parameters, exempt, exempted);
}

Result<Plan> parse_agent_watch(const Parameters& parameters, bool& deprecated_handler) {
  deprecated_handler = false;
  Parameters left = parameters;
  Parameters exempted;
  Result<Plan> plan = parse_into(left, {"handler", "args"}, exempted);
  if (!plan) {
    // The token is among what is shown in Go; it is a secret.
    if (left.contains("token")) left["token"] = "hidden";
    return refuse("Failed to parse watch (" + go_syntax(Value(left)) + "): " + plan.error().detail);
  }
  const auto handler = exempted.find("handler");
  const auto arguments = exempted.find("args");
  const bool has_handler = handler != exempted.end();
  const bool has_arguments = arguments != exempted.end();
  deprecated_handler = has_handler;
  if (has_handler) {
    const std::string* script = handler->second.as_string();
    if (script == nullptr) return refuse("Watch handler must be a string");
    plan->script = *script;
  }
  if (has_arguments) {
    const base::Error bad = refuse("Watch args must be a list of strings");
    if (const std::string* one = arguments->second.as_string()) {
      plan->arguments = {*one};
    } else if (const Value::ListType* list = arguments->second.as_list()) {
      for (const Value& element : *list) {
        if (element.as_string() == nullptr) return bad;
        plan->arguments.push_back(*element.as_string());
      }
    } else {
      return bad;
    }
  }
  const bool http = plan->handler_type == "http";
  if ((has_handler ? 1 : 0) + (has_arguments ? 1 : 0) + (http ? 1 : 0) > 1) {
    return refuse("Only one watch handler allowed");
  }
  if (!has_handler && !has_arguments && !http) return refuse("Must define a watch handler");
  return plan;
}

Result<Decoded> decode(View view, int status, std::string_view body, std::optional<std::uint64_t> seen) {
  if (status == 404) return Decoded{.json = "null"};
  switch (view) {
    case View::key: {
      auto pairs = base::from_json<base::List<cli::KvPair>>(body, {.input = base::JsonInput::first});
      if (!pairs) return pairs.error();
      return Decoded{.json = pairs->empty() ? "null" : base::to_json(pairs->front())};
    }
    case View::keyprefix:
      return reencoded<base::List<cli::KvPair>>(body);
    case View::services:
      return reencoded<base::Map<base::List<std::string>>>(body);
    case View::nodes:
      return reencoded<base::List<ApiNode>>(body);
    case View::service:
      return reencoded<base::List<ServiceEntry>>(body);
    case View::checks:
      return reencoded<base::List<http::AgentCheck>>(body);
    case View::event: {
      auto events = base::from_json<base::List<event::UserEvent>>(body, {.input = base::JsonInput::first});
      if (!events) return events.error();
      const auto known = std::ranges::find_if(
          *events, [&](const event::UserEvent& one) { return seen && event::index_of(one) == *seen; });
      if (known != events->end()) {
        events->erase(events->begin(), known + 1);
        events->make_present();
      }
      return Decoded{.json = base::to_json(*events)};
    }
    case View::connect_roots:
      return reencoded<CaRootList>(body);
    case View::connect_leaf:
      return reencoded<LeafCert>(body);
    case View::agent_service: {
      const auto service = base::from_json<http::AgentService>(body, {.input = base::JsonInput::first});
      if (!service) return service.error();
      return Decoded{.json = base::to_json(*service), .hash = service->ContentHash};
    }
  }
  return refuse("no such view");
}

}  // namespace proconsul::agent::watch
