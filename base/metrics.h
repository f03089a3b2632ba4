// Counters, gauges and samples, aggregated over intervals of ten seconds as go-metrics does, and shown as
// /v1/agent/metrics shows them. Recording takes some ten nanoseconds and no lock: every thread has cells of its own.
//
//   static const metrics::Counter kQueries = metrics::counter("rpc.query");     // once
//   kQueries.add();                                                             // anywhere, any thread
//
// In Prometheus' format a metric without labels is shown from its registration on (0, or no quantiles); one with labels
// comes with its first value and goes when it was not touched for the retention time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proconsul::base::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Handles are cheap to copy and live as long as the process.
class Counter {
 public:
  void add(double value = 1) const;

 private:
  friend class Registry;
  explicit Counter(std::uint32_t id) : id_(id) {}
  std::uint32_t id_;
};

class Sample {
 public:
  void add(double value) const;
  /// Milliseconds, as Consul measures everything.
  void add_since(std::chrono::steady_clock::time_point begin) const;

 private:
  friend class Registry;
  explicit Sample(std::uint32_t id) : id_(id) {}
  std::uint32_t id_;
};

class Gauge {
 public:
  /// NaN: there is such a thing, but its value is not known here (JSON leaves it out).
  void set(double value) const;
  /// There is no such thing any more.
  void clear() const;

 private:
  friend class Registry;
  explicit Gauge(void* metric) : metric_(metric) {}
  void* metric_;
};

/// Adds the time of its own life, in milliseconds.
class ScopedTimer {
 public:
  explicit ScopedTimer(Sample sample) : sample_(sample) {}
  ~ScopedTimer() { sample_.add_since(begin_); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  Sample sample_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// The same name and labels give the same metric. Names are without the prefix: "raft.apply". So many metrics that there
// is no room (32768) are counted nowhere.
Counter counter(std::string_view name, Labels labels = {}, std::string_view help = {});
Sample sample(std::string_view name, Labels labels = {}, std::string_view help = {});
Gauge gauge(std::string_view name, Labels labels = {}, std::string_view help = {});
/// Called each time metrics are shown, to set gauges that are dear to keep current. Lives as long as the process or
/// until the returned function is called.
std::function<void()> before_show(std::function<void()> refresh);

/// telemetry { ... }
struct Options {
  std::string prefix = "consul";                  // metrics_prefix
  std::string host{};                             // put behind the prefix of gauges unless disable_hostname; empty: not
  std::vector<std::string> allow{};               // prefix_filter "+...": shown although the default is to block
  std::vector<std::string> block{};               // prefix_filter "-..."
  bool filter_default = true;                     // what no filter speaks of
  std::int64_t prometheus_retention_seconds = 0;  // 0: no Prometheus format
};
void configure(Options options);
/// Other prefixes from now on; what no prefix speaks of is shown as before. Any thread.
void set_filter(std::vector<std::string> allow, std::vector<std::string> block);
bool prometheus_enabled();

enum class Kind : std::uint8_t { counter, sample, gauge };

/// What happened to one metric, for whoever sends it elsewhere. Valid during the call.
struct Event {
  Kind kind;
  std::string_view name;       // with prefix, without host
  std::string_view host_name;  // with prefix, and with the host if there is one
  const Labels& labels;
  double value;  // what a counter grew by, one value of a sample, a gauge's value
};

/// While it lives, the values of samples are kept for it, up to some thousand per thread. One at a time.
class Feed {
 public:
  Feed();
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  /// Reports what happened since the last call and passes the filter. Gauges only if asked for, refreshed and all.
  void drain(bool gauges, const std::function<void(const Event&)>& report);

 private:
  std::vector<double> sums_{};  // of counters, by id: what was reported already
};

/// The JSON of /v1/agent/metrics: the last whole interval, or the running one while there is no other.
std::string to_json();
/// Prometheus' text format: totals since the start, and the quantiles of the last interval.
std::string to_prometheus();
/// A value as Prometheus' text format spells it.
void append_prometheus_number(std::string& out, double value);
/// Lines `[time][C] 'name': Count: ...` of the last whole interval, as SIGUSR1 has them written to stderr.
std::string to_dump();
/// Seconds until the running interval ends: when a stream of metrics has its next piece.
std::chrono::milliseconds until_next_interval();

/// Moves time for tests: intervals begin at multiples of ten seconds of this clock.
void set_clock_for_tests(std::function<std::int64_t()> seconds);

}  // namespace proconsul::base::metrics
