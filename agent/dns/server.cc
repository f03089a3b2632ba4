#include "agent/dns/server.h"

#include <vector>

#include "agent/dns/sockets.h"
#include "agent/dns/worker.h"

namespace proconsul::agent::dns {

struct DnsServer::Impl {
  base::net::Loops& loops;
  Shared shared;
  std::vector<std::unique_ptr<Worker>> workers{};
  bool stopped = false;
};

DnsServer::DnsServer(base::net::Loops& loops, server::Server* server, rpc::Caller* caller, Eyes eyes, Settings settings)
    : impl_(new Impl{.loops = loops,
                     .shared = {.server = server,
                                .caller = caller,
                                .eyes = eyes,
                                .nothing = server == nullptr ? catalog::Store().view() : catalog::ViewPtr()}}) {
  const auto shared = std::make_shared<const Settings>(std::move(settings));
  for (std::size_t i = 0; i < loops.size(); ++i) {
    impl_->workers.push_back(std::make_unique<Worker>(loops[i], impl_->shared, shared));
  }
}

DnsServer::~DnsServer() {
  stop();
}

base::Result<std::uint16_t> DnsServer::listen(const config::Address& address) {
  const bool udp = address.kind == config::Address::Kind::udp;
  base::Result<std::vector<base::net::Fd>> sockets =
      base::net::listen_shared(address.ip.to_string(), static_cast<std::uint16_t>(address.port),
                               udp ? base::net::Datagrams::yes : base::net::Datagrams::no, impl_->workers.size());
  if (!sockets) return sockets.error();
  const std::uint16_t port = base::net::local_port(sockets->front().get());
  for (std::size_t i = 0; i < impl_->workers.size(); ++i) {
    Worker& worker = *impl_->workers[i];
    worker.loop().run([&] {
      if (udp) {
        worker.add_udp(std::move((*sockets)[i]), address.ip.is_any());
      } else {
        worker.add_tcp(std::move((*sockets)[i]));
      }
    });
  }
  return port;
}

void DnsServer::ask(base::net::Loop& loop, std::string_view message, Caller caller,
                    std::move_only_function<void(std::string_view)> done) {
  Client client;
  client.transport = caller.udp ? Transport::udp : Transport::tcp;
  client.address = caller.from;
  client.address_size = caller.from_size;
  if (!caller.token.empty()) client.token = std::make_shared<const std::string>(std::move(caller.token));
  impl_->workers[loop.number()]->ask(message, std::move(client), std::move(done));
}

void DnsServer::reload(Settings settings) {
  const auto shared = std::make_shared<const Settings>(std::move(settings));
  for (const auto& worker : impl_->workers) worker->loop().run([&] { worker->reload(shared); });
}

void DnsServer::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  for (const auto& worker : impl_->workers) worker->loop().run([&] { worker->shut(); });
  // What was posted as the sockets closed has run when these have.
  for (const auto& worker : impl_->workers) worker->loop().run([] {});
}

DnsServer::Counts DnsServer::counts() const {
  Counts counts;
  for (const auto& worker : impl_->workers) {
    worker->loop().run([&] {
      counts.tcp_connections += worker->connections();
      counts.waiting += worker->waiting();
    });
  }
  return counts;
}

}  // namespace proconsul::agent::dns
