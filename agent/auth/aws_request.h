// Bearer tokens of AWS: requests that their owner has signed, to be made in his name. Only those are made that tell who
// he is, and only to AWS or where the configuration says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/http_exchange.h"
#include "base/net/url.h"
#include "base/result.h"

namespace proconsul::agent::auth {

struct AwsConfig {
  std::vector<std::string> principals{};  // BoundIAMPrincipalARNs; with entity details, a last '*' stands for anything
  bool entity_details = false;            // EnableIAMEntityDetails
  std::vector<std::string> entity_tags{};
  std::string server_id{};  // ServerIDHeaderValue; empty: not looked at
  std::int64_t most_retries = 0;
  std::string iam_endpoint{}, sts_endpoint{};
  std::vector<std::string> allowed_headers{};  // AllowedSTSHeaderValues
};

struct AwsRequest {
  std::string method{};
  base::net::Url url{};  // where it is made
  std::string host{};    // that was signed
  base::net::Headers headers{};
  std::string body{};
};

struct AwsToken {
  AwsRequest caller{};                 // sts:GetCallerIdentity
  std::optional<AwsRequest> entity{};  // iam:GetRole or iam:GetUser; with entity details
  std::string entity_action{};
};

/// Errors: "invalid token: ...", "invalid STS hostname: \"x\"" and the like. The server's id must be signed, if one is
/// configured.
base::Result<AwsToken> read_aws_token(std::string_view text, const AwsConfig& config);

/// "arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION" and its kind, taken apart.
struct AwsPrincipal {
  std::string partition{}, account{}, type{}, name{};
  /// Without path and session: "arn:aws:iam::ACCOUNT:role/ROLE".
  std::string canonical() const;
};
base::Result<AwsPrincipal> parse_arn(std::string_view arn);

}  // namespace proconsul::agent::auth
