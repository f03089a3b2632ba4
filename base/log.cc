#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "base/log_sinks.h"

namespace proconsul::base::log {
namespace {

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

}  // namespace

Result<Level> parse_level(std::string_view text) {
  std::string name(text);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (name == "trace") return Level::trace;
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warn") return Level::warn;
  if (name == "err" || name == "error") return Level::error;
  return Error{Errc::invalid_argument,
               "Invalid log level: " + std::string(text) + ". Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]"};
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

Result<> configure(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  if (options.to_stdout) sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_mt>());
  if (!options.file.empty()) {
    Result<SinkPtr> file = open_log_file(options);
    if (!file) return file.error();
    sinks.push_back(std::move(*file));
  }
  if (options.syslog) {
    Result<SinkPtr> syslog = open_syslog(options);
    if (!syslog) return syslog.error();
    sinks.push_back(std::move(*syslog));
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
