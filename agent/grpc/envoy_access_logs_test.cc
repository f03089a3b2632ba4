#include "agent/grpc/envoy_access_logs.h"

#include <gtest/gtest.h>

namespace proconsul::agent::grpc {
namespace {

using Logs = catalog::AccessLogsConfig;

TEST(EnvoyAccessLogs, GoToTheStandardOutputAsJsonUnlessSaidOtherwise) {
  const base::Result<std::string> logs = envoy_access_logs(Logs{.Enabled = true});
  ASSERT_TRUE(logs);
  EXPECT_TRUE(logs->starts_with(
      R"({"name":"Consul Listener Filter Log","typedConfig":{"@type":)"
      R"("type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog","logFormat":{"jsonFormat":{)"
      R"("authority":"%REQ(:AUTHORITY)%","bytes_received":"%BYTES_RECEIVED%",)"))
      << *logs;
  EXPECT_TRUE(logs->ends_with("}}}}"));
}

TEST(EnvoyAccessLogs, AFileHasItsPathAndTextItsNewline) {
  const base::Result<std::string> logs =
      envoy_access_logs(Logs{.Enabled = true, .Type = "file", .Path = "/a \"b\"", .TextFormat = "%START_TIME%"});
  EXPECT_EQ(*logs, R"({"name":"Consul Listener Filter Log","typedConfig":{"@type":)"
                   R"("type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog","path":"/a \"b\"",)"
                   R"("logFormat":{"textFormatSource":{"inlineString":"%START_TIME%\n"}}}})");
}

TEST(EnvoyAccessLogs, AFormatOfOnesOwnMustBeAnObject) {
  EXPECT_NE(envoy_access_logs(Logs{.Enabled = true, .Type = "stderr", .JSONFormat = R"({"b": 1, "a": ["%X%"]})"})
                ->find(R"("jsonFormat":{"a":["%X%"],"b":1})"),
            std::string::npos);
  EXPECT_FALSE(envoy_access_logs(Logs{.JSONFormat = "[1]"}));
  EXPECT_FALSE(envoy_access_logs(Logs{.JSONFormat = "{"}));
  EXPECT_EQ(envoy_access_logs(Logs{.Type = "syslog"}).error().detail,
            "failed to get logger: unsupported log format: syslog");
}

}  // namespace
}  // namespace proconsul::agent::grpc
