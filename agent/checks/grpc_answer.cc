#include "agent/checks/grpc_answer.h"

#include <array>
#include <cstdint>
#include <optional>

#include "agent/grpc/frame.h"
#include "agent/grpc/headers.h"
#include "base/protobuf.h"
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
/// HealthCheckResponse: field 1 is the status, others are passed over.
std::optional<std::uint64_t> decode_status(std::string_view message) {
  std::uint64_t status = 0;
  base::pb::Reader reader(message);
  while (reader.next()) {
    if (reader.number() == 1 && reader.wire() == base::pb::Wire::varint) status = reader.value();
  }
  if (reader.broken()) return std::nullopt;
  return status;
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
  std::string out;
  grpc::append_frame(out, [&] {
    if (!service.empty()) base::pb::append_text_field(out, 1, service);
  });
  return out;
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
        grpc::decode_message(field(answer.fields, "grpc-message")));
  }
  const std::string_view body = answer.body;
  if (body.size() < grpc::kFrameHead) return failed("Internal", "cardinality violation: received no response message");
  if (body[0] != 0) return failed("Internal", "grpc: the message is compressed, which was not offered");
  const std::size_t size = grpc::frame_size(body);
  if (size > body.size() - grpc::kFrameHead) return failed("Internal", "unexpected EOF");
  const std::optional<std::uint64_t> status = decode_status(body.substr(grpc::kFrameHead, size));
  if (!status) {
    return failed("Internal",
                  std::string("grpc: failed to unmarshal the received message: ") + base::pb::kInvalidFormat);
  }
  return *status < kStatuses.size() ? std::string(kStatuses[*status])
                                    : std::to_string(static_cast<std::int32_t>(*status));
}

}  // namespace proconsul::agent::checks
