#include "agent/http/telemetry_endpoint.h"

#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/http/encode.h"
#include "agent/telemetry/process_metrics.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/net/loop.h"

namespace proconsul::agent::http {
namespace {

namespace log = base::log;
namespace metrics = base::metrics;

/// One JSON object at the end of each interval.
class MetricsStream final : public BodySource {
 public:
  State pull(std::string& out, std::size_t, std::move_only_function<void()> wake) override {
    if (std::exchange(due_, true)) out = indent(metrics::to_json()) + "\n";
    base::net::Loop::current().after(metrics::until_next_interval(), std::move(wake));
    return State::later;
  }

 private:
  bool due_ = false;  // the first piece comes when the running interval has ended
};

/// Lines of the log that wait for a client; the newest are dropped while it is too slow.
class LineQueue {
 public:
  void put(std::string_view line) {
    std::move_only_function<void()> wake;
    {
      std::lock_guard lock(mutex_);
      if (lines_.size() >= kMost) {
        ++dropped_;
        return;
      }
      lines_.emplace_back(line);
      wake = std::exchange(wake_, nullptr);
    }
    if (wake) wake();
  }
  bool take(std::string& out, std::size_t limit, std::move_only_function<void()> wake) {
    std::lock_guard lock(mutex_);
    while (!lines_.empty() && out.size() < limit) {
      out += lines_.front();
      lines_.pop_front();
    }
    if (!out.empty()) return true;
    wake_ = std::move(wake);
    return false;
  }
  std::size_t dropped() {
    std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  static constexpr std::size_t kMost = 512;
  std::mutex mutex_{};
  std::deque<std::string> lines_{};
  std::move_only_function<void()> wake_{};
  std::size_t dropped_ = 0;
};

class LogStream final : public BodySource {
 public:
  LogStream(log::Level level, bool json)
      : queue_(std::make_shared<LineQueue>()),
        tap_(log::tap(level, json, [queue = queue_](std::string_view line) { queue->put(line); })) {}
  ~LogStream() override {
    tap_.reset();
    if (const std::size_t dropped = queue_->dropped(); dropped > 0) {
      log::Logger("agent.http").warn("Dropped logs during monitor request", {{"dropped_count", dropped}});
    }
  }
  State pull(std::string& out, std::size_t limit, std::move_only_function<void()> wake) override {
    return queue_->take(out, limit, std::move(wake)) ? State::more : State::later;
  }

 private:
  std::shared_ptr<LineQueue> queue_;
  std::unique_ptr<log::Tap> tap_;
};

bool wants_prometheus(const Request& request) {
  if (request.param("format") == "prometheus") return true;
  const std::string_view accept = request.header("Accept");
  return accept.find("application/openmetrics-text") != std::string_view::npos ||
         (accept.find("text/plain") != std::string_view::npos &&
          (accept.find("version=0.0.4") != std::string_view::npos ||
           accept.find("version=0.4.0") != std::string_view::npos));  // what Consul looks for
}

}  // namespace

base::Result<Reply> agent_metrics(Context&, const Request& request) {
  if (!wants_prometheus(request)) return json(metrics::to_json());
  if (!metrics::prometheus_enabled()) {
    Reply reply;  // the status that clients have always seen here; the reason is in the header
    reply.header("X-Consul-Reason", "Prometheus is not enabled since its retention time is not positive");
    return reply;
  }
  return Reply{.type = "text/plain; version=0.0.4; charset=utf-8",
               .body = metrics::to_prometheus() + process_metrics()};
}

base::Result<Reply> agent_metrics_stream(Context&, const Request&) {
  Reply reply{.type = {}};
  reply.source = std::make_unique<MetricsStream>();
  return reply;
}

base::Result<Reply> agent_monitor(Context&, const Request& request) {
  const std::string_view name = request.param("loglevel");
  const base::Result<log::Level> level = log::parse_level(name.empty() ? "INFO" : name);
  if (!level) return base::Error{base::Errc::invalid_argument, "Unknown log level: " + std::string(name)};
  Reply reply{.type = {}};
  reply.source = std::make_unique<LogStream>(*level, request.has_param("logjson"));
  return reply;
}

}  // namespace proconsul::agent::http
