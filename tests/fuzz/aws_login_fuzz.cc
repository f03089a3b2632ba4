// Bearer tokens of AWS and its answers: any bytes are refused with a text or read; what is read is asked of AWS only.
// The first byte tells which of them the rest is.
#include <cstdint>
#include <string_view>

#include "agent/auth/aws_request.h"
#include "agent/auth/xml.h"

namespace {

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

void demand_aws(const proconsul::agent::auth::AwsRequest& request) {
  demand(request.url.scheme == "https" && request.url.host_name().ends_with(".amazonaws.com") && !request.url.has_user);
  for (const auto& [name, value] : request.headers) demand(name != "Host" && name != "Content-Length");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proconsul::agent::auth;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      for (const AwsConfig& config : {AwsConfig{}, AwsConfig{.entity_details = true}, AwsConfig{.server_id = "here"}}) {
        const auto token = read_aws_token(text, config);
        demand(token || !token.error().detail.empty());
        if (!token) continue;
        demand_aws(token->caller);
        if (token->entity) demand_aws(*token->entity);
      }
      break;
    case 1: {
      const auto root = read_xml(text);
      demand(root ? !root->name.empty() : !root.error().detail.empty());
      break;
    }
    default:
      if (const auto principal = parse_arn(text)) demand(!principal->name.empty() && !principal->canonical().empty());
  }
  return 0;
}
