#include "agent/auth/xml.h"

#include <cctype>
#include <utility>

#include "base/strconv.h"
#include "base/utf8.h"

namespace proconsul::agent::auth {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Error wrong(const std::string& why) {
  return {Errc::invalid_argument, "XML syntax error: " + why};
}

class Reader {
 public:
  explicit Reader(std::string_view document) : rest_(document) {}

  Result<XmlElement> read() {
    if (Result<> done = skip_between(); !done) return done.error();
    if (!rest_.starts_with('<')) return wrong("there is no element");
    Result<XmlElement> root = element(0);
    if (!root) return root;
    if (Result<> done = skip_between(); !done) return done.error();
    if (!rest_.empty()) return wrong("something follows the element");
    return root;
  }

 private:
  /// Spaces, comments and processing instructions outside of the root.
  Result<> skip_between() {
    for (;;) {
      while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0]))) rest_.remove_prefix(1);
      if (rest_.starts_with("<?")) {
        if (!skip_past("?>")) return wrong("unexpected EOF");
      } else if (rest_.starts_with("<!--")) {
        if (!skip_past("-->")) return wrong("unexpected EOF");
      } else if (rest_.starts_with("<!")) {
        return wrong("declarations are refused");
      } else {
        return {};
      }
    }
  }

  bool skip_past(std::string_view end) {
    const std::size_t at = rest_.find(end);
    if (at == rest_.npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }

  /// What stands in <...>: the name; whether the element ends with it.
  struct Tag {
    std::string name{};
    bool is_empty = false;
  };
  Result<Tag> tag() {
    // A '>' may stand in the quotes of an attribute.
    std::size_t end = 0;
    for (char quote = '\0'; end < rest_.size() && (quote != '\0' || rest_[end] != '>'); ++end) {
      if (quote != '\0') {
        if (rest_[end] == quote) quote = '\0';
      } else if (rest_[end] == '"' || rest_[end] == '\'') {
        quote = rest_[end];
      }
    }
    if (end == rest_.size()) return wrong("unexpected EOF");
    std::string_view inside = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    Tag tag;
    tag.is_empty = inside.ends_with('/');
    if (tag.is_empty) inside.remove_suffix(1);
    std::string_view name = inside.substr(0, inside.find_first_of(" \t\r\n"));
    if (const std::size_t colon = name.rfind(':'); colon != name.npos) name.remove_prefix(colon + 1);
    if (name.empty() || name.find_first_of("<&\"'") != name.npos) return wrong("invalid element name");
    tag.name = name;
    return tag;
  }

  Result<> add_text(std::string_view text, std::string& to) {
    while (!text.empty()) {
      const std::size_t at = text.find('&');
      to += text.substr(0, at);
      if (at == text.npos) break;
      text.remove_prefix(at + 1);
      const std::size_t end = text.find(';');
      if (end == text.npos) return wrong("invalid character entity");
      const std::string_view entity = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (entity == "amp") {
        to += '&';
      } else if (entity == "lt") {
        to += '<';
      } else if (entity == "gt") {
        to += '>';
      } else if (entity == "quot") {
        to += '"';
      } else if (entity == "apos") {
        to += '\'';
      } else if (!add_code_point(entity, to)) {
        return wrong("invalid character entity");
      }
    }
    return {};
  }

  static bool add_code_point(std::string_view entity, std::string& to) {
    if (!entity.starts_with('#')) return false;
    const bool is_hex = entity.starts_with("#x");
    const Result<std::uint64_t> code = base::parse_uint(entity.substr(is_hex ? 2 : 1), is_hex ? 16 : 10, 32);
    if (!code || *code == 0 || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff)) return false;
    base::append_rune(to, static_cast<char32_t>(*code));
    return true;
  }

  /// From its '<' to its end.
  Result<XmlElement> element(std::size_t depth) {
    if (depth == kMaxXmlDepth) return wrong("elements are nested too deeply");
    if (++elements_ > kMaxXmlElements) return wrong("too many elements");
    rest_.remove_prefix(1);
    Result<Tag> opened = tag();
    if (!opened) return opened.error();
    XmlElement element{.name = std::move(opened->name)};
    if (opened->is_empty) return element;
    for (;;) {
      const std::size_t next = rest_.find('<');
      if (next == rest_.npos) return wrong("unexpected EOF");
      if (Result<> added = add_text(rest_.substr(0, next), element.text); !added) return added.error();
      rest_.remove_prefix(next);
      if (rest_.starts_with("</")) {
        rest_.remove_prefix(2);
        const Result<Tag> closed = tag();
        if (!closed) return closed.error();
        if (closed->name != element.name) {
          return wrong("element <" + element.name + "> closed by </" + closed->name + ">");
        }
        return element;
      }
      if (rest_.starts_with("<!--")) {
        if (!skip_past("-->")) return wrong("unexpected EOF");
      } else if (rest_.starts_with("<![CDATA[")) {
        rest_.remove_prefix(9);
        const std::size_t end = rest_.find("]]>");
        if (end == rest_.npos) return wrong("unexpected EOF");
        element.text += rest_.substr(0, end);
        rest_.remove_prefix(end + 3);
      } else if (rest_.starts_with("<!") || rest_.starts_with("<?")) {
        return wrong("declarations are refused");
      } else {
        Result<XmlElement> child = this->element(depth + 1);
        if (!child) return child;
        element.children.push_back(std::move(*child));
      }
    }
  }

  std::string_view rest_;
  std::size_t elements_ = 0;
};

}  // namespace

std::vector<const XmlElement*> XmlElement::all(std::string_view child) const {
  std::vector<const XmlElement*> found;
  for (const XmlElement& each : children) {
    if (each.name == child) found.push_back(&each);
  }
  return found;
}

std::string XmlElement::text_of(std::string_view child) const {
  const std::vector<const XmlElement*> found = all(child);
  return found.empty() ? std::string() : found.back()->text;
}

Result<XmlElement> read_xml(std::string_view document) {
  return Reader(document).read();
}

}  // namespace proconsul::agent::auth
