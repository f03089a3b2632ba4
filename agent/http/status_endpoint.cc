#include "agent/http/status_endpoint.h"

#include "agent/http/ask.h"
#include "base/json.h"

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

base::Result<Question> ask_status_leader(const Context&, const Request& request) {
  return question(
      "Status.Leader", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, std::string& leader) -> base::Result<Answer> {
        return Answer{.reply = json(base::to_json(leader))};
      });
}

base::Result<Question> ask_status_peers(const Context&, const Request& request) {
  return question(
      "Status.Peers", query_of<rpc::DCSpecificRequest>(request),
      +[](const AskedContext&, base::List<std::string>& peers) -> base::Result<Answer> {
        return Answer{.reply = json(base::to_json(peers))};
      });
}

}  // namespace proconsul::agent::http
