#include "agent/grpc/headers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "base/quote.h"
#include "base/strconv.h"
#include "base/utf8.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view kBase = "application/grpc";
constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_plain(char c) {
  return c >= ' ' && c <= '~' && c != '%';
}

}  // namespace

std::string encode_message(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const base::DecodedRune rune = base::decode_rune(text);
    std::string bytes;
    base::append_rune(bytes, rune.rune);  // what is no text becomes U+FFFD
    for (const char byte : bytes) {
      if (is_plain(byte)) {
        out += byte;
        continue;
      }
      out += '%';
      out += kHex[static_cast<unsigned char>(byte) >> 4];
      out += kHex[static_cast<unsigned char>(byte) & 15];
    }
    text.remove_prefix(rune.size);
  }
  return out;
}

std::string decode_message(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const Result<std::uint64_t> byte = base::parse_uint(text.substr(i + 1, 2), 16, 8)) {
        out += static_cast<char>(*byte);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

Result<std::chrono::nanoseconds> decode_timeout(std::string_view text) {
  struct Unit {
    char letter;
    std::int64_t nanoseconds;
  };
  static constexpr std::array<Unit, 6> kUnits = {{{'H', 3'600'000'000'000},
                                                  {'M', 60'000'000'000},
                                                  {'S', 1'000'000'000},
                                                  {'m', 1'000'000},
                                                  {'u', 1'000},
                                                  {'n', 1}}};
  const auto fail = [&](std::string_view what) -> Result<std::chrono::nanoseconds> {
    return {Errc::invalid_argument, "transport: timeout " + std::string(what) + ": " + base::quote(text)};
  };
  if (text.size() < 2) return fail("string is too short");
  if (text.size() > 9) return fail("string is too long");
  const auto* unit = std::ranges::find(kUnits, text.back(), &Unit::letter);
  if (unit == kUnits.end()) return fail("unit is not recognized");
  const Result<std::int64_t> count = base::parse_int(text.substr(0, text.size() - 1), 10, 64);
  if (!count) return count.error();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (*count > kMost / unit->nanoseconds) return std::chrono::nanoseconds(kMost);
  return std::chrono::nanoseconds(*count * unit->nanoseconds);
}

std::optional<std::string> content_subtype(std::string_view content_type) {
  if (!content_type.starts_with(kBase)) return std::nullopt;
  const std::string_view rest = content_type.substr(kBase.size());
  if (rest.empty()) return "";
  if (rest[0] != '+' && rest[0] != ';') return std::nullopt;
  return std::string(rest.substr(1));
}

std::string content_type(std::string_view subtype) {
  std::string type(kBase);
  if (!subtype.empty()) (type += '+') += subtype;
  return type;
}

}  // namespace proconsul::agent::grpc
