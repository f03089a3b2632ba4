#include "agent/xds/resources.h"

#include <algorithm>
#include <utility>

#include "agent/backup/s3_signature.h"

namespace proconsul::agent::xds {

std::optional<Kind> kind_of(std::string_view type_url) {
  const auto* const found = std::ranges::find(kTypeUrls, type_url);
  if (found == kTypeUrls.end()) return std::nullopt;
  return static_cast<Kind>(found - kTypeUrls.begin());
}

void Resources::put(Kind kind, std::string name, std::string body) {
  Resource resource{.version = backup::sha256_hex(body)};
  resource.body = std::make_shared<const std::string>(std::move(body));
  kinds[static_cast<std::size_t>(kind)].insert_or_assign(std::move(name), std::move(resource));
}

}  // namespace proconsul::agent::xds
