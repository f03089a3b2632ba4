// One metric as the daemons that collect them read it: statsd, statsite, dogstatsd.
#pragma once

#include <span>
#include <string>

#include "base/metrics.h"

namespace proconsul::agent {

/// statsd and statsite: "name.label.label:1.000000|c\n", labels by their values.
void append_statsd_line(std::string& out, const base::metrics::Event& event);
/// DogStatsD: "name:1|c|#tag,label:value\n". The host is not a part of the name there.
void append_dogstatsd_line(std::string& out, const base::metrics::Event& event, std::span<const std::string> tags);

}  // namespace proconsul::agent
