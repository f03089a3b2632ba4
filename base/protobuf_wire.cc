#include <cstring>

#include "base/protobuf.h"
#include "base/utf8.h"

namespace proconsul::base::pb {
namespace {

constexpr std::size_t kMostGroups = 100;  // in each other
constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << 29) - 1;

bool take_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;  // more than 64 bits
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool take_fixed(std::string_view& in, std::size_t size, std::uint64_t& value) {
  if (in.size() < size) return false;
  value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(size);
  return true;
}

bool take_tag(std::string_view& in, std::uint32_t& number, Wire& wire) {
  std::uint64_t tag = 0;
  if (!take_varint(in, tag)) return false;
  if (tag >> 3 == 0 || tag >> 3 > kMaxNumber || (tag & 7) > 5) return false;
  number = static_cast<std::uint32_t>(tag >> 3);
  wire = static_cast<Wire>(tag & 7);
  return true;
}

}  // namespace

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_tag(std::string& out, std::uint32_t number, Wire wire) {
  append_varint(out, std::uint64_t{number} << 3 | static_cast<std::uint64_t>(wire));
}

void append_varint_field(std::string& out, std::uint32_t number, std::uint64_t value) {
  append_tag(out, number, Wire::varint);
  append_varint(out, value);
}

void append_bytes_field(std::string& out, std::uint32_t number, std::string_view value) {
  append_tag(out, number, Wire::bytes);
  append_varint(out, value.size());
  out.append(value);
}

void append_text_field(std::string& out, std::uint32_t number, std::string_view value) {
  const auto valid_size = [](std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const DecodedRune rune = decode_rune(text.substr(at));
      if (rune.rune == kReplacementCharacter && rune.size == 1) break;
      at += rune.size;
    }
    return at;
  };
  if (valid_size(value) == value.size()) return append_bytes_field(out, number, value);
  std::string valid;
  for (std::string_view rest = value; !rest.empty();) {
    const DecodedRune rune = decode_rune(rest);
    append_rune(valid, rune.rune);
    rest.remove_prefix(rune.size);
  }
  append_bytes_field(out, number, valid);
}

bool Reader::next() {
  if (broken_) return false;
  do {
    if (rest_.empty()) return false;
    if (!read()) {
      broken_ = true;
      return false;
    }
  } while (wire_ == Wire::group);
  return true;
}

bool Reader::read() {
  if (!take_tag(rest_, number_, wire_)) return false;
  switch (wire_) {
    case Wire::varint:
      return take_varint(rest_, value_);
    case Wire::fixed64:
      return take_fixed(rest_, 8, value_);
    case Wire::fixed32:
      return take_fixed(rest_, 4, value_);
    case Wire::bytes: {
      std::uint64_t size = 0;
      if (!take_varint(rest_, size) || size > rest_.size()) return false;
      bytes_ = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return true;
    }
    case Wire::group:
      return skip_group(number_);
    case Wire::end_group:
      return false;
  }
  return false;
}

bool Reader::skip_group(std::uint32_t number) {
  std::vector<std::uint32_t> open{number};
  while (!open.empty()) {
    std::uint32_t inner = 0;
    Wire wire{};
    std::uint64_t value = 0;
    if (!take_tag(rest_, inner, wire)) return false;
    switch (wire) {
      case Wire::varint:
        if (!take_varint(rest_, value)) return false;
        break;
      case Wire::fixed64:
      case Wire::fixed32:
        if (!take_fixed(rest_, wire == Wire::fixed64 ? 8 : 4, value)) return false;
        break;
      case Wire::bytes:
        if (!take_varint(rest_, value) || value > rest_.size()) return false;
        rest_.remove_prefix(value);
        break;
      case Wire::group:
        if (open.size() >= kMostGroups) return false;
        open.push_back(inner);
        break;
      case Wire::end_group:
        if (open.back() != inner) return false;
        open.pop_back();
        break;
    }
  }
  return true;
}

}  // namespace proconsul::base::pb
