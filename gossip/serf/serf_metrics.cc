#include "gossip/serf/serf_metrics.h"

#include <utility>

namespace proconsul::gossip::serf {

namespace metrics = base::metrics;

namespace {

constexpr std::size_t kMostNames = 512;  // of events and queries together

}  // namespace

SerfMetrics::SerfMetrics(metrics::Labels pool)
    : labels(std::move(pool)),
      member_join(metrics::counter("serf.member.join", labels)),
      member_update(metrics::counter("serf.member.update", labels)),
      member_failed(metrics::counter("serf.member.failed", labels)),
      member_left(metrics::counter("serf.member.left", labels)),
      member_flap(metrics::counter("serf.member.flap", labels)),
      query_acks(metrics::counter("serf.query_acks", labels)),
      query_duplicate_acks(metrics::counter("serf.query_duplicate_acks", labels)),
      query_responses(metrics::counter("serf.query_responses", labels)),
      query_duplicate_responses(metrics::counter("serf.query_duplicate_responses", labels)),
      coordinate_rejected(metrics::counter("serf.coordinate.rejected", labels)),
      coordinate_zero_rtt(metrics::counter("serf.coordinate.zero-rtt", labels)),
      messages_received(metrics::sample("serf.msgs.received", labels)),
      messages_sent(metrics::sample("serf.msgs.sent", labels)),
      coordinate_adjustment(metrics::sample("serf.coordinate.adjustment-ms", labels)),
      intent_queue(metrics::sample("serf.queue.Intent", labels)),
      event_queue(metrics::sample("serf.queue.Event", labels)),
      query_queue(metrics::sample("serf.queue.Query", labels)) {}

void SerfMetrics::count(std::string_view kind, const std::string& name) {
  const std::string all = "serf." + std::string(kind);
  metrics::counter(all, labels).add();
  const std::string named = all + "." + name;
  if (!counted_names_.contains(named)) {
    if (counted_names_.size() >= kMostNames) return;
    counted_names_.insert(named);
  }
  metrics::counter(named, labels).add();
}

}  // namespace proconsul::gossip::serf
