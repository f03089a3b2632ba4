// Where the log goes besides the standard output: for base/log.cc only.
#pragma once

#include <memory>

#include "base/log.h"

namespace spdlog::sinks {
class sink;
}

namespace proconsul::base::log {

using SinkPtr = std::shared_ptr<spdlog::sinks::sink>;

/// log_file: appends to one name; when it is too big or too old it is renamed with the time and begun anew.
Result<SinkPtr> open_log_file(const Options& options);
/// enable_syslog: datagrams to the system's log daemon. Waits up to a minute for it to come up.
Result<SinkPtr> open_syslog(const Options& options);

}  // namespace proconsul::base::log
