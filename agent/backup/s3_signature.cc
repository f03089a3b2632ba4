#include "agent/backup/s3_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "base/base64.h"

namespace proconsul::agent::backup {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

/// Spaces at the ends go, and several in a row become one.
std::string trimmed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string escape_s3(std::string_view text, bool keep_slashes) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slashes)) {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4];
      out += "0123456789ABCDEF"[byte & 15];
    }
  }
  return out;
}

std::string canonical_query(const S3Request& request) {
  Headers escaped;
  for (const auto& [key, value] : request.query) escaped.emplace_back(escape_s3(key, false), escape_s3(value, false));
  std::ranges::sort(escaped);
  std::string out;
  for (const auto& [key, value] : escaped) {
    if (!out.empty()) out += '&';
    out += key + '=' + value;
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return base::to_hex({reinterpret_cast<const char*>(digest), size});
}

Headers signed_headers(const S3Request& request, const S3Credentials& credentials, const std::string& region,
                       std::int64_t unix_seconds, const std::string& service) {
  const std::time_t seconds = unix_seconds;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  const std::string day = std::string(stamp).substr(0, 8);

  Headers headers = request.headers;
  headers.emplace_back("x-amz-date", stamp);
  if (service == "s3") headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
  if (!credentials.session_token.empty()) headers.emplace_back("x-amz-security-token", credentials.session_token);
  Headers all = headers;
  all.emplace_back("host", request.host);
  std::ranges::sort(all);

  std::string lines, names;
  for (const auto& [name, value] : all) {
    lines += name + ':' + trimmed(value) + '\n';
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = request.method + '\n' + request.path + '\n' + canonical_query(request) + '\n' + lines +
                                '\n' + names + '\n' + request.payload_sha256;
  const std::string scope = day + '/' + region + '/' + service + "/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + std::string(stamp) + '\n' + scope + '\n' + sha256_hex(canonical);
  const std::string key =
      hmac(hmac(hmac(hmac("AWS4" + credentials.secret_access_key, day), region), service), "aws4_request");
  headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + '/' + scope +
                                            ", SignedHeaders=" + names +
                                            ", Signature=" + base::to_hex(hmac(key, to_sign)));
  return headers;
}

}  // namespace proconsul::agent::backup
