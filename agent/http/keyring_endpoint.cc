#include "agent/http/keyring_endpoint.h"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "agent/cluster/pools.h"
#include "agent/http/answers.h"
#include "base/json.h"
#include "base/strconv.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Result;
using cluster::PoolKeys;
using gossip::serf::KeyOperation;

PROCONSUL_DESCRIBE_TYPE(KeyringBody, "agent.keyringArgs") {
  type.field("Key", &KeyringBody::Key);
}
PROCONSUL_DESCRIBE_TYPE(KeyringResponse, "structs.KeyringResponse") {
  type.field("WAN", &KeyringResponse::WAN);
  type.field("Datacenter", &KeyringResponse::Datacenter);
  type.field("Segment", &KeyringResponse::Segment);
  type.field("Messages", &KeyringResponse::Messages).omit_empty();
  type.field("Keys", &KeyringResponse::Keys);
  type.field("PrimaryKeys", &KeyringResponse::PrimaryKeys);
  type.field("NumNodes", &KeyringResponse::NumNodes);
}

namespace {

struct Asked {
  std::string key{};
  std::uint8_t relay_factor{};
  bool local_only{};
};

constexpr std::int64_t kMostRelays = 5;

Result<Asked> read(const Request& request) {
  Asked asked;
  if (request.method != Method::get && request.method != Method::head) {
    KeyringBody body;
    if (Result<> read = decode_body(request, body); !read) return read.error();
    asked.key = std::move(body.Key);
  }
  if (const std::string_view text = request.param("relay-factor"); !text.empty()) {
    const Result<std::int64_t> factor = base::parse_atoi(text);
    if (!factor) return {Errc::invalid_argument, "Error parsing relay factor: " + factor.error().detail};
    if (*factor < 0 || *factor > kMostRelays) {
      return {Errc::invalid_argument, "Invalid relay-factor: Relay factor must be in range: [0, 5]"};
    }
    asked.relay_factor = static_cast<std::uint8_t>(*factor);
  }
  if (const std::string_view text = request.param("local-only"); !text.empty()) {
    const Result<bool> local_only = base::parse_bool(text);
    if (!local_only) return {Errc::invalid_argument, "Error parsing local-only: " + local_only.error().detail};
    if (*local_only && request.method != Method::get) {
      return {Errc::invalid_argument, "Invalid use of local-only: local-only can only be set for list requests"};
    }
    asked.local_only = *local_only;
  }
  return asked;
}

base::Map<base::Int> counts(const std::map<std::string, int>& keys) {
  base::Map<base::Int> counts;
  for (const auto& [key, count] : keys) counts.emplace(key, count);
  return counts;
}

Reply list(const std::vector<PoolKeys>& pools, const std::string& datacenter) {
  base::List<KeyringResponse> responses;
  for (const PoolKeys& pool : pools) {
    KeyringResponse& response = responses.emplace_back();
    response.WAN = pool.wan;
    response.Datacenter = datacenter;
    for (const auto& [node, message] : pool.result.messages) response.Messages.emplace(node, message);
    response.Keys = counts(pool.result.keys);
    response.PrimaryKeys = counts(pool.result.primary_keys);
    response.NumNodes = pool.result.nodes;
  }
  return json(base::to_json(responses));
}

Result<> failures(const std::vector<PoolKeys>& pools, const std::string& datacenter) {
  std::vector<std::string> errors;
  for (const PoolKeys& pool : pools) {
    if (pool.result.error.empty()) continue;
    errors.push_back((pool.wan ? "WAN" : datacenter + " (LAN)") + " error: " + pool.result.error);
    for (const auto& [node, message] : pool.result.messages) errors.push_back(node + ": " + message);
  }
  if (errors.empty()) return {};
  return {Errc::internal, cluster::list_errors(errors)};
}

void operate(Context& agent, const Request& request, Responder responder, KeyOperation operation) {
  Result<Asked> asked = read(request);
  if (!asked) return responder.send(Result<Reply>(asked.error()));
  agent.pools->key_operation(operation, std::move(asked->key), asked->relay_factor, asked->local_only,
                             [responder = std::move(responder), operation,
                              datacenter = agent.settings.datacenter](const std::vector<PoolKeys>& pools) mutable {
                               if (Result<> failed = failures(pools, datacenter); !failed)
                                 return responder.send(Result<Reply>(failed.error()));
                               responder.send(operation == KeyOperation::list ? list(pools, datacenter) : empty());
                             });
}

}  // namespace

void keyring_list(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), KeyOperation::list);
}
void keyring_install(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), KeyOperation::install);
}
void keyring_use(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), KeyOperation::use);
}
void keyring_remove(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), KeyOperation::remove);
}

}  // namespace proconsul::agent::http
