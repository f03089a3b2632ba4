// Protocol Buffers' wire format (proto3): fields one by one, and whole described structs (base/type.h) by tables that
// say which member is which field. No code is generated.
//
//   constexpr pb::Row kNode[] = {{1, "ID"}, {2, "Node"}, {7, "RaftIndex", kRaftIndex}};
//   pb::Schema schema;
//   schema.add<Node>(kNode);
//   schema.append(out, node);
//
// What a member is on the wire follows from its type: bool, Go's int (int32) and int64, uint (uint32) and uint64,
// string, bytes, float and double; List is repeated; Map has text keys; a struct in place, or Rare, is a message that
// is always written, a Pointer one that may be absent; Duration is google.protobuf.Duration; Map<Value> is
// google.protobuf.Struct, and not written when empty. A list as a map's value is a message whose field 1 is the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/type.h"

namespace proconsul::base::pb {

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, group = 3, end_group = 4, fixed32 = 5 };

void append_varint(std::string& out, std::uint64_t value);
void append_tag(std::string& out, std::uint32_t number, Wire wire);
/// A field whatever its value; proto3 leaves out what is zero: that is the caller's choice.
void append_varint_field(std::string& out, std::uint32_t number, std::uint64_t value);
void append_bytes_field(std::string& out, std::uint32_t number, std::string_view value);
/// Text must be valid: what is not is replaced by U+FFFD, since peers refuse the whole message otherwise.
void append_text_field(std::string& out, std::uint32_t number, std::string_view value);

/// A message's fields in order. Groups are passed over.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}
  /// False at the end, and at what is no field: then broken().
  bool next();
  bool broken() const { return broken_; }
  std::uint32_t number() const { return number_; }
  Wire wire() const { return wire_; }
  /// Of varint and fixed fields.
  std::uint64_t value() const { return value_; }
  /// Of bytes fields; a piece of the message.
  std::string_view bytes() const { return bytes_; }

 private:
  bool read();
  bool skip_group(std::uint32_t number);

  std::string_view rest_;
  bool broken_ = false;
  std::uint32_t number_ = 0;
  Wire wire_{};
  std::uint64_t value_ = 0;
  std::string_view bytes_{};
};

/// Errors of Schema::parse(), as Go's module words them.
inline constexpr const char* kInvalidFormat = "proto: cannot parse invalid wire-format data";

/// One field. With `part` it is a message, always written, that holds further members of the same struct.
struct Row {
  std::uint32_t number{};
  const char* name{};  // the member's name in the type's description; of a part: only for the reader of the table
  std::span<const Row> part{};
  bool is_part = false;

  constexpr Row(std::uint32_t number_, const char* name_) : number(number_), name(name_) {}
  constexpr Row(std::uint32_t number_, const char* name_, std::span<const Row> part_)
      : number(number_), name(name_), part(part_), is_part(true) {}
};

/// The tables of messages that refer to each other. Filled once, then shared by all threads.
class Schema {
 public:
  Schema();
  ~Schema();
  /// Rows may come in any order; members that no row names do not travel. A row that names no member stops the process.
  template <class T>
  void add(std::span<const Row> rows) {
    add(type_of<T>(), rows);
  }
  void add(const Type& type, std::span<const Row> rows);
  /// When all are there. A struct that a table refers to and that has none stops the process.
  void link();

  template <class T>
  void append(std::string& out, const T& message) const {
    append(out, type_of<T>(), &message);
  }
  void append(std::string& out, const Type& type, const void* message) const;
  /// Into a message as it is: fields that come replace what is there, lists and maps grow, as when two messages are
  /// merged. Errors: invalid wire format or text, deeper than 100 messages, or more than a message of its size should
  /// make in memory.
  template <class T>
  Result<> parse(std::string_view bytes, T& message) const {
    return parse(bytes, type_of<T>(), &message);
  }
  Result<> parse(std::string_view bytes, const Type& type, void* message) const;

 private:
  struct Message;
  struct Plan;
  std::unordered_map<const Type*, std::unique_ptr<Message>> messages_;
};

}  // namespace proconsul::base::pb
