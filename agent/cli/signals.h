// SIGINT and SIGTERM for the commands that run until they are told to stop.
#pragma once

#include <functional>
#include <initializer_list>
#include <thread>

#include <signal.h>

namespace proconsul::agent::cli {

/// While it lives the two signals, and those of `more`, do not end the process but go to `take`, on a thread of their
/// own. Make it before other threads, which must have the signals blocked too.
class Signals {
 public:
  explicit Signals(std::function<void(int number)> take, std::initializer_list<int> more = {});
  Signals(const Signals&) = delete;
  ~Signals();

 private:
  sigset_t before_{};
  int stop_;
  std::thread thread_{};
};

}  // namespace proconsul::agent::cli
