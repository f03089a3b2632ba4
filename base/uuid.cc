#include "base/uuid.h"

#include "base/base64.h"

namespace proconsul::base {

std::string generate_uuid(Random& random) {
  return format_uuid(random.bytes(16));
}

std::string format_uuid(std::string_view bytes) {
  std::string text = to_hex(bytes.substr(0, 16));
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) text.insert(dash, 1, '-');
  return text;
}

Result<std::string> parse_uuid(std::string_view text) {
  if (text.size() != 36) return {Errc::invalid_argument, "uuid string is wrong length"};
  std::string digits(text);
  for (const std::size_t dash : {23u, 18u, 13u, 8u}) {
    if (text[dash] != '-') return {Errc::invalid_argument, "uuid is improperly formatted"};
    digits.erase(dash, 1);
  }
  return from_hex(digits);
}

}  // namespace proconsul::base
