#include <algorithm>
#include <optional>
#include <set>

#include "base/hcl/scanner.h"
#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::base::hcl {
namespace {

Error error_at(const Position& position, std::string_view why) {
  return {Errc::invalid_argument, "At " + to_string(position) + ": " + std::string(why)};
}

/// The text that a quoted literal means. `${...}` is copied as it stands, whatever is inside.
std::optional<std::string> unquote_string(std::string_view literal) {
  if (literal.size() < 2 || !literal.starts_with('"') || !literal.ends_with('"')) return std::nullopt;
  std::string_view rest = literal.substr(1, literal.size() - 2);
  std::string out;
  while (!rest.empty()) {
    if (rest.starts_with("${")) {
      int braces = 1;
      std::size_t end = 2;
      for (; end < rest.size() && braces > 0; ++end) {
        if (rest[end] == '{') ++braces;
        if (rest[end] == '}') --braces;
      }
      if (braces != 0) return std::nullopt;
      out += rest.substr(0, end);
      rest.remove_prefix(end);
      continue;
    }
    // Plain text and escapes up to the next interpolation follow the rules of Go's literals.
    std::size_t end = 0;
    while (end < rest.size() && !rest.substr(end).starts_with("${")) end += rest[end] == '\\' ? 2 : 1;
    end = std::min(end, rest.size());
    Result<std::string> text = unquote("\"" + std::string(rest.substr(0, end)) + "\"");
    if (!text) return std::nullopt;
    out += *text;
    rest.remove_prefix(end);
  }
  return out;
}

/// The lines between the markers. With `<<-` the terminator's indentation is taken from every line, if all have it.
std::optional<std::string> heredoc_text(std::string_view token) {
  const std::size_t newline = token.find('\n');
  if (newline == token.npos) return std::nullopt;
  const bool indented = token.size() > 2 && token[2] == '-';
  const std::size_t anchor = newline - 2 - (indented ? 1 : 0);
  const std::size_t start = newline + 1;
  const std::size_t tail = anchor + 1;  // the terminator and its newline
  if (token.size() < start + tail) return std::nullopt;
  std::string_view body = token.substr(start, token.size() - start - tail);
  if (!indented) return std::string(body);

  const std::size_t last = body.rfind('\n');
  const std::string_view prefix = last == body.npos ? body : body.substr(last + 1);
  std::string out;
  for (std::string_view rest = body;;) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!line.starts_with(prefix)) {
      const std::size_t keep = body.find_last_not_of(" \t");
      return std::string(body.substr(0, keep == body.npos ? 0 : keep + 1));
    }
    if (end == rest.npos) return out;
    out += line.substr(prefix.size());
    out += '\n';
    rest.remove_prefix(end + 1);
  }
}

class Parser {
 public:
  Parser(std::string_view text, Options options) : scanner_(text), options_(options) {}

  Result<Node> file() {
    Node root;
    root.kind = Node::Kind::object;
    Result<> read = object_items(root, false);
    if (scanner_.error()) return *scanner_.error();
    if (!read) return read.error();
    if (!root.items.empty()) root.position = root.items[0].keys[0].position;
    return root;
  }

 private:
  /// The text may end where an item would begin, and (as the published parser has it) right behind "key =".
  enum class Outcome : std::uint8_t { item, end };

  Token scan() {
    if (held_) {
      held_ = false;
      return token_;
    }
    do {
      token_ = scanner_.scan();
    } while (token_.kind == TokenKind::comment);
    return token_;
  }
  void unscan() { held_ = true; }

  Result<> object_items(Node& object, bool in_braces) {
    std::set<std::string> seen;
    while (true) {
      if (in_braces) {
        const Token token = scan();
        unscan();
        if (token.kind == TokenKind::right_brace) return {};
      }
      Item item;
      Result<Outcome> outcome = object_item(item);
      if (!outcome) return outcome.error();
      if (*outcome == Outcome::end) return {};
      if (item.assigned && options_.refuse_duplicates) {
        for (const Item::Key& key : item.keys) {
          if (!seen.insert(key.written).second) {
            return Error{Errc::invalid_argument, "The argument " + quote(key.written) + " at " +
                                                     to_string(key.position) +
                                                     " was already set. Each argument can only be defined once"};
          }
        }
      }
      object.items.push_back(std::move(item));
      if (scan().kind != TokenKind::comma) unscan();
    }
  }

  Result<Outcome> object_item(Item& item) {
    TokenKind follows{};
    if (Result<> read = object_keys(item, follows); !read) return read.error();
    if (item.keys.empty() && follows == TokenKind::end) return Outcome::end;
    switch (follows) {
      case TokenKind::assign: {
        item.assigned = true;
        Result<Outcome> value = assigned_value(item.value);
        if (!value || *value == Outcome::end) return value;
        break;
      }
      case TokenKind::left_brace:
        if (Result<> read = object(item.value); !read) return read.error();
        break;
      default: {
        std::string names;
        for (const Item::Key& key : item.keys) {
          names += (names.empty() ? "" : " ") + key.written;
        }
        return error_at(token_.position, "key '" + names + "' expected start of object ('{') or assignment ('=')");
      }
    }
    return Outcome::item;
  }

  Result<> object_keys(Item& item, TokenKind& follows) {
    while (true) {
      const Token token = scan();
      follows = token.kind;
      switch (token.kind) {
        case TokenKind::end:
          return {};
        case TokenKind::assign:
          if (item.keys.size() > 1) return error_at(token.position, "nested object expected: LBRACE got: ASSIGN");
          if (item.keys.empty()) return error_at(token.position, "no object keys found!");
          return {};
        case TokenKind::left_brace:
          if (item.keys.empty()) return error_at(token.position, "expected: IDENT | STRING got: LBRACE");
          return {};
        case TokenKind::identifier:
          item.keys.push_back(
              {.text = std::string(token.text), .position = token.position, .written = std::string(token.text)});
          break;
        case TokenKind::string: {
          std::optional<std::string> text = unquote_string(token.text);
          if (!text && !scanner_.error()) return bad_literal(token);
          item.keys.push_back(
              {.text = std::move(text).value_or(""), .position = token.position, .written = std::string(token.text)});
          break;
        }
        case TokenKind::illegal:
          return error_at(token.position, "illegal character");
        case TokenKind::right_brace:
          if (!item.keys.empty()) return {};  // a key without a value, which the caller words
          [[fallthrough]];
        default:
          return error_at(token.position,
                          "expected: IDENT | STRING | ASSIGN | LBRACE got: " + std::string(to_string(token.kind)));
      }
    }
  }

  static bool is_literal(TokenKind kind) {
    return kind == TokenKind::number || kind == TokenKind::floating || kind == TokenKind::boolean ||
           kind == TokenKind::string || kind == TokenKind::heredoc;
  }

  /// What the scanner has complained about is reported at the end: the last lexical error of a text counts.
  static Error bad_literal(const Token& token) {
    return error_at(token.position, "invalid string literal " + std::string(token.text));
  }

  Result<Outcome> assigned_value(Node& node) {
    const Token token = scan();
    Result<> read;
    if (is_literal(token.kind)) {
      read = literal(token, node);
    } else if (token.kind == TokenKind::left_brace) {
      read = object(node);
    } else if (token.kind == TokenKind::left_bracket) {
      read = list(node);
    } else if (token.kind == TokenKind::end) {
      return Outcome::end;
    } else {
      read = error_at(token.position, "Unknown token: " + to_string(token.position) + " " +
                                          std::string(to_string(token.kind)) + " " + std::string(token.text));
    }
    if (!read) return read.error();
    return Outcome::item;
  }

  Result<> literal(const Token& token, Node& node) {
    node.position = token.position;
    std::optional<std::string> text;
    switch (token.kind) {
      case TokenKind::number:
        node.kind = Node::Kind::integer;
        text = token.text;
        break;
      case TokenKind::floating:
        node.kind = Node::Kind::floating;
        text = token.text;
        break;
      case TokenKind::boolean:
        node.kind = Node::Kind::boolean;
        text = token.text;
        break;
      case TokenKind::heredoc:
        node.kind = Node::Kind::text;
        text = heredoc_text(token.text);
        break;
      default:
        node.kind = Node::Kind::text;
        text = unquote_string(token.text);
        break;
    }
    if (!text && !scanner_.error()) return bad_literal(token);
    node.literal = std::move(text).value_or("");
    return {};
  }

  Result<> enter() {
    if (++depth_ > kMaxDepth) return error_at(token_.position, "objects and lists are nested too deeply");
    return {};
  }

  Result<> object(Node& node) {
    node.kind = Node::Kind::object;
    node.position = token_.position;
    if (Result<> entered = enter(); !entered) return entered;
    if (Result<> read = object_items(node, true); !read) return read;
    --depth_;
    const Token token = scan();
    if (token.kind != TokenKind::right_brace) {
      return error_at(token.position, "object expected closing RBRACE got: " + std::string(to_string(token.kind)));
    }
    return {};
  }

  Result<> list(Node& node) {
    node.kind = Node::Kind::list;
    node.position = token_.position;
    if (Result<> entered = enter(); !entered) return entered;
    for (bool need_comma = false;;) {
      const Token token = scan();
      if (need_comma && token.kind != TokenKind::comma && token.kind != TokenKind::right_bracket) {
        return error_at(token.position,
                        "error parsing list, expected comma or list end, got: " + std::string(to_string(token.kind)));
      }
      if (is_literal(token.kind)) {
        if (Result<> read = literal(token, node.elements.emplace_back()); !read) return read;
        need_comma = true;
      } else if (token.kind == TokenKind::comma) {
        need_comma = false;
      } else if (token.kind == TokenKind::left_brace) {
        if (Result<> read = object(node.elements.emplace_back()); !read) {
          return error_at(token.position, "error while trying to parse object within list: " + read.error().detail);
        }
        need_comma = true;
      } else if (token.kind == TokenKind::left_bracket) {
        if (Result<> read = list(node.elements.emplace_back()); !read) {
          return error_at(token.position, "error while trying to parse list within list: " + read.error().detail);
        }
      } else if (token.kind == TokenKind::right_bracket) {
        --depth_;
        return {};
      } else {
        return error_at(token.position, "unexpected token while parsing list: " + std::string(to_string(token.kind)));
      }
    }
  }

  Scanner scanner_;
  Options options_;
  Token token_;
  bool held_ = false;
  std::size_t depth_ = 0;
};

}  // namespace

Result<Node> parse(std::string_view text, Options options) {
  std::string unix_lines;
  if (text.find("\r\n") != text.npos) {
    unix_lines.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') unix_lines += text[i];
    }
    text = unix_lines;
  }
  return Parser(text, options).file();
}

}  // namespace proconsul::base::hcl
