#include "base/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/quote.h"

namespace proconsul::base {
namespace {

using net::errno_text;

bool is_executable(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The program's path, as Go's exec.LookPath finds it.
Result<std::string> look_up(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const auto failed = [&](const std::string& why) {
    return Error{Errc::not_found, "exec: " + quote(name) + ": " + why};
  };
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  for (bool more = !name.empty() && !rest.empty(); more;) {
    const std::size_t colon = rest.find(':');
    more = colon != rest.npos;
    const std::string folder(rest.substr(0, colon));
    if (more) rest.remove_prefix(colon + 1);
    const std::string candidate = (folder.empty() ? "." : folder) + '/' + name;
    if (!is_executable(candidate)) continue;
    if (candidate[0] == '/') return candidate;
    // It would depend on the folder we happen to be in.
    return failed("cannot run executable found relative to current directory");
  }
  return failed("executable file not found in $PATH");
}

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

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// What posix_spawn is told, released whatever happens.
struct Settings {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  Settings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  Settings(const Settings&) = delete;
  ~Settings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::unavailable, "pipe2: " + errno_text(errno)};
  return Pipe{.reader = net::Fd(ends[0]), .writer = net::Fd(ends[1])};
}

Result<Spawned> spawn(const SpawnOptions& options) {
  if (options.arguments.empty()) return Error{Errc::invalid_argument, "need an executable to run"};
  const Result<std::string> program = look_up(options.arguments[0]);
  if (!program) return program.error();

  Settings settings;
  if (options.input < 0) {
    posix_spawn_file_actions_addopen(&settings.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  } else if (options.input != STDIN_FILENO) {
    posix_spawn_file_actions_adddup2(&settings.files, options.input, STDIN_FILENO);
  }
  if (options.output >= 0) {
    posix_spawn_file_actions_adddup2(&settings.files, options.output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&settings.files, options.output, STDERR_FILENO);
  }
  if (options.close_others) posix_spawn_file_actions_addclosefrom_np(&settings.files, 3);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&settings.attributes, &signals);
  sigfillset(&signals);  // what this process ignores, children would ignore as well
  posix_spawnattr_setsigdefault(&settings.attributes, &signals);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (options.own_group) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&settings.attributes, flags);

  const std::vector<std::string> variables = environment_with(options.environment);
  Spawned spawned;
  const int failure = ::posix_spawn(&spawned.pid, program->c_str(), &settings.files, &settings.attributes,
                                    pointers(options.arguments).data(), pointers(variables).data());
  if (failure != 0) return Error{Errc::not_found, "fork/exec " + *program + ": " + errno_text(failure)};
  spawned.ended = net::Fd(static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, 0)));
  return spawned;
}

}  // namespace proconsul::base
