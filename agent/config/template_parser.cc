#include "agent/config/template_parser.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using Kind = TemplateOperand::Kind;

constexpr int kMaxDepth = 50;
constexpr std::string_view kSpaces = " \t\r\n";

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The text of one action, between "{{" and "}}".
class Action {
 public:
  Action(std::string_view text, const std::vector<std::set<std::string>>& scopes) : rest_(text), scopes_(scopes) {}

  void spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size())); }
  bool at_end() {
    spaces();
    return rest_.empty();
  }
  /// The word that stands next, taken away; empty if there is none.
  std::string_view word() {
    spaces();
    std::size_t end = 0;
    while (end < rest_.size() && is_word(rest_[end])) ++end;
    return take(end);
  }
  std::string_view peek_word() {
    const std::string_view before = rest_;
    const std::string_view found = word();
    rest_ = before;
    return found;
  }
  std::string_view rest() const { return rest_; }

  Result<TemplatePipeline> pipeline(int depth, bool of_range = false) {
    if (depth > kMaxDepth) return fail("max expression depth exceeded");
    TemplatePipeline out;
    if (Result<> read = declarations(out, of_range); !read) return read.error();
    for (;;) {
      Result<TemplateCommand> read = command(depth);
      if (!read) return read.error();
      out.commands.push_back(std::move(*read));
      if (!accept("|")) break;
    }
    return out;
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(out.size());
    return out;
  }
  bool accept(std::string_view text) {
    spaces();
    if (!rest_.starts_with(text)) return false;
    take(text.size());
    return true;
  }

  /// "$a :=", "$a =", for range also "$i, $a :=".
  Result<> declarations(TemplatePipeline& out, bool of_range) {
    const std::string_view before = rest_;
    std::vector<std::string> names;
    do {
      if (!accept("$")) break;
      names.push_back("$" + std::string(word()));
    } while (of_range && names.size() < 2 && accept(","));
    if (!names.empty() && accept(":=")) {
      out.declares = true;
    } else if (names.empty() || !accept("=")) {
      rest_ = before;
      return {};
    }
    for (const std::string& name : names) {
      if (!out.declares && !known(name)) return fail("undefined variable " + base::quote(name));
    }
    out.variables = std::move(names);
    declared_ = out.declares ? out.variables : std::vector<std::string>();
    return {};
  }

  bool known(const std::string& name) const {
    return name == "$" || std::ranges::any_of(scopes_, [&](const auto& scope) { return scope.contains(name); });
  }

  Result<TemplateCommand> command(int depth) {
    TemplateCommand out;
    for (;;) {
      spaces();
      if (rest_.empty() || rest_[0] == '|' || rest_[0] == ')') break;
      Result<TemplateOperand> read = operand(depth);
      if (!read) return read.error();
      out.words.push_back(std::move(*read));
    }
    if (out.words.empty()) return fail("missing value for command");
    if (out.words.size() > 1 && out.words[0].kind != Kind::function && out.words[0].fields.empty()) {
      return fail("can't give argument to non-function " + out.words[0].text);
    }
    return out;
  }

  Result<TemplateOperand> operand(int depth) {
    TemplateOperand out;
    const char c = rest_[0];
    if (c == '(') {
      take(1);
      Result<TemplatePipeline> inner = pipeline(depth + 1);
      if (!inner) return inner.error();
      if (!accept(")")) return fail("unclosed left paren");
      out.kind = Kind::nested;
      out.nested.push_back(std::move(*inner));
    } else if (c == '"' || c == '`') {
      std::size_t end = 1;
      while (end < rest_.size() && rest_[end] != c) end += c == '"' && rest_[end] == '\\' ? 2 : 1;
      if (end >= rest_.size()) return fail(c == '"' ? "unterminated quoted string" : "unterminated raw quoted string");
      Result<std::string> text = base::unquote(take(end + 1));
      if (!text) return text.error();
      out.kind = Kind::text;
      out.text = std::move(*text);
      return out;
    } else if (c == '$') {
      take(1);
      out.kind = Kind::variable;
      out.text = "$" + std::string(word_here());
      if (!known(out.text) && std::ranges::find(declared_, out.text) == declared_.end()) {
        return fail("undefined variable " + base::quote(out.text));
      }
    } else if (c == '.') {
      out.kind = Kind::dot;
      out.text = ".";
      if (rest_.size() == 1 || !is_word(rest_[1])) {
        take(1);
        return out;
      }
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+') {
      std::size_t end = 1;
      while (end < rest_.size() && is_word(rest_[end])) ++end;
      const std::string_view digits = take(end);
      const Result<std::int64_t> number = base::parse_int(digits, 0);
      if (!number) return fail("illegal number syntax: " + base::quote(digits));
      out.kind = Kind::number;
      out.number = *number;
      out.text = digits;
      return out;
    } else if (is_word(c)) {
      const std::string name(word_here());
      if (name == "true" || name == "false") {
        out.kind = Kind::boolean;
        out.number = name == "true" ? 1 : 0;
      } else if (name == "nil") {
        out.kind = Kind::nil;
      } else if (is_template_function(name)) {
        out.kind = Kind::function;
        out.text = name;
      } else {
        return fail("function " + base::quote(name) + " not defined");
      }
      return out;
    } else {
      return fail("unexpected " + base::quote(std::string_view(&c, 1)) + " in operand");
    }
    while (rest_.size() > 1 && rest_[0] == '.' && is_word(rest_[1])) {
      take(1);
      out.fields.emplace_back(word_here());
    }
    return out;
  }

  std::string_view word_here() {
    std::size_t end = 0;
    while (end < rest_.size() && is_word(rest_[end])) ++end;
    return take(end);
  }

  std::string_view rest_;
  const std::vector<std::set<std::string>>& scopes_;
  std::vector<std::string> declared_{};
};

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<std::vector<TemplateNode>> run() {
    std::vector<TemplateNode> out;
    Result<std::string> end = nodes(out, 0);
    if (!end) return end.error();
    if (!end->empty()) return fail("unexpected {{" + *end + "}}");
    return out;
  }

 private:
  /// Up to an "end" or "else", whose text it returns; empty at the end of the template.
  Result<std::string> nodes(std::vector<TemplateNode>& out, int depth) {
    if (depth > kMaxDepth) return fail("blocks nested too deeply");
    for (;;) {
      const std::size_t open = rest_.find("{{");
      std::string_view text = rest_.substr(0, open);
      rest_.remove_prefix(text.size());
      if (rest_.starts_with("{{- ") || rest_.starts_with("{{-\t") || rest_.starts_with("{{-\n")) {
        const std::size_t last = text.find_last_not_of(kSpaces);
        text = text.substr(0, last == text.npos ? 0 : last + 1);
      }
      if (!text.empty()) out.push_back({.kind = TemplateNode::Kind::text, .text = std::string(text)});
      if (rest_.empty()) return std::string();
      Result<std::string_view> inner = action_text();
      if (!inner) return inner.error();
      if (inner->starts_with("/*")) continue;
      Action action(*inner, scopes_);
      const std::string keyword(action.peek_word());
      if (keyword == "end" || keyword == "else") {
        action.word();
        action.spaces();
        return keyword + (action.at_end() ? "" : " " + std::string(action.rest()));
      }
      Result<TemplateNode> node = node_of(action, keyword, depth);
      if (!node) return node.error();
      out.push_back(std::move(*node));
    }
  }

  Result<TemplateNode> node_of(Action& action, const std::string& keyword, int depth) {
    TemplateNode node;
    node.kind = keyword == "if"      ? TemplateNode::Kind::if_
                : keyword == "with"  ? TemplateNode::Kind::with
                : keyword == "range" ? TemplateNode::Kind::range
                                     : TemplateNode::Kind::action;
    for (const char* other : {"define", "template", "block", "break", "continue"}) {
      if (keyword == other) return fail("{{" + keyword + "}} has no place in an address");
    }
    const bool block = node.kind != TemplateNode::Kind::action;
    if (block) {
      action.word();
      if (action.at_end()) return fail("missing value for " + keyword);
    } else if (action.at_end()) {
      return fail("missing value for command");
    }
    Result<TemplatePipeline> pipeline = action.pipeline(0, keyword == "range");
    if (!pipeline) return pipeline.error();
    if (!action.at_end()) {
      return fail("unexpected " + base::quote(action.rest().substr(0, 1)) + (block ? " in " + keyword : " in command"));
    }
    node.pipeline = std::move(*pipeline);
    const auto declare = [&] {
      if (node.pipeline.declares) scopes_.back().insert(node.pipeline.variables.begin(), node.pipeline.variables.end());
    };
    if (!block) {
      declare();
      return node;
    }
    scopes_.emplace_back();
    declare();
    Result<std::string> end = nodes(node.body, depth + 1);
    scopes_.pop_back();
    if (!end) return end.error();
    if (end->starts_with("else")) {
      scopes_.emplace_back();
      end = behind_else(node, std::string_view(*end).substr(4), depth);
      scopes_.pop_back();
      if (!end) return end.error();
    }
    if (*end != "end") return fail(end->empty() ? "unexpected EOF" : "expected end; found {{" + *end + "}}");
    return node;
  }

  /// "else", or "else if X", which is an if within else that shares its end.
  Result<std::string> behind_else(TemplateNode& node, std::string_view text, int depth) {
    const std::size_t start = text.find_first_not_of(kSpaces);
    if (start == text.npos) return nodes(node.otherwise, depth + 1);
    Action action(text.substr(start), scopes_);
    const std::string keyword(action.peek_word());
    if (keyword != "if" && keyword != "with") return fail("unexpected " + base::quote(keyword) + " in else");
    Result<TemplateNode> inner = node_of(action, keyword, depth + 1);
    if (!inner) return inner.error();
    node.otherwise.push_back(std::move(*inner));
    return std::string("end");
  }

  /// Takes "{{...}}" away; what is between, without marks to trim spaces.
  Result<std::string_view> action_text() {
    std::string_view inner = rest_.substr(2);
    if (inner.starts_with("- ") || inner.starts_with("-\t") || inner.starts_with("-\n")) inner.remove_prefix(2);
    const bool comment = inner.starts_with("/*");
    std::size_t end = 0;
    if (comment) {
      end = inner.find("*/");
      if (end == inner.npos) return fail("unclosed comment");
      end = inner.find("}}", end);
      if (end == inner.npos) return fail("comment ends before closing delimiter");
    } else {
      for (;; ++end) {
        if (end >= inner.size()) return fail("unclosed action");
        if (inner[end] == '\n') return fail("unclosed action");
        if (inner.substr(end).starts_with("}}")) break;
        const char quote = inner[end];
        if (quote != '"' && quote != '`') continue;
        for (++end; end < inner.size() && inner[end] != quote;) end += quote == '"' && inner[end] == '\\' ? 2 : 1;
        if (end >= inner.size()) {
          return fail(quote == '"' ? "unterminated quoted string" : "unterminated raw quoted string");
        }
      }
    }
    rest_ = inner.substr(end + 2);
    inner = inner.substr(0, end);
    if (inner.ends_with(" -") || inner.ends_with("\t-")) {
      inner.remove_suffix(2);
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size()));
    }
    return inner;
  }

  std::string_view rest_;
  std::vector<std::set<std::string>> scopes_{1};
};

}  // namespace

bool is_template_function(std::string_view name) {
  static const std::set<std::string_view> known = {"GetAllInterfaces",
                                                   "GetDefaultInterfaces",
                                                   "GetPrivateInterfaces",
                                                   "GetPublicInterfaces",
                                                   "GetPrivateIP",
                                                   "GetPrivateIPs",
                                                   "GetPublicIP",
                                                   "GetPublicIPs",
                                                   "GetInterfaceIP",
                                                   "GetInterfaceIPs",
                                                   "include",
                                                   "exclude",
                                                   "sort",
                                                   "limit",
                                                   "offset",
                                                   "unique",
                                                   "attr",
                                                   "join",
                                                   "math",
                                                   "and",
                                                   "or",
                                                   "not",
                                                   "len",
                                                   "index",
                                                   "print",
                                                   "println",
                                                   "printf",
                                                   "eq",
                                                   "ne",
                                                   "lt",
                                                   "le",
                                                   "gt",
                                                   "ge"};
  return known.contains(name);
}

Result<std::vector<TemplateNode>> parse_template(std::string_view text) {
  return Parser(text).run();
}

}  // namespace proconsul::agent::config
