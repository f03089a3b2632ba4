#include "agent/checks/process.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/spawn.h"

namespace proconsul::agent::checks {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Fd;

struct Reaper::Orphan final : base::net::Pollable {
  Orphan(Reaper& reaper, pid_t pid, Fd pid_fd) : reaper_(reaper), pid_(pid), pid_fd_(std::move(pid_fd)) {
    reaper_.loop_.watch(pid_fd_.get(), EPOLLIN, this);
  }
  ~Orphan() override {
    reaper_.loop_.forget(pid_fd_.get(), this);
    ::waitpid(pid_, nullptr, WNOHANG);
  }
  void on_ready(std::uint32_t) override {
    reaper_.orphans_.erase(this);
    delete this;
  }
  Reaper& reaper_;
  pid_t pid_;
  Fd pid_fd_;
};

Reaper::~Reaper() {
  for (Orphan* orphan : orphans_) delete orphan;
}

void Reaper::take(pid_t pid, Fd pid_fd) {
  orphans_.insert(new Orphan(*this, pid, std::move(pid_fd)));
}

Result<std::unique_ptr<Process>> Process::start(const std::vector<std::string>& arguments, base::net::Loop& loop,
                                                Reaper& reaper, User& user) {
  Result<base::Pipe> pipe = base::make_pipe();
  if (!pipe) return pipe.error();
  ::fcntl(pipe->reader.get(), F_SETFL, O_NONBLOCK);  // of our end alone
  Result<base::Spawned> spawned =
      base::spawn({.arguments = arguments, .output = pipe->writer.get(), .own_group = true, .close_others = true});
  if (!spawned) return spawned.error();
  if (!spawned->ended) {
    ::kill(-spawned->pid, SIGKILL);
    ::waitpid(spawned->pid, nullptr, 0);
    return Error{Errc::unavailable, "pidfd_open: the system does not offer it"};
  }
  std::unique_ptr<Process> process(new Process(loop, reaper, user));
  process->pid_ = spawned->pid;
  process->pid_fd_ = std::move(spawned->ended);
  process->output_ = std::move(pipe->reader);
  loop.watch(process->pid_fd_.get(), EPOLLIN, &process->end_);
  loop.watch(process->output_.get(), EPOLLIN, &process->pipe_);
  return process;
}

Process::~Process() {
  close_output();
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  if (ended_) {
    ::waitpid(pid_, nullptr, 0);
    return;
  }
  loop_.forget(pid_fd_.get(), &end_);
  reaper_.take(pid_, std::move(pid_fd_));
}

void Process::kill() {
  ::kill(-pid_, SIGKILL);
  close_output();
  done_if_all_ended();
}

void Process::pause_output() {
  if (!output_ || paused_) return;
  paused_ = true;
  loop_.forget(output_.get(), &pipe_);
}

void Process::resume_output() {
  if (!output_ || !paused_) return;
  paused_ = false;
  loop_.watch(output_.get(), EPOLLIN, &pipe_);
}

void Process::release() {
  close_output();
  if (pid_ < 0) return;
  if (ended_) {
    ::waitpid(pid_, nullptr, 0);
  } else {
    loop_.forget(pid_fd_.get(), &end_);
    reaper_.take(pid_, std::move(pid_fd_));
  }
  pid_ = -1;
}

void Process::close_output() {
  if (!output_) return;
  if (!paused_) loop_.forget(output_.get(), &pipe_);
  output_.reset();
}

void Process::read() {
  const std::span<char> buffer = loop_.scratch();
  const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
  if (got > 0) return user_.output({buffer.data(), static_cast<std::size_t>(got)});
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  close_output();
  done_if_all_ended();
}

void Process::reap() {
  // It stays a zombie until its group is no longer needed, so that the group's number stays its own.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
  loop_.forget(pid_fd_.get(), &end_);
  ended_ = true;
  done_if_all_ended();
}

void Process::done_if_all_ended() {
  if (!ended_ || output_) return;
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  user_.exited(status);
}

}  // namespace proconsul::agent::checks
