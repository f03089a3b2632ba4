// The bearer token of auth methods of type aws-iam: a signed request with which the server asks AWS who it was that
// signed it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/backup/s3_signature.h"
#include "agent/cli/command.h"

namespace proconsul::agent::cli {

inline constexpr Flag kAwsFlags[] = {
    {.name = "aws-access-key-id", .kind = FlagKind::text, .help = "Access key of the AWS account.", .value_name = "id"},
    {.name = "aws-auto-bearer-token",
     .kind = FlagKind::boolean,
     .help = "Of type aws-iam: make the bearer token from AWS credentials, instead of reading -bearer-token-file. They "
             "come from -aws-access-key-id, AWS_ACCESS_KEY_ID or the shared credentials file."},
    {.name = "aws-include-entity",
     .kind = FlagKind::boolean,
     .help = "Also sign a request by which the server may read the IAM role or user, with its tags. It asks AWS STS "
             "for its name."},
    {.name = "aws-region",
     .kind = FlagKind::text,
     .help = "AWS region. Also AWS_REGION, AWS_DEFAULT_REGION or the shared configuration file.",
     .value_name = "region"},
    {.name = "aws-secret-access-key",
     .kind = FlagKind::text,
     .help = "Secret key of -aws-access-key-id.",
     .value_name = "key"},
    {.name = "aws-server-id-header-value",
     .kind = FlagKind::text,
     .help = "What the auth method expects in the header X-Consul-IAM-ServerID of the signed requests.",
     .value_name = "value"},
    {.name = "aws-session-token",
     .kind = FlagKind::text,
     .help = "Session token of -aws-access-key-id, if it is a temporary one.",
     .value_name = "token"},
    {.name = "aws-sts-endpoint",
     .kind = FlagKind::text,
     .help = "URL of AWS STS; by default that of the region.",
     .value_name = "url"},
};

/// Whether those flags fit together. The text is Consul's.
base::Result<> check_aws_flags(const FlagValues& flags);

/// The token, from the flags, the environment and the shared files of AWS. With -aws-include-entity it asks AWS STS.
base::Result<std::string> aws_bearer_token(const Context& context, std::int64_t unix_seconds);

/// A request to an AWS service, signed and ready to be sent by anybody.
struct AwsCall {
  std::string url{};
  std::string host{};
  std::string path{};
  std::string body{};
  std::map<std::string, std::string> headers{};  // with names as HTTP likes them: "X-Amz-Date"
};
/// `headers`: further ones, names in small letters. Pure.
AwsCall sign_aws(std::string url, std::string body, const std::map<std::string, std::string>& headers,
                 const backup::S3Credentials& credentials, const std::string& region, const std::string& service,
                 std::int64_t unix_seconds);
/// The signed GetCallerIdentity as the token that a login sends.
std::string bearer_token_of(const AwsCall& identity);

/// Which request reads the role or user of an ARN: "Action=GetRole&RoleName=web&Version=2010-05-08".
base::Result<std::string> entity_request(const std::string& arn);

/// The keys of one section of AWS's shared files: "[default]" and lines "key = value".
std::map<std::string, std::string> ini_section(std::string_view text, std::string_view section);

}  // namespace proconsul::agent::cli
