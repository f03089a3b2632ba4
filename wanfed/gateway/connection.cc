#include "wanfed/gateway/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/log.h"
#include "wanfed/gateway/client_hello.h"
#include "wanfed/gateway/dial.h"
#include "wanfed/gateway/worker.h"

namespace proconsul::wanfed::gateway {
namespace {

using base::Errc;
using base::Result;
using base::net::Clock;
using base::net::Fd;

const base::log::Logger kLog("agent.mesh_gateway");

Refusal refusal_of(HelloFault fault) {
  switch (fault) {
    case HelloFault::none:
    case HelloFault::not_tls:
      return Refusal::not_tls;
    case HelloFault::sslv2:
      return Refusal::sslv2;
    case HelloFault::not_client_hello:
      return Refusal::not_client_hello;
    case HelloFault::malformed:
      return Refusal::malformed_hello;
    case HelloFault::too_large:
      return Refusal::hello_too_large;
    case HelloFault::no_server_name:
      return Refusal::no_server_name;
  }
  return Refusal::not_tls;
}

}  // namespace

/// What only a connection needs that is not forwarded yet: the many that are idle do without.
struct Connection::Opening {
  explicit Opening(std::size_t most_bytes) : parser(most_bytes) {}
  ClientHelloParser parser;
  std::string received{};  // the hello as it came, to be sent on
  Clock::time_point deadline{};
  std::vector<EndpointId> tried{};
  Address endpoint{};
  std::unique_ptr<Dial> dial{};
  std::string last_error{};
};

Connection::Connection(Worker& worker, Fd client, std::string peer)
    : worker_(worker), opening_(std::make_unique<Opening>(worker.limits().hello_bytes)), peer_(std::move(peer)) {
  client_.socket = std::move(client);
}

Connection::~Connection() {
  forget(client_);
  forget(server_);
  up_.close(worker_.pipes());
  down_.close(worker_.pipes());
  if (has_endpoint_) upstream_->closed(endpoint_);
  if (opening_) worker_.release(opening_->received.size());
  if (!is_clean_) {
    reset_connection(std::move(client_.socket));
    reset_connection(std::move(server_.socket));
  }
  if (upstream_ && !opening_) upstream_->traffic().active.fetch_sub(1, std::memory_order_relaxed);
  worker_.shared().sources.leave(peer_);
  worker_.shared().counters.active.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::start(std::list<std::unique_ptr<Connection>>::iterator place) {
  place_ = place;
  arm(worker_.loop(), worker_.loop().now() + worker_.limits().hello_timeout);
  watch(client_, EPOLLIN);
}

void Connection::forget(Side& side) {
  if (std::exchange(side.is_watched, false)) worker_.loop().forget(side.socket.get(), &side);
}

void Connection::watch(Side& side, std::uint32_t events) {
  if (side.is_watched && side.events == events) return;
  if (side.is_watched) {
    worker_.loop().rewatch(side.socket.get(), events, &side);
  } else {
    worker_.loop().watch(side.socket.get(), events, &side);
  }
  side.events = events;
  side.is_watched = true;
}

void Connection::finish() {
  worker_.finished(place_, is_listed_opening_);
}

void Connection::refuse(Refusal refusal, std::string_view detail) {
  const std::string_view name = opening_    ? std::string_view(opening_->parser.hello().server_name)
                                : upstream_ ? std::string_view(upstream_->name())
                                            : std::string_view();
  worker_.count(refusal, peer_, name, detail);
  if (upstream_ && opening_) upstream_->traffic().refused.fetch_add(1, std::memory_order_relaxed);
  finish();
}

void Connection::on_ready(Side& side, std::uint32_t events) {
  if (opening_) {
    if (events & EPOLLIN) return read_hello();
    return finish();  // gone while its endpoint was dialled, or before it said anything
  }
  // What can still be read says more than that the other side has gone.
  Flow& out = &side == &client_ ? up_ : down_;
  Flow& in = &side == &client_ ? down_ : up_;
  Side& other = &side == &client_ ? server_ : client_;
  const bool reads = out.state() == Flow::State::reading;
  if (events & EPOLLOUT) move(in, other, side);
  if (over()) return finish();
  if (reads && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    move(out, side, other);
    if (over()) return finish();
  } else if (events & EPOLLERR) {
    return finish();
  } else if (events & EPOLLHUP && side.events == 0) {
    // Both directions of this socket have ended, and what it said waits for the other side: it would be told of for
    // ever.
    return forget(side);
  }
  watch_both();
}

void Connection::read_hello() {
  const std::span<char> scratch = worker_.loop().scratch();
  const ssize_t got = ::recv(client_.socket.get(), scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    if (opening_->received.empty()) return refuse(Refusal::closed_before_hello);
    return refuse(Refusal::malformed_hello, "closed within it");
  }
  const std::string_view bytes(scratch.data(), static_cast<std::size_t>(got));
  opening_->received.append(bytes);
  worker_.hold(bytes.size());
  switch (opening_->parser.take(bytes)) {
    case ClientHelloParser::State::more:
      worker_.make_room();  // which may be the end of this
      return;
    case ClientHelloParser::State::done:
      return route();
    case ClientHelloParser::State::failed:
      return refuse(refusal_of(opening_->parser.fault()), opening_->parser.detail());
  }
}

void Connection::route() {
  worker_.opened(place_);
  is_listed_opening_ = false;
  if (!worker_.make_room()) return refuse(Refusal::too_many_opening);
  upstream_ = worker_.shared().routes.find(opening_->parser.hello().server_name);
  if (!upstream_) return refuse(Refusal::unknown_name);
  // No more of it until there is somebody to take it; a reset is still told.
  watch(client_, 0);
  const Limits& limits = worker_.limits();
  opening_->deadline =
      worker_.loop().now() +
      (upstream_->is_servers_here() ? std::min(limits.dial_timeout, limits.servers_timeout) : limits.dial_timeout);
  dial();
}

/// Until when the endpoint may take the connection that is dialled next.
Clock::time_point Connection::dial_deadline(Clock::time_point now) const {
  const Limits& limits = worker_.limits();
  const Clock::time_point latest = std::min(now + limits.connect_timeout, opening_->deadline);
  if (!upstream_->is_servers_here()) return latest;
  // One that is silent leaves time for the others.
  const auto most = std::min<std::int64_t>(static_cast<std::int64_t>(upstream_->size()), limits.attempts);
  const auto others = std::max<std::int64_t>(most - static_cast<std::int64_t>(opening_->tried.size()), 0);
  return std::min(latest, now + (opening_->deadline - now) / (others + 1));
}

void Connection::dial() {
  const Clock::time_point now = worker_.loop().now();
  const bool may = std::cmp_less(opening_->tried.size(), worker_.limits().attempts) && now < opening_->deadline;
  bool leads_back = false;
  while (may) {
    const auto choice = upstream_->pick(now, worker_.random(), opening_->tried);
    if (!choice) break;
    opening_->tried.push_back(choice->id);
    if (worker_.shared().is_own(choice->address)) {
      // It would be accepted, routed and dialled again, until no descriptor is left.
      leads_back = true;
      upstream_->closed(choice->id);
      continue;
    }
    endpoint_ = choice->id;
    has_endpoint_ = true;
    opening_->endpoint = choice->address;
    opening_->dial = std::make_unique<Dial>(worker_.loop(), worker_.names(), choice->address, dial_deadline(now),
                                            [this](Result<Fd> result) { dialled(std::move(result)); });
    arm_timer();
    return;
  }
  if (opening_->tried.empty()) return refuse(Refusal::no_endpoints);
  refuse(leads_back && opening_->last_error.empty() ? Refusal::leads_back : Refusal::connect_failed,
         opening_->last_error);
}

void Connection::dialled(Result<Fd> result) {
  const Clock::time_point now = worker_.loop().now();
  if (result) {
    if (upstream_->connected(endpoint_, now)) {
      kLog.info("endpoint takes connections again",
                {{"route", upstream_->name()}, {"endpoint", to_string(opening_->endpoint)}});
    }
    server_.socket = std::move(*result);
    if (worker_.shared().is_own(server_.socket.get())) return refuse(Refusal::leads_back);
    return forward();
  }
  has_endpoint_ = false;
  opening_->last_error = result.error().detail;
  if (result.error().code == Errc::internal) {
    // Another endpoint would not help, and this one is not to blame.
    upstream_->closed(endpoint_);
    return refuse(Refusal::connect_failed, opening_->last_error);
  }
  const Failure failure = result.error().code == Errc::timeout ? Failure::timed_out : Failure::refused;
  const auto ejected = upstream_->failed(endpoint_, failure, now);
  if (ejected) {
    kLog.warn("endpoint gets no connections for a while", {{"route", upstream_->name()},
                                                           {"endpoint", to_string(opening_->endpoint)},
                                                           {"milliseconds", ejected->count()},
                                                           {"error", opening_->last_error}});
    if (worker_.shared().on_ejection) worker_.shared().on_ejection();
  } else if (const auto silent = worker_.shared().failures.may(0, now)) {
    kLog.info("endpoint refused a connection", {{"route", upstream_->name()},
                                                {"endpoint", to_string(opening_->endpoint)},
                                                {"error", opening_->last_error},
                                                {"left_out", *silent}});
  }
  opening_->dial.reset();
  dial();
}

void Connection::forward() {
  if (base::log::Logger::enabled(base::log::Level::debug)) {
    const ClientHello& hello = opening_->parser.hello();
    kLog.debug("forwarding", {{"from", peer_},
                              {"server_name", hello.server_name},
                              {"protocol", hello.protocols.empty() ? std::string() : hello.protocols.front()},
                              {"route", upstream_->name()},
                              {"endpoint", to_string(opening_->endpoint)}});
  }
  set_socket_options(client_.socket.get());
  set_socket_options(server_.socket.get());
  worker_.release(opening_->received.size());
  up_.preload(std::move(opening_->received));
  opening_.reset();
  last_ = forwarded_ = worker_.loop().now();
  Upstream::Traffic& traffic = upstream_->traffic();
  traffic.connections.fetch_add(1, std::memory_order_relaxed);
  traffic.active.fetch_add(1, std::memory_order_relaxed);
  move(up_, client_, server_);
  if (over()) return finish();
  arm_timer();
  watch_both();
}

void Connection::move(Flow& flow, Side& source, Side& sink) {
  const bool is_up = &flow == &up_;
  const std::size_t moved =
      flow.pump(source.socket.get(), sink.socket.get(), {worker_.pipes(), worker_.loop().scratch()});
  if (moved > 0) {
    last_ = worker_.loop().now();
    if (!is_up && !std::exchange(answered_, true) && has_endpoint_ && upstream_->answered(endpoint_, last_)) {
      kLog.info("endpoint answers again", {{"route", upstream_->name()}});
    }
    Upstream::Traffic& traffic = upstream_->traffic();
    (is_up ? traffic.bytes_up : traffic.bytes_down).fetch_add(moved, std::memory_order_relaxed);
  }
  bool& passed = is_up ? up_passed_ : down_passed_;
  if (flow.state() == Flow::State::ended && !std::exchange(passed, true)) ::shutdown(sink.socket.get(), SHUT_WR);
  is_clean_ = up_passed_ && down_passed_;
  // A client that has waited in vain has gone.
  if (is_up && !answered_ && (up_passed_ || flow.state() == Flow::State::source_lost) &&
      worker_.loop().now() >= forwarded_ + worker_.limits().silence) {
    silent();
  }
}

/// Nobody speaks at the endpoint, though it takes connections: others get them for a while.
void Connection::silent() {
  if (answered_ || down_passed_ || !std::exchange(has_endpoint_, false)) return;
  const auto ejected = upstream_->failed(endpoint_, Failure::silent, worker_.loop().now());
  if (!ejected) return;
  kLog.warn("endpoint gets no connections for a while", {{"route", upstream_->name()},
                                                         {"milliseconds", ejected->count()},
                                                         {"error", "it takes connections and does not answer"}});
  if (worker_.shared().on_ejection) worker_.shared().on_ejection();
}

bool Connection::over() const {
  const auto lost = [](const Flow& flow) {
    return flow.state() == Flow::State::source_lost || flow.state() == Flow::State::sink_lost;
  };
  return is_clean_ || lost(up_) || lost(down_);
}

void Connection::watch_both() {
  const auto wants = [](const Flow& out, const Flow& in) {
    return (out.state() == Flow::State::reading ? std::uint32_t{EPOLLIN} : 0) |
           (in.state() == Flow::State::full ? std::uint32_t{EPOLLOUT} : 0);
  };
  const auto apply = [this](Side& side, std::uint32_t events) {
    // Once forgotten, because it hung up, it stays so until there is something to ask.
    if (events != 0 || side.is_watched) watch(side, events);
  };
  apply(client_, wants(up_, down_));
  apply(server_, wants(down_, up_));
}

void Connection::review() {
  if (!is_listed_opening_) return arm_timer();
  if (worker_.drain_deadline() < deadline()) arm(worker_.loop(), worker_.drain_deadline());
}

void Connection::arm_timer() {
  Clock::time_point deadline = worker_.drain_deadline();
  if (const auto drain = upstream_->drain()) deadline = std::min(deadline, *drain);
  if (!opening_) {
    deadline = std::min(deadline, last_ + worker_.limits().idle_timeout);
    if (!answered_) deadline = std::min(deadline, last_ + worker_.limits().answer_timeout);
  }
  if (deadline == Clock::time_point::max()) return cancel();
  arm(worker_.loop(), deadline);
}

void Connection::on_timer() {
  const Clock::time_point now = worker_.loop().now();
  if (is_listed_opening_) return refuse(Refusal::hello_timeout);
  const auto drain = upstream_->drain();
  if (now >= worker_.drain_deadline() || (drain && now >= *drain)) return refuse(Refusal::drained);
  if (!opening_) {
    if (!answered_ && now >= last_ + worker_.limits().answer_timeout) {
      silent();
      return refuse(Refusal::no_answer);
    }
    if (now >= last_ + worker_.limits().idle_timeout) return refuse(Refusal::idle);
  }
  arm_timer();
}

}  // namespace proconsul::wanfed::gateway
