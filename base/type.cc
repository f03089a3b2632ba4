#include "base/type.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/scalar.h"
#include "base/time.h"
#include "base/value.h"

namespace proconsul::base {

namespace {

/// How many bytes of `key` fold into one character, given in `folded`. Go folds letters to upper case, and with them
/// the two letters outside ASCII whose other case is an ASCII letter.
std::size_t fold_one(std::string_view key, char& folded) {
  const char c = key[0];
  if (c >= 'a' && c <= 'z') {
    folded = static_cast<char>(c - 'a' + 'A');
  } else if (key.starts_with("\xc5\xbf")) {  // LATIN SMALL LETTER LONG S
    folded = 'S';
    return 2;
  } else if (key.starts_with("\xe2\x84\xaa")) {  // KELVIN SIGN
    folded = 'K';
    return 3;
  } else {
    folded = c;
  }
  return 1;
}

bool equal_folded(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    char x = 0;
    char y = 0;
    a.remove_prefix(fold_one(a, x));
    b.remove_prefix(fold_one(b, y));
    if (x != y) return false;
  }
  return a.empty() && b.empty();
}

std::size_t hash_folded(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325;
  while (!key.empty()) {
    char c = 0;
    key.remove_prefix(fold_one(key, c));
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  }
  return hash ^ (hash >> 29);
}

const std::string* find_alias(const Field& field, std::string_view key) {
  auto found = std::ranges::find_if(field.aliases, [&](const std::string& alias) { return equal_folded(alias, key); });
  return found == field.aliases.end() ? nullptr : &*found;
}

}  // namespace

const Field* Type::by_json(std::string_view key, const std::string** alias) const {
  if (alias) *alias = nullptr;
  if (json_slots.empty()) return nullptr;
  const Field* folded = nullptr;
  const Field* other = nullptr;
  const std::string* other_key = nullptr;
  const std::size_t mask = json_slots.size() - 1;
  for (std::size_t slot = hash_folded(key) & mask; json_slots[slot] != 0; slot = (slot + 1) & mask) {
    const Field& field = fields[json_slots[slot] - 1];
    if (field.json == key) return &field;
    if (equal_folded(field.json, key)) {
      if (!folded || &field < folded) folded = &field;
    } else if (const std::string* found = find_alias(field, key); found && (!other || &field < other)) {
      other = &field;
      other_key = found;
    }
  }
  if (folded) return folded;
  if (alias) *alias = other_key;
  return other;
}

const Field* Type::ignored_by_json(std::string_view key) const {
  auto found = std::ranges::find_if(json_ignored, [&](const Field& field) { return equal_folded(field.json, key); });
  return found == json_ignored.end() ? nullptr : &*found;
}

const Field* Type::by_wire(std::string_view key) const {
  auto found = std::ranges::lower_bound(wire_order, key, std::ranges::less{},
                                        [&](std::uint16_t index) -> std::string_view { return fields[index].wire; });
  return found != wire_order.end() && fields[*found].wire == key ? &fields[*found] : nullptr;
}

const Field* Type::by_filter(std::string_view key) const {
  auto found =
      std::ranges::find_if(fields, [&](const Field& field) { return !field.has(kNoFilter) && field.filter == key; });
  return found == fields.end() ? nullptr : &*found;
}

std::string Type::go_name() const {
  if (!name.empty()) return name;  // also of a container that Go names, like api.TxnOps
  switch (kind) {
    case Kind::list:
      return "[]" + element().go_name();
    case Kind::map:
      return "map[string]" + element().go_name();
    case Kind::pointer:
      return "*" + element().go_name();
    case Kind::rare:
      return element().go_name();
    default:
      return name;
  }
}

bool is_empty(const Type& type, const void* object) {
  switch (type.kind) {
    case Kind::boolean:
      return !load<bool>(object);
    case Kind::integer:
      return load_signed(type, object) == 0;
    case Kind::unsigned_integer:
      return load_unsigned(type, object) == 0;
    case Kind::floating:
      return type.bits == 32 ? load<float>(object) == 0 : load<double>(object) == 0;
    case Kind::string:
      return static_cast<const std::string*>(object)->empty();
    case Kind::bytes:
      return static_cast<const Bytes*>(object)->empty();
    case Kind::duration:
      return static_cast<const Duration*>(object)->nanoseconds == 0;
    case Kind::list:
      return type.list.size(object) == 0;
    case Kind::map:
      return type.map.size(object) == 0;
    case Kind::pointer:
      return type.pointer.get(object) == nullptr;
    case Kind::any:
      return static_cast<const Value*>(object)->is_nil();
    case Kind::rare:
      return is_zero(type, object);
    case Kind::time:
    case Kind::structure:
      return false;
  }
  return false;
}

bool is_zero(const Type& type, const void* object) {
  switch (type.kind) {
    case Kind::time:
      return static_cast<const Time*>(object)->is_zero();
    case Kind::rare: {
      const void* target = type.pointer.get(object);
      return !target || is_zero(type.element(), target);
    }
    case Kind::structure:
      return std::ranges::all_of(type.fields,
                                 [&](const Field& field) { return is_zero(field.type(), field.in(object)); });
    default:
      return is_empty(type, object);
  }
}

namespace detail {

namespace {

template <class T>
Type scalar(Kind kind, std::string name, std::size_t bits = 0) {
  Type type{.kind = kind, .bits = static_cast<std::uint8_t>(bits), .name = std::move(name), .size = sizeof(T)};
  type.reset = &reset_to_zero<T>;
  return type;
}

template <class T>
const Type& integer(const char* name) {
  static const Type& type =
      *new Type(scalar<T>(std::is_signed_v<T> ? Kind::integer : Kind::unsigned_integer, name, sizeof(T) * 8));
  return type;
}

}  // namespace

const Type& boolean_type() {
  static const Type& type = *new Type(scalar<bool>(Kind::boolean, "bool"));
  return type;
}
const Type& integer_type(bool is_signed, std::size_t bits) {
  switch (bits) {
    case 8:
      return is_signed ? integer<std::int8_t>("int8") : integer<std::uint8_t>("uint8");
    case 16:
      return is_signed ? integer<std::int16_t>("int16") : integer<std::uint16_t>("uint16");
    case 32:
      return is_signed ? integer<std::int32_t>("int32") : integer<std::uint32_t>("uint32");
    default:
      return is_signed ? integer<std::int64_t>("int64") : integer<std::uint64_t>("uint64");
  }
}
const Type& int_type() {
  return integer<Int>("int");
}
const Type& uint_type() {
  return integer<Uint>("uint");
}
const Type& float_type() {
  static const Type& type = *new Type(scalar<float>(Kind::floating, "float32", 32));
  return type;
}
const Type& double_type() {
  static const Type& type = *new Type(scalar<double>(Kind::floating, "float64", 64));
  return type;
}
const Type& string_type() {
  static const Type& type = *new Type(scalar<std::string>(Kind::string, "string"));
  return type;
}
const Type& bytes_type() {
  static const Type& type = *new Type(scalar<Bytes>(Kind::bytes, "[]uint8"));
  return type;
}
const Type& time_type() {
  static const Type& type = *new Type(scalar<Time>(Kind::time, "time.Time"));
  return type;
}
const Type& duration_type() {
  static const Type& type = *new Type(scalar<Duration>(Kind::duration, "time.Duration", 64));
  return type;
}
const Type& value_type() {
  static const Type& type = *new Type(scalar<Value>(Kind::any, "interface {}"));
  return type;
}

Field& StructureBuilder::add(const char* name, std::size_t offset, const Type& type_of_field) {
  Field& field = type.fields.emplace_back();
  field.name = field.json = field.wire = field.filter = name;
  field.offset = offset;
  field.type = type_of_field;
  return field;
}

void StructureBuilder::inline_fields(const Type& base, std::size_t offset) {
  const std::string prefix = base.name.substr(base.name.rfind('.') + 1) + '.';
  for (Field field : base.fields) {
    field.offset += offset;
    field.json_path.insert(0, prefix);
    type.fields.push_back(std::move(field));
  }
}

void StructureBuilder::become(const Type& member) {
  std::string name = std::move(type.name);
  auto reset = type.reset;
  type = member;
  type.name = std::move(name);
  type.reset = reset;
}

namespace {

void append_wire_key(std::string& out, std::string_view key) {
  if (key.size() < 32) {
    out.push_back(static_cast<char>(0xa0 + key.size()));
  } else {
    out.push_back('\xda');
    out.push_back(static_cast<char>(key.size() >> 8));
    out.push_back(static_cast<char>(key.size() & 0xff));
  }
  out.append(key);
}

void index_json(Type& type) {
  std::size_t keys = 0;
  for (const Field& field : type.fields) keys += field.has(kNoJson) ? 0 : 1 + field.aliases.size();
  if (keys == 0) return;
  std::size_t size = 4;
  while (size < keys * 2) size *= 2;
  type.json_slots.assign(size, 0);
  auto insert = [&](std::string_view key, std::size_t index) {
    std::size_t slot = hash_folded(key) & (size - 1);
    while (type.json_slots[slot] != 0) slot = (slot + 1) & (size - 1);
    type.json_slots[slot] = static_cast<std::uint16_t>(index + 1);
  };
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    if (type.fields[i].has(kNoJson)) continue;
    insert(type.fields[i].json, i);
    for (const std::string& alias : type.fields[i].aliases) insert(alias, i);
  }
}

/// Go: of fields with one JSON name the least embedded one counts; of two on one level none does. In msgpack the first
/// one in declaration order counts.
void resolve_duplicates(std::vector<Field>& fields) {
  auto depth = [](const Field& field) { return std::ranges::count(field.json_path, '.'); };
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (std::size_t j = i + 1; j < fields.size(); ++j) {
      Field& a = fields[i];
      Field& b = fields[j];
      if (!a.has(kNoJson) && !b.has(kNoJson) && a.json == b.json) {
        if (depth(a) >= depth(b)) a.flags |= kNoJson;
        if (depth(b) >= depth(a)) b.flags |= kNoJson;
      }
      if (!a.has(kNoWire) && !b.has(kNoWire) && a.wire == b.wire) b.flags |= kNoWire;
    }
  }
}

struct ShadowField {
  std::string name, json, type;
};

/// The fields of `struct { Hash string; Snake bool "json:\"snake\""; *structs.Alias }`, without the embedded one.
std::vector<ShadowField> parse_shadow(std::string_view text) {
  std::vector<ShadowField> fields;
  text = text.substr(text.find('{') + 1);
  text = text.substr(0, text.rfind('}'));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("; "), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const std::size_t space = part.find(' ');
    if (space == std::string_view::npos) continue;  // *structs.Alias
    ShadowField field{.name{part.substr(0, space)}, .json{part.substr(0, space)}, .type{}};
    std::string_view rest = part.substr(space + 1);
    if (const std::size_t tag = rest.find(" \"json:\\\""); tag != std::string_view::npos) {
      field.json = rest.substr(tag + 9);
      field.json.resize(std::min(field.json.find_first_of("\\,"), field.json.size()));
      rest = rest.substr(0, tag);
    }
    field.type = rest;
    fields.push_back(std::move(field));
  }
  return fields;
}

const Type& shadow_type(std::string_view go_type) {
  if (go_type == "string") return string_type();
  if (go_type == "bool") return boolean_type();
  if (go_type == "int") return int_type();
  return value_type();
}

void apply_shadow(Type& type) {
  const std::vector<ShadowField> shadows = parse_shadow(type.json_shadow);
  for (Field& field : type.fields) field.json_path.insert(0, "Alias.");
  for (const ShadowField& shadow : shadows) {
    auto own = std::ranges::find_if(type.fields, [&](const Field& field) { return field.json == shadow.json; });
    if (own != type.fields.end()) {
      own->json_path = shadow.json;
      if (shadow.type == "interface {}") own->json_as = JsonAs::any;
      if (shadow.type == "string" && own->type().kind != Kind::string) own->json_as = JsonAs::text;
    } else if (!type.by_json(shadow.json)) {
      Field& ignored = type.json_ignored.emplace_back();
      ignored.name = ignored.json = ignored.json_path = shadow.json;
      ignored.type = shadow_type(shadow.type);
    }
  }
}

}  // namespace

const Type& StructureBuilder::finish() {
  if (type.kind != Kind::structure) return *new Type(std::move(type));  // same_as()
  for (Field& field : type.fields) {
    // Inlined fields bring the path of their struct, which ends in the key: take the key anew.
    field.json_path.resize(field.json_path.rfind('.') + 1);
    field.json_path += field.json;
  }
  resolve_duplicates(type.fields);
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    Field& field = type.fields[i];
    field.json_head = '"' + field.json + "\":";
    field.wire_head.clear();
    append_wire_key(field.wire_head, field.wire);
    if (field.has(kWireOmitEmpty)) type.wire_omits = true;
    if (!field.has(kNoWire)) type.wire_order.push_back(static_cast<std::uint16_t>(i));
  }
  std::ranges::sort(type.wire_order, std::ranges::less{},
                    [&](std::uint16_t index) -> std::string_view { return type.fields[index].wire; });
  index_json(type);
  if (!type.json_shadow.empty()) apply_shadow(type);
  return *new Type(std::move(type));
}

}  // namespace detail

}  // namespace proconsul::base
