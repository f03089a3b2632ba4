#include <sys/epoll.h>

#include <cerrno>
#include <cstring>

#include "agent/dns/sockets.h"

namespace proconsul::agent::dns {
namespace {

constexpr int kReceiveBuffer = 1 << 20;  // bytes; the kernel may allow less
constexpr int kMaxRounds = 8;            // batches, before others on the loop get their turn

}  // namespace

UdpSocket::UdpSocket(Worker& worker, base::net::Fd socket, bool any_address)
    : worker_(worker),
      socket_(std::move(socket)),
      any_address_(any_address),
      in_(std::make_unique_for_overwrite<char[]>(kBatch * kMaxDatagram)),
      out_(std::make_unique_for_overwrite<char[]>(kBatch * kBufferSize)) {
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (any_address_) {
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  worker_.loop().watch(socket_.get(), EPOLLIN, this);
}

UdpSocket::~UdpSocket() {
  worker_.loop().forget(socket_.get(), this);
}

void UdpSocket::read_control(msghdr& message, Client& client) const {
  client.local_family = AF_UNSPEC;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(head), sizeof info);
      std::memcpy(&client.local, &info.ipi_addr, sizeof info.ipi_addr);
      client.local_family = AF_INET;
    } else if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(head), sizeof info);
      client.local = info.ipi6_addr;
      client.local_family = AF_INET6;
    }
  }
}

void UdpSocket::write_control(const Client& client, msghdr& message, Control& control) {
  message.msg_control = nullptr;
  message.msg_controllen = 0;
  if (client.local_family == AF_UNSPEC) return;
  std::memset(&control, 0, sizeof control);
  message.msg_control = &control;
  if (client.local_family == AF_INET) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, &client.local, sizeof info.ipi_spec_dst);
    message.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = IPPROTO_IP;
    head->cmsg_type = IP_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(head), &info, sizeof info);
  } else {
    in6_pktinfo info{};
    info.ipi6_addr = client.local;
    message.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = IPPROTO_IPV6;
    head->cmsg_type = IPV6_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(head), &info, sizeof info);
  }
}

void UdpSocket::on_ready(std::uint32_t) {
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
    if (any_address_) {
      head.msg_control = &controls_[i];
      head.msg_controllen = sizeof controls_[i];
    }
  }
  const int count = ::recvmmsg(socket_.get(), heads_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  worker_.begin_batch();
  Client client;
  client.transport = Transport::udp;
  client.socket = this;
  std::size_t answers = 0;  // they take the places of messages that have been read
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    msghdr& head = heads_[i].msg_hdr;
    client.address = addresses_[i];
    client.address_size = head.msg_namelen;
    if (any_address_) read_control(head, client);
    const std::span<char> out(out_.get() + answers * kBufferSize, kBufferSize);
    const std::size_t size = worker_.answer({in_.get() + i * kMaxDatagram, heads_[i].msg_len}, client, out);
    if (size == 0) continue;
    addresses_[answers] = client.address;
    pieces_[answers] = {.iov_base = out.data(), .iov_len = size};
    msghdr& reply = heads_[answers].msg_hdr;
    reply.msg_name = &addresses_[answers];
    reply.msg_namelen = client.address_size;
    reply.msg_iov = &pieces_[answers];
    reply.msg_iovlen = 1;
    write_control(client, reply, controls_[answers]);
    ++answers;
  }
  worker_.end_batch();
  for (std::size_t sent = 0; sent < answers;) {
    const int put =
        ::sendmmsg(socket_.get(), heads_.data() + sent, static_cast<unsigned>(answers - sent), MSG_DONTWAIT);
    if (put > 0) {
      sent += static_cast<std::size_t>(put);
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      break;  // faster than the network: who gets no answer asks again
    } else if (errno != EINTR) {
      ++sent;  // this one cannot be sent
    }
  }
  return static_cast<std::size_t>(count);
}

void UdpSocket::send(const Client& client, std::string_view answer) {
  iovec piece{.iov_base = const_cast<char*>(answer.data()), .iov_len = answer.size()};
  msghdr head{};
  head.msg_name = const_cast<sockaddr_storage*>(&client.address);
  head.msg_namelen = client.address_size;
  head.msg_iov = &piece;
  head.msg_iovlen = 1;
  Control control;
  write_control(client, head, control);
  (void)!::sendmsg(socket_.get(), &head, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace proconsul::agent::dns
