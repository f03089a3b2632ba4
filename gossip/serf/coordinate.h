// Vivaldi network coordinates as serf keeps them (gossip.md B9): an estimate of the round trip between any two nodes.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "base/type.h"
#include "base/type_of.h"

namespace proconsul::gossip::serf {

/// Seconds throughout.
struct Coordinate {
  base::List<double> Vec{};
  double Error{};
  double Adjustment{};
  double Height{};

  /// Where every node begins.
  static Coordinate origin();
  bool is_valid() const;  // every component is finite
  bool is_compatible_with(const Coordinate& other) const { return Vec.size() == other.Vec.size(); }
  bool operator==(const Coordinate& other) const {
    return static_cast<const std::vector<double>&>(Vec) == other.Vec && Error == other.Error &&
           Adjustment == other.Adjustment && Height == other.Height;
  }
};
PROCONSUL_DECLARE_TYPE(Coordinate)

/// The estimated round trip, cut to whole nanoseconds. Both must be compatible.
base::Duration distance(const Coordinate& a, const Coordinate& b);

/// One node's own coordinate, moved by what it measures.
class CoordinateClient {
 public:
  /// `random`: the direction in which two nodes at the same place part.
  explicit CoordinateClient(base::Random& random) : random_(random) {}

  const Coordinate& coordinate() const { return own_; }
  /// Takes over a coordinate that was kept. Errc::invalid_argument: its dimensions or a component do not fit.
  base::Result<> set(Coordinate coordinate);
  /// A round trip to `node` took `rtt`. Errc::invalid_argument: the coordinate or the time cannot be right.
  base::Result<> update(std::string_view node, const Coordinate& other, base::Duration rtt);
  void forget(std::string_view node) { latencies_.erase(std::string(node)); }
  std::size_t resets() const { return resets_; }

 private:
  static constexpr std::size_t kLatencyWindow = 3;
  static constexpr std::size_t kAdjustmentWindow = 20;
  struct Latencies {
    std::array<double, kLatencyWindow> last{};
    std::size_t count = 0;
    std::size_t next = 0;
  };

  double median_latency(std::string_view node, double rtt);
  void apply_force(double force, const Coordinate& other);

  base::Random& random_;
  Coordinate own_ = Coordinate::origin();
  std::array<double, kAdjustmentWindow> adjustments_{};
  std::size_t next_adjustment_ = 0;
  std::unordered_map<std::string, Latencies> latencies_{};
  std::size_t resets_ = 0;
};

}  // namespace proconsul::gossip::serf
