// Queries, asked here and asked by others (gossip.md B6). Answers come straight to the asker, and through others where
// it wants that.
#include <algorithm>
#include <utility>

#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kInternalPrefix = "_serf_";
constexpr std::uint8_t kLeastRelayVersion = 5;  // memberlist's protocol
/// Beyond those that were there when the query began: members may join while it runs, but a forger makes up names.
constexpr std::size_t kMoreAnswers = 1024;
constexpr std::size_t kMostAtOneTime = 16384;  // queries of one Lamport time
constexpr base::Duration kMostTimeout = base::seconds(24 * 3600);

}  // namespace

base::Duration Serf::default_query_timeout() const {
  return serf::default_query_timeout(settings_.timing.gossip_interval, settings_.query_timeout_mult,
                                     membership_->alive_count());
}

Result<QueryHandle> Serf::query(const std::string& name, base::Bytes payload, QueryParams params, QuerySinks sinks) {
  if (state_ == State::shutdown || membership_ == nullptr) return {Errc::unavailable, "serf is not running"};
  if (params.timeout.nanoseconds == 0) params.timeout = default_query_timeout();
  const swim::Node& local = membership_->local();
  const Query query{
      .LTime = clock_of_queries_.time(),
      .ID = static_cast<std::uint32_t>(random_.below(std::uint64_t{1} << 31)),
      .Addr = base::Bytes(local.address.ip),
      .Port = local.address.port,
      .SourceNode = local.name,
      .Filters = encode_filters(params),
      .Flags = params.request_ack ? kQueryAck : 0,
      .RelayFactor = params.relay_factor,
      .Timeout = params.timeout,
      .Name = name,
      .Payload = std::move(payload),
  };
  std::string encoded = encode(MessageType::query, query);
  if (encoded.size() > settings_.query_size_limit) {
    return {Errc::too_large, "query exceeds limit of " + std::to_string(settings_.query_size_limit) + " bytes"};
  }
  RunningQuery& running = running_queries_[query.LTime];
  running.id = query.ID;
  running.wants_acks = params.request_ack;
  running.most_answers = 2 * membership_->alive_count() + kMoreAnswers;
  running.sinks = std::make_shared<QuerySinks>(std::move(sinks));
  running.alarm = alarms_.after(params.timeout, [this, time = query.LTime] { finish_query(time); });

  handle_query(query);
  spread(query_queue_, std::move(encoded));
  return QueryHandle{.time = query.LTime, .id = query.ID};
}

void Serf::close_query(QueryHandle query) {
  const auto running = running_queries_.find(query.time);
  if (running != running_queries_.end() && running->second.id == query.id) finish_query(query.time);
}

void Serf::finish_query(LamportTime time) {
  auto running = running_queries_.extract(time);
  if (running.empty()) return;
  alarms_.cancel(running.mapped().alarm);
  if (running.mapped().sinks->finished) running.mapped().sinks->finished();
}

void Serf::handle_query_response(const QueryResponse& response) {
  if (base::log::Logger::enabled(base::log::Level::debug)) {
    log_.debug("serf: messageQueryResponseType: " + response.From);
  }
  const auto found = running_queries_.find(response.LTime);
  if (found == running_queries_.end()) {
    refuse(base::log::Level::warn, "reply for non-running query (LTime: " + std::to_string(response.LTime) +
                                       ", ID: " + std::to_string(response.ID) + ") From: " + response.From);
    return;
  }
  RunningQuery& running = found->second;
  if (running.id != response.ID) {
    refuse(base::log::Level::warn, "query reply ID mismatch (Local: " + std::to_string(running.id) +
                                       ", Response: " + std::to_string(response.ID) + ")");
    return;
  }
  const bool ack = (response.Flags & kQueryAck) != 0;
  if (ack && !running.wants_acks) return;
  std::unordered_set<std::string>& from = ack ? running.acks : running.answers;
  if (from.contains(response.From)) {
    (ack ? metrics_.query_duplicate_acks : metrics_.query_duplicate_responses).add();
    return;
  }
  if (from.size() >= running.most_answers) {
    refuse(base::log::Level::warn, "Failed to deliver query response, dropping");
    return;
  }
  from.insert(response.From);
  (ack ? metrics_.query_acks : metrics_.query_responses).add();
  // From here on the query may be over: what is told may close it.
  const std::shared_ptr<QuerySinks> sinks = running.sinks;
  if (ack) {
    if (sinks->acked) sinks->acked(response.From);
  } else if (sinks->answered) {
    sinks->answered(response.From, response.Payload);
  }
}

bool Serf::handle_query(const Query& query) {
  if (base::log::Logger::enabled(base::log::Level::debug)) log_.debug("serf: messageQueryType: " + query.Name);
  clock_of_queries_.witness(query.LTime);
  if (query.LTime < least_query_time_) return false;

  const LamportTime now = clock_of_queries_.time();
  const std::size_t slots = query_buffer_.size();
  if (now > slots && query.LTime < now - slots) {
    refuse(base::log::Level::warn, "received old query " + query.Name + " from time " + std::to_string(query.LTime) +
                                       " (current: " + std::to_string(now) + ")");
    return false;
  }
  SeenQueries& slot = query_buffer_[query.LTime % slots];
  if (slot.time != query.LTime) slot = {.time = query.LTime};
  if (std::ranges::find(slot.ids, query.ID) != slot.ids.end() || slot.ids.size() >= kMostAtOneTime) return false;
  slot.ids.push_back(query.ID);

  metrics_.count("queries", query.Name);
  // Others may be meant even where this node is not.
  const bool pass_on = (query.Flags & kQueryNoBroadcast) == 0;
  if (!passes_filters(query.Filters, settings_.node_name, settings_.tags)) return pass_on;

  IncomingQuery incoming{
      .time = query.LTime,
      .id = query.ID,
      .name = query.Name,
      .payload = query.Payload,
      .source_node = query.SourceNode,
      .source = {.ip = query.Addr, .port = query.Port},
      .deadline = clock_.now() + std::clamp(query.Timeout, base::Duration{}, kMostTimeout),
      .relay_factor = query.RelayFactor,
  };
  if ((query.Flags & kQueryAck) != 0) {
    QueryResponse ack = response_to(incoming, {});
    ack.Flags = kQueryAck;
    if (Result<> sent = send_answer(incoming.source, query.SourceNode, encode(MessageType::query_response, ack));
        !sent) {
      refuse(base::log::Level::error, "failed to send ack: " + sent.error().detail);
    }
    if (Result<> relayed = relay_answer(query.RelayFactor, incoming.source, query.SourceNode, ack); !relayed) {
      refuse(base::log::Level::error, "failed to relay ack: " + relayed.error().detail);
    }
  }
  if (snapshot_) {
    snapshot_->record_query(query.LTime);
    snapshot_soon();
  }
  if (std::string_view(query.Name).starts_with(kInternalPrefix)) {
    handle_internal_query(std::move(incoming), std::string_view(query.Name).substr(kInternalPrefix.size()));
  } else {
    observer_.query(std::move(incoming));
  }
  return pass_on;
}

QueryResponse Serf::response_to(const IncomingQuery& query, base::Bytes payload) const {
  return {.LTime = query.time, .ID = query.id, .From = settings_.node_name, .Payload = std::move(payload)};
}

Result<> Serf::respond(IncomingQuery& query, base::Bytes payload) {
  const QueryResponse response = response_to(query, std::move(payload));
  return respond_encoded(query, encode(MessageType::query_response, response), response);
}

Result<> Serf::respond_encoded(IncomingQuery& query, std::string encoded, const QueryResponse& response) {
  if (state_ == State::shutdown) return {Errc::unavailable, "serf is shut down"};
  if (encoded.size() > settings_.query_response_size_limit) {
    return {Errc::too_large,
            "response exceeds limit of " + std::to_string(settings_.query_response_size_limit) + " bytes"};
  }
  if (query.answered) return {Errc::invalid_argument, "response already sent"};
  if (clock_.now() > query.deadline) return {Errc::timeout, "response is past the deadline"};
  if (Result<> sent = send_answer(query.source, query.source_node, std::move(encoded)); !sent) return sent;
  if (Result<> relayed = relay_answer(query.relay_factor, query.source, query.source_node, response); !relayed) {
    return relayed;
  }
  query.answered = true;
  return {};
}

Result<> Serf::send_answer(const swim::Address& to, const std::string& name, std::string encoded) {
  if (membership_ == nullptr) return {Errc::unavailable, "serf is not running"};
  const swim::Node& local = membership_->local();
  // In networks that do not know each other two members may have the same address.
  const bool may_be_local = name.empty() || name == local.name;
  if (may_be_local && to.port == local.address.port && same_ip(to.ip, local.address.ip)) {
    // The asker is this node: no datagram can get lost on the way. Later, since it may not know its query's number yet.
    alarms_.after({}, [this, encoded = std::move(encoded)] { user_message(encoded); });
    return {};
  }
  if (to.ip.size() != 4 && to.ip.size() != 16) return {Errc::invalid_argument, "no address to answer to"};
  return membership_->send_user_message({.ip = to.ip, .port = to.port, .node = name}, membership_->find(name), encoded);
}

Result<> Serf::relay_answer(std::uint8_t factor, const swim::Address& to, const std::string& name,
                            const QueryResponse& response) {
  // In a pool that small the answer would go the same way again.
  if (factor == 0 || members_.size() < std::size_t{factor} + 1) return {};
  const RelayHeader header{
      .DestAddr = {.IP = base::Bytes(to.ip), .Port = to.port, .Zone = {}},
      .DestName = name,
  };
  const std::string encoded = encode(MessageType::relay, header) + encode(MessageType::query_response, response);
  if (encoded.size() > settings_.query_response_size_limit) {
    return {Errc::too_large,
            "relayed response exceeds limit of " + std::to_string(settings_.query_response_size_limit) + " bytes"};
  }
  std::vector<const Member*> relays;
  for (const auto& [key, member] : members_.all()) {
    if (member->Status != MemberStatus::alive || member->ProtocolMax < kLeastRelayVersion) continue;
    if (member->Name != settings_.node_name) relays.push_back(member);
  }
  const std::size_t wanted = std::min<std::size_t>(factor, relays.size());
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(relays[i], relays[i + random_.below(relays.size() - i)]);
    const Member& relay = *relays[i];
    const swim::Address address{.ip = relay.Addr, .port = relay.Port, .node = relay.Name};
    if (Result<> sent = membership_->send_user_message(address, membership_->find(relay.Name), encoded); !sent) {
      return {sent.error().code, "failed to send relay response: " + sent.error().detail};
    }
  }
  return {};
}

void Serf::handle_relay(std::string_view body) {
  base::MsgpackReader reader(body, base::MsgpackHandle::plain);
  RelayHeader header;
  reader.object(header);
  if (!reader.ok()) {
    refuse(base::log::Level::error, "Error decoding relay header: " + reader.status().error().detail);
    return;
  }
  const swim::Address to{.ip = header.DestAddr.IP, .port = static_cast<std::uint16_t>(header.DestAddr.Port)};
  if (header.DestAddr.Port != to.port) {
    refuse(base::log::Level::error, "Error forwarding message: no such port");
    return;
  }
  if (base::log::Logger::enabled(base::log::Level::debug)) {
    log_.debug("serf: Relaying response to addr: " + swim::to_string(to));
  }
  if (Result<> sent = send_answer(to, header.DestName, std::string(reader.rest())); !sent) {
    refuse(base::log::Level::error, "Error forwarding message to " + swim::to_string(to) + ": " + sent.error().detail);
  }
}

}  // namespace proconsul::gossip::serf
