// The index of an answer about the instances of one service.
#pragma once

#include <cstdint>
#include <string_view>

#include "catalog/store/tables.h"

namespace proconsul::catalog {

/// Whether checks are part of the answer.
enum class With : bool { services, checks };

/// Its own; when it is not there, that of the last service that went.
std::uint64_t index_of_service(const Tables& tables, std::string_view service, std::string_view peer, bool exists,
                               With with);

}  // namespace proconsul::catalog
