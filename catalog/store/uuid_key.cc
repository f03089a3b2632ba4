#include "catalog/store/uuid_key.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"

namespace proconsul::catalog {

base::Result<std::string> uuid_key(std::string_view id) {
  const auto wrong = [](std::string text) { return base::Error{base::Errc::internal, std::move(text)}; };
  constexpr std::size_t kLength = 36;
  if (id.size() != kLength) return wrong("UUID must be 36 characters");
  const auto hyphens = std::ranges::count(id, '-');
  if (hyphens > 4) return wrong("UUID should have maximum of 4 \"-\"; got " + std::to_string(hyphens));
  std::string digits(id);
  std::erase(digits, '-');
  if (digits.size() % 2 != 0) return wrong("Input (without hyphens) must be even length");
  base::Result<std::string> bytes = base::from_hex(digits);
  if (!bytes) return wrong("Invalid UUID: " + bytes.error().detail);
  return bytes;
}

}  // namespace proconsul::catalog
