// Address templates: `{{ GetInterfaceIP "eth0" }}`, `{{ GetPrivateInterfaces | include "network" "10.0.0.0/8" | attr
// "address" }}`.
#pragma once

#include <string>
#include <string_view>

#include "agent/config/address.h"
#include "base/result.h"

namespace proconsul::agent::config {

/// Text without "{{" is returned as it is.
///   sources   GetAllInterfaces, GetDefaultInterfaces, GetPrivateInterfaces, GetPublicInterfaces, `.`
///   filters   include, exclude: address, flags, name, network, port, rfc, size, type; sort, unique, limit, offset,
///   math results   attr, join, GetPrivateIP(s), GetPublicIP(s), GetInterfaceIP(s)
/// and of the language around them: variables, parentheses, if, with, range, and, or, not, eq, len, index, printf.
base::Result<std::string> expand_template(std::string_view text, const Surroundings& host);

}  // namespace proconsul::agent::config
