#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

void append_lower_case(std::string& out, std::string_view text) {
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  append_lower_case(lower, text);
  return lower;
}

std::string index_key(std::initializer_list<std::string_view> parts) {
  std::size_t size = parts.size();
  for (const auto part : parts) size += part.size();
  std::string key;
  key.reserve(size);
  for (const auto part : parts) {
    append_lower_case(key, part);
    key += '\0';
  }
  return key;
}

}  // namespace proconsul::catalog
