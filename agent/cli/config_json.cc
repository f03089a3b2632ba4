#include "agent/cli/config_json.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/scalar.h"
#include "base/time.h"
#include "base/type.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::agent::cli {
namespace {

using base::Field;
using base::Kind;
using base::Type;

enum class Shown : std::uint8_t { always, unless_empty };
struct Rule {
  std::string_view type;
  std::string_view field;
  Shown shown;
};
/// Where clients show fields otherwise than servers do.
constexpr Rule kRules[] = {
    {"structs.ServiceConfigEntry", "Protocol", Shown::unless_empty},
    {"structs.ExposePath", "ParsedFromCheck", Shown::always},
    {"structs.UpstreamConfig", "Peer", Shown::unless_empty},
    {"structs.UpstreamLimits", "MaxConnections", Shown::always},
    {"structs.UpstreamLimits", "MaxPendingRequests", Shown::always},
    {"structs.UpstreamLimits", "MaxConcurrentRequests", Shown::always},
    {"structs.PassiveHealthCheck", "MaxFailures", Shown::always},
    {"structs.APIGatewayTLSConfiguration", "MaxVersion", Shown::unless_empty},
    {"structs.APIGatewayTLSConfiguration", "MinVersion", Shown::unless_empty},
    {"structs.APIGatewayTLSConfiguration", "CipherSuites", Shown::unless_empty},
};

struct Move {
  std::string_view type;
  std::string_view field;
  std::string_view behind;
};
constexpr Move kMoves[] = {
    {"structs.ProxyConfigEntry", "Config", "MutualTLSMode"},
    {"structs.ServiceRouteDestination", "RetryOn", "RetryOnStatusCodes"},
    {"structs.HTTPRouteConfigEntry", "Status", "ModifyIndex"},
};

std::vector<const Field*> fields_of(const Type& type) {
  std::vector<const Field*> fields;
  for (const Field& field : type.fields) {
    // Servers alone tell what they compare by.
    if (!field.has(base::kNoJson) && field.name != "Hash") fields.push_back(&field);
  }
  for (const Move& move : kMoves) {
    if (move.type != type.name) continue;
    const auto at = [&](std::string_view name) { return std::ranges::find(fields, name, &Field::name); };
    const auto from = at(move.field), behind = at(move.behind);
    if (from != fields.end() && behind != fields.end() && from < behind) std::rotate(from, from + 1, behind + 1);
  }
  return fields;
}

bool is_left_out(const Type& type, const Field& field, const void* member) {
  const auto rule = std::ranges::find_if(
      kRules, [&](const Rule& each) { return each.type == type.name && each.field == field.name; });
  if (rule != std::end(kRules)) return rule->shown == Shown::unless_empty && base::is_empty(field.type(), member);
  return (field.has(base::kOmitEmpty) && base::is_empty(field.type(), member)) ||
         (field.has(base::kOmitZero) && base::is_zero(field.type(), member));
}

/// As deep as types are.
void write(std::string& out, const Type& type, const void* object) {
  switch (type.kind) {
    case Kind::structure: {
      out += '{';
      for (const Field* field : fields_of(type)) {
        const void* member = field->in(object);
        if (is_left_out(type, *field, member)) continue;
        if (out.back() != '{') out += ',';
        out += field->json_head;
        if (field->has(base::kReadable)) {
          base::append_json_string(out, base::to_string(*static_cast<const base::Duration*>(member)));
        } else {
          write(out, field->type(), member);
        }
      }
      out += '}';
      return;
    }
    case Kind::list: {
      if (type.list.is_nil(object)) break;
      out += '[';
      for (std::size_t i = 0; i < type.list.size(object); ++i) {
        if (i > 0) out += ',';
        write(out, type.element(), type.list.at(object, i));
      }
      out += ']';
      return;
    }
    case Kind::map: {
      if (type.map.is_nil(object)) break;
      struct Context {
        std::string& out;
        const Type& element;
        bool first;
      } context{out, type.element(), true};
      out += '{';
      type.map.each(object, &context, [](void* opaque, const std::string& key, const void* value) {
        auto& [text, element, first] = *static_cast<Context*>(opaque);
        if (!first) text += ',';
        first = false;
        base::append_json_string(text, key);
        text += ':';
        write(text, element, value);
      });
      out += '}';
      return;
    }
    case Kind::pointer:
    case Kind::rare: {
      const void* value = type.pointer.get(object);
      if (value) return write(out, type.element(), value);
      break;
    }
    default:
      break;
  }
  base::append_json(out, type, object);
}

}  // namespace

std::string client_json(const catalog::ConfigEntry& entry) {
  std::string out;
  write(out, entry.kind->type(), &entry);
  return out;
}

}  // namespace proconsul::agent::cli
