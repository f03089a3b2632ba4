// Sockets for tests of the gateway: blocking, on loopback, and none waits for more than some seconds.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/net/loop.h"
#include "base/net/socket.h"
#include "wanfed/gateway/gateway.h"

namespace proconsul::wanfed::gateway::testing {

using base::net::Fd;
using namespace std::chrono_literals;

inline std::string number(std::size_t value, int width) {
  std::string out;
  while (width-- > 0) out += static_cast<char>(value >> (8 * width) & 0xff);
  return out;
}
inline std::string vector(std::string_view bytes, int width) {
  return number(bytes.size(), width).append(bytes);
}
/// A ClientHello that names a server, in one record.
inline std::string hello_for(std::string_view name) {
  const std::string sni = number(0, 2) + vector(vector(std::string(1, '\0') + vector(name, 2), 2), 2);
  const std::string body = "\x03\x03" + std::string(32, 'r') + vector("", 1) + vector("\x13\x01", 2) +
                           vector(std::string(1, '\0'), 1) + vector(sni, 2);
  return "\x16\x03\x01" + vector("\x01" + vector(body, 3), 2);
}

inline void limit_waiting(int fd) {
  const timeval seconds{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof seconds);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &seconds, sizeof seconds);
}

inline bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}
/// So many bytes, or fewer if it ends or breaks before.
inline std::string receive(int fd, std::size_t size) {
  std::string out(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t some = ::recv(fd, out.data() + got, size - got, 0);
    if (some <= 0) break;
    got += static_cast<std::size_t>(some);
  }
  out.resize(got);
  return out;
}
enum class End { closed, reset, open };
/// How the connection ends, whatever comes before; `open` if it does not for some seconds.
inline End end_of(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got == 0) return End::closed;
    if (got < 0) return errno == ECONNRESET ? End::reset : End::open;
  }
}

inline Fd connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  limit_waiting(fd.get());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

/// True as soon as it holds, false if it does not within some seconds.
inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

/// Bytes that differ from place to place, so that a piece that is lost, doubled or moved shows.
inline std::string pattern(std::size_t size, std::uint32_t seed) {
  std::string out(size, '\0');
  for (char& byte : out) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return out;
}

/// Gives each connection to `serve`, on a thread of its own, until it goes.
class Server {
 public:
  using Serve = std::function<void(int fd)>;
  explicit Server(Serve serve, std::uint16_t port = 0) : serve_(std::move(serve)) {
    listener_ = std::move(*base::net::listen_tcp("127.0.0.1", port));
    port_ = base::net::local_port(listener_.get());
    accepting_ = std::jthread([this](const std::stop_token& stop) { accept(stop); });
  }
  ~Server() {
    accepting_.request_stop();
    accepting_.join();
    for (const Fd& each : open_) ::shutdown(each.get(), SHUT_RDWR);
    serving_.clear();
  }
  std::uint16_t port() const { return port_; }
  Address address() const { return {"127.0.0.1", port_}; }
  int accepted() const { return accepted_; }

 private:
  void accept(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) continue;
      limit_waiting(fd.get());
      ++accepted_;
      open_.push_back(std::move(fd));
      // The descriptor stays until the end, so that none is reused under a thread that still ends.
      serving_.emplace_back([this, number = open_.back().get()] {
        serve_(number);
        ::shutdown(number, SHUT_WR);
      });
    }
  }
  Serve serve_;
  Fd listener_{};
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::list<Fd> open_{};
  std::list<std::jthread> serving_{};
  std::jthread accepting_{};
};

/// Sends back what comes.
inline void echo(int fd) {
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0 || !send_all(fd, std::string_view(buffer).substr(0, static_cast<std::size_t>(got)))) return;
  }
}

/// A port at which nobody listens, and nobody else will as long as it lives.
class DeadPort {
 public:
  DeadPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Address address() const { return {"127.0.0.1", base::net::local_port(fd_.get())}; }
  void listen() { EXPECT_EQ(::listen(fd_.get(), 64), 0); }

 private:
  Fd fd_;
};

/// A port at which packets vanish: nobody takes what waits, and no more may.
class BlackHole {
 public:
  BlackHole() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 0), 0);
    address.sin_port = htons(base::net::local_port(listener_.get()));
    for (int i = 0; i < 4; ++i) {
      waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(waiting_.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  Address address() const { return {"127.0.0.1", base::net::local_port(listener_.get())}; }

 private:
  Fd listener_;
  std::list<Fd> waiting_{};
};

/// A gateway on loops of its own, at one port.
struct Running {
  explicit Running(Options options = {}, std::size_t threads = 2) : loops(threads), gateway(loops, options) {
    EXPECT_TRUE(gateway.listen({{"127.0.0.1", 0}}));
    port = gateway.listening().front().port;
  }
  using Service = Topology::Service;
  RouteChanges route(std::vector<Service> services) {
    return gateway.set_routes(std::make_shared<const RouteTable>(
        Topology{.datacenter = "dc1", .trust_domain = "td", .services = std::move(services)}));
  }
  /// A connection that has sent its hello.
  Fd open(std::string_view name) const {
    Fd fd = connect_to(port);
    EXPECT_TRUE(fd);
    send_all(fd.get(), hello_for(name));
    return fd;
  }
  std::uint64_t refused(Refusal refusal) const { return gateway.snapshot().refused[static_cast<std::size_t>(refusal)]; }
  RouteSnapshot route_of(std::string_view name) const {
    for (RouteSnapshot& each : gateway.snapshot().routes) {
      if (each.name == name) return each;
    }
    return {};
  }
  base::net::Loops loops;
  Gateway gateway;
  std::uint16_t port = 0;
};

/// The hello came back: a server that echoes is at the other end.
inline bool answers(int fd, std::string_view name) {
  const std::string hello = hello_for(name);
  return receive(fd, hello.size()) == hello;
}

}  // namespace proconsul::wanfed::gateway::testing
