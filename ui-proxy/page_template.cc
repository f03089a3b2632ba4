#include "ui-proxy/page_template.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/go_text.h"
#include "base/json.h"
#include "base/type_of.h"

namespace proconsul::ui_proxy {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::size_t kDeepest = 32;         // blocks in blocks
constexpr std::size_t kLargest = 64u << 20;  // of what comes out

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// "if .A" -> "if"; what is left of the action is its operand.
std::string_view take_word(std::string_view& action) {
  const std::size_t end = std::min(action.find_first_of(kBlanks), action.size());
  const std::string_view word = action.substr(0, end);
  action = trimmed(action.substr(end));
  return word;
}

struct Block;
using Blocks = std::vector<Block>;

struct Block {
  enum class Kind { text, show, json, choice, loop, with } kind{};
  std::string_view text{};  // or the operand
  Blocks then{};
  Blocks otherwise{};
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Blocks> parse() {
    Blocks blocks;
    Result<std::string_view> end = list(blocks, 0);
    if (!end) return end.error();
    if (!end->empty()) return Error{Errc::invalid_argument, "unexpected {{" + std::string(*end) + "}}"};
    return blocks;
  }

 private:
  /// Up to the action that ends it: "end", "else ..." or, at the end of all, nothing.
  Result<std::string_view> list(Blocks& out, std::size_t depth) {
    if (depth > kDeepest) return Error{Errc::invalid_argument, "too many blocks in blocks"};
    while (true) {
      const std::size_t open = text_.find("{{", at_);
      std::string_view plain = text_.substr(at_, open == text_.npos ? open : open - at_);
      if (trim_next_) plain.remove_prefix(std::min(plain.find_first_not_of(kBlanks), plain.size()));
      trim_next_ = false;
      if (open == text_.npos) {
        at_ = text_.size();
        if (!plain.empty()) out.push_back({.kind = Block::Kind::text, .text = plain});
        return std::string_view{};
      }
      std::size_t begin = open + 2;
      if (text_.substr(begin).starts_with("- ")) {
        plain = plain.substr(0, plain.find_last_not_of(kBlanks) + 1);
        begin += 2;
      }
      if (!plain.empty()) out.push_back({.kind = Block::Kind::text, .text = plain});
      const bool is_comment = trimmed(text_.substr(begin, 64)).starts_with("/*");
      const std::size_t body_end = is_comment ? text_.find("*/", begin) : begin;
      const std::size_t close = body_end == text_.npos ? body_end : text_.find("}}", body_end);
      if (close == text_.npos)
        return Error{Errc::invalid_argument, is_comment ? "unclosed comment" : "unclosed action"};
      at_ = close + 2;
      std::string_view action = text_.substr(begin, close - begin);
      if (action.ends_with(" -")) {
        trim_next_ = true;
        action.remove_suffix(2);
      }
      if (is_comment) continue;
      action = trimmed(action);
      std::string_view rest = action;
      const std::string_view word = take_word(rest);
      if (word == "end" || word == "else") return action;
      Result<Block> block = one(word, rest, depth);
      if (!block) return block.error();
      out.push_back(std::move(*block));
    }
  }

  Result<Block> one(std::string_view word, std::string_view operand, std::size_t depth) {
    Block block{.text = operand};
    if (word == "if" || word == "range" || word == "with") {
      block.kind = word == "if" ? Block::Kind::choice : word == "range" ? Block::Kind::loop : Block::Kind::with;
      return branches(std::move(block), depth);
    }
    if (word == "jsonEncode") {
      block.kind = Block::Kind::json;
    } else {
      block.kind = Block::Kind::show;
      if (!operand.empty()) return unknown(word);
      block.text = word;
    }
    if (Result<> is_path = check(block.text); !is_path) return is_path.error();
    return block;
  }

  Result<Block> branches(Block block, std::size_t depth) {
    if (Result<> is_path = check(block.text); !is_path) return is_path.error();
    Result<std::string_view> end = list(block.then, depth + 1);
    if (!end) return end.error();
    std::string_view rest = *end;
    const std::string_view word = take_word(rest);
    if (word == "else" && rest.empty()) {
      end = list(block.otherwise, depth + 1);
      if (!end) return end.error();
      if (*end != "end") return Error{Errc::invalid_argument, "unexpected {{" + std::string(*end) + "}}"};
      return block;
    }
    if (word == "else") {  // else if .B: one block, whose end is ours, too
      const std::string_view inner_word = take_word(rest);
      if (inner_word != "if" && inner_word != "with") return unknown(inner_word);
      Result<Block> inner = one(inner_word, rest, depth + 1);
      if (!inner) return inner.error();
      block.otherwise.push_back(std::move(*inner));
      return block;
    }
    if (*end != "end") return Error{Errc::invalid_argument, "unexpected EOF"};
    return block;
  }

  static Error unknown(std::string_view word) {
    return {Errc::invalid_argument, "function \"" + std::string(word) + "\" not defined"};
  }
  static Result<> check(std::string_view operand) {
    if (operand.starts_with('$')) operand.remove_prefix(1);
    constexpr std::string_view kNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    if ((operand.empty() || operand.starts_with('.')) && operand.find_first_not_of(kNames) == operand.npos) return {};
    return unknown(operand);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool trim_next_ = false;
};

/// What Go holds for true: what is not the zero value of its type.
bool truth(const Value& value) {
  if (const bool* flag = value.as_bool()) return *flag;
  if (const std::string* text = value.as_string()) return !text->empty();
  if (const Value::ListType* list = value.as_list()) return !list->empty();
  if (const Value::MapType* map = value.as_map()) return !map->empty();
  return value.is_number() && value.number() != 0;
}

class Renderer {
 public:
  explicit Renderer(const Value& root) : root_(root) {}

  Result<> render(const Blocks& blocks, const Value& dot, std::string& out) {
    for (const Block& block : blocks) {
      if (out.size() > kLargest) return Error{Errc::too_large, "the page is larger than 64 MiB"};
      if (Result<> done = one(block, dot, out); !done) return done;
    }
    return {};
  }

 private:
  const Value& at(std::string_view path, const Value& dot) const {
    const Value* value = &dot;
    if (path.starts_with('$')) {
      value = &root_;
      path.remove_prefix(1);
    }
    while (!path.empty()) {
      path.remove_prefix(1);  // '.'
      const std::size_t end = std::min(path.find('.'), path.size());
      if (end > 0) value = value->find(path.substr(0, end));
      path.remove_prefix(end);
      if (value == nullptr) return nothing_;
    }
    return *value;
  }

  Result<> one(const Block& block, const Value& dot, std::string& out) {
    if (block.kind == Block::Kind::text) {
      out += block.text;
      return {};
    }
    const Value& value = at(block.text, dot);
    switch (block.kind) {
      case Block::Kind::text:
        break;
      case Block::Kind::show:
        out += value.is_nil() ? "<no value>" : base::go_text(value);
        break;
      case Block::Kind::json:
        out += page_json(value);
        break;
      case Block::Kind::choice:
        return render(truth(value) ? block.then : block.otherwise, dot, out);
      case Block::Kind::with:
        return truth(value) ? render(block.then, value, out) : render(block.otherwise, dot, out);
      case Block::Kind::loop:
        if (!truth(value)) return render(block.otherwise, dot, out);
        if (const Value::ListType* list = value.as_list()) {
          for (const Value& item : *list) {
            if (Result<> done = render(block.then, item, out); !done) return done;
          }
        } else if (const Value::MapType* map = value.as_map()) {
          for (const auto& [name, item] : *map) {
            if (Result<> done = render(block.then, item, out); !done) return done;
          }
        } else {
          return Error{Errc::invalid_argument, "range can't iterate over " + base::go_text(value)};
        }
    }
    return {};
  }

  const Value& root_;
  const Value nothing_{};
};

}  // namespace

std::string page_json(const Value& value) {
  std::string wide;
  base::append_indented_json(wide, base::to_json(value));
  // By four blanks each; no text holds a line break of its own.
  std::string out;
  for (std::size_t at = 0; at < wide.size();) {
    const std::size_t end = std::min(wide.find('\n', at), wide.size() - 1) + 1;
    const std::size_t blanks = std::min(wide.find_first_not_of(' ', at), end) - at;
    out.append(blanks / 2, ' ').append(wide, at + blanks, end - at - blanks);
    at = end;
  }
  return out;
}

Result<std::string> render_page(std::string_view text, const Value& data) {
  Result<Blocks> blocks = Parser(text).parse();
  if (!blocks) return blocks.error();
  std::string out;
  if (Result<> done = Renderer(data).render(*blocks, data, out); !done) return done.error();
  return out;
}

}  // namespace proconsul::ui_proxy
