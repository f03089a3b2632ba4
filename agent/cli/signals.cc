#include "agent/cli/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace proconsul::agent::cli {

Signals::Signals(std::function<void(int number)> take) : stop_(::eventfd(0, EFD_CLOEXEC)) {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &both, &before_);
  const int signals = ::signalfd(-1, &both, SFD_CLOEXEC);
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
