#include "agent/cli/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace proconsul::agent::cli {

Signals::Signals(std::function<void(int number)> take, std::initializer_list<int> more)
    : stop_(::eventfd(0, EFD_CLOEXEC)) {
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGINT);
  sigaddset(&taken, SIGTERM);
  for (const int number : more) sigaddset(&taken, number);
  pthread_sigmask(SIG_BLOCK, &taken, &before_);
  const int signals = ::signalfd(-1, &taken, SFD_CLOEXEC);
  thread_ = std::thread([stop = stop_, signals, take = std::move(take)] {
    while (true) {
      pollfd waiting[2] = {{.fd = stop, .events = POLLIN, .revents = 0},
                           {.fd = signals, .events = POLLIN, .revents = 0}};
      if (::poll(waiting, 2, -1) < 0) continue;
      if (waiting[0].revents != 0) break;
      signalfd_siginfo info{};
      if (::read(signals, &info, sizeof info) == sizeof info) take(static_cast<int>(info.ssi_signo));
    }
    ::close(signals);
  });
}

Signals::~Signals() {
  ::eventfd_write(stop_, 1);
  thread_.join();
  ::close(stop_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace proconsul::agent::cli
