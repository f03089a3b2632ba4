#include "base/msgpack_unknown.h"

#include <string>

#include "base/msgpack.h"

namespace proconsul::base {
namespace {

class Walk {
 public:
  using Found = std::function<void(std::string_view path, std::string_view value)>;
  explicit Walk(const Found& found) : found_(found) {}

  void value(MsgpackReader& reader, const Type& type) {
    switch (type.kind) {
      case Kind::structure:
        return type.wrapped ? wrapped(reader, type) : structure(reader, type);
      case Kind::list:
        if (!is_array(reader)) return reader.skip();
        for (std::size_t left = reader.array(); left > 0 && reader.ok(); --left) value(reader, type.element());
        return;
      case Kind::map:
        if (!is_map(reader)) return reader.skip();
        for (std::size_t left = reader.map(); left > 0 && reader.ok(); --left) {
          reader.skip();
          value(reader, type.element());
        }
        return;
      case Kind::pointer:
      case Kind::rare:
        return value(reader, type.element());
      default:
        return reader.skip();
    }
  }

 private:
  static unsigned char head(const MsgpackReader& reader) {
    const std::string_view rest = reader.rest();
    return rest.empty() ? 0 : static_cast<unsigned char>(rest.front());
  }
  static bool is_array(const MsgpackReader& reader) {
    return (head(reader) & 0xf0) == 0x90 || head(reader) == 0xdc || head(reader) == 0xdd;
  }
  static bool is_map(const MsgpackReader& reader) {
    return (head(reader) & 0xf0) == 0x80 || head(reader) == 0xde || head(reader) == 0xdf;
  }

  void wrapped(MsgpackReader& reader, const Type& type) {
    if (reader.next_is_nil() || is_map(reader) || is_array(reader)) return structure(reader, type);
    MsgpackReader inner(reader.bytes());
    structure(inner, type);
  }

  void structure(MsgpackReader& reader, const Type& type) {
    if (!is_map(reader)) return reader.skip();  // without keys, or nothing at all
    for (std::size_t left = reader.map(); left > 0 && reader.ok(); --left) {
      const std::string_view key = reader.string();
      const std::size_t before = path_.size();
      if (!path_.empty()) path_ += '.';
      path_ += key;
      if (const Field* field = type.by_wire(key)) {
        value(reader, field->type());
      } else {
        const std::string_view rest = reader.rest();
        const std::size_t start = reader.position();
        reader.skip();
        if (reader.ok()) found_(path_, rest.substr(0, reader.position() - start));
      }
      path_.resize(before);
    }
  }

  const Found& found_;
  std::string path_{};
};

}  // namespace

void each_unknown_key(std::string_view input, const Type& type, const Walk::Found& found) {
  MsgpackReader reader(input);
  Walk(found).value(reader, type);
}

}  // namespace proconsul::base
