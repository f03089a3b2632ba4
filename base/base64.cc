#include "base/base64.h"

#include <array>
#include <cstdint>

namespace proconsul::base {

namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> kSextets = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNone);
  for (std::uint8_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(kAlphabet[i])] = i;
  return table;
}();

std::uint8_t nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return kNone;
}

Error corrupt(std::size_t position) {
  return {Errc::invalid_argument, "illegal base64 data at input byte " + std::to_string(position)};
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3, to += 4) {
    const std::uint32_t bits = std::uint32_t{from[0]} << 16 | std::uint32_t{from[1]} << 8 | from[2];
    to[0] = kAlphabet[bits >> 18];
    to[1] = kAlphabet[bits >> 12 & 63];
    to[2] = kAlphabet[bits >> 6 & 63];
    to[3] = kAlphabet[bits & 63];
  }
  if (left > 0) {
    const std::uint32_t bits = std::uint32_t{from[0]} << 16 | (left == 2 ? std::uint32_t{from[1]} << 8 : 0);
    to[0] = kAlphabet[bits >> 18];
    to[1] = kAlphabet[bits >> 12 & 63];
    to[2] = left == 2 ? kAlphabet[bits >> 6 & 63] : '=';
    to[3] = '=';
  }
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  const auto is_break = [&](std::size_t i) { return text[i] == '\n' || text[i] == '\r'; };
  std::uint32_t bits = 0;
  std::size_t sextets = 0;  // of the group of four that is being read
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t sextet = kSextets[static_cast<unsigned char>(text[i])];
    if (sextet != kNone) {
      bits = bits << 6 | sextet;
      if (++sextets == 4) {
        out.push_back(static_cast<char>(bits >> 16));
        out.push_back(static_cast<char>(bits >> 8));
        out.push_back(static_cast<char>(bits));
        sextets = 0;
        bits = 0;
      }
      continue;
    }
    if (is_break(i)) continue;
    if (text[i] != '=' || sextets < 2) return corrupt(i);
    std::size_t next = i + 1;
    if (sextets == 2) {  // a second '=' must follow
      while (next < text.size() && is_break(next)) ++next;
      if (next == text.size()) return corrupt(next);
      if (text[next] != '=') return corrupt(next - 1);
      ++next;
    }
    while (next < text.size() && is_break(next)) ++next;
    if (next < text.size()) return corrupt(next);
    if (sextets == 2) {
      out.push_back(static_cast<char>(bits >> 4));
    } else {
      out.push_back(static_cast<char>(bits >> 10));
      out.push_back(static_cast<char>(bits >> 2));
    }
    return out;
  }
  if (sextets != 0) return corrupt(text.size() - sextets);
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kHexDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

Result<std::string> from_hex(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 2);
  std::uint8_t high = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t digit = nibble(text[i]);
    if (digit == kNone) {
      const auto byte = static_cast<unsigned char>(text[i]);
      std::string detail = "encoding/hex: invalid byte: U+00";
      detail.push_back("0123456789ABCDEF"[byte >> 4]);
      detail.push_back("0123456789ABCDEF"[byte & 15]);
      if (byte >= 0xA1 && byte != 0xAD) {
        detail += {' ', '\'', static_cast<char>(0xC0 | byte >> 6), static_cast<char>(0x80 | (byte & 63)), '\''};
      } else if (byte >= 0x20 && byte < 0x7F) {
        detail += {' ', '\'', text[i], '\''};
      }
      return Error{Errc::invalid_argument, std::move(detail)};
    }
    if (i % 2 == 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high << 4 | digit));
    }
  }
  if (text.size() % 2 != 0) return Error{Errc::invalid_argument, "encoding/hex: odd length hex string"};
  return out;
}

}  // namespace proconsul::base
