// Go's time.Time and time.Duration as values; clocks are injected elsewhere (base/clock.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

/// Nanoseconds, signed: Go's time.Duration. JSON: a number of nanoseconds, or text ("1m30s") in readable fields.
struct Duration {
  std::int64_t nanoseconds{};
  auto operator<=>(const Duration&) const = default;
};
constexpr Duration operator+(Duration a, Duration b) {
  return {a.nanoseconds + b.nanoseconds};
}
constexpr Duration milliseconds(std::int64_t count) {
  return {count * 1'000'000};
}
constexpr Duration seconds(std::int64_t count) {
  return {count * 1'000'000'000};
}

/// Go's Duration.String(): "1h0m0s", "1.5s", "0s".
std::string to_string(Duration duration);
/// Go's time.ParseDuration with its error texts: `time: invalid duration "x"`, `time: missing unit in duration "1"`,
/// ...
Result<Duration> parse_duration(std::string_view text);

/// A point in time: Go's time.Time without its monotonic part. Zero is 0001-01-01T00:00:00Z.
struct Time {
  std::int64_t seconds{};         // since 0001-01-01T00:00:00Z
  std::int32_t nanoseconds{};     // 0..999999999
  std::int16_t zone_minutes{-1};  // offset from UTC; -1 is UTC itself, as in Go's binary form
  std::int8_t zone_seconds{};     // of offsets that are not whole minutes
  bool is_zero() const { return seconds == 0 && nanoseconds == 0; }
  std::strong_ordering operator<=>(const Time& other) const {
    if (auto order = seconds <=> other.seconds; order != 0) return order;
    return nanoseconds <=> other.nanoseconds;
  }
  bool operator==(const Time& other) const { return seconds == other.seconds && nanoseconds == other.nanoseconds; }
};
constexpr std::int64_t kUnixEpochSeconds = 62'135'596'800;
Time from_unix(std::int64_t seconds, std::int32_t nanoseconds = 0);
/// Seconds since 1970, negative before.
constexpr std::int64_t unix_seconds(const Time& time) {
  // Times come off the wire with any 64 bits: sums wrap as Go's do, instead of being undefined.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.seconds) -
                                   static_cast<std::uint64_t>(kUnixEpochSeconds));
}
/// time + duration and time - other as Go's Add and Sub; the difference saturates.
Time operator+(const Time& time, Duration duration);
Duration operator-(const Time& time, const Time& other);
/// RFC 3339 with nanoseconds as Go's JSON writes it: "2006-01-02T15:04:05.999999999Z".
std::string to_rfc3339(const Time& time);
/// Go's time.Parse(time.RFC3339, text) with its error texts.
Result<Time> parse_rfc3339(std::string_view text);

}  // namespace proconsul::base
