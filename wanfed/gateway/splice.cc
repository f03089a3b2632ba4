#include "wanfed/gateway/splice.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace proconsul::wanfed::gateway {
namespace {

constexpr std::size_t kMostIdlePipes = 32;
constexpr std::size_t kMostPipes = 1024;  // two descriptors each, and what they hold is the kernel's memory
constexpr std::size_t kAtOnce = 1 << 20;
// A connection that has much to say goes on a few times before others have their turn.
constexpr int kRounds = 4;
constexpr std::size_t kMuch = 32 * 1024;

}  // namespace

std::unique_ptr<Pipe> PipePool::take() {
  if (!splicing_ || in_use_ >= kMostPipes) return nullptr;
  if (!idle_.empty()) {
    std::unique_ptr<Pipe> pipe = std::move(idle_.back());
    idle_.pop_back();
    ++in_use_;
    return pipe;
  }
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  auto pipe = std::make_unique<Pipe>(base::net::Fd(ends[0]), base::net::Fd(ends[1]));
  // Refused to users who have many already: it is smaller then.
  ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(pipe_bytes_));
  ++in_use_;
  return pipe;
}

void PipePool::give_back(std::unique_ptr<Pipe> pipe) {
  --in_use_;
  if (idle_.size() < kMostIdlePipes) idle_.push_back(std::move(pipe));
}

void PipePool::discard(std::unique_ptr<Pipe> pipe) {
  --in_use_;
  pipe.reset();
}

Flow::~Flow() = default;

void Flow::close(PipePool& pipes) {
  if (!pipe_) return;
  if (in_pipe_ == 0) {
    pipes.give_back(std::move(pipe_));
  } else {
    pipes.discard(std::move(pipe_));
  }
}

void Flow::preload(std::string bytes) {
  if (!bytes.empty()) spill_ = std::make_unique<std::string>(std::move(bytes));
}

void Flow::lose(State state, int error) {
  state_ = state;
  error_ = error;
}

std::size_t Flow::pump(int source, int sink, const Tools& tools) {
  std::size_t written = 0;
  if (state_ != State::reading && state_ != State::full) return written;
  state_ = State::reading;
  bool more = true;
  for (int round = 0; flush(sink, tools, written); ++round) {
    if (source_ended_) state_ = State::ended;
    if (source_ended_ || !more || round == kRounds) break;
    const std::size_t came = fill(source, tools);
    if (state_ != State::reading) break;
    // Behind a short piece there is nothing, nearly always: the loop tells if there is.
    more = came >= kMuch;
  }
  return written;
}

bool Flow::flush(int sink, const Tools& tools, std::size_t& written) {
  return flush_spill(sink, written) && flush_pipe(sink, tools, written);
}

bool Flow::flush_spill(int sink, std::size_t& written) {
  while (spill_size() > 0) {
    const ssize_t sent = ::send(sink, spill_->data() + spilled_, spill_size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      spilled_ += static_cast<std::size_t>(sent);
      written += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      state_ = State::full;
      return false;
    } else if (errno != EINTR) {
      lose(State::sink_lost, errno);
      return false;
    }
  }
  spill_.reset();
  spilled_ = 0;
  return true;
}

bool Flow::flush_pipe(int sink, const Tools& tools, std::size_t& written) {
  while (in_pipe_ > 0) {
    const ssize_t sent =
        ::splice(pipe_->read.get(), nullptr, sink, nullptr, in_pipe_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent > 0) {
      in_pipe_ -= static_cast<std::size_t>(sent);
      written += static_cast<std::size_t>(sent);
    } else if (sent < 0 && errno == EAGAIN) {
      state_ = State::full;
      return false;
    } else if (sent == 0 || errno != EINTR) {
      lose(State::sink_lost, sent == 0 ? EPIPE : errno);
      return false;
    }
  }
  if (pipe_) tools.pipes.give_back(std::move(pipe_));
  return true;
}

std::size_t Flow::fill(int source, const Tools& tools) {
  if (!pipe_) pipe_ = tools.pipes.take();
  if (!pipe_) return copy(source, tools);
  ssize_t got = 0;
  do {
    got = ::splice(source, nullptr, pipe_->write.get(), nullptr, kAtOnce, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    in_pipe_ = static_cast<std::size_t>(got);
    return in_pipe_;
  }
  const int error = errno;
  close(tools.pipes);
  if (got == 0) {
    source_ended_ = true;
  } else if (error == EINVAL || error == ENOSYS || error == EPERM) {
    // A socket that cannot be spliced, or a sandbox that does not allow it.
    tools.pipes.refuse();
    return copy(source, tools);
  } else if (error != EAGAIN) {
    lose(State::source_lost, error);
  }
  return 0;
}

std::size_t Flow::copy(int source, const Tools& tools) {
  ssize_t got = 0;
  do {
    got = ::recv(source, tools.scratch.data(), tools.scratch.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    spill_ = std::make_unique<std::string>(tools.scratch.data(), static_cast<std::size_t>(got));
    return static_cast<std::size_t>(got);
  }
  if (got == 0) {
    source_ended_ = true;
  } else if (errno != EAGAIN) {
    lose(State::source_lost, errno);
  }
  return 0;
}

}  // namespace proconsul::wanfed::gateway
