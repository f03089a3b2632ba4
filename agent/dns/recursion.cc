#include "agent/dns/recursion.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "agent/dns/message.h"
#include "base/log.h"

namespace proconsul::agent::dns {
namespace {

const base::log::Logger kLog("agent.dns");

void set16(std::string& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<char>(value >> 8);
  bytes[at + 1] = static_cast<char>(value);
}

}  // namespace

std::string host_question(std::string_view name, std::uint16_t type) {
  std::string message(kHeaderSize, '\0');
  set16(message, 2, kRecursionDesired);
  set16(message, 4, 1);
  message += name;
  message.append(4, '\0');
  set16(message, message.size() - 4, type);
  set16(message, message.size() - 2, kClassIn);
  return message;
}

Recursion::Recursion(base::net::Loop& loop, std::shared_ptr<const Settings> settings, Transport transport,
                     std::string_view question, base::Random& random, Done done)
    : loop_(loop),
      settings_(std::move(settings)),
      transport_(transport),
      question_(question),
      original_id_(read16(question, 0)),
      random_(random),
      done_(std::move(done)) {}

Recursion::~Recursion() {
  close();
}

void Recursion::start() {
  for (std::size_t i = settings_->recursors.size(); i-- > 0;) order_.push_back(static_cast<std::uint32_t>(i));
  if (settings_->random_recursor) {
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_.below(i)]);
  }
  try_next();
}

void Recursion::close() {
  cancel();
  if (!socket_) return;
  loop_.forget(socket_.get(), this);
  socket_.reset();
}

void Recursion::try_next() {
  for (;;) {
    close();
    if (order_.empty()) break;
    current_ = &settings_->recursors[order_.back()];
    order_.pop_back();
    // An ID and (by the kernel) a port of its own for every attempt: both must be guessed to forge an answer.
    set16(question_, 0, static_cast<std::uint16_t>(random_.next()));
    if (!open(*current_)) {
      kLog.error("recurse failed", {{"recursor", current_->text}, {"error", std::strerror(errno)}});
      continue;
    }
    arm(loop_, base::net::Clock::now() + std::chrono::nanoseconds(settings_->recursor_timeout.nanoseconds));
    return;
  }
  // Not from within start(), whose caller is not ready for it.
  arm(loop_, base::net::Clock::now());
}

bool Recursion::open(const Recursor& recursor) {
  const bool udp = transport_ == Transport::udp;
  socket_ = base::net::Fd(
      ::socket(recursor.address.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return false;
  const int connected = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&recursor.address), recursor.size);
  if (connected != 0 && errno != EINPROGRESS) {
    const int error = errno;
    socket_.reset();
    errno = error;
    return false;
  }
  if (udp) {
    if (::send(socket_.get(), question_.data(), question_.size(), MSG_NOSIGNAL) < 0) {
      const int error = errno;
      socket_.reset();
      errno = error;
      return false;
    }
    loop_.watch(socket_.get(), EPOLLIN, this);
    return true;
  }
  sent_.assign(2, '\0');
  set16(sent_, 0, static_cast<std::uint16_t>(question_.size()));
  sent_ += question_;
  received_.clear();
  loop_.watch(socket_.get(), EPOLLOUT, this);
  return true;
}

void Recursion::on_timer() {
  if (!socket_) return finish({});  // nobody is left to be asked
  fail("i/o timeout");
}

void Recursion::fail(std::string_view why) {
  kLog.error("recurse failed", {{"recursor", current_->text}, {"error", why}});
  try_next();
}

void Recursion::on_ready(std::uint32_t) {
  if (transport_ == Transport::udp) return receive_datagram();
  if (!sent_.empty()) {
    if (!send_stream()) return;
  } else {
    receive_stream();
  }
}

void Recursion::receive_datagram() {
  std::vector<char> buffer(65536);
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return fail(std::strerror(errno));  // nobody listens there
    }
    const std::string_view answer(buffer.data(), static_cast<std::size_t>(got));
    if (is_answer(answer)) return received(answer);
  }
}

bool Recursion::send_stream() {
  const ssize_t put = ::send(socket_.get(), sent_.data(), sent_.size(), MSG_NOSIGNAL);
  if (put < 0) {
    if (errno != EAGAIN && errno != EINTR) fail(std::strerror(errno));
    return false;
  }
  sent_.erase(0, static_cast<std::size_t>(put));
  if (sent_.empty()) loop_.rewatch(socket_.get(), EPOLLIN, this);
  return true;
}

void Recursion::receive_stream() {
  char buffer[16384];
  const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return fail(got == 0 ? "EOF" : std::strerror(errno));
  received_.append(buffer, static_cast<std::size_t>(got));
  if (received_.size() < 2) return;
  const std::size_t size = read16(received_, 0);
  if (received_.size() < 2 + size) return;
  const std::string answer = received_.substr(2, size);
  if (!is_answer(answer)) return fail("id mismatch");
  received(answer);
}

// An answer to our question, and not to another.
bool Recursion::is_answer(std::string_view answer) const {
  if (answer.size() < kHeaderSize || read16(answer, 0) != read16(question_, 0)) return false;
  if ((read16(answer, 2) & kResponse) == 0) return false;
  if (read16(answer, 4) == 0) return true;  // some leave the question out of a refusal
  QuestionName asked;
  QuestionName answered;
  std::size_t ours = kHeaderSize;
  std::size_t theirs = kHeaderSize;
  if (!asked.read(question_, ours) || !answered.read(answer, theirs)) return false;
  if (question_.size() - ours < 4 || answer.size() - theirs < 4) return false;
  return question_.compare(ours, 4, answer.substr(theirs, 4)) == 0 &&
         same_letters({.head = {}, .tail = asked.wire()}, {.head = {}, .tail = answered.wire()});
}

void Recursion::received(std::string_view answer) {
  const unsigned rcode = read16(answer, 2) & 0xfU;
  if (rcode != kNoError && rcode != kNameError) {
    kLog.debug("recurse failed for question", {{"recursor", current_->text}, {"rcode", rcode_text(rcode)}});
    return try_next();
  }
  kLog.debug("recurse succeeded for question", {{"recursor", current_->text}});
  std::string copy(answer);
  set16(copy, 0, original_id_);
  finish(std::move(copy));
}

void Recursion::finish(std::string answer) {
  close();
  Done done = std::move(done_);
  done(std::move(answer));  // may destroy us
}

}  // namespace proconsul::agent::dns
