#include "acl/rules_reader.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/hcl/hcl.h"
#include "base/json.h"
#include "base/json_scanner.h"

namespace proconsul::acl {
namespace {

using base::hcl::Item;
using base::hcl::Node;
using base::hcl::Position;

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// An item with the first `skip` of its keys taken away.
struct Rest {
  const Item* item{};
  std::size_t skip{};

  std::size_t keys() const { return item->keys.size() - skip; }
  const Item::Key& key() const { return item->keys[skip]; }
};

Error error_at(const Position& position, const std::string& why) {
  return {Errc::invalid_argument, "At " + to_string(position) + ": " + why};
}

Error not_text(const Position& position, const std::string& field) {
  return error_at(position, field + ": unknown type for string *ast.ObjectList");
}

/// A text or an integer as it is written; what else stands there is an error.
Result<std::string> text_of(const std::string& field, const Node& node) {
  switch (node.kind) {
    case Node::Kind::text:
    case Node::Kind::integer:
      return node.literal;
    case Node::Kind::list:
      return error_at(node.position, field + ": unknown type for string *ast.ListType");
    case Node::Kind::object:
      return not_text(node.items.empty() ? Position{} : node.items[0].keys[0].position, field);
    default:
      return error_at(node.position, field + ": unknown type for string *ast.LiteralType");
  }
}

class Reader {
 public:
  explicit Reader(bool json) : json_(json) {}

  Result<WrittenRules> read(const Node& file) {
    for (std::size_t at = 0; at < kUnnamed; ++at) {
      const std::string name(to_string(static_cast<Resource>(at + kNamed)));
      if (Result<> ok = text(file, name, "root." + name, rules_.unnamed[at]); !ok) return ok.error();
    }
    for (std::size_t at = 0; at < kRuledByName; ++at) {
      const std::string name(to_string(static_cast<Resource>(at)));
      if (Result<> ok = blocks(file, name, rules_.exact[at]); !ok) return ok.error();
      if (Result<> ok = blocks(file, name + "_prefix", rules_.prefix[at]); !ok) return ok.error();
    }
    return std::move(rules_);
  }

 private:
  /// The last `name = ...` of an object.
  static Result<> text(const Node& object, std::string_view name, const std::string& field, std::string& out) {
    for (const Item& item : object.items) {
      if (!same_letters(item.keys[0].text, name)) continue;
      if (item.keys.size() > 1) return not_text(item.keys[1].position, field);
      Result<std::string> read = text_of(field, item.value);
      if (!read) return read.error();
      out = std::move(*read);
    }
    return {};
  }

  /// Every `name "label" {...}`, or `name { label {...} }`.
  Result<> blocks(const Node& file, const std::string& name, std::vector<WrittenRule>& out) {
    for (const Item& item : file.items) {
      if (!same_letters(item.keys[0].text, name)) continue;
      Result<> ok;
      if (item.keys.size() > 1) {
        ok = rule({&item, 1}, name, out);
      } else if (item.value.kind == Node::Kind::object) {
        ok = labels(item.value, name, out);
      } else if (item.value.kind == Node::Kind::list) {
        ok = list(item.value, name, out);
      } else {
        ok = error_at(item.value.position, "unknown slice type: *ast.LiteralType");
      }
      if (!ok) return ok;
    }
    return {};
  }

  Result<> labels(const Node& object, const std::string& name, std::vector<WrittenRule>& out) {
    for (const Item& item : object.items) {
      if (Result<> ok = rule({&item, 0}, name, out); !ok) return ok;
    }
    return {};
  }

  Result<> list(const Node& node, const std::string& name, std::vector<WrittenRule>& out) {
    for (const Node& element : node.elements) {
      const std::string field = "root." + name + "[" + std::to_string(out.size()) + "]: ";
      if (element.kind != Node::Kind::object) {
        return error_at(element.position, field + "not an object type for struct (*ast.LiteralType)");
      }
      if (!json_) return error_at(element.position, field + "Prefix asked for 'key', impossible");
      if (Result<> ok = labels(element, name, out); !ok) return ok;
    }
    return {};
  }

  /// One rule: its label, and what stands behind it.
  Result<> rule(Rest rest, const std::string& name, std::vector<WrittenRule>& out) {
    WrittenRule rule{.name = rest.key().text};
    const std::string field = "root." + name + "[" + std::to_string(out.size()) + "].";
    const Node& value = rest.item->value;
    const bool more_labels = rest.keys() > 1;
    if (!more_labels && value.kind == Node::Kind::list && json_) {
      for (const Node& element : value.elements) {
        if (Result<> ok = body(element, field, rule); !ok) return ok;
      }
    } else if (!more_labels && value.kind == Node::Kind::object) {
      if (Result<> ok = body(value, field, rule); !ok) return ok;
    } else if (!more_labels && !json_ && same_letters(rule.name, "policy")) {
      // `key { policy = "read" }` is a rule for what is named "policy".
      Result<std::string> read = text_of(field + "Policy", value);
      if (!read) return read.error();
      rule.policy = std::move(*read);
    }
    out.push_back(std::move(rule));
    return {};
  }

  static Result<> body(const Node& object, const std::string& field, WrittenRule& rule) {
    if (Result<> ok = text(object, "policy", field + "Policy", rule.policy); !ok) return ok;
    if (!field.starts_with("root.service")) return {};
    return text(object, "intentions", field + "Intentions", rule.intentions);
  }

  bool json_;
  WrittenRules rules_;
};

/// A JSON value as the tree of the same meaning: members that repeat stay apart, nil is an empty text. Without
/// positions, and without what lies deeper than any rule does.
class JsonReader {
 public:
  /// `text` is one value that the grammar has accepted, without space around it.
  static Node read(std::string_view text, int depth = 0) {
    Node node;
    node.kind = Node::Kind::text;
    if (text[0] == '{') {
      node.kind = Node::Kind::object;
      if (depth < kDepth) members(text, depth, node);
    } else if (text[0] == '[') {
      node.kind = Node::Kind::list;
      if (depth < kDepth) elements(text, depth, node);
    } else if (text[0] == '"') {
      node.literal = *base::from_json<std::string>(text);
    } else if (text[0] == 't' || text[0] == 'f') {
      node.kind = Node::Kind::boolean;
    } else if (text[0] != 'n') {
      node.kind = text.find_first_of(".eE") == text.npos ? Node::Kind::integer : Node::Kind::floating;
      node.literal = text;
    }
    return node;
  }

 private:
  static constexpr int kDepth = 6;

  static std::string_view rest(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t\r\n,:");
    return start == text.npos ? std::string_view() : text.substr(start);
  }
  static std::string_view next(std::string_view text) { return *base::scan_json(text, base::JsonInput::first); }

  static void members(std::string_view text, int depth, Node& object) {
    for (text = rest(text.substr(1)); text[0] != '}';) {
      const std::string_view key = next(text);
      text = rest(text.substr(key.size()));
      const std::string_view value = next(text);
      text = rest(text.substr(value.size()));
      object.items.push_back(
          {.keys = {{.text = *base::from_json<std::string>(key)}}, .assigned = true, .value = read(value, depth + 1)});
    }
  }

  static void elements(std::string_view text, int depth, Node& list) {
    for (text = rest(text.substr(1)); text[0] != ']';) {
      const std::string_view value = next(text);
      text = rest(text.substr(value.size()));
      list.elements.push_back(read(value, depth + 1));
    }
  }
};

}  // namespace

Result<WrittenRules> read_rules(std::string_view text, Duplicates duplicates) {
  const std::size_t start = text.find_first_not_of(" \t\r\n\v\f");
  if (start != text.npos && text[start] == '{') {
    Result<std::string_view> value = base::scan_json(text.substr(start), base::JsonInput::whole);
    if (!value) return value.error();
    return Reader(true).read(JsonReader::read(*value));
  }
  Result<Node> file = base::hcl::parse(text, {.refuse_duplicates = duplicates == Duplicates::refused});
  if (!file) return file.error();
  return Reader(false).read(*file);
}

}  // namespace proconsul::acl
