#include "base/net/tcp_channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/strconv.h"

namespace proconsul::base::net {

using Need = TlsStream::Need;

namespace {

constexpr std::size_t kKeptCapacity = 64 * 1024;

/// As Go's listener and dialer set it: a peer that vanished without a word is noticed in some minutes.
void keep_alive(int fd) {
  const int on = 1, seconds = 15;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

TcpChannel::TcpChannel(Loop& loop, Fd socket, std::unique_ptr<TlsStream> tls)
    : loop_(loop), socket_(std::move(socket)), tls_(std::move(tls)), peer_(peer_name(socket_.get())) {
  keep_alive(socket_.get());
}

std::shared_ptr<TcpChannel> TcpChannel::adopt(Loop& loop, Fd socket, std::unique_ptr<TlsStream> tls) {
  return std::shared_ptr<TcpChannel>(new TcpChannel(loop, std::move(socket), std::move(tls)));
}

TcpChannel::~TcpChannel() {
  close();
}

void TcpChannel::set_user(User* user) {
  user_ = user;
  if (closed() || !user) return;
  watch();
  // Bytes that TLS has decrypted already do not show at the socket.
  if (tls_ && watched_ != 0) {
    loop_.post([self = weak_from_this()] {
      if (const auto channel = self.lock(); channel && channel->user_ && !channel->closed()) channel->read();
    });
  }
}

void TcpChannel::watch() {
  if (closed()) return;
  std::uint32_t events = 0;
  if (user_ && !peer_finished_ && unread_ < kChannelWindow) events |= EPOLLIN;
  if (wants_write_ || read_wants_write_) events |= EPOLLOUT;
  if (events == watched_) return;
  if (watched_ == 0) {
    loop_.watch(socket_.get(), events, this);
  } else if (events == 0) {
    // Not merely without events: a hang-up would be reported again and again.
    loop_.forget(socket_.get(), this);
  } else {
    loop_.rewatch(socket_.get(), events, this);
  }
  watched_ = events;
}

void TcpChannel::on_ready(std::uint32_t events) {
  const auto self = shared_from_this();
  if (events & EPOLLOUT) {
    wants_write_ = false;
    in_event_ = true;
    flush();
    in_event_ = false;
    if (closed()) return;
    if (std::exchange(read_wants_write_, false)) events |= EPOLLIN;
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    if (user_ && !peer_finished_ && unread_ < kChannelWindow) {
      read();
    } else if (events & (EPOLLHUP | EPOLLERR)) {
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      return end({Errc::eof, error != 0 ? errno_text(error) : "EOF"});
    }
  }
  watch();
}

void TcpChannel::read() {
  const auto self = shared_from_this();
  // TLS may hold more than the socket shows; a plain connection leaves the rest to the next round, and others their
  // turn.
  while (read_once() && tls_) {
  }
  watch();
}

/// True: there may be more.
bool TcpChannel::read_once() {
  if (closed() || !user_ || peer_finished_ || unread_ >= kChannelWindow) return false;
  const std::span<char> buffer = loop_.scratch();
  std::size_t size = 0;
  if (tls_) {
    const TlsStream::Progress progress = tls_->read(buffer.data(), buffer.size());
    if (progress.need == Need::read) return false;
    if (progress.need == Need::write) {
      read_wants_write_ = true;
      return false;
    }
    if (progress.need == Need::failed) {
      broken_ = true;
      end({Errc::eof, tls_->reason()});
      return false;
    }
    size = progress.need == Need::closed ? 0 : progress.bytes;
  } else {
    ssize_t got = 0;
    do {
      got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      if (errno == EAGAIN) return false;
      end({Errc::eof, "read tcp " + local_name(socket_.get()) + "->" + peer_ + ": read: " + errno_text(errno)});
      return false;
    }
    size = static_cast<std::size_t>(got);
  }
  if (size == 0) {
    peer_finished_ = true;
    user_->finished();
    if (finish_sent_) close();
    return false;
  }
  unread_ += size;
  user_->received({buffer.data(), size});
  return true;
}

void TcpChannel::consumed(std::size_t bytes) {
  const bool was_full = unread_ >= kChannelWindow;
  unread_ -= std::min(bytes, unread_);
  if (!was_full || unread_ >= kChannelWindow || closed()) return;
  watch();
  if (tls_) set_user(user_);
}

void TcpChannel::send(std::string_view data) {
  if (closed() || finish_wanted_ || data.empty()) return;
  if (unsent_.empty() && !tls_) {
    // Most messages go at once, without a copy.
    ssize_t written = 0;
    do {
      written = ::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL);
    } while (written < 0 && errno == EINTR);
    if (written > 0) data.remove_prefix(static_cast<std::size_t>(written));
    if (data.empty()) return;
    // A failure shows when reading, with what the peer still said.
    if (written < 0 && errno != EAGAIN) wants_write_ = false;
    unsent_.append(data);
    wants_write_ = true;
    return watch();
  }
  unsent_.append(data);
  if (!wants_write_) flush();
}

void TcpChannel::flush() {
  while (sent_ < unsent_.size()) {
    const std::string_view rest = std::string_view(unsent_).substr(sent_);
    if (tls_) {
      const TlsStream::Progress progress = tls_->write(rest);
      sent_ += progress.bytes;
      if (progress.need == Need::none) continue;
      wants_write_ = progress.need == Need::write;
      if (progress.need == Need::failed || progress.need == Need::closed) {
        broken_ = true;
        sent_ = unsent_.size();  // reading shows the failure
      }
      break;
    }
    const ssize_t written = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written >= 0) {
      sent_ += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      wants_write_ = true;
      break;
    } else if (errno != EINTR) {
      sent_ = unsent_.size();
      broken_ = true;
    }
  }
  if (sent_ < unsent_.size()) {
    if (sent_ > kKeptCapacity && sent_ * 2 > unsent_.size()) {
      unsent_.erase(0, sent_);
      sent_ = 0;
    }
    return watch();
  }
  const bool had_something = !unsent_.empty();
  unsent_.clear();
  sent_ = 0;
  if (unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
  if (finish_wanted_ && !finish_sent_) {
    finish_sent_ = true;
    if (tls_ && !broken_) tls_->shutdown();
    ::shutdown(socket_.get(), SHUT_WR);
    if (peer_finished_) return close();
  }
  watch();
  if (had_something && in_event_ && user_ && !finish_wanted_) user_->drained();
}

void TcpChannel::finish() {
  if (closed() || finish_wanted_) return;
  finish_wanted_ = true;
  if (unsent() == 0) flush();
}

void TcpChannel::close() {
  if (closed()) return;
  user_ = nullptr;
  if (tls_ && !broken_ && !finish_sent_) tls_->shutdown();
  if (watched_ != 0) loop_.forget(socket_.get(), this);
  watched_ = 0;
  unsent_ = {};
  sent_ = 0;
  socket_.reset();
}

void TcpChannel::end(Error reason) {
  User* user = user_;
  broken_ = true;
  close();
  if (user) user->ended(reason);
}

namespace {

class Connecting final : public Attempt, Pollable, Timer {
 public:
  using Done = std::move_only_function<void(Result<std::shared_ptr<TcpChannel>>)>;

  Connecting(Loop& loop, Destination destination, Done done)
      : loop_(loop), destination_(std::move(destination)), done_(std::move(done)) {}
  ~Connecting() override { watch(0); }

  void begin(Clock::time_point deadline) {
    deadline_ = deadline;
    if (!destination_.refusal.empty()) return give_up({Errc::unavailable, destination_.refusal});
    start();
  }

 private:
  void start() {
    sockaddr_storage address{}, source{};
    socklen_t size = 0, source_size = 0;
    const std::size_t colon = destination_.address.rfind(':');
    const bool parsed = colon != std::string::npos && parse(destination_.address.substr(0, colon),
                                                            destination_.address.substr(colon + 1), address, size);
    if (!parsed) return fail("address " + destination_.address + ": not an IP address and a port");
    socket_ = Fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return fail("socket: " + errno_text(errno));
    if (!destination_.source.empty()) {
      // Of another family than the destination, it cannot be meant for it.
      if (parse(destination_.source, "0", source, source_size) && source.ss_family == address.ss_family &&
          ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&source), source_size) != 0) {
        return fail("bind: " + errno_text(errno));
      }
    }
    arm(loop_, deadline_);
    // Connected at once or later: either way the socket becomes writable.
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 && errno != EINPROGRESS) {
      return fail("connect: " + errno_text(errno));
    }
    watch(EPOLLOUT);
  }

  static bool parse(std::string host, const std::string& port, sockaddr_storage& out, socklen_t& size) {
    const Result<std::uint64_t> number = parse_uint(port, 10, 16);
    if (!number) return false;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (auto& v4 = reinterpret_cast<sockaddr_in&>(out); ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(static_cast<std::uint16_t>(*number));
      size = sizeof v4;
      return true;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return false;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(*number));
    size = sizeof v6;
    return true;
  }

  void watch(std::uint32_t events) {
    if (watched_ == events) return;
    if (watched_ == 0) {
      loop_.watch(socket_.get(), events, this);
    } else if (events == 0) {
      loop_.forget(socket_.get(), this);
    } else {
      loop_.rewatch(socket_.get(), events, this);
    }
    watched_ = events;
  }

  void on_ready(std::uint32_t) override {
    if (tls_) return handshake();
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail("connect: " + errno_text(error));
    connected();
  }

  void connected() {
    // A few bytes always fit in a new connection's buffer.
    if (!destination_.preface.empty() && ::send(socket_.get(), destination_.preface.data(), destination_.preface.size(),
                                                MSG_NOSIGNAL) != static_cast<ssize_t>(destination_.preface.size())) {
      return fail("write: " + errno_text(errno));
    }
    if (!destination_.tls) return succeed();
    tls_ = std::make_unique<TlsStream>(destination_.tls, socket_.get(), destination_.peer);
    handshake();
  }

  void handshake() {
    const TlsStream::Progress progress = tls_->handshake();
    switch (progress.need) {
      case Need::none:
        return succeed();
      case Need::read:
        return watch(EPOLLIN);
      case Need::write:
        return watch(EPOLLOUT);
      case Need::closed:
        return give_up({Errc::eof, "EOF"});
      case Need::failed:
        return give_up({Errc::unavailable, tls_->reason()});
    }
  }

  void on_timer() override {
    if (outcome_) return finish(std::move(*outcome_));
    finish(Error{Errc::timeout, "dial tcp " + destination_.address + ": i/o timeout"});
  }
  void fail(const std::string& reason) {
    give_up({Errc::unavailable, "dial tcp " + destination_.address + ": " + reason});
  }
  void give_up(Error error) {
    if (outcome_) return;
    outcome_ = std::move(error);
    watch(0);  // a socket tells its error once: asked again, it would count as connected
    // Put off: a caller must not be told from within its own call.
    arm(loop_, loop_.now());
  }
  void succeed() {
    watch(0);
    finish(TcpChannel::adopt(loop_, std::move(socket_), std::move(tls_)));
  }
  void finish(Result<std::shared_ptr<TcpChannel>> result) {
    watch(0);
    cancel();
    if (destination_.reached && destination_.refusal.empty()) destination_.reached(result.has_value());
    Done done = std::move(done_);
    done(std::move(result));
  }

  Loop& loop_;
  Destination destination_;
  Done done_;
  Fd socket_{};
  std::uint32_t watched_ = 0;
  std::unique_ptr<TlsStream> tls_{};
  Clock::time_point deadline_{};
  std::optional<Error> outcome_{};
};

}  // namespace

std::unique_ptr<Attempt> connect(Loop& loop, Destination destination, Clock::time_point deadline,
                                 std::move_only_function<void(Result<std::shared_ptr<TcpChannel>>)> done) {
  auto attempt = std::make_unique<Connecting>(loop, std::move(destination), std::move(done));
  attempt->begin(deadline);
  return attempt;
}

}  // namespace proconsul::base::net
