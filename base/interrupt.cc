#include "base/interrupt.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

namespace proconsul::base {

Interrupt::Interrupt() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Interrupt::Interrupt(Interrupt* parent) : parent_(parent), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  bool late = false;
  {
    const std::lock_guard lock(parent_->mutex_);
    parent_->children_.push_back(this);
    late = parent_->raised_;
  }
  if (late) raise();
}

Interrupt::~Interrupt() {
  if (parent_ != nullptr) {
    const std::lock_guard lock(parent_->mutex_);
    std::erase(parent_->children_, this);
  }
  if (event_ >= 0) ::close(event_);
}

void Interrupt::raise() {
  const std::lock_guard lock(mutex_);
  if (raised_) return;
  raised_ = true;
  if (event_ >= 0) ::eventfd_write(event_, 1);
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);  // also ends a connect() that is under way
  for (Interrupt* child : children_) child->raise();
  changed_.notify_all();
}

bool Interrupt::raised() const {
  const std::lock_guard lock(mutex_);
  return raised_;
}

bool Interrupt::sleep(Duration duration) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::nanoseconds(duration.nanoseconds), [&] { return raised_; });
}

Interrupt::Socket::Socket(Interrupt* interrupt, int socket) : interrupt_(interrupt), socket_(socket) {
  if (interrupt_ == nullptr) return;
  const std::lock_guard lock(interrupt_->mutex_);
  if (interrupt_->raised_) ::shutdown(socket_, SHUT_RDWR);
  interrupt_->sockets_.push_back(socket_);
}

Interrupt::Socket::~Socket() {
  if (interrupt_ == nullptr) return;
  const std::lock_guard lock(interrupt_->mutex_);
  std::erase(interrupt_->sockets_, socket_);
}

}  // namespace proconsul::base
