#include "gossip/serf/coordinate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace proconsul::gossip::serf {
namespace {

using base::Duration;
using base::Errc;
using base::Result;
using Vector = base::List<double>;

constexpr std::size_t kDimensions = 8;
constexpr double kMostError = 1.5;
constexpr double kErrorGain = 0.25;  // Vivaldi's c_e
constexpr double kForceGain = 0.25;  // Vivaldi's c_c
constexpr double kLeastHeight = 1e-5;
constexpr double kGravityRho = 150;
constexpr double kZero = 1e-6;
constexpr Duration kMostRtt = base::seconds(10);

double length(const Vector& vector) {
  double sum = 0;
  for (const double component : vector) sum += component * component;
  return std::sqrt(sum);
}

Vector difference(const Vector& a, const Vector& b) {
  Vector result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = a[i] - b[i];
  return result;
}

double raw_distance(const Coordinate& a, const Coordinate& b) {
  return length(difference(a.Vec, b.Vec)) + a.Height + b.Height;
}

double seconds_of(Duration duration) {
  // As Go's Duration.Seconds: whole seconds and the rest apart.
  const std::int64_t whole = duration.nanoseconds / 1'000'000'000;
  return static_cast<double>(whole) + static_cast<double>(duration.nanoseconds % 1'000'000'000) / 1e9;
}

}  // namespace

PROCONSUL_DESCRIBE_TYPE(Coordinate, "coordinate.Coordinate") {
  type.field("Vec", &Coordinate::Vec);
  type.field("Error", &Coordinate::Error);
  type.field("Adjustment", &Coordinate::Adjustment);
  type.field("Height", &Coordinate::Height);
}

Coordinate Coordinate::origin() {
  Coordinate start{};
  start.Vec = Vector(kDimensions, 0.0);
  start.Error = kMostError;
  start.Height = kLeastHeight;
  return start;
}

bool Coordinate::is_valid() const {
  return std::all_of(Vec.begin(), Vec.end(), [](double component) { return std::isfinite(component); }) &&
         std::isfinite(Error) && std::isfinite(Adjustment) && std::isfinite(Height);
}

Duration distance(const Coordinate& a, const Coordinate& b) {
  const double raw = raw_distance(a, b);
  const double adjusted = raw + a.Adjustment + b.Adjustment;
  const double nanoseconds = (adjusted > 0 ? adjusted : raw) * 1e9;
  // A coordinate of a liar may be beyond any number, in either direction.
  constexpr double kMost = 9.2e18;
  if (std::isnan(nanoseconds) || nanoseconds >= kMost) return {INT64_MAX};
  return {nanoseconds <= -kMost ? INT64_MIN : static_cast<std::int64_t>(nanoseconds)};
}

Result<> CoordinateClient::set(Coordinate coordinate) {
  if (!own_.is_compatible_with(coordinate)) return {Errc::invalid_argument, "dimensions aren't compatible"};
  if (!coordinate.is_valid()) return {Errc::invalid_argument, "coordinate is invalid"};
  own_ = std::move(coordinate);
  return {};
}

Result<> CoordinateClient::update(std::string_view node, const Coordinate& other, Duration rtt) {
  if (!own_.is_compatible_with(other)) return {Errc::invalid_argument, "dimensions aren't compatible"};
  if (!other.is_valid()) return {Errc::invalid_argument, "coordinate is invalid"};
  if (rtt.nanoseconds < 0 || rtt.nanoseconds > kMostRtt.nanoseconds) {
    return {Errc::invalid_argument, "round trip time not in valid range, duration " + base::to_string(rtt) +
                                        " is not a positive value less than " + base::to_string(kMostRtt)};
  }
  const double measured = median_latency(node, seconds_of(rtt));

  const double expected = seconds_of(distance(own_, other));
  const double compared = std::max(measured, kZero);
  const double wrongness = std::abs(expected - compared) / compared;
  const double weight = own_.Error / std::max(own_.Error + other.Error, kZero);
  own_.Error = std::min(kErrorGain * weight * wrongness + own_.Error * (1.0 - kErrorGain * weight), kMostError);
  apply_force(kForceGain * weight * (compared - expected), other);

  adjustments_[next_adjustment_] = measured - raw_distance(own_, other);
  next_adjustment_ = (next_adjustment_ + 1) % kAdjustmentWindow;
  double sum = 0;
  for (const double adjustment : adjustments_) sum += adjustment;
  own_.Adjustment = sum / (2.0 * static_cast<double>(kAdjustmentWindow));

  // A little gravity keeps the whole system from drifting away.
  const Coordinate centre = Coordinate::origin();
  apply_force(-1.0 * std::pow(seconds_of(distance(centre, own_)) / kGravityRho, 2.0), centre);
  if (!own_.is_valid()) {
    own_ = Coordinate::origin();
    ++resets_;
  }
  return {};
}

double CoordinateClient::median_latency(std::string_view node, double rtt) {
  Latencies& known = latencies_[std::string(node)];
  known.last[known.next] = rtt;
  known.next = (known.next + 1) % kLatencyWindow;
  known.count = std::min(known.count + 1, kLatencyWindow);
  std::array<double, kLatencyWindow> sorted = known.last;
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(known.count));
  return sorted[known.count / 2];
}

void CoordinateClient::apply_force(double force, const Coordinate& other) {
  Vector direction = difference(own_.Vec, other.Vec);
  const double apart = length(direction);
  if (apart > kZero) {
    for (double& component : direction) component *= 1.0 / apart;
  } else {
    for (double& component : direction) component = random_.unit() - 0.5;
    const double size = length(direction);
    for (double& component : direction) component *= size > kZero ? 1.0 / size : 0.0;
  }
  for (std::size_t i = 0; i < direction.size(); ++i) own_.Vec[i] += direction[i] * force;
  if (apart > kZero) {
    own_.Height = std::max((own_.Height + other.Height) * force / apart + own_.Height, kLeastHeight);
  }
}

}  // namespace proconsul::gossip::serf
