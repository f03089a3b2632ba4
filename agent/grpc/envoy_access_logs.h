// Where Envoy writes its access logs, as Envoy's own configuration.
#pragma once

#include <string>

#include "base/result.h"
#include "base/value.h"
#include "catalog/types/proxy.h"

namespace proconsul::agent::grpc {

inline constexpr const char* kEnvoyLogName = "Consul Listener Filter Log";

/// Where lines go, and what they look like: fields of an object, or text.
struct EnvoyLogFormat {
  std::string sink{};  // the whole name of Envoy's message
  base::Map<base::Value> fields{};
  std::string text{};
};
/// Errors: a sink that Envoy does not have, a format that is no JSON object.
base::Result<EnvoyLogFormat> envoy_log_format(const catalog::AccessLogsConfig& logs);

/// The AccessLog (JSON) of what proxy-defaults say. Errors are those of envoy_log_format().
base::Result<std::string> envoy_access_logs(const catalog::AccessLogsConfig& logs);

}  // namespace proconsul::agent::grpc
