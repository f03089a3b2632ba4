#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/spawn.h"

namespace proconsul::base {
namespace {

constexpr int kPollMs = 50;  // how often an end is looked for where no descriptor tells of it
constexpr std::size_t kPiece = 65536;

// Writing to a pipe without a reader raises SIGPIPE, which would end us where nobody has it ignored.
ssize_t write_without_signal(int fd, const char* data, std::size_t size) {
  sigset_t pipe_only;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t written = ::write(fd, data, size);
  const int failure = errno;
  if (written < 0 && failure == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec now{};
    while (sigtimedwait(&pipe_only, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = failure;
  return written;
}

}  // namespace

std::vector<std::string> shell_command(const std::string& script) {
  const char* shell = std::getenv("SHELL");
  return {shell == nullptr || *shell == '\0' ? "/bin/sh" : shell, "-c", script};
}

std::string ChildExit::text() const {
  if (signal == 0) return "exit status " + std::to_string(code);
  std::string name = ::strsignal(signal);
  if (!name.empty()) name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return "signal: " + name;
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(ChildOptions options) {
  Result<Pipe> input = make_pipe();
  Result<Pipe> output = make_pipe();
  if (!input) return input.error();
  if (!output) return output.error();
  std::unique_ptr<ChildProcess> child(new ChildProcess(std::move(options)));
  const ChildOptions& wanted = child->options_;
  SpawnOptions how{.arguments = wanted.arguments, .environment = wanted.environment, .own_group = wanted.own_group};
  if (wanted.input) {
    how.input = input->reader.get();
  } else if (wanted.pass_input) {
    how.input = STDIN_FILENO;
  }
  if (wanted.keep_output) how.output = output->writer.get();
  Result<Spawned> spawned = spawn(how);
  if (!spawned) {
    child->ended_ = true;
    return spawned.error();
  }
  child->pid_ = spawned->pid;
  child->pidfd_ = std::move(spawned->ended);
  if (wanted.input) {
    child->input_ = std::move(input->writer);
    ::fcntl(child->input_.get(), F_SETFL, O_NONBLOCK);
  }
  if (wanted.keep_output) {
    child->output_fd_ = std::move(output->reader);
    ::fcntl(child->output_fd_.get(), F_SETFL, O_NONBLOCK);
  }
  return child;
}

ChildProcess::~ChildProcess() = default;

Result<> ChildProcess::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (ended_) return {Errc::not_found, "os: process already finished"};
  if (::kill(pid_, number) != 0) return {Errc::internal, net::errno_text(errno)};
  return {};
}

Result<> ChildProcess::kill_group() {
  const std::lock_guard lock(mutex_);
  // The group outlives its leader's end as long as it has a member; its number is not given away until then.
  if (::kill(-pid_, SIGKILL) != 0) return {Errc::internal, net::errno_text(errno)};
  return {};
}

void ChildProcess::feed() {
  while (fed_ < options_.input->size()) {
    const ssize_t written =
        write_without_signal(input_.get(), options_.input->data() + fed_, options_.input->size() - fed_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) break;  // it does not want to read on
    fed_ += static_cast<std::size_t>(written);
  }
  input_.reset();
}

void ChildProcess::collect() {
  char piece[kPiece];
  const ssize_t got = ::read(output_fd_.get(), piece, sizeof piece);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return output_fd_.reset();
  output_.append(piece, static_cast<std::size_t>(got));
  output_bytes_ += static_cast<std::uint64_t>(got);
  if (output_.size() > *options_.keep_output) output_.erase(0, output_.size() - *options_.keep_output);
}

std::optional<ChildExit> ChildProcess::reap() {
  const std::lock_guard lock(mutex_);
  int status = 0;
  pid_t got = 0;
  do got = ::waitpid(pid_, &status, WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got == 0) return std::nullopt;
  ended_ = true;
  if (got < 0) return ChildExit{.code = 255};  // somebody else collected it
  if (WIFSIGNALED(status)) return ChildExit{.signal = WTERMSIG(status)};
  return ChildExit{.code = WEXITSTATUS(status)};
}

Result<ChildExit> ChildProcess::wait(const Interrupt* abandon) {
  if (input_) feed();
  while (true) {
    const bool streams = static_cast<bool>(output_fd_);
    if (!streams) {
      if (const std::optional<ChildExit> exit = reap()) return *exit;
    }
    // Its input is of no use once it has ended and nobody holds its output.
    pollfd waiting[4] = {{.fd = input_.get(), .events = POLLOUT, .revents = 0},
                         {.fd = output_fd_.get(), .events = POLLIN, .revents = 0},
                         {.fd = streams ? -1 : pidfd_.get(), .events = POLLIN, .revents = 0},
                         {.fd = abandon == nullptr ? -1 : abandon->descriptor(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(waiting, 4, !streams && !pidfd_ ? kPollMs : -1);
    if (ready < 0 && errno != EINTR) return {Errc::internal, "poll: " + net::errno_text(errno)};
    if (ready <= 0) continue;
    if (waiting[3].revents != 0) return {Errc::cancelled, "abandoned"};
    if (waiting[0].revents != 0) feed();
    if (waiting[1].revents != 0) collect();
  }
}

}  // namespace proconsul::base
