// A TCP connection, plain or with TLS, as a channel; and how to get one to somewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/net/channel.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/net/tls.h"

namespace proconsul::base::net {

class TcpChannel final : public Channel, Pollable, public std::enable_shared_from_this<TcpChannel> {
 public:
  /// A connection that stands, non-blocking; with TLS, its handshake is done. On the loop's thread.
  static std::shared_ptr<TcpChannel> adopt(Loop& loop, Fd socket, std::unique_ptr<TlsStream> tls = nullptr);
  ~TcpChannel() override;

  void set_user(User* user) override;
  void send(std::string_view data) override;
  std::size_t unsent() const override { return unsent_.size() - sent_; }
  void consumed(std::size_t bytes) override;
  void finish() override;
  void close() override;
  bool closed() const override { return !socket_; }

  /// "10.0.0.1:51234"
  const std::string& peer() const { return peer_; }
  const TlsStream* tls() const { return tls_.get(); }

 private:
  TcpChannel(Loop& loop, Fd socket, std::unique_ptr<TlsStream> tls);
  void on_ready(std::uint32_t events) override;
  void read();
  bool read_once();
  void flush();
  void end(Error reason);
  void watch();

  Loop& loop_;
  Fd socket_;
  std::unique_ptr<TlsStream> tls_;
  std::string peer_;
  User* user_ = nullptr;
  std::uint32_t watched_ = 0;
  std::string unsent_{};
  std::size_t sent_ = 0;
  std::size_t unread_ = 0;  // received, not consumed
  bool finish_wanted_ = false;
  bool finish_sent_ = false;
  bool peer_finished_ = false;
  bool wants_write_ = false;       // the socket is full
  bool read_wants_write_ = false;  // TLS: reading goes on when the socket takes more
  bool in_event_ = false;          // the socket told that it takes more
  bool broken_ = false;
};

struct Destination {
  std::string address{};              // "10.0.0.1:8300", "[::1]:8300": no names
  std::string source{};               // an IP address to come from; empty: any
  std::string preface{};              // sent as it is, before TLS
  std::shared_ptr<TlsContext> tls{};  // null: plain
  TlsPeer peer{};
  std::string refusal{};                // not empty: there is no way there, and this is the error
  std::function<void(bool)> reached{};  // told once whether it was; on the loop, before whoever connects
};

/// A connection on its way; destroying it gives it up.
class Attempt {
 public:
  virtual ~Attempt() = default;
};

/// Connects, does the TLS handshake, and calls `done` once, on the loop and never from within this call. Error texts
/// are those of Go's net package: "dial tcp 10.0.0.1:8300: connect: connection refused". Call on the loop's thread.
std::unique_ptr<Attempt> connect(Loop& loop, Destination destination, Clock::time_point deadline,
                                 std::move_only_function<void(Result<std::shared_ptr<TcpChannel>>)> done);

}  // namespace proconsul::base::net
