#include "gossip/swim/sockets.h"

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace proconsul::gossip::swim {
namespace {

using base::Errc;
using base::Result;

constexpr int kReceiveBuffer = 2 << 20;  // bytes; the kernel may allow less
constexpr int kMaxRounds = 8;            // batches, before others on the loop get their turn
constexpr std::chrono::seconds kFinishTime{5};
constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

}  // namespace

socklen_t to_socket_address(const Address& address, int family, sockaddr_storage& out) {
  std::string_view ip = address.ip;
  if (ip.size() == 16 && ip.starts_with(kMapped)) ip.remove_prefix(kMapped.size());
  if (ip.size() == 4 && family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, ip.data(), ip.size());
    return sizeof v4;
  }
  if ((ip.size() == 4 || ip.size() == 16) && family == AF_INET6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    v6 = {};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    auto* bytes = reinterpret_cast<char*>(&v6.sin6_addr);
    if (ip.size() == 4) std::memcpy(bytes, kMapped.data(), kMapped.size());
    std::memcpy(bytes + (16 - ip.size()), ip.data(), ip.size());
    return sizeof v6;
  }
  return 0;
}

Address from_socket_address(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return {std::string(reinterpret_cast<const char*>(&v4.sin_addr), 4), ntohs(v4.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::string ip(reinterpret_cast<const char*>(&v6.sin6_addr), 16);
    if (ip.starts_with(kMapped)) ip.erase(0, kMapped.size());
    return {std::move(ip), ntohs(v6.sin6_port)};
  }
  return {};
}

UdpSocket::UdpSocket(base::net::Loop& loop, base::net::Fd socket, int family, PacketSink& sink)
    : loop_(loop),
      socket_(std::move(socket)),
      family_(family),
      sink_(sink),
      in_(std::make_unique_for_overwrite<char[]>(kBatch * kMaxDatagram)) {
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  loop_.watch(socket_.get(), EPOLLIN, this);
}

UdpSocket::~UdpSocket() {
  loop_.forget(socket_.get(), this);
}

void UdpSocket::on_ready(std::uint32_t) {
  drain();
}

void UdpSocket::drain() {
  for (int round = 0; round < kMaxRounds; ++round) {
    if (take_batch() < kBatch) return;
  }
}

std::size_t UdpSocket::take_batch() {
  for (std::size_t i = 0; i < kBatch; ++i) {
    pieces_[i] = {.iov_base = in_.get() + i * kMaxDatagram, .iov_len = kMaxDatagram};
    msghdr& head = heads_[i].msg_hdr;
    head = {};
    head.msg_name = &addresses_[i];
    head.msg_namelen = sizeof addresses_[i];
    head.msg_iov = &pieces_[i];
    head.msg_iovlen = 1;
  }
  const int count = ::recvmmsg(socket_.get(), heads_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    sink_.packet(from_socket_address(addresses_[i]), {in_.get() + i * kMaxDatagram, heads_[i].msg_len});
  }
  sink_.packets_taken();
  return static_cast<std::size_t>(count);
}

void UdpSocket::send(std::vector<Packet>& packets) {
  for (std::size_t begin = 0; begin < packets.size();) {
    std::array<mmsghdr, kBatch> heads{};
    std::array<iovec, kBatch> pieces{};
    std::array<sockaddr_storage, kBatch> addresses;
    std::array<const Packet*, kBatch> whose{};
    std::size_t count = 0;
    for (; begin < packets.size() && count < kBatch; ++begin) {
      Packet& packet = packets[begin];
      const socklen_t size = to_socket_address(packet.to, family_, addresses[count]);
      if (size == 0) {
        sink_.packet_not_sent(packet.to, EAFNOSUPPORT);
        continue;
      }
      pieces[count] = {.iov_base = packet.bytes.data(), .iov_len = packet.bytes.size()};
      whose[count] = &packet;
      msghdr& head = heads[count].msg_hdr;
      head.msg_name = &addresses[count];
      head.msg_namelen = size;
      head.msg_iov = &pieces[count];
      head.msg_iovlen = 1;
      ++count;
    }
    for (std::size_t sent = 0; sent < count;) {
      const int put = ::sendmmsg(socket_.get(), heads.data() + sent, static_cast<unsigned>(count - sent), MSG_DONTWAIT);
      if (put > 0) {
        sent += static_cast<std::size_t>(put);
      } else if (errno != EINTR) {
        // Faster than the network, or not to be sent at all: as if it had been lost on the way.
        sink_.packet_not_sent(whose[sent]->to, errno);
        ++sent;
      }
    }
  }
}

TcpStream::TcpStream(base::net::Loop& loop, base::net::Fd socket, StreamId id, StreamSink& sink, std::size_t& unsent,
                     bool connecting)
    : loop_(loop), socket_(std::move(socket)), id_(id), sink_(sink), unsent_(unsent), connecting_(connecting) {
  events_ = connecting_ ? EPOLLOUT : EPOLLIN;
  loop_.watch(socket_.get(), events_, this);
}

TcpStream::~TcpStream() {
  retire();
}

void TcpStream::retire() {
  if (!socket_) return;
  loop_.forget(socket_.get(), this);
  socket_.reset();
  unsent_ -= out_.size();
  out_.clear();
  cancel();
}

void TcpStream::watch() {
  std::uint32_t wanted = 0;
  if (connecting_ || sent_ < out_.size()) wanted |= EPOLLOUT;
  if (!connecting_ && !ended_) wanted |= EPOLLIN;
  if (wanted == events_ || !socket_) return;
  events_ = wanted;
  loop_.rewatch(socket_.get(), wanted, this);
}

void TcpStream::send(std::string bytes) {
  unsent_ += bytes.size();
  if (out_.empty()) {
    out_ = std::move(bytes);
  } else {
    out_ += bytes;
  }
  if (!connecting_) (void)flush();
}

bool TcpStream::flush() {
  while (sent_ < out_.size()) {
    const ssize_t put = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) {
      sent_ += static_cast<std::size_t>(put);
    } else if (put < 0 && errno == EINTR) {
      continue;
    } else if (put < 0 && errno == EAGAIN) {
      break;
    } else {
      // Not from here: whoever sends does not expect the stream to be gone. The loop reports the error at once.
      ended_ = false;
      sent_ = out_.size();
    }
  }
  if (sent_ == out_.size() && !out_.empty()) {
    unsent_ -= out_.size();
    std::string().swap(out_);
    sent_ = 0;
  }
  if (finishing_ && out_.empty()) {
    // Closed at once, with bytes that nobody read, the kernel would take back what it has not delivered yet.
    ::shutdown(socket_.get(), SHUT_WR);
    if (ended_) {
      sink_.stream_gone(*this);
      return false;
    }
  }
  watch();
  return true;
}

void TcpStream::finish() {
  if (!socket_) return;
  finishing_ = true;
  if (connecting_) {
    sink_.stream_gone(*this);
    return;
  }
  arm(loop_, base::net::Clock::now() + kFinishTime);
  (void)flush();
}

void TcpStream::on_timer() {
  sink_.stream_gone(*this);
}

void TcpStream::fail(int error) {
  if (!finishing_) {
    finishing_ = true;
    sink_.stream_closed(id_,
                        Result<>(Errc::unavailable, (connecting_ ? "connect: " : "") + base::net::errno_text(error)));
  }
  sink_.stream_gone(*this);
}

void TcpStream::on_ready(std::uint32_t events) {
  if (connecting_ || (events & (EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(error);
  }
  if (connecting_) {
    connecting_ = false;
    watch();
    sink_.stream_opened(id_);  // which may end it
    return;
  }
  if ((events & EPOLLOUT) != 0 && !flush()) return;
  if (ended_ && (events & EPOLLHUP) != 0) return sink_.stream_gone(*this);  // in both directions
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || ended_) return;

  const std::span<char> buffer = loop_.scratch();
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) {
    if (!finishing_) sink_.stream_bytes(id_, {buffer.data(), static_cast<std::size_t>(got)});
    return;  // level-triggered: the rest comes with the next event
  }
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) fail(errno);
    return;
  }
  ended_ = true;
  if (!finishing_) {
    watch();
    sink_.stream_closed(id_, {});
  } else if (out_.empty()) {
    sink_.stream_gone(*this);
  } else {
    watch();
  }
}

}  // namespace proconsul::gossip::swim
