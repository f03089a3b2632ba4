#include "base/json_scanner.h"

#include <array>
#include <bitset>
#include <string>

#include "base/quote.h"

namespace proconsul::base {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Bytes at which a string stops being plain: its end, an escape, a control character.
constexpr std::array<bool, 256> kStops = [] {
  std::array<bool, 256> table{};
  for (unsigned i = 0; i < 0x20; ++i) table[i] = true;
  table['"'] = table['\\'] = true;
  return table;
}();

/// Iterative: nesting costs one bit, not a stack frame.
class Scanner {
 public:
  Scanner(std::string_view text, JsonInput input) : at_(text.data()), end_(at_ + text.size()), input_(input) {}

  Result<std::string_view> run() {
    skip_spaces();
    const char* const begin = at_;
    if (!value()) return Error{Errc::invalid_argument, std::move(error_)};
    const std::string_view found(begin, at_);
    if (input_ == JsonInput::whole) {
      skip_spaces();
      if (at_ != end_) {
        fail("after top-level value");
        return Error{Errc::invalid_argument, std::move(error_)};
      }
    }
    return found;
  }

 private:
  void skip_spaces() {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }

  /// Fails at the current byte. At the end of input Go's scanner is shown a space, which only some states reject.
  bool fail(const char* context, bool space_is_fine = false) {
    if (at_ != end_) {
      error_ = "invalid character " + quote_byte(static_cast<unsigned char>(*at_)) + " " + context;
    } else if (input_ == JsonInput::first) {
      error_ = started_ ? "unexpected EOF" : "EOF";
    } else if (space_is_fine) {
      error_ = "unexpected end of JSON input";
    } else {
      error_ = std::string("invalid character ' ' ") + context;
    }
    return false;
  }
  bool fail_between(const char* context) { return fail(context, true); }

  bool value() {
    while (true) {
      // Here a value must begin.
      skip_spaces();
      if (at_ == end_) return fail_between("looking for beginning of value");
      started_ = true;
      bool ended = true;
      switch (*at_) {
        case '{':
          if (!open(true)) return false;
          if (at_ != end_ && *at_ == '}') {
            ++at_;
            --depth_;
          } else if (!key()) {
            return false;
          } else {
            ended = false;
          }
          break;
        case '[':
          if (!open(false)) return false;
          if (at_ != end_ && *at_ == ']') {
            ++at_;
            --depth_;
          } else {
            ended = false;
          }
          break;
        case '"':
          if (!string()) return false;
          break;
        case 't':
          if (!literal("true")) return false;
          break;
        case 'f':
          if (!literal("false")) return false;
          break;
        case 'n':
          if (!literal("null")) return false;
          break;
        default:
          if (*at_ != '-' && !is_digit(*at_)) return fail("looking for beginning of value");
          if (!number()) return false;
      }
      // Here a value has ended: close what it completes.
      while (ended) {
        if (depth_ == 0) return true;
        skip_spaces();
        if (objects_[depth_ - 1]) {
          if (at_ == end_ || (*at_ != ',' && *at_ != '}')) return fail_between("after object key:value pair");
          if (*at_++ == ',') {
            skip_spaces();
            if (!key()) return false;
            ended = false;
          } else {
            --depth_;
          }
        } else {
          if (at_ == end_ || (*at_ != ',' && *at_ != ']')) return fail_between("after array element");
          if (*at_++ == ',') {
            ended = false;
          } else {
            --depth_;
          }
        }
      }
    }
  }

  bool open(bool object) {
    if (depth_ == kMaxJsonDepth) return fail("exceeded max depth");
    objects_[depth_++] = object;
    ++at_;
    skip_spaces();
    return true;
  }

  /// A key and its colon.
  bool key() {
    if (at_ == end_ || *at_ != '"') return fail_between("looking for beginning of object key string");
    if (!string()) return false;
    skip_spaces();
    if (at_ == end_ || *at_ != ':') return fail_between("after object key");
    ++at_;
    return true;
  }

  bool string() {
    ++at_;
    while (true) {
      while (at_ != end_ && !kStops[static_cast<unsigned char>(*at_)]) ++at_;
      if (at_ == end_) return fail_between("in string literal");
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ != '\\') return fail("in string literal");
      ++at_;
      if (at_ == end_) return fail("in string escape code");
      switch (*at_) {
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
        case '\\':
        case '/':
        case '"':
          ++at_;
          break;
        case 'u':
          ++at_;
          for (int i = 0; i < 4; ++i, ++at_) {
            if (at_ == end_ || !is_hex(*at_)) return fail("in \\u hexadecimal character escape");
          }
          break;
        default:
          return fail("in string escape code");
      }
    }
  }

  bool literal(std::string_view word) {
    ++at_;
    for (std::size_t i = 1; i < word.size(); ++i, ++at_) {
      if (at_ == end_ || *at_ != word[i]) {
        return fail(("in literal " + std::string(word) + " (expecting '" + word[i] + "')").c_str());
      }
    }
    return true;
  }

  bool number() {
    if (*at_ == '-') {
      ++at_;
      if (at_ == end_ || !is_digit(*at_)) return fail("in numeric literal");
    }
    if (*at_ == '0') {
      ++at_;
    } else {
      digits();
    }
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (at_ == end_ || !is_digit(*at_)) return fail("after decimal point in numeric literal");
      digits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (at_ == end_ || !is_digit(*at_)) return fail("in exponent of numeric literal");
      digits();
    }
    return true;
  }
  void digits() {
    while (at_ != end_ && is_digit(*at_)) ++at_;
  }

  const char* at_;
  const char* const end_;
  const JsonInput input_;
  bool started_ = false;
  std::size_t depth_ = 0;
  std::bitset<kMaxJsonDepth> objects_;  // per level: an object (else an array)
  std::string error_{};
};

}  // namespace

Result<std::string_view> scan_json(std::string_view text, JsonInput input) {
  return Scanner(text, input).run();
}

}  // namespace proconsul::base
