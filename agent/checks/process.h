// A program that a check runs: in a process group of its own, its output on a pipe, its end on a pidfd. Nothing is
// waited for with a thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/result.h"

namespace proconsul::agent::checks {

/// Waits for programs that were killed and that nobody else waits for. Lives on one loop and is used there.
class Reaper {
 public:
  explicit Reaper(base::net::Loop& loop) : loop_(loop) {}
  ~Reaper();
  Reaper(const Reaper&) = delete;
  void take(pid_t pid, base::net::Fd pid_fd);

 private:
  struct Orphan;
  base::net::Loop& loop_;
  std::set<Orphan*> orphans_{};
};

class Process final {
 public:
  class User {
   public:
    virtual ~User() = default;
    virtual void output(std::string_view data) = 0;
    /// The program has ended and nobody holds its output open any more. May destroy the process. `status` is wait()'s.
    virtual void exited(int status) = 0;
  };

  /// Errors as Go's: `fork/exec /no/such: no such file or directory`, `exec: "x": executable file not found in $PATH`.
  static base::Result<std::unique_ptr<Process>> start(const std::vector<std::string>& arguments, base::net::Loop& loop,
                                                      Reaper& reaper, User& user);
  /// Kills the group if the program has not ended, or has left its output open; nobody waits for that.
  ~Process();
  Process(const Process&) = delete;

  /// SIGKILL to the whole group. Output that comes later is not waited for: exited() follows when the program is gone,
  /// perhaps from within.
  void kill();
  /// Output is left in the pipe, so that the program waits once that is full, and exited() does not come; on a later
  /// resume_output() both come again.
  void pause_output();
  void resume_output();
  /// From now on nobody has to do with the program: it runs on, and finds its output closed.
  void release();

 private:
  struct End final : base::net::Pollable {
    explicit End(Process& process) : process_(process) {}
    void on_ready(std::uint32_t) override { process_.reap(); }
    Process& process_;
  };
  struct Pipe final : base::net::Pollable {
    explicit Pipe(Process& process) : process_(process) {}
    void on_ready(std::uint32_t) override { process_.read(); }
    Process& process_;
  };

  Process(base::net::Loop& loop, Reaper& reaper, User& user) : loop_(loop), reaper_(reaper), user_(user) {}
  void read();
  void reap();
  void close_output();
  void done_if_all_ended();

  base::net::Loop& loop_;
  Reaper& reaper_;
  User& user_;
  pid_t pid_ = -1;  // of the program until it is reaped: as long as it is not, its number is nobody else's
  base::net::Fd pid_fd_{}, output_{};
  End end_{*this};
  Pipe pipe_{*this};
  bool ended_ = false;
  bool paused_ = false;
};

}  // namespace proconsul::agent::checks
