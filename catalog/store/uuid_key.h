// Keys of indexes whose rows have UUIDs.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::catalog {

/// The bytes of a whole UUID's text, as loosely (hyphens may stand anywhere) and with the same words as the servers
/// that share our log.
base::Result<std::string> uuid_key(std::string_view id);

}  // namespace proconsul::catalog
