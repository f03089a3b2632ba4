// A worker's sockets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/dns/worker.h"
#include "base/net/loop.h"
#include "base/net/socket.h"

namespace proconsul::agent::dns {

/// Takes and answers datagrams by the batch.
class UdpSocket final : base::net::Pollable {
 public:
  /// `any_address`: bound to 0.0.0.0 or ::, so that answers must name the address that was asked as their source.
  UdpSocket(Worker& worker, base::net::Fd socket, bool any_address);
  ~UdpSocket() override;
  /// Best effort, as all of UDP is.
  void send(const Client& client, std::string_view answer);

 private:
  static constexpr std::size_t kBatch = 32;
  static constexpr std::size_t kMaxDatagram = 65536;
  union Control {
    cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
  };

  void on_ready(std::uint32_t events) override;
  std::size_t take_batch();
  void read_control(msghdr& message, Client& client) const;
  static void write_control(const Client& client, msghdr& message, Control& control);

  Worker& worker_;
  base::net::Fd socket_;
  const bool any_address_;
  // Never touched beyond what datagrams and answers fill, so mostly not there.
  std::unique_ptr<char[]> in_;
  std::unique_ptr<char[]> out_;
  std::array<mmsghdr, kBatch> heads_{};
  std::array<iovec, kBatch> pieces_{};
  std::array<sockaddr_storage, kBatch> addresses_{};
  std::array<Control, kBatch> controls_{};
};

/// One client's connection: messages after their lengths, answered in order.
class TcpConnection final : base::net::Pollable, base::net::Timer {
 public:
  TcpConnection(Worker& worker, std::uint64_t id, base::net::Fd socket);
  ~TcpConnection() override;
  /// An answer that took its time.
  void send(std::string_view answer);

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  bool read();   // false: the connection is gone
  bool serve();  // false: the connection is gone
  bool flush();  // false: the connection is gone
  void put(std::string_view answer);
  void watch();

  Worker& worker_;
  const std::uint64_t id_;
  base::net::Fd socket_;
  Client client_{};
  std::string in_{};
  std::string out_{};
  bool waiting_ = false;  // for an answer that comes later: nothing is read meanwhile
  bool ended_ = false;    // the client sends no more
  unsigned served_ = 0;
  std::uint32_t events_ = 0;
};

}  // namespace proconsul::agent::dns
