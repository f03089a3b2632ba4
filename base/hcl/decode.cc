// The published decoder fills an interface{} by what is already there, which gives repeated keys their meaning: blocks
// and lists append, a scalar given twice keeps the type of the first and the value of the last.
#include <cctype>
#include <map>

#include "base/hcl/hcl.h"
#include "base/json.h"
#include "base/strconv.h"

namespace proconsul::base::hcl {
namespace {

using ListType = Value::ListType;
using MapType = Value::MapType;

/// What the value stands in: an object within a list is a map, within a map a list of maps.
enum class Around : std::uint8_t { map, list };

Error error_at(const Position& position, const std::string& why) {
  return {Errc::invalid_argument, "At " + to_string(position) + ": " + why};
}

std::string_view node_kind(const Node& node) {
  switch (node.kind) {
    case Node::Kind::list:
      return "*ast.ListType";
    case Node::Kind::object:
      return "*ast.ObjectType";
    default:
      return "*ast.LiteralType";
  }
}

std::string folded(std::string_view key) {
  std::string out(key);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// An item with the first `skip` of its keys taken away.
struct Rest {
  const Item* item{};
  std::size_t skip{};
};

class Decoder {
 public:
  Result<> object(const std::string& name, const std::vector<Rest>& items, MapType& map) {
    // Items with labels are gathered under their first key, in any letter case.
    std::map<std::string, std::vector<Rest>> by_key;
    for (const Rest& rest : items) {
      if (rest.item->keys.size() > rest.skip) {
        by_key[folded(rest.item->keys[rest.skip].text)].push_back({rest.item, rest.skip + 1});
      }
    }
    std::map<std::string, bool> done;
    map.make_present();
    for (const Rest& rest : items) {
      if (rest.item->keys.size() <= rest.skip) {
        return error_at({}, name + ": map must have string keys");
      }
      const Item::Key& key = rest.item->keys[rest.skip];
      if (done.contains(key.text)) continue;
      const std::string field = name + "." + key.text;
      Value& slot = map[key.text];
      Result<> read;
      if (rest.item->keys.size() > rest.skip + 1) {
        done[key.text] = true;
        read = labelled(field, by_key[folded(key.text)], slot);
      } else {
        read = value(field, rest.item->value, slot, Around::map);
      }
      if (!read) return read;
    }
    return {};
  }

 private:
  static Error mismatch(const std::string& name, const Position& position, const std::string& kind, const Value& slot) {
    if (slot.as_list() != nullptr) return error_at(position, "unknown slice type: " + kind);
    return error_at(position,
                    name + (slot.as_string() != nullptr ? ": unknown type for string " : ": unknown type ") + kind);
  }

  /// `key "label" {...}` and its repetitions: one map per item, the label its only key.
  Result<> labelled(const std::string& name, const std::vector<Rest>& items, Value& slot) {
    if (!slot.is_nil() && slot.as_list() == nullptr) {
      const Rest& first = items[0];
      const bool known = first.item->keys.size() > first.skip;
      return mismatch(name, known ? first.item->keys[first.skip].position : Position{}, "*ast.ObjectList", slot);
    }
    ListType& list = slot.as_list() != nullptr ? *slot.as_list() : slot.make_list();
    for (std::size_t i = 0; i < items.size(); ++i) {
      MapType map;
      if (Result<> read = object(name + "[" + std::to_string(i) + "]", {items[i]}, map); !read) return read;
      list.push_back(Value(std::move(map)));
    }
    return {};
  }

  Result<> value(const std::string& name, const Node& node, Value& slot, Around around) {
    switch (node.kind) {
      case Node::Kind::object: {
        std::vector<Rest> items;
        for (const Item& item : node.items) items.push_back({&item, 0});
        if (slot.is_nil() && around == Around::list) return object(name, items, slot.make_map());
        if (!slot.is_nil() && slot.as_list() == nullptr) break;
        ListType& list = slot.is_nil() ? slot.make_list() : *slot.as_list();
        MapType map;
        if (Result<> read = object(name + "[0]", items, map); !read) return read;
        list.push_back(Value(std::move(map)));
        return {};
      }
      case Node::Kind::list: {
        if (!slot.is_nil() && slot.as_list() == nullptr) break;
        ListType& list = slot.is_nil() ? slot.make_list() : *slot.as_list();
        for (std::size_t i = 0; i < node.elements.size(); ++i) {
          Value element;
          const std::string field = name + "[" + std::to_string(i) + "]";
          if (Result<> read = value(field, node.elements[i], element, Around::list); !read) return read;
          list.push_back(std::move(element));
        }
        return {};
      }
      case Node::Kind::boolean:
        if (!slot.is_nil() && slot.as_bool() == nullptr) break;
        slot = Value(node.literal == "true");
        return {};
      case Node::Kind::integer:
      case Node::Kind::floating:
      case Node::Kind::text:
        return scalar(name, node, slot);
    }
    return mismatch(name, node.position, std::string(node_kind(node)), slot);
  }

  Result<> scalar(const std::string& name, const Node& node, Value& slot) {
    const bool as_text = slot.as_string() != nullptr || (slot.is_nil() && node.kind == Node::Kind::text);
    const bool as_float = slot.as_double() != nullptr || (slot.is_nil() && node.kind == Node::Kind::floating);
    const bool as_integer = slot.as_int() != nullptr || (slot.is_nil() && node.kind == Node::Kind::integer);
    if (as_text && node.kind != Node::Kind::floating) {
      slot = Value(node.literal);
    } else if (as_float && node.kind != Node::Kind::text) {
      Result<double> number = parse_float(node.literal);
      if (!number) return number.error();
      slot = Value(*number);
    } else if (as_integer && node.kind != Node::Kind::floating) {
      Result<std::int64_t> number = parse_int(node.literal, 0, 64);
      if (!number) return number.error();
      slot = Value(*number);
    } else {
      return mismatch(name, node.position, std::string(node_kind(node)), slot);
    }
    return {};
  }
};

}  // namespace

Result<MapType> decode(const Node& file) {
  std::vector<Rest> items;
  for (const Item& item : file.items) items.push_back({&item, 0});
  MapType map;
  if (Result<> read = Decoder().object("root", items, map); !read) return read.error();
  return map;
}

Result<MapType> decode(std::string_view text, Options options) {
  const std::size_t start = text.find_first_not_of(" \t\r\n\v\f");
  if (start != text.npos && text[start] == '{') return from_json<MapType>(text);
  Result<Node> file = parse(text, options);
  if (!file) return file.error();
  return decode(*file);
}

}  // namespace proconsul::base::hcl
