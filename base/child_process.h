// Programs that we start: their streams, signals and ends, with the error texts of Go's os/exec, which scripts match
// on.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/interrupt.h"
#include "base/net/socket.h"
#include "base/result.h"

namespace proconsul::base {

struct ChildOptions {
  std::vector<std::string> arguments{};  // the program, sought in PATH if it has no slash, and its arguments
  std::vector<std::pair<std::string, std::string>> environment{};  // added to ours
  /// Text for its standard input; without one it gets ours or, by default, an empty one.
  std::optional<std::string> input{};
  bool pass_input{};
  /// Bytes of its standard output and error to keep, the last ones; without a number it writes to ours.
  std::optional<std::size_t> keep_output{};
  bool own_group{};  // a process group of its own, for kill_group()
};

/// `script` run by the shell that SHELL names, or by /bin/sh.
std::vector<std::string> shell_command(const std::string& script);

/// How a process ended.
struct ChildExit {
  int code{};    // 0..255 if it ended by itself
  int signal{};  // the one that ended it, or 0
  bool ok() const { return code == 0 && signal == 0; }
  /// "exit status 3", "signal: killed".
  std::string text() const;
};

/// One process. Starts with default signal dispositions and none blocked. The destructor does not end it.
class ChildProcess {
 public:
  static Result<std::unique_ptr<ChildProcess>> start(ChildOptions options);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  /// From any thread; fails with "os: process already finished" once wait() has seen its end.
  Result<> signal(int number);
  Result<> kill_group();
  /// Feeds the input, collects the output until every holder of it has closed it, and waits for the end. Once, from one
  /// thread. Errc::cancelled when `abandon` is raised: the process goes on without us.
  Result<ChildExit> wait(const Interrupt* abandon = nullptr);

  /// What was kept of its output, and how much there was in all; valid after wait().
  const std::string& output() const { return output_; }
  std::uint64_t output_bytes() const { return output_bytes_; }

 private:
  ChildProcess(ChildOptions options) : options_(std::move(options)) {}
  void feed();
  void collect();
  std::optional<ChildExit> reap();

  ChildOptions options_;
  pid_t pid_{-1};
  net::Fd pidfd_{};  // readable when it has ended; none on systems that do not offer it
  net::Fd input_{};  // our ends of its streams
  net::Fd output_fd_{};
  std::size_t fed_{};
  std::string output_{};
  std::uint64_t output_bytes_{};
  std::mutex mutex_{};  // pid_ is ours to signal only until the end is collected
  bool ended_{};
};

}  // namespace proconsul::base
