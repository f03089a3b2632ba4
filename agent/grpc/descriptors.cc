#include "agent/grpc/descriptors.h"

#include <algorithm>

#include "base/protobuf.h"

namespace proconsul::agent::grpc {
namespace {

using base::pb::append_bytes_field;
using base::pb::append_text_field;
using base::pb::append_varint_field;
using Kind = FieldKind;
using Count = FieldCount;

// ---- hashicorp.consul.acl ----

constexpr FieldRow kLoginRequest[] = {
    {1, "auth_method", Kind::text}, {2, "bearer_token", Kind::text}, {3, "meta", Kind::text, "", Count::by_name},
    {4, "namespace", Kind::text},   {5, "partition", Kind::text},    {6, "datacenter", Kind::text}};
constexpr FieldRow kLoginResponse[] = {{1, "token", Kind::message, "hashicorp.consul.acl.LoginToken"}};
constexpr FieldRow kLoginToken[] = {{1, "accessor_id", Kind::text}, {2, "secret_id", Kind::text}};
constexpr FieldRow kLogoutRequest[] = {{1, "token", Kind::text}, {2, "datacenter", Kind::text}};
constexpr MessageRow kAclMessages[] = {{"LoginRequest", kLoginRequest},
                                       {"LoginResponse", kLoginResponse},
                                       {"LoginToken", kLoginToken},
                                       {"LogoutRequest", kLogoutRequest},
                                       {"LogoutResponse", {}}};
constexpr MethodRow kAclMethods[] = {
    {"Login", "hashicorp.consul.acl.LoginRequest", "hashicorp.consul.acl.LoginResponse"},
    {"Logout", "hashicorp.consul.acl.LogoutRequest", "hashicorp.consul.acl.LogoutResponse"}};
constexpr ServiceRow kAclServices[] = {{"ACLService", kAclMethods}};

// ---- hashicorp.consul.connectca ----

constexpr const char* kTimestampFile = "google/protobuf/timestamp.proto";
constexpr const char* kStructFile = "google/protobuf/struct.proto";

constexpr FieldRow kRootsResponse[] = {{1, "active_root_id", Kind::text},
                                       {2, "trust_domain", Kind::text},
                                       {3, "roots", Kind::message, "hashicorp.consul.connectca.CARoot", Count::many}};
constexpr FieldRow kCaRoot[] = {{1, "id", Kind::text},
                                {2, "name", Kind::text},
                                {3, "serial_number", Kind::uint64},
                                {4, "signing_key_id", Kind::text},
                                {5, "root_cert", Kind::text},
                                {6, "intermediate_certs", Kind::text, "", Count::many},
                                {7, "active", Kind::boolean},
                                {8, "rotated_out_at", Kind::message, "google.protobuf.Timestamp"}};
constexpr FieldRow kSignRequest[] = {{1, "csr", Kind::text}};
constexpr FieldRow kSignResponse[] = {{2, "cert_pem", Kind::text}};
constexpr MessageRow kCaMessages[] = {{"WatchRootsRequest", {}},
                                      {"WatchRootsResponse", kRootsResponse},
                                      {"CARoot", kCaRoot},
                                      {"SignRequest", kSignRequest},
                                      {"SignResponse", kSignResponse}};
constexpr MethodRow kCaMethods[] = {
    {"WatchRoots", "hashicorp.consul.connectca.WatchRootsRequest", "hashicorp.consul.connectca.WatchRootsResponse",
     false, true},
    {"Sign", "hashicorp.consul.connectca.SignRequest", "hashicorp.consul.connectca.SignResponse"}};
constexpr ServiceRow kCaServices[] = {{"ConnectCAService", kCaMethods}};
constexpr const char* kCaNeeds[] = {kTimestampFile};

// ---- hashicorp.consul.dataplane ----

constexpr const char* kFeatures[] = {"DATAPLANE_FEATURES_UNSPECIFIED", "DATAPLANE_FEATURES_WATCH_SERVERS",
                                     "DATAPLANE_FEATURES_EDGE_CERTIFICATE_MANAGEMENT",
                                     "DATAPLANE_FEATURES_ENVOY_BOOTSTRAP_CONFIGURATION", "DATAPLANE_FEATURES_FIPS"};
constexpr const char* kServiceKinds[] = {"SERVICE_KIND_UNSPECIFIED",         "SERVICE_KIND_TYPICAL",
                                         "SERVICE_KIND_CONNECT_PROXY",       "SERVICE_KIND_MESH_GATEWAY",
                                         "SERVICE_KIND_TERMINATING_GATEWAY", "SERVICE_KIND_INGRESS_GATEWAY",
                                         "SERVICE_KIND_API_GATEWAY"};
constexpr EnumRow kDataplaneEnums[] = {{"DataplaneFeatures", kFeatures}, {"ServiceKind", kServiceKinds}};
constexpr FieldRow kFeatureSupport[] = {
    {1, "feature_name", Kind::enumeration, "hashicorp.consul.dataplane.DataplaneFeatures"},
    {2, "supported", Kind::boolean}};
constexpr FieldRow kFeaturesResponse[] = {{1, "supported_dataplane_features", Kind::message,
                                           "hashicorp.consul.dataplane.DataplaneFeatureSupport", Count::many}};
constexpr FieldRow kBootstrapRequest[] = {{1, "node_id", Kind::text, "", Count::one, "node_spec"},
                                          {2, "node_name", Kind::text, "", Count::one, "node_spec"},
                                          {3, "service_id", Kind::text},
                                          {4, "partition", Kind::text},
                                          {5, "namespace", Kind::text},
                                          {6, "proxy_id", Kind::text}};
constexpr FieldRow kBootstrapResponse[] = {
    {10, "identity", Kind::text},  {2, "service", Kind::text},
    {3, "namespace", Kind::text},  {4, "partition", Kind::text},
    {5, "datacenter", Kind::text}, {6, "config", Kind::message, "google.protobuf.Struct"},
    {8, "node_name", Kind::text},  {9, "access_logs", Kind::text, "", Count::many}};
constexpr MessageRow kDataplaneMessages[] = {{"GetSupportedDataplaneFeaturesRequest", {}},
                                             {"DataplaneFeatureSupport", kFeatureSupport},
                                             {"GetSupportedDataplaneFeaturesResponse", kFeaturesResponse},
                                             {"GetEnvoyBootstrapParamsRequest", kBootstrapRequest},
                                             {"GetEnvoyBootstrapParamsResponse", kBootstrapResponse}};
constexpr MethodRow kDataplaneMethods[] = {
    {"GetSupportedDataplaneFeatures", "hashicorp.consul.dataplane.GetSupportedDataplaneFeaturesRequest",
     "hashicorp.consul.dataplane.GetSupportedDataplaneFeaturesResponse"},
    {"GetEnvoyBootstrapParams", "hashicorp.consul.dataplane.GetEnvoyBootstrapParamsRequest",
     "hashicorp.consul.dataplane.GetEnvoyBootstrapParamsResponse"}};
constexpr ServiceRow kDataplaneServices[] = {{"DataplaneService", kDataplaneMethods}};
constexpr const char* kDataplaneNeeds[] = {kStructFile};

// ---- hashicorp.consul.dns ----

constexpr const char* kProtocols[] = {"PROTOCOL_UNSET_UNSPECIFIED", "PROTOCOL_TCP", "PROTOCOL_UDP"};
constexpr EnumRow kDnsEnums[] = {{"Protocol", kProtocols}};
constexpr FieldRow kDnsRequest[] = {{1, "msg", Kind::bytes},
                                    {2, "protocol", Kind::enumeration, "hashicorp.consul.dns.Protocol"}};
constexpr FieldRow kDnsResponse[] = {{1, "msg", Kind::bytes}};
constexpr MessageRow kDnsMessages[] = {{"QueryRequest", kDnsRequest}, {"QueryResponse", kDnsResponse}};
constexpr MethodRow kDnsMethods[] = {
    {"Query", "hashicorp.consul.dns.QueryRequest", "hashicorp.consul.dns.QueryResponse"}};
constexpr ServiceRow kDnsServices[] = {{"DNSService", kDnsMethods}};

// ---- hashicorp.consul.serverdiscovery ----

constexpr FieldRow kServersRequest[] = {{1, "wan", Kind::boolean}};
constexpr FieldRow kServersResponse[] = {
    {1, "servers", Kind::message, "hashicorp.consul.serverdiscovery.Server", Count::many}};
constexpr FieldRow kServer[] = {{1, "id", Kind::text}, {2, "address", Kind::text}, {3, "version", Kind::text}};
constexpr MessageRow kServerMessages[] = {
    {"WatchServersRequest", kServersRequest}, {"WatchServersResponse", kServersResponse}, {"Server", kServer}};
constexpr MethodRow kServerMethods[] = {{"WatchServers", "hashicorp.consul.serverdiscovery.WatchServersRequest",
                                         "hashicorp.consul.serverdiscovery.WatchServersResponse", false, true}};
constexpr ServiceRow kServerServices[] = {{"ServerDiscoveryService", kServerMethods}};

// ---- grpc.reflection ----

// Both versions differ in nothing but the package, which whole names have in them.
#define PROCONSUL_REFLECTION(VERSION, PACKAGE)                                                                        \
  constexpr FieldRow kReflectionRequest##VERSION[] = {                                                                \
      {1, "host", Kind::text},                                                                                        \
      {3, "file_by_filename", Kind::text, "", Count::one, "message_request"},                                         \
      {4, "file_containing_symbol", Kind::text, "", Count::one, "message_request"},                                   \
      {5, "file_containing_extension", Kind::message, PACKAGE ".ExtensionRequest", Count::one, "message_request"},    \
      {6, "all_extension_numbers_of_type", Kind::text, "", Count::one, "message_request"},                            \
      {7, "list_services", Kind::text, "", Count::one, "message_request"}};                                           \
  constexpr FieldRow kExtensionRequest##VERSION[] = {{1, "containing_type", Kind::text},                              \
                                                     {2, "extension_number", Kind::int32}};                           \
  constexpr FieldRow kReflectionResponse##VERSION[] = {                                                               \
      {1, "valid_host", Kind::text},                                                                                  \
      {2, "original_request", Kind::message, PACKAGE ".ServerReflectionRequest"},                                     \
      {4, "file_descriptor_response", Kind::message, PACKAGE ".FileDescriptorResponse", Count::one,                   \
       "message_response"},                                                                                           \
      {5, "all_extension_numbers_response", Kind::message, PACKAGE ".ExtensionNumberResponse", Count::one,            \
       "message_response"},                                                                                           \
      {6, "list_services_response", Kind::message, PACKAGE ".ListServiceResponse", Count::one, "message_response"},   \
      {7, "error_response", Kind::message, PACKAGE ".ErrorResponse", Count::one, "message_response"}};                \
  constexpr FieldRow kFileResponse##VERSION[] = {{1, "file_descriptor_proto", Kind::bytes, "", Count::many}};         \
  constexpr FieldRow kNumberResponse##VERSION[] = {{1, "base_type_name", Kind::text},                                 \
                                                   {2, "extension_number", Kind::int32, "", Count::many}};            \
  constexpr FieldRow kListResponse##VERSION[] = {                                                                     \
      {1, "service", Kind::message, PACKAGE ".ServiceResponse", Count::many}};                                        \
  constexpr FieldRow kServiceResponse##VERSION[] = {{1, "name", Kind::text}};                                         \
  constexpr FieldRow kErrorResponse##VERSION[] = {{1, "error_code", Kind::int32}, {2, "error_message", Kind::text}};  \
  constexpr MessageRow kReflectionMessages##VERSION[] = {{"ServerReflectionRequest", kReflectionRequest##VERSION},    \
                                                         {"ExtensionRequest", kExtensionRequest##VERSION},            \
                                                         {"ServerReflectionResponse", kReflectionResponse##VERSION},  \
                                                         {"FileDescriptorResponse", kFileResponse##VERSION},          \
                                                         {"ExtensionNumberResponse", kNumberResponse##VERSION},       \
                                                         {"ListServiceResponse", kListResponse##VERSION},             \
                                                         {"ServiceResponse", kServiceResponse##VERSION},              \
                                                         {"ErrorResponse", kErrorResponse##VERSION}};                 \
  constexpr MethodRow kReflectionMethods##VERSION[] = {                                                               \
      {"ServerReflectionInfo", PACKAGE ".ServerReflectionRequest", PACKAGE ".ServerReflectionResponse", true, true}}; \
  constexpr ServiceRow kReflectionServices##VERSION[] = {{"ServerReflection", kReflectionMethods##VERSION}};

PROCONSUL_REFLECTION(V1, "grpc.reflection.v1")
PROCONSUL_REFLECTION(V1Alpha, "grpc.reflection.v1alpha")

// ---- google.protobuf ----

constexpr FieldRow kTimestamp[] = {{1, "seconds", Kind::int64}, {2, "nanos", Kind::int32}};
constexpr MessageRow kTimestampMessages[] = {{"Timestamp", kTimestamp}};

constexpr FieldRow kStruct[] = {{1, "fields", Kind::message, "google.protobuf.Value", Count::by_name}};
constexpr FieldRow kValue[] = {{1, "null_value", Kind::enumeration, "google.protobuf.NullValue", Count::one, "kind"},
                               {2, "number_value", Kind::number, "", Count::one, "kind"},
                               {3, "string_value", Kind::text, "", Count::one, "kind"},
                               {4, "bool_value", Kind::boolean, "", Count::one, "kind"},
                               {5, "struct_value", Kind::message, "google.protobuf.Struct", Count::one, "kind"},
                               {6, "list_value", Kind::message, "google.protobuf.ListValue", Count::one, "kind"}};
constexpr FieldRow kListValue[] = {{1, "values", Kind::message, "google.protobuf.Value", Count::many}};
constexpr MessageRow kStructMessages[] = {{"Struct", kStruct}, {"Value", kValue}, {"ListValue", kListValue}};
constexpr const char* kNullValue[] = {"NULL_VALUE"};
constexpr EnumRow kStructEnums[] = {{"NullValue", kNullValue}};

constexpr FileRow kFiles[] = {
    {"pbacl/acl.proto", "hashicorp.consul.acl", kAclMessages, {}, kAclServices, {}},
    {"pbconnectca/ca.proto", "hashicorp.consul.connectca", kCaMessages, {}, kCaServices, kCaNeeds},
    {"pbdataplane/dataplane.proto", "hashicorp.consul.dataplane", kDataplaneMessages, kDataplaneEnums,
     kDataplaneServices, kDataplaneNeeds},
    {"pbdns/dns.proto", "hashicorp.consul.dns", kDnsMessages, kDnsEnums, kDnsServices, {}},
    {"pbserverdiscovery/serverdiscovery.proto",
     "hashicorp.consul.serverdiscovery",
     kServerMessages,
     {},
     kServerServices,
     {}},
    {"grpc/reflection/v1/reflection.proto", "grpc.reflection.v1", kReflectionMessagesV1, {}, kReflectionServicesV1, {}},
    {"grpc/reflection/v1alpha/reflection.proto",
     "grpc.reflection.v1alpha",
     kReflectionMessagesV1Alpha,
     {},
     kReflectionServicesV1Alpha,
     {}},
    {kTimestampFile, "google.protobuf", kTimestampMessages, {}, {}, {}},
    {kStructFile, "google.protobuf", kStructMessages, kStructEnums, {}, {}},
};

/// What is left of a whole name behind the package; nothing if it is of another one.
std::string_view within(const FileRow& file, std::string_view symbol) {
  const std::string_view package = file.package;
  if (!symbol.starts_with(package)) return {};
  symbol.remove_prefix(package.size());
  if (!symbol.starts_with('.')) return {};
  return symbol.substr(1);
}

bool declares(const FileRow& file, std::string_view name) {
  const std::size_t dot = name.find('.');
  const std::string_view outer = name.substr(0, dot);
  const std::string_view inner = dot == name.npos ? std::string_view() : name.substr(dot + 1);
  for (const MessageRow& message : file.messages) {
    if (message.name != outer) continue;
    return dot == name.npos ||
           std::ranges::any_of(message.fields, [&](const FieldRow& row) { return row.name == inner; });
  }
  for (const ServiceRow& service : file.services) {
    if (service.name != outer) continue;
    return dot == name.npos ||
           std::ranges::any_of(service.methods, [&](const MethodRow& row) { return row.name == inner; });
  }
  if (dot != name.npos) return false;
  return std::ranges::any_of(file.enums, [&](const EnumRow& each) {
    // Its values live beside it.
    return each.name == name || std::ranges::any_of(each.values, [&](std::string_view value) { return value == name; });
  });
}

// ---- google.protobuf.FileDescriptorProto ----

constexpr std::uint64_t kOptional = 1, kRepeated = 3;  // labels

/// "auth_method" as JSON has it: "authMethod".
std::string json_name(std::string_view name) {
  std::string out;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

/// "meta": "MetaEntry".
std::string entry_name(std::string_view field) {
  std::string out = json_name("_" + std::string(field));
  return out + "Entry";
}

template <class Body>
void append_message(std::string& out, std::uint32_t number, Body body) {
  std::string inner;
  body(inner);
  append_bytes_field(out, number, inner);
}

struct FieldText {
  std::string_view name{};
  std::uint32_t number{};
  std::uint64_t label = kOptional;
  Kind kind{};
  std::string type{};
  const std::size_t* choice = nullptr;  // which oneof
};
void append_field(std::string& out, const FieldText& field) {
  append_text_field(out, 1, field.name);
  append_varint_field(out, 3, field.number);
  append_varint_field(out, 4, field.label);
  append_varint_field(out, 5, static_cast<std::uint64_t>(field.kind));
  if (!field.type.empty()) append_text_field(out, 6, "." + field.type);
  if (field.choice != nullptr) append_varint_field(out, 9, *field.choice);
  append_text_field(out, 10, json_name(field.name));
}

void append_message_row(std::string& out, const std::string& package, const MessageRow& row) {
  append_text_field(out, 1, row.name);
  std::vector<std::string_view> choices;
  for (const FieldRow& field : row.fields) {
    FieldText text{.name = field.name, .number = field.number, .kind = field.kind, .type = field.type};
    if (field.count != Count::one) text.label = kRepeated;
    if (field.count == Count::by_name) {
      text.kind = Kind::message;
      text.type = package + "." + row.name + "." + entry_name(field.name);
    }
    std::size_t choice = 0;
    if (const std::string_view name = field.choice; !name.empty()) {
      choice = static_cast<std::size_t>(std::ranges::find(choices, name) - choices.begin());
      if (choice == choices.size()) choices.push_back(name);
      text.choice = &choice;
    }
    append_message(out, 2, [&](std::string& inner) { append_field(inner, text); });
  }
  for (const FieldRow& field : row.fields) {
    if (field.count != Count::by_name) continue;
    append_message(out, 3, [&](std::string& entry) {
      append_text_field(entry, 1, entry_name(field.name));
      append_message(entry, 2,
                     [](std::string& key) { append_field(key, {.name = "key", .number = 1, .kind = Kind::text}); });
      append_message(entry, 2, [&](std::string& value) {
        append_field(value, {.name = "value", .number = 2, .kind = field.kind, .type = field.type});
      });
      append_message(entry, 7, [](std::string& options) { append_varint_field(options, 7, 1); });  // map_entry
    });
  }
  for (const std::string_view choice : choices) {
    append_message(out, 8, [&](std::string& inner) { append_text_field(inner, 1, choice); });
  }
}

}  // namespace

const FileRow* find_file(std::string_view name) {
  const auto* found = std::ranges::find_if(kFiles, [&](const FileRow& file) { return file.name == name; });
  return found == std::end(kFiles) ? nullptr : found;
}

const FileRow* find_symbol(std::string_view symbol) {
  for (const FileRow& file : kFiles) {
    const std::string_view name = within(file, symbol);
    if (!name.empty() && declares(file, name)) return &file;
  }
  return nullptr;
}

const MessageRow* find_message(std::string_view name) {
  for (const FileRow& file : kFiles) {
    const std::string_view inner = within(file, name);
    for (const MessageRow& message : file.messages) {
      if (message.name == inner) return &message;
    }
  }
  return nullptr;
}

std::string file_descriptor(const FileRow& file) {
  std::string out;
  append_text_field(out, 1, file.name);
  append_text_field(out, 2, file.package);
  for (const char* need : file.needs) append_text_field(out, 3, need);
  for (const MessageRow& row : file.messages) {
    append_message(out, 4, [&](std::string& inner) { append_message_row(inner, file.package, row); });
  }
  for (const EnumRow& row : file.enums) {
    append_message(out, 5, [&](std::string& inner) {
      append_text_field(inner, 1, row.name);
      for (std::size_t number = 0; number < row.values.size(); ++number) {
        append_message(inner, 2, [&](std::string& value) {
          append_text_field(value, 1, row.values[number]);
          append_varint_field(value, 2, number);
        });
      }
    });
  }
  for (const ServiceRow& row : file.services) {
    append_message(out, 6, [&](std::string& inner) {
      append_text_field(inner, 1, row.name);
      for (const MethodRow& method : row.methods) {
        append_message(inner, 2, [&](std::string& text) {
          append_text_field(text, 1, method.name);
          append_text_field(text, 2, std::string(".") + method.request);
          append_text_field(text, 3, std::string(".") + method.reply);
          if (method.requests_stream) append_varint_field(text, 5, 1);
          if (method.replies_stream) append_varint_field(text, 6, 1);
        });
      }
    });
  }
  append_text_field(out, 12, "proto3");
  return out;
}

std::vector<const FileRow*> with_needs(const FileRow& file) {
  std::vector<const FileRow*> files = {&file};
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (const char* need : files[i]->needs) {
      const FileRow* found = find_file(need);
      if (found && std::ranges::find(files, found) == files.end()) files.push_back(found);
    }
  }
  return files;
}

}  // namespace proconsul::agent::grpc
