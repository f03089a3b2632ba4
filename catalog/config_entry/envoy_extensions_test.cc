#include "catalog/config_entry/envoy_extensions.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "catalog/types/proxy.h"

namespace proconsul::catalog::rules {
namespace {

/// What is wrong with an extension of these arguments; "" if nothing.
std::string fault(std::string name, std::string_view arguments) {
  EnvoyExtension extension;
  extension.Name = std::move(name);
  extension.Arguments = *base::from_json<base::Map<base::Value>>(arguments);
  const base::Result<> checked = check_extension(extension);
  return checked ? "" : checked.error().detail;
}

std::string version_fault(std::string consul, std::string envoy = {}) {
  EnvoyExtension extension;
  extension.ConsulVersion = std::move(consul);
  extension.EnvoyVersion = std::move(envoy);
  const base::Result<> checked = check_extension_versions(extension);
  return checked ? "" : checked.error().detail;
}

TEST(EnvoyExtensions, VersionsAreConstraints) {
  for (const char* fine : {"", "1.2", ">= 1.0", "<1, >2", "~>1.2", "!=1", "1.2.3-beta", "  1  ", "v1.2", ">=v1",
                           "1.2.3.4.5", "1-", "1.2+meta"}) {
    EXPECT_EQ(version_fault(fine), "") << fine;
  }
  for (const char* bad : {"bad", "=> 1", ">= x", "1.x", "<= 1.2 ||", "^1", "==1"}) {
    EXPECT_EQ(version_fault(bad), std::string(".ConsulVersion: Malformed constraint: ") + bad);
  }
  for (const char* bad : {",", "1,", ">= 1,,"}) EXPECT_EQ(version_fault(bad), ".ConsulVersion: Malformed constraint: ");
  EXPECT_EQ(version_fault("bad", "worse"), ".EnvoyVersion: Malformed constraint: worse");
}

TEST(EnvoyExtensions, LuaNeedsAScriptAndAListener) {
  const auto lua = [](std::string_view arguments) { return fault("builtin/lua", arguments); };

  EXPECT_EQ(lua(R"({"script":"x","LISTENER":"outbound","ProxyType":"api-gateway","Foo":1})"), "");
  EXPECT_EQ(lua("{}"), "2 errors occurred:\n\t* missing Script value\n\t* unexpected Listener \"\"\n\n");
  EXPECT_EQ(lua(R"({"Listener":"bad","ProxyType":"q"})"),
            "3 errors occurred:\n\t* missing Script value\n\t* unexpected ProxyType \"q\"\n\t* unexpected Listener "
            "\"bad\"\n\n");
  EXPECT_EQ(lua(R"({"Script":["x"],"Listener":{}})"),
            "error decoding extension arguments: 1 error(s) decoding:\n\n* 'Listener' expected type 'string', got "
            "unconvertible type 'map[string]interface {}', value: 'map[]'");
  EXPECT_EQ(lua(R"({"Script":5,"Listener":"inbound"})"),
            "error decoding extension arguments: 1 error(s) decoding:\n\n* 'Script' expected type 'string', got "
            "unconvertible type 'float64', value: '5'");
}

TEST(EnvoyExtensions, LambdaNeedsAName) {
  EXPECT_EQ(fault("builtin/aws/lambda", R"({"arn":"x","InvocationMode":"bad"})"), "");
  EXPECT_EQ(fault("builtin/aws/lambda", "{}"), "1 error occurred:\n\t* ARN is required\n\n");
  EXPECT_EQ(fault("builtin/aws/lambda", R"({"ARN":"x","PayloadPassthrough":"true"})"),
            "error decoding extension arguments: 1 error(s) decoding:\n\n* 'PayloadPassthrough' expected type 'bool', "
            "got unconvertible type 'string', value: 'true'");
}

TEST(EnvoyExtensions, WasmNeedsCodeFromOnePlace) {
  const auto wasm = [](std::string_view plugin) {
    return fault("builtin/wasm",
                 R"({"Protocol":"http","ListenerType":"inbound","PluginConfig":)" + std::string(plugin) + "}");
  };
  const auto remote = [&](std::string_view rest) {
    return wasm(R"({"VmConfig":{"Code":{"Remote":{"SHA256":"d1",)" + std::string(rest) + "}}}}");
  };
  const std::string address = R"("HttpURI":{"Service":{"Name":"x"},"URI":"http://x"},)";

  EXPECT_EQ(wasm(R"({"VmConfig":{"Runtime":"wamr","Code":{"Local":{"Filename":"/f"}}}})"), "");
  EXPECT_EQ(remote(address + R"("RetryPolicy":{"NumRetries":3.5})"), "");
  EXPECT_EQ(
      fault("builtin/wasm", R"({"ProxyType":"bad"})"),
      "6 errors occurred:\n\t* unsupported Protocol \"\", expected \"tcp\" or \"http\"\n\t* unsupported ProxyType "
      "\"bad\", only \"connect-proxy\" is supported\n\t* unsupported ListenerType \"\", expected \"inbound\" or "
      "\"outbound\"\n\t* VmConfig.Code must provide exactly one of Local or Remote data source\n\t* both Service "
      "and URI are required for Remote data sources\n\t* SHA256 checksum is required for Remote data "
      "sources\n\n");
  EXPECT_EQ(wasm(R"({"VmConfig":{"Runtime":"bad","Code":{"Local":{"Filename":"/f"}}}})"),
            "1 error occurred:\n\t* unsupported runtime \"bad\"\n\n");
  EXPECT_EQ(remote(R"("HttpURI":{"Service":{"Name":"x"},"URI":"::bad","Timeout":"bad"})"),
            "2 errors occurred:\n\t* invalid HttpURI.URI: parse \"::bad\": missing protocol scheme\n\t* failed to "
            "parse HttpURI.Timeout \"bad\" as a duration: time: invalid duration \"bad\"\n\n");
  EXPECT_EQ(remote(address + R"("RetryPolicy":{"RetryBackOff":{"BaseInterval":"bad","MaxInterval":"bad"}})"),
            "3 errors occurred:\n\t* failed to parse RetryBackOff.BaseInterval \"bad\": time: invalid duration "
            "\"bad\"\n\t* failed to parse RetryBackOff.MaxInterval \"bad\": time: invalid duration \"bad\"\n\t* "
            "RetryBackOff.BaseInterval \"bad\" must be greater than zero and less than or equal to "
            "RetryBackOff.MaxInterval \"bad\"\n\n");
  EXPECT_EQ(
      remote(address + R"("RetryPolicy":{"NumRetries":-1,"RetryBackOff":{"BaseInterval":"5s","MaxInterval":"1s"}})"),
      "2 errors occurred:\n\t* RetryPolicy.NumRetries must be greater than or equal to 0\n\t* "
      "RetryBackOff.MaxInterval \"1s\" must be greater than or equal to RetryBackOff.BaseInterval \"5s\"\n\n");
  EXPECT_EQ(wasm(R"({"Name":5,"VmConfig":{"EnvironmentVariables":{"HostEnvKeys":"a","KeyValues":{"a":1}}}})"),
            "error decoding extension arguments: 3 error(s) decoding:\n\n* 'PluginConfig.Name' expected type 'string', "
            "got unconvertible type 'float64', value: '5'\n* 'PluginConfig.VmConfig.EnvironmentVariables.HostEnvKeys': "
            "source data must be an array or slice, got string\n* "
            "'PluginConfig.VmConfig.EnvironmentVariables.KeyValues[a]' expected type 'string', got unconvertible type "
            "'float64', value: '1'");
  EXPECT_EQ(wasm("5"),
            "error decoding extension arguments: 1 error(s) decoding:\n\n* 'PluginConfig' expected a map, got "
            "'float64'");
}

TEST(EnvoyExtensions, ExtAuthzNeedsOneServiceThatIsAsked) {
  const auto authz = [](std::string_view config) {
    return fault("builtin/ext-authz", R"({"Config":)" + std::string(config) + "}");
  };
  const auto target = [&](std::string_view text) {
    return authz(R"({"GrpcService":{"Target":)" + std::string(text) + "}}");
  };
  const std::string http = "1 error occurred:\n\t* failed to validate Config.HttpService: ";
  const std::string grpc = "1 error occurred:\n\t* failed to validate Config.GrpcService: ";

  for (const char* uri : {"localhost:9191", "::1:80", "127.0.0.1:0", "http://localhost:1", ":80"}) {
    EXPECT_EQ(target(R"({"URI":")" + std::string(uri) + "\"}"), "") << uri;
  }
  EXPECT_EQ(target(R"({"Service":{"Name":"s"},"Timeout":"1s"})"), "");
  EXPECT_EQ(fault("builtin/ext-authz", R"({"ListenerType":"bad"})"),
            "2 errors occurred:\n\t* unexpected ListenerType \"bad\", supported values are \"inbound\" or "
            "\"outbound\"\n\t* exactly one of GrpcService or HttpService must be set\n\n");
  EXPECT_EQ(authz(R"({"GrpcService":{}})"), grpc + "1 error occurred:\n\t* GrpcService.Target must be set\n\n\n\n");
  EXPECT_EQ(target("{}"),
            grpc + "1 error occurred:\n\t* exactly one of Target.Service or Target.URI must be set\n\n\n\n");
  EXPECT_EQ(target(R"({"URI":"x:9191"})"),
            grpc +
                "1 error occurred:\n\t* invalid host for Target.URI \"x:9191\": expected \"localhost\", "
                "\"127.0.0.1\", or \"::1\"\n\n\n\n");
  EXPECT_EQ(target(R"({"URI":"x:y","Timeout":"bad"})"),
            grpc +
                "2 errors occurred:\n\t* invalid format for Target.URI \"x:y\": expected host:port\n\t* failed to "
                "parse Target.Timeout \"bad\" as a duration: time: invalid duration \"bad\"\n\n\n\n");
  EXPECT_EQ(authz(R"({"HttpService":{"Target":{"URI":"localhost:1"},
                      "AuthorizationResponse":{"AllowedClientHeaders":[{"Exact":"a"},null,{}]}}})"),
            http +
                "1 error occurred:\n\t* validation failed for AuthorizationResponse.AllowedClientHeaders: 1 error "
                "occurred:\n\t* validation failed for matcher at index 2: exactly one of Contains, Exact, Prefix, "
                "SafeRegex or Suffix must be set\n\n\n\n\n\n");
  EXPECT_EQ(authz(R"({"GrpcService":{"Target":{"URI":"localhost:1"}},"StatusOnError":418})"),
            "1 error occurred:\n\t* failed to validate Config.StatusOnError:status code 418 is not supported by Envoy, "
            "please refer to the Envoy documentation for supported status codes\n\n");
  EXPECT_EQ(authz(R"({"StatusOnError":"x","GrpcService":{"InitialMetadata":[5,{"Key":1}]}})"),
            "3 error(s) decoding:\n\n* 'Config.GrpcService.InitialMetadata[0]' expected a map, got 'float64'\n* "
            "'Config.GrpcService.InitialMetadata[1].Key' expected type 'string', got unconvertible type 'float64', "
            "value: '1'\n* 'Config.StatusOnError' expected type 'int', got unconvertible type 'string', value: 'x'");
}

TEST(EnvoyExtensions, AccessLoggingNeedsAServiceThatIsTold) {
  const auto logging = [](std::string_view rest) {
    return fault("builtin/otel-access-logging",
                 R"({"Config":{"GrpcService":{"Target":{"URI":"localhost:9191"}},)" + std::string(rest) + "}}");
  };

  EXPECT_EQ(logging(R"("Body":{"a":[1]},"Attributes":{"a":1},"BufferSizeBytes":1.5,"BufferFlushInterval":5)"), "");
  EXPECT_EQ(fault("builtin/otel-access-logging", R"({"ProxyType":"bad"})"),
            "2 errors occurred:\n\t* unsupported ProxyType \"bad\", only \"connect-proxy\" is supported\n\t* missing "
            "GrpcService\n\n");
  EXPECT_EQ(logging(R"("RetryPolicy":{"NumRetries":-3,"RetryBackOff":{"BaseInterval":"bad"}})"),
            "2 error(s) decoding:\n\n* 'Config.RetryPolicy.RetryBackOff.BaseInterval' expected type 'time.Duration', "
            "got unconvertible type 'string', value: 'bad'\n* cannot parse 'Config.RetryPolicy.NumRetries', -3.000000 "
            "overflows uint");
}

TEST(EnvoyExtensions, OnlyThoseOfConsulAreKnown) {
  EXPECT_EQ(fault("builtin/nope", "{}"), "name \"builtin/nope\" is not a built-in extension");
  EXPECT_EQ(fault("builtin/property-override", "{}"), "");
}

}  // namespace
}  // namespace proconsul::catalog::rules
