#include "base/metrics.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/metrics_registry.h"

namespace proconsul::base::metrics {
namespace {

std::atomic<std::function<std::int64_t()>*> test_clock{nullptr};

template <class T>
void bump(std::atomic<T>& place, T by) {
  place.store(place.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

std::size_t bucket_of(double value) {
  if (!(value > 0)) return 0;
  const double place = (std::log2(value) + 10) * 4;
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBuckets - 1)));
}

void reset(Slot& slot, std::int64_t interval) {
  slot.count.store(0, std::memory_order_relaxed);
  slot.sum.store(0, std::memory_order_relaxed);
  slot.squares.store(0, std::memory_order_relaxed);
  if (Buckets* buckets = slot.buckets.load(std::memory_order_relaxed)) {
    for (auto& bucket : *buckets) bucket.store(0, std::memory_order_relaxed);
  }
  slot.interval.store(interval, std::memory_order_release);
}

void put(Shard& shard, std::uint32_t id, double value) {
  Ring* ring = shard.ring.load(std::memory_order_relaxed);
  if (!ring) shard.ring.store(ring = new Ring, std::memory_order_release);
  const std::size_t at = ring->written.load(std::memory_order_relaxed);
  if (at - ring->read.load(std::memory_order_acquire) == Ring::kSize) return;
  ring->values[at % Ring::kSize] = {id, static_cast<float>(value)};
  ring->written.store(at + 1, std::memory_order_release);
}

// Read on every record, so it has no initialization of its own to check; the one who gives it back does.
thread_local constinit Shard* my_shard = nullptr;

struct Lease {
  ~Lease() {
    if (my_shard) Registry::get().give_back(std::exchange(my_shard, nullptr));
  }
};

}  // namespace

std::int64_t now_seconds() {
  if (const auto* clock = test_clock.load(std::memory_order_acquire)) return (*clock)();
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

double Aggregate::stddev() const {
  const auto n = static_cast<double>(count);
  const double spread = n * (n - 1);
  return spread == 0 ? 0 : std::sqrt(std::max(0.0, n * squares - sum * sum) / spread);
}

Registry& Registry::get() {
  static Registry* const kRegistry = new Registry;  // threads may record while statics are destroyed
  return *kRegistry;
}

std::uint32_t Registry::id_of(Kind kind, std::string_view name, Labels labels, std::string_view help) {
  std::string key(1, static_cast<char>(kind));
  key += name;
  for (const auto& [label, value] : labels) key += ";" + label + "=" + value;
  std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    Metric& known = metrics_[found->second];
    if (known.help.empty()) known.help = help;
    return found->second;
  }
  // Full: one metric that is never shown stands for all further ones. A leak of label values would do that.
  constexpr std::size_t kMost = kChunk * kChunks;
  if (metrics_.size() == kMost) return static_cast<std::uint32_t>(kMost - 1);
  const auto id = static_cast<std::uint32_t>(metrics_.size());
  Metric& metric = metrics_.emplace_back();
  metric.kind = kind;
  metric.name = name;
  metric.labels = std::move(labels);
  metric.help = help;
  by_key_.emplace(std::move(key), id);
  return id;
}

Gauge Registry::gauge(std::uint32_t id) {
  std::lock_guard lock(mutex_);
  return Gauge(&metrics_[id]);
}

void Registry::record(std::uint32_t id, double value, bool is_sample) {
  if (!my_shard) [[unlikely]]
    my_shard = take_shard();
  const std::int64_t now = now_seconds();
  const std::int64_t interval = now / kIntervalSeconds;
  Cell& cell = my_shard->cell(id);
  Slot& slot = cell.slots[static_cast<std::size_t>(interval) % kKept];
  if (slot.interval.load(std::memory_order_relaxed) != interval) reset(slot, interval);
  const bool first = slot.count.load(std::memory_order_relaxed) == 0;
  bump<double>(slot.sum, value);
  bump<double>(slot.squares, value * value);
  if (first || value < slot.least.load(std::memory_order_relaxed)) slot.least.store(value, std::memory_order_relaxed);
  if (first || value > slot.most.load(std::memory_order_relaxed)) slot.most.store(value, std::memory_order_relaxed);
  slot.count.store(slot.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  bump<double>(cell.total_sum, value);
  cell.updated.store(now, std::memory_order_relaxed);
  cell.total_count.store(cell.total_count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  if (!is_sample) return;
  if (quantiles_.load(std::memory_order_relaxed)) {
    Buckets* buckets = slot.buckets.load(std::memory_order_relaxed);
    if (!buckets) slot.buckets.store(buckets = new Buckets{}, std::memory_order_release);
    bump<std::uint32_t>((*buckets)[bucket_of(value)], 1);
  }
  if (feeding_.load(std::memory_order_relaxed)) put(*my_shard, id, value);
}

Shard* Registry::take_shard() {
  thread_local const Lease kLease;
  (void)kLease;
  std::lock_guard lock(mutex_);
  if (!idle_.empty()) {
    Shard* shard = idle_.back();
    idle_.pop_back();
    return shard;
  }
  return shards_.emplace_back(std::make_unique<Shard>()).get();
}

void Registry::give_back(Shard* shard) {
  std::lock_guard lock(mutex_);
  idle_.push_back(shard);
}

std::function<void()> Registry::before_show(std::function<void()> refresh) {
  std::lock_guard lock(refresh_mutex_);
  const std::uint64_t number = ++last_refresh_;
  refreshers_.emplace(number, std::move(refresh));
  return [this, number] {
    std::lock_guard again(refresh_mutex_);
    refreshers_.erase(number);
  };
}

void Registry::refresh() {
  std::lock_guard lock(refresh_mutex_);
  for (const auto& [number, refresher] : refreshers_) refresher();
}

void Registry::configure(Options options) {
  std::lock_guard lock(mutex_);
  quantiles_ = options.prometheus_retention_seconds > 0;
  options_ = std::move(options);
  ++generation_;
}

void Registry::set_filter(std::vector<std::string> allow, std::vector<std::string> block) {
  std::lock_guard lock(mutex_);
  options_.allow = std::move(allow);
  options_.block = std::move(block);
  ++generation_;
}

// Reading.

Aggregate Registry::aggregate_locked(std::uint32_t id, std::int64_t interval) const {
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

Totals Registry::totals_locked(std::uint32_t id) const {
  Totals totals;
  for (const auto& shard : shards_) {
    const Cell* cell = shard->find(id);
    if (!cell) continue;
    totals.count += cell->total_count.load(std::memory_order_acquire);
    totals.sum += cell->total_sum.load(std::memory_order_relaxed);
    totals.updated = std::max(totals.updated, cell->updated.load(std::memory_order_relaxed));
  }
  return totals;
}

Metric& Registry::named_locked(std::uint32_t id) {
  Metric& metric = metrics_[id];
  if (metric.named == generation_) return metric;
  const auto join = [](std::string prefix, std::string_view rest) {
    if (!prefix.empty()) prefix += '.';
    prefix += rest;
    std::replace(prefix.begin(), prefix.end(), ' ', '_');
    return prefix;
  };
  metric.full_name = join(options_.prefix, metric.name);
  metric.host_name = metric.kind == Kind::gauge && !options_.host.empty()
                         ? join(options_.prefix, options_.host + "." + metric.name)
                         : metric.full_name;
  metric.shown = id + 1 < kChunk * kChunks && passes_locked(metric.host_name);
  metric.named = generation_;
  return metric;
}

bool Registry::passes_locked(const std::string& name) const {
  // The longest prefix decides; of two equal ones the one that blocks.
  std::size_t longest = 0;
  bool passes = options_.filter_default, found = false;
  const auto look = [&](const std::vector<std::string>& prefixes, bool verdict) {
    for (const std::string& prefix : prefixes) {
      if (!name.starts_with(prefix) || (found && prefix.size() < longest)) continue;
      longest = prefix.size();
      passes = verdict;
      found = true;
    }
  };
  look(options_.allow, true);
  look(options_.block, false);
  return passes;
}

std::vector<std::uint32_t> Registry::sorted_locked(Kind kind) {
  std::vector<std::pair<std::string, std::uint32_t>> rows;
  for (std::uint32_t id = 0; id < metrics_.size(); ++id) {
    if (metrics_[id].kind != kind) continue;
    const Metric& metric = named_locked(id);
    if (!metric.shown) continue;
    std::string key = metric.host_name;
    for (const auto& [label, value] : metric.labels) key += ";" + label + "=" + value;
    rows.emplace_back(std::move(key), id);
  }
  std::sort(rows.begin(), rows.end());
  std::vector<std::uint32_t> ids;
  ids.reserve(rows.size());
  for (const auto& [key, id] : rows) ids.push_back(id);
  return ids;
}

std::int64_t Registry::shown_interval_locked() const {
  const std::int64_t running = now_seconds() / kIntervalSeconds;
  return running > first_interval_ ? running - 1 : running;
}

void Registry::feed(bool on) {
  std::lock_guard lock(mutex_);
  for (const auto& shard : shards_) {
    if (Ring* ring = shard->ring.load(std::memory_order_acquire)) {
      ring->read.store(ring->written.load(std::memory_order_acquire), std::memory_order_release);
    }
  }
  feeding_ = on;
}

void Registry::drain(std::vector<double>& sums, bool gauges, const std::function<void(const Event&)>& report) {
  if (gauges) refresh();
  std::lock_guard lock(mutex_);
  sums.resize(metrics_.size());
  const auto tell = [&](const Metric& metric, double value) {
    report({metric.kind, metric.full_name, metric.host_name, metric.labels, value});
  };
  for (std::uint32_t id = 0; id < metrics_.size(); ++id) {
    const Kind kind = metrics_[id].kind;
    if (kind == Kind::counter) {
      const double sum = totals_locked(id).sum;
      const double grown = sum - std::exchange(sums[id], sum);
      if (grown == 0) continue;
      if (const Metric& metric = named_locked(id); metric.shown) tell(metric, grown);
    } else if (kind == Kind::gauge && gauges && metrics_[id].is_set.load(std::memory_order_acquire)) {
      if (const Metric& metric = named_locked(id); metric.shown) tell(metric, metric.value.load());
    }
  }
  for (const auto& shard : shards_) {
    Ring* ring = shard->ring.load(std::memory_order_acquire);
    if (!ring) continue;
    const std::size_t end = ring->written.load(std::memory_order_acquire);
    for (std::size_t at = ring->read.load(std::memory_order_relaxed); at != end; ++at) {
      const Ring::Value& value = ring->values[at % Ring::kSize];
      if (const Metric& metric = named_locked(value.id); metric.shown) tell(metric, static_cast<double>(value.value));
    }
    ring->read.store(end, std::memory_order_release);
  }
}

// What the header offers.

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
  metric.updated.store(now_seconds(), std::memory_order_relaxed);
  metric.is_set.store(true, std::memory_order_release);
}
void Gauge::clear() const {
  static_cast<Metric*>(metric_)->is_set.store(false, std::memory_order_release);
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

Feed::Feed() {
  Registry::get().feed(true);
}
Feed::~Feed() {
  Registry::get().feed(false);
}
void Feed::drain(bool gauges, const std::function<void(const Event&)>& report) {
  Registry::get().drain(sums_, gauges, report);
}

std::chrono::milliseconds until_next_interval() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto passed =
      std::chrono::duration_cast<std::chrono::milliseconds>(now) % std::chrono::seconds(kIntervalSeconds);
  // The coarse clock that intervals go by may be some milliseconds behind.
  return std::chrono::seconds(kIntervalSeconds) - passed + std::chrono::milliseconds(10);
}

void set_clock_for_tests(std::function<std::int64_t()> seconds) {
  static std::vector<std::unique_ptr<std::function<std::int64_t()>>> kept;
  kept.push_back(std::make_unique<std::function<std::int64_t()>>(std::move(seconds)));
  test_clock = *kept.back() ? kept.back().get() : nullptr;
}

}  // namespace proconsul::base::metrics
