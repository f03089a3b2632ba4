// What is wrong with an Envoy extension of service-defaults or proxy-defaults.
#pragma once

#include "base/result.h"

namespace proconsul::catalog {

struct EnvoyExtension;

namespace rules {

/// Whether the versions are constraints: `.ConsulVersion: Malformed constraint: x`.
base::Result<> check_extension_versions(const EnvoyExtension& extension);
/// Whether the name is one of Envoy's built-in extensions and the arguments fit it. What a property override patches is
/// not looked at: that would need every message of Envoy.
base::Result<> check_extension(const EnvoyExtension& extension);

}  // namespace rules
}  // namespace proconsul::catalog
