#include "agent/config/locate.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>

#include "base/hcl/hcl.h"
#include "base/json.h"
#include "base/json_scanner.h"

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

std::size_t line_at(std::string_view text, std::size_t offset) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, offset), '\n'));
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
    const bool last = at + 1 == parts.size();
    const bool blocks = item.value.kind == Node::Kind::object;
    if (part.index && blocks && block++ != *part.index) continue;
    if (last && part.index && *part.index < item.value.elements.size()) {
      return item.value.elements[*part.index].position.line;
    }
    if (last) return item.keys[0].position.line;
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
    const Part& part = parts_[wanted];
    const bool last = wanted + 1 == parts_.size();
    spaces();
    if (last && (!part.index || at_ >= text_.size() || text_[at_] != '[')) {
      line_ = line_at(text_, text_.find('"', start));
      return;
    }
    if (part.index && accept('[')) {
      for (std::size_t i = 0; line_ == 0 && at_ < text_.size() && !accept(']'); ++i) {
        spaces();
        if (last && i == *part.index) {
          line_ = line_at(text_, at_);
          return;
        }
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

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

void find_repeated(const Node& node, const std::string& path, std::vector<Repeated>& out) {
  for (const Node& element : node.elements) find_repeated(element, path, out);
  std::map<std::string_view, std::size_t> lines;  // of the keys with one value
  for (const Item& item : node.items) {
    const Item::Key& key = item.keys[0];
    if (item.keys.size() == 1 && item.value.kind != Node::Kind::object && item.value.kind != Node::Kind::list) {
      const auto [seen, fresh] = lines.try_emplace(key.text, key.position.line);
      if (!fresh) out.push_back({below(path, key.text), seen->second, key.position.line});
    }
    find_repeated(item.value, below(path, key.text), out);
  }
}

/// The objects and lists around the place that a walk through a valid JSON text has reached.
class JsonKeys {
 public:
  explicit JsonKeys(std::string_view text, std::string_view list = {}) : text_(text), list_(list) {}

  std::vector<Repeated>& repeated() { return found_; }
  /// Of the objects in the list `list` at the top.
  std::vector<std::size_t>& elements() { return elements_; }

  void run() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (c == '{' && open_.size() == 2 && !open_[1].object && same(open_[0].key, list_)) elements_.push_back(line_);
      if (c == '{' || c == '[') open_.push_back({.object = c == '{', .key = {}, .lines = {}});
      if (c == '}' || c == ']') open_.pop_back();
      if (c == ',' && !open_.empty()) open_.back().value = false;
      if (c == ':' && !open_.empty()) open_.back().value = true;
      if (c == '"') string();
    }
  }

 private:
  struct Level {
    bool object{};
    bool value{};  // between a colon and the comma after it
    std::string key{};
    std::map<std::string, std::size_t> lines{};
  };

  void string() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (open_.empty() || !open_.back().object || open_.back().value) return;
    const std::string_view written = text_.substr(start, at_ + 1 - start);
    Level& level = open_.back();
    level.key = base::from_json<std::string>(written).value_or(std::string(written));
    const auto [seen, fresh] = level.lines.try_emplace(level.key, line_);
    if (!fresh) found_.push_back({path(), seen->second, line_});
  }

  std::string path() const {
    std::string out;
    for (const Level& level : open_) {
      if (level.object) out = below(out, level.key);
    }
    return out;
  }

  std::string_view text_;
  std::string_view list_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<std::size_t> elements_;
  std::vector<Level> open_;
  std::vector<Repeated> found_;
};

}  // namespace

std::size_t line_of_json_error(std::string_view text) {
  const auto scan = [&](std::size_t size) { return base::scan_json(text.substr(0, size), base::JsonInput::first); };
  if (const auto value = scan(text.size())) {
    const std::size_t behind = static_cast<std::size_t>(value->data() + value->size() - text.data());
    const std::size_t rest = text.find_first_not_of(" \t\r\n", behind);
    return rest == text.npos ? 0 : line_at(text, rest);
  }
  // Every beginning of the text is merely unfinished until it holds the byte that is wrong.
  const auto broken = [&](std::size_t size) {
    const auto scanned = scan(size);
    return !scanned && !scanned.error().detail.ends_with("EOF");
  };
  std::size_t fine = 0, wrong = text.size();
  if (!broken(wrong)) return line_at(text, text.size());
  while (wrong - fine > 1) {
    const std::size_t middle = fine + (wrong - fine) / 2;
    (broken(middle) ? wrong : fine) = middle;
  }
  return line_at(text, fine);
}

std::vector<Repeated> repeated_hcl_keys(const Node& file) {
  std::vector<Repeated> out;
  find_repeated(file, {}, out);
  return out;
}

std::vector<Repeated> repeated_json_keys(std::string_view text) {
  JsonKeys keys(text);
  keys.run();
  return std::move(keys.repeated());
}

std::vector<std::size_t> lines_of_hcl_elements(const Node& file, std::string_view key) {
  std::vector<std::size_t> out;
  for (const Item& item : file.items) {
    if (!same(item.keys[0].text, key)) continue;
    if (item.value.kind != Node::Kind::list) out.push_back(item.keys[0].position.line);
    for (const Node& element : item.value.elements) out.push_back(element.position.line);
  }
  return out;
}

std::vector<std::size_t> lines_of_json_elements(std::string_view text, std::string_view key) {
  JsonKeys keys(text, key);
  keys.run();
  return std::move(keys.elements());
}

std::size_t line_of_hcl_key(const Node& file, std::string_view key) {
  const std::vector<Part> parts = split(key);
  return parts.empty() ? 0 : in_object(file, parts, 0);
}

std::size_t line_of_json_key(std::string_view text, std::string_view key) {
  const std::vector<Part> parts = split(key);
  return parts.empty() ? 0 : JsonWalk(text, parts).run();
}

}  // namespace proconsul::agent::config
