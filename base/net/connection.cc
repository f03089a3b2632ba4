#include "base/net/connection.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/strconv.h"

namespace proconsul::base::net {

using base::Errc;
using base::Error;
using base::Result;
using Need = TlsStream::Need;

namespace {

constexpr std::size_t kMostUnsent = 1 << 20;  // bytes; no probe sends more at once, unless its body is larger

std::string name_of(const SocketAddress& address) {
  if (address.address.ss_family == AF_INET) {  // without the general way's look at services and zones
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.address);
    char text[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ':' + std::to_string(ntohs(v4.sin_port));
  }
  char host[INET6_ADDRSTRLEN + 16] = "", port[8] = "";
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address.address), address.size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  return address.address.ss_family == AF_INET6 ? '[' + std::string(host) + "]:" + port : std::string(host) + ':' + port;
}

Result<std::uint16_t> parse_port(const std::string& network, const std::string& text) {
  if (text.empty()) return std::uint16_t{0};
  if (text.find_first_not_of("0123456789") == std::string::npos) {
    const Result<std::uint64_t> number = base::parse_uint(text, 10, 16);
    if (number) return static_cast<std::uint16_t>(*number);
    return Error{Errc::invalid_argument, "address " + text + ": invalid port"};
  }
  servent entry{}, *found = nullptr;
  std::array<char, 1024> buffer{};
  ::getservbyname_r(text.c_str(), network.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return ntohs(static_cast<std::uint16_t>(found->s_port));
  return Error{Errc::invalid_argument, "lookup " + network + '/' + text + ": unknown port"};
}

}  // namespace

Result<HostPort> split_host_port(const std::string& address) {
  const auto wrong = [&](const char* why) { return Error{Errc::invalid_argument, "address " + address + ": " + why}; };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return wrong("missing port in address");
  HostPort out;
  if (address[0] == '[') {
    const std::size_t end = address.find(']');
    if (end == std::string::npos) return wrong("missing ']' in address");
    if (end + 1 == address.size()) return wrong("missing port in address");
    if (end + 1 != colon) {
      return wrong(address[end + 1] == ':' ? "too many colons in address" : "missing port in address");
    }
    out.host = address.substr(1, end - 1);
    if (out.host.find('[') != std::string::npos) return wrong("unexpected '[' in address");
  } else {
    out.host = address.substr(0, colon);
    if (out.host.find(':') != std::string::npos) return wrong("too many colons in address");
    if (out.host.find('[') != std::string::npos) return wrong("unexpected '[' in address");
    if (out.host.find(']') != std::string::npos) return wrong("unexpected ']' in address");
  }
  out.port = address.substr(colon + 1);
  return out;
}

Result<Target> parse_target(const std::string& network, const std::string& address) {
  const auto failed = [&](const Error& error) { return Error{error.code, "dial " + network + ": " + error.detail}; };
  Result<HostPort> parts = split_host_port(address);
  if (!parts) return failed(parts.error());
  const Result<std::uint16_t> port = parse_port(network, parts->port);
  if (!port) return failed(port.error());
  Target target{.host = std::move(parts->host), .port = *port, .literal = {}};
  if (!parse_address(target.host.empty() ? "127.0.0.1" : target.host, target.port, target.literal)) {
    target.literal = {};
  }
  return target;
}

Connection::Connection(Loop& loop, Resolver& resolver, Endpoint endpoint, User& user)
    : loop_(loop), resolver_(resolver), endpoint_(std::move(endpoint)), user_(user) {}

Connection::~Connection() {
  close();
  if (gone_ != nullptr) *gone_ = true;
}

void Connection::close() {
  cancel();
  tls_.reset();
  if (fd_) loop_.forget(fd_.get(), this);
  fd_.reset();
  watched_ = 0;
}

void Connection::open(Clock::time_point deadline, std::string first) {
  unsent_ = std::move(first);
  knows_first_ = true;
  open(deadline);
}

void Connection::open(Clock::time_point deadline) {
  deadline_ = deadline;
  if (endpoint_.is_unix) {
    SocketAddress address;
    auto& path = reinterpret_cast<sockaddr_un&>(address.address);
    dialed_ = endpoint_.address;
    if (endpoint_.address.size() >= sizeof path.sun_path) {
      return fail_soon("dial unix " + dialed_ + ": connect: invalid argument");
    }
    path.sun_family = AF_UNIX;
    std::memcpy(path.sun_path, endpoint_.address.data(), endpoint_.address.size());
    address.size = sizeof path;
    return connect(address);
  }
  Result<Target> target = parse_target("tcp", endpoint_.address);
  if (!target) return fail_soon(target.error().detail);
  if (endpoint_.tls && endpoint_.peer.name.empty()) endpoint_.peer.name = target->host;
  if (target->literal.size > 0) {
    dialed_ = target->host.empty() ? endpoint_.address : name_of(target->literal);
    return connect(target->literal);
  }
  state_ = State::resolving;
  alive_ = std::make_shared<int>();
  resolver_.resolve(target->host, target->port, loop_, alive_, [this](Resolver::Answer answer) {
    alive_.reset();
    if (!answer) return fail("dial tcp: " + answer.error().detail);
    addresses_ = std::move(*answer);
    std::reverse(addresses_.begin(), addresses_.end());
    connect_next();
  });
}

void Connection::connect_next() {
  const SocketAddress address = addresses_.back();
  // An address that swallows everything must leave time for the others.
  const Clock::duration share = (deadline_ - Clock::now()) / static_cast<std::int64_t>(addresses_.size());
  addresses_.pop_back();
  dialed_ = name_of(address);
  if (!addresses_.empty()) arm(loop_, Clock::now() + share);
  connect(address);
}

void Connection::connect(const SocketAddress& address) {
  const int family = address.address.ss_family;
  fd_ = Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return fail_soon(dial_failure("socket", errno));
  if (family != AF_UNIX && endpoint_.tls) {  // its handshake is many small pieces; a plain request is one
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  state_ = State::connecting;
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) != 0 &&
      errno != EINPROGRESS) {
    return fail_soon(dial_failure("connect", errno));
  }
  if (knows_first_ && sent_first()) return;
  watch(EPOLLOUT);  // ready at once if it is connected already
}

/// A near peer has answered by the time that connect() returns, so that its saying so needs no wait. False: not yet.
bool Connection::sent_first() {
  const ssize_t written = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (written < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return false;
    fail_soon(dial_failure("connect", errno));  // the socket tells its error once
    return true;
  }
  cancel();
  state_ = State::open;
  unsent_.erase(0, static_cast<std::size_t>(written));
  watch(unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  return true;
}

void Connection::connected_socket() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return attempt_failed(dial_failure("connect", error));
  cancel();
  if (endpoint_.tls) {
    state_ = State::handshaking;
    tls_ = std::make_unique<TlsStream>(endpoint_.tls, fd_.get(), endpoint_.peer);
    return handshake();
  }
  state_ = State::open;
  if (knows_first_) return flush();
  watch(EPOLLIN);
  user_.connected();
}

void Connection::handshake() {
  const auto progress = tls_->handshake();
  switch (progress.need) {
    case Need::none:
      state_ = State::open;
      watch(EPOLLIN);
      return user_.connected();
    case Need::read:
      return watch(EPOLLIN);
    case Need::write:
      return watch(EPOLLOUT);
    case Need::closed:
      return fail("EOF");
    case Need::failed:
      return fail(tls_->reason());
  }
}

void Connection::send(std::string_view data) {
  unsent_ += data;
  flush();
}

void Connection::flush() {
  std::size_t sent = 0;
  std::uint32_t events = EPOLLIN;
  while (sent < unsent_.size()) {
    const std::string_view rest = std::string_view(unsent_).substr(sent);
    if (tls_) {
      const auto progress = tls_->write(rest);
      sent += progress.bytes;
      if (progress.need == Need::none) continue;
      if (progress.need == Need::write) events |= EPOLLOUT;
      // With Need::read the write goes on after the next read. A failure shows when reading, with what the peer said.
      break;
    }
    const ssize_t written = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written >= 0) {
      sent += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) events |= EPOLLOUT;
      break;
    }
  }
  unsent_.erase(0, sent);
  if (unsent_.empty() && unsent_.capacity() > kMostUnsent) unsent_ = {};
  watch(events);
}

void Connection::read() {
  // One piece per wake-up, so that a peer that floods leaves room for others; TLS may hold more than the socket shows.
  for (;;) {
    const std::span<char> buffer = loop_.scratch();
    std::size_t size = 0;
    if (tls_) {
      const auto progress = tls_->read(buffer.data(), buffer.size());
      size = progress.bytes;
      if (progress.need == Need::write) return watch(EPOLLIN | EPOLLOUT);
      if (progress.need == Need::read) return unsent_.empty() ? void() : flush();
      if (progress.need == Need::closed) return fail("EOF");
      if (progress.need == Need::failed) return fail(tls_->reason());
    } else {
      const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) {
        if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) return;
        return fail(socket_error("read", errno));
      }
      size = static_cast<std::size_t>(got);
    }
    if (size == 0) return fail("EOF");
    bool gone = false;
    gone_ = &gone;
    user_.received({buffer.data(), size});
    if (gone) return;
    gone_ = nullptr;
    if (!tls_) return;
  }
}

void Connection::watch(std::uint32_t events) {
  if (watched_ == events) return;
  if (watched_ == 0) {
    loop_.watch(fd_.get(), events, this);
  } else {
    loop_.rewatch(fd_.get(), events, this);
  }
  watched_ = events;
}

void Connection::on_ready(std::uint32_t events) {
  switch (state_) {
    case State::connecting:
      return connected_socket();
    case State::handshaking:
      return handshake();
    case State::open:
      if ((events & EPOLLOUT) != 0) {
        flush();
        if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
      }
      return read();
    case State::idle:
    case State::resolving:
    case State::over:
      return;
  }
}

void Connection::on_timer() {
  if (!pending_failure_.empty()) return attempt_failed(std::move(pending_failure_));
  attempt_failed("dial tcp " + dialed_ + ": i/o timeout");
}

void Connection::fail_soon(std::string reason) {
  pending_failure_ = std::move(reason);
  arm(loop_, loop_.now());
}

void Connection::attempt_failed(std::string reason) {
  pending_failure_.clear();
  close();
  if (first_failure_.empty()) first_failure_ = std::move(reason);
  if (!addresses_.empty()) return connect_next();
  fail(first_failure_);
}

void Connection::fail(std::string reason) {
  close();
  state_ = State::over;
  user_.ended(reason);
}

std::string Connection::dial_failure(const char* call, int error) const {
  return (endpoint_.is_unix ? "dial unix " : "dial tcp ") + dialed_ + ": " + call + ": " + errno_text(error);
}

std::string Connection::socket_error(const char* operation, int error) const {
  const std::string text = std::string(operation) + ": " + errno_text(error);
  if (endpoint_.is_unix) return std::string(operation) + " unix @->" + endpoint_.address + ": " + text;
  return std::string(operation) + " tcp " + local_name(fd_.get()) + "->" + dialed_ + ": " + text;
}

}  // namespace proconsul::base::net
