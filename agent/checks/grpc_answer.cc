#include "agent/checks/grpc_answer.h"

#include <array>
#include <cstdint>
#include <optional>

#include "base/strconv.h"

namespace proconsul::agent::checks {

using base::net::field;
using base::net::H2Codec;
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::array<std::string_view, 17> kCodes = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};
constexpr std::array<std::string_view, 4> kStatuses = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
constexpr std::size_t kFrameHead = 5;  // a flag and the length of the message

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in[0]);
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::string framed(const std::string& message) {
  std::string out(1, '\0');
  for (const unsigned shift : {24u, 16u, 8u, 0u}) out += static_cast<char>(message.size() >> shift);
  return out + message;
}

/// HealthCheckResponse: field 1 is the status, others are passed over.
std::optional<std::uint64_t> decode_status(std::string_view message) {
  std::uint64_t status = 0;
  while (!message.empty()) {
    const std::optional<std::uint64_t> tag = take_varint(message);
    if (!tag) return std::nullopt;
    std::uint64_t skip = 0;
    switch (*tag & 7) {
      case 0: {
        const std::optional<std::uint64_t> value = take_varint(message);
        if (!value) return std::nullopt;
        if (*tag >> 3 == 1) status = *value;
        break;
      }
      case 1:
        skip = 8;
        break;
      case 2: {
        const std::optional<std::uint64_t> size = take_varint(message);
        if (!size) return std::nullopt;
        skip = *size;
        break;
      }
      case 5:
        skip = 4;
        break;
      default:
        return std::nullopt;
    }
    if (skip > message.size()) return std::nullopt;
    message.remove_prefix(skip);
  }
  return status;
}

std::string decoded_message(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const Result<std::uint64_t> byte = base::parse_uint(text.substr(i + 1, 2), 16, 8)) {
        out += static_cast<char>(*byte);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string_view code_of_http(std::string_view status) {
  if (status == "400") return "Internal";
  if (status == "401") return "Unauthenticated";
  if (status == "403") return "PermissionDenied";
  if (status == "404") return "Unimplemented";
  if (status == "429" || status == "502" || status == "503" || status == "504") return "Unavailable";
  return "Unknown";
}

Error failed(std::string_view code, std::string_view description) {
  return {Errc::unavailable, rpc_error(code, description)};
}

}  // namespace

std::string rpc_error(std::string_view code, std::string_view description) {
  return "rpc error: code = " + std::string(code) + " desc = " + std::string(description);
}

std::string health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';
    append_varint(message, service.size());
    message += service;
  }
  return framed(message);
}

Result<std::string> health_status(const H2Codec::Answer& answer) {
  const std::string_view http = field(answer.fields, ":status");
  const std::string_view code = field(answer.fields, "grpc-status");
  if (code.empty()) {
    if (answer.error != 0) {
      return failed("Internal", "stream terminated by RST_STREAM with error code: " + std::to_string(answer.error));
    }
    if (http != "200") {
      return failed(code_of_http(http), "unexpected HTTP status code received from server: " + std::string(http));
    }
    return failed("Internal", "server closed the stream without sending trailers");
  }
  const Result<std::int64_t> number = base::parse_int(code, 10, 32);
  if (!number) return failed("Internal", "malformed grpc-status: " + number.error().detail);
  if (*number != 0) {
    const bool known = *number > 0 && *number < static_cast<std::int64_t>(kCodes.size());
    return failed(
        known ? std::string(kCodes[static_cast<std::size_t>(*number)]) : "Code(" + std::to_string(*number) + ")",
        decoded_message(field(answer.fields, "grpc-message")));
  }
  const std::string_view body = answer.body;
  if (body.size() < kFrameHead) return failed("Internal", "cardinality violation: received no response message");
  if (body[0] != 0) return failed("Internal", "grpc: the message is compressed, which was not offered");
  std::uint32_t size = 0;
  for (std::size_t i = 1; i < kFrameHead; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
  if (size > body.size() - kFrameHead) return failed("Internal", "unexpected EOF");
  const std::optional<std::uint64_t> status = decode_status(body.substr(kFrameHead, size));
  if (!status)
    return failed("Internal",
                  "grpc: failed to unmarshal the received message: proto: cannot parse invalid "
                  "wire-format data");
  return *status < kStatuses.size() ? std::string(kStatuses[*status])
                                    : std::to_string(static_cast<std::int32_t>(*status));
}

}  // namespace proconsul::agent::checks
