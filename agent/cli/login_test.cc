#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/cli/aws_login.h"
#include "agent/cli/files.h"
#include "agent/cli/test_agent.h"
#include "base/base64.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CliLogin : public testing::Test {
 protected:
  CliLogin() { std::ofstream(folder_.path() + "/jwt") << " bearer\n"; }

  Outcome login(std::vector<std::string> flags, std::map<std::string, std::string> variables = {}) {
    flags.insert(flags.begin(), {"login", "-method=ci", "-token-sink-file=" + sink_});
    variables["CONSUL_HTTP_ADDR"] = agent_.address();
    return run_line(std::move(flags), variables);
  }
  std::string bearer_flag() const { return "-bearer-token-file=" + folder_.path() + "/jwt"; }

  raft::TemporaryDirectory folder_;
  std::string sink_ = folder_.path() + "/deep/er/sink";
  TestAgent agent_;
};

TEST_F(CliLogin, TheSecretGoesIntoAFileThatOnlyItsOwnerReads) {
  agent_.answer({TestAgent::reply(200, R"({"SecretID": "s-1"})")});

  const Outcome outcome = login({bearer_flag(), "-meta=a=b"});

  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_EQ(read_file(sink_).value_or(""), "s-1");
  struct stat info{};
  ASSERT_EQ(::stat(sink_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_THAT(agent_.requests()[0], StartsWith("POST /v1/acl/login HTTP/1.1\r\n"));
  EXPECT_THAT(agent_.requests()[0], EndsWith(R"({"AuthMethod":"ci","BearerToken":"bearer","Meta":{"a":"b"}})"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path() + "/deep/er"), {}), 1);
}

TEST_F(CliLogin, NoTokenIsSentOrLookedFor) {
  agent_.answer({TestAgent::reply(200, R"({"SecretID": "s-1"})")});

  const Outcome outcome = login({bearer_flag(), "-token=x", "-token-file=/nowhere"},
                                {{"CONSUL_HTTP_TOKEN", "y"}, {"CONSUL_HTTP_TOKEN_FILE", "/nowhere"}});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(agent_.requests()[0], Not(HasSubstr("X-Consul-Token")));
}

TEST_F(CliLogin, ARefusalLeavesTheSinkAlone) {
  agent_.answer({TestAgent::reply(403, "Permission denied")});

  const Outcome outcome = login({bearer_flag()});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "Error logging in: Unexpected response code: 403 (Permission denied)\n");
  EXPECT_FALSE(file_exists(sink_));
}

TEST_F(CliLogin, WhatIsMissingIsNamed) {
  EXPECT_EQ(run_line({"login"}).err, "Missing required '-method' flag\n");
  EXPECT_EQ(run_line({"login", "-method=x"}).err, "Missing required '-token-sink-file' flag\n");
  EXPECT_EQ(login({}).err, "Missing required '-bearer-token-file' flag\n");
  EXPECT_EQ(login({"stray"}).err, "Should have no non-flag arguments.\n");
  EXPECT_EQ(login({"-aws-region=x"}).err, "Missing '-aws-auto-bearer-token' flag\n");
  EXPECT_EQ(login({"-aws-auto-bearer-token", "-aws-access-key-id=x"}).err, "Missing '-aws-secret-access-key' flag\n");
  EXPECT_EQ(login({"-aws-auto-bearer-token", "-aws-region=r"}).err,
            "Error with aws-iam auth method: AWS credentials not found\n");
  EXPECT_EQ(login({"-aws-auto-bearer-token"}).err, "Error with aws-iam auth method: AWS region not found\n");
}

TEST_F(CliLogin, ALogoutDestroysTheTokenThatItCarries) {
  agent_.answer({TestAgent::reply(200, "true")});

  EXPECT_EQ(run_line({"logout", "-token=s-1"}, {{"CONSUL_HTTP_ADDR", agent_.address()}}).code, 0);
  EXPECT_THAT(agent_.requests()[0], StartsWith("POST /v1/acl/logout HTTP/1.1\r\n"));
  EXPECT_THAT(agent_.requests()[0], HasSubstr("X-Consul-Token: s-1\r\n"));
}

TEST(CliAwsLogin, TheRequestIsSignedWithItsHeaders) {
  const AwsCall call = sign_aws("https://sts.us-east-1.amazonaws.com/", "Action=GetCallerIdentity&Version=2011-06-15",
                                {{"x-consul-iam-serverid", "cluster one"}},
                                {.access_key_id = "id", .secret_access_key = "secret", .session_token = "tok"},
                                "us-east-1", "sts", 1440938160);

  EXPECT_EQ(call.headers.at("Authorization"),
            "AWS4-HMAC-SHA256 Credential=id/20150830/us-east-1/sts/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-consul-iam-serverid, "
            "Signature=afbe660f01780814d4571f0cbc65a748831a2093168498a55bda2453e0f03c95");
  EXPECT_EQ(call.headers.at("X-Consul-Iam-Serverid"), "cluster one");
}

TEST(CliAwsLogin, ARoleOrUserIsReadByItsName) {
  EXPECT_EQ(entity_request("arn:aws:sts::1234:assumed-role/web@a/session").value_or(""),
            "Action=GetRole&RoleName=web%40a&Version=2010-05-08");
  EXPECT_EQ(entity_request("arn:aws:iam::1234:role/path/web").value_or(""),
            "Action=GetRole&RoleName=web&Version=2010-05-08");
  EXPECT_EQ(entity_request("arn:aws:iam::1234:user/ann").value_or(""),
            "Action=GetUser&UserName=ann&Version=2010-05-08");
  EXPECT_EQ(entity_request("arn:aws:iam::1234:root").error().detail,
            "unrecognized arn: \"root\" contains fewer than 2 slash-separated parts");
  EXPECT_EQ(entity_request("arn:aws").error().detail, "unrecognized arn: contains 2 colon-separated parts, expected 6");
}

TEST(CliAwsLogin, SharedFilesAreReadByProfile) {
  const std::string text =
      "# comment\n[default]\nregion = a\n\n[ profile x ]\n; other\nregion=b = c\nempty =\nbroken\n[default\nregion=z";

  EXPECT_EQ(ini_section(text, "default").at("region"), "a");
  EXPECT_EQ(ini_section(text, "profile x").at("region"), "b = c");
  EXPECT_EQ(ini_section(text, "profile x").at("empty"), "");
  EXPECT_TRUE(ini_section(text, "none").empty());
}

TEST_F(CliLogin, AwsCredentialsMakeTheBearerToken) {
  std::ofstream(folder_.path() + "/credentials") << "[p]\naws_access_key_id = id\naws_secret_access_key = secret\n";
  agent_.answer({TestAgent::reply(200, "<r><Arn>arn:aws:iam::1:user/ann</Arn></r>"),
                 TestAgent::reply(200, R"({"SecretID": "s-1"})")});

  const Outcome outcome =
      login({"-aws-auto-bearer-token", "-aws-include-entity", "-aws-region=us-east-1",
             "-aws-sts-endpoint=http://" + agent_.address() + "/sts"},
            {{"AWS_PROFILE", "p"}, {"AWS_SHARED_CREDENTIALS_FILE", folder_.path() + "/credentials"}});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  ASSERT_EQ(agent_.requests().size(), 2u);
  EXPECT_THAT(agent_.requests()[0], StartsWith("POST /sts HTTP/1.1\r\n"));
  EXPECT_THAT(agent_.requests()[0], EndsWith("\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15"));
  EXPECT_THAT(agent_.requests()[1],
              HasSubstr(R"(\"iam_request_url\":\")" + base::to_base64("http://" + agent_.address() + "/sts")));
}

}  // namespace
}  // namespace proconsul::agent::cli
