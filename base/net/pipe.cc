#include "base/net/pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace proconsul::base::net {

void Pipe::wake_loop(std::unique_lock<std::mutex>& lock) {
  std::move_only_function<void()> wake = std::exchange(wake_, nullptr);
  lock.unlock();
  if (wake) wake();
}

bool Pipe::offer(std::string_view bytes, std::move_only_function<void()> wake) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return true;  // nobody reads: the rest of the upload is thrown away
  bytes_.append(bytes);
  changed_.notify_all();
  if (bytes_.size() - taken_ < kMost) return true;
  wake_ = std::move(wake);
  return false;
}

Pipe::State Pipe::pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) {
  const std::lock_guard lock(mutex_);
  const std::size_t size = std::min(limit, bytes_.size() - taken_);
  out.append(bytes_, taken_, size);
  taken_ += size;
  if (taken_ == bytes_.size()) {
    bytes_.clear();
    taken_ = 0;
  }
  changed_.notify_all();
  if (size > 0) return State::more;
  if (!ended_) {
    wake_ = std::move(wake);
    return State::later;
  }
  return error_ ? State::failed : State::end;
}

Result<std::size_t> Pipe::read(std::span<char> buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return taken_ < bytes_.size() || ended_; });
  if (taken_ == bytes_.size()) {
    if (error_) return *error_;
    return std::size_t{0};
  }
  const std::size_t size = std::min(buffer.size(), bytes_.size() - taken_);
  std::memcpy(buffer.data(), bytes_.data() + taken_, size);
  taken_ += size;
  if (taken_ == bytes_.size()) {
    bytes_.clear();
    taken_ = 0;
    wake_loop(lock);
  }
  return size;
}

Result<> Pipe::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return bytes_.size() - taken_ < kMost || abandoned_; });
  if (abandoned_) return {Errc::cancelled, "the client went away"};
  bytes_.append(bytes);
  wake_loop(lock);
  return {};
}

void Pipe::end(std::optional<Error> error) {
  std::unique_lock lock(mutex_);
  ended_ = true;
  error_ = std::move(error);
  changed_.notify_all();
  wake_loop(lock);
}

void Pipe::abandon() {
  std::unique_lock lock(mutex_);
  abandoned_ = true;
  bytes_.clear();
  taken_ = 0;
  changed_.notify_all();
  wake_loop(lock);
}

}  // namespace proconsul::base::net
