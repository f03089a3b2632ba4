// Structured logging in Consul's form: `2024-01-01T00:00:00.000Z [INFO]  agent.server: message: key=value`, or JSON.
// Never log a secret: log the accessor of a token, not the token.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base::log {

enum class Level : std::uint8_t { trace, debug, info, warn, error, off };

/// "TRACE", "debug", "warn", "err" or "error" ...: Consul's names, any letter case.
Result<Level> parse_level(std::string_view text);
std::string_view to_string(Level level);

/// One key=value of a line.
struct Field {
  Field(std::string_view field, std::string_view text) : key(field), value(text) {}
  Field(std::string_view field, const char* text) : key(field), value(text) {}
  Field(std::string_view field, const std::string& text) : key(field), value(text) {}
  Field(std::string_view field, bool truth) : key(field), value(truth ? "true" : "false"), is_bare(true) {}
  template <std::integral T>
  Field(std::string_view field, T number) : key(field), value(std::to_string(number)), is_bare(true) {}
  Field(std::string_view field, const Error& error) : key(field), value(error.detail) {}
  std::string_view key;
  std::string value;
  bool is_bare = false;  // a number or a truth value: without quotes in JSON
};

struct Options {
  Level level = Level::info;
  bool json = false;
  bool to_stdout = true;
  std::string file{};                       // log_file; a directory (trailing '/') holds "consul.log"
  std::chrono::nanoseconds rotate_after{};  // log_rotate_duration; 0: a day
  std::int64_t rotate_bytes = 0;            // log_rotate_bytes; 0: no limit
  std::int64_t rotate_files = 0;            // log_rotate_max_files; 0: keep all, < 0: keep none
  bool syslog = false;
  std::string syslog_facility = "LOCAL0";
  std::string syslog_socket{};  // empty: /dev/log and where else it may be
};

/// Sets where lines go; before other threads log. Until then warnings and errors go to stderr.
Result<> configure(const Options& options);
/// At run time (reload).
void set_level(Level level);
Level level();

/// A further reader of the log (/v1/agent/monitor), with a level of its own.
class Tap {
 public:
  virtual ~Tap() = default;
};
/// `take` gets each line with its end of line, from the thread that logs: it must only hand it over.
std::unique_ptr<Tap> tap(Level level, bool json, std::function<void(std::string_view line)> take);

/// Cheap to copy; name "agent.server.raft". The static kind outlives everything: `static const log::Logger
/// kLog("agent.http");`
class Logger {
 public:
  explicit Logger(std::string name) : name_(std::move(name)) {}
  Logger named(std::string_view sub) const { return Logger(name_ + "." + std::string(sub)); }
  /// Ask first where making the fields costs something.
  static bool enabled(Level level);
  void write(Level level, std::string_view message, std::initializer_list<Field> fields) const;
  void trace(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::trace, message, fields);
  }
  void debug(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::error, message, fields);
  }

 private:
  std::string name_;
};

/// One line as it is written; for the sinks and their tests.
std::string format(bool json, Level level, std::string_view name, std::string_view message,
                   std::initializer_list<Field> fields, std::int64_t unix_microseconds);

}  // namespace proconsul::base::log
