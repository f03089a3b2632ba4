#include <algorithm>
#include <tuple>

#include "agent/http/request.h"

namespace proconsul::agent::http {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

}  // namespace

std::string query_escape(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

std::string Request::encoded_params() const {
  std::vector<const Pair*> sorted;
  for (const Pair& pair : params_) sorted.push_back(&pair);
  // Equal names keep their order: the pairs lie in one vector.
  std::sort(sorted.begin(), sorted.end(),
            [](const Pair* a, const Pair* b) { return std::tie(a->first, a) < std::tie(b->first, b); });
  std::string out;
  for (const Pair* pair : sorted) {
    const auto& [name, value] = *pair;
    if (!out.empty()) out += '&';
    append_escaped(out, name);
    out += '=';
    append_escaped(out, value);
  }
  return out;
}

}  // namespace proconsul::agent::http
