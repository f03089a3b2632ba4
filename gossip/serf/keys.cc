// The internal queries that change and list the keys of everybody (gossip.md B6), asked and answered.
#include "gossip/serf/keys.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {
namespace {

using base::Result;

constexpr std::size_t kLeastKeyText = 25;  // bytes that a key takes in an answer, at the least

std::string_view query_name(KeyOperation operation) {
  switch (operation) {
    case KeyOperation::install:
      return "_serf_install-key";
    case KeyOperation::use:
      return "_serf_use-key";
    case KeyOperation::remove:
      return "_serf_remove-key";
    case KeyOperation::list:
      return "_serf_list-keys";
  }
  return "";
}

/// As Go prints a []byte: "[8 129]".
std::string go_bytes(std::string_view bytes) {
  std::string text = "[";
  for (const char byte : bytes) {
    if (text.size() > 1) text += ' ';
    text += std::to_string(static_cast<unsigned char>(byte));
  }
  return text + "]";
}

void count(KeyResult& result, const std::string& from, const base::Bytes& payload) {
  ++result.responses;
  if (payload.empty() || static_cast<MessageType>(payload[0]) != MessageType::key_response) {
    result.messages[from] = "Invalid key query response type: " + go_bytes(payload);
    ++result.errors;
    return;
  }
  const Result<KeyResponse> response = decode<KeyResponse>(std::string_view(payload).substr(1));
  if (!response) {
    result.messages[from] = "Failed to decode key query response: " + go_bytes(payload);
    ++result.errors;
    return;
  }
  if (!response->Result) ++result.errors;
  if (!response->Result || !response->Message.empty()) result.messages[from] = response->Message;
  for (const std::string& key : response->Keys) ++result.keys[key];
  ++result.primary_keys[response->PrimaryKey];
}

struct Gathering {
  KeyResult result{};
  KeyDone done{};
  QueryHandle query{};
};

}  // namespace

void Serf::key_operation(KeyOperation operation, std::string key, std::uint8_t relay_factor, KeyDone done) {
  key_operations_.push_back(
      {.operation = operation, .key = std::move(key), .relay_factor = relay_factor, .done = std::move(done)});
  next_key_operation();
}

void Serf::next_key_operation() {
  while (!key_operations_.empty() && !key_change_runs_) {
    const bool change = key_operations_.front().operation != KeyOperation::list;
    if (change && key_lists_running_ > 0) return;
    PendingKeys pending = std::move(key_operations_.front());
    key_operations_.pop_front();
    if (change) {
      key_change_runs_ = true;
    } else {
      ++key_lists_running_;
    }
    run_key_operation(std::move(pending));
  }
}

void Serf::key_operation_ended(KeyOperation operation) {
  if (operation == KeyOperation::list) {
    --key_lists_running_;
  } else {
    key_change_runs_ = false;
  }
  alarms_.after({}, [this] { next_key_operation(); });
}

void Serf::run_key_operation(PendingKeys pending) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->done = std::move(pending.done);
  const auto failed = [&](std::string why) {
    gathering->result.error = std::move(why);
    key_operation_ended(pending.operation);
    gathering->done(std::move(gathering->result));
  };
  Result<std::string> key = std::string();
  if (pending.operation != KeyOperation::list) key = base::from_base64(pending.key);
  if (!key) return failed(key.error().detail);

  QuerySinks sinks;
  sinks.answered = [this, gathering](const std::string& from, const base::Bytes& payload) {
    count(gathering->result, from, payload);
    if (gathering->result.responses == gathering->result.nodes) close_query(gathering->query);
  };
  sinks.finished = [this, gathering, operation = pending.operation] {
    KeyResult& result = gathering->result;
    const auto reported = [&](int nodes, const char* what) {
      return std::to_string(nodes) + "/" + std::to_string(result.nodes) + " nodes reported " + what;
    };
    if (result.errors != 0) {
      result.error = reported(result.errors, "failure");
    } else if (result.responses != result.nodes) {
      result.error = reported(result.responses, "success");
    }
    key_operation_ended(operation);
    gathering->done(std::move(result));
  };
  const KeyRequest request{.Key = base::Bytes(std::move(*key))};
  const Result<QueryHandle> query =
      this->query(std::string(query_name(pending.operation)), base::Bytes(encode(MessageType::key_request, request)),
                  {.relay_factor = pending.relay_factor}, std::move(sinks));
  if (!query) return failed(query.error().detail);
  gathering->query = *query;
  gathering->result.nodes = static_cast<int>(membership_->alive_count());
}

void Serf::handle_internal_query(IncomingQuery query, std::string_view name) {
  if (name == "ping") return;  // it asks for no more than an acknowledgement
  if (name == "conflict") return answer_conflict(std::move(query));
  if (name == "install-key" || name == "use-key" || name == "remove-key") {
    return handle_key_query(std::move(query), name);
  }
  if (name == "list-keys") return answer_key_list(std::move(query));
  refuse(base::log::Level::warn, "Unhandled internal query '" + std::string(name) + "'");
}

void Serf::handle_key_query(IncomingQuery query, std::string_view name) {
  KeyResponse response;
  const std::string_view payload = query.payload;
  const Result<KeyRequest> request = decode<KeyRequest>(payload.substr(std::min<std::size_t>(1, payload.size())));
  if (request) {
    response = change_keys(name, request->Key);
  } else {
    refuse(base::log::Level::error, "Failed to decode key request: " + request.error().detail);
  }
  if (Result<> sent = respond(query, base::Bytes(encode(MessageType::key_response, response))); !sent) {
    log_.error("serf: Failed to respond to key query: " + sent.error().detail);
  }
}

KeyResponse Serf::change_keys(std::string_view name, const base::Bytes& key) {
  KeyResponse response;
  if (keyring_ == nullptr) {
    response.Message = "No keyring to modify (encryption not enabled)";
    log_.error("serf: " + response.Message);
    return response;
  }
  log_.info("serf: Received " + std::string(name) + " query");
  const auto change = [&]() -> std::pair<Result<>, std::string_view> {
    if (name == "install-key") return {keyring_->add(key), "install key"};
    if (name == "use-key") return {keyring_->use(key), "change primary key"};
    return {keyring_->remove(key), "remove key"};
  };
  auto [changed, what] = change();
  if (changed && keyring_store_ != nullptr) {
    changed = keyring_store_->save(*keyring_);
    what = "write keyring file";
  }
  if (!changed) {
    response.Message = changed.error().detail;
    log_.error("serf: Failed to " + std::string(what) + ": " + response.Message);
    return response;
  }
  response.Result = true;
  return response;
}

void Serf::answer_key_list(IncomingQuery query) {
  KeyResponse response;
  if (keyring_ == nullptr || keyring_->empty()) {
    response.Message = "Keyring is empty (encryption not enabled)";
    log_.error("serf: " + response.Message);
  } else {
    log_.info("serf: Received list-keys query");
    for (const std::string& key : keyring_->keys()) response.Keys.push_back(base::to_base64(key));
    response.PrimaryKey = base::to_base64(keyring_->primary());
    response.Result = true;
  }
  // The list is cut until the answer fits, and says so.
  const std::size_t all = response.Keys.size();
  const std::size_t most = std::min(settings_.query_response_size_limit / kLeastKeyText, all);
  for (std::size_t shown = most + 1; shown-- > 0;) {
    const QueryResponse answer = response_to(query, base::Bytes(encode(MessageType::key_response, response)));
    std::string encoded = encode(MessageType::query_response, answer);
    if (encoded.size() <= settings_.query_response_size_limit) {
      if (response.Keys.size() < all) log_.warn("serf: " + response.Message);
      if (Result<> sent = respond_encoded(query, std::move(encoded), answer); !sent) {
        log_.error("serf: Failed to respond to key query: " + sent.error().detail);
      }
      return;
    }
    response.Keys.resize(shown);
    response.Message =
        "truncated key list response, showing first " + std::to_string(shown) + " of " + std::to_string(all) + " keys";
  }
  log_.error("serf: Failed to truncate response so that it fits into message");
}

}  // namespace proconsul::gossip::serf
