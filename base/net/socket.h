// File descriptors and the sockets an agent opens: listeners on TCP and unix paths, and the names of peers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::base::net {

/// Closes its descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The error number in Go's words: "connection refused".
std::string errno_text(int error);
/// Error text as Go's: "listen tcp 127.0.0.1:8500: bind: address already in use". Port 0 takes a free one.
Result<Fd> listen_tcp(const std::string& ip, std::uint16_t port);
/// Sockets that share one address: each thread has its own, and the kernel spreads what comes. The first one alone is
/// refused when somebody else has the address. TCP listens.
enum class Datagrams : bool { no, yes };
Result<std::vector<Fd>> listen_shared(const std::string& ip, std::uint16_t port, Datagrams datagrams,
                                      std::size_t count);
/// Replaces a stale socket file. `mode` is octal text ("0600"), user and group are names or numbers; empty: left alone.
Result<Fd> listen_unix(const std::string& path, const std::string& user, const std::string& group,
                       const std::string& mode);
/// "10.0.0.1:51234", "[::1]:5", or "@" for a unix socket.
std::string peer_name(int fd);
std::string local_name(int fd);
std::uint16_t local_port(int fd);

/// Accepts on one loop and gives each connection, non-blocking and without delay, to `take` there.
class Acceptor final : Pollable, Timer {
 public:
  Acceptor(Loop& loop, Fd listener, std::function<void(Fd)> take);
  ~Acceptor() override;
  int fd() const { return listener_.get(); }

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  Loop& loop_;
  Fd listener_;
  std::function<void(Fd)> take_;
};

}  // namespace proconsul::base::net
