#include <gtest/gtest.h>

#include "agent/auth/aws_request.h"
#include "agent/auth/xml.h"
#include "base/base64.h"

namespace proconsul::agent::auth {
namespace {

using base::Result;

std::string token(const std::string& url, const std::string& headers,
                  const std::string& body = "Action=GetCallerIdentity&Version=2011-06-15",
                  const std::string& method = "POST") {
  return R"({"iam_http_request_method":")" + method + R"(","iam_request_url":")" + base::to_base64(url) +
         R"(","iam_request_headers":")" + base::to_base64(headers) + R"(","iam_request_body":")" +
         base::to_base64(body) + "\"}";
}

std::string refusal(const std::string& text, const AwsConfig& config = {}) {
  const Result<AwsToken> read = read_aws_token(text, config);
  return read ? "" : read.error().detail;
}

const std::string kSts = "https://sts.us-east-1.amazonaws.com/";

TEST(AwsRequest, OnlyAWSIsAskedWhoSomebodyIs) {
  EXPECT_EQ(refusal(token(kSts, "{}")), "");
  EXPECT_EQ(refusal(token("https://sts.amazonaws.com.evil.example/", "{}")),
            "invalid STS hostname: \"sts.amazonaws.com.evil.example\"");
  EXPECT_EQ(refusal(token("https://evil.example/?sts.amazonaws.com", "{}")), "invalid STS hostname: \"evil.example\"");
  EXPECT_EQ(refusal(token("https://s3.amazonaws.com/", "{}")), "invalid STS hostname: \"s3.amazonaws.com\"");
  EXPECT_EQ(refusal(token("https://sts.amazonaws.com@evil.example/", "{}")), "invalid STS hostname: \"evil.example\"");
  EXPECT_NE(refusal(token("http://sts.amazonaws.com/", "{}")), "");
  EXPECT_EQ(refusal(token(kSts, "{}", "Action=GetCallerIdentity", "GET")), "iam_http_request_method must be POST");
  EXPECT_EQ(refusal(token(kSts, "{}", "Action=AssumeRole")),
            "iam_request_body error: unexpected value Action=[AssumeRole]");
  EXPECT_EQ(refusal(token(kSts, "{}", "Action=GetCallerIdentity&RoleArn=x")),
            "iam_request_body error: unexpected field \"RoleArn\"");
  EXPECT_EQ(refusal(token(kSts, "{}", "Action=GetCallerIdentity&Action=AssumeRole")),
            "iam_request_body error: unexpected value Action=[GetCallerIdentity AssumeRole]");
  EXPECT_EQ(refusal(token(kSts, R"({"X-Amz-Target":["x"]})")), "invalid request header: X-Amz-Target");
  EXPECT_NE(refusal("{"), "");
}

TEST(AwsRequest, TheConfiguredEndpointIsAskedWithTheHostThatWasSigned) {
  const Result<AwsToken> read = read_aws_token(
      token("https://sts.amazonaws.com/a?b=c", R"({"Authorization":["x"],"Host":["evil"],"Content-Length":["5"]})"),
      {.sts_endpoint = "http://127.0.0.1:8080/sts/"});
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->caller.url.text(), "http://127.0.0.1:8080/sts/a?b=c");
  EXPECT_EQ(read->caller.host, "sts.amazonaws.com");
  ASSERT_EQ(read->caller.headers.size(), 1u);
  EXPECT_EQ(read->caller.headers[0].first, "Authorization");
}

TEST(AwsRequest, TheServersIdMustBeSigned) {
  const AwsConfig config{.server_id = "here"};
  const auto with = [](const std::string& id, const std::string& names) {
    return token(kSts, R"({"X-Consul-Iam-Serverid":[")" + id +
                           R"("],"Authorization":["AWS4-HMAC-SHA256 Credential=a, )" + "SignedHeaders=" + names +
                           R"(, Signature=b"]})");
  };
  EXPECT_EQ(refusal(with("here", "host;x-consul-iam-serverid"), config), "");
  EXPECT_EQ(refusal(with("here", "host"), config), "header wasn't signed");
  EXPECT_EQ(refusal(with("there", "host;x-consul-iam-serverid"), config), "expected \"here\" but got \"there\"");
  EXPECT_EQ(refusal(token(kSts, "{}"), config), "missing header \"X-Consul-IAM-ServerID\"");
}

TEST(AwsRequest, DetailsAreThoseOfARoleOrAUser) {
  const AwsConfig config{.entity_details = true};
  const auto with = [](const std::string& url, const std::string& body) {
    return token(kSts, R"({"X-Consul-Iam-Getentity-Method":["POST"],"X-Consul-Iam-Getentity-Url":[")" + url +
                           R"("],"X-Consul-Iam-Getentity-Headers":["{}"],"X-Consul-Iam-Getentity-Body":[")" + body +
                           R"("]})");
  };
  const std::string iam = "https://iam.amazonaws.com/";
  EXPECT_EQ(refusal(with(iam, "Action=GetRole&RoleName=r&Version=1"), config), "");
  EXPECT_EQ(read_aws_token(with(iam, "Action=GetUser&UserName=u"), config)->entity_action, "GetUser");
  EXPECT_NE(refusal(with(iam, "Action=GetRole&UserName=u"), config), "");
  EXPECT_NE(refusal(with(iam, "Action=DeleteRole&RoleName=r"), config), "");
  EXPECT_EQ(refusal(with("https://evil.example/", "Action=GetRole&RoleName=r"), config),
            "invalid IAM hostname: \"evil.example\"");
  EXPECT_EQ(refusal(token(kSts, "{}"), config), "missing header \"X-Consul-IAM-GetEntity-Method\"");
}

TEST(AwsPrincipal, IsReadFromItsName) {
  EXPECT_EQ(parse_arn("arn:aws:sts::123:assumed-role/my-role/session")->canonical(), "arn:aws:iam::123:role/my-role");
  EXPECT_EQ(parse_arn("arn:aws:iam::123:user/a/path/me")->canonical(), "arn:aws:iam::123:user/me");
  EXPECT_EQ(parse_arn("arn:aws:iam::123:user/a/path/me")->name, "me");
  for (const char* text : {"", "*", "arn::sts::1:role/x", "arn:aws:sts:::role/x", "arn:aws:ecs::1:task/x",
                           "arn:aws:sts::1:assumed-role/x", "arn:aws:iam::1:role", "arn:aws:iam::1:role/"}) {
    EXPECT_FALSE(parse_arn(text)) << text;
  }
}

TEST(Xml, ElementsAndTheirTextAreRead) {
  const Result<XmlElement> root = read_xml(
      "<?xml version=\"1.0\"?><!-- c --><a:Root xmlns=\"x>y\"><A>1 &lt;B&gt; "
      "&#x41;</A><B/><A><![CDATA[<2>]]></A></a:Root>\n");
  ASSERT_TRUE(root) << root.error().detail;
  EXPECT_EQ(root->name, "Root");
  ASSERT_EQ(root->all("A").size(), 2u);
  EXPECT_EQ(root->all("A")[0]->text, "1 <B> A");  // an escaped element is none
  EXPECT_EQ(root->text_of("A"), "<2>");
  EXPECT_EQ(root->all("B").size(), 1u);
}

TEST(Xml, WhatIsMalformedOrTooDeepIsRefused) {
  for (const char* text : {"", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&nope;</a>", "<a>&#0;</a>", "<>", "<a b=\"</a>",
                           "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><![CDATA[</a>"}) {
    EXPECT_FALSE(read_xml(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_FALSE(read_xml(deep));
}

}  // namespace
}  // namespace proconsul::agent::auth
