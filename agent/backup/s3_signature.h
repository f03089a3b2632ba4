// How requests to an S3-compatible store are signed: AWS Signature Version 4. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proconsul::agent::backup {

struct S3Credentials {
  std::string access_key_id{};
  std::string secret_access_key{};
  std::string session_token{};  // empty: none
};

struct S3Request {
  std::string method{};
  std::string host{};                                          // with the port, unless it is the scheme's own
  std::string path{};                                          // escaped by escape_s3(), slashes kept
  std::vector<std::pair<std::string, std::string>> query{};    // not escaped
  std::vector<std::pair<std::string, std::string>> headers{};  // further ones: names in small letters
  std::string payload_sha256{};                                // hex
};

/// Percent-escapes all but letters, digits and -._~, and slashes if they are kept.
std::string escape_s3(std::string_view text, bool keep_slashes);
/// "a=1&b=" in the order in which it is signed.
std::string canonical_query(const S3Request& request);
std::string sha256_hex(std::string_view bytes);

/// All headers of the signed request but Host, with the names of those that are signed in Authorization.
std::vector<std::pair<std::string, std::string>> signed_headers(const S3Request& request,
                                                                const S3Credentials& credentials,
                                                                const std::string& region, std::int64_t unix_seconds,
                                                                const std::string& service = "s3");

}  // namespace proconsul::agent::backup
