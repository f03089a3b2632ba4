#include "base/regex.h"

#include <re2/re2.h>

#include "base/utf8.h"

namespace proconsul::base {
namespace {

Error syntax_error(std::string_view what, std::string_view part) {
  return {Errc::invalid_argument, "error parsing regexp: " + std::string(what) + ": `" + std::string(part) + "`"};
}

std::string_view what(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
      return "invalid character class";
    case re2::RE2::ErrorBadCharRange:
      return "invalid character class range";
    case re2::RE2::ErrorMissingBracket:
      return "missing closing ]";
    case re2::RE2::ErrorMissingParen:
      return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge:
      return "expression too large";
    case re2::RE2::NoError:
    case re2::RE2::ErrorInternal:
      break;
  }
  return "regexp/syntax: internal error";
}

// What the engine and Go differ in: Go has (?<name>...) beside (?P<name>...), and refuses \C.
Result<std::string> to_engine_syntax(std::string_view pattern) {
  std::string out;
  out.reserve(pattern.size());
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == 'C' && !in_class) return syntax_error("invalid escape sequence", "\\C");
      if (pattern[i + 1] == 'Q' && !in_class) {
        const std::size_t end = pattern.find("\\E", i + 2);
        const std::size_t next = end == pattern.npos ? pattern.size() : end + 2;
        out.append(pattern.substr(i, next - i));
        i = next - 1;
        continue;
      }
      out += c;
      out += pattern[++i];
      continue;
    }
    if (in_class) {
      if (c == ']') in_class = false;
    } else if (c == '[') {
      in_class = true;
      out += c;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];  // a literal bracket in first place
      continue;
    } else if (c == '(' && pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() && pattern[i + 3] != '=' &&
               pattern[i + 3] != '!') {
      out += "(?P<";
      i += 2;
      continue;
    }
    out += c;
  }
  return out;
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern) {
  for (std::string_view rest = pattern; !rest.empty();) {
    const DecodedRune rune = decode_rune(rest);
    if (rune.rune == kReplacementCharacter && rune.size == 1) return syntax_error("invalid UTF-8", pattern);
    rest.remove_prefix(rune.size);
  }
  Result<std::string> translated = to_engine_syntax(pattern);
  if (!translated) return translated.error();
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto program = std::make_shared<const re2::RE2>(*translated, options);
  if (!program->ok()) {
    const std::string& part = program->error_arg();
    if (program->error_code() == re2::RE2::ErrorTrailingBackslash) return syntax_error(what(program->error_code()), "");
    return syntax_error(what(program->error_code()), part.empty() ? pattern : std::string_view(part));
  }
  return Regex(std::move(program));
}

bool Regex::matches(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *program_);
}

std::vector<std::string> Regex::groups(std::string_view text) const {
  std::vector<re2::StringPiece> pieces(static_cast<std::size_t>(program_->NumberOfCapturingGroups()) + 1);
  std::vector<std::string> groups;
  if (!program_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, pieces.data(),
                       static_cast<int>(pieces.size()))) {
    return groups;
  }
  groups.reserve(pieces.size());
  for (const re2::StringPiece& piece : pieces) groups.emplace_back(piece.data() ? piece.as_string() : std::string());
  return groups;
}

}  // namespace proconsul::base
