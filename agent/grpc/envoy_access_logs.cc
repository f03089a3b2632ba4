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

constexpr const char* kName = "Consul Listener Filter Log";
constexpr const char* kSinks = "type.googleapis.com/envoy.extensions.access_loggers.";

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

/// "jsonFormat":{...} or "textFormatSource":{...}.
Result<std::string> format_of(const catalog::AccessLogsConfig& logs) {
  Value format;
  if (!logs.JSONFormat.empty()) {
    if (Result<> read = base::read_json(logs.JSONFormat, format); !read || format.as_map() == nullptr) {
      return Error{Errc::invalid_argument,
                   "failed to get logger: could not get envoy log format: could not unmarshal JSON format string: " +
                       (read ? "it is no object" : read.error().detail)};
    }
  } else if (logs.TextFormat.empty()) {
    Value::MapType& fields = format.make_map();
    for (const auto& [name, variable] : kDefaultFormat) fields.emplace(name, variable);
  } else {
    const std::string line = logs.TextFormat.ends_with('\n') ? logs.TextFormat : logs.TextFormat + '\n';
    return R"("textFormatSource":{"inlineString":)" + text(line) + '}';
  }
  return R"("jsonFormat":)" + base::to_json(format);
}

}  // namespace

Result<std::string> envoy_access_logs(const catalog::AccessLogsConfig& logs) {
  const Result<std::string> format = format_of(logs);
  if (!format) return format.error();
  std::string sink, path;
  if (logs.Type.empty() || logs.Type == "stdout") {
    sink = "stream.v3.StdoutAccessLog";
  } else if (logs.Type == "stderr") {
    sink = "stream.v3.StderrAccessLog";
  } else if (logs.Type == "file") {
    sink = "file.v3.FileAccessLog";
    path = R"("path":)" + text(logs.Path) + ',';
  } else {
    return Error{Errc::invalid_argument, "failed to get logger: unsupported log format: " + logs.Type};
  }
  return R"({"name":)" + text(kName) + R"(,"typedConfig":{"@type":)" + text(kSinks + sink) + ',' + path +
         R"("logFormat":{)" + *format + "}}}";
}

}  // namespace proconsul::agent::grpc
