// A parsing expression grammar by hand. Clients see its error texts, which list everything that was tried at the
// furthest point, so each rule must try the same alternatives in the same places as Consul's. Where that grammar tries
// a rule twice at one place we remember the first answer: a second try can expect nothing new, and without the memory
// each pair of parentheses would multiply the work by eight.
#include <algorithm>
#include <unordered_map>

#include "base/filter/expression.h"
#include "base/strconv.h"
#include "base/utf8.h"

namespace proconsul::base::filter {
namespace {

using Node = std::shared_ptr<const Expression>;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Node> run() {
    check_encoding(0);
    Node node = input();
    if (!node && errors_.empty()) add_error(furthest_, expectation());
    if (!errors_.empty()) {
      std::string all;
      for (const std::string& error : errors_) all += (all.empty() ? "" : "\n") + error;
      return Error{Errc::invalid_argument, std::move(all)};
    }
    return node;
  }

 private:
  struct Memo {
    Node node{};
    std::size_t end{};
  };
  enum Remembered : std::uint64_t { kOr, kNot, kGrouping };

  /// Names the rule that errors are reported in.
  struct Rule {
    Rule(Parser& parser, const char* name) : parser(parser), outer(parser.rule_) { parser.rule_ = name; }
    ~Rule() { parser.rule_ = outer; }
    Parser& parser;
    const char* outer;
  };

  // --- characters ---------------------------------------------------------------------------------------------------

  /// Every terminal reports here. Within a negation it is the match that is unexpected.
  void tried(bool matched, std::size_t at, std::string_view what) {
    if (matched != inverted_ || at < furthest_) return;
    if (at > furthest_) {
      furthest_ = at;
      expected_.clear();
    }
    for (const Expected& known : expected_) {
      if (known.inverted == inverted_ && known.what == what) return;
    }
    expected_.push_back({what, inverted_});
  }

  void advance(std::size_t width) {
    at_ += width;
    check_encoding(at_);
  }

  void check_encoding(std::size_t at) {
    if (at >= text_.size()) return;
    const DecodedRune rune = decode_rune(text_.substr(at));
    if (rune.rune == kReplacementCharacter && rune.size == 1) add_error(at, "invalid encoding");
  }

  bool literal(std::string_view word, std::string_view quoted) {
    const std::size_t start = at_;
    for (char c : word) {
      if (at_ >= text_.size() || text_[at_] != c) {
        tried(false, start, quoted);
        at_ = start;
        return false;
      }
      advance(1);
    }
    tried(true, start, quoted);
    return true;
  }

  template <class Accepts>
  bool one_of(std::string_view name, Accepts accepts) {
    const std::size_t start = at_;
    if (at_ >= text_.size() || !accepts(text_[at_])) {
      tried(false, start, name);
      return false;
    }
    advance(1);
    tried(true, start, name);
    return true;
  }

  bool any_character() {
    const std::size_t start = at_;
    if (at_ >= text_.size()) {
      tried(false, start, ".");
      return false;
    }
    advance(decode_rune(text_.substr(at_)).size);
    tried(true, start, ".");
    return true;
  }

  bool is_not(auto&& rule) {
    const std::size_t start = at_;
    inverted_ = !inverted_;
    const bool matched = rule();
    inverted_ = !inverted_;
    at_ = start;
    return !matched;
  }

  bool space() {
    Rule rule(*this, "\"whitespace\"");
    bool any = false;
    while (one_of("[ \\t\\r\\n]", [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; })) any = true;
    return any;
  }

  bool end_of_text() {
    Rule rule(*this, "EOF");
    return is_not([&] { return any_character(); });
  }

  bool open_parenthesis() { return literal("(", "\"(\""); }
  bool close_parenthesis() { return literal(")", "\")\""); }

  // --- errors -------------------------------------------------------------------------------------------------------

  void add_error(std::size_t at, std::string_view why) {
    // A text full of broken bytes would make a text full of errors.
    constexpr std::size_t kMaxErrors = 64;
    if (errors_.size() >= kMaxErrors) return;
    std::size_t line = 1;
    std::size_t column = 1;
    if (at > 0) {
      // A newline belongs to the line that it begins, in column 0.
      column = 0;
      for (std::size_t i = 0; i <= at;) {
        ++column;
        if (i >= text_.size()) break;
        if (text_[i] == '\n') {
          ++line;
          column = 0;
        }
        i += decode_rune(text_.substr(i)).size;
      }
    }
    std::string error = std::to_string(line) + ":" + std::to_string(column) + " (" + std::to_string(at) + ")";
    if (rule_ != nullptr) error += std::string(": rule ") + rule_;
    error += ": ";
    error += why;
    if (std::find(errors_.begin(), errors_.end(), error) == errors_.end()) errors_.push_back(std::move(error));
  }

  std::string expectation() const {
    std::vector<std::string> words;
    bool end = false;
    for (const Expected& expected : expected_) {
      std::string word = (expected.inverted ? "!" : "") + std::string(expected.what);
      if (word == "!.") {
        end = true;
      } else {
        words.push_back(std::move(word));
      }
    }
    std::sort(words.begin(), words.end());
    if (end) words.push_back("EOF");
    std::string out = "no match found, expected: ";
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
      out += words[i];
    }
    return out;
  }

  // --- expressions --------------------------------------------------------------------------------------------------

  Node input() {
    Rule rule(*this, "Input");
    space();
    if (open_parenthesis()) {
      space();
      if (Node node = or_expression()) {
        space();
        if (close_parenthesis()) {
          space();
          if (end_of_text()) return node;
        }
      }
    }
    at_ = 0;
    space();
    if (Node node = or_expression()) {
      space();
      if (end_of_text()) return node;
    }
    return nullptr;
  }

  template <class Parse>
  Node remembered(Remembered which, Parse parse) {
    const std::uint64_t key = static_cast<std::uint64_t>(at_) << 2 | which;
    if (auto found = memory_.find(key); found != memory_.end()) {
      if (found->second.node) at_ = found->second.end;
      return found->second.node;
    }
    const std::size_t start = at_;
    Node node = parse();
    if (!node) at_ = start;
    memory_.emplace(key, Memo{node, at_});
    return node;
  }

  /// operand (_ word _ operand)*, backing off before a word whose operand fails.
  Node chain(const char* name, Expression::Kind kind, std::string_view word, std::string_view quoted, auto&& operand) {
    Rule rule(*this, name);
    std::vector<Node> parts;
    std::size_t end = at_;
    while (true) {
      Node part = operand();
      if (!part) {
        at_ = end;
        break;
      }
      parts.push_back(std::move(part));
      end = at_;
      if (!(space() && literal(word, quoted) && space())) {
        at_ = end;
        break;
      }
    }
    if (parts.size() < 2) return parts.empty() ? nullptr : parts[0];
    return std::make_shared<const Expression>(Expression{.kind = kind, .parts = std::move(parts)});
  }

  Node or_expression() {
    return remembered(kOr, [&] {
      return chain("OrExpression", Expression::Kind::any, "or", "\"or\"", [&] { return and_expression(); });
    });
  }

  Node and_expression() {
    return chain("AndExpression", Expression::Kind::all, "and", "\"and\"", [&] { return not_expression(); });
  }

  Node not_expression() {
    return remembered(kNot, [&]() -> Node {
      Rule rule(*this, "NotExpression");
      std::vector<std::size_t> negations;  // where each "not" began
      std::size_t start = at_;
      while (literal("not", "\"not\"") && space()) {
        negations.push_back(start);
        start = at_;
      }
      at_ = start;
      Node node = grouping();
      // "not" may also begin a name, as in `not == 1` or `nothing is empty`.
      while (!node && !negations.empty()) {
        at_ = negations.back();
        negations.pop_back();
        node = grouping();
      }
      if (node && negations.size() % 2 == 1) {
        node = std::make_shared<const Expression>(Expression{.kind = Expression::Kind::negation, .parts = {node}});
      }
      return node;
    });
  }

  Node grouping() {
    return remembered(kGrouping, [&]() -> Node {
      Rule rule(*this, "\"grouping\"");
      const std::size_t start = at_;
      auto group = [&]() -> Node {
        if (!open_parenthesis()) return nullptr;
        if (nesting_ >= kMaxNesting) {
          add_error(start, "parentheses are nested too deeply");
          return nullptr;
        }
        ++nesting_;
        space();
        Node node = or_expression();
        if (node) space();
        --nesting_;
        return node;
      };
      if (Node node = group(); node && close_parenthesis()) return node;
      at_ = start;
      if (Node node = match_expression()) return node;
      at_ = start;
      if (group() && is_not([&] { return close_parenthesis(); })) add_error(at_, "Unmatched parentheses");
      return nullptr;
    });
  }

  Node match_expression() {
    Rule rule(*this, "\"match\"");
    const std::size_t start = at_;
    Match match;
    if (selector_operator_value(match)) return leaf(std::move(match));
    at_ = start;
    match = {};
    if (selector(match.selector) && emptiness(match.op)) return leaf(std::move(match));
    at_ = start;
    match = {};
    if (value(match.value) && membership(match.op) && selector(match.selector)) return leaf(std::move(match));
    at_ = start;
    match = {};
    if (value(match.value) && membership(match.op) && is_not([&] { return selector(match.selector); })) {
      add_error(at_, "Invalid selector");
    }
    return nullptr;
  }

  static Node leaf(Match match) {
    return std::make_shared<const Expression>(Expression{.kind = Expression::Kind::match, .match = std::move(match)});
  }

  bool selector_operator_value(Match& match) {
    return selector(match.selector) && value_operator(match.op) && value(match.value);
  }

  // --- operators ----------------------------------------------------------------------------------------------------

  bool value_operator(Operator& op) {
    return sign("MatchEqual", "==", "\"==\"", op, Operator::equal) ||
           sign("MatchNotEqual", "!=", "\"!=\"", op, Operator::not_equal) ||
           word("MatchContains", "contains", "\"contains\"", op, Operator::in) ||
           not_word("MatchNotContains", "contains", "\"contains\"", op, Operator::not_in) ||
           word("MatchMatches", "matches", "\"matches\"", op, Operator::matches) ||
           not_word("MatchNotMatches", "matches", "\"matches\"", op, Operator::not_matches);
  }

  bool membership(Operator& op) {
    return word("MatchIn", "in", "\"in\"", op, Operator::in) ||
           not_word("MatchNotIn", "in", "\"in\"", op, Operator::not_in);
  }

  bool emptiness(Operator& op) {
    auto read = [&](const char* name, bool with_not) {
      Rule rule(*this, name);
      const std::size_t start = at_;
      if (space() && literal("is", "\"is\"") && space() && (!with_not || (literal("not", "\"not\"") && space())) &&
          literal("empty", "\"empty\"")) {
        op = with_not ? Operator::is_not_empty : Operator::is_empty;
        return true;
      }
      at_ = start;
      return false;
    };
    return read("MatchIsEmpty", false) || read("MatchIsNotEmpty", true);
  }

  bool sign(const char* name, std::string_view text, std::string_view quoted, Operator& op, Operator meaning) {
    Rule rule(*this, name);
    const std::size_t start = at_;
    space();
    if (!literal(text, quoted)) {
      at_ = start;
      return false;
    }
    space();
    op = meaning;
    return true;
  }

  bool word(const char* name, std::string_view text, std::string_view quoted, Operator& op, Operator meaning) {
    Rule rule(*this, name);
    const std::size_t start = at_;
    if (space() && literal(text, quoted) && space()) {
      op = meaning;
      return true;
    }
    at_ = start;
    return false;
  }

  bool not_word(const char* name, std::string_view text, std::string_view quoted, Operator& op, Operator meaning) {
    Rule rule(*this, name);
    const std::size_t start = at_;
    if (space() && literal("not", "\"not\"") && space() && literal(text, quoted) && space()) {
      op = meaning;
      return true;
    }
    at_ = start;
    return false;
  }

  // --- selectors and values -----------------------------------------------------------------------------------------

  bool selector(std::vector<std::string>& parts) {
    Rule rule(*this, "\"selector\"");
    parts.clear();
    std::string part;
    if (!identifier(part)) return false;
    do {
      parts.push_back(part);
    } while (further_part(part));
    return true;
  }

  bool identifier(std::string& name) {
    Rule rule(*this, "Identifier");
    const std::size_t start = at_;
    auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (!one_of("[a-zA-Z]", letter)) return false;
    while (one_of("[a-zA-Z0-9_]", [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; })) {
    }
    name = text_.substr(start, at_ - start);
    return true;
  }

  bool further_part(std::string& part) {
    Rule rule(*this, "SelectorOrIndex");
    const std::size_t start = at_;
    if (literal(".", "\".\"") && identifier(part)) return true;
    at_ = start;
    return index(part);
  }

  bool index(std::string& part) {
    Rule rule(*this, "\"index\"");
    const std::size_t start = at_;
    auto open = [&] {
      if (!literal("[", "\"[\"")) return false;
      space();
      return true;
    };
    auto close = [&] { return literal("]", "\"]\""); };
    if (open() && string_literal(part)) {
      space();
      if (close()) return true;
    }
    at_ = start;
    std::string ignored;
    if (open() && is_not([&] { return string_literal(ignored); })) add_error(at_, "Invalid index");
    at_ = start;
    if (open() && string_literal(ignored)) {
      space();
      if (is_not(close)) add_error(at_, "Unclosed index expression");
    }
    at_ = start;
    return false;
  }

  bool value(std::optional<std::string>& out) {
    Rule rule(*this, "\"value\"");
    std::string text;
    std::vector<std::string> parts;
    if (selector(parts)) {
      for (const std::string& part : parts) text += (text.empty() && &part == parts.data() ? "" : ".") + part;
    } else if (!number(text) && !string_literal(text)) {
      return false;
    }
    out = std::move(text);
    return true;
  }

  bool number(std::string& out) {
    Rule rule(*this, "\"number\"");
    const std::size_t start = at_;
    auto digits = [&] {
      literal("-", "\"-\"");
      return integer_or_float();
    };
    if (digits()) {
      const std::size_t end = at_;
      const bool delimited = after_number();
      at_ = end;
      if (delimited) {
        out = text_.substr(start, end - start);
        return true;
      }
    }
    at_ = start;
    if (digits() && is_not([&] { return after_number(); })) add_error(at_, "Invalid number literal");
    at_ = start;
    return false;
  }

  bool after_number() {
    Rule rule(*this, "AfterNumbers");
    const std::size_t start = at_;
    const bool found = space() || end_of_text() || close_parenthesis();
    at_ = start;
    return found;
  }

  bool integer_or_float() {
    Rule rule(*this, "IntegerOrFloat");
    auto digit = [&] { return one_of("[0-9]", [](char c) { return c >= '0' && c <= '9'; }); };
    if (!literal("0", "\"0\"")) {
      if (!one_of("[1-9]", [](char c) { return c >= '1' && c <= '9'; })) return false;
      while (digit()) {
      }
    }
    const std::size_t end = at_;
    if (literal(".", "\".\"") && digit()) {
      while (digit()) {
      }
    } else {
      at_ = end;
    }
    return true;
  }

  bool string_literal(std::string& out) {
    Rule rule(*this, "\"string\"");
    const std::size_t start = at_;
    auto raw = [&] { return quoted_characters("`", "\"`\"", "RawStringChar"); };
    auto interpreted = [&] { return quoted_characters("\"", "\"\\\"\"", "DoubleStringChar"); };
    auto closed = [&](auto&& body, std::string_view mark, std::string_view quoted) {
      at_ = start;
      return body() && literal(mark, quoted);
    };
    if (closed(raw, "`", "\"`\"") || closed(interpreted, "\"", "\"\\\"\"")) {
      Result<std::string> text = unquote(text_.substr(start, at_ - start));
      if (!text) add_error(start, text.error().detail);
      out = text ? std::move(*text) : std::string();
      return true;
    }
    at_ = start;
    if ((raw() || interpreted()) && end_of_text()) add_error(at_, "Unterminated string literal");
    at_ = start;
    return false;
  }

  /// The opening mark and all that is not the mark.
  bool quoted_characters(std::string_view mark, std::string_view quoted, const char* name) {
    if (!literal(mark, quoted)) return false;
    Rule rule(*this, name);
    while (is_not([&] { return literal(mark, quoted); }) && any_character()) {
    }
    return true;
  }

  struct Expected {
    std::string_view what{};
    bool inverted{};
  };

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  bool inverted_ = false;
  const char* rule_ = nullptr;
  std::size_t furthest_ = 0;
  std::vector<Expected> expected_;
  std::vector<std::string> errors_;
  std::unordered_map<std::uint64_t, Memo> memory_;
};

}  // namespace

std::string_view to_string(Operator op) {
  switch (op) {
    case Operator::equal:
      return "Equal";
    case Operator::not_equal:
      return "Not Equal";
    case Operator::in:
      return "In";
    case Operator::not_in:
      return "Not In";
    case Operator::is_empty:
      return "Is Empty";
    case Operator::is_not_empty:
      return "Is Not Empty";
    case Operator::matches:
      return "Matches";
    case Operator::not_matches:
      return "Not Matches";
  }
  return "UNKNOWN";
}

Result<std::shared_ptr<const Expression>> parse(std::string_view text) {
  return Parser(text).run();
}

}  // namespace proconsul::base::filter
