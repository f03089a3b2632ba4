// Where Envoy writes its access logs, as Envoy's own configuration.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/types/proxy.h"

namespace proconsul::agent::grpc {

/// The AccessLog (JSON) of what proxy-defaults say. Errors: a sink that Envoy does not have, a format that is no JSON
/// object.
base::Result<std::string> envoy_access_logs(const catalog::AccessLogsConfig& logs);

}  // namespace proconsul::agent::grpc
