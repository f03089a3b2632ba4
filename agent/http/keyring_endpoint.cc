#include "agent/http/keyring_endpoint.h"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "agent/cluster/pools.h"
#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/rpc/types.h"
#include "base/json.h"
#include "base/strconv.h"

namespace proconsul::agent::http {

using base::Errc;
using base::Result;

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

Reply list(rpc::KeyringResponses& answered) {
  base::List<KeyringResponse> responses;
  for (const auto& each : answered.Responses) {
    KeyringResponse& response = responses.emplace_back();
    response.WAN = each->WAN;
    response.Datacenter = std::move(each->Datacenter);
    response.Segment = std::move(each->Segment);
    response.Messages = std::move(each->Messages);
    response.Keys = std::move(each->Keys);
    response.PrimaryKeys = std::move(each->PrimaryKeys);
    response.NumNodes = each->NumNodes;
  }
  return json(base::to_json(responses));
}

Result<> failures(const rpc::KeyringResponses& answered) {
  std::vector<std::string> errors;
  for (const auto& response : answered.Responses) {
    if (response->Error.empty()) continue;
    errors.push_back((response->WAN ? "WAN" : response->Datacenter + " (LAN)") + " error: " + response->Error);
    for (const auto& [node, message] : response->Messages) errors.push_back(node + ": " + message);
  }
  if (errors.empty()) return {};
  return {Errc::internal, cluster::list_errors(errors)};
}

void operate(Context& agent, const Request& request, Responder responder, const char* operation) {
  Result<Asked> asked = read(request);
  if (!asked) return responder.send(Result<Reply>(asked.error()));
  rpc::KeyringRequest call;
  call.Operation = operation;
  call.Token = token_of(request);
  call.Key = std::move(asked->key);
  call.RelayFactor = asked->relay_factor;
  call.LocalOnly = asked->local_only;
  ask<rpc::KeyringRequest, rpc::KeyringResponses>(
      agent, "Internal.KeyringOperation", std::move(call),
      [responder = std::move(responder),
       lists = std::string_view(operation) == "list"](Result<rpc::KeyringResponses> answered) mutable {
        if (!answered) return responder.send(Result<Reply>(answered.error()));
        if (Result<> failed = failures(*answered); !failed) return responder.send(Result<Reply>(failed.error()));
        responder.send(lists ? list(*answered) : empty());
      });
}

}  // namespace

void keyring_list(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), "list");
}
void keyring_install(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), "install");
}
void keyring_use(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), "use");
}
void keyring_remove(Context& agent, const Request& request, Responder responder) {
  operate(agent, request, std::move(responder), "remove");
}

}  // namespace proconsul::agent::http
