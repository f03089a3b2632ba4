#include "agent/http/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "agent/http/remembered_reads.h"
#include "agent/http/worker.h"
#include "base/net/socket.h"

namespace proconsul::agent::http {

using base::net::Acceptor;
using base::net::Fd;
using base::net::TlsContext;

struct HttpServer::Impl {
  Impl(base::net::Loops& all, Context& shared, std::span<const std::span<const Route>> routes,
       const ui_proxy::Site* site)
      : loops(all), context(shared), router(routes) {
    clients.set_most(context.settings.max_connections_per_client);
    for (std::size_t i = 0; i < loops.size(); ++i) {
      workers.push_back(std::make_unique<Worker>(loops[i], context, router, clients, remembered_reads, *cache, site));
    }
  }

  void take(Fd socket, const std::shared_ptr<TlsContext>& tls) {
    std::string remote = base::net::peer_name(socket.get());
    if (!clients.enter(remote)) {
      constexpr std::string_view kRefusal =
          "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 81\r\nConnection: "
          "close\r\n\r\n"
          "Your IP is issuing too many concurrent connections, please rate limit your calls\n";
      // Best effort, as a client that is over its limit is owed no waiting.
      if (!tls) (void)!::send(socket.get(), kRefusal.data(), kRefusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      return;
    }
    // In turn, so that every loop has its share: the kernel would give a burst of connections to whoever wakes first.
    workers[turn++ % workers.size()]->adopt(std::move(socket), tls, std::move(remote));
  }

  void accept(Fd listener, std::shared_ptr<TlsContext> tls) {
    loops[0].run([&] {
      acceptors.push_back(std::make_unique<Acceptor>(
          loops[0], std::move(listener), [this, tls = std::move(tls)](Fd socket) { take(std::move(socket), tls); }));
    });
  }

  base::net::Loops& loops;
  Context& context;
  Router router;
  base::net::ClientLimit clients;
  RememberedReads remembered_reads;
  std::shared_ptr<AnswerCache> cache = std::make_shared<AnswerCache>(context, AnswerCache::Options{});
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<Acceptor>> acceptors;  // on loop 0
  std::vector<std::string> socket_files;
  std::size_t turn = 0;
  bool stopped = false;
};

HttpServer::HttpServer(base::net::Loops& loops, Context& context, std::span<const std::span<const Route>> routes,
                       const ui_proxy::Site* site)
    : impl_(std::make_unique<Impl>(loops, context, routes, site)) {}

void HttpServer::limit_connections(std::int64_t most) {
  impl_->clients.set_most(most);
}

void HttpServer::limit_cache(double fetch_rate, std::int64_t fetch_burst) {
  impl_->cache->limit(fetch_rate, fetch_burst);
}

HttpServer::~HttpServer() {
  stop();
}

base::Result<std::uint16_t> HttpServer::listen_tcp(const std::string& ip, std::uint16_t port,
                                                   std::shared_ptr<TlsContext> tls) {
  base::Result<Fd> listener = base::net::listen_tcp(ip, port);
  if (!listener) return listener.error();
  const std::uint16_t bound = base::net::local_port(listener->get());
  impl_->accept(std::move(*listener), std::move(tls));
  return bound;
}

base::Result<> HttpServer::listen_unix(const std::string& path, const std::string& user, const std::string& group,
                                       const std::string& mode) {
  base::Result<Fd> listener = base::net::listen_unix(path, user, group, mode);
  if (!listener) return listener.error();
  impl_->socket_files.push_back(path);
  impl_->accept(std::move(*listener), nullptr);
  return {};
}

void HttpServer::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->loops[0].run([&] { impl_->acceptors.clear(); });
  impl_->cache->stop();
  for (const auto& worker : impl_->workers) worker->loop().run([&] { worker->shut(); });
  // What the connections posted as they closed has run when these have.
  for (const auto& worker : impl_->workers) worker->loop().run([] {});
  for (const std::string& path : impl_->socket_files) ::unlink(path.c_str());
}

std::size_t HttpServer::connections() const {
  std::size_t count = 0;
  for (const auto& worker : impl_->workers) worker->loop().run([&] { count += worker->connections(); });
  return count;
}

}  // namespace proconsul::agent::http
