#include "agent/checks/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/quote.h"

namespace proconsul::agent::checks {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::errno_text;
using base::net::Fd;

bool is_executable(const std::string& path, int& error) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    error = errno;
    return false;
  }
  error = S_ISDIR(status.st_mode) ? EISDIR : EACCES;
  return !S_ISDIR(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// As Go's exec.LookPath.
Result<std::string> look_up(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const auto failed = [&](const std::string& why) {
    return Error{Errc::not_found, "exec: " + base::quote(name) + ": " + why};
  };
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  for (bool more = !rest.empty(); more;) {
    const std::size_t colon = rest.find(':');
    more = colon != rest.npos;
    const std::string folder(rest.substr(0, colon));
    if (more) rest.remove_prefix(colon + 1);
    int error = 0;
    const std::string candidate = (folder.empty() ? "." : folder) + '/' + name;
    if (!is_executable(candidate, error)) continue;
    if (candidate[0] == '/') return candidate;
    return failed("cannot run executable found relative to current directory");
  }
  return failed("executable file not found in $PATH");
}

/// What posix_spawn is told, released whatever happens.
struct SpawnSettings {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  SpawnSettings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

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
  if (arguments.empty()) return Error{Errc::invalid_argument, "need an executable to run"};
  const Result<std::string> program = look_up(arguments[0]);
  if (!program) return program.error();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::unavailable, "pipe2: " + errno_text(errno)};
  Fd output(ends[0]), input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);  // of our end alone

  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.files, input.get(), 1);
  posix_spawn_file_actions_adddup2(&settings.files, input.get(), 2);
  posix_spawn_file_actions_addclosefrom_np(&settings.files, 3);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&settings.attributes, &signals);
  sigaddset(&signals, SIGPIPE);  // this process ignores it, and children would inherit that
  posix_spawnattr_setsigdefault(&settings.attributes, &signals);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::unique_ptr<Process> process(new Process(loop, reaper, user));
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program->c_str(), &settings.files, &settings.attributes, argv.data(), environ);
  if (error != 0) return Error{Errc::unavailable, "fork/exec " + *program + ": " + errno_text(error)};
  process->pid_ = pid;
  process->pid_fd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process->pid_fd_) {
    const std::string why = errno_text(errno);
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    process->pid_ = -1;
    return Error{Errc::unavailable, "pidfd_open: " + why};
  }
  process->output_ = std::move(output);
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

void Process::close_output() {
  if (!output_) return;
  loop_.forget(output_.get(), &pipe_);
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
