#include "base/metrics.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <ctime>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace proconsul::base::metrics {
namespace {

constexpr std::int64_t kIntervalSeconds = 10;
constexpr std::size_t kKept = 3;    // the running interval, the last whole one, and one that nobody reads any more
constexpr std::size_t kChunk = 64;  // cells are allocated in chunks, so that their addresses stay
constexpr std::size_t kChunks = 256;
constexpr std::size_t kBuckets = 96;  // quarter octaves from 2^-10 on: quantiles within 10 %

std::atomic<std::function<std::int64_t()>*> test_clock{nullptr};

std::int64_t now_seconds() {
  if (const auto* clock = test_clock.load(std::memory_order_acquire)) return (*clock)();
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

// A cell has one writer, its thread, and readers that may be a moment late: relaxed atomics, no read-modify-write.
template <class T>
void bump(std::atomic<T>& place, T by) {
  place.store(place.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

using Buckets = std::array<std::atomic<std::uint32_t>, kBuckets>;

struct Slot {
  std::atomic<std::int64_t> interval{-1};
  std::atomic<std::uint64_t> count{0};
  std::atomic<double> sum{0};
  std::atomic<double> squares{0};
  std::atomic<double> least{0};
  std::atomic<double> most{0};
  std::atomic<Buckets*> buckets{nullptr};
  ~Slot() { delete buckets.load(); }
};

struct Cell {
  std::array<Slot, kKept> slots{};
  std::atomic<std::uint64_t> total_count{0};
  std::atomic<double> total_sum{0};
};

using Chunk = std::array<Cell, kChunk>;

/// The cells of one thread. It outlives its thread: totals must not shrink.
struct Shard {
  std::array<std::atomic<Chunk*>, kChunks> chunks{};
  ~Shard() {
    for (auto& chunk : chunks) delete chunk.load();
  }
  const Cell* find(std::uint32_t id) const {
    const Chunk* chunk = chunks[id / kChunk].load(std::memory_order_acquire);
    return chunk ? &(*chunk)[id % kChunk] : nullptr;
  }
  Cell& cell(std::uint32_t id) {
    std::atomic<Chunk*>& place = chunks[id / kChunk];
    Chunk* chunk = place.load(std::memory_order_relaxed);
    if (!chunk) {
      chunk = new Chunk;
      place.store(chunk, std::memory_order_release);
    }
    return (*chunk)[id % kChunk];
  }
};

enum class Kind : std::uint8_t { counter, sample, gauge };

struct Metric {
  Kind kind;
  std::string name;
  Labels labels;
  std::string help;
  std::atomic<double> value{0};  // gauges
  std::atomic<bool> is_set{false};
};

struct Aggregate {
  std::uint64_t count = 0;
  double sum = 0, squares = 0, least = 0, most = 0;
  std::array<std::uint64_t, kBuckets> buckets{};
};

std::size_t bucket_of(double value) {
  if (!(value > 0)) return 0;
  const double place = (std::log2(value) + 10) * 4;
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBuckets - 1)));
}

double middle_of(std::size_t bucket) {
  return std::exp2((static_cast<double>(bucket) + 0.5) / 4 - 10);
}

}  // namespace

class Registry {
 public:
  static Registry& get() {
    static Registry* const kRegistry = new Registry;  // threads may record while statics are destroyed
    return *kRegistry;
  }

  std::uint32_t id_of(Kind kind, std::string_view name, Labels labels, std::string_view help) {
    std::string key(1, static_cast<char>(kind));
    key += name;
    for (const auto& [label, value] : labels) key += ";" + label + "=" + value;
    std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
    // Full: further metrics share the last one rather than stop the process; a leak of label values would do that.
    if (metrics_.size() == kChunk * kChunks) return static_cast<std::uint32_t>(metrics_.size() - 1);
    const auto id = static_cast<std::uint32_t>(metrics_.size());
    Metric& metric = metrics_.emplace_back();
    metric.kind = kind;
    metric.name = name;
    metric.labels = std::move(labels);
    metric.help = help;
    by_key_.emplace(std::move(key), id);
    return id;
  }
  static Counter counter(std::uint32_t id) { return Counter(id); }
  static Sample sample(std::uint32_t id) { return Sample(id); }
  Gauge gauge(std::uint32_t id) {
    std::lock_guard lock(mutex_);
    return Gauge(&metrics_[id]);
  }

  void record(std::uint32_t id, double value, bool is_sample) {
    thread_local Shard* shard = new_shard();
    const std::int64_t interval = now_seconds() / kIntervalSeconds;
    Cell& cell = shard->cell(id);
    Slot& slot = cell.slots[static_cast<std::size_t>(interval) % kKept];
    if (slot.interval.load(std::memory_order_relaxed) != interval) reset(slot, interval);
    const bool first = slot.count.load(std::memory_order_relaxed) == 0;
    bump<double>(slot.sum, value);
    bump<double>(slot.squares, value * value);
    if (first || value < slot.least.load(std::memory_order_relaxed)) slot.least.store(value, std::memory_order_relaxed);
    if (first || value > slot.most.load(std::memory_order_relaxed)) slot.most.store(value, std::memory_order_relaxed);
    slot.count.store(slot.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    bump<std::uint64_t>(cell.total_count, 1);
    bump<double>(cell.total_sum, value);
    if (is_sample && quantiles_.load(std::memory_order_relaxed)) {
      Buckets* buckets = slot.buckets.load(std::memory_order_relaxed);
      if (!buckets) slot.buckets.store(buckets = new Buckets{}, std::memory_order_release);
      bump<std::uint32_t>((*buckets)[bucket_of(value)], 1);
    }
  }

  std::function<void()> before_show(std::function<void()> refresh) {
    std::lock_guard lock(refresh_mutex_);
    const std::uint64_t number = ++last_refresh_;
    refreshers_.emplace(number, std::move(refresh));
    return [this, number] {
      std::lock_guard again(refresh_mutex_);
      refreshers_.erase(number);
    };
  }

  void configure(Options options) {
    std::lock_guard lock(mutex_);
    quantiles_ = options.prometheus_retention_seconds > 0;
    options_ = std::move(options);
  }
  void set_filter(std::vector<std::string> allow, std::vector<std::string> block) {
    std::lock_guard lock(mutex_);
    options_.allow = std::move(allow);
    options_.block = std::move(block);
  }
  bool prometheus_enabled() const { return quantiles_; }

  std::string json();
  std::string prometheus();

 private:
  static void reset(Slot& slot, std::int64_t interval) {
    slot.count.store(0, std::memory_order_relaxed);
    slot.sum.store(0, std::memory_order_relaxed);
    slot.squares.store(0, std::memory_order_relaxed);
    if (Buckets* buckets = slot.buckets.load(std::memory_order_relaxed)) {
      for (auto& bucket : *buckets) bucket.store(0, std::memory_order_relaxed);
    }
    slot.interval.store(interval, std::memory_order_release);
  }

  Shard* new_shard() {
    std::lock_guard lock(mutex_);
    return shards_.emplace_back(std::make_unique<Shard>()).get();
  }
  Aggregate aggregate_locked(std::uint32_t id, std::int64_t interval) const {
    Aggregate all;
    for (const auto& shard : shards_) {
      const Cell* cell = shard->find(id);
      if (!cell) continue;
      const Slot& slot = cell->slots[static_cast<std::size_t>(interval) % kKept];
      if (slot.interval.load(std::memory_order_acquire) != interval) continue;
      const std::uint64_t count = slot.count.load(std::memory_order_acquire);
      if (count == 0) continue;
      const double least = slot.least.load(std::memory_order_relaxed);
      const double most = slot.most.load(std::memory_order_relaxed);
      all.least = all.count == 0 ? least : std::min(all.least, least);
      all.most = all.count == 0 ? most : std::max(all.most, most);
      all.count += count;
      all.sum += slot.sum.load(std::memory_order_relaxed);
      all.squares += slot.squares.load(std::memory_order_relaxed);
      if (const Buckets* buckets = slot.buckets.load(std::memory_order_acquire)) {
        for (std::size_t i = 0; i < kBuckets; ++i) all.buckets[i] += (*buckets)[i].load(std::memory_order_relaxed);
      }
    }
    return all;
  }

  void refresh() {
    std::lock_guard lock(refresh_mutex_);
    for (const auto& [number, refresher] : refreshers_) refresher();
  }

  std::string full_name_locked(const Metric& metric) const {
    std::string name = options_.prefix;
    if (metric.kind == Kind::gauge && !options_.host.empty()) name += "." + options_.host;
    if (!name.empty()) name += '.';
    name += metric.name;
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
  }

  bool is_shown_locked(const std::string& name) const {
    // The longest prefix decides.
    std::size_t longest = 0;
    bool shown = options_.filter_default, found = false;
    const auto look = [&](const std::vector<std::string>& prefixes, bool verdict) {
      for (const std::string& prefix : prefixes) {
        if (!name.starts_with(prefix) || (found && prefix.size() < longest)) continue;
        longest = prefix.size();
        shown = verdict;
        found = true;
      }
    };
    look(options_.allow, true);
    look(options_.block, false);
    return shown;
  }

  /// Ids of one kind, in the order of full name and labels.
  std::vector<std::pair<std::string, std::uint32_t>> sorted_locked(Kind kind) const {
    std::vector<std::pair<std::string, std::uint32_t>> rows;
    for (std::uint32_t id = 0; id < metrics_.size(); ++id) {
      const Metric& metric = metrics_[id];
      if (metric.kind != kind) continue;
      std::string key = full_name_locked(metric);
      if (!is_shown_locked(key)) continue;
      for (const auto& [label, value] : metric.labels) key += ";" + label + "=" + value;
      rows.emplace_back(std::move(key), id);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  std::mutex mutex_{};
  std::deque<Metric> metrics_{};  // guarded by mutex_, as all down to options_
  std::map<std::string, std::uint32_t> by_key_{};
  std::vector<std::unique_ptr<Shard>> shards_{};
  Options options_{};
  std::atomic<bool> quantiles_{false};
  std::int64_t first_interval_ = now_seconds() / kIntervalSeconds;
  std::mutex refresh_mutex_{};
  std::map<std::uint64_t, std::function<void()>> refreshers_{};
  std::uint64_t last_refresh_ = 0;
};

namespace {

void quote(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  out += '"';
}

/// A number as Go's JSON writes a float64, or a float32 for gauges.
void number(std::string& out, double value, bool single = false) {
  if (!std::isfinite(value)) value = 0;
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-6 || size >= 1e21);
  char text[400];
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  char* end = single ? std::to_chars(text, text + sizeof text, static_cast<float>(value), format).ptr
                     : std::to_chars(text, text + sizeof text, value, format).ptr;
  std::string digits(text, end);
  // Go writes 1e-7 where C++ writes 1e-07.
  if (const std::size_t e = digits.find("e-0"); e != std::string::npos) digits.erase(e + 2, 1);
  out += digits;
}

void labels_json(std::string& out, const Labels& labels) {
  out += "\"Labels\":{";
  std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  bool first = true;
  for (const auto& [name, value] : sorted) {
    if (!first) out += ',';
    first = false;
    quote(out, name);
    out += ':';
    quote(out, value);
  }
  out += '}';
}

/// Names and labels of Prometheus allow fewer characters.
std::string plain(std::string text) {
  for (char& c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
    if (!ok) c = '_';
  }
  return text;
}

std::string prometheus_labels(const Labels& labels, std::string_view quantile = {}) {
  if (labels.empty() && quantile.empty()) return {};
  std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  std::string out = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (out.size() > 1) out += ',';
    out += name;
    out += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  };
  for (const auto& [name, value] : sorted) add(plain(name), value);
  if (!quantile.empty()) add("quantile", quantile);
  return out += '}';
}

void prometheus_number(std::string& out, double value) {
  char text[64];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace

std::string Registry::json() {
  refresh();
  std::lock_guard lock(mutex_);
  const std::int64_t running = now_seconds() / kIntervalSeconds;
  const std::int64_t interval = running > first_interval_ ? running - 1 : running;

  const std::time_t begin = interval * kIntervalSeconds;
  tm parts{};
  gmtime_r(&begin, &parts);
  char when[64];
  const std::size_t size = std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S +0000 UTC", &parts);

  std::string out = "{\"Timestamp\":\"" + std::string(when, size) + "\",\"Gauges\":[";
  bool first = true;
  for (const auto& [key, id] : sorted_locked(Kind::gauge)) {
    const Metric& metric = metrics_[id];
    if (!metric.is_set.load(std::memory_order_relaxed)) continue;
    if (!first) out += ',';
    first = false;
    out += "{\"Name\":";
    quote(out, full_name_locked(metric));
    out += ",\"Value\":";
    number(out, metric.value.load(std::memory_order_relaxed), true);
    out += ',';
    labels_json(out, metric.labels);
    out += '}';
  }
  out += "],\"Points\":[]";
  for (const Kind kind : {Kind::counter, Kind::sample}) {
    out += kind == Kind::counter ? ",\"Counters\":[" : ",\"Samples\":[";
    first = true;
    for (const auto& [key, id] : sorted_locked(kind)) {
      const Aggregate all = aggregate_locked(id, interval);
      if (all.count == 0) continue;
      const auto count = static_cast<double>(all.count);
      const double spread = count * (count - 1);
      const double variance = spread == 0 ? 0 : std::max(0.0, count * all.squares - all.sum * all.sum) / spread;
      if (!first) out += ',';
      first = false;
      out += "{\"Name\":";
      quote(out, full_name_locked(metrics_[id]));
      out += ",\"Count\":" + std::to_string(all.count) + ",\"Rate\":";
      number(out, all.sum / static_cast<double>(kIntervalSeconds));
      out += ",\"Sum\":";
      number(out, all.sum);
      out += ",\"Min\":";
      number(out, all.least);
      out += ",\"Max\":";
      number(out, all.most);
      out += ",\"Mean\":";
      number(out, all.sum / count);
      out += ",\"Stddev\":";
      number(out, std::sqrt(variance));
      out += ',';
      labels_json(out, metrics_[id].labels);
      out += '}';
    }
    out += ']';
  }
  return out += '}';
}

std::string Registry::prometheus() {
  refresh();
  std::lock_guard lock(mutex_);
  const std::int64_t running = now_seconds() / kIntervalSeconds;
  // One block per name, whatever its labels; names in order.
  std::map<std::string, std::vector<std::uint32_t>> blocks;
  for (const Kind kind : {Kind::counter, Kind::sample, Kind::gauge}) {
    for (const auto& [key, id] : sorted_locked(kind)) blocks[plain(full_name_locked(metrics_[id]))].push_back(id);
  }
  std::string out;
  for (const auto& [name, ids] : blocks) {
    std::string lines;
    const Kind kind = metrics_[ids.front()].kind;
    for (const std::uint32_t id : ids) {
      const Metric& metric = metrics_[id];
      if (metric.kind != kind) continue;
      if (kind == Kind::gauge) {
        if (!metric.is_set.load(std::memory_order_relaxed)) continue;
        lines += name + prometheus_labels(metric.labels) + " ";
        prometheus_number(lines, metric.value.load(std::memory_order_relaxed));
        lines += '\n';
        continue;
      }
      std::uint64_t count = 0;
      double sum = 0;
      for (const auto& shard : shards_) {
        if (const Cell* cell = shard->find(id)) {
          count += cell->total_count.load(std::memory_order_relaxed);
          sum += cell->total_sum.load(std::memory_order_relaxed);
        }
      }
      if (count == 0) continue;
      if (kind == Kind::counter) {
        lines += name + prometheus_labels(metric.labels) + " ";
        prometheus_number(lines, sum);
        lines += '\n';
        continue;
      }
      Aggregate all = aggregate_locked(id, running);
      const Aggregate before = aggregate_locked(id, running - 1);
      all.count += before.count;
      for (std::size_t i = 0; i < kBuckets; ++i) all.buckets[i] += before.buckets[i];
      std::uint64_t observed = 0;
      for (const std::uint64_t each : all.buckets) observed += each;
      constexpr std::pair<const char*, double> kQuantiles[] = {{"0.5", 0.5}, {"0.9", 0.9}, {"0.99", 0.99}};
      for (const auto& [label, rank] : kQuantiles) {
        lines += name + prometheus_labels(metric.labels, label) + " ";
        if (observed == 0) {
          lines += "NaN";
        } else {
          const auto wanted = static_cast<std::uint64_t>(std::ceil(rank * static_cast<double>(observed)));
          std::uint64_t seen = 0;
          std::size_t bucket = 0;
          while (bucket + 1 < kBuckets && (seen += all.buckets[bucket]) < wanted) ++bucket;
          prometheus_number(lines, middle_of(bucket));
        }
        lines += '\n';
      }
      lines += name + "_sum" + prometheus_labels(metric.labels) + " ";
      prometheus_number(lines, sum);
      lines += "\n" + name + "_count" + prometheus_labels(metric.labels) + " " + std::to_string(count) + "\n";
    }
    if (lines.empty()) continue;
    std::string help = metrics_[ids.front()].help;
    if (help.empty()) help = name;
    out += "# HELP " + name + " " + help + "\n# TYPE " + name;
    out += kind == Kind::gauge ? " gauge\n" : kind == Kind::counter ? " counter\n" : " summary\n";
    out += lines;
  }
  return out;
}

void Counter::add(double value) const {
  Registry::get().record(id_, value, false);
}
void Sample::add(double value) const {
  Registry::get().record(id_, value, true);
}
void Sample::add_since(std::chrono::steady_clock::time_point begin) const {
  const auto took = std::chrono::steady_clock::now() - begin;
  add(static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()) / 1e6);
}
void Gauge::set(double value) const {
  Metric& metric = *static_cast<Metric*>(metric_);
  metric.value.store(value, std::memory_order_relaxed);
  metric.is_set.store(true, std::memory_order_release);
}

Counter counter(std::string_view name, Labels labels, std::string_view help) {
  return Registry::counter(Registry::get().id_of(Kind::counter, name, std::move(labels), help));
}
Sample sample(std::string_view name, Labels labels, std::string_view help) {
  return Registry::sample(Registry::get().id_of(Kind::sample, name, std::move(labels), help));
}
Gauge gauge(std::string_view name, Labels labels, std::string_view help) {
  return Registry::get().gauge(Registry::get().id_of(Kind::gauge, name, std::move(labels), help));
}
std::function<void()> before_show(std::function<void()> refresh) {
  return Registry::get().before_show(std::move(refresh));
}
void configure(Options options) {
  Registry::get().configure(std::move(options));
}

void set_filter(std::vector<std::string> allow, std::vector<std::string> block) {
  Registry::get().set_filter(std::move(allow), std::move(block));
}
bool prometheus_enabled() {
  return Registry::get().prometheus_enabled();
}
std::string to_json() {
  return Registry::get().json();
}
std::string to_prometheus() {
  return Registry::get().prometheus();
}

std::chrono::milliseconds until_next_interval() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto passed =
      std::chrono::duration_cast<std::chrono::milliseconds>(now) % std::chrono::seconds(kIntervalSeconds);
  return std::chrono::seconds(kIntervalSeconds) - passed + std::chrono::milliseconds(1);
}

void set_clock_for_tests(std::function<std::int64_t()> seconds) {
  static std::vector<std::unique_ptr<std::function<std::int64_t()>>> kept;
  kept.push_back(std::make_unique<std::function<std::int64_t()>>(std::move(seconds)));
  test_clock = *kept.back() ? kept.back().get() : nullptr;
}

}  // namespace proconsul::base::metrics
