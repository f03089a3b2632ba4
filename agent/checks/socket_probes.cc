// TCP, with and without TLS: passing if the connection comes about. UDP: passing unless the datagram is refused.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "agent/checks/probes.h"
#include "base/net/connection.h"

namespace proconsul::agent::checks {

using base::net::Connection;
using base::net::Endpoint;
using base::net::parse_target;
using base::net::Resolver;
using base::net::SocketAddress;
using base::net::Target;
namespace {

using base::net::Clock;

Clock::duration timeout_of(const catalog::CheckType& check) {
  return std::chrono::nanoseconds((check.Timeout.nanoseconds > 0 ? check.Timeout : kDefaultTimeout).nanoseconds);
}

class TcpProbe final : public Probe, Connection::User, base::net::Timer {
 public:
  TcpProbe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user)
      : Probe(user), surroundings_(surroundings), timeout_(timeout_of(check)) {
    endpoint_.address = check.TCP;
    if (!check.TCPUseTLS) return;
    endpoint_.tls = surroundings.tls;
    endpoint_.peer = {.name = check.TLSServerName, .verify = !check.TLSSkipVerify};
  }

  void start() override {
    const Clock::time_point deadline = Clock::now() + timeout_;
    connection_ = std::make_unique<Connection>(surroundings_.loop, surroundings_.resolver, endpoint_,
                                               static_cast<Connection::User&>(*this));
    arm(surroundings_.loop, deadline);
    connection_->open(deadline);
  }

 private:
  void end(std::string_view status, std::string output) {
    cancel();
    connection_.reset();
    finish(status, std::move(output));
  }
  void connected() override {
    end(catalog::kHealthPassing,
        (endpoint_.tls ? "TCP+TLS connect " : "TCP connect ") + endpoint_.address + ": Success");
  }
  void received(std::string_view) override {}
  void ended(const std::string& reason) override { end(catalog::kHealthCritical, reason); }
  void on_timer() override { end(catalog::kHealthCritical, "dial tcp " + endpoint_.address + ": i/o timeout"); }

  Surroundings& surroundings_;
  const Clock::duration timeout_;
  Endpoint endpoint_{};
  std::unique_ptr<Connection> connection_{};
};

class UdpProbe final : public Probe, base::net::Pollable, base::net::Timer {
 public:
  UdpProbe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user)
      : Probe(user), surroundings_(surroundings), address_(check.UDP), timeout_(timeout_of(check)) {}
  ~UdpProbe() override { close(); }

  void start() override {
    base::Result<Target> target = parse_target("udp", address_);
    if (!target) return end(catalog::kHealthCritical, target.error().detail);
    arm(surroundings_.loop, Clock::now() + timeout_);
    if (target->literal.size > 0) return send(target->literal);
    wanted_ = std::make_shared<int>();
    surroundings_.resolver.resolve(target->host, target->port, surroundings_.loop, wanted_,
                                   [this](Resolver::Answer answer) {
                                     if (!answer) {
                                       return end(catalog::kHealthCritical, "dial udp: " + answer.error().detail);
                                     }
                                     send(answer->front());
                                   });
  }

 private:
  void send(const SocketAddress& address) {
    socket_ = base::net::Fd(::socket(address.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_ || ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) != 0) {
      return end(catalog::kHealthCritical,
                 "dial udp " + address_ + (socket_ ? ": connect: " : ": socket: ") + base::net::errno_text(errno));
    }
    if (::send(socket_.get(), "", 0, MSG_NOSIGNAL) < 0) return failed("write", errno);
    surroundings_.loop.watch(socket_.get(), EPOLLIN, this);
  }

  void on_ready(std::uint32_t) override {
    char byte = 0;
    if (::recv(socket_.get(), &byte, 1, 0) >= 0) return succeeded();
    if (errno == EAGAIN || errno == EINTR) return;
    failed("read", errno);
  }

  // No answer is no fault: many services answer only what they understand. A closed port says so by itself.
  void on_timer() override {
    if (socket_) return succeeded();
    end(catalog::kHealthCritical, "dial udp " + address_ + ": i/o timeout");
  }

  void succeeded() { end(catalog::kHealthPassing, "UDP connect " + address_ + ": Success"); }
  void failed(const std::string& operation, int error) {
    end(catalog::kHealthCritical, operation + " udp " + base::net::local_name(socket_.get()) + "->" +
                                      base::net::peer_name(socket_.get()) + ": " + operation + ": " +
                                      base::net::errno_text(error));
  }
  void end(std::string_view status, std::string output) {
    close();
    finish(status, std::move(output));
  }
  void close() {
    cancel();
    wanted_.reset();
    if (socket_) surroundings_.loop.forget(socket_.get(), this);
    socket_.reset();
  }

  Surroundings& surroundings_;
  const std::string address_;
  const Clock::duration timeout_;
  base::net::Fd socket_{};
  std::shared_ptr<int> wanted_{};  // while a name is being resolved
};

}  // namespace

std::unique_ptr<Probe> make_tcp_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<TcpProbe>(check, surroundings, user);
}
std::unique_ptr<Probe> make_udp_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<UdpProbe>(check, surroundings, user);
}

}  // namespace proconsul::agent::checks
