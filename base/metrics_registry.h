// Where metrics are kept: for the files of base/metrics only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"

namespace proconsul::base::metrics {

inline constexpr std::int64_t kIntervalSeconds = 10;
// The running interval, the last whole one, and one that nobody reads any more.
inline constexpr std::size_t kKept = 3;
inline constexpr std::size_t kChunk = 32;  // cells are allocated in chunks, so that their addresses stay
inline constexpr std::size_t kChunks = 1024;
inline constexpr std::size_t kBuckets = 96;  // quarter octaves from 2^-10 on: quantiles within 10 %

/// Seconds since 1970, coarse; moved by set_clock_for_tests().
std::int64_t now_seconds();

using Buckets = std::array<std::atomic<std::uint32_t>, kBuckets>;

// A cell has one writer, its thread, and readers that may be a moment late: relaxed atomics, no read-modify-write.
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
  std::atomic<std::int64_t> updated{0};  // seconds
};

using Chunk = std::array<Cell, kChunk>;

/// Values of samples on their way to a feed: one writer, one reader; what finds no room is dropped.
struct Ring {
  static constexpr std::size_t kSize = 4096;
  struct Value {
    std::uint32_t id;
    float value;
  };
  std::array<Value, kSize> values{};
  std::atomic<std::size_t> written{0};
  std::atomic<std::size_t> read{0};
};

/// The cells of one thread. When the thread ends another one goes on with them: totals must not shrink.
struct Shard {
  std::array<std::atomic<Chunk*>, kChunks> chunks{};
  std::atomic<Ring*> ring{nullptr};
  ~Shard() {
    for (auto& chunk : chunks) delete chunk.load();
    delete ring.load();
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

struct Metric {
  Kind kind;
  std::string name;
  Labels labels;
  std::string help;
  // Gauges, set by any thread.
  std::atomic<double> value{0};
  std::atomic<std::int64_t> updated{0};  // seconds
  std::atomic<bool> is_set{false};
  // Guarded by the registry's mutex.
  std::uint64_t named = 0;  // the generation of options that the next three are of
  std::string full_name{}, host_name{};
  bool shown = false;
  double expired_sum = 0;  // totals of the time before it was last forgotten
  std::uint64_t expired_count = 0;

  bool is_lasting() const { return labels.empty(); }
};

struct Aggregate {
  std::uint64_t count = 0;
  double sum = 0, squares = 0, least = 0, most = 0;
  std::array<std::uint64_t, kBuckets> buckets{};

  double stddev() const;
};

struct Totals {
  std::uint64_t count = 0;
  double sum = 0;
  std::int64_t updated = 0;
};

class Registry {
 public:
  static Registry& get();

  std::uint32_t id_of(Kind kind, std::string_view name, Labels labels, std::string_view help);
  static Counter counter(std::uint32_t id) { return Counter(id); }
  static Sample sample(std::uint32_t id) { return Sample(id); }
  Gauge gauge(std::uint32_t id);

  void record(std::uint32_t id, double value, bool is_sample);
  std::function<void()> before_show(std::function<void()> refresh);
  void configure(Options options);
  void set_filter(std::vector<std::string> allow, std::vector<std::string> block);
  bool prometheus_enabled() const { return quantiles_; }

  std::string json();
  std::string prometheus();
  std::string dump();

  void feed(bool on);
  void drain(std::vector<double>& sums, bool gauges, const std::function<void(const Event&)>& report);

  /// The thread that had it has ended.
  void give_back(Shard* shard);

 private:
  Shard* take_shard();
  Aggregate aggregate_locked(std::uint32_t id, std::int64_t interval) const;
  Totals totals_locked(std::uint32_t id) const;
  void refresh();
  /// Its names and whether it is shown, by the options that hold now.
  Metric& named_locked(std::uint32_t id);
  bool passes_locked(const std::string& name) const;
  /// Ids of one kind that are shown, in the order of full name and labels.
  std::vector<std::uint32_t> sorted_locked(Kind kind);
  std::int64_t shown_interval_locked() const;
  bool prometheus_lines_locked(std::string& lines, const std::string& name, std::uint32_t id, std::int64_t now);

  std::mutex mutex_{};
  std::deque<Metric> metrics_{};  // guarded by mutex_, as all down to generation_
  std::map<std::string, std::uint32_t> by_key_{};
  std::vector<std::unique_ptr<Shard>> shards_{};
  std::vector<Shard*> idle_{};  // of threads that ended
  Options options_{};
  std::uint64_t generation_ = 1;
  std::atomic<bool> quantiles_{false};
  std::atomic<bool> feeding_{false};
  const std::int64_t first_interval_ = now_seconds() / kIntervalSeconds;
  std::mutex refresh_mutex_{};
  std::map<std::uint64_t, std::function<void()>> refreshers_{};
  std::uint64_t last_refresh_ = 0;
};

}  // namespace proconsul::base::metrics
