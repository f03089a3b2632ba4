#include "base/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <vector>

namespace proconsul::base::log {
namespace {

/// log_file: appends to one name; when it is too big or too old it is renamed with the time and begun anew.
class RotatingFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  RotatingFile(std::filesystem::path path, const Options& options) : path_(std::move(path)), options_(options) {}
  ~RotatingFile() override {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<> open() {
    fd_ = ::open(path_.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0640);
    if (fd_ < 0)
      return Error{Errc::unavailable, "Failed to setup logging: open " + path_.string() + ": " + std::strerror(errno)};
    opened_ = std::time(nullptr);
    written_ = 0;
    return {};
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const bool too_big = options_.rotate_bytes > 0 && written_ >= options_.rotate_bytes;
    const bool too_old = options_.rotate_seconds > 0 && std::time(nullptr) - opened_ >= options_.rotate_seconds;
    if (too_big || too_old) rotate();
    if (fd_ < 0) return;
    const ssize_t count = ::write(fd_, message.payload.data(), message.payload.size());
    if (count > 0) written_ += count;
  }
  void flush_() override {}

  void rotate() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    const std::string extension = path_.extension().empty() ? ".log" : path_.extension().string();
    const std::string stem = path_.stem().string() + "-";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    std::error_code ignored;
    std::filesystem::rename(path_, path_.parent_path() / (stem + std::to_string(nanoseconds) + extension), ignored);
    prune(stem, extension);
    (void)open();
  }
  void prune(const std::string& stem, const std::string& extension) const {
    if (options_.rotate_files == 0) return;
    std::vector<std::filesystem::path> old;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path_.parent_path(), ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(stem) && name.ends_with(extension)) old.push_back(entry.path());
    }
    std::sort(old.begin(), old.end());
    const std::size_t keep = options_.rotate_files < 0 ? 0 : static_cast<std::size_t>(options_.rotate_files);
    for (std::size_t i = 0; i + keep < old.size(); ++i) std::filesystem::remove(old[i], ignored);
  }

  std::filesystem::path path_;
  Options options_;
  int fd_ = -1;
  std::time_t opened_ = 0;
  std::int64_t written_ = 0;
};

struct TapEntry {
  Level level;
  bool json;
  std::function<void(std::string_view)> take;
};

struct State {
  std::atomic<Level> level{Level::warn};   // of the sinks
  std::atomic<Level> lowest{Level::warn};  // of sinks and taps: what is worth formatting at all
  std::atomic<bool> json{false};
  std::atomic<spdlog::logger*> logger{nullptr};
  std::shared_ptr<spdlog::logger> owner;
  std::mutex mutex;
  std::vector<std::shared_ptr<TapEntry>> taps;  // guarded by mutex

  void settle_locked() {
    Level least = level;
    for (const auto& tap : taps) least = std::min(least, tap->level);
    lowest = least;
  }
};

State& state() {
  static State* const kState = new State;  // outlives static destructors, which may log
  return *kState;
}

class TapHandle final : public Tap {
 public:
  explicit TapHandle(std::shared_ptr<TapEntry> entry) : entry_(std::move(entry)) {}
  ~TapHandle() override {
    State& all = state();
    std::lock_guard lock(all.mutex);
    std::erase(all.taps, entry_);
    all.settle_locked();
  }

 private:
  std::shared_ptr<TapEntry> entry_;
};

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

int facility_of(std::string_view name) {
  constexpr std::pair<std::string_view, int> kNames[] = {
      {"KERN", LOG_KERN},     {"USER", LOG_USER},     {"MAIL", LOG_MAIL},         {"DAEMON", LOG_DAEMON},
      {"AUTH", LOG_AUTH},     {"SYSLOG", LOG_SYSLOG}, {"LPR", LOG_LPR},           {"NEWS", LOG_NEWS},
      {"UUCP", LOG_UUCP},     {"CRON", LOG_CRON},     {"AUTHPRIV", LOG_AUTHPRIV}, {"FTP", LOG_FTP},
      {"LOCAL0", LOG_LOCAL0}, {"LOCAL1", LOG_LOCAL1}, {"LOCAL2", LOG_LOCAL2},     {"LOCAL3", LOG_LOCAL3},
      {"LOCAL4", LOG_LOCAL4}, {"LOCAL5", LOG_LOCAL5}, {"LOCAL6", LOG_LOCAL6},     {"LOCAL7", LOG_LOCAL7}};
  for (const auto& [known, value] : kNames) {
    if (known == name) return value;
  }
  return -1;
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char code[8];
          std::snprintf(code, sizeof code, "\\u%04x", c);
          out += code;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

/// Plain where it can be read back as one word, else quoted; several lines are set below each other.
void append_value(std::string& out, std::string_view value) {
  if (value.find('\n') != std::string_view::npos) {
    while (!value.empty()) {
      const std::size_t end = value.find('\n');
      out += "\n  | ";
      out += value.substr(0, end);
      value = end == std::string_view::npos ? std::string_view{} : value.substr(end + 1);
    }
    out += "\n ";
    return;
  }
  const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) {
    return c != '"' && static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  if (plain) {
    out += value;
  } else {
    append_json(out, value);
  }
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
  std::string name(text);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (name == "trace") return Level::trace;
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warn" || name == "warning") return Level::warn;
  if (name == "err" || name == "error") return Level::error;
  return Error{Errc::invalid_argument,
               "Invalid log level: " + std::string(text) + ". Valid log levels are: [TRACE DEBUG INFO WARN ERROR]"};
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::trace:
      return "TRACE";
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO";
    case Level::warn:
      return "WARN";
    case Level::error:
      return "ERROR";
    case Level::off:
      break;
  }
  return "OFF";
}

std::string format(bool json, Level level, std::string_view name, std::string_view message,
                   std::initializer_list<Field> fields, std::int64_t unix_microseconds) {
  const std::time_t seconds = unix_microseconds / 1'000'000;
  const auto fraction = static_cast<int>(unix_microseconds % 1'000'000);
  tm parts{};
  localtime_r(&seconds, &parts);
  char when[40];
  std::size_t size = std::strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
  size += static_cast<std::size_t>(json ? std::snprintf(when + size, sizeof when - size, ".%06d", fraction)
                                        : std::snprintf(when + size, sizeof when - size, ".%03d", fraction / 1000));
  if (parts.tm_gmtoff == 0) {
    when[size++] = 'Z';
  } else {
    const long minutes = std::abs(parts.tm_gmtoff) / 60;
    size +=
        static_cast<std::size_t>(std::snprintf(when + size, sizeof when - size, json ? "%c%02ld:%02ld" : "%c%02ld%02ld",
                                               parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60));
  }
  std::string line;
  if (json) {
    std::string small(to_string(level));
    for (char& c : small) c = static_cast<char>(c + 32);
    line = "{\"@level\":\"" + small + "\",\"@message\":";
    append_json(line, message);
    line += ",\"@module\":";
    append_json(line, name);
    line += ",\"@timestamp\":\"" + std::string(when, size) + "\"";
    for (const Field& field : fields) {
      line += ',';
      append_json(line, field.key);
      line += ':';
      if (field.is_bare) {
        line += field.value;
      } else {
        append_json(line, field.value);
      }
    }
    return line += "}\n";
  }
  line.assign(when, size);
  line += " [";
  line += to_string(level);
  line += level == Level::info || level == Level::warn ? "]  " : "] ";
  line += name;
  line += ": ";
  line += message;
  if (fields.size() > 0) line += ':';
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line += '\n';
}

Result<> configure(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  if (options.to_stdout) sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_mt>());
  if (!options.file.empty()) {
    std::filesystem::path path(options.file);
    if (options.file.ends_with('/')) path /= "consul.log";
    if (path.parent_path().empty()) path = std::filesystem::path(".") / path;
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    auto file = std::make_shared<RotatingFile>(path, options);
    if (Result<> opened = file->open(); !opened) return opened.error();
    sinks.push_back(std::move(file));
  }
  if (options.syslog) {
    const int facility = facility_of(options.syslog_facility);
    if (facility < 0)
      return Error{Errc::invalid_argument, "Syslog setup error: invalid syslog facility: " + options.syslog_facility};
    sinks.push_back(std::make_shared<spdlog::sinks::syslog_sink_mt>("consul", LOG_PID, facility, false));
  }
  // The line ends itself: the sinks must not add their own end of line.
  for (const spdlog::sink_ptr& sink : sinks) {
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::local, ""));
  }
  auto logger = std::make_shared<spdlog::logger>("proconsul", sinks.begin(), sinks.end());
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  State& all = state();
  std::lock_guard lock(all.mutex);
  all.json = options.json;
  all.owner = std::move(logger);
  all.logger = all.owner.get();
  all.level = options.level;
  all.settle_locked();
  return {};
}

void set_level(Level level) {
  State& all = state();
  std::lock_guard lock(all.mutex);
  all.level = level;
  all.settle_locked();
}

Level level() {
  return state().level;
}

std::unique_ptr<Tap> tap(Level level, bool json, std::function<void(std::string_view)> take) {
  auto entry = std::make_shared<TapEntry>(level, json, std::move(take));
  State& all = state();
  std::lock_guard lock(all.mutex);
  all.taps.push_back(entry);
  all.settle_locked();
  return std::make_unique<TapHandle>(std::move(entry));
}

bool Logger::enabled(Level level) {
  return level >= state().lowest.load(std::memory_order_relaxed);
}

void Logger::write(Level level, std::string_view message, std::initializer_list<Field> fields) const {
  if (!enabled(level)) return;
  State& all = state();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t when = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  if (level >= all.level.load(std::memory_order_relaxed)) {
    const std::string line = format(all.json, level, name_, message, fields, when);
    if (spdlog::logger* logger = all.logger) {
      logger->log(native(level), spdlog::string_view_t(line.data(), line.size()));
    } else {
      (void)!::write(STDERR_FILENO, line.data(), line.size());
    }
  }
  std::vector<std::shared_ptr<TapEntry>> taps;
  {
    std::lock_guard lock(all.mutex);
    taps = all.taps;
  }
  for (const auto& tap : taps) {
    if (level >= tap->level) tap->take(format(tap->json, level, name_, message, fields, when));
  }
}

}  // namespace proconsul::base::log
