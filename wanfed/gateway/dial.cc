#include "wanfed/gateway/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace proconsul::wanfed::gateway {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Fd;

constexpr auto kFresh = std::chrono::seconds(5);
constexpr std::size_t kMostNames = 1024;
constexpr std::size_t kMostAddresses = 4;  // of one name, tried by one connection

void set_port(base::net::SocketAddress& address, std::uint16_t port) {
  if (address.address.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address.address).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(address.address).sin6_port = htons(port);
  }
}

}  // namespace

void set_socket_options(int fd) {
  const int on = 1, idle = 60, interval = 15, count = 5;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

void reset_connection(Fd socket) {
  if (!socket) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void NameCache::resolve(const std::string& host, std::weak_ptr<void> wanted, Done done) {
  if (entries_.size() >= kMostNames) {
    std::erase_if(entries_, [](const auto& entry) { return entry.second.waiters.empty(); });
  }
  Entry& entry = entries_[host];
  if (loop_.now() < entry.fresh_until) return done(entry.addresses);
  entry.waiters.push_back({std::move(wanted), std::move(done)});
  if (entry.waiters.size() > 1) return;  // it is being asked
  resolver_.resolve(host, 0, loop_, alive_,
                    [this, host](base::net::Resolver::Answer answer) { answered(host, std::move(answer)); });
}

void NameCache::answered(const std::string& host, base::net::Resolver::Answer answer) {
  Entry& entry = entries_[host];
  if (answer) entry.addresses = std::move(*answer);
  Result<Addresses> result = entry.addresses;
  if (entry.addresses.empty()) {
    result = answer ? Error{Errc::not_found, "lookup " + host + ": no such host"} : answer.error();
  } else {
    entry.fresh_until = loop_.now() + kFresh;
  }
  // They may ask for further names.
  for (Waiter& waiter : std::exchange(entry.waiters, {})) {
    if (!waiter.wanted.expired()) waiter.done(result);
  }
}

Dial::Dial(base::net::Loop& loop, NameCache& names, const Address& address, Clock::time_point deadline, Done done)
    : loop_(loop), name_(to_string(address)), port_(address.port), deadline_(deadline), done_(std::move(done)) {
  arm(loop_, deadline_);
  if (base::net::SocketAddress known; base::net::parse_address(address.host, port_, known)) {
    begin({known});
    return;
  }
  alive_ = std::make_shared<int>(0);
  names.resolve(address.host, alive_, [this](const Result<NameCache::Addresses>& answer) {
    if (!answer) return finish_later({Errc::unavailable, "dial tcp: " + answer.error().detail});
    begin(*answer);
  });
}

Dial::~Dial() {
  unwatch();
}

void Dial::begin(NameCache::Addresses addresses) {
  addresses_ = std::move(addresses);
  if (addresses_.size() > kMostAddresses) addresses_.resize(kMostAddresses);
  next();
}

void Dial::next() {
  base::net::SocketAddress& to = addresses_[tried_++];
  set_port(to, port_);
  socket_ = Fd(::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return failed_here(errno);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0 && errno != EINPROGRESS) {
    const bool is_ours = errno == EADDRNOTAVAIL || errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
    return is_ours ? failed_here(errno) : failed(errno);
  }
  // Of several addresses none may take all of the time.
  const auto share = (deadline_ - loop_.now()) / static_cast<int>(addresses_.size() - tried_ + 1);
  arm(loop_, loop_.now() + share);
  loop_.watch(socket_.get(), EPOLLOUT, this);
  watched_ = true;
}

void Dial::on_ready(std::uint32_t) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return failed(error);
  unwatch();
  finish(std::move(socket_));
}

void Dial::unwatch() {
  if (std::exchange(watched_, false)) loop_.forget(socket_.get(), this);
}

void Dial::on_timer() {
  if (outcome_) return finish(std::move(*outcome_));
  failed(ETIMEDOUT);
}

void Dial::failed(int error) {
  unwatch();
  socket_.reset();
  if (tried_ < addresses_.size() && loop_.now() < deadline_) return next();
  if (error == ETIMEDOUT) return finish_later({Errc::timeout, "dial tcp " + name_ + ": i/o timeout"});
  finish_later({Errc::unavailable, "dial tcp " + name_ + ": connect: " + base::net::errno_text(error)});
}

void Dial::failed_here(int error) {
  socket_.reset();
  finish_later({Errc::internal, "dial tcp " + name_ + ": " + base::net::errno_text(error)});
}

void Dial::finish_later(Error error) {
  outcome_ = std::make_unique<Error>(std::move(error));
  // Put off: the caller must not be told from within its own call.
  arm(loop_, loop_.now());
}

void Dial::finish(Result<Fd> result) {
  unwatch();
  cancel();
  Done done = std::move(done_);
  done(std::move(result));  // which may be the end of this
}

}  // namespace proconsul::wanfed::gateway
