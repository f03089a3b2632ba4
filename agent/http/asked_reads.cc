#include "agent/http/asked_reads.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/http/read_meta.h"
#include "agent/http/request_limits.h"
#include "agent/http/service_instances.h"
#include "agent/http/worker.h"
#include "agent/rpc/cluster.h"

namespace proconsul::agent::http {

void AskedReads::start(Connection& connection, const Request& request) {
  Exchange& exchange = connection.exchange();
  const Route& route = *exchange.route;
  Context& context = worker_.context();
  if (context.limits && context.server) {  // a client's caller limits its calls by itself
    if (std::optional<Reply> refusal = context.limits->refuse(route.says.rpc, false, false, request.remote())) {
      if (route.flags & kMetaOnError) refusal->headers += kNothingKnown;
      return connection.reply(std::move(*refusal));
    }
  }
  const bool through_cache = viewed(request, route) || (request.options.cached && (route.flags & kCacheable));
  if (through_cache && start_cached(connection, request)) return;
  auto asked = std::make_unique<Asked>();
  asked->number = ++last_number_;
  asked->request = request.own();
  asked->route = &route;
  base::Result<Question> question = route.handler.ask(context, *asked->request);
  if (!question) return connection.reply(failed_read(question.error(), route));
  if (question->refused) return connection.reply(std::move(*question->refused));
  asked->question = std::move(*question);
  if (request.options.cached && (route.flags & kCacheable)) exchange.cache = Exchange::Cache::miss;
  // Who only waits for a change is not owed an answer once it has gone.
  route.takes_options() && request.options.min_index > 0 ? connection.park() : connection.wait();
  Asked& begun = *asked;
  asked_[connection.id()] = std::move(asked);
  call(connection.id(), begun);
}

void AskedReads::leave(const Connection& connection) {
  const auto found = asked_.find(connection.id());
  if (found == asked_.end()) return;
  if (found->second->ticket != 0) cache_.leave(found->second->ticket);
  asked_.erase(found);
}

// Through the cache.

/// Whether a view has the answer.
bool AskedReads::viewed(const Request& request, const Route& route) const {
  return worker_.context().subscriber != nullptr && streams(worker_.settings(), request, route);
}

/// False: the cache has no room for it.
bool AskedReads::start_cached(Connection& connection, const Request& request) {
  Exchange& exchange = connection.exchange();
  const Route& route = *exchange.route;
  auto asked = std::make_unique<Asked>();
  asked->number = ++last_number_;
  asked->request = request.own();
  asked->route = &route;
  // What is wrong with a request is no matter for the cache.
  base::Result<Question> question = route.handler.ask(worker_.context(), *asked->request);
  if (!question || question->refused) {
    connection.reply(question ? std::move(*question->refused) : failed_read(question.error(), route));
    return true;
  }
  const bool by_view = viewed(request, route);
  const ServiceInstances::Request* view = nullptr;
  if (by_view) {
    using Query = rpc::TypedInvocation<ServiceInstances::Request, rpc::IndexedCheckServiceNodes>;
    view = &dynamic_cast<Query&>(*question->call).request;
    if (const auto filter = ServiceInstances::filter_of(*view); !filter) {
      connection.reply(failed_read(filter.error(), route));
      return true;
    }
  }
  const std::uint64_t id = connection.id();
  std::uint64_t ticket = 0;
  std::optional<AnswerCache::Found> found = cache_.get(
      cache_key(request, route, by_view), request, route, view,
      [this, id, number = asked->number](AnswerCache::Found fetched) {
        worker_.loop().post([this, id, number, fetched = std::move(fetched)] { this->found(id, number, fetched); });
      },
      ticket);
  if (found) {
    const bool full = !found->answer && found->answer.error().code == base::Errc::too_large;
    if (!full) answer_cached(connection, *asked, *found);
    return !full;
  }
  if (request.options.cached) exchange.cache = Exchange::Cache::miss;
  asked->ticket = ticket;
  asked_[id] = std::move(asked);
  const std::int64_t wait = request.options.wait.nanoseconds;
  const std::int64_t most = worker_.settings().max_query_time.nanoseconds;
  const std::int64_t usual = by_view ? worker_.settings().default_query_time.nanoseconds : most;
  connection.park(base::net::Clock::now() + std::chrono::nanoseconds(wait > 0 ? std::min(wait, most) : usual));
  return true;
}

void AskedReads::answer_cached(Connection& connection, const Asked& asked, const AnswerCache::Found& found) {
  Exchange& exchange = connection.exchange();
  if (!found.answer) {
    exchange.cache = Exchange::Cache::unused;
    base::Error error = found.answer.error();
    // The cache passes on that there was an error, not which one.
    if (error.code == base::Errc::not_found) error.code = base::Errc::internal;
    return connection.reply(failed_read(error, *asked.route));
  }
  if (asked.request->options.cached) {
    exchange.cache = found.hit ? Exchange::Cache::hit : Exchange::Cache::miss;
    exchange.age = found.age;
  }
  const KeptAnswer& kept = **found.answer;
  if (!shows_meta(kept.answer, *asked.route)) return connection.reply(reply_of(*found.answer));
  const ReadMeta meta = meta_of(kept.meta, *asked.request, *asked.route);
  connection.reply(reply_of(*found.answer), &meta);
}

void AskedReads::found(std::uint64_t id, std::uint64_t number, const AnswerCache::Found& found) {
  const auto at = asked_.find(id);
  Connection* connection = worker_.find(id);
  if (at == asked_.end() || at->second->number != number || !connection) return;
  const std::unique_ptr<Asked> done = std::move(at->second);
  asked_.erase(at);
  answer_cached(*connection, *done, found);
  connection->resume();
}

void AskedReads::expire(Connection& connection) {
  const auto at = asked_.find(connection.id());
  if (at == asked_.end() || at->second->ticket == 0) return;
  const std::unique_ptr<Asked> done = std::move(at->second);
  asked_.erase(at);
  AnswerCache::Found found{.answer = cache_.leave(done->ticket)};
  if (!*found.answer) found.answer = base::Error{base::Errc::internal, "internal error: response type not correct"};
  answer_cached(connection, *done, found);
  connection.resume();
}

ReadMeta AskedReads::meta_of(const catalog::QueryMeta& known, const Request& request, const Route& route) const {
  const auto contact = std::max<std::int64_t>(known.LastContact.nanoseconds, 0);
  return read_meta(worker_.settings(),
                   {.index = known.Index,
                    .known_leader = known.KnownLeader,
                    .last_contact_ms = static_cast<std::uint64_t>(contact) / 1'000'000,
                    .filtered_by_acls = known.ResultsFilteredByACLs},
                   request, route);
}

// By a call of its own.

void AskedReads::call(std::uint64_t id, Asked& asked) {
  asked.running = worker_.context().caller->call(worker_.loop(), *asked.question.method, asked.question.call,
                                                 [this, id](base::Result<> result) { answered(id, result); });
}

/// A reply that is too stale for the client, or a leader that is missed where a stale answer is better than none.
bool AskedReads::ask_again(Asked& asked, const base::Result<>& result) {
  QueryOptions& options = asked.request->options;
  const catalog::QueryMeta* meta = asked.question.call->meta();
  if (result && options.stale && options.max_stale.nanoseconds > 0 && meta && meta->LastContact > options.max_stale) {
    options.stale = false;
    options.max_stale = {};
  } else if (!result && (asked.route->flags & kStaleAtLast) && !options.stale &&
             result.error().detail.find(rpc::kNoLeader) != std::string::npos) {
    options.stale = true;
  } else {
    return false;
  }
  base::Result<Question> question = asked.route->handler.ask(worker_.context(), *asked.request);
  if (!question) return false;
  asked.question = std::move(*question);
  return true;
}

void AskedReads::answered(std::uint64_t id, const base::Result<>& result) {
  const auto found = asked_.find(id);
  Connection* connection = worker_.find(id);
  if (found == asked_.end() || !connection) return;
  Asked& asked = *found->second;
  // What has just ended is on the stack.
  worker_.loop().post([dead = std::move(asked.running)] {});
  if (ask_again(asked, result)) return call(id, asked);

  const std::unique_ptr<Asked> done = std::move(found->second);
  asked_.erase(found);
  const Route& route = *done->route;
  const AskedContext context{worker_.context(), *done->request};
  base::Result<Answer> answer =
      result ? done->question.show(context, *done->question.call) : base::Result<Answer>(asked_error(result.error()));
  if (!result && done->question.judge) answer = done->question.judge(answer.error());
  if (!answer) {
    connection->exchange().cache = Exchange::Cache::unused;
    Reply refusal = failed_read(answer.error(), route);
    if (worker_.learns(*connection, refusal)) return;
    connection->reply(std::move(refusal));
  } else if (const catalog::QueryMeta* known = done->question.call->meta(); known && shows_meta(*answer, route)) {
    const ReadMeta meta = meta_of(*known, *done->request, route);
    connection->reply(std::move(answer->reply), &meta);
  } else {
    connection->reply(std::move(answer->reply));
  }
  connection->resume();
}

}  // namespace proconsul::agent::http
