#include "acl/jwt/mapping.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/go_text.h"
#include "base/quote.h"

namespace proconsul::acl::jwt {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

Error wrong(std::string detail) {
  return {Errc::invalid_argument, std::move(detail)};
}

/// "~1" is '/', "~0" is '~'.
std::string unescaped(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const char next = i + 1 < part.size() ? part[i + 1] : '\0';
    if (part[i] == '~' && (next == '0' || next == '1')) {
      out += next == '0' ? '~' : '/';
      ++i;
    } else {
      out += part[i];
    }
  }
  return out;
}

const Value* element(const Value& value, const std::string& part) {
  if (const Value::MapType* map = value.as_map()) {
    const auto found = map->find(part);
    return found == map->end() ? nullptr : &found->second;
  }
  const Value::ListType* list = value.as_list();
  if (!list) return nullptr;
  std::size_t index = 0;
  const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool whole = fault == std::errc() && end == part.data() + part.size() && !part.empty();
  return whole && index < list->size() ? &(*list)[index] : nullptr;
}

/// Null: it is not there, or null.
const Value* find_claim(const Claims& claims, std::string_view name) {
  const Value* found = nullptr;
  bool first = true;
  const auto step = [&](const std::string& part) {
    if (first) {
      const auto at = claims.find(part);
      found = at == claims.end() ? nullptr : &at->second;
    } else if (found) {
      found = element(*found, part);
    }
    first = false;
  };
  if (!name.starts_with('/')) {
    step(std::string(name));
  } else {
    for (std::size_t begin = 1; begin <= name.size();) {
      const std::size_t end = std::min(name.find('/', begin), name.size());
      step(unescaped(name.substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  return found && !found->is_nil() ? found : nullptr;
}

std::optional<std::string> as_text(const Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (const bool* truth = value.as_bool()) return std::string(*truth ? "true" : "false");
  if (!value.is_number()) return {};
  constexpr double kMost = 9223372036854775808.0;  // 2^63
  const double number = value.number();
  // What does not fit becomes what the processor's conversion gives, which is what Consul shows.
  if (!(number > -kMost && number < kMost)) return std::to_string(std::numeric_limits<std::int64_t>::min());
  return std::to_string(static_cast<std::int64_t>(number));
}

Result<std::vector<std::string>> as_list(const Value& value, const std::string& claim) {
  std::vector<std::string> out;
  const Value::ListType* list = value.as_list();
  if (!list) {
    // Providers that have one element to tell may leave out the list around it.
    const std::optional<std::string> only = as_text(value);
    if (!only) return wrong(base::quote(claim) + " list claim could not be converted to string list");
    if (!only->empty()) out.push_back(*only);
    return out;
  }
  for (const Value& each : *list) {
    std::optional<std::string> text = as_text(each);
    if (!text) {
      return wrong("value " + base::go_text(each) + " in " + base::quote(claim) +
                   " list claim could not be parsed as string");
    }
    if (!text->empty()) out.push_back(std::move(*text));
  }
  return out;
}

}  // namespace

Result<Picked> pick_claims(const Claims& claims, const Mapping& values, const Mapping& lists) {
  Picked picked;
  for (const auto& [claim, name] : values) {
    const Value* value = find_claim(claims, claim);
    if (!value) continue;
    std::optional<std::string> text = as_text(*value);
    if (!text) {
      return wrong("error converting claim '" + claim + "' to string from unknown type " + base::go_type(*value));
    }
    picked.values[name] = std::move(*text);
  }
  for (const auto& [claim, name] : lists) {
    const Value* value = find_claim(claims, claim);
    if (!value) continue;
    Result<std::vector<std::string>> list = as_list(*value, claim);
    if (!list) return list.error();
    picked.lists[name] = std::move(*list);
  }
  return picked;
}

}  // namespace proconsul::acl::jwt
