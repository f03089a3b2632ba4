#include "gossip/swim/timing.h"

#include <algorithm>
#include <cmath>

namespace proconsul::gossip::swim {

using base::Duration;
using base::milliseconds;
using base::seconds;

Timing Timing::wan() {
  Timing timing;
  timing.tcp_timeout = seconds(30);
  timing.suspicion_mult = 6;
  timing.push_pull_interval = seconds(60);
  timing.probe_interval = seconds(5);
  timing.probe_timeout = seconds(3);
  timing.gossip_interval = milliseconds(500);
  timing.gossip_to_the_dead_time = seconds(60);
  return timing;
}

Timing Timing::local() {
  Timing timing;
  timing.tcp_timeout = seconds(1);
  timing.indirect_checks = 1;
  timing.retransmit_mult = 2;
  timing.suspicion_mult = 3;
  timing.push_pull_interval = seconds(15);
  timing.probe_timeout = milliseconds(200);
  timing.gossip_interval = milliseconds(100);
  timing.gossip_to_the_dead_time = seconds(15);
  return timing;
}

int retransmit_limit(int mult, std::size_t nodes) {
  return mult * static_cast<int>(std::ceil(std::log10(static_cast<double>(nodes + 1))));
}

Duration suspicion_timeout(int mult, std::size_t nodes, Duration probe_interval) {
  const double scale = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(nodes))));
  // Whole thousandths of the logarithm, as integers from here on.
  const auto thousandths = static_cast<std::int64_t>(scale * 1000);
  return {mult * thousandths * probe_interval.nanoseconds / 1000};
}

Duration remaining_suspicion(int confirmations, int wanted, Duration least, Duration most) {
  if (wanted < 1) return least;
  const double fraction = std::log(confirmations + 1.0) / std::log(wanted + 1.0);
  const double least_seconds = static_cast<double>(least.nanoseconds) / 1e9;
  const double most_seconds = static_cast<double>(most.nanoseconds) / 1e9;
  const double whole = std::floor(1000.0 * (most_seconds - fraction * (most_seconds - least_seconds)));
  return std::max(milliseconds(static_cast<std::int64_t>(whole)), least);
}

Duration push_pull_scale(Duration interval, std::size_t nodes) {
  constexpr double kFrom = 32;
  const auto count = static_cast<double>(nodes);
  if (count <= kFrom) return interval;
  const auto mult = static_cast<std::int64_t>(std::ceil(std::log2(count) - std::log2(kFrom)) + 1.0);
  return {interval.nanoseconds * mult};
}

}  // namespace proconsul::gossip::swim
