#include "base/path.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace proconsul::base {

std::string join_path(std::string_view first, std::string_view second) {
  std::string joined(first);
  if (!first.empty() && !second.empty()) joined += '/';
  joined += second;
  if (joined.empty()) return joined;

  const bool rooted = joined[0] == '/';
  std::vector<std::string_view> parts;
  for (std::string_view rest = joined; !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!rooted) {
      parts.push_back(part);
    }
  }
  std::string out = rooted ? "/" : "";
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (at > 0) out += '/';
    out += parts[at];
  }
  return out.empty() ? "." : out;
}

}  // namespace proconsul::base
