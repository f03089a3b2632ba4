#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

/// Where it ends.
char* put_lower_case(char* out, std::string_view text) {
  for (const char c : text) *out++ = static_cast<char>(c | (c >= 'A' && c <= 'Z' ? 0x20 : 0));
  return out;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower;
  lower.resize_and_overwrite(text.size(), [text](char* out, std::size_t) {
    return static_cast<std::size_t>(put_lower_case(out, text) - out);
  });
  return lower;
}

std::string index_key(std::initializer_list<std::string_view> parts) {
  std::size_t size = parts.size();
  for (const auto part : parts) size += part.size();
  std::string key;
  key.resize_and_overwrite(size, [parts, size](char* out, std::size_t) {
    for (const auto part : parts) {
      out = put_lower_case(out, part);
      *out++ = '\0';
    }
    return size;
  });
  return key;
}

}  // namespace proconsul::catalog
