#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "agent/dns/sockets.h"

namespace proconsul::agent::dns {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstMessage = 2s;  // from the connection to its first message
constexpr auto kIdle = 8s;          // between messages
constexpr auto kWrite = 2s;         // a client that takes nothing for so long is gone
constexpr unsigned kMaxMessages = 128;
constexpr std::size_t kMaxOut = 256 * 1024;  // bytes that wait for the client; then nothing more is read

}  // namespace

TcpConnection::TcpConnection(Worker& worker, std::uint64_t id, base::net::Fd socket)
    : worker_(worker), id_(id), socket_(std::move(socket)) {
  client_.transport = Transport::tcp;
  client_.connection = id;
  client_.address_size = sizeof client_.address;
  ::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&client_.address), &client_.address_size);
  events_ = EPOLLIN;
  worker_.loop().watch(socket_.get(), events_, this);
  arm(worker_.loop(), base::net::Clock::now() + kFirstMessage);
}

TcpConnection::~TcpConnection() {
  worker_.loop().forget(socket_.get(), this);
}

void TcpConnection::on_timer() {
  worker_.close(id_);
}

void TcpConnection::on_ready(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return worker_.close(id_);
  if ((events & EPOLLOUT) != 0 && !flush()) return;
  if ((events & EPOLLIN) != 0 && !read()) return;
  if (serve()) watch();
}

bool TcpConnection::read() {
  const std::span<char> scratch = worker_.loop().scratch();
  const ssize_t got = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got < 0) {
    worker_.close(id_);
    return false;
  }
  if (got == 0) ended_ = true;
  in_.append(scratch.data(), static_cast<std::size_t>(got));
  return true;
}

// Answers what is there whole.
bool TcpConnection::serve() {
  bool served = false;
  std::size_t at = 0;
  while (!waiting_ && out_.size() < kMaxOut && served_ < kMaxMessages && in_.size() - at >= 2) {
    const std::size_t size = read16(in_, at);
    if (in_.size() - at - 2 < size) break;
    const std::string_view message(in_.data() + at + 2, size);
    at += 2 + size;
    ++served_;
    served = true;
    worker_.begin_batch();
    waiting_ = true;  // until we know better: the answer may come from within
    const std::size_t written = worker_.answer(message, client_, worker_.out());
    worker_.end_batch();
    if (written > 0) put({worker_.out().data(), written});
    if (written > 0 || !worker_.waits_for(id_)) waiting_ = false;
  }
  in_.erase(0, at);
  if (in_.empty()) in_.shrink_to_fit();
  if (served) {
    worker_.active(id_);
    arm(worker_.loop(), base::net::Clock::now() + kIdle);
  }
  if (!flush()) return false;
  const bool done = ended_ || served_ >= kMaxMessages;
  if (done && !waiting_ && out_.empty()) {
    worker_.close(id_);
    return false;
  }
  if (waiting_) cancel();  // others have timeouts of their own
  return true;
}

void TcpConnection::put(std::string_view answer) {
  out_ += static_cast<char>(answer.size() >> 8);
  out_ += static_cast<char>(answer.size());
  out_ += answer;
}

bool TcpConnection::flush() {
  while (!out_.empty()) {
    const ssize_t put = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {
      if ((events_ & EPOLLOUT) == 0) arm(worker_.loop(), base::net::Clock::now() + kWrite);
      return true;
    }
    if (put < 0) {
      worker_.close(id_);
      return false;
    }
    out_.erase(0, static_cast<std::size_t>(put));
    arm(worker_.loop(), base::net::Clock::now() + (out_.empty() ? kIdle : kWrite));
  }
  if (out_.empty()) out_.shrink_to_fit();
  return true;
}

void TcpConnection::watch() {
  std::uint32_t wanted = out_.empty() ? 0 : EPOLLOUT;
  if (!waiting_ && !ended_ && out_.size() < kMaxOut && served_ < kMaxMessages) wanted |= EPOLLIN;
  if (wanted == events_) return;
  events_ = wanted;
  worker_.loop().rewatch(socket_.get(), events_, this);
}

void TcpConnection::send(std::string_view answer) {
  waiting_ = false;
  put(answer);
  arm(worker_.loop(), base::net::Clock::now() + kIdle);
  if (serve()) watch();
}

}  // namespace proconsul::agent::dns
