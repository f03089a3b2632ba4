// The messages of grpc.health.v1 and what they mean, with the error texts of grpc-go.
#pragma once

#include <string>
#include <string_view>

#include "base/net/h2_codec.h"
#include "base/result.h"

namespace proconsul::agent::checks {

using base::net::H2Codec;

/// HealthCheckRequest in its frame.
std::string health_request(std::string_view service);
/// The name of the serving status ("SERVING", "NOT_SERVING", ...), or why there is none:
/// "rpc error: code = NotFound desc = unknown service".
base::Result<std::string> health_status(const H2Codec::Answer& answer);
/// "rpc error: code = Unavailable desc = ...".
std::string rpc_error(std::string_view code, std::string_view description);

}  // namespace proconsul::agent::checks
