// The words of gRPC's HTTP/2 headers, as grpc-go reads and writes them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::grpc {

/// grpc-message: what is not printable ASCII, and the percent sign, as %XX.
std::string encode_message(std::string_view text);
std::string decode_message(std::string_view text);

/// grpc-timeout: "100m". Errors: "transport: timeout unit is not recognized: \"1x\"".
base::Result<std::chrono::nanoseconds> decode_timeout(std::string_view text);

/// What content-type says behind "application/grpc": "" or "proto". None: it is not gRPC.
std::optional<std::string> content_subtype(std::string_view content_type);
std::string content_type(std::string_view subtype);

}  // namespace proconsul::agent::grpc
