// Two nodes of one name: the others are asked where they know it, and the one that fewer know goes (gossip.md B6).
#include <utility>

#include "gossip/ip_text.h"
#include "gossip/serf/serf.h"

namespace proconsul::gossip::serf {
namespace {

using base::Result;

struct Votes {
  int all = 0;
  int ours = 0;
};

}  // namespace

void Serf::name_conflict(const swim::Node& existing, const swim::Node& other) {
  if (existing.name != settings_.node_name) {
    refuse(base::log::Level::warn, "Name conflict for '" + existing.name + "' both " +
                                       swim::to_string(existing.address) + " and " + swim::to_string(other.address) +
                                       " are claiming");
    return;
  }
  const bool resolve = settings_.enable_name_conflict_resolution;
  refuse(base::log::Level::error, "Node name conflicts with another node at " + swim::to_string(other.address) +
                                      ". Names must be unique! (Resolution enabled: " + (resolve ? "true" : "false") +
                                      ")");
  if (!resolve || std::exchange(conflict_is_resolved_, true)) return;
  alarms_.after({}, [this] { resolve_conflict(); });
}

void Serf::answer_conflict(IncomingQuery query) {
  // Only others can say who this name belongs to.
  if (query.payload == settings_.node_name) return;
  log_.debug("serf: Got conflict resolution query for '" + query.payload + "'");
  const Member* member = members_.get(query.payload);
  std::string answer(1, static_cast<char>(MessageType::conflict_response));
  if (member != nullptr) {
    answer = encode(MessageType::conflict_response, *member);
  } else {
    answer += '\xc0';  // nil
  }
  if (Result<> sent = respond(query, base::Bytes(std::move(answer))); !sent) {
    log_.error("serf: Failed to respond to conflict query: " + sent.error().detail);
  }
}

void Serf::resolve_conflict() {
  const auto votes = std::make_shared<Votes>();
  QuerySinks sinks;
  sinks.answered = [this, votes](const std::string&, const base::Bytes& payload) {
    if (payload.empty() || static_cast<MessageType>(payload[0]) != MessageType::conflict_response) {
      log_.error("serf: Invalid conflict query response type");
      return;
    }
    const Result<Member> member = decode<Member>(std::string_view(payload).substr(1));
    if (!member) {
      log_.error("serf: Failed to decode conflict query response: " + member.error().detail);
      return;
    }
    const swim::Address& local = membership_->local().address;
    ++votes->all;
    if (member->Port == local.port && same_ip(member->Addr, local.ip)) ++votes->ours;
  };
  sinks.finished = [this, votes] {
    conflict_is_resolved_ = false;
    if (state_ == State::shutdown) return;
    const std::string count = "[" + std::to_string(votes->ours) + " / " + std::to_string(votes->all) + "]";
    if (votes->ours >= votes->all / 2 + 1) {
      log_.info("serf: majority in name conflict resolution " + count);
      return;
    }
    log_.warn("serf: minority in name conflict resolution, quiting " + count);
    observer_.name_conflict_lost();
  };
  const auto started = query("_serf_conflict", base::Bytes(settings_.node_name), {}, std::move(sinks));
  if (started) return;
  conflict_is_resolved_ = false;
  log_.error("serf: Failed to start name resolution query: " + started.error().detail);
}

}  // namespace proconsul::gossip::serf
