#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/base64.h"
#include "base/protobuf.h"
#include "base/scalar.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/value.h"

namespace proconsul::base::pb {

/// A row, looked up.
struct Schema::Plan {
  std::uint32_t number{};
  std::size_t offset{};
  const Type* type{};               // of the member; null: a part
  const Message* message{};         // where the member is made of structs: theirs
  std::unique_ptr<Message> part{};  // of this struct
};

/// The fields of a struct by number.
struct Schema::Message {
  std::vector<Plan> fields{};

  const Plan* find(std::uint32_t number) const {
    const auto found = std::ranges::lower_bound(fields, number, {}, &Plan::number);
    return found == fields.end() || found->number != number ? nullptr : &*found;
  }
};

namespace {

constexpr int kMostDepth = 100;
constexpr std::size_t kBudgetBase = std::size_t{1} << 20;
constexpr std::size_t kBudgetPerByte = 16;
constexpr std::size_t kPerEntry = 64;  // of a map: about what a node of it takes
constexpr std::int64_t kBillion = 1'000'000'000;

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "protobuf: %s\n", what.c_str());
  std::abort();
}

const Type* struct_inside(const Type& type) {
  switch (type.kind) {
    case Kind::structure:
      return &type;
    case Kind::list:
    case Kind::map:
    case Kind::pointer:
    case Kind::rare:
      return struct_inside(type.element());
    default:
      return nullptr;
  }
}

bool is_narrow(const Type& type) {
  return type.bits < 64 || type.name == "int" || type.name == "uint";
}

template <class Body>
void append_message(std::string& out, std::uint32_t number, Body body) {
  append_tag(out, number, Wire::bytes);
  const std::size_t at = out.size();
  out.push_back('\0');
  body();
  const std::size_t size = out.size() - at - 1;
  if (size < 0x80) {
    out[at] = static_cast<char>(size);
    return;
  }
  std::string length;
  append_varint(length, size);
  out.replace(at, 1, length);
}

void append_duration(std::string& out, std::uint32_t number, Duration duration) {
  append_message(out, number, [&] {
    const std::int64_t seconds = duration.nanoseconds / kBillion, rest = duration.nanoseconds % kBillion;
    if (seconds != 0) append_varint_field(out, 1, static_cast<std::uint64_t>(seconds));
    if (rest != 0) append_varint_field(out, 2, static_cast<std::uint64_t>(rest));
  });
}

// google.protobuf.Value and Struct.
void append_value(std::string& out, const Value& value);

void append_struct(std::string& out, const Value::MapType& map) {
  for (const auto& [key, value] : map) {
    append_message(out, 1, [&] {
      append_text_field(out, 1, key);
      append_message(out, 2, [&] { append_value(out, value); });
    });
  }
}

void append_value(std::string& out, const Value& value) {
  if (value.is_nil()) return append_varint_field(out, 1, 0);
  if (const bool* flag = value.as_bool()) return append_varint_field(out, 4, *flag ? 1 : 0);
  if (const std::string* text = value.as_string()) return append_text_field(out, 3, *text);
  if (const Bytes* bytes = value.as_bytes()) return append_bytes_field(out, 3, to_base64(*bytes));
  if (const Value::MapType* map = value.as_map()) return append_message(out, 5, [&] { append_struct(out, *map); });
  if (const Value::ListType* list = value.as_list()) {
    return append_message(out, 6, [&] {
      for (const Value& item : *list) append_message(out, 1, [&] { append_value(out, item); });
    });
  }
  append_tag(out, 2, Wire::fixed64);
  const double number = value.number();
  char bytes[8];
  store(bytes, number);
  out.append(bytes, sizeof bytes);
}

}  // namespace

// ---- from objects to bytes ----

namespace {

/// Writes one struct after its plan.
template <class Message, class Plan>
struct Encoder {
  std::string& out;

  void message(const Message& plan, const void* object) {
    for (const Plan& field : plan.fields) {
      const char* at = static_cast<const char*>(object) + field.offset;
      if (field.part) {
        append_message(out, field.number, [&] { message(*field.part, object); });
      } else {
        member(field.number, *field.type, at, field.message, false);
      }
    }
  }

  // `always`: an element, which is written whatever its value.
  void member(std::uint32_t number, const Type& type, const void* object, const Message* plan, bool always) {
    switch (type.kind) {
      case Kind::boolean:
        if (load<bool>(object) || always) append_varint_field(out, number, load<bool>(object) ? 1 : 0);
        return;
      case Kind::integer: {
        std::int64_t value = load_signed(type, object);
        if (is_narrow(type)) value = static_cast<std::int32_t>(value);
        if (value != 0 || always) append_varint_field(out, number, static_cast<std::uint64_t>(value));
        return;
      }
      case Kind::unsigned_integer: {
        std::uint64_t value = load_unsigned(type, object);
        if (is_narrow(type)) value = static_cast<std::uint32_t>(value);
        if (value != 0 || always) append_varint_field(out, number, value);
        return;
      }
      case Kind::floating:
        if (is_zero(type, object) && !always) return;
        append_tag(out, number, type.bits == 32 ? Wire::fixed32 : Wire::fixed64);
        out.append(static_cast<const char*>(object), type.bits / 8);
        return;
      case Kind::string: {
        const auto& text = *static_cast<const std::string*>(object);
        if (!text.empty() || always) append_text_field(out, number, text);
        return;
      }
      case Kind::bytes: {
        const auto& bytes = *static_cast<const Bytes*>(object);
        if (!bytes.empty() || always) append_bytes_field(out, number, bytes);
        return;
      }
      case Kind::duration:
        return append_duration(out, number, *static_cast<const Duration*>(object));
      case Kind::any:
        return append_message(out, number, [&] { append_value(out, *static_cast<const Value*>(object)); });
      case Kind::list:
        if (always) return append_message(out, number, [&] { member(1, type, object, plan, false); });
        for (std::size_t i = 0; i < type.list.size(object); ++i) {
          member(number, type.element(), type.list.at(object, i), plan, true);
        }
        return;
      case Kind::map:
        return map(number, type, object, plan);
      case Kind::pointer:
      case Kind::rare: {
        const void* target = type.pointer.get(object);
        if (!target && type.kind == Kind::rare) target = type.unset();
        if (target) return member(number, type.element(), target, plan, true);
        if (always) append_tag(out, number, Wire::bytes), out.push_back('\0');
        return;
      }
      case Kind::structure:
        return append_message(out, number, [&] { message(*plan, object); });
      case Kind::time:
        stop("times are not described");
    }
  }

  void map(std::uint32_t number, const Type& type, const void* object, const Message* plan) {
    if (type.element().kind == Kind::any) {
      const auto& values = *static_cast<const Value::MapType*>(object);
      if (!values.empty()) append_message(out, number, [&] { append_struct(out, values); });
      return;
    }
    struct Context {
      Encoder& self;
      std::uint32_t number;
      const Type& element;
      const Message* plan;
    } context{*this, number, type.element(), plan};
    type.map.each(object, &context, [](void* opaque, const std::string& key, const void* value) {
      const Context& to = *static_cast<Context*>(opaque);
      append_message(to.self.out, to.number, [&] {
        append_text_field(to.self.out, 1, key);
        to.self.member(2, to.element, value, to.plan, true);
      });
    });
  }
};

// ---- from bytes to objects ----

template <class Message, class Plan>
class Decoder {
 public:
  explicit Decoder(std::size_t size) : budget_(kBudgetBase + size * kBudgetPerByte) {}
  std::string error{};

  bool message(const Message& plan, std::string_view bytes, void* object) {
    if (++depth_ > kMostDepth) return fail("proto: the message is nested too deeply");
    Reader reader(bytes);
    while (reader.next()) {
      const Plan* field = plan.find(reader.number());
      if (!field) continue;
      char* at = static_cast<char*>(object) + field->offset;
      if (field->part) {
        if (reader.wire() == Wire::bytes && !message(*field->part, reader.bytes(), object)) return false;
      } else if (!member(*field->type, at, field->message, reader)) {
        return false;
      }
    }
    --depth_;
    return !reader.broken() || fail(kInvalidFormat);
  }

 private:
  bool fail(std::string_view why) {
    error = why;
    return false;
  }
  bool spend(std::size_t bytes) {
    if (bytes > budget_) return fail("proto: the message is too large in memory");
    budget_ -= bytes;
    return true;
  }

  // Of another wire type than its own, a field is one that nobody knows.
  bool member(const Type& type, void* object, const Message* plan, const Reader& field) {
    switch (type.kind) {
      case Kind::boolean:
        if (field.wire() == Wire::varint) store(object, field.value() != 0);
        return true;
      case Kind::integer: {
        auto value = static_cast<std::int64_t>(field.value());
        if (is_narrow(type)) value = static_cast<std::int32_t>(value);
        if (field.wire() == Wire::varint && fits_signed(type.bits, value)) store_signed(type, object, value);
        return true;
      }
      case Kind::unsigned_integer: {
        std::uint64_t value = field.value();
        if (is_narrow(type)) value = static_cast<std::uint32_t>(value);
        if (field.wire() == Wire::varint && fits_unsigned(type.bits, value)) store_unsigned(type, object, value);
        return true;
      }
      case Kind::floating:
        if (type.bits == 32 && field.wire() == Wire::fixed32) {
          store(object, static_cast<std::uint32_t>(field.value()));
        } else if (type.bits == 64 && field.wire() == Wire::fixed64) {
          store(object, field.value());
        }
        return true;
      default:
        return field.wire() != Wire::bytes || bytes_member(type, object, plan, field);
    }
  }

  bool bytes_member(const Type& type, void* object, const Message* plan, const Reader& field) {
    const std::string_view bytes = field.bytes();
    switch (type.kind) {
      case Kind::string:
        return text(*static_cast<std::string*>(object), bytes);
      case Kind::bytes:
        *static_cast<Bytes*>(object) = Bytes(std::string(bytes));
        return true;
      case Kind::duration:
        return duration(*static_cast<Duration*>(object), bytes);
      case Kind::any:
        return value(*static_cast<Value*>(object), bytes);
      case Kind::list:
        if (!spend(type.element().size)) return false;
        return member(type.element(), type.list.append(object), plan, field);
      case Kind::map:
        return map(type, object, plan, bytes);
      case Kind::pointer:
      case Kind::rare:
        if (!type.pointer.get(object) && !spend(type.element().size)) return false;
        return member(type.element(), type.pointer.make(object), plan, field);
      case Kind::structure:
        return message(*plan, bytes, object);
      default:
        return true;
    }
  }

  bool text(std::string& out, std::string_view bytes) {
    for (std::string_view rest = bytes; !rest.empty();) {
      const DecodedRune rune = decode_rune(rest);
      if (rune.rune == kReplacementCharacter && rune.size == 1) {
        return fail("proto: string field contains invalid UTF-8");
      }
      rest.remove_prefix(rune.size);
    }
    out = bytes;
    return true;
  }

  bool duration(Duration& out, std::string_view bytes) {
    Reader reader(bytes);
    std::int64_t seconds = 0, nanos = 0;
    while (reader.next()) {
      if (reader.wire() != Wire::varint) continue;
      if (reader.number() == 1) seconds = static_cast<std::int64_t>(reader.value());
      if (reader.number() == 2) nanos = static_cast<std::int32_t>(reader.value());
    }
    // Go's AsDuration saturates.
    if (__builtin_mul_overflow(seconds, kBillion, &out.nanoseconds) ||
        __builtin_add_overflow(out.nanoseconds, nanos, &out.nanoseconds)) {
      out.nanoseconds = seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return !reader.broken() || fail(kInvalidFormat);
  }

  bool map(const Type& type, void* object, const Message* plan, std::string_view bytes) {
    if (type.element().kind == Kind::any) return structure(*static_cast<Value::MapType*>(object), bytes);
    std::string key;
    Reader reader(bytes);
    while (reader.next()) {
      if (reader.number() == 1 && reader.wire() == Wire::bytes && !text(key, reader.bytes())) return false;
    }
    if (reader.broken()) return fail(kInvalidFormat);
    if (!spend(kPerEntry + type.element().size)) return false;
    void* value = type.map.insert(object, std::move(key));
    if (type.element().reset) type.element().reset(value);
    reader = Reader(bytes);
    while (reader.next()) {
      if (reader.number() != 2) continue;
      if (type.element().kind != Kind::list) {
        if (!member(type.element(), value, plan, reader)) return false;
      } else if (reader.wire() == Wire::bytes) {
        Reader items(reader.bytes());
        while (items.next()) {
          if (items.number() == 1 && !member(type.element(), value, plan, items)) return false;
        }
        if (items.broken()) return fail(kInvalidFormat);
      }
    }
    return true;
  }

  bool structure(Value::MapType& out, std::string_view bytes) {
    if (++depth_ > kMostDepth) return fail("proto: the message is nested too deeply");
    Reader reader(bytes);
    while (reader.next()) {
      if (reader.number() != 1 || reader.wire() != Wire::bytes) continue;
      std::string key;
      Value item;
      Reader entry(reader.bytes());
      while (entry.next()) {
        if (entry.wire() != Wire::bytes) continue;
        if (entry.number() == 1 && !text(key, entry.bytes())) return false;
        if (entry.number() == 2 && !value(item, entry.bytes())) return false;
      }
      if (entry.broken()) return fail(kInvalidFormat);
      if (!spend(kPerEntry + sizeof(Value))) return false;
      out.insert_or_assign(std::move(key), std::move(item));
    }
    --depth_;
    return !reader.broken() || fail(kInvalidFormat);
  }

  bool value(Value& out, std::string_view bytes) {
    if (++depth_ > kMostDepth) return fail("proto: the message is nested too deeply");
    Reader reader(bytes);
    while (reader.next()) {
      const Wire wire = reader.wire();
      if (reader.number() == 1 && wire == Wire::varint) out = Value();
      if (reader.number() == 2 && wire == Wire::fixed64) out = Value(__builtin_bit_cast(double, reader.value()));
      if (reader.number() == 4 && wire == Wire::varint) out = Value(reader.value() != 0);
      if (wire != Wire::bytes) continue;
      if (reader.number() == 3) {
        std::string content;
        if (!text(content, reader.bytes())) return false;
        out = Value(std::move(content));
      } else if (reader.number() == 5) {
        if (!structure(out.as_map() ? *out.as_map() : out.make_map(), reader.bytes())) return false;
      } else if (reader.number() == 6) {
        if (!list(out.as_list() ? *out.as_list() : out.make_list(), reader.bytes())) return false;
      }
    }
    --depth_;
    return !reader.broken() || fail(kInvalidFormat);
  }

  bool list(Value::ListType& out, std::string_view bytes) {
    Reader reader(bytes);
    while (reader.next()) {
      if (reader.number() != 1 || reader.wire() != Wire::bytes) continue;
      if (!spend(sizeof(Value))) return false;
      if (!value(out.emplace_back(), reader.bytes())) return false;
    }
    return !reader.broken() || fail(kInvalidFormat);
  }

  std::size_t budget_;
  int depth_ = 0;
};

}  // namespace

Schema::Schema() = default;
Schema::~Schema() = default;

void Schema::add(const Type& type, std::span<const Row> rows) {
  const auto plan = [&](auto& self, std::span<const Row> from) -> std::unique_ptr<Message> {
    auto message = std::make_unique<Message>();
    for (const Row& row : from) {
      Plan& field = message->fields.emplace_back();
      field.number = row.number;
      if (row.is_part) {
        field.part = self(self, row.part);
        continue;
      }
      const auto found = std::ranges::find(type.fields, std::string_view(row.name), &Field::name);
      if (found == type.fields.end()) stop(type.name + " has no member " + row.name);
      field.offset = found->offset;
      field.type = &found->type();
    }
    std::ranges::sort(message->fields, {}, &Plan::number);
    return message;
  };
  messages_[&type] = plan(plan, rows);
}

void Schema::link() {
  const auto resolve = [this](auto& self, Message& message) -> void {
    for (Plan& field : message.fields) {
      if (field.part) {
        self(self, *field.part);
      } else if (const Type* inside = struct_inside(*field.type)) {
        const auto found = messages_.find(inside);
        if (found == messages_.end()) stop("no table for " + inside->name);
        field.message = found->second.get();
      }
    }
  };
  for (const auto& [type, message] : messages_) resolve(resolve, *message);
}

void Schema::append(std::string& out, const Type& type, const void* message) const {
  Encoder<Message, Plan>{out}.message(*messages_.at(&type), message);
}

Result<> Schema::parse(std::string_view bytes, const Type& type, void* message) const {
  Decoder<Message, Plan> decoder(bytes.size());
  if (decoder.message(*messages_.at(&type), bytes, message)) return {};
  return {Errc::invalid_argument, std::move(decoder.error)};
}

}  // namespace proconsul::base::pb
