// A watch: which view of the HTTP API it follows, and what is to happen at a change; made from the parameters that
// configuration files and the command line give. Errors are worded as Consul's.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"

namespace proconsul::agent::watch {

using Parameters = base::Map<base::Value>;

/// `http_handler_config`.
struct HttpHandler {
  std::string path{};  // a URL
  std::string method{"POST"};
  base::Duration timeout{base::seconds(10)};
  base::Map<base::List<std::string>> header{};
  bool tls_skip_verify{};
};

enum class View : std::uint8_t {
  key,
  keyprefix,
  services,
  nodes,
  service,
  checks,
  event,
  connect_roots,
  connect_leaf,
  agent_service,
};

struct Plan {
  std::string type{};  // the view's name
  View view{};
  std::string datacenter{};
  std::string token{};
  // One GET: the path is not escaped, the query lacks what blocking adds.
  std::string path{};
  std::vector<std::pair<std::string, std::string>> query{};
  std::string refusal{};  // instead: what Consul's client says each time, and asks nobody
  // What to do. At most one of `http`, `script` and `arguments` is set by parse_agent_watch().
  std::string handler_type{};
  std::optional<HttpHandler> http{};
  std::string script{};                  // a line for the shell
  std::vector<std::string> arguments{};  // a program with its arguments
};

/// The plan of `parameters`; every one of them must belong to the type, but for the names in `exempt`.
base::Result<Plan> parse(Parameters parameters, std::initializer_list<std::string_view> exempt = {});

/// The plan of an element of the agent's `watches`, handler included. `deprecated_handler` is set if it uses the key
/// "handler", of which the agent should warn.
base::Result<Plan> parse_agent_watch(const Parameters& parameters, bool& deprecated_handler);

/// What a successful answer (or a 404 of the two KV views) means for a handler: JSON as Consul's Go client would write
/// it; "null" for an absent key. `seen` is the index of the last answer, from which an event's newness is told; the
/// hash is set for agent_service.
struct Decoded {
  std::string json{};
  std::string hash{};
};
base::Result<Decoded> decode(View view, int status, std::string_view body, std::optional<std::uint64_t> seen);

}  // namespace proconsul::agent::watch
