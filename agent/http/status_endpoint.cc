#include "agent/http/status_endpoint.h"

namespace proconsul::agent::http {

// Addresses are digits, dots, colons and brackets: nothing in them needs escaping in JSON.

base::Result<Reply> status_leader(Context& agent, const Request&) {
  return json('"' + agent.server->leader_address() + '"');
}

base::Result<Reply> status_peers(Context& agent, const Request&) {
  std::string list = "[";
  for (const std::string& address : agent.server->peers()) {
    if (list.size() > 1) list += ',';
    list += '"' + address + '"';
  }
  list += ']';
  return json(std::move(list));
}

}  // namespace proconsul::agent::http
