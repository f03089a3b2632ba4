#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/msgpack.h"
#include "base/scalar.h"

namespace proconsul::base {

namespace {

constexpr std::uint8_t kNil = 0xc0;
constexpr std::uint8_t kNeverUsed = 0xc1;

/// Described types nest as deep as they are recursive; each level is a stack frame.
constexpr unsigned kMaxTypedDepth = 1'000;
/// Free values nest as deep as JSON may (10,000), and a little more for what is around them.
constexpr std::size_t kMaxValueDepth = 10'100;
/// Memory of decoded elements per byte of input, above a start: a nil costs one byte and makes an element of any size.
constexpr std::size_t kMemoryPerByte = 64;
constexpr std::size_t kFreeMemory = std::size_t{16} << 20;

bool is_positive_fixint(std::uint8_t d) {
  return d <= 0x7f;
}
bool is_negative_fixint(std::uint8_t d) {
  return d >= 0xe0;
}
bool is_map(std::uint8_t d) {
  return (d & 0xf0) == 0x80 || d == 0xde || d == 0xdf;
}
bool is_array(std::uint8_t d) {
  return (d & 0xf0) == 0x90 || d == 0xdc || d == 0xdd;
}
bool is_text(std::uint8_t d) {
  return (d & 0xe0) == 0xa0 || (d >= 0xd9 && d <= 0xdb);
}
bool is_bin(std::uint8_t d) {
  return d >= 0xc4 && d <= 0xc6;
}
bool is_extension(std::uint8_t d) {
  return (d >= 0xc7 && d <= 0xc9) || (d >= 0xd4 && d <= 0xd8);
}

std::string hex(std::uint8_t byte) {
  std::array<char, 2> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), byte, 16).ptr;
  return {digits.data(), end};
}

/// The v2 codec's name for what a descriptor begins.
std::string describe(std::uint8_t d) {
  const char* name = "unknown";
  if (d == kNil) name = "nil";
  if (d == 0xc2) name = "false";
  if (d == 0xc3) name = "true";
  if (d == 0xca || d == 0xcb) name = "float";
  if (d >= 0xcc && d <= 0xcf) name = "uint";
  if ((d >= 0xd0 && d <= 0xd3) || is_positive_fixint(d) || is_negative_fixint(d)) name = "int";
  if (is_text(d)) name = "string|bytes";
  if (is_bin(d)) name = "bytes";
  if (is_array(d)) name = "array";
  if (is_map(d)) name = "map";
  if (is_extension(d)) name = "ext";
  return "unrecognized descriptor byte: " + hex(d) + "/" + name;
}

/// The 0.5 codec's number for what a descriptor begins.
unsigned value_type(std::uint8_t d, bool raw_is_text) {
  if (d == kNil) return 1;
  if (d == 0xc2 || d == 0xc3) return 5;
  if (d == 0xca || d == 0xcb) return 4;
  if (d >= 0xcc && d <= 0xcf) return 3;
  if (is_text(d)) return raw_is_text ? 6 : 8;
  if (is_bin(d)) return 8;
  if (is_array(d)) return 10;
  if (is_map(d)) return 9;
  if (is_extension(d)) return 12;
  return 2;
}

}  // namespace

Result<> MsgpackReader::status() const {
  if (failed_) return Error{Errc::invalid_argument, detail_};
  return {};
}

void MsgpackReader::fail(std::string detail) {
  if (failed_) return;
  failed_ = true;
  detail_ = std::move(detail);
}

void MsgpackReader::codec_error(const std::string& old_text, const std::string& v2_text) {
  if (is_raft()) {
    fail("msgpack decode error [pos " + std::to_string(position_) + "]: " + v2_text);
  } else {
    fail("codec.decoder: " + old_text);
  }
}

std::uint8_t MsgpackReader::next() {
  if (failed_) return kNeverUsed;
  if (position_ == input_.size()) {
    fail("EOF");
    return kNeverUsed;
  }
  return static_cast<std::uint8_t>(input_[position_++]);
}

std::string_view MsgpackReader::take(std::size_t size) {
  if (failed_ || size == 0) return {};
  const std::size_t left = input_.size() - position_;
  if (size > left) {
    if (left == 0 || is_raft()) {
      fail("EOF");
    } else {
      fail("codec.decoder: Trying to read " + std::to_string(size) + " bytes. Only " + std::to_string(left) +
           " available");
    }
    return {};
  }
  position_ += size;
  return input_.substr(position_ - size, size);
}

template <class T>
T MsgpackReader::big_endian() {
  T value = 0;
  for (const char c : take(sizeof(T))) value = static_cast<T>(value << 8 | static_cast<std::uint8_t>(c));
  return value;
}
template <>
std::uint8_t MsgpackReader::big_endian<std::uint8_t>() {
  const std::string_view byte = take(1);
  return byte.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(byte[0]);
}

/// No container can have more elements than there are bytes left.
std::size_t MsgpackReader::bounded(std::uint64_t count, std::size_t least_bytes) {
  if (failed_) return 0;
  if (count > (input_.size() - position_) / least_bytes) {
    fail("EOF");
    return 0;
  }
  return static_cast<std::size_t>(count);
}

std::size_t MsgpackReader::length(std::uint8_t descriptor, std::uint8_t fix, std::uint8_t fix_size, std::uint8_t wide) {
  if (descriptor >= fix && descriptor < fix + fix_size) return descriptor - fix;
  if (descriptor == wide) return big_endian<std::uint16_t>();
  if (descriptor == wide + 1) return big_endian<std::uint32_t>();
  codec_error("readContainerLen: Unrecognized descriptor byte: hex: " + hex(descriptor) +
                  ", dec: " + std::to_string(descriptor),
              "cannot read container length: unrecognized descriptor byte: hex: " + hex(descriptor) +
                  ", decimal: " + std::to_string(descriptor));
  return 0;
}

bool MsgpackReader::skip_nil() {
  if (!next_is_nil()) return false;
  ++position_;
  return true;
}

bool MsgpackReader::boolean() {
  if (is_raft() && skip_nil()) return false;
  const std::uint8_t d = next();
  if (failed_) return false;
  if (d == 0xc3 || d == 1) return true;
  if (d == 0xc2 || d == 0) return false;
  codec_error("Invalid single-byte value for bool: Unrecognized descriptor byte: " + hex(d),
              "cannot decode bool: " + describe(d));
  return false;
}

/// An integer of any width and signedness; a uint64 above the signed range wraps, as in Go.
std::int64_t MsgpackReader::any_integer(std::uint8_t d) {
  switch (d) {
    case 0xcc:
      return big_endian<std::uint8_t>();
    case 0xcd:
      return big_endian<std::uint16_t>();
    case 0xce:
      return big_endian<std::uint32_t>();
    case 0xcf:
      return static_cast<std::int64_t>(big_endian<std::uint64_t>());
    case 0xd0:
      return static_cast<std::int8_t>(big_endian<std::uint8_t>());
    case 0xd1:
      return static_cast<std::int16_t>(big_endian<std::uint16_t>());
    case 0xd2:
      return static_cast<std::int32_t>(big_endian<std::uint32_t>());
    case 0xd3:
      return static_cast<std::int64_t>(big_endian<std::uint64_t>());
    default:
      break;
  }
  if (is_positive_fixint(d) || is_negative_fixint(d)) return static_cast<std::int8_t>(d);
  if (!failed_) {
    codec_error("Unhandled single-byte unsigned integer value: Unrecognized descriptor byte: " + hex(d),
                "cannot decode signed integer: " + describe(d));
  }
  return 0;
}

std::int64_t MsgpackReader::integer(unsigned bits) {
  if (is_raft() && skip_nil()) return 0;
  const std::int64_t value = any_integer(next());
  if (failed_) return 0;
  if (!fits_signed(bits, value)) {
    codec_error("Overflow int value: " + std::to_string(value), "int64 overflow: " + std::to_string(value));
    return 0;
  }
  return value;
}

std::uint64_t MsgpackReader::unsigned_integer(unsigned bits) {
  if (is_raft() && skip_nil()) return 0;
  const std::uint8_t d = next();
  const std::int64_t value = any_integer(d);
  if (failed_) return 0;
  if (value < 0 && d != 0xcf) {
    // Of a negative fixint the codecs show the byte.
    const std::string shown = std::to_string(is_negative_fixint(d) ? std::int64_t{d} : value);
    codec_error("Assigning negative signed value: " + shown + ", to unsigned type",
                "assigning negative signed value: " + shown + ", to unsigned type");
    return 0;
  }
  const auto number = static_cast<std::uint64_t>(value);
  if (!fits_unsigned(bits, number)) {
    codec_error("Overflow uint value: " + std::to_string(number), "uint64 overflow: " + std::to_string(number));
    return 0;
  }
  return number;
}

double MsgpackReader::floating() {
  if (is_raft() && skip_nil()) return 0;
  const std::uint8_t d = next();
  if (d == 0xca) return std::bit_cast<float>(big_endian<std::uint32_t>());
  if (d == 0xcb) return std::bit_cast<double>(big_endian<std::uint64_t>());
  return static_cast<double>(any_integer(d));
}

/// The content of a text or, where accepted, bin.
std::string_view MsgpackReader::raw(std::uint8_t d, bool accept_bin) {
  if (failed_) return {};
  if (d == 0xd9) return take(big_endian<std::uint8_t>());
  if (accept_bin || is_raft()) {
    if (d == 0xc4) return take(big_endian<std::uint8_t>());
    if (d == 0xc5) return take(big_endian<std::uint16_t>());
    if (d == 0xc6) return take(big_endian<std::uint32_t>());
  }
  if (is_raft() && !is_text(d)) {
    codec_error("", "invalid byte descriptor for decoding bytes, got: 0x" + hex(d));
    return {};
  }
  return take(length(d, 0xa0, 32, 0xda));
}

std::string_view MsgpackReader::string() {
  if (skip_nil()) return {};
  return raw(next(), false);
}

std::string_view MsgpackReader::bytes() {
  if (skip_nil()) return {};
  return raw(next(), true);
}

std::size_t MsgpackReader::array() {
  if (skip_nil()) return 0;
  const std::uint8_t d = next();
  return failed_ ? 0 : bounded(length(d, 0x90, 16, 0xdc), 1);
}

std::size_t MsgpackReader::map() {
  if (skip_nil()) return 0;
  const std::uint8_t d = next();
  return failed_ ? 0 : bounded(length(d, 0x80, 16, 0xde), 2);
}

// --- times ---

/// Go's Time.UnmarshalBinary.
Time MsgpackReader::binary_time(std::string_view form) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(form[i]); };
  const auto error = [&](const char* text) {
    fail(std::string("Time.UnmarshalBinary: ") + text);
    return Time{};
  };
  if (failed_) return {};
  if (form.empty()) return error("no data");
  if (byte(0) != 1 && byte(0) != 2) return error("unsupported version");
  if (form.size() != (byte(0) == 1 ? 15u : 16u)) return error("invalid length");
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  for (std::size_t i = 1; i < 9; ++i) seconds = seconds << 8 | byte(i);
  for (std::size_t i = 9; i < 13; ++i) nanoseconds = nanoseconds << 8 | byte(i);
  return {.seconds = static_cast<std::int64_t>(seconds),
          .nanoseconds = static_cast<std::int32_t>(nanoseconds),
          .zone_minutes = static_cast<std::int16_t>(byte(13) << 8 | byte(14)),
          .zone_seconds = static_cast<std::int8_t>(form.size() == 16 ? byte(15) : 0)};
}

/// The timestamp extension's content, which the v2 codec also takes from a raw.
Time MsgpackReader::time_extension(std::string_view form) {
  if (failed_) return {};
  std::uint64_t number = 0;
  for (std::size_t i = form.size() == 12 ? 4 : 0; i < form.size() && i < 12; ++i) {
    number = number << 8 | static_cast<std::uint8_t>(form[i]);
  }
  switch (form.size()) {
    case 4:
      return from_unix(static_cast<std::int64_t>(number));
    case 8:
      return from_unix(static_cast<std::int64_t>(number & 0x3'ffff'ffff), static_cast<std::int32_t>(number >> 34));
    case 12: {
      std::uint32_t nanoseconds = 0;
      for (std::size_t i = 0; i < 4; ++i) nanoseconds = nanoseconds << 8 | static_cast<std::uint8_t>(form[i]);
      // Seconds are any 64 bits: the addition of the epoch wraps as Go's does.
      return {.seconds = static_cast<std::int64_t>(number + static_cast<std::uint64_t>(kUnixEpochSeconds)),
              .nanoseconds = static_cast<std::int32_t>(nanoseconds)};
    }
    default:
      codec_error("", "invalid bytes for decoding time - expecting string or 4, 8, or 12 bytes, got " +
                          std::to_string(form.size()));
      return {};
  }
}

Time MsgpackReader::time() {
  if (skip_nil()) return {};
  const std::uint8_t d = next();
  if (!is_raft()) return binary_time(raw(d, true));
  if (is_text(d) || is_bin(d)) {
    const std::string_view form = raw(d, true);
    if (failed_) return {};
    const bool is_binary = (d & 0xe0) == 0xa0 && !form.empty() &&
                           ((form[0] == 1 && form.size() == 15) || (form[0] == 2 && form.size() == 16));
    return is_binary ? binary_time(form) : time_extension(form);
  }
  std::uint8_t tag = 0;
  if (is_extension(d)) {
    const std::string_view form = extension(d, tag);
    if (failed_ || tag == 0xff) return time_extension(form);
  }
  codec_error("", "invalid stream for decoding time as extension: got 0x" + hex(d) + ", 0x" + hex(tag));
  return {};
}

// --- anything ---

std::string_view MsgpackReader::extension(std::uint8_t d, std::uint8_t& tag) {
  std::size_t size = 0;
  switch (d) {
    case 0xc7:
      size = big_endian<std::uint8_t>();
      break;
    case 0xc8:
      size = big_endian<std::uint16_t>();
      break;
    case 0xc9:
      size = big_endian<std::uint32_t>();
      break;
    default:
      size = std::size_t{1} << (d - 0xd4);
  }
  tag = big_endian<std::uint8_t>();
  return take(size);
}

void MsgpackReader::skip() {
  for (std::uint64_t left = 1; left > 0 && !failed_; --left) {
    const std::uint8_t d = next();
    if (is_map(d)) {
      left += 2 * bounded(length(d, 0x80, 16, 0xde), 2);
    } else if (is_array(d)) {
      left += bounded(length(d, 0x90, 16, 0xdc), 1);
    } else if (is_text(d) || is_bin(d)) {
      raw(d, true);
    } else if (is_extension(d)) {
      std::uint8_t tag = 0;
      extension(d, tag);
    } else if (d == 0xca) {
      take(4);
    } else if (d == 0xcb) {
      take(8);
    } else if (d != kNil && d != 0xc2 && d != 0xc3) {
      any_integer(d);
    }
  }
}

void MsgpackReader::scalar_value(Value& value, std::uint8_t d) {
  if (d == kNil) {
    value = Value();
  } else if (d == 0xc2 || d == 0xc3) {
    value = d == 0xc3;
  } else if (d == 0xca) {
    value = double{std::bit_cast<float>(big_endian<std::uint32_t>())};
  } else if (d == 0xcb) {
    value = std::bit_cast<double>(big_endian<std::uint64_t>());
  } else if (d >= 0xcc && d <= 0xcf) {
    value = static_cast<std::uint64_t>(any_integer(d));
  } else if (is_text(d) && raw_is_text()) {
    value = raw(d, false);
  } else if (is_text(d) || is_bin(d)) {
    value = Bytes(std::string(raw(d, true)));
  } else if (is_extension(d)) {
    std::uint8_t tag = 0;
    const std::string_view content = extension(d, tag);
    if (is_raft() && tag == 0xff) {
      value = to_rfc3339(time_extension(content));
    } else {  // codec.RawExt, as Go's JSON shows it
      Value::MapType& map = value.make_map();
      map["Tag"] = std::uint64_t{tag};
      map["Data"] = Bytes(std::string(content));
    }
  } else {
    value = any_integer(d);
  }
}

/// Iterative, since the nesting is the sender's choice.
void MsgpackReader::free_value(Value& root) {
  struct Open {
    Value* container;
    std::size_t left;
  };
  std::vector<Open> open;
  Value* slot = &root;
  while (!failed_) {
    const std::uint8_t d = next();
    if (failed_) return;
    if (is_map(d)) {
      const std::size_t size = bounded(length(d, 0x80, 16, 0xde), 2);
      slot->make_map();
      open.push_back({slot, size});
    } else if (is_array(d)) {
      const std::size_t size = bounded(length(d, 0x90, 16, 0xdc), 1);
      slot->make_list();
      open.push_back({slot, size});
    } else {
      scalar_value(*slot, d);
    }
    while (!open.empty() && open.back().left == 0) open.pop_back();
    if (open.empty()) return;
    if (open.size() > kMaxValueDepth) return fail("maximum decoding depth exceeded");
    Open& parent = open.back();
    --parent.left;
    if (!spend(sizeof(Value))) return;
    if (Value::ListType* list = parent.container->as_list()) {
      slot = &list->emplace_back();
    } else {
      // The plain and raft codecs would take keys of any kind here; none are sent.
      const std::string_view key = raw_is_text() ? string() : bytes();
      if (failed_) return;
      Value::MapType& map = *parent.container->as_map();
      slot = &map.try_emplace(map.end(), std::string(key))->second;
      *slot = Value();
    }
  }
}

Value MsgpackReader::value() {
  Value value;
  free_value(value);
  return value;
}

// --- described types ---

bool MsgpackReader::spend(std::size_t bytes) {
  spent_ += bytes;
  if (spent_ <= kFreeMemory + kMemoryPerByte * input_.size()) return true;
  fail("message decodes into too much memory");
  return false;
}

void MsgpackReader::object(const Type& type, void* object) {
  typed(type, object, true);
}

/// `top`: not inside anything. There the 0.5 codecs refuse nil for numbers, booleans and lists.
void MsgpackReader::typed(const Type& type, void* object, bool top) {
  if (failed_) return;
  if (next_is_nil()) {
    const bool refused = type.kind == Kind::boolean || type.kind == Kind::integer ||
                         type.kind == Kind::unsigned_integer || type.kind == Kind::floating ||
                         type.kind == Kind::duration || type.kind == Kind::list;
    if (!top || is_raft() || !refused) {
      ++position_;
      type.reset(object);
      return;
    }
  }
  switch (type.kind) {
    case Kind::boolean:
      store(object, boolean());
      break;
    case Kind::integer:
    case Kind::duration:
      store_signed(type, object, integer(type.bits));
      break;
    case Kind::unsigned_integer:
      store_unsigned(type, object, unsigned_integer(type.bits));
      break;
    case Kind::floating: {
      const double number = floating();
      if (type.bits == 64) {
        store(object, number);
      } else if (std::isfinite(number) && std::fabs(number) > std::numeric_limits<float>::max()) {
        codec_error("Overflow float32 value", "float32 overflow");
      } else {
        store(object, static_cast<float>(number));
      }
      break;
    }
    case Kind::string:
      *static_cast<std::string*>(object) = string();
      break;
    case Kind::bytes:
      byte_list(*static_cast<Bytes*>(object));
      break;
    case Kind::time:
      store(object, time());
      break;
    case Kind::list:
      list(type, object);
      break;
    case Kind::map:
      map_of(type, object);
      break;
    case Kind::pointer:
    case Kind::rare: {
      const Type& element = type.element();
      if (!type.pointer.get(object) && !spend(element.size)) return;
      typed(element, type.pointer.make(object), false);
      break;
    }
    case Kind::structure: {
      if (++depth_ > kMaxTypedDepth) return fail("maximum decoding depth exceeded");
      if (type.wrapped) {
        MsgpackReader inner(bytes(), handle_);
        inner.depth_ = depth_;
        if (!failed_) inner.structure(type, object);
        if (inner.failed_) fail(std::move(inner.detail_));
      } else {
        structure(type, object);
      }
      --depth_;
      break;
    }
    case Kind::any:
      free_value(*static_cast<Value*>(object));
      break;
  }
}

void MsgpackReader::structure(const Type& type, void* object) {
  const std::uint8_t d = next();
  if (failed_) return;
  if (is_map(d)) {
    std::size_t expected = 0;  // writers send the fields in this order
    for (std::size_t left = bounded(length(d, 0x80, 16, 0xde), 2); left > 0 && !failed_; --left) {
      const std::string_view key = string();
      const Field* field = nullptr;
      if (expected < type.wire_order.size() && type.fields[type.wire_order[expected]].wire == key) {
        field = &type.fields[type.wire_order[expected++]];
      } else {
        field = type.by_wire(key);
      }
      if (field) {
        typed(field->type(), field->in(object), false);
      } else {
        skip();
      }
    }
  } else if (is_array(d)) {  // the fields in declaration order
    std::size_t left = bounded(length(d, 0x90, 16, 0xdc), 1);
    for (const Field& field : type.fields) {
      if (left == 0 || failed_) break;
      if (field.has(kNoWire)) continue;
      typed(field.type(), field.in(object), false);
      --left;
    }
    for (; left > 0 && !failed_; --left) skip();
  } else {
    codec_error("Only encoded map or array can be decoded into a struct. (valueType: " +
                    hex(static_cast<std::uint8_t>(value_type(d, raw_is_text()))) + ")",
                "only encoded map or array can be decoded into a struct");
  }
}

void MsgpackReader::list(const Type& type, void* object) {
  const std::uint8_t d = next();
  if (failed_) return;
  std::size_t size = 0;
  if (is_array(d)) {
    size = bounded(length(d, 0x90, 16, 0xdc), 1);
  } else if (is_map(d)) {  // read flat: key, value, key, value
    size = 2 * bounded(length(d, 0x80, 16, 0xde), 2);
  } else {
    codec_error("Only encoded map or array can be decoded into a slice. (valueType: " +
                    hex(static_cast<std::uint8_t>(value_type(d, raw_is_text()))) + ")",
                "only encoded map or array can be decoded into a slice");
  }
  if (failed_) return;
  if (type.list.is_nil(object)) type.list.clear(object, true);
  const std::size_t old_size = type.list.size(object);
  const Type& element = type.element();
  for (std::size_t i = 0; i < size && !failed_; ++i) {
    if (i >= old_size && !spend(element.size)) return;
    void* item = i < old_size ? const_cast<void*>(type.list.at(object, i)) : type.list.append(object);
    typed(element, item, false);
  }
  // The 0.5 codecs keep the tail of a longer list that was there before.
  if (is_raft() && size < old_size) type.list.truncate(object, size);
}

void MsgpackReader::byte_list(Bytes& target) {
  if (position_ < input_.size()) {
    const auto d = static_cast<std::uint8_t>(input_[position_]);
    if (is_array(d)) {
      std::string content;
      ++position_;
      for (std::size_t left = bounded(length(d, 0x90, 16, 0xdc), 1); left > 0 && !failed_; --left) {
        content.push_back(static_cast<char>(unsigned_integer(8)));
      }
      target = Bytes(std::move(content));
      return;
    }
  }
  const std::string_view content = bytes();
  if (failed_) return;
  // The 0.5 codecs leave the target as it is when no bytes come: nil stays nil.
  if (content.empty() && !is_raft()) return;
  target = Bytes(std::string(content));
}

void MsgpackReader::map_of(const Type& type, void* object) {
  const std::uint8_t d = next();
  if (failed_) return;
  std::size_t left = bounded(length(d, 0x80, 16, 0xde), 2);
  if (failed_) return;
  if (type.map.is_nil(object)) type.map.clear(object, true);
  const Type& element = type.element();
  for (; left > 0; --left) {
    const std::string_view key = string();
    if (failed_ || !spend(element.size + sizeof(std::string))) return;
    void* item = type.map.insert(object, std::string(key));
    // A value that was there before is decoded over by the v2 codec only where Go's map holds pointers.
    if (!is_raft() || element.kind != Kind::pointer) element.reset(item);
    typed(element, item, false);
    if (failed_) return;
  }
}

}  // namespace proconsul::base
