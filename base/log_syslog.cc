#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log_sinks.h"

namespace proconsul::base::log {
namespace {

constexpr const char* kPlaces[] = {"/dev/log", "/var/run/syslog", "/var/run/log"};
constexpr const char* kTag = "consul";
constexpr int kTries = 12;
constexpr auto kBetweenTries = std::chrono::seconds(5);
constexpr int kPatienceMilliseconds = 20;  // a daemon that does not keep up must not stop the agent

int facility_of(std::string_view name) {
  constexpr std::pair<std::string_view, int> kNames[] = {
      {"KERN", LOG_KERN},     {"USER", LOG_USER},     {"MAIL", LOG_MAIL},         {"DAEMON", LOG_DAEMON},
      {"AUTH", LOG_AUTH},     {"SYSLOG", LOG_SYSLOG}, {"LPR", LOG_LPR},           {"NEWS", LOG_NEWS},
      {"UUCP", LOG_UUCP},     {"CRON", LOG_CRON},     {"AUTHPRIV", LOG_AUTHPRIV}, {"FTP", LOG_FTP},
      {"LOCAL0", LOG_LOCAL0}, {"LOCAL1", LOG_LOCAL1}, {"LOCAL2", LOG_LOCAL2},     {"LOCAL3", LOG_LOCAL3},
      {"LOCAL4", LOG_LOCAL4}, {"LOCAL5", LOG_LOCAL5}, {"LOCAL6", LOG_LOCAL6},     {"LOCAL7", LOG_LOCAL7}};
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  for (const auto& [known, value] : kNames) {
    if (known == upper) return value;
  }
  return -1;
}

int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return LOG_DEBUG;
    case spdlog::level::debug:
      return LOG_INFO;
    case spdlog::level::warn:
      return LOG_WARNING;
    case spdlog::level::err:
      return LOG_ERR;
    default:
      return LOG_NOTICE;
  }
}

/// Without the time and the level, which the daemon has from elsewhere. JSON stays whole.
std::string_view message_of(std::string_view line) {
  if (!line.starts_with('{')) {
    const std::size_t end = line.find(']');
    if (end != std::string_view::npos) line.remove_prefix(end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  }
  while (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

class Syslog final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Syslog(int facility, std::string socket) : facility_(facility) {
    if (socket.empty()) {
      places_.assign(std::begin(kPlaces), std::end(kPlaces));
    } else {
      places_.push_back(std::move(socket));
    }
  }
  ~Syslog() override { hang_up(); }
  bool dial() {
    hang_up();
    for (const std::string& place : places_) {
      for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        if (dial(place, type)) return true;
      }
    }
    return false;
  }

 private:
  bool dial(const std::string& path, int type) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return false;
    path.copy(name.sun_path, path.size());
    fd_ = ::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return false;
    stream_ = type == SOCK_STREAM;
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return true;
    hang_up();
    return false;
  }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(message.time);
    tm parts{};
    localtime_r(&seconds, &parts);
    char when[32];
    const std::size_t size = std::strftime(when, sizeof when, "%b %e %H:%M:%S", &parts);
    std::string packet = "<" + std::to_string(facility_ | priority_of(message.level)) + ">" + std::string(when, size);
    packet.append(" ").append(kTag).append("[").append(std::to_string(::getpid())).append("]: ");
    packet += message_of({message.payload.data(), message.payload.size()});
    packet += '\n';
    if (fd_ >= 0 && send(packet)) return;
    if (dial()) send(packet);
  }
  void flush_() override {}

  /// False: the connection is gone. What the daemon does not take in time is lost.
  bool send(std::string_view packet) {
    for (;;) {
      const ssize_t count = ::send(fd_, packet.data(), packet.size(), MSG_NOSIGNAL);
      if (count == static_cast<ssize_t>(packet.size())) return true;
      if (count >= 0) return !stream_;  // the rest of a stream's line cannot be made good any more
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      pollfd ready{fd_, POLLOUT, 0};
      if (::poll(&ready, 1, kPatienceMilliseconds) <= 0) return true;
    }
  }

  const int facility_;
  std::vector<std::string> places_{};
  int fd_ = -1;
  bool stream_ = false;
};

}  // namespace

Result<SinkPtr> open_syslog(const Options& options) {
  const int facility = facility_of(options.syslog_facility);
  if (facility < 0) {
    return Error{Errc::invalid_argument, "Syslog setup error: invalid syslog facility: " + options.syslog_facility};
  }
  auto sink = std::make_shared<Syslog>(facility, options.syslog_socket);
  for (int tries = 0; !sink->dial(); ++tries) {
    if (tries == kTries) return Error{Errc::unavailable, "Syslog setup did not succeed within timeout (1m0s)."};
    std::this_thread::sleep_for(kBetweenTries);
  }
  return SinkPtr(std::move(sink));
}

}  // namespace proconsul::base::log
