#include "catalog/config_entry/envoy_extensions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/net/url.h"
#include "base/quote.h"
#include "base/regex.h"
#include "base/strconv.h"
#include "base/time.h"
#include "catalog/config_entry/extension_arguments.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/proxy.h"

namespace proconsul::catalog::rules {

using base::Duration;
using base::quote;
using base::Result;

namespace {

using Arguments = ExtensionArguments;
constexpr std::string_view kProxyType = "api.ServiceKind";
constexpr std::string_view kSidecar = "connect-proxy";

bool is_direction(std::string_view listener) {
  return listener == "inbound" || listener == "outbound";
}

void add_below(Faults& faults, const std::string& where, const Faults& inner) {
  if (const Result<> result = inner.result(); !result) faults.add(where + ": " + result.error().detail);
}

void check_lua(const Arguments& arguments, Faults& faults) {
  const std::string proxy = arguments.text("ProxyType");
  const std::string listener = arguments.text("Listener");
  if (arguments.text("Script").empty()) faults.add("missing Script value");
  if (!proxy.empty() && proxy != kSidecar && proxy != "api-gateway") faults.add("unexpected ProxyType " + quote(proxy));
  if (!is_direction(listener)) faults.add("unexpected Listener " + quote(listener));
}

void check_aws_lambda(const Arguments& arguments, Faults& faults) {
  arguments.flag("PayloadPassthrough");
  arguments.text("InvocationMode");
  if (arguments.text("ARN").empty()) faults.add("ARN is required");
}

/// The name of a service that is called.
std::string service_name(const Arguments& service) {
  service.text("Namespace");
  service.text("Partition");
  return service.text("Name");
}

void check_sidecar(const std::string& proxy, Faults& faults) {
  if (proxy.empty() || proxy == kSidecar) return;
  faults.add("unsupported ProxyType " + quote(proxy) + ", only \"connect-proxy\" is supported");
}

// ---- wasm ----

/// An interval of how fetching is tried again; 0 if there is none, or none that can be read.
Duration back_off(const std::string& text, const std::string& name, Faults& faults) {
  if (text.empty()) return {};
  const Result<Duration> parsed = base::parse_duration(text);
  if (!parsed) faults.add("failed to parse RetryBackOff." + name + " " + quote(text) + ": " + parsed.error().detail);
  return parsed.value_or(Duration{});
}

void check_wasm_code(const Arguments& code, Faults& faults) {
  const bool local = !code.structure("Local").text("Filename").empty();
  const Arguments remote = code.structure("Remote");
  const Arguments address = remote.structure("HttpURI");
  const std::string service = service_name(address.structure("Service"));
  const std::string uri = address.text("URI");
  const std::string timeout = address.text("Timeout");
  const std::string checksum = remote.text("SHA256");
  const Arguments retry = remote.structure("RetryPolicy");
  const std::int64_t retries = retry.number("NumRetries").value_or(0);
  const std::string base = retry.structure("RetryBackOff").text("BaseInterval");
  const std::string most = retry.structure("RetryBackOff").text("MaxInterval");

  if (local == (!service.empty() || !uri.empty())) {
    faults.add("VmConfig.Code must provide exactly one of Local or Remote data source");
  }
  if (local) return;
  if (service.empty() || uri.empty()) faults.add("both Service and URI are required for Remote data sources");
  if (checksum.empty()) faults.add("SHA256 checksum is required for Remote data sources");
  if (!uri.empty()) {
    if (const auto url = base::net::parse_url(uri); !url) faults.add("invalid HttpURI.URI: " + url.error().detail);
  }
  if (!timeout.empty()) {
    if (const auto parsed = base::parse_duration(timeout); !parsed) {
      faults.add("failed to parse HttpURI.Timeout " + quote(timeout) + " as a duration: " + parsed.error().detail);
    }
  }
  if (retries < 0) faults.add("RetryPolicy.NumRetries must be greater than or equal to 0");
  const Duration first = back_off(base, "BaseInterval", faults);
  const Duration last = back_off(most, "MaxInterval", faults);
  if (!base.empty() && first <= Duration{}) {
    faults.add("RetryBackOff.BaseInterval " + quote(base) +
               " must be greater than zero and less than or equal to RetryBackOff.MaxInterval " + quote(most));
  }
  if (!most.empty() && last < first) {
    faults.add("RetryBackOff.MaxInterval " + quote(most) +
               " must be greater than or equal to RetryBackOff.BaseInterval " + quote(base));
  }
}

void check_wasm(const Arguments& arguments, Faults& faults) {
  const std::string protocol = arguments.text("Protocol");
  const std::string listener = arguments.text("ListenerType");
  const Arguments plugin = arguments.structure("PluginConfig");
  for (const char* field : {"Name", "RootID", "Configuration"}) plugin.text(field);
  plugin.structure("CapabilityRestrictionConfiguration").map("AllowedCapabilities");
  const Arguments machine = plugin.structure("VmConfig");
  for (const char* field : {"VmID", "Configuration"}) machine.text(field);
  const Arguments environment = machine.structure("EnvironmentVariables");
  environment.texts("HostEnvKeys");
  environment.text_map("KeyValues");
  const std::string runtime = machine.text("Runtime");

  if (protocol != "tcp" && protocol != "http") {
    faults.add("unsupported Protocol " + quote(protocol) + ", expected \"tcp\" or \"http\"");
  }
  check_sidecar(arguments.text("ProxyType", kProxyType), faults);
  if (!is_direction(listener)) {
    faults.add("unsupported ListenerType " + quote(listener) + ", expected \"inbound\" or \"outbound\"");
  }
  constexpr std::array<std::string_view, 5> kRuntimes = {"", "v8", "wamr", "wavm", "wasmtime"};
  if (std::ranges::find(kRuntimes, runtime) == kRuntimes.end()) faults.add("unsupported runtime " + quote(runtime));
  check_wasm_code(machine.structure("Code"), faults);
}

// ---- services that proxies ask: ext-authz and otel-access-logging ----

/// The host of "host:port", which may have a scheme; nothing if it is none.
std::optional<std::string> host_of(std::string_view address) {
  if (const auto scheme = address.find("://"); scheme != address.npos) address.remove_prefix(scheme + 3);
  const auto colon = address.rfind(':');
  if (colon == address.npos || !base::parse_int(address.substr(colon + 1), 10)) return std::nullopt;
  return colon == 0 ? "localhost" : std::string(address.substr(0, colon));
}

void check_target(const Arguments& target, Faults& faults) {
  const std::string service = service_name(target.structure("Service"));
  const std::string uri = target.text("URI");
  const std::string timeout = target.text("Timeout");
  if (!target.given()) return;
  if (service.empty() == uri.empty()) faults.add("exactly one of Target.Service or Target.URI must be set");
  if (!uri.empty()) {
    const auto host = host_of(uri);
    if (!host) {
      faults.add("invalid format for Target.URI " + quote(uri) + ": expected host:port");
    } else if (*host != "localhost" && *host != "127.0.0.1" && *host != "::1") {
      faults.add("invalid host for Target.URI " + quote(uri) + R"(: expected "localhost", "127.0.0.1", or "::1")");
    }
  }
  if (timeout.empty()) return;
  if (const auto parsed = base::parse_duration(timeout); !parsed) {
    faults.add("failed to parse Target.Timeout " + quote(timeout) + " as a duration: " + parsed.error().detail);
  }
}

void read_headers(const Arguments& of, std::string_view field) {
  for (const Arguments& header : of.structures(field)) {
    header.text("Key");
    header.text("Value");
  }
}

Faults check_grpc_service(const Arguments& service) {
  Faults faults;
  service.text("Authority");
  read_headers(service, "InitialMetadata");
  const Arguments target = service.structure("Target");
  if (service.given() && !target.given()) faults.add("GrpcService.Target must be set");
  check_target(target, faults);
  return faults;
}

void check_matchers(const Arguments& of, std::string_view block, std::string_view field, Faults& faults) {
  Faults wrong;
  const auto matchers = of.structures(field);
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    matchers[i].flag("IgnoreCase");
    int set = 0;
    for (const char* way : {"Contains", "Exact", "Prefix", "SafeRegex", "Suffix"})
      set += !matchers[i].text(way).empty();
    if (!matchers[i].given() || set == 1) continue;
    wrong.add("validation failed for matcher at index " + std::to_string(i) +
              ": exactly one of Contains, Exact, Prefix, SafeRegex or Suffix must be set");
  }
  add_below(faults, std::string("validation failed for ").append(block).append(".").append(field), wrong);
}

Faults check_http_service(const Arguments& service) {
  Faults faults;
  service.text("PathPrefix");
  const Arguments target = service.structure("Target");
  if (service.given() && !target.given()) faults.add("HttpService.Target must be set");
  check_target(target, faults);
  const Arguments request = service.structure("AuthorizationRequest");
  read_headers(request, "HeadersToAdd");
  check_matchers(request, "AuthorizationRequest", "AllowedHeaders", faults);
  for (const char* field : {"AllowedUpstreamHeaders", "AllowedUpstreamHeadersToAppend", "AllowedClientHeaders",
                            "AllowedClientHeadersOnSuccess", "DynamicMetadataFromHeaders"}) {
    check_matchers(service.structure("AuthorizationResponse"), "AuthorizationResponse", field, faults);
  }
  return faults;
}

/// Of a filter that stands before others: which proxies and which of their listeners have it.
void check_place(const Arguments& arguments, Faults& faults) {
  check_sidecar(arguments.text("ProxyType", kProxyType), faults);
  const std::string listener = arguments.text("ListenerType");
  if (listener.empty() || is_direction(listener)) return;
  faults.add("unexpected ListenerType " + quote(listener) + R"(, supported values are "inbound" or "outbound")");
}

/// Whether Envoy has a name for the status.
bool is_envoy_status(std::int64_t code) {
  constexpr std::pair<int, int> kRanges[] = {{0, 0},     {100, 100}, {200, 208}, {226, 226}, {300, 305},
                                             {307, 308}, {400, 417}, {421, 424}, {426, 426}, {428, 429},
                                             {431, 431}, {500, 508}, {510, 511}};
  return std::ranges::any_of(kRanges, [&](const auto& range) { return range.first <= code && code <= range.second; });
}

void check_ext_authz(const Arguments& arguments, Faults& faults) {
  check_place(arguments, faults);
  const Arguments insertion = arguments.structure("InsertOptions");
  insertion.text("FilterName");
  insertion.text("Location", "extensioncommon.InsertLocation");
  const Arguments config = arguments.structure("Config");
  for (const char* field : {"BootstrapMetadataLabelsKey", "StatPrefix"}) config.text(field);
  for (const char* field : {"ClearRouteCache", "IncludePeerCertificate"}) config.flag(field);
  config.texts("MetadataContextNamespaces");
  const Arguments body = config.structure("WithRequestBody");
  body.number("MaxRequestBytes", "int64");
  for (const char* field : {"AllowPartialMessage", "PackAsBytes"}) body.flag(field);
  const auto status = config.number("StatusOnError");

  const Arguments grpc = config.structure("GrpcService");
  const Arguments http = config.structure("HttpService");
  if (grpc.given() == http.given()) faults.add("exactly one of GrpcService or HttpService must be set");
  const Faults of_grpc = check_grpc_service(grpc);
  const Faults of_http = check_http_service(http);
  const char* field = http.given() ? "HttpService" : "GrpcService";
  add_below(faults, std::string("failed to validate Config.") + field, http.given() ? of_http : of_grpc);
  if (status && !is_envoy_status(*status)) {
    faults.add("failed to validate Config.StatusOnError:status code " + std::to_string(*status) +
               " is not supported by Envoy, please refer to the Envoy documentation for supported status codes");
  }
}

void check_access_logging(const Arguments& arguments, Faults& faults) {
  check_place(arguments, faults);
  const Arguments config = arguments.structure("Config");
  config.text("LogName");
  config.number("BufferFlushInterval", "time.Duration");
  config.count("BufferSizeBytes");
  config.texts("FilterStateObjectsToLog");
  for (const char* field : {"Attributes", "ResourceAttributes"}) config.map(field);
  const Arguments retry = config.structure("RetryPolicy");
  retry.count("NumRetries");
  for (const char* field : {"BaseInterval", "MaxInterval"}) {
    retry.structure("RetryBackOff").number(field, "time.Duration");
  }
  const Arguments grpc = config.structure("GrpcService");
  if (!grpc.given()) return faults.add("missing GrpcService");
  add_below(faults, "failed to validate Config.GrpcService", check_grpc_service(grpc));
}

struct BuiltIn {
  std::string_view name;
  void (*check)(const Arguments& arguments, Faults& faults);  // null: anything goes
  std::string_view undecodable = "";                          // before what is said of other types
};
constexpr std::string_view kUndecodable = "error decoding extension arguments: ";
constexpr BuiltIn kBuiltIn[] = {{"builtin/otel-access-logging", check_access_logging},
                                {"builtin/lua", check_lua, kUndecodable},
                                {"builtin/aws/lambda", check_aws_lambda, kUndecodable},
                                {"builtin/property-override", nullptr},
                                {"builtin/wasm", check_wasm, kUndecodable},
                                {"builtin/ext-authz", check_ext_authz}};

Result<> check_constraint(std::string_view field, std::string_view constraint) {
  static const base::Regex kOne = *base::Regex::compile(
      R"(^\s*(=|!=|>|<|>=|<=|~>)?\s*v?[0-9]+(\.[0-9]+)*(-[0-9]+[0-9A-Za-z~-]*(\.[0-9A-Za-z~-]+)*)"
      R"(|-?[A-Za-z~-]+[0-9A-Za-z~-]*(\.[0-9A-Za-z~-]+)*)?(\+[0-9A-Za-z~-]+(\.[0-9A-Za-z~-]+)*)?\s*$)");
  for (std::size_t at = 0; !constraint.empty() && at <= constraint.size();) {
    const std::size_t end = std::min(constraint.find(',', at), constraint.size());
    const std::string_view one = constraint.substr(at, end - at);
    if (!kOne.matches(one)) return wrong(std::string(field).append(": Malformed constraint: ").append(one));
    at = end + 1;
  }
  return {};
}

}  // namespace

Result<> check_extension_versions(const EnvoyExtension& extension) {
  if (Result<> checked = check_constraint(".EnvoyVersion", extension.EnvoyVersion); !checked) return checked;
  return check_constraint(".ConsulVersion", extension.ConsulVersion);
}

Result<> check_extension(const EnvoyExtension& extension) {
  const auto known = std::ranges::find(kBuiltIn, extension.Name, &BuiltIn::name);
  if (known == std::end(kBuiltIn)) return wrong("name " + quote(extension.Name) + " is not a built-in extension");
  if (!known->check) return {};
  std::vector<std::string> of_types;
  Faults faults;
  known->check(Arguments(extension.Arguments, of_types), faults);
  if (of_types.empty()) return faults.result();
  // A structure that was read twice says everything twice.
  std::ranges::sort(of_types);
  const auto [first, last] = std::ranges::unique(of_types);
  of_types.erase(first, last);
  std::string text = std::string(known->undecodable) + std::to_string(of_types.size()) + " error(s) decoding:\n";
  for (const std::string& fault : of_types) text += "\n* " + fault;
  return wrong(std::move(text));
}

}  // namespace proconsul::catalog::rules
