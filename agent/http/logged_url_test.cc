#include "agent/http/logged_url.h"

#include <gtest/gtest.h>

#include "agent/http/request_reader.h"

namespace proconsul::agent::http {
namespace {

std::string logged(std::string_view target) {
  Request request;
  EXPECT_TRUE(RequestReader::set_target(request, "GET", target));
  return logged_url(request);
}

TEST(LoggedUrl, IsTheTargetAsItWasSent) {
  EXPECT_EQ(logged("/v1/kv/a%2Fb?recurse&index=7"), "/v1/kv/a%2Fb?recurse&index=7");
}

TEST(LoggedUrl, HidesTokensWhereverTheyOccur) {
  EXPECT_EQ(logged("/v1/kv/a?token=s3cret&raw"), "/v1/kv/a?token=<hidden>&raw");
  EXPECT_EQ(logged("/v1/kv/s3cret?token=s3cret"), "/v1/kv/<hidden>?token=<hidden>");
  EXPECT_EQ(logged("/v1/kv/a?token=one&token=two"), "/v1/kv/a?token=<hidden>&token=<hidden>");
  EXPECT_EQ(logged("/v1/kv/a?token=s3%63ret"), "/v1/kv/a?token=<hidden>");
  EXPECT_EQ(logged("/v1/kv/a?token="), "/v1/kv/a?token=<hidden>");
}

TEST(LoggedUrl, HidesWhatOldAclPathsCarry) {
  EXPECT_EQ(logged("/v1/acl/clone/s3cret"), "/v1/acl/clone/<hidden>");
  EXPECT_EQ(logged("/v1/acl/info/s3cret?pretty"), "/v1/acl/info/<hidden>?pretty");
  EXPECT_EQ(logged("/v1/acl/list/"), "/v1/acl/list/");
  EXPECT_EQ(logged("/v1/acl/token/self"), "/v1/acl/token/self");
}

}  // namespace
}  // namespace proconsul::agent::http
