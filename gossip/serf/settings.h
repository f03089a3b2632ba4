// How one pool of serf behaves: serf's own defaults, and what Consul makes of them (gossip.md B7).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "base/time.h"
#include "gossip/serf/message.h"
#include "gossip/swim/timing.h"

namespace proconsul::gossip::serf {

struct Settings {
  std::string node_name{};
  base::Map<std::string> tags{};
  swim::Timing timing = swim::Timing::lan();  // the membership's; queries and broadcasts follow it

  base::Duration broadcast_timeout = base::seconds(5);
  base::Duration leave_propagate_delay = base::seconds(1);
  // Events are gathered for the coalesce period, or until none came for the quiescent period; both 0: not gathered.
  base::Duration coalesce_period{};
  base::Duration quiescent_period{};
  base::Duration user_coalesce_period{};
  base::Duration user_quiescent_period{};
  base::Duration reap_interval = base::seconds(15);
  base::Duration reconnect_interval = base::seconds(30);
  base::Duration reconnect_timeout = base::seconds(24 * 3600);  // failed members are forgotten after it
  base::Duration tombstone_timeout = base::seconds(24 * 3600);  // and those that left
  base::Duration flap_timeout = base::seconds(60);
  base::Duration recent_intent_timeout = base::seconds(300);
  base::Duration queue_check_interval = base::seconds(30);
  std::size_t queue_depth_warning = 128;
  std::size_t max_queue_depth = 4096;
  std::size_t min_queue_depth = 0;  // above 0: the most is twice the members, at least this; max_queue_depth is ignored
  std::size_t event_buffer = 512;   // slots
  std::size_t query_buffer = 512;
  int query_timeout_mult = 16;
  std::size_t query_response_size_limit = 1024;  // bytes
  std::size_t query_size_limit = 1024;
  std::size_t user_event_size_limit = 512;  // name and payload, and again when encoded
  bool rejoin_after_leave = false;
  bool enable_name_conflict_resolution = true;
  bool disable_coordinates = false;
  bool validate_node_names = false;

  /// Refuses a merge with such members; none: everybody may join. Also asked about single ones.
  std::function<base::Result<>(const std::vector<Member>&)> merge{};
  /// Whether members may be at such an address (4 or 16 raw bytes); none: anywhere. Others never become members.
  std::function<bool(std::string_view ip)> allowed_address{};
  /// How long a failed or left member is kept instead of the given time; none: as given.
  std::function<base::Duration(const Member&, base::Duration)> reconnect_timeout_of{};
  base::metrics::Labels labels{};  // of all metrics

  /// As Consul sets up its pools; the layer above adds name, tags and the merge rule.
  static Settings consul_lan();
  static Settings consul_wan();
};

inline constexpr std::size_t kMostUserEvent = 9 * 1024;  // bytes, whatever the settings say
inline constexpr std::size_t kMostNodeName = 128;        // characters, where names are validated

/// Errors in serf's words.
base::Result<> validate(const Settings& settings);
base::Result<> validate_node_name(const Settings& settings, const std::string& name);
/// "Encoded length of tags exceeds limit of 512 bytes".
base::Result<> validate_tags(const base::Map<std::string>& tags);

/// The tag rc_tm of Consul's clients ("72h0m0s") in place of the pool's time; what cannot be read or is 0 counts not.
base::Duration advertised_reconnect_timeout(const Member& member, base::Duration otherwise);

}  // namespace proconsul::gossip::serf
