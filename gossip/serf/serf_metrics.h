// The metrics of a pool, as Go's serf names them.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/metrics.h"

namespace proconsul::gossip::serf {

struct SerfMetrics {
  explicit SerfMetrics(base::metrics::Labels labels);
  /// "events" or "queries", once for all and once by name. Names come from anybody: only so many are counted by name
  /// that there stays room for all other metrics of the process.
  void count(std::string_view kind, const std::string& name);

  base::metrics::Labels labels;
  base::metrics::Counter member_join, member_update, member_failed, member_left, member_flap;
  base::metrics::Counter query_acks, query_duplicate_acks, query_responses, query_duplicate_responses;
  base::metrics::Counter coordinate_rejected, coordinate_zero_rtt;
  base::metrics::Sample messages_received, messages_sent, coordinate_adjustment;
  base::metrics::Sample intent_queue, event_queue, query_queue;

 private:
  std::set<std::string> counted_names_{};
};

}  // namespace proconsul::gossip::serf
