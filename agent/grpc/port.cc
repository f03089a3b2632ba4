#include "agent/grpc/port.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <unordered_map>
#include <utility>

#include "base/log.h"

namespace proconsul::agent::grpc {

using base::Result;
using base::net::Clock;
using base::net::Fd;
using base::net::Loop;
using base::net::Pollable;
using base::net::Timer;
using base::net::TlsContext;
using base::net::TlsStream;
using Need = TlsStream::Need;

namespace {

const base::log::Logger kLog("agent.grpc.external");

}  // namespace

void Certificate::set(std::shared_ptr<TlsContext> context) {
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
}

std::shared_ptr<TlsContext> Certificate::get() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

/// Connections that are open. Shared: the last of them may outlive the port.
struct Port::Places {
  explicit Places(std::size_t most_) : most(most_) {}
  /// Null: there is none left.
  static std::shared_ptr<const void> enter(const std::shared_ptr<Places>& places) {
    if (places->open.fetch_add(1) < places->most) {
      return {places.get(), [places](const void*) { --places->open; }};
    }
    --places->open;
    return nullptr;
  }
  const std::size_t most;
  std::atomic<std::size_t> open{0};
};

/// What lives on one loop.
struct Port::Worker {
  explicit Worker(Loop& on) : loop(on) {}
  void drop(Greeting& greeting);
  Loop& loop;
  bool stopped = false;
  std::unordered_map<Greeting*, std::unique_ptr<Greeting>> greetings{};
};

/// A connection whose TLS handshake is under way.
class Port::Greeting final : Pollable, Timer {
 public:
  Greeting(Port& port, Worker& worker, Fd socket, std::shared_ptr<TlsContext> context,
           std::shared_ptr<const void> place)
      : port_(port),
        worker_(worker),
        socket_(std::move(socket)),
        tls_(std::make_unique<TlsStream>(std::move(context), socket_.get())),
        place_(std::move(place)) {}
  ~Greeting() override { forget(); }
  void start() {
    arm(worker_.loop, Clock::now() + port_.options_.handshake_timeout);
    go_on();
  }
  void forget() {
    cancel();
    if (std::exchange(watched_, 0) != 0) worker_.loop.forget(socket_.get(), this);
  }

 private:
  void on_ready(std::uint32_t) override { go_on(); }
  void on_timer() override { worker_.drop(*this); }
  void go_on() {
    const TlsStream::Progress progress = tls_->handshake();
    if (progress.need == Need::read) return watch(EPOLLIN);
    if (progress.need == Need::write) return watch(EPOLLOUT);
    if (progress.need == Need::none) {
      forget();
      port_.server_.accept(std::move(socket_), std::move(tls_), std::move(place_));
    } else {
      kLog.warn("TLS handshake failed", {{"from", base::net::peer_name(socket_.get())},
                                         {"error", tls_->reason().empty() ? "EOF" : tls_->reason()}});
    }
    worker_.drop(*this);
  }
  void watch(std::uint32_t events) {
    if (watched_ == events) return;
    watched_ == 0 ? worker_.loop.watch(socket_.get(), events, this) : worker_.loop.rewatch(socket_.get(), events, this);
    watched_ = events;
  }

  Port& port_;
  Worker& worker_;
  Fd socket_;
  std::unique_ptr<TlsStream> tls_;
  std::shared_ptr<const void> place_;
  std::uint32_t watched_ = 0;
};

void Port::Worker::drop(Greeting& greeting) {
  const auto found = greetings.find(&greeting);
  if (found == greetings.end()) return;
  greeting.forget();
  loop.post([dead = std::move(found->second)] {});  // it is on the stack
  greetings.erase(found);
}

Port::Port(base::net::Loops& loops, Server& server, Options options)
    : loops_(loops), server_(server), options_(options), places_(std::make_shared<Places>(options.most_connections)) {
  for (std::size_t i = 0; i < loops.size(); ++i) workers_.push_back(std::make_unique<Worker>(loops[i]));
}

Port::~Port() {
  stop();
}

Result<std::uint16_t> Port::listen_tcp(const std::string& ip, std::uint16_t port,
                                       std::shared_ptr<const Certificate> certificate) {
  Result<Fd> listener = base::net::listen_tcp(ip, port);
  if (!listener) return listener.error();
  const std::uint16_t bound = base::net::local_port(listener->get());
  accept(std::move(*listener), std::move(certificate));
  return bound;
}

Result<> Port::listen_unix(const std::string& path, const std::string& user, const std::string& group,
                           const std::string& mode, std::shared_ptr<const Certificate> certificate) {
  Result<Fd> listener = base::net::listen_unix(path, user, group, mode);
  if (!listener) return listener.error();
  socket_files_.push_back(path);
  accept(std::move(*listener), std::move(certificate));
  return {};
}

void Port::accept(Fd listener, std::shared_ptr<const Certificate> certificate) {
  loops_[0].run([&] {
    acceptors_.push_back(std::make_unique<base::net::Acceptor>(
        loops_[0], std::move(listener),
        [this, certificate = std::move(certificate)](Fd socket) { take(std::move(socket), certificate); }));
  });
}

void Port::take(Fd socket, const std::shared_ptr<const Certificate>& certificate) {
  std::shared_ptr<const void> place = Places::enter(places_);
  if (!place) {
    return kLog.warn("too many gRPC connections", {{"from", base::net::peer_name(socket.get())}});
  }
  if (!certificate) return server_.accept(std::move(socket), nullptr, std::move(place));
  std::shared_ptr<TlsContext> context = certificate->get();
  if (!context) {
    return kLog.warn("TLS handshake failed",
                     {{"from", base::net::peer_name(socket.get())}, {"error", "tls: no certificates configured"}});
  }
  Worker& worker = *workers_[loops_.next().number()];
  worker.loop.post([this, &worker, socket = std::move(socket), context = std::move(context),
                    place = std::move(place)]() mutable {
    if (worker.stopped) return;
    auto greeting = std::make_unique<Greeting>(*this, worker, std::move(socket), std::move(context), std::move(place));
    Greeting& begun = *greeting;
    worker.greetings.emplace(&begun, std::move(greeting));
    begun.start();
  });
}

void Port::stop() {
  if (std::exchange(stopped_, true)) return;
  loops_[0].run([this] { acceptors_.clear(); });
  for (const auto& worker : workers_) {
    worker->loop.run([&worker] {
      worker->stopped = true;
      worker->greetings.clear();
    });
  }
  for (const std::string& path : socket_files_) ::unlink(path.c_str());
}

}  // namespace proconsul::agent::grpc
