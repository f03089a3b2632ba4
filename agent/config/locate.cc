#include "agent/config/locate.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "base/hcl/hcl.h"

namespace proconsul::agent::config {
namespace {

struct Part {
  std::string name{};
  std::optional<std::size_t> index{};  // "services[1]"
  std::string map_key{};               // "header[x]"
};

std::vector<Part> split(std::string_view key) {
  std::vector<Part> parts;
  while (!key.empty()) {
    const std::size_t dot = key.find('.');
    std::string_view word = key.substr(0, dot);
    key.remove_prefix(dot == key.npos ? key.size() : dot + 1);
    Part part;
    if (const std::size_t bracket = word.find('['); bracket != word.npos && word.ends_with(']')) {
      const std::string_view inner = word.substr(bracket + 1, word.size() - bracket - 2);
      std::size_t index = 0;
      auto [end, code] = std::from_chars(inner.data(), inner.data() + inner.size(), index);
      if (code == std::errc{} && end == inner.data() + inner.size()) {
        part.index = index;
      } else {
        part.map_key = inner;
      }
      word = word.substr(0, bracket);
    }
    part.name = word;
    parts.push_back(std::move(part));
  }
  return parts;
}

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

using base::hcl::Item;
using base::hcl::Node;

std::size_t in_value(const Node& node, const std::vector<Part>& parts, std::size_t at);

std::size_t in_object(const Node& object, const std::vector<Part>& parts, std::size_t at) {
  const Part& part = parts[at];
  std::size_t block = 0;
  for (const Item& item : object.items) {
    if (!same(item.keys[0].text, part.name)) continue;
    if (at + 1 == parts.size()) return item.keys[0].position.line;
    const bool blocks = item.value.kind == Node::Kind::object;
    if (part.index && blocks && block++ != *part.index) continue;
    // A label counts as one more level.
    std::size_t next = at + 1;
    bool matches = true;
    for (std::size_t i = 1; i < item.keys.size() && matches; ++i) {
      if (!part.map_key.empty() && i == 1) {
        matches = item.keys[i].text == part.map_key;
      } else {
        matches = next < parts.size() && same(item.keys[i].text, parts[next].name);
        if (matches && ++next == parts.size()) return item.keys[i].position.line;
      }
    }
    if (!matches || next >= parts.size()) continue;
    const Node* value = &item.value;
    if (part.index && value->kind == Node::Kind::list) {
      if (*part.index >= value->elements.size()) continue;
      value = &value->elements[*part.index];
    }
    if (std::size_t line = in_value(*value, parts, next); line > 0) return line;
  }
  return 0;
}

std::size_t in_value(const Node& node, const std::vector<Part>& parts, std::size_t at) {
  if (node.kind == Node::Kind::object) return in_object(node, parts, at);
  for (const Node& element : node.elements) {
    if (std::size_t line = in_value(element, parts, at); line > 0) return line;
  }
  return 0;
}

/// Walks a JSON text; `wanted` is the path still to go while the walk is on the right branch.
class JsonWalk {
 public:
  JsonWalk(std::string_view text, const std::vector<Part>& parts) : text_(text), parts_(parts) {}
  std::size_t run() {
    value(0);
    return line_;
  }

 private:
  static constexpr std::size_t kElsewhere = ~std::size_t{0};

  void spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool accept(char c) {
    spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view string() {
    spaces();
    const std::size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const std::string_view out = text_.substr(start, std::min(at_, text_.size()) - start);
    ++at_;
    return out;
  }

  void value(std::size_t wanted) {
    spaces();
    if (at_ >= text_.size() || line_ > 0) return;
    if (text_[at_] == '"') {
      string();
    } else if (accept('{')) {
      while (line_ == 0 && at_ < text_.size() && !accept('}')) {
        const std::size_t start = at_;
        const std::string_view key = string();
        accept(':');
        member(key, start, wanted);
        accept(',');
      }
    } else if (accept('[')) {
      while (line_ == 0 && at_ < text_.size() && !accept(']')) {
        value(wanted);
        accept(',');
      }
    } else {
      while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    }
  }

  void member(std::string_view key, std::size_t start, std::size_t wanted) {
    if (wanted == kElsewhere || !same(key, parts_[wanted].name)) return value(kElsewhere);
    if (wanted + 1 == parts_.size()) {
      spaces();
      line_ = 1 + static_cast<std::size_t>(std::ranges::count(text_.substr(0, text_.find('"', start)), '\n'));
      return;
    }
    const Part& part = parts_[wanted];
    spaces();
    if (part.index && accept('[')) {
      for (std::size_t i = 0; line_ == 0 && at_ < text_.size() && !accept(']'); ++i) {
        value(i == *part.index ? wanted + 1 : kElsewhere);
        accept(',');
      }
    } else if (!part.map_key.empty() && accept('{')) {
      while (line_ == 0 && at_ < text_.size() && !accept('}')) {
        const bool right = string() == part.map_key;
        accept(':');
        value(right ? wanted + 1 : kElsewhere);
        accept(',');
      }
    } else {
      value(wanted + 1);
    }
  }

  std::string_view text_;
  const std::vector<Part>& parts_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
};

}  // namespace

std::size_t line_of_hcl_key(const Node& file, std::string_view key) {
  const std::vector<Part> parts = split(key);
  return parts.empty() ? 0 : in_object(file, parts, 0);
}

std::size_t line_of_json_key(std::string_view text, std::string_view key) {
  const std::vector<Part> parts = split(key);
  return parts.empty() ? 0 : JsonWalk(text, parts).run();
}

}  // namespace proconsul::agent::config
