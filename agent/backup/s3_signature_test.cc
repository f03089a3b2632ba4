#include "agent/backup/s3_signature.h"

#include <gtest/gtest.h>

namespace proconsul::agent::backup {
namespace {

// The examples of Amazon's documentation of the signature.
const S3Credentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
constexpr std::int64_t kTime = 1369353600;  // 2013-05-24T00:00:00Z
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string authorization(const S3Request& request) {
  for (const auto& [name, value] : signed_headers(request, kExample, "us-east-1", kTime)) {
    if (name == "Authorization") return value;
  }
  return "";
}

TEST(S3Signature, AnObjectIsGot) {
  const S3Request request{.method = "GET",
                          .host = "examplebucket.s3.amazonaws.com",
                          .path = "/test.txt",
                          .headers = {{"range", "bytes=0-9"}},
                          .payload_sha256 = kEmpty};

  EXPECT_EQ(authorization(request),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, AnObjectIsPut) {
  const S3Request request{
      .method = "PUT",
      .host = "examplebucket.s3.amazonaws.com",
      .path = "/" + escape_s3("test$file.text", true),
      .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
      .payload_sha256 = sha256_hex("Welcome to Amazon S3.")};

  EXPECT_EQ(authorization(request),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
            "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(S3Signature, ABucketIsListed) {
  const S3Request request{.method = "GET",
                          .host = "examplebucket.s3.amazonaws.com",
                          .path = "/",
                          .query = {{"prefix", "J"}, {"max-keys", "2"}},
                          .payload_sha256 = kEmpty};

  EXPECT_EQ(canonical_query(request), "max-keys=2&prefix=J");
  EXPECT_TRUE(
      authorization(request).ends_with("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
      << authorization(request);
}

TEST(S3Signature, ATokenOfASessionIsSigned) {
  S3Credentials credentials = kExample;
  credentials.session_token = "token";
  const S3Request request{.method = "GET", .host = "h", .path = "/", .payload_sha256 = kEmpty};

  const auto headers = signed_headers(request, credentials, "us-east-1", kTime);

  EXPECT_EQ(headers.at(2), (std::pair<std::string, std::string>("x-amz-security-token", "token")));
  EXPECT_NE(headers.back().second.find("x-amz-date;x-amz-security-token"), std::string::npos);
}

TEST(S3Signature, EscapesAllButUnreserved) {
  EXPECT_EQ(escape_s3("a/b c+~-._", true), "a/b%20c%2B~-._");
  EXPECT_EQ(escape_s3("a/b", false), "a%2Fb");
}

}  // namespace
}  // namespace proconsul::agent::backup
