#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

#include "base/msgpack.h"
#include "base/scalar.h"

namespace proconsul::base {

namespace {

template <class T>
void append_big_endian(std::string& out, std::uint8_t descriptor, T value) {
  std::array<char, 1 + sizeof(T)> bytes;  // NOLINT: filled below
  bytes[0] = static_cast<char>(descriptor);
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[1 + i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  out.append(bytes.data(), bytes.size());
}

void append_unsigned(std::string& out, std::uint64_t value) {
  if (value <= 0x7f) {
    out.push_back(static_cast<char>(value));
  } else if (value <= 0xff) {
    append_big_endian(out, 0xcc, static_cast<std::uint8_t>(value));
  } else if (value <= 0xffff) {
    append_big_endian(out, 0xcd, static_cast<std::uint16_t>(value));
  } else if (value <= 0xffff'ffff) {
    append_big_endian(out, 0xce, static_cast<std::uint32_t>(value));
  } else {
    append_big_endian(out, 0xcf, value);
  }
}

template <class T>
bool fits(std::int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

/// What both codecs write for negatives, and the v2 codec for positives above 127 (it has no d0 for those).
void append_signed(std::string& out, std::int64_t value) {
  if (value >= -32 && value <= 127) {
    out.push_back(static_cast<char>(value));
  } else if (value < 0 && fits<std::int8_t>(value)) {
    append_big_endian(out, 0xd0, static_cast<std::uint8_t>(value));
  } else if (fits<std::int16_t>(value)) {
    append_big_endian(out, 0xd1, static_cast<std::uint16_t>(value));
  } else if (fits<std::int32_t>(value)) {
    append_big_endian(out, 0xd2, static_cast<std::uint32_t>(value));
  } else {
    append_big_endian(out, 0xd3, static_cast<std::uint64_t>(value));
  }
}

void append_raw_header(std::string& out, std::size_t size, MsgpackHandle handle) {
  if (size < 32) {
    out.push_back(static_cast<char>(0xa0 | size));
  } else if (size < 0x100 && handle == MsgpackHandle::event) {
    append_big_endian(out, 0xd9, static_cast<std::uint8_t>(size));
  } else if (size < 0x1'0000) {
    append_big_endian(out, 0xda, static_cast<std::uint16_t>(size));
  } else {
    append_big_endian(out, 0xdb, static_cast<std::uint32_t>(size));
  }
}

void append_container_header(std::string& out, std::size_t size, std::uint8_t fix, std::uint8_t wide) {
  if (size < 16) {
    out.push_back(static_cast<char>(fix | size));
  } else if (size < 0x1'0000) {
    append_big_endian(out, wide, static_cast<std::uint16_t>(size));
  } else {
    append_big_endian(out, static_cast<std::uint8_t>(wide + 1), static_cast<std::uint32_t>(size));
  }
}

}  // namespace

void MsgpackWriter::integer(std::int64_t value) {
  if (value >= 0 && handle_ != MsgpackHandle::raft) {
    append_unsigned(out_, static_cast<std::uint64_t>(value));
  } else {
    append_signed(out_, value);
  }
}

void MsgpackWriter::unsigned_integer(std::uint64_t value) {
  append_unsigned(out_, value);
}

void MsgpackWriter::float64(double value) {
  append_big_endian(out_, 0xcb, std::bit_cast<std::uint64_t>(value));
}

void MsgpackWriter::float32(float value) {
  append_big_endian(out_, 0xca, std::bit_cast<std::uint32_t>(value));
}

void MsgpackWriter::string(std::string_view text) {
  append_raw_header(out_, text.size(), handle_);
  out_.append(text);
}

void MsgpackWriter::bytes(std::string_view bytes) {
  if (handle_ != MsgpackHandle::event) {
    append_raw_header(out_, bytes.size(), handle_);
  } else if (bytes.size() < 0x100) {
    append_big_endian(out_, 0xc4, static_cast<std::uint8_t>(bytes.size()));
  } else if (bytes.size() < 0x1'0000) {
    append_big_endian(out_, 0xc5, static_cast<std::uint16_t>(bytes.size()));
  } else {
    append_big_endian(out_, 0xc6, static_cast<std::uint32_t>(bytes.size()));
  }
  out_.append(bytes);
}

void MsgpackWriter::time(const Time& time) {
  const bool has_seconds = time.zone_seconds != 0;
  std::string form;
  append_big_endian(form, has_seconds ? 2 : 1, static_cast<std::uint64_t>(time.seconds));
  for (int shift = 24; shift >= 0; shift -= 8) form.push_back(static_cast<char>(time.nanoseconds >> shift));
  form.push_back(static_cast<char>(time.zone_minutes >> 8));
  form.push_back(static_cast<char>(time.zone_minutes));
  if (has_seconds) form.push_back(static_cast<char>(time.zone_seconds));
  bytes(form);
}

void MsgpackWriter::array(std::size_t size) {
  append_container_header(out_, size, 0x90, 0xdc);
}

void MsgpackWriter::map(std::size_t size) {
  append_container_header(out_, size, 0x80, 0xde);
}

void MsgpackWriter::end_wrapped(std::size_t mark) {
  std::string header;
  append_raw_header(header, out_.size() - mark, handle_);
  out_.insert(mark, header);
}

void MsgpackWriter::value(const Value& value) {
  free_value(value, false);
}

/// `nested`: inside a free-form map or list, where the 0.5 codecs write nil containers as empty ones.
void MsgpackWriter::free_value(const Value& value, bool nested) {
  const bool keeps_nil = !nested || handle_ == MsgpackHandle::raft;
  if (const std::string* text = value.as_string()) {
    string(*text);
  } else if (const double* number = value.as_double()) {
    float64(*number);
  } else if (const bool* flag = value.as_bool()) {
    boolean(*flag);
  } else if (const Value::MapType* members = value.as_map()) {
    if (members->is_nil() && keeps_nil) return nil();
    map(members->size());
    for (const auto& [key, member] : *members) {
      string(key);
      free_value(member, true);
    }
  } else if (const Value::ListType* items = value.as_list()) {
    if (items->is_nil() && keeps_nil) return nil();
    array(items->size());
    for (const Value& item : *items) free_value(item, true);
  } else if (const std::int64_t* signed_number = value.as_int()) {
    integer(*signed_number);
  } else if (const std::uint64_t* unsigned_number = value.as_uint()) {
    unsigned_integer(*unsigned_number);
  } else if (const Bytes* content = value.as_bytes()) {
    if (content->is_nil() && keeps_nil) return nil();
    bytes(*content);
  } else {
    nil();
  }
}

void MsgpackWriter::structure(const Type& type, const void* object) {
  std::size_t omitted = 0;
  if (type.wire_omits) {
    for (const std::uint16_t index : type.wire_order) {
      const Field& field = type.fields[index];
      if (field.has(kWireOmitEmpty) && is_empty(field.type(), field.in(object))) ++omitted;
    }
  }
  map(type.wire_order.size() - omitted);
  for (const std::uint16_t index : type.wire_order) {
    const Field& field = type.fields[index];
    const void* member = field.in(object);
    if (field.has(kWireOmitEmpty) && is_empty(field.type(), member)) continue;
    if (handle_ == MsgpackHandle::event) {
      string(field.wire);
    } else {
      out_.append(field.wire_head);
    }
    this->object(field.type(), member);
  }
}

void MsgpackWriter::object(const Type& type, const void* object) {
  switch (type.kind) {
    case Kind::boolean:
      boolean(load<bool>(object));
      break;
    case Kind::integer:
    case Kind::duration:
      integer(load_signed(type, object));
      break;
    case Kind::unsigned_integer:
      append_unsigned(out_, load_unsigned(type, object));
      break;
    case Kind::floating:
      if (type.bits == 32) {
        float32(load<float>(object));
      } else {
        float64(load<double>(object));
      }
      break;
    case Kind::string:
      string(*static_cast<const std::string*>(object));
      break;
    case Kind::bytes: {
      const auto& content = *static_cast<const Bytes*>(object);
      if (content.is_nil()) {
        nil();
      } else {
        bytes(content);
      }
      break;
    }
    case Kind::time:
      time(*static_cast<const Time*>(object));
      break;
    case Kind::list: {
      if (type.list.is_nil(object)) {
        nil();
        break;
      }
      const Type& element = type.element();
      const std::size_t size = type.list.size(object);
      array(size);
      const bool free = element.kind == Kind::any;
      for (std::size_t i = 0; i < size; ++i) {
        const void* item = type.list.at(object, i);
        if (free) {
          free_value(*static_cast<const Value*>(item), true);
        } else {
          this->object(element, item);
        }
      }
      break;
    }
    case Kind::map: {
      if (type.map.is_nil(object)) {
        nil();
        break;
      }
      map(type.map.size(object));
      struct Context {
        MsgpackWriter& writer;
        const Type& element;
      } context{*this, type.element()};
      type.map.each(object, &context, [](void* self, const std::string& key, const void* value) {
        auto& [writer, element] = *static_cast<Context*>(self);
        writer.string(key);
        if (element.kind == Kind::any) {
          writer.free_value(*static_cast<const Value*>(value), true);
        } else {
          writer.object(element, value);
        }
      });
      break;
    }
    case Kind::pointer: {
      const void* target = type.pointer.get(object);
      if (target) {
        this->object(type.element(), target);
      } else {
        nil();
      }
      break;
    }
    case Kind::rare: {
      const void* target = type.pointer.get(object);
      this->object(type.element(), target ? target : type.unset());
      break;
    }
    case Kind::structure:
      if (type.wrapped) {
        const std::size_t mark = begin_wrapped();
        structure(type, object);
        end_wrapped(mark);
      } else {
        structure(type, object);
      }
      break;
    case Kind::any:
      free_value(*static_cast<const Value*>(object), false);
      break;
  }
}

}  // namespace proconsul::base
