#include "agent/http/read_groups.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "agent/http/denial.h"
#include "agent/http/metrics.h"
#include "agent/http/read_meta.h"
#include "agent/http/remembered_reads.h"
#include "agent/http/request_limits.h"
#include "agent/http/worker.h"
#include "agent/tokens/who.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http {

using base::net::Clock;

namespace {

constexpr std::int64_t kJitterFraction = 16;
constexpr auto kLeaderPoll = std::chrono::milliseconds(20);
constexpr int kMostEvaluations = 4;

std::atomic<std::size_t> parked{0};

/// Requests with equal keys get equal answers, whatever index they wait for.
std::string key_of(const Request& request, const Route& route) {
  std::string key;
  const auto part = [&](std::string_view text) {
    const std::uint32_t size = static_cast<std::uint32_t>(text.size());
    key.append(reinterpret_cast<const char*>(&size), sizeof size);
    key += text;
  };
  const Route* row = &route;
  key.append(reinterpret_cast<const char*>(&row), sizeof row);
  part(request.path);
  part(request.options.token);
  request.each_param([&](std::string_view name, std::string_view value) {
    if (name == "index" || name == "wait" || name == "token" || name == "pretty") return;
    part(name);
    part(value);
  });
  if (request.has_param("near")) part(request.source_ip());
  return key;
}

/// Whether the token of both, which is the same, allowed the same when each was looked at.
bool same_rights(const Request& a, const Request& b) {
  if (!a.who || !b.who) return !a.who && !b.who;
  if (!*a.who || !*b.who) return !*a.who && !*b.who;
  return (*a.who)->permissions == (*b.who)->permissions;
}

bool equal(const base::KeySet& a, const base::KeySet& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a.is_prefix(i) != b.is_prefix(i) || a.bytes(i) != b.bytes(i)) return false;
  }
  return true;
}

}  // namespace

std::size_t blocking_queries() {
  return parked.load(std::memory_order_relaxed);
}

ReadGroups::ReadGroups(Worker& worker) : worker_(worker) {}
ReadGroups::~ReadGroups() = default;

namespace {

bool wants_to_wait(const Request& request, const Route& route) {
  return route.flags & kOpaqueIndex ? request.options.min_index > 0 : !request.param("hash").empty();
}

std::string_view hash_header(const Route& route) {
  return route.flags & kOpaqueIndex ? "X-Consul-Index" : "X-Consul-Contenthash";
}

}  // namespace

void ReadGroups::start(Connection& connection, const Request& request) {
  const Route& route = *connection.exchange().route;
  if (route.handler.hash) return answer(connection, request);
  const server::Leadership leadership = worker_.context().server->leadership();
  const QueryOptions& options = request.options;
  const bool too_stale = options.max_stale.nanoseconds > 0 && leadership.last_contact > options.max_stale;
  // What is in the cache is answered whether anybody leads or not.
  const bool is_hit = options.cached && (route.flags & kCacheable) && look_up(connection, request);
  const bool local =
      (route.flags & kLocalOnly) || (options.stale && leadership.may_show_stale() && !too_stale) || is_hit;
  if (RequestLimits* limits = worker_.context().limits; limits && !is_hit) {
    if (std::optional<Reply> refusal =
            limits->refuse(route.says.rpc, route.writes(), leadership.is_leader, request.remote())) {
      if (route.flags & kMetaOnError) refusal->headers += kNothingKnown;
      connection.exchange().cache = Exchange::Cache::unused;
      return connection.reply(std::move(*refusal));
    }
  }
  // Where somebody else leads, the leader says how far this server's state must be, and the answer is made here. Who
  // leads since a moment ago, or does not hear from the others, asks itself.
  if (!options.consistent && (local || leadership.current)) return answer(connection, request);
  connection.wait();
  if (leadership.known) return verify(connection, request.own(), patience());
  look_for_leader(connection.id(), request.own(), patience());
}

void ReadGroups::answer(Connection& connection, const Request& request) {
  request_metrics().queries.add();
  const Route& route = *connection.exchange().route;
  Context& context = worker_.context();
  const auto once_more = [this](Connection& waiting, Request& owned) { answer(waiting, owned); };
  if (const auto unknown = worker_.pending(route, request)) {
    if (worker_.fetches(connection, request, *unknown, once_more)) return;
  }
  if (route.handler.hash) {
    if (wants_to_wait(request, route)) return block(connection, request);
    base::Result<HashedAnswer> answer = hashed(route, request, nullptr);
    if (!answer) {
      if (worker_.fetches(connection, request, answer.error(), once_more)) return;
      return connection.reply(failure(answer.error()));
    }
    answer->reply.header(hash_header(route), answer->hash);
    return connection.reply(std::move(answer->reply));
  }
  Exchange& exchange = connection.exchange();
  if (exchange.cache == Exchange::Cache::miss) {
    worker_.remembered_reads().remember(cache_key(request, route, streams(worker_.settings(), request, route)));
  }
  if (request.options.min_index > 0) return block(connection, request);
  const catalog::ViewPtr view = context.server->view();
  base::Result<Answer> answer = route.handler.read({context, *view, nullptr, request});
  if (!answer) {
    exchange.cache = Exchange::Cache::unused;
    if (worker_.fetches(connection, request, answer.error(), once_more)) return;
    return connection.reply(failed_read(answer.error(), route));
  }
  const ReadMeta meta = meta_of(*answer, request, route);
  const bool shown = shows_meta(*answer, route);
  connection.reply(std::move(answer->reply), shown ? &meta : nullptr);
}

/// Whether the cache has what is asked for, as far as is known before the index is.
bool ReadGroups::look_up(Connection& connection, const Request& request) {
  Exchange& exchange = connection.exchange();
  const bool streaming = streams(worker_.settings(), request, *exchange.route);
  // Answers that Consul keeps up to date are never too old for anybody.
  RememberedReads::Rules rules;
  if (streaming) rules.idle = std::chrono::minutes(20);
  const bool refreshed = !(exchange.route->flags & kNotRefreshed);
  if (!refreshed) rules.max_age = request.options.max_age;
  if (!refreshed) rules.revalidate = request.options.must_revalidate;
  const auto fetched = worker_.remembered_reads().find(cache_key(request, *exchange.route, streaming), rules);
  const bool is_hit = fetched.has_value();
  exchange.cache = is_hit ? Exchange::Cache::hit : Exchange::Cache::miss;
  exchange.age = 0;
  const server::Leadership leadership = worker_.context().server->leadership();
  if (is_hit && !refreshed) {
    exchange.age = static_cast<std::uint64_t>(std::chrono::round<std::chrono::seconds>(*fetched).count());
  } else if (is_hit && !streaming && !leadership.known && leadership.may_show_stale()) {
    exchange.age = static_cast<std::uint64_t>(leadership.last_contact.nanoseconds) / 1'000'000'000;
  }
  return is_hit;
}

ReadMeta ReadGroups::meta_of(const Answer& answer, const Request& request, const Route& route) const {
  const server::Leadership leadership = worker_.context().server->leadership();
  const auto contact = std::max<std::int64_t>(leadership.last_contact.nanoseconds, 0);
  return read_meta(worker_.settings(),
                   {.index = answer.index,
                    .known_leader = leadership.known,
                    .last_contact_ms = static_cast<std::uint64_t>(contact) / 1'000'000,
                    .filtered_by_acls = answer.filtered_by_acls},
                   request, route);
}

base::Result<HashedAnswer> ReadGroups::hashed(const Route& route, const Request& request, base::KeySet* keys) const {
  return route.handler.hash(worker_.context(), request, keys);
}

// Blocking.

void ReadGroups::block(Connection& connection, const Request& request) {
  const Route& route = *connection.exchange().route;
  connection.exchange().wait = request.options.wait;
  const std::string key = key_of(request, route);
  const auto found = groups_.find(key);
  ReadGroup* group = found == groups_.end() ? nullptr : found->second.get();
  const bool other_rights = group && !same_rights(*group->request, request);
  if (other_rights) group->request = request.own();
  if (group && (other_rights || group->watch.fired() || !group->watch)) {
    // A newer version is published and its wake-up is still under way: this client may have made the change itself.
    evaluate_and_watch(*group);
    const std::uint64_t token = group->token;
    serve(*group);
    const auto again = by_token_.find(token);
    group = again == by_token_.end() ? nullptr : again->second;
  }
  if (!group) {
    auto fresh = std::make_unique<ReadGroup>();
    group = fresh.get();
    group->key = key;
    group->token = next_token_++;
    group->route = &route;
    group->request = request.own();
    by_token_[group->token] = group;
    groups_.emplace(std::string_view(group->key), std::move(fresh));
    evaluate(*group);
    // Answered at once, as by far most are: nothing is watched.
    const Waiter waiter{.min_index = request.options.min_index};
    if (ready(*group, waiter)) {
      send(*group, connection);
      return drop_if_idle(*group);
    }
    evaluate_and_watch(*group);
  }
  group->went_back = false;  // that concerns those who waited, not who comes now
  const Waiter waiter{.min_index = request.options.min_index};
  if (ready(*group, waiter)) {
    send(*group, connection);
    return drop_if_idle(*group);
  }
  add(*group, connection, request.options.min_index);
}

void ReadGroups::add(ReadGroup& group, Connection& connection, std::uint64_t min_index) {
  Exchange& exchange = connection.exchange();
  if (exchange.cache == Exchange::Cache::hit) exchange.cache = Exchange::Cache::miss;  // too old for this client
  exchange.age = 0;
  const Settings& settings = worker_.settings();
  std::int64_t wait = connection.exchange().wait.nanoseconds;
  if (wait > settings.max_query_time.nanoseconds) wait = settings.max_query_time.nanoseconds;
  const bool local = group.route->flags & kOpaqueIndex;  // Consul's default is for queries of servers
  if (wait <= 0) wait = local ? settings.max_query_time.nanoseconds : settings.default_query_time.nanoseconds;
  // Spreads the ends of waits that began together.
  jitter_ ^= jitter_ << 13;
  jitter_ ^= jitter_ >> 7;
  jitter_ ^= jitter_ << 17;
  if (const std::int64_t span = wait / kJitterFraction; span > 0) {
    wait += static_cast<std::int64_t>(jitter_ % static_cast<std::uint64_t>(span));
  }
  Waiter& waiter = connection.waiter();
  waiter = {.group = &group,
            .min_index = min_index,
            .place = static_cast<std::uint32_t>(group.waiters.size()),
            .saw_absent = group.answer && group.answer->absent};
  group.waiters.push_back(connection.id());
  parked.fetch_add(1, std::memory_order_relaxed);
  connection.park(Clock::now() + std::chrono::nanoseconds(wait));
}

void ReadGroups::leave(Connection& connection) {
  Waiter& waiter = connection.waiter();
  ReadGroup* group = std::exchange(waiter.group, nullptr);
  if (!group) return;
  const std::uint32_t place = waiter.place;
  if (place + 1 != group->waiters.size()) {
    group->waiters[place] = group->waiters.back();
    if (Connection* moved = worker_.find(group->waiters[place])) moved->waiter().place = place;
  }
  group->waiters.pop_back();
  parked.fetch_sub(1, std::memory_order_relaxed);
  drop_if_idle(*group);
}

void ReadGroups::drop_if_idle(ReadGroup& group) {
  if (!group.waiters.empty()) return;
  by_token_.erase(group.token);
  groups_.erase(groups_.find(group.key));
}

void ReadGroups::expire(Connection& connection) {
  ReadGroup* group = connection.waiter().group;
  if (!group) return;
  // Who may not be known any more gets what he was allowed to see before.
  const bool known = !worker_.pending(*group->route, *group->request);
  if (known && group->watch.fired() && !group->route->handler.hash) evaluate_and_watch(*group);
  // Its time is over: the answer as it stands, new or not.
  send(*group, connection);
  leave(connection);
  connection.resume();
}

void ReadGroups::wake(std::vector<std::uint64_t> tokens) {
  worker_.loop().post([this, tokens = std::move(tokens)] {
    for (const std::uint64_t token : tokens) woken(token);
  });
}

void ReadGroups::woken(std::uint64_t token) {
  const auto found = by_token_.find(token);
  if (found == by_token_.end()) return;
  ReadGroup& group = *found->second;
  if (!group.watch.fired()) return;  // already seen, and watched anew
  if (fetches(group)) return;
  if (!group.route->handler.hash && group.request->options.consistent) {
    if (std::exchange(group.verifying, true)) return;
    worker_.context().server->verify_leader([this, token](base::Result<> result) {
      worker_.loop().post([this, token, result = std::move(result)] {
        const auto again = by_token_.find(token);
        if (again == by_token_.end()) return;
        ReadGroup& verified = *again->second;
        verified.verifying = false;
        if (result) {
          evaluate_and_watch(verified);
        } else {
          verified.answer = result.error();
          verified.wires.clear();
        }
        serve(verified);
      });
    });
    return;
  }
  if (group.request->who) return ask_who(group);
  evaluate_and_watch(group);
  serve(group);
}

bool ReadGroups::fetches(ReadGroup& group) {
  const auto unknown = worker_.pending(*group.route, *group.request);
  if (!unknown || std::exchange(group.verifying, true)) return unknown.has_value();
  worker_.fetch(*unknown, [this, token = group.token] {
    const auto found = by_token_.find(token);
    if (found == by_token_.end()) return;
    found->second->verifying = false;
    woken(token);
  });
  return true;
}

/// Who may see it now, after a time in which the token may have changed.
void ReadGroups::ask_who(ReadGroup& group) {
  if (std::exchange(group.verifying, true)) return;
  worker_.ask_who(*group.route, *group.request, [this, token = group.token](base::Result<tokens::Who> who) {
    const auto found = by_token_.find(token);
    if (found == by_token_.end()) return;
    ReadGroup& known = *found->second;
    known.verifying = false;
    std::shared_ptr<Request> request = known.request->own();
    request->who = std::make_shared<const base::Result<tokens::Who>>(std::move(who));
    known.request = std::move(request);
    evaluate_and_watch(known);
    serve(known);
  });
}

void ReadGroups::evaluate(ReadGroup& group) {
  group.keys.clear();
  Context& context = worker_.context();
  if (group.route->handler.hash) {
    base::Result<HashedAnswer> answer = hashed(*group.route, *group.request, &group.keys);
    if (answer) {
      group.hash = answer->hash;
      answer->reply.header(hash_header(*group.route), answer->hash);
      group.answer = Answer{.reply = std::move(answer->reply)};
    } else {
      group.answer = answer.error();
    }
    group.wires.clear();
    return;
  }
  const catalog::ViewPtr view = context.server->view();
  base::Result<Answer> answer = group.route->handler.read({context, *view, &group.keys, *group.request});
  group.went_back = answer && group.answer && answer->index < group.answer->index;
  if (answer && answer->settles && group.answer && group.answer->settles &&
      answer->reply.body.same_bytes(group.answer->reply.body)) {
    // Nothing that these clients can see has changed: they sleep on, past the new index.
    for (const std::uint64_t id : group.waiters) {
      if (Connection* connection = worker_.find(id)) {
        connection->waiter().min_index = std::max(connection->waiter().min_index, answer->index);
      }
    }
  }
  group.answer = std::move(answer);
  group.wires.clear();
  if (group.answer) group.meta = meta_of(*group.answer, *group.request, *group.route);
}

void ReadGroups::evaluate_and_watch(ReadGroup& group) {
  Context& context = worker_.context();
  base::WatchRegistry& registry = group.route->handler.hash ? context.local_watches : context.server->watches();
  // A change between reading and watching must not be missed: what was read last must have been watched before.
  base::KeySet watched = group.keys;
  group.watch = registry.watch(watched, *this, group.token);
  bool went_back = false;
  for (int i = 0; i < kMostEvaluations; ++i) {
    evaluate(group);
    group.went_back = went_back |= group.went_back;
    if (equal(watched, group.keys)) return;
    watched = group.keys;
    group.watch = registry.watch(watched, *this, group.token);
  }
  // The query touches something else each time it runs: look again soon, without hurry.
  worker_.loop().after(std::chrono::milliseconds(10), [this, token = group.token, stopped = stopped_] {
    if (*stopped) return;
    const auto found = by_token_.find(token);
    if (found == by_token_.end()) return;
    evaluate_and_watch(*found->second);
    serve(*found->second);
  });
}

bool ReadGroups::ready(const ReadGroup& group, const Waiter& waiter) const {
  if (!group.answer || group.went_back || group.answer->at_once) return true;
  if (group.route->flags & kOpaqueIndex) return group.hash != std::to_string(waiter.min_index);
  if (group.route->handler.hash) return group.hash != group.request->param("hash");
  return std::max<std::uint64_t>(group.answer->index, 1) > waiter.min_index;
}

/// Answers all whose wait is over.
void ReadGroups::serve(ReadGroup& group) {
  const bool absent = group.answer && group.answer->absent;
  std::vector<std::uint64_t> done;
  std::vector<std::uint64_t> remaining;
  for (const std::uint64_t id : group.waiters) {
    Connection* connection = worker_.find(id);
    if (!connection) continue;
    Waiter& waiter = connection->waiter();
    if (absent && waiter.saw_absent) waiter.min_index = std::max(waiter.min_index, group.answer->index);
    waiter.saw_absent |= absent;
    if (ready(group, waiter)) {
      waiter.group = nullptr;
      done.push_back(id);
    } else {
      waiter.place = static_cast<std::uint32_t>(remaining.size());
      remaining.push_back(id);
    }
  }
  group.waiters = std::move(remaining);
  parked.fetch_sub(done.size(), std::memory_order_relaxed);
  // Their next requests, which may already be here, join this group only when all of these have their answer.
  for (const std::uint64_t id : done) {
    if (Connection* connection = worker_.find(id)) send(group, *connection);
  }
  drop_if_idle(group);
  for (const std::uint64_t id : done) {
    if (Connection* connection = worker_.find(id)) connection->resume();
  }
}

void ReadGroups::send(ReadGroup& group, Connection& connection) {
  Exchange& exchange = connection.exchange();
  if (!group.answer) exchange.cache = Exchange::Cache::unused;
  const std::uint64_t form = exchange.form();
  const int status = group.answer ? group.answer->reply.status : failure(group.answer.error()).status;
  for (const auto& [known, wire] : group.wires) {
    if (known == form) return connection.reply(wire, status, !exchange.keep_alive);
  }
  Reply reply;
  const ReadMeta* meta = nullptr;
  if (group.answer) {
    const Reply& made = group.answer->reply;
    reply = {.status = made.status, .type = made.type, .body = made.body, .headers = made.headers};
    if (!group.route->handler.hash && shows_meta(*group.answer, *group.route)) meta = &group.meta;
  } else {
    reply = failed_read(group.answer.error(), *group.route);
    explain_denial(worker_.context(), exchange, reply);
  }
  Encoder& encoder = worker_.encoder();
  encoder.shape(exchange, reply);
  std::string wire;
  wire.reserve(512 + reply.body.size());
  encoder.head(exchange, reply, meta, wire);
  if (exchange.method != Method::head) {
    for (std::size_t i = 0; i < reply.body.pieces(); ++i) wire += reply.body.piece(i);
  }
  group.wires.emplace_back(form, std::make_shared<const std::string>(std::move(wire)));
  connection.reply(group.wires.back().second, status, !exchange.keep_alive);
}

// Consistency.

base::net::Clock::time_point ReadGroups::patience() const {
  return Clock::now() + std::chrono::nanoseconds(worker_.settings().rpc_hold_timeout.nanoseconds);
}

void ReadGroups::verify(Connection& connection, std::shared_ptr<const Request> request, Clock::time_point give_up) {
  unverified_.push_back({connection.id(), std::move(request), give_up});
  if (in_flight_.empty()) launch_verification();
}

/// One check serves all that wait when it starts; who comes later needs a later one.
void ReadGroups::launch_verification() {
  in_flight_ = std::exchange(unverified_, {});
  worker_.context().server->verify_leader([this, begun = Clock::now()](base::Result<> result) {
    request_metrics().consistent_read.add_since(begun);
    worker_.loop().post([this, result = std::move(result)] { verified(result); });
  });
}

void ReadGroups::verified(const base::Result<>& result) {
  const std::vector<Verification> done = std::exchange(in_flight_, {});
  if (!unverified_.empty()) launch_verification();
  for (const Verification& each : done) {
    Connection* connection = worker_.find(each.connection);
    if (!connection) continue;
    if (result) {
      answer(*connection, *each.request);
    } else if (result.error().code == base::Errc::no_leader && Clock::now() < each.give_up) {
      look_for_leader(each.connection, each.request, each.give_up);
      continue;
    } else {
      connection->reply(failure(result.error()));
    }
    connection->resume();
  }
}

void ReadGroups::look_for_leader(std::uint64_t id, std::shared_ptr<const Request> request, Clock::time_point give_up) {
  worker_.loop().after(kLeaderPoll, [this, id, request = std::move(request), give_up, stopped = stopped_] {
    if (*stopped) return;
    Connection* connection = worker_.find(id);
    if (!connection) return;
    const server::Leadership leadership = worker_.context().server->leadership();
    if (leadership.current && !request->options.consistent) {
      answer(*connection, *request);
      return connection->resume();
    }
    if (leadership.known) return verify(*connection, request, give_up);
    if (Clock::now() < give_up) return look_for_leader(id, request, give_up);
    if (connection->exchange().route->flags & kStaleAtLast) {
      answer(*connection, *request);
      return connection->resume();
    }
    connection->reply(failure({base::Errc::no_leader, {}}));
    connection->resume();
  });
}

}  // namespace proconsul::agent::http
