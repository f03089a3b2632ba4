#include "gossip/serf/settings.h"

#include <algorithm>

#include "base/log.h"
#include "base/strconv.h"
#include "gossip/swim/membership.h"

namespace proconsul::gossip::serf {

using base::Duration;
using base::Errc;
using base::Result;

namespace {

Settings consul() {
  Settings settings;
  settings.queue_depth_warning = 1'000'000;
  settings.min_queue_depth = 4096;
  settings.leave_propagate_delay = base::seconds(3);
  settings.reconnect_timeout = base::seconds(3 * 24 * 3600);
  // A minority node would switch its gossip off by itself.
  settings.enable_name_conflict_resolution = false;
  settings.reconnect_timeout_of = advertised_reconnect_timeout;
  return settings;
}

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

}  // namespace

Settings Settings::consul_lan() {
  Settings settings = consul();
  settings.timing = swim::Timing::lan();
  settings.labels = {{"network", "lan"}};
  return settings;
}

Settings Settings::consul_wan() {
  Settings settings = consul();
  settings.timing = swim::Timing::wan();
  settings.labels = {{"network", "wan"}};
  return settings;
}

Result<> validate_node_name(const Settings& settings, const std::string& name) {
  if (!settings.validate_node_names) return {};
  if (!std::ranges::all_of(name, is_name_character)) {
    return {Errc::invalid_argument, "Node name contains invalid characters " + name +
                                        " , Valid characters include all alpha-numerics and dashes and '.' "};
  }
  if (name.size() > kMostNodeName) {
    return {Errc::invalid_argument, "Node name is " + std::to_string(name.size()) +
                                        " characters. Valid length is between 1 and 128 characters"};
  }
  return {};
}

Result<> validate_tags(const base::Map<std::string>& tags) {
  if (encode_tags(tags).size() <= swim::kMetaLimit) return {};
  return {Errc::invalid_argument,
          "Encoded length of tags exceeds limit of " + std::to_string(swim::kMetaLimit) + " bytes"};
}

Result<> validate(const Settings& settings) {
  if (settings.user_event_size_limit > kMostUserEvent) {
    return {Errc::invalid_argument,
            "user event size limit exceeds limit of " + std::to_string(kMostUserEvent) + " bytes"};
  }
  if (settings.event_buffer == 0 || settings.query_buffer == 0) {
    return {Errc::invalid_argument, "event and query buffers need at least one slot"};
  }
  if (Result<> ok = validate_tags(settings.tags); !ok) return ok;
  return validate_node_name(settings, settings.node_name);
}

Duration advertised_reconnect_timeout(const Member& member, Duration otherwise) {
  static const base::log::Logger log("agent.server");
  const auto tag = member.Tags.find("rc_tm");
  if (tag == member.Tags.end()) return otherwise;
  const Result<Duration> advertised = base::parse_duration(tag->second);
  if (!advertised) {
    log.warn("Member is advertising a malformed reconnect timeout", {{"member", member.Name}, {"rc_tm", tag->second}});
    return otherwise;
  }
  return advertised->nanoseconds == 0 ? otherwise : *advertised;
}

}  // namespace proconsul::gossip::serf
