// The messages and services of the public gRPC API, as their .proto files declare them: declared once, for the codec
// (public_messages.h) and for who asks by reflection.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::agent::grpc {

/// A field's type; the numbers are those of google.protobuf.FieldDescriptorProto.Type.
enum class FieldKind : std::uint8_t {
  number = 1,  // double
  int64 = 3,
  uint64 = 4,
  int32 = 5,
  boolean = 8,
  text = 9,
  message = 11,
  bytes = 12,
  enumeration = 14,
};
enum class FieldCount : std::uint8_t { one, many, by_name };  // by_name: a map with text keys

struct FieldRow {
  std::uint32_t number{};
  const char* name{};
  FieldKind kind{};
  const char* type = "";  // of messages and enumerations: its whole name
  FieldCount count = FieldCount::one;
  const char* choice = "";  // the oneof that it belongs to
};
struct MessageRow {
  const char* name{};  // without the package
  std::span<const FieldRow> fields{};
};
struct EnumRow {
  const char* name{};
  std::span<const char* const> values{};  // from 0 on
};
struct MethodRow {
  const char* name{};
  const char* request{};  // whole names
  const char* reply{};
  bool requests_stream = false;
  bool replies_stream = false;
};
struct ServiceRow {
  const char* name{};
  std::span<const MethodRow> methods{};
};
struct FileRow {
  const char* name{};
  const char* package{};
  std::span<const MessageRow> messages{};
  std::span<const EnumRow> enums{};
  std::span<const ServiceRow> services{};
  std::span<const char* const> needs{};  // other files
};

/// Null: there is none.
const FileRow* find_file(std::string_view name);
/// The file that declares a message, an enumeration or one of its values, a field, a service or a method, by its whole
/// name.
const FileRow* find_symbol(std::string_view symbol);
/// By its whole name.
const MessageRow* find_message(std::string_view name);
/// A google.protobuf.FileDescriptorProto.
std::string file_descriptor(const FileRow& file);
/// The file and all that it needs, each once, the file first.
std::vector<const FileRow*> with_needs(const FileRow& file);

}  // namespace proconsul::agent::grpc
