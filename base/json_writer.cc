#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/base64.h"
#include "base/json.h"
#include "base/scalar.h"
#include "base/time.h"
#include "base/utf8.h"

namespace proconsul::base {

namespace {

constexpr char kHex[] = "0123456789abcdef";

/// Bytes that a JSON string cannot hold as they are, or that need a look (everything outside ASCII).
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> table{};
  for (unsigned i = 0; i < 256; ++i) table[i] = i < 0x20 || i >= 0x80;
  for (const unsigned char c : {'"', '\\', '<', '>', '&'}) table[c] = true;
  return table;
}();

void append_special(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
  out.append(escape, sizeof(escape));
}

template <class T>
void append_integer(std::string& out, T value) {
  std::array<char, 24> buffer;  // NOLINT: filled by to_chars
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

/// Go's shortest form: digits and exponent as to_chars finds them, laid out as Go does.
template <class T>
void append_floating(std::string& out, T number) {
  if (!std::isfinite(number)) {  // Go refuses to encode these; a reader must not get a broken document
    out += "null";
    return;
  }
  std::array<char, 64> buffer;  // NOLINT: filled by to_chars
  char* const begin = buffer.data();
  const T magnitude = std::fabs(number);
  char* const end =
      std::to_chars(begin, begin + buffer.size(), number, std::chars_format::scientific).ptr;  // -d.ddde[+-]dd
  std::string_view text(begin, end);
  const std::size_t mark = text.find('e');
  std::string_view exponent = text.substr(mark + 1);
  if (magnitude != 0 && (magnitude < static_cast<T>(1e-6) || magnitude >= static_cast<T>(1e21))) {
    out.append(text.substr(0, mark + 2));  // with the sign of the exponent
    exponent.remove_prefix(1);
    // "e-07" loses its zero, "e+21" has none.
    if (exponent.size() == 2 && exponent[0] == '0') exponent.remove_prefix(1);
    out.append(exponent);
    return;
  }
  if (text[0] == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  std::string_view whole = text.substr(0, 1);
  const std::size_t end_of_digits = text.find('e');
  std::string_view rest = end_of_digits > 2 ? text.substr(2, end_of_digits - 2) : std::string_view();
  int power = 0;
  std::from_chars(exponent.data() + 1, exponent.data() + exponent.size(), power);
  if (exponent[0] == '-') power = -power;
  if (power < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-power - 1), '0');
    out.append(whole).append(rest);
    return;
  }
  const auto places = static_cast<std::size_t>(power);
  out.append(whole);
  if (rest.size() <= places) {
    out.append(rest).append(places - rest.size(), '0');
  } else {
    out.append(rest.substr(0, places)).push_back('.');
    out.append(rest.substr(places));
  }
}

void write(std::string& out, const Type& type, const void* object, bool readable);
void write_value(std::string& out, const Value& value);

void write_list(std::string& out, const Value::ListType& list) {
  if (list.is_nil()) {
    out += "null";
    return;
  }
  out.push_back('[');
  for (const Value& item : list) {
    write_value(out, item);
    out.push_back(',');
  }
  if (list.empty()) {
    out.push_back(']');
  } else {
    out.back() = ']';
  }
}

void write_map(std::string& out, const Value::MapType& map) {
  if (map.is_nil()) {
    out += "null";
    return;
  }
  out.push_back('{');
  for (const auto& [key, item] : map) {
    append_json_string(out, key);
    out.push_back(':');
    write_value(out, item);
    out.push_back(',');
  }
  if (map.empty()) {
    out.push_back('}');
  } else {
    out.back() = '}';
  }
}

void write_bytes(std::string& out, const Bytes& bytes) {
  if (bytes.is_nil()) {
    out += "null";
    return;
  }
  out.push_back('"');
  append_base64(out, bytes);
  out.push_back('"');
}

void write_value(std::string& out, const Value& value) {
  if (const std::string* text = value.as_string()) return append_json_string(out, *text);
  if (const double* number = value.as_double()) return append_floating(out, *number);
  if (const bool* boolean = value.as_bool()) {
    out += *boolean ? "true" : "false";
  } else if (const Value::MapType* map = value.as_map()) {
    write_map(out, *map);
  } else if (const Value::ListType* list = value.as_list()) {
    write_list(out, *list);
  } else if (const std::int64_t* integer = value.as_int()) {
    append_integer(out, *integer);
  } else if (const std::uint64_t* positive = value.as_uint()) {
    append_integer(out, *positive);
  } else if (const Bytes* bytes = value.as_bytes()) {
    write_bytes(out, *bytes);
  } else {
    out += "null";
  }
}

void write_structure(std::string& out, const Type& type, const void* object) {
  char next = '{';
  for (const Field& field : type.fields) {
    if (field.has(kNoJson)) continue;
    const Type& field_type = field.type();
    const void* member = field.in(object);
    if (field.has(kOmitEmpty) && is_empty(field_type, member)) continue;
    if (field.has(kOmitZero) && is_zero(field_type, member)) continue;
    out.push_back(next);
    next = ',';
    out += field.json_head;
    write(out, field_type, member, field.has(kReadable));
  }
  if (next == '{') out.push_back('{');
  out.push_back('}');
}

void write(std::string& out, const Type& type, const void* object, bool readable) {
  switch (type.kind) {
    case Kind::boolean:
      out += load<bool>(object) ? "true" : "false";
      break;
    case Kind::integer:
      append_integer(out, load_signed(type, object));
      break;
    case Kind::unsigned_integer:
      append_integer(out, load_unsigned(type, object));
      break;
    case Kind::floating:
      if (type.bits == 32) {
        append_floating(out, load<float>(object));
      } else {
        append_floating(out, load<double>(object));
      }
      break;
    case Kind::string:
      append_json_string(out, *static_cast<const std::string*>(object));
      break;
    case Kind::bytes:
      write_bytes(out, *static_cast<const Bytes*>(object));
      break;
    case Kind::time:
      out.push_back('"');
      out += to_rfc3339(*static_cast<const Time*>(object));
      out.push_back('"');
      break;
    case Kind::duration: {
      const Duration duration = load<Duration>(object);
      if (readable) {
        out.push_back('"');
        out += to_string(duration);
        out.push_back('"');
      } else {
        append_integer(out, duration.nanoseconds);
      }
      break;
    }
    case Kind::list: {
      if (type.list.is_nil(object)) {
        out += "null";
        break;
      }
      const Type& element = type.element();
      const std::size_t size = type.list.size(object);
      out.push_back('[');
      for (std::size_t i = 0; i < size; ++i) {
        if (i > 0) out.push_back(',');
        write(out, element, type.list.at(object, i), false);
      }
      out.push_back(']');
      break;
    }
    case Kind::map: {
      if (type.map.is_nil(object)) {
        out += "null";
        break;
      }
      struct Context {
        std::string& out;
        const Type& element;
      } context{out, type.element()};
      const std::size_t start = out.size();
      type.map.each(object, &context, [](void* self, const std::string& key, const void* value) {
        auto& [target, element] = *static_cast<Context*>(self);
        target.push_back(',');
        append_json_string(target, key);
        target.push_back(':');
        write(target, element, value, false);
      });
      if (out.size() == start) out.push_back('{');
      out[start] = '{';
      out.push_back('}');
      break;
    }
    case Kind::pointer: {
      const void* target = type.pointer.get(object);
      if (target) {
        write(out, type.element(), target, readable);
      } else {
        out += "null";
      }
      break;
    }
    case Kind::rare: {
      const void* target = type.pointer.get(object);
      write(out, type.element(), target ? target : type.unset(), readable);
      break;
    }
    case Kind::structure:
      write_structure(out, type, object);
      break;
    case Kind::any:
      write_value(out, *static_cast<const Value*>(object));
      break;
  }
}

}  // namespace

void append_json(std::string& out, const Type& type, const void* object) {
  write(out, type, object, false);
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t start = 0;  // of what is not yet copied
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kSpecial[c]) {
      ++i;
      continue;
    }
    if (c < 0x80) {
      out.append(text, start, i - start);
      append_special(out, c);
      start = ++i;
      continue;
    }
    const DecodedRune next = decode_rune(text.substr(i));
    const bool invalid = next.size == 1;
    if (invalid || next.rune == 0x2028 || next.rune == 0x2029) {  // the last two end a line in JavaScript
      out.append(text, start, i - start);
      out += invalid ? "\\ufffd" : next.rune == 0x2028 ? "\\u2028" : "\\u2029";
      start = i + next.size;
    }
    i += next.size;
  }
  out.append(text, start, text.size() - start);
  out.push_back('"');
}

void append_json_number(std::string& out, double number) {
  append_floating(out, number);
}

void append_indented_json(std::string& out, std::string_view compact) {
  std::size_t depth = 0;
  const auto new_line = [&] { out.append(1, '\n').append(depth * 4, ' '); };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    switch (c) {
      case '"': {
        std::size_t end = i + 1;
        while (end < compact.size() && compact[end] != '"') end += compact[end] == '\\' ? 2 : 1;
        out.append(compact, i, end + 1 - i);
        i = end;
        break;
      }
      case '{':
      case '[':
        out.push_back(c);
        if (i + 1 < compact.size() && (compact[i + 1] == '}' || compact[i + 1] == ']')) {
          out.push_back(compact[++i]);
        } else {
          ++depth;
          new_line();
        }
        break;
      case '}':
      case ']':
        if (depth > 0) --depth;
        new_line();
        out.push_back(c);
        break;
      case ',':
        out.push_back(c);
        new_line();
        break;
      case ':':
        out += ": ";
        break;
      default:
        out.push_back(c);
    }
  }
}

}  // namespace proconsul::base
