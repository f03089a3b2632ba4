#include <cctype>

#include "agent/config/describe.h"

namespace proconsul::agent::config {
namespace {

using base::Field;
using base::Kind;
using base::Type;
using base::Value;

bool is_secret(std::string_view name) {
  if (name == "TokenLocality" || name == "IntroTokenFile" || name == "PrivateKeyType") return false;
  std::string folded(name);
  for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return folded.find("key") != folded.npos || folded.find("token") != folded.npos ||
         folded.find("secret") != folded.npos;
}

/// A join address may name a cloud provider with its credentials: "provider=aws access_key_id=...".
std::string without_credentials(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    std::string word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (is_secret(word)) word = word.substr(0, word.find('=')) + "=hidden";
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

Value free_view(std::string_view name, const Value& value) {
  if (const Value::MapType* map = value.as_map()) {
    Value out;
    out.make_map();
    for (const auto& [key, item] : *map) (*out.as_map())[key] = free_view(key, item);
    return out;
  }
  if (const Value::ListType* list = value.as_list()) {
    Value out;
    out.make_list();
    for (const Value& item : *list) out.as_list()->push_back(free_view(name, item));
    return out;
  }
  return value.as_string() != nullptr && is_secret(name) ? Value("hidden") : value;
}

class Viewer {
 public:
  Value view(const std::string& name, const Type& type, const void* at) {
    if (&type == &base::type_of<Ip>()) return static_cast<const Ip*>(at)->to_string();
    if (&type == &base::type_of<Address>()) return static_cast<const Address*>(at)->to_url();
    if (&type == &base::type_of<Network>()) return static_cast<const Network*>(at)->to_string();
    switch (type.kind) {
      case Kind::boolean:
        return *static_cast<const bool*>(at);
      case Kind::integer:
        return *static_cast<const Int*>(at);
      case Kind::unsigned_integer:
        return type.bits == 32 ? Value(*static_cast<const std::uint32_t*>(at)) : Value(*static_cast<const Uint*>(at));
      case Kind::floating:
        return *static_cast<const double*>(at);
      case Kind::string:
        return text(name, *static_cast<const std::string*>(at));
      case Kind::duration:
        return to_string(*static_cast<const Duration*>(at));
      case Kind::time:
        return time_text(*static_cast<const base::Time*>(at));
      case Kind::any:
        return free_view(name, *static_cast<const Value*>(at));
      case Kind::structure:
        return structure(type, at);
      case Kind::list:
        return list(name, type, at);
      case Kind::map:
        return map(type, at);
      case Kind::pointer:
      case Kind::rare: {
        const void* target = type.pointer.get(at);
        if (target == nullptr && type.kind == Kind::rare) target = type.unset();
        return target == nullptr ? Value() : view(name, type.element(), target);
      }
      case Kind::bytes:
        return Value("hidden");
    }
    return {};
  }

 private:
  static Value text(const std::string& name, const std::string& value) {
    if (name.starts_with("RetryJoinLAN[") || name.starts_with("RetryJoinWAN[")) return without_credentials(value);
    return is_secret(name) ? Value("hidden") : Value(value);
  }

  /// Go's time.Time.String() in UTC.
  static std::string time_text(const base::Time& time) {
    std::string text = to_rfc3339(time);  // 1970-01-01T00:00:01Z
    if (text.size() < 20) return text;
    text[10] = ' ';
    return text.substr(0, 19) + " +0000 UTC";
  }

  Value structure(const Type& type, const void* at) {
    Value out;
    out.make_map();
    for (const Field& field : type.fields) (*out.as_map())[field.name] = view(field.name, field.type(), field.in(at));
    return out;
  }

  Value list(const std::string& name, const Type& type, const void* at) {
    Value out;
    out.make_list();
    for (std::size_t i = 0; i < type.list.size(at); ++i) {
      Value item = view(name + "[" + std::to_string(i) + "]", type.element(), type.list.at(at, i));
      // Headers that the metrics proxy adds are there for their credentials.
      if (name == "AddHeaders") (*item.as_map())["Value"] = Value("hidden");
      out.as_list()->push_back(std::move(item));
    }
    return out;
  }

  Value map(const Type& type, const void* at) {
    struct Context {
      Viewer* viewer;
      const Type* element;
      Value out;
    } context{this, &type.element(), {}};
    context.out.make_map();
    type.map.each(at, &context, [](void* pointer, const std::string& key, const void* value) {
      auto& c = *static_cast<Context*>(pointer);
      (*c.out.as_map())[key] = c.viewer->view(key, *c.element, value);
    });
    return std::move(context.out);
  }
};

Value object(std::initializer_list<std::pair<const char*, Value>> members) {
  Value out;
  Value::MapType& map = out.make_map();
  for (const auto& [name, value] : members) map[name] = value;
  return out;
}

void add_enterprise_meta(Value& service) {
  Value::MapType& members = *service.as_map();
  members["EnterpriseMeta"] = object({});
  Value::MapType* connect = members["Connect"].as_map();
  if (connect && (*connect)["SidecarService"].as_map()) add_enterprise_meta((*connect)["SidecarService"]);
}

}  // namespace

Value::MapType debug_view(const Config& config) {
  Value view = Viewer().view("rt", base::type_of<Config>(), &config);
  Value::MapType& map = *view.as_map();
  // What Consul does not have is not seen by who expects Consul's, until it is asked for.
  if (!config.flap_damping.enabled) map.erase("FlapDamping");
  if (!config.mass_failure_brake.enabled) map.erase("MassFailureBrake");
  // What Consul keeps in small structs of its own.
  map["StaticRuntimeConfig"] = object({{"EncryptVerifyIncoming", config.encrypt_verify_incoming},
                                       {"EncryptVerifyOutgoing", config.encrypt_verify_outgoing}});
  map["RPCConfig"] = object({{"EnableStreaming", config.rpc_enable_streaming}});
  map["Reporting"] = object({{"License", object({{"Enabled", config.reporting_license_enabled}})}});
  map["EnterpriseRuntimeConfig"] = object({});
  // Members that only their type fills in.
  Value none;
  none.make_list();
  map["Segments"] = none;
  const auto inside = [&](const char* name) -> Value::MapType& { return *map[name].as_map(); };
  inside("ACLResolverSettings")["EnterpriseMeta"] = object({});
  inside("ACLTokens")["EnterpriseConfig"] = object({});
  inside("Cache")["Logger"] = Value();
  inside("Cloud")["ManagementToken"] = Value("hidden");
  inside("Cloud")["TLSConfig"] = Value();
  for (Value& service : *map["Services"].as_list()) add_enterprise_meta(service);
  for (Value& check : *map["Checks"].as_list()) (*check.as_map())["EnterpriseMeta"] = object({});
  // Consul's watches have taken what they were told out of these.
  for (Value& watch : *map["Watches"].as_list()) watch = object({});
  Value::MapType& prometheus = *inside("Telemetry")["PrometheusOpts"].as_map();
  for (const char* definitions : {"CounterDefinitions", "GaugeDefinitions", "SummaryDefinitions"}) {
    prometheus[definitions] = none;
  }
  prometheus["Registerer"] = Value();
  (*inside("AutoConfig")["Authorizer"].as_map())["AuthMethod"] =
      object({{"ACLAuthMethodEnterpriseFields", object({})},
              {"Config", Value(config.auto_config.authorizer.method)},
              {"Description", ""},
              {"DisplayName", ""},
              {"EnterpriseMeta", object({})},
              {"MaxTokenTTL", "0s"},
              {"Name", "Auto Config Authorizer"},
              {"RaftIndex", object({{"CreateIndex", 0}, {"ModifyIndex", 0}})},
              {"TokenLocality", ""},
              {"Type", "jwt"}});
  return std::move(map);
}

LocalEndpoints local_endpoints(const Config& config) {
  LocalEndpoints out;
  const auto first = [](const List<Address>& addresses) -> std::string {
    std::string wildcard;
    for (const Address& address : addresses) {
      if (address.kind != Address::Kind::tcp) continue;
      if (!address.ip.is_any()) return address.to_string();
      if (wildcard.empty()) {
        wildcard = (address.ip.is_v4() ? "127.0.0.1:" : "[::1]:") + std::to_string(address.port);
      }
    }
    return wildcard;
  };
  for (const Address& address : config.http_addrs) {
    if (address.kind == Address::Kind::unix_socket && out.unix_socket.empty())
      out.unix_socket = "unix://" + address.path;
  }
  out.http = first(config.http_addrs);
  out.https = first(config.https_addrs);
  return out;
}

}  // namespace proconsul::agent::config
