#include "agent/rpc/port.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/metrics.h"
#include "base/net/tcp_channel.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Fd;
using base::net::TcpChannel;
using base::net::TlsStream;
using base::net::YamuxSession;
using Need = TlsStream::Need;

namespace {

constexpr std::uint8_t kLastKind = static_cast<std::uint8_t>(Kind::raft_forwarding);

/// Counts a connection among its client's as long as somebody holds it.
struct Place {
  Place(std::shared_ptr<base::net::ClientLimit> of, std::string from) : limit(std::move(of)), remote(std::move(from)) {}
  Place(const Place&) = delete;
  ~Place() { limit->leave(remote); }
  const std::shared_ptr<base::net::ClientLimit> limit;
  const std::string remote;
};

}  // namespace

/// A connection that has not said yet what it is.
class Port::Greeting final : base::net::Pollable, base::net::Timer {
 public:
  enum class Stage : std::uint8_t { first_byte, handshake, second_byte };

  Greeting(Port& port, Worker& worker, Fd fd, std::shared_ptr<const Place> of)
      : socket(std::move(fd)), place(std::move(of)), port_(port), worker_(worker) {}
  ~Greeting() override { forget(); }
  void start();
  void handshake(const std::shared_ptr<base::net::TlsContext>& context, Kind kind);
  /// The loop watches it no longer.
  void forget();

  Fd socket;
  std::unique_ptr<TlsStream> tls{};
  const std::shared_ptr<const Place> place;
  Kind outer = Kind::consul;  // with TLS: 3, 7, or 0 for TLS from the first byte on

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  void first_byte();
  void go_on();
  void second_byte();
  void rearm();
  void watch(std::uint32_t events);
  void fail(const std::string& what, const std::string& error);

  Port& port_;
  Worker& worker_;
  Stage stage_ = Stage::first_byte;
  std::uint32_t watched_ = 0;
};

/// What lives on one loop.
struct Port::Worker {
  Worker(base::net::Loop& on, Dispatcher& dispatcher, const Serving::Options& options)
      : loop(on), serving(std::make_unique<Serving>(on, dispatcher, options)) {}
  base::net::Loop& loop;
  std::unique_ptr<Serving> serving;
  std::shared_ptr<const Tls> tls;
  std::unordered_map<Greeting*, std::unique_ptr<Greeting>> greetings;
  std::unordered_map<YamuxSession*, std::shared_ptr<YamuxSession>> sessions;
  std::vector<std::unique_ptr<base::net::Acceptor>> acceptors;
  bool stopped = false;
};

void Port::Greeting::start() {
  rearm();
  watch(EPOLLIN);
}

void Port::Greeting::rearm() {
  if (port_.options_.handshake_timeout.count() > 0) arm(worker_.loop, Clock::now() + port_.options_.handshake_timeout);
}

void Port::Greeting::watch(std::uint32_t events) {
  if (watched_ == 0) {
    worker_.loop.watch(socket.get(), events, this);
  } else if (watched_ != events) {
    worker_.loop.rewatch(socket.get(), events, this);
  }
  watched_ = events;
}

void Port::Greeting::forget() {
  cancel();
  if (watched_ != 0) worker_.loop.forget(socket.get(), this);
  watched_ = 0;
}

void Port::Greeting::on_ready(std::uint32_t) {
  switch (stage_) {
    case Stage::first_byte:
      return first_byte();
    case Stage::handshake:
      return go_on();
    case Stage::second_byte:
      return second_byte();
  }
}

void Port::Greeting::on_timer() {
  fail("failed to read byte", "i/o timeout");
}

void Port::Greeting::fail(const std::string& what, const std::string& error) {
  port_.log_.error(what, {{"from", place->remote}, {"error", error}});
  port_.drop(worker_, *this);
}

void Port::Greeting::first_byte() {
  // TLS from the first byte on needs that byte itself.
  const bool native = worker_.tls->native != nullptr;
  char byte = 0;
  const ssize_t got = ::recv(socket.get(), &byte, 1, native ? MSG_PEEK : 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return fail("failed to read byte", base::net::errno_text(errno));
  if (got == 0) return port_.drop(worker_, *this);
  const auto kind = static_cast<std::uint8_t>(byte);
  if (native && kind > kLastKind) return handshake(worker_.tls->native, Kind::consul);
  if (native) ::recv(socket.get(), &byte, 1, 0);
  port_.greet(worker_, *this, static_cast<Kind>(kind));
}

void Port::Greeting::handshake(const std::shared_ptr<base::net::TlsContext>& context, Kind kind) {
  outer = kind;
  tls = std::make_unique<TlsStream>(context, socket.get());
  stage_ = Stage::handshake;
  rearm();
  go_on();
}

void Port::Greeting::go_on() {
  const TlsStream::Progress progress = tls->handshake();
  if (progress.need == Need::read) return watch(EPOLLIN);
  if (progress.need == Need::write) return watch(EPOLLOUT);
  if (progress.need != Need::none) return fail("TLS handshake failed", tls->reason().empty() ? "EOF" : tls->reason());
  if (outer == Kind::consul) return port_.greet_protocol(worker_, *this);
  if (outer == Kind::tls_insecure) return port_.greet(worker_, *this, Kind::tls_insecure);
  stage_ = Stage::second_byte;
  second_byte();
}

void Port::Greeting::second_byte() {
  char byte = 0;
  const TlsStream::Progress progress = tls->read(&byte, 1);
  if (progress.need == Need::read) return watch(EPOLLIN);
  if (progress.need == Need::write) return watch(EPOLLOUT);
  if (progress.need == Need::closed) return port_.drop(worker_, *this);
  if (progress.need == Need::failed) return fail("failed to read byte", tls->reason());
  port_.greet(worker_, *this, static_cast<Kind>(static_cast<std::uint8_t>(byte)));
}

Port::Port(base::net::Loops& loops, Dispatcher& dispatcher, Options options)
    : loops_(loops), dispatcher_(dispatcher), options_(std::move(options)) {
  limit_->set_most(options_.most_connections_per_client);
  const auto tls = std::make_shared<const Tls>(options_.tls);
  for (std::size_t i = 0; i < loops.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(loops[i], dispatcher_, options_.serving));
    workers_.back()->tls = tls;
  }
}

Port::~Port() {
  stop();
}

void Port::stop() {
  if (std::exchange(stopped_, true)) return;
  for (const auto& worker : workers_) {
    worker->loop.run([&worker] {
      worker->stopped = true;
      worker->acceptors.clear();
      worker->greetings.clear();
      worker->serving.reset();
      for (const auto& [key, session] : std::exchange(worker->sessions, {})) session->close();
    });
  }
}

void Port::set_tls(Tls tls) {
  const auto shared = std::make_shared<const Tls>(std::move(tls));
  for (const auto& worker : workers_) {
    worker->loop.post([&worker = *worker, shared] { worker.tls = shared; });
  }
}

Result<std::uint16_t> Port::listen(const std::string& ip, std::uint16_t port) {
  Result<Fd> listener = base::net::listen_tcp(ip, port);
  if (!listener) return listener.error();
  const std::uint16_t taken = base::net::local_port(listener->get());
  Worker& first = *workers_.front();
  first.loop.run([&] {
    first.acceptors.push_back(std::make_unique<base::net::Acceptor>(first.loop, std::move(*listener), [this](Fd fd) {
      Worker& worker = *workers_[loops_.next().number()];
      worker.loop.post([this, &worker, fd = std::move(fd)]() mutable { accept(worker, std::move(fd)); });
    }));
  });
  return taken;
}

void Port::accept(Worker& worker, Fd socket) {
  if (worker.stopped) return;
  std::string remote = base::net::peer_name(socket.get());
  if (!limit_->enter(remote)) {
    return log_.error("rejecting RPC conn from because rpc_max_conns_per_client exceeded", {{"from", remote}});
  }
  static const base::metrics::Counter kAccepted = base::metrics::counter("rpc.accept_conn");
  kAccepted.add();
  auto greeting = std::make_unique<Greeting>(*this, worker, std::move(socket),
                                             std::make_shared<const Place>(limit_, std::move(remote)));
  Greeting& begun = *greeting;
  worker.greetings.emplace(&begun, std::move(greeting));
  begun.start();
}

/// It is on the stack: it dies when its handler has returned.
void Port::drop(Worker& worker, Greeting& greeting) {
  const auto found = worker.greetings.find(&greeting);
  if (found == worker.greetings.end()) return;
  greeting.forget();
  greeting.socket.reset();
  worker.loop.post([dead = std::move(found->second)] {});
  worker.greetings.erase(found);
}

bool Port::is_server(const Worker& worker, const Greeting& greeting) {
  if (!greeting.tls || !worker.tls->authorize_server) return true;
  const Result<> authorized = worker.tls->authorize_server(*greeting.tls);
  if (!authorized) log_.warn(authorized.error().detail, {{"from", greeting.place->remote}, {"operation", "raft RPC"}});
  return authorized.has_value();
}

void Port::hand_over(Worker& worker, Greeting& greeting, const TakeOver& taker) {
  greeting.forget();
  if (taker) taker(std::move(greeting.socket), std::move(greeting.tls), greeting.place);
  drop(worker, greeting);
}

/// Keeps the connection's place until its channel goes.
static base::net::ChannelPtr channel_of(base::net::Loop& loop, Fd socket, std::unique_ptr<TlsStream> tls,
                                        std::shared_ptr<const Place> place) {
  std::shared_ptr<TcpChannel> channel = TcpChannel::adopt(loop, std::move(socket), std::move(tls));
  auto* raw = channel.get();
  return {raw, [channel = std::move(channel), place = std::move(place)](base::net::Channel*) mutable {
            channel.reset();
            place.reset();
          }};
}

void Port::greet(Worker& worker, Greeting& greeting, Kind kind) {
  const std::string& from = greeting.place->remote;
  const bool inside_tls = greeting.tls != nullptr;
  if (!inside_tls && worker.tls->verify_incoming && kind != Kind::tls && kind != Kind::tls_insecure) {
    log_.warn("Non-TLS connection attempted with VerifyIncoming set", {{"from", from}});
    return drop(worker, greeting);
  }
  const bool insecure_rpc = inside_tls && greeting.outer == Kind::tls_insecure;
  if (inside_tls && !insecure_rpc && (kind == Kind::tls || kind == Kind::tls_insecure)) {
    log_.error("TLS connection attempting to establish inner TLS connection", {{"from", from}});
    return drop(worker, greeting);
  }
  switch (insecure_rpc ? Kind::consul : kind) {
    case Kind::consul: {
      greeting.forget();
      const auto methods = insecure_rpc ? Serving::Methods::insecure : Serving::Methods::all;
      worker.serving->serve(
          channel_of(worker.loop, std::move(greeting.socket), std::move(greeting.tls), greeting.place), from, methods);
      return drop(worker, greeting);
    }
    case Kind::raft: {
      if (!is_server(worker, greeting)) return drop(worker, greeting);
      static const base::metrics::Counter kHandedOff = base::metrics::counter("rpc.raft_handoff");
      kHandedOff.add();
      return hand_over(worker, greeting, options_.raft);
    }
    case Kind::tls:
    case Kind::tls_insecure: {
      const auto& context = kind == Kind::tls ? worker.tls->context : worker.tls->insecure;
      if (context) return greeting.handshake(context, kind);
      log_.error("TLS handshake failed", {{"from", from}, {"error", "tls: no certificates configured"}});
      return drop(worker, greeting);
    }
    case Kind::multiplex:
      return multiplex(worker, greeting);
    case Kind::snapshot:
      return hand_over(worker, greeting, options_.snapshot);
    case Kind::grpc:
      return hand_over(worker, greeting, options_.grpc);
    case Kind::raft_forwarding:
      if (!is_server(worker, greeting)) return drop(worker, greeting);
      return hand_over(worker, greeting, options_.raft_forwarding);
    case Kind::multiplex_v1:
    case Kind::gossip:
      break;
  }
  log_.error("unrecognized RPC byte", {{"byte", std::to_string(static_cast<int>(kind))}, {"from", from}});
  drop(worker, greeting);
}

void Port::greet_protocol(Worker& worker, Greeting& greeting) {
  const std::string protocol(greeting.tls->protocol());
  if (protocol == "consul/rpc-single") return greet(worker, greeting, Kind::consul);
  if (protocol == "consul/rpc-multi") return greet(worker, greeting, Kind::multiplex);
  if (protocol == "consul/raft") return greet(worker, greeting, Kind::raft);
  if (protocol == "consul/rpc-snapshot") return greet(worker, greeting, Kind::snapshot);
  if (protocol == "consul/rpc-grpc") return greet(worker, greeting, Kind::grpc);
  if (protocol == "consul/raft-forwarding") return greet(worker, greeting, Kind::raft_forwarding);
  if (protocol == "consul/wan-gossip/packet") return hand_over(worker, greeting, options_.wan_gossip_packet);
  if (protocol == "consul/wan-gossip/stream") return hand_over(worker, greeting, options_.wan_gossip_stream);
  log_.error("discarding RPC for unknown negotiated protocol",
             {{"protocol", protocol}, {"from", greeting.place->remote}});
  drop(worker, greeting);
}

void Port::multiplex(Worker& worker, Greeting& greeting) {
  greeting.forget();
  const std::string from = greeting.place->remote;
  // Both callbacks come on the worker's loop.
  const auto key = std::make_shared<YamuxSession*>(nullptr);
  std::shared_ptr<YamuxSession> session = YamuxSession::start(
      worker.loop, channel_of(worker.loop, std::move(greeting.socket), std::move(greeting.tls), greeting.place),
      {.most_incoming = options_.most_streams},
      {.incoming =
           [&worker, from](base::net::ChannelPtr stream) {
             if (worker.serving) worker.serving->serve(std::move(stream), from);
           },
       .ended =
           [this, &worker, key, from](const Error& reason) {
             if (reason.code != Errc::eof) {
               log_.error("multiplex conn accept failed", {{"from", from}, {"error", reason}});
             }
             worker.sessions.erase(*key);
           }});
  *key = session.get();
  worker.sessions.emplace(session.get(), std::move(session));
  drop(worker, greeting);
}

}  // namespace proconsul::agent::rpc
