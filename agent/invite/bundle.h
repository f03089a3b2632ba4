// What is sealed for a server that joins, and opened by nobody else.
#pragma once

#include <string>

#include "base/type.h"

namespace proconsul::agent::invite {

/// Of server.<datacenter>.<domain>, in PEM.
struct Bundle {
  std::string Certificate{};
  std::string Key{};
};
PROCONSUL_DECLARE_TYPE(Bundle)

}  // namespace proconsul::agent::invite
