#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/quote.h"

namespace proconsul::base {
namespace {

constexpr int kPollMs = 50;  // how often an end is looked for where no descriptor tells of it
constexpr std::size_t kPiece = 65536;

// errno's text in Go's spelling.
std::string reason(int number) {
  std::string text = std::strerror(number);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

bool is_executable(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// The program's path; exec.LookPath.
Result<std::string> look_up(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!name.empty() && !rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    // An empty or relative entry would run what lies in the folder we happen to be in.
    if (!folder.starts_with('/')) continue;
    std::string candidate = std::string(folder) + '/' + name;
    if (is_executable(candidate)) return candidate;
  }
  return {Errc::not_found, "exec: " + quote(name) + ": executable file not found in $PATH"};
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
  }
  Pipe(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends_) {
      if (end >= 0) ::close(end);
    }
  }
  bool ok() const { return ends_[0] >= 0; }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  int take(int which) { return std::exchange(ends_[which], -1); }

 private:
  int ends_[2]{};
};

// Our environment with the given variables instead of what it says of them.
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::string_view name = entry.substr(0, entry.find('='));
    bool replaced = false;
    for (const auto& variable : variables) replaced = replaced || variable.first == name;
    if (!replaced) all.emplace_back(entry);
  }
  for (const auto& [name, value] : variables) all.push_back(name + '=' + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

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

void close_end(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
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
  if (options.arguments.empty()) return {Errc::invalid_argument, "need an executable to run"};
  const Result<std::string> program = look_up(options.arguments[0]);
  if (!program) return program.error();

  Pipe input;
  Pipe output;
  if (!input.ok() || !output.ok()) return {Errc::unavailable, "pipe: " + reason(errno)};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (options.input) {
    posix_spawn_file_actions_adddup2(&files, input.reader(), STDIN_FILENO);
  } else if (!options.pass_input) {
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  if (options.keep_output) {
    posix_spawn_file_actions_adddup2(&files, output.writer(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output.writer(), STDERR_FILENO);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (options.own_group) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes, flags);

  std::vector<std::string> variables = environment_with(options.environment);
  std::unique_ptr<ChildProcess> child(new ChildProcess(std::move(options)));
  const int failure = ::posix_spawn(&child->pid_, program->c_str(), &files, &attributes,
                                    pointers(child->options_.arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) {
    child->ended_ = true;
    return {Errc::not_found, "fork/exec " + *program + ": " + reason(failure)};
  }
  child->pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, child->pid_, 0));
  if (child->options_.input) {
    child->input_ = input.take(1);
    ::fcntl(child->input_, F_SETFL, O_NONBLOCK);
  }
  if (child->options_.keep_output) {
    child->output_fd_ = output.take(0);
    ::fcntl(child->output_fd_, F_SETFL, O_NONBLOCK);
  }
  return child;
}

ChildProcess::~ChildProcess() {
  for (int* fd : {&input_, &output_fd_, &pidfd_}) close_end(*fd);
}

Result<> ChildProcess::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (ended_) return {Errc::not_found, "os: process already finished"};
  if (::kill(pid_, number) != 0) return {Errc::internal, reason(errno)};
  return {};
}

Result<> ChildProcess::kill_group() {
  const std::lock_guard lock(mutex_);
  // The group outlives its leader's end as long as it has a member; its number is not given away until then.
  if (::kill(-pid_, SIGKILL) != 0) return {Errc::internal, reason(errno)};
  return {};
}

void ChildProcess::feed() {
  while (fed_ < options_.input->size()) {
    const ssize_t written = write_without_signal(input_, options_.input->data() + fed_, options_.input->size() - fed_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) break;  // it does not want to read on
    fed_ += static_cast<std::size_t>(written);
  }
  close_end(input_);
}

void ChildProcess::collect() {
  char piece[kPiece];
  const ssize_t got = ::read(output_fd_, piece, sizeof piece);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return close_end(output_fd_);
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
  if (input_ >= 0) feed();
  while (true) {
    const bool streams = output_fd_ >= 0;
    if (!streams) {
      if (const std::optional<ChildExit> exit = reap()) return *exit;
    }
    // Its input is of no use once it has ended and nobody holds its output.
    pollfd waiting[4] = {{.fd = input_, .events = POLLOUT, .revents = 0},
                         {.fd = output_fd_, .events = POLLIN, .revents = 0},
                         {.fd = streams ? -1 : pidfd_, .events = POLLIN, .revents = 0},
                         {.fd = abandon == nullptr ? -1 : abandon->descriptor(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(waiting, 4, !streams && pidfd_ < 0 ? kPollMs : -1);
    if (ready < 0 && errno != EINTR) return {Errc::internal, "poll: " + reason(errno)};
    if (ready <= 0) continue;
    if (waiting[3].revents != 0) return {Errc::cancelled, "abandoned"};
    if (waiting[0].revents != 0) feed();
    if (waiting[1].revents != 0) collect();
  }
}

}  // namespace proconsul::base
