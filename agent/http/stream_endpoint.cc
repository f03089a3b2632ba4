#include "agent/http/stream_endpoint.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "agent/http/answers.h"
#include "agent/http/ask.h"
#include "agent/http/asking.h"
#include "base/json.h"
#include "base/net/loop.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "catalog/query/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"
#include "catalog/types/kv.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Result;
using catalog::Change;
using catalog::ChangeLog;
using Kind = catalog::Change::Kind;

constexpr std::chrono::seconds kHeartbeat{15};
constexpr std::chrono::milliseconds kSoon{10};

enum class StreamTopic : std::uint8_t { kv, services, health, nodes };

/// What one stream wants to hear of.
struct Interest {
  StreamTopic topic{};
  std::string name{};    // of a service or node; empty: all
  std::string prefix{};  // of keys; else how the index keys of what has the name begin

  bool concerns(const Change& change) const {
    switch (topic) {
      case StreamTopic::kv:
        // A whole tree may go that is above, or below, what is followed.
        if (change.kind == Kind::kv_tree && prefix.starts_with(change.key)) return true;
        return (change.kind == Kind::kv || change.kind == Kind::kv_tree) && change.key.starts_with(prefix);
      case StreamTopic::services:
        return change.kind == Kind::instance && change.key.starts_with(prefix);
      case StreamTopic::health:
        return (change.kind == Kind::instance || change.kind == Kind::health) && change.key.starts_with(prefix);
      case StreamTopic::nodes:
        return change.kind == Kind::node && change.key.starts_with(prefix);
    }
    return false;
  }

  base::KeySet keys() const {
    base::KeySet keys;
    const auto index = [&](std::string_view name) {
      catalog::watch_key(&keys, catalog::Topic::index, catalog::lower_case(name));
    };
    switch (topic) {
      case StreamTopic::kv:
        catalog::watch_below(&keys, catalog::Topic::kv, prefix);
        break;
      case StreamTopic::services:
        catalog::watch_below(&keys, catalog::Topic::service, prefix);
        break;
      case StreamTopic::health:
        // Checks and nodes change an instance's health without touching it; indexes tell.
        catalog::watch_below(&keys, catalog::Topic::service, prefix);
        if (!name.empty()) {
          index(catalog::service_index({}, name));
        } else {
          for (const std::string_view table : {"checks", "nodes"}) index(catalog::peer_index({}, table));
        }
        break;
      case StreamTopic::nodes:
        catalog::watch_below(&keys, catalog::Topic::node, prefix);
        break;
    }
    return keys;
  }
};

// One event; `data` gets its JSON object's members behind "Index".
template <class Data>
void append_event(std::string& out, std::string_view event, const ChangeLog::Position& id, Data data) {
  out += "event: ";
  out += event;
  out += "\nid: " + std::to_string(id.index);
  if (id.number != ChangeLog::Position{}.number) out += '.' + std::to_string(id.number);
  out += "\ndata: {\"Index\":" + std::to_string(id.index);
  data();
  out += "}\n\n";
}

void member(std::string& out, std::string_view name) {
  out += ",\"";
  out += name;
  out += "\":";
}
void text_member(std::string& out, std::string_view name, std::string_view text) {
  member(out, name);
  base::append_json_string(out, text);
}

catalog::CheckServiceNode instance_of(const Change& change) {
  catalog::CheckServiceNode instance;
  if (change.node) instance.Node = change.node->get();
  instance.Service = catalog::NodeService(change.service->get());
  for (const auto& check : change.checks) instance.Checks.emplace_back(check->get());
  catalog::show_lists(instance);
  return instance;
}

void append_change(std::string& out, StreamTopic topic, const Change& change) {
  const ChangeLog::Position id{change.index, change.number};
  if (change.kind == Kind::kv_tree) {
    return append_event(out, "kv.delete-tree", id, [&] { text_member(out, "Prefix", change.key); });
  }
  if (change.kind == Kind::kv) {
    return append_event(out, change.removed ? "kv.delete" : "kv.set", id, [&] {
      if (change.removed) return text_member(out, "Key", change.key);
      member(out, "Entry");
      base::append_json(out, change.kv->entry(change.key));
    });
  }
  if (change.kind == Kind::node) {
    return append_event(out, change.removed ? "node.deregister" : "node.register", id, [&] {
      if (change.removed) return text_member(out, "Node", change.node->get().Node);
      member(out, "Node");
      base::append_json(out, change.node->get());
    });
  }
  const catalog::StoredService service = change.service->get();
  if (change.removed) {
    const char* event = topic == StreamTopic::health ? "health.remove" : "service.deregister";
    return append_event(out, event, id, [&] {
      text_member(out, "Node", service.Node);
      text_member(out, "ServiceID", service.ID);
      text_member(out, "ServiceName", service.Service);
    });
  }
  if (topic == StreamTopic::health) {
    return append_event(out, "health.update", id, [&] {
      member(out, "Instance");
      base::append_json(out, instance_of(change));
    });
  }
  append_event(out, "service.register", id, [&] {
    text_member(out, "Node", service.Node);
    member(out, "Service");
    catalog::NodeService shown(service);
    catalog::show_lists(shown);
    base::append_json(out, shown);
  });
}

std::string compacted_json(const ChangeLog& log) {
  return "{\"Error\":\"compacted\",\"OldestIndex\":" + std::to_string(log.oldest()) +
         ",\"Index\":" + std::to_string(log.last_index()) + "}";
}

/// Lives on its connection's loop. Holds a position and nothing of what changed: a reader that is too slow falls out of
/// the log's memory, and is told so.
class ChangeStream final : public BodySource, base::net::Timer {
 public:
  /// With the token of the request.
  ChangeStream(Context& agent, Interest interest, ChangeLog::Position position, std::string token)
      : server_(*agent.server),
        tokens_(agent.tokens),
        token_(std::move(token)),
        log_(agent.server->changes()),
        registry_(agent.server->watches()),
        hub_(*agent.streams),
        id_(hub_.open()),
        interest_(std::move(interest)),
        position_(position) {}
  ~ChangeStream() override {
    watch_.cancel();
    hub_.close(id_);
  }

  State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) override {
    if (ended_) return State::end;
    cancel();
    if (const Result<> known = look(); !known) {
      if (!tokens::Resolver::is_pending(known.error())) return refuse(out, known.error());
      tokens_->fetch(known.error(), std::move(wake));
      return State::later;
    }
    if (!std::exchange(greeted_, true)) {
      append_event(out, "ready", position_, [] {});
      return State::more;
    }
    skip_quiet();
    if (!fill(out, limit)) return told_ ? lost(out, std::move(wake)) : end(out);
    if (std::exchange(beat_, false) && out.empty()) append_event(out, "heartbeat", position_, [] {});
    if (!out.empty()) return State::more;
    hub_.expect(id_, std::move(wake));
    if (!watch_ || watch_.fired()) {
      watch_ = registry_.watch(interest_.keys(), hub_, id_);
      woken_ = false;
      // What came between reading and watching wakes nobody.
      if (!fill(out, limit)) return end(out);
      if (!out.empty()) return State::more;
    }
    arm(base::net::Loop::current(), base::net::Loop::current().now() + kHeartbeat);
    return State::later;
  }

 private:
  void on_timer() override {
    beat_ = true;
    hub_.fire(id_);
  }

  // While nothing that is followed changes, all else does, and may fill the log several times over: what came before
  // the commit that fired the watch, or before the newest while it has not fired, is none of this stream's.
  void skip_quiet() {
    const std::uint64_t before_newest = log_.index_before_last_append();
    if (watch_ && !watch_.fired()) position_ = std::max(position_, ChangeLog::Position{before_newest});
    if (const std::uint64_t behind = hub_.take_woken_behind(id_)) {
      position_ = std::max(position_, ChangeLog::Position{behind});
      woken_ = true;
    }
  }

  // With whose eyes: tokens and policies change while it runs.
  Result<> look() {
    if (tokens_ == nullptr) return {};
    Result<tokens::Who> who = tokens_->resolve(server_.view()->tables(), token_);
    if (!who) return who.error();
    who_ = std::move(*who);
    return {};
  }

  // False: that something is gone cannot be said without naming what the token may not read.
  bool tell(const Change& change, std::string& out) {
    const auto reads_key = [&](std::string_view key) {
      return who_->allows(acl::Resource::key, key, acl::Access::read);
    };
    if (change.kind == Kind::kv_tree && !reads_key(change.key)) {
      if (!interest_.prefix.starts_with(change.key) || !reads_key(interest_.prefix)) return false;
      Change below = change;
      below.key = interest_.prefix;
      append_change(out, interest_.topic, below);
      return true;
    }
    const bool readable = change.kind == Kind::kv_tree || (change.kind == Kind::kv && reads_key(change.key)) ||
                          (change.kind == Kind::node && tokens::is_readable(who_, *change.node)) ||
                          (change.service && tokens::is_readable(who_, catalog::service_name(*change.service),
                                                                 catalog::node_of(*change.service)));
    if (readable) append_change(out, interest_.topic, change);
    return true;
  }

  // Events up to about the limit. False: some are forgotten, or may not be told.
  bool fill(std::string& out, std::size_t limit) {
    const auto take = [&](const Change& change) {
      if (interest_.concerns(change)) told_ = tell(change, out);
      return told_ && out.size() < limit;
    };
    do {
      if (!log_.read(position_, take) || !told_) return false;
    } while (out.size() < limit && position_ < ChangeLog::Position{log_.last_index()});
    return true;
  }

  State lost(std::string& out, std::move_only_function<void()> wake) {
    if (watch_ && watch_.fired() && !std::exchange(woken_, true)) {
      // The wake-up that says how far one may skip is still under way.
      hub_.expect(id_, std::move(wake));
      arm(base::net::Loop::current(), base::net::Loop::current().now() + kSoon);
      return State::later;
    }
    return end(out);
  }
  State end(std::string& out) {
    out += "event: compacted\ndata: " + compacted_json(log_) + "\n\n";
    ended_ = true;
    return State::more;
  }

  // The token is gone.
  State refuse(std::string& out, const base::Error& error) {
    out += "event: error\ndata: {\"Error\":";
    base::append_json_string(out, error.detail);
    out += "}\n\n";
    ended_ = true;
    return State::more;
  }

  server::Server& server_;
  tokens::Resolver* const tokens_;
  const std::string token_;
  tokens::Who who_ = tokens::anybody();
  const ChangeLog& log_;
  base::WatchRegistry& registry_;
  StreamHub& hub_;
  const std::uint64_t id_;
  const Interest interest_;
  ChangeLog::Position position_;
  base::Watch watch_{};
  bool greeted_ = false;
  bool beat_ = false;   // the heartbeat is due
  bool woken_ = false;  // by the watch as it stands
  bool ended_ = false;
  bool told_ = true;  // all that there was to tell
};

Result<Interest> interest_of(const Request& request) {
  static constexpr std::pair<std::string_view, StreamTopic> kTopics[] = {{"kv", StreamTopic::kv},
                                                                         {"services", StreamTopic::services},
                                                                         {"health", StreamTopic::health},
                                                                         {"nodes", StreamTopic::nodes}};
  Interest interest;
  const std::string_view topic = request.param("topic");
  const auto* row = std::ranges::find(kTopics, topic, &std::pair<std::string_view, StreamTopic>::first);
  if (row == std::end(kTopics)) {
    return {Errc::invalid_argument, "Invalid topic " + base::quote(topic) + ": must be kv, services, health or nodes"};
  }
  interest.topic = row->second;
  const bool is_kv = interest.topic == StreamTopic::kv;
  if (request.has_param(is_kv ? "name" : "prefix")) {
    return {Errc::invalid_argument, is_kv ? "Topic kv takes ?prefix, not ?name" : "?prefix is for topic kv; use ?name"};
  }
  if (is_kv) {
    interest.prefix = request.param("prefix");
  } else {
    interest.name = request.param("name");
    interest.prefix = catalog::index_key({catalog::peer_part({})});
    if (!interest.name.empty()) interest.prefix += catalog::index_key({interest.name});
  }
  return interest;
}

// "120", or "120.3" in the middle of what the command 120 changed. A reconnecting client says where it was in a header.
Result<std::optional<ChangeLog::Position>> position_of(const Request& request) {
  const bool resumes = !request.header("Last-Event-ID").empty();
  const std::string_view text = resumes ? request.header("Last-Event-ID") : request.param("index");
  if (text.empty()) return std::optional<ChangeLog::Position>();
  const std::size_t dot = resumes ? text.find('.') : text.npos;
  const Result<std::uint64_t> index = base::parse_uint(text.substr(0, dot));
  ChangeLog::Position position{index ? *index : 0};
  bool valid = index.has_value();
  if (dot != text.npos) {
    const Result<std::uint64_t> number = base::parse_uint(text.substr(dot + 1), 10, 32);
    valid = valid && number;
    if (number) position.number = static_cast<std::uint32_t>(*number);
  }
  if (!valid) return {Errc::invalid_argument, resumes ? "Invalid Last-Event-ID" : "Invalid index"};
  return std::optional(position);
}

}  // namespace

std::uint64_t StreamHub::open() {
  const std::lock_guard lock(mutex_);
  entries_.try_emplace(next_);
  return next_++;
}

void StreamHub::close(std::uint64_t stream) {
  const std::lock_guard lock(mutex_);
  entries_.erase(stream);
}

void StreamHub::expect(std::uint64_t stream, Wake wake) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(stream); found != entries_.end()) found->second.wake = std::move(wake);
}

std::uint64_t StreamHub::take_woken_behind(std::uint64_t stream) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(stream);
  return found == entries_.end() ? 0 : std::exchange(found->second.woken_behind, 0);
}

void StreamHub::fire(std::uint64_t stream) {
  Wake wake;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(stream); found != entries_.end()) wake = std::exchange(found->second.wake, {});
  }
  if (wake) wake();
}

void StreamHub::wake(std::vector<std::uint64_t> streams) {
  // On the thread that commits: the newest append is the one that fired the watches.
  const std::uint64_t behind = changes_.index_before_last_append();
  for (const std::uint64_t stream : streams) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = entries_.find(stream); found != entries_.end()) found->second.woken_behind = behind;
    }
    fire(stream);
  }
}

Result<Reply> change_stream(Context& agent, const Request& request) {
  if (const std::string_view datacenter = named_datacenter(agent, request); !is_here(agent, datacenter)) {
    return base::Error{
        Errc::invalid_argument,
        "Changes are streamed by the servers of their datacenter alone: ask a server of " + std::string(datacenter)};
  }
  Result<Interest> interest = interest_of(request);
  if (!interest) return interest.error();
  const Result<std::optional<ChangeLog::Position>> wanted = position_of(request);
  if (!wanted) return wanted.error();
  if (const Result<tokens::Who> who = asking(agent, request); !who) return who.error();
  const ChangeLog& log = agent.server->changes();
  const ChangeLog::Position position = *wanted ? **wanted : ChangeLog::Position{log.last_index()};
  if (position < ChangeLog::Position{log.oldest()}) {
    return Reply{.status = 410, .body = compacted_json(log)};
  }
  Reply reply{.type = "text/event-stream"};
  reply.header("Cache-Control", "no-cache");
  reply.source = std::make_unique<ChangeStream>(agent, std::move(*interest), position, token_of(request));
  return reply;
}

}  // namespace proconsul::agent::http
