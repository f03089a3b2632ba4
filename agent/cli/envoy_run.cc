#include "agent/cli/envoy_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "agent/xds/versions.h"
#include "base/child_process.h"
#include "base/random.h"

namespace proconsul::agent::cli {

using base::Errc;
using base::Result;

namespace {

constexpr unsigned kPatience = 10;  // seconds until Envoy must have read its bootstrap
constexpr int kNobodyRead = 99;     // exit code

char pipe_path[256];  // for the signal

void give_up(int) {
  ::unlink(pipe_path);
  ::_exit(kNobodyRead);
}

Result<std::string> find_program(const std::string& given) {
  if (!given.empty()) return given;
  const char* const path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string program = std::string(rest.substr(0, colon)) + "/envoy";
    if (::access(program.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(program)) return program;
    rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
  }
  return {Errc::not_found, "Couldn't find envoy binary: exec: \"envoy\": executable file not found in $PATH"};
}

/// The first "1.34.1" of a text.
std::string version_in(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (std::isdigit(static_cast<unsigned char>(text[at])) == 0) continue;
    const std::size_t end = std::min(text.find_first_not_of("0123456789.", at), text.size());
    const std::string_view found = text.substr(at, end - at);
    if (std::ranges::count(found, '.') == 2 && found.back() != '.' && found.find("..") == found.npos) {
      return std::string(found);
    }
    at = end;
  }
  return {};
}

Result<> check_version(const std::string& binary) {
  const auto failed = [](const std::string& why) -> Result<> {
    return {Errc::internal, "Couldn't get envoy version for compatibility check: " + why};
  };
  Result<std::unique_ptr<base::ChildProcess>> child =
      base::ChildProcess::start({.arguments = {binary, "--version"}, .keep_output = 4096});
  if (!child) return failed(child.error().detail);
  const Result<base::ChildExit> ended = (*child)->wait();
  if (!ended) return failed(ended.error().detail);
  const std::string version = version_in((*child)->output());
  if (!ended->ok() || version.empty()) return failed("unable to parse Envoy version from output");
  if (xds::is_supported_envoy(version)) return {};
  return {Errc::invalid_argument,
          "Envoy version " + version.substr(0, version.rfind('.')) +
              ".x is not supported. If there is a reason you need to use this version of envoy use the "
              "ignore-envoy-compatibility flag. Using an unsupported version of Envoy is not recommended and your "
              "experience may vary."};
}

}  // namespace

Result<> deliver_bootstrap(const std::string& pipe, const std::string& text) {
  if (pipe.size() >= sizeof pipe_path) return {Errc::invalid_argument, "the pipe's path is too long"};
  std::memcpy(pipe_path, pipe.c_str(), pipe.size() + 1);
  ::signal(SIGALRM, give_up);
  ::signal(SIGPIPE, SIG_IGN);
  ::alarm(kPatience);
  const int out = ::open(pipe.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);  // waits for a reader
  if (out < 0) return {Errc::internal, "open " + pipe + ": " + std::strerror(errno)};
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(out, rest.data(), rest.size());
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ::close(out);
  ::alarm(0);
  ::unlink(pipe.c_str());
  if (!rest.empty()) return {Errc::internal, "write " + pipe + ": " + std::strerror(errno)};
  return {};
}

Result<> run_envoy(const EnvoyRun& run) {
  Result<std::string> binary = find_program(run.binary);
  if (!binary) return binary.error();
  if (!run.any_version) {
    if (Result<> supported = check_version(*binary); !supported) return supported;
  }
  std::error_code error;
  const std::string pipe = std::filesystem::temp_directory_path(error) /
                           ("envoy-" + std::to_string(base::system_random().next()) + "-bootstrap.json");
  if (error || ::mkfifo(pipe.c_str(), 0600) != 0) {
    return {Errc::internal, "cannot make a named pipe at " + pipe + ": " + std::strerror(errno)};
  }
  const pid_t child = ::fork();
  if (child < 0) return {Errc::internal, std::string("fork: ") + std::strerror(errno)};
  if (child == 0) ::_exit(deliver_bootstrap(pipe, run.bootstrap) ? 0 : 1);

  // Several on one host are not to share memory, unless they are told to.
  const auto restarts = [](const std::string& each) { return each.starts_with("--restart-epoch"); };
  const bool hot = std::ranges::any_of(run.arguments, restarts);
  std::vector<std::string> words = {*binary, "--config-path", pipe};
  if (!hot) words.emplace_back("--disable-hot-restart");
  words.insert(words.end(), run.arguments.begin(), run.arguments.end());
  std::vector<char*> pointers;
  for (std::string& each : words) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  ::execv(binary->c_str(), pointers.data());
  const int why = errno;
  ::kill(child, SIGKILL);
  ::unlink(pipe.c_str());
  return {Errc::internal, std::string("Failed to exec envoy: ") + std::strerror(why)};
}

}  // namespace proconsul::agent::cli
