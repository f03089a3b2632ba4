// What Prometheus asks of every process: the block of process_* metrics.
#pragma once

#include <string>

namespace proconsul::agent {

/// In Prometheus' text format: processor time, memory, descriptors, start time. What /proc does not tell is left out.
std::string process_metrics();

}  // namespace proconsul::agent
