#include "base/pack.h"

#include <bit>
#include <cstring>

#include "base/pack_input.h"
#include "base/time.h"
#include "base/value.h"

namespace proconsul::base {

namespace {

// ---- numbers ----

void put(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
void put_signed(std::string& out, std::int64_t value) {
  put(out, static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}
void put_double(std::string& out, double value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}
void put_text(std::string& out, std::string_view text) {
  put(out, text.size());
  out += text;
}

struct Input : PackInput {
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  double floating() {
    double value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
};

std::int64_t load_signed(unsigned bits, const void* object) {
  switch (bits) {
    case 8:
      return *static_cast<const std::int8_t*>(object);
    case 16:
      return *static_cast<const std::int16_t*>(object);
    case 32:
      return *static_cast<const std::int32_t*>(object);
    default:
      return *static_cast<const std::int64_t*>(object);
  }
}
std::uint64_t load_unsigned(unsigned bits, const void* object) {
  switch (bits) {
    case 8:
      return *static_cast<const std::uint8_t*>(object);
    case 16:
      return *static_cast<const std::uint16_t*>(object);
    case 32:
      return *static_cast<const std::uint32_t*>(object);
    default:
      return *static_cast<const std::uint64_t*>(object);
  }
}
void store_integer(unsigned bits, void* object, std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(object, &value, bits / 8);
}

// ---- free values ----

void put_value(std::string& out, const Value& value) {
  out.push_back(static_cast<char>(value.data().index()));
  std::visit(
      [&](const auto& held) {
        using Held = std::remove_cvref_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, bool>) {
          out.push_back(held ? 1 : 0);
        } else if constexpr (std::is_same_v<Held, std::int64_t>) {
          put_signed(out, held);
        } else if constexpr (std::is_same_v<Held, std::uint64_t>) {
          put(out, held);
        } else if constexpr (std::is_same_v<Held, double>) {
          put_double(out, held);
        } else if constexpr (std::is_same_v<Held, std::string>) {
          put_text(out, held);
        } else if constexpr (!std::is_same_v<Held, std::monostate>) {
          pack(out, type_of<Held>(), &held);
        }
      },
      value.data());
}

void take(Input& in, const Type& type, void* object);

template <class T>
T taken(Input& in) {
  T object{};
  take(in, type_of<T>(), &object);
  return object;
}

Value take_value(Input& in) {
  switch (in.take(1).front()) {
    case 1:
      return in.take(1).front() != 0;
    case 2:
      return in.signed_number();
    case 3:
      return in.number();
    case 4:
      return in.floating();
    case 5:
      return in.text();
    case 6:
      return taken<Bytes>(in);
    case 7:
      return taken<Value::ListType>(in);
    case 8:
      return taken<Value::MapType>(in);
    default:
      return nullptr;
  }
}

// ---- what is left out ----

bool is_default(const Type& type, const void* object) {
  switch (type.kind) {
    case Kind::boolean:
      return !*static_cast<const bool*>(object);
    case Kind::integer:
      return load_signed(type.bits, object) == 0;
    case Kind::unsigned_integer:
      return load_unsigned(type.bits, object) == 0;
    case Kind::floating:  // by its bits: -0 is not 0
      return type.bits == 32 ? std::bit_cast<std::uint32_t>(*static_cast<const float*>(object)) == 0
                             : std::bit_cast<std::uint64_t>(*static_cast<const double*>(object)) == 0;
    case Kind::string:
      return static_cast<const std::string*>(object)->empty();
    case Kind::bytes:
      return static_cast<const Bytes*>(object)->is_nil();
    case Kind::time: {
      const auto& time = *static_cast<const Time*>(object);
      return time.is_zero() && time.zone_minutes == -1;
    }
    case Kind::duration:
      return static_cast<const Duration*>(object)->nanoseconds == 0;
    case Kind::list:
      return type.list.is_nil(object);
    case Kind::map:
      return type.map.is_nil(object);
    case Kind::pointer:
      return type.pointer.get(object) == nullptr;
    case Kind::rare: {
      const void* target = type.pointer.get(object);
      return !target || is_default(type.element(), target);
    }
    case Kind::structure:
      for (const Field& field : type.fields) {
        if (!is_default(field.type(), field.in(object))) return false;
      }
      return true;
    case Kind::any:
      return static_cast<const Value*>(object)->is_nil();
  }
  return false;
}

// ---- objects ----

// A structure is a row of (index of the field + 1, length, content), ended by a 0.
void put_structure(std::string& out, const Type& type, const void* object) {
  std::uint64_t index = 0;
  for (const Field& field : type.fields) {
    ++index;
    const Type& member = field.type();
    if (is_default(member, field.in(object))) continue;
    put(out, index);
    const std::size_t start = out.size();
    pack(out, member, field.in(object));
    const std::size_t length = out.size() - start;
    std::string head;
    put(head, length);
    out.insert(start, head);
  }
  out.push_back(0);
}

void take_structure(Input& in, const Type& type, void* object) {
  while (const std::uint64_t index = in.number()) {
    Input content{in.text()};
    const Field& field = type.fields[index - 1];
    take(content, field.type(), field.in(object));
  }
}

void take(Input& in, const Type& type, void* object) {
  switch (type.kind) {
    case Kind::boolean:
      *static_cast<bool*>(object) = in.take(1).front() != 0;
      return;
    case Kind::integer:
      return store_integer(type.bits, object, static_cast<std::uint64_t>(in.signed_number()));
    case Kind::unsigned_integer:
      return store_integer(type.bits, object, in.number());
    case Kind::floating:
      if (type.bits == 32) {
        *static_cast<float*>(object) = static_cast<float>(in.floating());
      } else {
        *static_cast<double*>(object) = in.floating();
      }
      return;
    case Kind::string:
      *static_cast<std::string*>(object) = in.text();
      return;
    case Kind::bytes:
      if (in.take(1).front()) *static_cast<Bytes*>(object) = Bytes(std::string(in.text()));
      return;
    case Kind::time: {
      auto& time = *static_cast<Time*>(object);
      time.seconds = in.signed_number();
      time.nanoseconds = static_cast<std::int32_t>(in.signed_number());
      time.zone_minutes = static_cast<std::int16_t>(in.signed_number());
      return;
    }
    case Kind::duration:
      static_cast<Duration*>(object)->nanoseconds = in.signed_number();
      return;
    case Kind::list: {  // 0: nil, else 1 + size
      const std::uint64_t size = in.number();
      type.list.clear(object, size != 0);
      for (std::uint64_t i = 1; i < size; ++i) take(in, type.element(), type.list.append(object));
      return;
    }
    case Kind::map: {
      const std::uint64_t size = in.number();
      type.map.clear(object, size != 0);
      for (std::uint64_t i = 1; i < size; ++i) {
        std::string key(in.text());
        take(in, type.element(), type.map.insert(object, std::move(key)));
      }
      return;
    }
    case Kind::pointer:
    case Kind::rare:  // a byte: is there one?
      if (in.take(1).front()) take(in, type.element(), type.pointer.make(object));
      return;
    case Kind::structure:
      return take_structure(in, type, object);
    case Kind::any:
      *static_cast<Value*>(object) = take_value(in);
      return;
  }
}

}  // namespace

void pack(std::string& out, const Type& type, const void* object) {
  switch (type.kind) {
    case Kind::boolean:
      out.push_back(*static_cast<const bool*>(object) ? 1 : 0);
      return;
    case Kind::integer:
      return put_signed(out, load_signed(type.bits, object));
    case Kind::unsigned_integer:
      return put(out, load_unsigned(type.bits, object));
    case Kind::floating:
      return put_double(out, type.bits == 32 ? static_cast<double>(*static_cast<const float*>(object))
                                             : *static_cast<const double*>(object));
    case Kind::string:
      return put_text(out, *static_cast<const std::string*>(object));
    case Kind::bytes: {
      const auto& bytes = *static_cast<const Bytes*>(object);
      out.push_back(bytes.is_nil() ? 0 : 1);
      if (!bytes.is_nil()) put_text(out, bytes);
      return;
    }
    case Kind::time: {
      const auto& time = *static_cast<const Time*>(object);
      put_signed(out, time.seconds);
      put_signed(out, time.nanoseconds);
      put_signed(out, time.zone_minutes);
      return;
    }
    case Kind::duration:
      return put_signed(out, static_cast<const Duration*>(object)->nanoseconds);
    case Kind::list: {
      const std::size_t size = type.list.size(object);
      put(out, type.list.is_nil(object) ? 0 : size + 1);
      for (std::size_t i = 0; i < size; ++i) pack(out, type.element(), type.list.at(object, i));
      return;
    }
    case Kind::map: {
      put(out, type.map.is_nil(object) ? 0 : type.map.size(object) + 1);
      struct Context {
        std::string& out;
        const Type& element;
      } context{out, type.element()};
      type.map.each(object, &context, [](void* raw, const std::string& key, const void* value) {
        auto& to = *static_cast<Context*>(raw);
        put_text(to.out, key);
        pack(to.out, to.element, value);
      });
      return;
    }
    case Kind::pointer:
    case Kind::rare: {
      const void* target = type.pointer.get(object);
      out.push_back(target ? 1 : 0);
      if (target) pack(out, type.element(), target);
      return;
    }
    case Kind::structure:
      return put_structure(out, type, object);
    case Kind::any:
      return put_value(out, *static_cast<const Value*>(object));
  }
}

void unpack(std::string_view packed, const Type& type, void* object) {
  Input in{packed};
  take(in, type, object);
}

bool unpack_field(std::string_view packed, const Type& type, const Field& field, void* member) {
  const auto wanted = static_cast<std::uint64_t>(&field - type.fields.data()) + 1;
  Input in{packed};
  while (const std::uint64_t index = in.number()) {
    Input content{in.text()};
    if (index > wanted) return false;
    if (index < wanted) continue;
    take(content, field.type(), member);
    return true;
  }
  return false;
}

bool deep_equal(const Type& type, const void* a, const void* b) {
  if (type.kind == Kind::rare) {
    const void* left = type.pointer.get(a);
    const void* right = type.pointer.get(b);
    if (!left || !right) return is_default(type, a) && is_default(type, b);
    return deep_equal(type.element(), left, right);
  }
  if (type.kind == Kind::structure) {
    for (const Field& field : type.fields) {
      if (!deep_equal(field.type(), field.in(a), field.in(b))) return false;
    }
    return true;
  }
  if (type.kind == Kind::any) return *static_cast<const Value*>(a) == *static_cast<const Value*>(b);
  std::string left;
  std::string right;
  pack(left, type, a);
  pack(right, type, b);
  return left == right;
}

}  // namespace proconsul::base
