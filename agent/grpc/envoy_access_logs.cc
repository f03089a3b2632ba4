#include "agent/grpc/envoy_access_logs.h"

#include <utility>

#include "base/json.h"
#include "base/value.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

namespace {

constexpr const char* kSinks = "envoy.extensions.access_loggers.";

// What is logged where nothing else is said: Consul's names for Envoy's variables.
constexpr std::pair<const char*, const char*> kDefaultFormat[] = {
    {"start_time", "%START_TIME%"},
    {"route_name", "%ROUTE_NAME%"},
    {"method", "%REQ(:METHOD)%"},
    {"path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"},
    {"protocol", "%PROTOCOL%"},
    {"response_code", "%RESPONSE_CODE%"},
    {"response_flags", "%RESPONSE_FLAGS%"},
    {"response_code_details", "%RESPONSE_CODE_DETAILS%"},
    {"connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"},
    {"bytes_received", "%BYTES_RECEIVED%"},
    {"bytes_sent", "%BYTES_SENT%"},
    {"duration", "%DURATION%"},
    {"upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"},
    {"x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"},
    {"user_agent", "%REQ(USER-AGENT)%"},
    {"request_id", "%REQ(X-REQUEST-ID)%"},
    {"authority", "%REQ(:AUTHORITY)%"},
    {"upstream_host", "%UPSTREAM_HOST%"},
    {"upstream_cluster", "%UPSTREAM_CLUSTER%"},
    {"upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"},
    {"downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"},
    {"downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"},
    {"requested_server_name", "%REQUESTED_SERVER_NAME%"},
    {"upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"},
};

std::string text(std::string_view value) {
  return base::to_json(Value(value));
}

}  // namespace

Result<EnvoyLogFormat> envoy_log_format(const catalog::AccessLogsConfig& logs) {
  EnvoyLogFormat format;
  if (!logs.JSONFormat.empty()) {
    Value fields;
    if (Result<> read = base::read_json(logs.JSONFormat, fields); !read || fields.as_map() == nullptr) {
      return Error{Errc::invalid_argument,
                   "failed to get logger: could not get envoy log format: could not unmarshal JSON format string: " +
                       (read ? "it is no object" : read.error().detail)};
    }
    format.fields = std::move(*fields.as_map());
  } else if (logs.TextFormat.empty()) {
    for (const auto& [name, variable] : kDefaultFormat) format.fields.emplace(name, variable);
  } else {
    format.text = logs.TextFormat.ends_with('\n') ? logs.TextFormat : logs.TextFormat + '\n';
  }
  if (logs.Type.empty() || logs.Type == "stdout") {
    format.sink = "stream.v3.StdoutAccessLog";
  } else if (logs.Type == "stderr") {
    format.sink = "stream.v3.StderrAccessLog";
  } else if (logs.Type == "file") {
    format.sink = "file.v3.FileAccessLog";
  } else {
    return Error{Errc::invalid_argument, "failed to get logger: unsupported log format: " + logs.Type};
  }
  format.sink.insert(0, kSinks);
  return format;
}

Result<std::string> envoy_access_logs(const catalog::AccessLogsConfig& logs) {
  const Result<EnvoyLogFormat> format = envoy_log_format(logs);
  if (!format) return format.error();
  const std::string line = format->text.empty() ? R"("jsonFormat":)" + base::to_json(Value(format->fields))
                                                : R"("textFormatSource":{"inlineString":)" + text(format->text) + '}';
  return R"({"name":)" + text(kEnvoyLogName) + R"(,"typedConfig":{"@type":)" +
         text("type.googleapis.com/" + format->sink) + ',' +
         (logs.Type == "file" ? R"("path":)" + text(logs.Path) + ',' : "") + R"("logFormat":{)" + line + "}}}";
}

}  // namespace proconsul::agent::grpc
