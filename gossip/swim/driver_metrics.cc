#include "gossip/swim/driver_metrics.h"

namespace proconsul::gossip::swim {
namespace {

namespace metrics = base::metrics;

metrics::Labels with(const std::string& network) {
  return {{"network", network}};
}
metrics::Gauge instances(const std::string& network, const char* state) {
  return metrics::gauge("memberlist.node.instances", {{"network", network}, {"node_state", state}});
}

}  // namespace

DriverMetrics::DriverMetrics(const std::string& network)
    : received_(metrics::counter("memberlist.udp.received", with(network))),
      sent_(metrics::counter("memberlist.udp.sent", with(network))),
      alive_(metrics::counter("memberlist.msg.alive", with(network))),
      suspect_(metrics::counter("memberlist.msg.suspect", with(network))),
      dead_(metrics::counter("memberlist.msg.dead", with(network))),
      degraded_probe_(metrics::counter("memberlist.degraded.probe", with(network))),
      degraded_timeout_(metrics::counter("memberlist.degraded.timeout", with(network))),
      accept_(metrics::counter("memberlist.tcp.accept", with(network))),
      connect_(metrics::counter("memberlist.tcp.connect", with(network))),
      tcp_sent_(metrics::counter("memberlist.tcp.sent", with(network))),
      gossip_(metrics::sample("memberlist.gossip", with(network))),
      probe_(metrics::sample("memberlist.probeNode", with(network))),
      push_pull_(metrics::sample("memberlist.pushPullNode", with(network))),
      remote_(metrics::sample("memberlist.size.remote", with(network))),
      queue_(metrics::sample("memberlist.queue.broadcasts", with(network))),
      health_(metrics::gauge("memberlist.health.score", with(network))),
      local_(metrics::gauge("memberlist.size.local", with(network))),
      instances_{instances(network, "alive"), instances(network, "suspect"), instances(network, "dead"),
                 instances(network, "left")} {}

void DriverMetrics::measured(const Measurement& measurement) const {
  switch (measurement.what) {
    case Sampled::probe:
      probe_.add(measurement.value);
      break;
    case Sampled::push_pull:
      push_pull_.add(measurement.value);
      break;
    case Sampled::remote_state:
      remote_.add(measurement.value);
      break;
  }
}

void DriverMetrics::count(const Core& core) {
  const Counts& now = core.counts();
  const auto grew = [&](const metrics::Counter& counter, std::uint64_t Counts::* what) {
    if (now.*what != seen_.*what) counter.add(static_cast<double>(now.*what - seen_.*what));
  };
  grew(alive_, &Counts::alive);
  grew(suspect_, &Counts::suspect);
  grew(dead_, &Counts::dead);
  grew(degraded_probe_, &Counts::degraded_probes);
  grew(degraded_timeout_, &Counts::degraded_timeouts);
  grew(accept_, &Counts::streams_accepted);
  grew(connect_, &Counts::streams_opened);
  grew(tcp_sent_, &Counts::stream_bytes_sent);
  seen_ = now;
  if (core.health_score() != health_seen_) {
    health_seen_ = core.health_score();
    health_.set(health_seen_);
  }
  if (core.last_state_bytes() != local_seen_) {
    local_seen_ = core.last_state_bytes();
    local_.set(static_cast<double>(local_seen_));
    const std::array<std::size_t, 4> states = core.members_by_state();
    for (std::size_t i = 0; i < states.size(); ++i) instances_[i].set(static_cast<double>(states[i]));
  }
}

void DriverMetrics::sample(const Core& core) const {
  queue_.add(static_cast<double>(core.queued_broadcasts()));
}

}  // namespace proconsul::gossip::swim
