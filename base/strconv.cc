#include "base/strconv.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/quote.h"
#include "base/utf8.h"

namespace proconsul::base {
namespace {

Error number_error(const char* function, std::string_view text, const char* why) {
  return {Errc::invalid_argument, std::string("strconv.") + function + ": parsing " + quote(text) + ": " + why};
}
constexpr char kSyntax[] = "invalid syntax";
constexpr char kRange[] = "value out of range";

// Underscores may stand between digits, or between a base prefix and a digit, and only where the base is free.
bool underscores_well_placed(std::string_view text) {
  char before = '^';  // '^' start, '0' digit, '_' underscore, '!' anything else
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  bool hex = false;
  if (text.size() >= 2 && text[0] == '0') {
    char base = static_cast<char>(std::tolower(static_cast<unsigned char>(text[1])));
    if (base == 'b' || base == 'o' || base == 'x') {
      before = '0';
      hex = base == 'x';
      text.remove_prefix(2);
    }
  }
  for (char c : text) {
    if ((c >= '0' && c <= '9') || (hex && std::isxdigit(static_cast<unsigned char>(c)))) {
      before = '0';
    } else if (c == '_') {
      if (before != '0') return false;
      before = '_';
    } else {
      if (before == '_') return false;
      before = '!';
    }
  }
  return before != '_';
}

Result<std::uint64_t> parse_magnitude(const char* function, std::string_view text, std::string_view whole, int base,
                                      int bits) {
  if (text.empty()) return number_error(function, whole, kSyntax);
  const std::string_view start = text;
  const bool free_base = base == 0;
  if (free_base) {
    base = 10;
    if (text[0] == '0') {
      char letter = text.size() >= 3 ? static_cast<char>(std::tolower(static_cast<unsigned char>(text[1]))) : '\0';
      if (letter == 'b' || letter == 'o' || letter == 'x') {
        base = letter == 'b' ? 2 : letter == 'o' ? 8 : 16;
        text.remove_prefix(2);
      } else {
        base = 8;
        text.remove_prefix(1);
      }
    }
  }
  const std::uint64_t most = bits == 64 ? ~0ULL : (1ULL << bits) - 1;
  std::uint64_t value = 0;
  bool underscores = false;
  bool overflow = false;
  for (char c : text) {
    int digit;
    if (c == '_' && free_base) {
      underscores = true;
      continue;
    } else if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (std::isalpha(static_cast<unsigned char>(c))) {
      digit = std::tolower(static_cast<unsigned char>(c)) - 'a' + 10;
    } else {
      return number_error(function, whole, kSyntax);
    }
    if (digit >= base) return number_error(function, whole, kSyntax);
    if (overflow) continue;
    std::uint64_t next;
    overflow = __builtin_mul_overflow(value, static_cast<std::uint64_t>(base), &next) ||
               __builtin_add_overflow(next, static_cast<std::uint64_t>(digit), &next) || next > most;
    // Go stops at the digit that overflows and does not look at the rest.
    if (overflow) return number_error(function, whole, kRange);
    value = next;
  }
  if (underscores && !underscores_well_placed(start)) return number_error(function, whole, kSyntax);
  return value;
}

}  // namespace

Result<std::string> unquote(std::string_view literal) {
  const Error bad{Errc::invalid_argument, kSyntax};
  if (literal.size() < 2 || literal.front() != literal.back()) return bad;
  const char mark = literal.front();
  std::string_view text = literal.substr(1, literal.size() - 2);
  std::string out;
  if (mark == '`') {
    if (text.find('`') != text.npos) return bad;
    for (char c : text) {
      if (c != '\r') out += c;
    }
    return out;
  }
  if (mark != '"') return bad;
  for (std::size_t i = 0; i < text.size();) {
    char c = text[i++];
    if (c == '"' || c == '\n') return bad;
    if (c != '\\') {
      out += c;
      continue;
    }
    if (i == text.size()) return bad;
    c = text[i++];
    constexpr std::string_view kLetters = "abfnrtv\\\"";
    if (std::size_t at = kLetters.find(c); at != kLetters.npos) {
      out += "\a\b\f\n\r\t\v\\\""[at];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      if (text.size() - i < digits) return bad;
      std::uint32_t value = 0;
      auto [end, code] = std::from_chars(text.data() + i, text.data() + i + digits, value, 16);
      if (code != std::errc{} || end != text.data() + i + digits) return bad;
      i += digits;
      if (c == 'x') {
        out += static_cast<char>(value);
      } else if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return bad;
      } else {
        append_rune(out, value);
      }
    } else if (c >= '0' && c <= '7') {
      if (text.size() - i < 2) return bad;
      std::uint32_t value = static_cast<std::uint32_t>(c - '0');
      for (int n = 0; n < 2; ++n, ++i) {
        if (text[i] < '0' || text[i] > '7') return bad;
        value = value << 3 | static_cast<std::uint32_t>(text[i] - '0');
      }
      if (value > 255) return bad;
      out += static_cast<char>(value);
    } else {
      return bad;
    }
  }
  return out;
}

static Result<std::int64_t> parse_signed(const char* function, std::string_view text, int base, int bits) {
  if (text.empty()) return number_error(function, text, kSyntax);
  const bool negative = text[0] == '-';
  std::string_view digits = text;
  if (negative || text[0] == '+') digits.remove_prefix(1);
  Result<std::uint64_t> magnitude = parse_magnitude(function, digits, text, base, 64);
  if (!magnitude) return magnitude.error();
  const std::uint64_t edge = 1ULL << (bits - 1);
  if (*magnitude > edge || (!negative && *magnitude == edge)) return number_error(function, text, kRange);
  return static_cast<std::int64_t>(negative ? 0 - *magnitude : *magnitude);
}

Result<std::int64_t> parse_int(std::string_view text, int base, int bits) {
  return parse_signed("ParseInt", text, base, bits);
}
Result<std::int64_t> parse_atoi(std::string_view text) {
  return parse_signed("Atoi", text, 10, 64);
}

Result<std::uint64_t> parse_uint(std::string_view text, int base, int bits) {
  return parse_magnitude("ParseUint", text, text, base, bits);
}

Result<double> parse_float(std::string_view text, int bits) {
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  std::string lower;
  for (char c : rest) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "inf" || lower == "infinity") return negative ? -HUGE_VAL : HUGE_VAL;
  if (lower == "nan" && rest.size() == text.size()) return std::numeric_limits<double>::quiet_NaN();

  const bool hex = lower.starts_with("0x");
  std::string digits;
  for (char c : hex ? std::string_view(lower).substr(2) : std::string_view(lower)) {
    if (c == '_') {
      if (!underscores_well_placed(text)) return number_error("ParseFloat", text, kSyntax);
      continue;
    }
    digits += c;
  }
  if (digits.empty() || !(std::isxdigit(static_cast<unsigned char>(digits[0])) || digits[0] == '.')) {
    return number_error("ParseFloat", text, kSyntax);
  }
  if (hex && digits.find('p') == digits.npos) return number_error("ParseFloat", text, kSyntax);
  const auto format = hex ? std::chars_format::hex : std::chars_format::general;
  const char* last = digits.data() + digits.size();
  double value = 0;
  std::from_chars_result parsed{};
  if (bits == 32) {
    float narrow = 0;
    parsed = std::from_chars(digits.data(), last, narrow, format);
    value = narrow;
  } else {
    parsed = std::from_chars(digits.data(), last, value, format);
  }
  if (parsed.ptr != last || parsed.ec == std::errc::invalid_argument) {
    return number_error("ParseFloat", text, kSyntax);
  }
  if (parsed.ec == std::errc::result_out_of_range) {
    // Too small is zero in Go, too large an error; from_chars reports both alike.
    value = std::strtod((hex ? "0x" + digits : digits).c_str(), nullptr);
    if (bits == 32) value = static_cast<float>(value);
    if (std::isinf(value)) return number_error("ParseFloat", text, kRange);
  }
  return negative ? -value : value;
}

Result<bool> parse_bool(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return number_error("ParseBool", text, kSyntax);
}

}  // namespace proconsul::base
