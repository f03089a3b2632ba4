// A small XML reader, for the answers of AWS: elements and their text. Attributes mean nothing; a document type
// declaration, and with it entities of its own, is refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::agent::auth {

struct XmlElement {
  std::string name{};  // without its namespace's prefix
  std::string text{};  // of this element alone, unescaped
  std::vector<XmlElement> children{};

  std::vector<const XmlElement*> all(std::string_view child) const;
  /// The text of the last child of that name, as Go's decoder takes it; empty if there is none.
  std::string text_of(std::string_view child) const;
};

inline constexpr std::size_t kMaxXmlDepth = 32;
inline constexpr std::size_t kMaxXmlElements = 10'000;

/// The root element.
base::Result<XmlElement> read_xml(std::string_view document);

}  // namespace proconsul::agent::auth
