#include "base/quote.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace proconsul::base {

namespace {

constexpr char kHex[] = "0123456789abcdef";

/// What Go's strconv.IsPrint refuses outside ASCII: controls, formats, spaces, surrogates, private use, noncharacters.
/// (Unassigned code points, which change with every Unicode version, count as printable.)
bool is_printable(char32_t rune) {
  struct Range {
    char32_t low, high;
  };
  static constexpr std::array<Range, 21> kUnprintable{
      {{0x00, 0x1F},     {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},   {0x61C, 0x61C},   {0x6DD, 0x6DD},
       {0x70F, 0x70F},   {0x890, 0x891},     {0x8E2, 0x8E2},     {0x1680, 0x1680}, {0x180E, 0x180E}, {0x2000, 0x200F},
       {0x2028, 0x202F}, {0x205F, 0x206F},   {0x3000, 0x3000},   {0xD800, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB},
       {0xFFFE, 0xFFFF}, {0xE0000, 0xE00FF}, {0xE01F0, 0x10FFFF}}};
  return std::ranges::none_of(kUnprintable, [&](Range range) { return rune >= range.low && rune <= range.high; });
}

void append_hex(std::string& out, char32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out.push_back(kHex[value >> shift & 0xF]);
}

void append_escaped(std::string& out, char32_t rune) {
  switch (rune) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\a':
      out += "\\a";
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
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  if (is_printable(rune)) {
    append_rune(out, rune);
  } else if (rune < 0x80) {
    out += "\\x";
    append_hex(out, rune, 2);
  } else if (rune < 0x10000) {
    out += "\\u";
    append_hex(out, rune, 4);
  } else {
    out += "\\U";
    append_hex(out, rune, 8);
  }
}

}  // namespace

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const DecodedRune next = decode_rune(text);
    if (next.rune == kReplacementCharacter && next.size == 1) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text[0]), 2);
    } else {
      append_escaped(out, next.rune);
    }
    text.remove_prefix(next.size);
  }
  out.push_back('"');
  return out;
}

std::string quote_byte(unsigned char byte) {
  if (byte == '\'') return R"('\'')";
  if (byte == '"') return R"('"')";
  std::string out = "'";
  append_escaped(out, byte);
  out.push_back('\'');
  return out;
}

}  // namespace proconsul::base
