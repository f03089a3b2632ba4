// A driver's sockets: datagrams by the batch, and streams that send what they were given before they end.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/result.h"
#include "gossip/swim/effects.h"

namespace proconsul::gossip::swim {

/// A socket address and how long it is; 0: `address` is none that `family` could reach.
socklen_t to_socket_address(const Address& address, int family, sockaddr_storage& out);
Address from_socket_address(const sockaddr_storage& address);

class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void packet(const Address& from, std::string_view bytes) = 0;
  /// After each batch.
  virtual void packets_taken() = 0;
  virtual void packet_not_sent(const Address& to, int error) = 0;
};

class UdpSocket final : base::net::Pollable {
 public:
  UdpSocket(base::net::Loop& loop, base::net::Fd socket, int family, PacketSink& sink);
  ~UdpSocket() override;
  void send(std::vector<Packet>& packets);
  /// Takes what has come already.
  void drain();

 private:
  static constexpr std::size_t kBatch = 32;
  static constexpr std::size_t kMaxDatagram = 65536;

  void on_ready(std::uint32_t events) override;
  std::size_t take_batch();

  base::net::Loop& loop_;
  base::net::Fd socket_;
  int family_;
  PacketSink& sink_;
  std::unique_ptr<char[]> in_;  // never touched beyond what datagrams fill, so mostly not there
  std::array<mmsghdr, kBatch> heads_{};
  std::array<iovec, kBatch> pieces_{};
  std::array<sockaddr_storage, kBatch> addresses_{};
};

class TcpStream;

class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void stream_opened(StreamId stream) = 0;
  virtual void stream_bytes(StreamId stream, std::string_view bytes) = 0;
  virtual void stream_closed(StreamId stream, base::Result<> error) = 0;
  /// It is of no more use; the sink destroys it.
  virtual void stream_gone(TcpStream& stream) = 0;
};

class TcpStream final : base::net::Pollable, base::net::Timer {
 public:
  /// `unsent`: bytes that all streams of a driver hold, kept by them.
  TcpStream(base::net::Loop& loop, base::net::Fd socket, StreamId id, StreamSink& sink, std::size_t& unsent,
            bool connecting);
  ~TcpStream() override;
  void send(std::string bytes);
  /// Sends what is left, waits a little for the other side's end, and is gone. The sink hears no more of it but that.
  void finish();
  /// Lets go of the socket: nothing happens any more.
  void retire();

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  bool flush();          // false: it is gone
  void fail(int error);  // and then it is gone
  void watch();

  base::net::Loop& loop_;
  base::net::Fd socket_;
  StreamId id_;
  StreamSink& sink_;
  std::size_t& unsent_;
  std::string out_{};
  std::size_t sent_ = 0;
  bool connecting_;
  bool finishing_ = false;
  bool ended_ = false;  // the other side sends no more
  std::uint32_t events_ = 0;
};

}  // namespace proconsul::gossip::swim
