#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/cli/test_agent.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Variables = std::map<std::string, std::string>;

Variables at(const TestAgent& agent) {
  return {{"CONSUL_HTTP_ADDR", agent.address()}};
}

TEST(CliClient, RefusedConnectionsAreWordedAsConsulWordsThem) {
  const Outcome outcome = run_line({"kv", "get", "-http-addr=127.0.0.1:1", "a b"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "Error querying Consul agent: Get \"http://127.0.0.1:1/v1/kv/a%20b\": dial tcp 127.0.0.1:1: connect: "
            "connection refused\n"
            "Nobody answers at http://127.0.0.1:1 (-http-addr). Is the agent running, and is this its HTTP address? "
            "Name another with -http-addr or CONSUL_HTTP_ADDR.\n");
}

TEST(CliClient, ARefusedTokenIsTracedToWhereItCameFrom) {
  TestAgent agent;
  agent.answer({TestAgent::reply(403, "Permission denied")});
  Variables variables = at(agent);

  EXPECT_THAT(run_line({"kv", "get", "a"}, variables).err, HasSubstr("\nNo token was given"));
  EXPECT_THAT(run_line({"kv", "get", "-token=secret-1", "a"}, variables).err,
              AllOf(HasSubstr("403 (Permission denied)\nThe token came from -token;"), Not(HasSubstr("secret-1"))));
  variables["CONSUL_HTTP_TOKEN"] = "secret-2";
  EXPECT_THAT(run_line({"kv", "get", "a"}, variables).err, HasSubstr("came from CONSUL_HTTP_TOKEN;"));
}

TEST(CliClient, AMissingUnixSocketIsNamed) {
  const Outcome outcome = run_line({"kv", "get", "-http-addr=unix:///nowhere/socket", "a"});

  EXPECT_EQ(outcome.err,
            "Error querying Consul agent: Get \"http://localhost/v1/kv/a\": dial unix /nowhere/socket: connect: no "
            "such file or directory\n"
            "Nobody answers at http://localhost (-http-addr). Is the agent running, and is this its HTTP address? Name "
            "another with -http-addr or CONSUL_HTTP_ADDR.\n");
}

TEST(CliClient, AnUnknownSchemeIsRefusedBeforeAnythingIsSent) {
  EXPECT_EQ(run_line({"kv", "get", "-http-addr=ftp://x", "a"}).err,
            "Error connecting to Consul agent: Unknown protocol scheme: ftp\n");
}

TEST(CliClient, AnErrorAnswerShowsItsStatusAndText) {
  TestAgent agent;
  agent.answer({TestAgent::reply(500, "No cluster leader\n")});

  EXPECT_EQ(run_line({"kv", "get", "a"}, at(agent)).err,
            "Error querying Consul agent: Unexpected response code: 500 (No cluster leader)\n");
}

TEST(CliClient, FlagsAndVariablesBecomeQueryAndHeaders) {
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "")});
  Variables variables = at(agent);
  variables["CONSUL_HTTP_TOKEN"] = "from-environment";
  variables["CONSUL_HTTP_AUTH"] = "user:pass";
  variables["CONSUL_NAMESPACE"] = "ns1";
  variables["CONSUL_PARTITION"] = "ap1";

  run_line({"kv", "get", "-stale", "-datacenter=dc 2", "-token=from-flag", "a"}, variables);

  ASSERT_EQ(agent.requests().size(), 1u);
  const std::string request = agent.requests()[0];
  EXPECT_THAT(request, StartsWith("GET /v1/kv/a?dc=dc+2&ns=ns1&partition=ap1&stale= HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nX-Consul-Token: from-flag\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
}

TEST(CliClient, TokenFilesWinOverTokensAndFlagsOverTheEnvironment) {
  const raft::TemporaryDirectory folder;
  const std::string flag_file = folder.path() + "/flag";
  const std::string environment_file = folder.path() + "/environment";
  std::ofstream(flag_file) << " token-of-flag-file\n";
  std::ofstream(environment_file) << "token-of-environment-file";
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "")});
  Variables variables = at(agent);
  variables["CONSUL_HTTP_TOKEN"] = "token-of-environment";
  variables["CONSUL_HTTP_TOKEN_FILE"] = environment_file;

  run_line({"kv", "get", "-token=token-of-flag", "-token-file=" + flag_file, "a"}, variables);
  run_line({"kv", "get", "-token=token-of-flag", "a"}, variables);
  run_line({"kv", "get", "a"}, variables);
  variables.erase("CONSUL_HTTP_TOKEN_FILE");
  run_line({"kv", "get", "a"}, variables);

  ASSERT_EQ(agent.requests().size(), 4u);
  EXPECT_THAT(agent.requests()[0], HasSubstr("X-Consul-Token: token-of-flag-file\r\n"));
  EXPECT_THAT(agent.requests()[1], HasSubstr("X-Consul-Token: token-of-flag\r\n"));
  EXPECT_THAT(agent.requests()[2], HasSubstr("X-Consul-Token: token-of-environment-file\r\n"));
  EXPECT_THAT(agent.requests()[3], HasSubstr("X-Consul-Token: token-of-environment\r\n"));
}

TEST(CliClient, AProxyPrefixInTheAddressIsKept) {
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "")});

  run_line({"kv", "get", "-http-addr=http://" + agent.address() + "/consul", "a"});

  ASSERT_EQ(agent.requests().size(), 1u);
  EXPECT_THAT(agent.requests()[0], StartsWith("GET /consul/v1/kv/a HTTP/1.1\r\n"));
}

TEST(CliClient, ATokenWithALineEndCannotForgeHeaders) {
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "")});

  const Outcome outcome = run_line({"kv", "get", "-token=x\r\nX-Evil: 1", "a"}, at(agent));

  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(agent.requests().empty());
}

TEST(CliClient, AnAnswerThatStopsShortIsAnError) {
  TestAgent agent;
  agent.answer({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n[]"});

  EXPECT_THAT(run_line({"kv", "get", "a"}, at(agent)).err, HasSubstr("unexpected EOF"));
}

TEST(CliClient, AChunkedAnswerIsPutTogether) {
  TestAgent agent;
  agent.answer(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "e\r\n[{\"Key\":\"a\",\"V\r\nf\r\nalue\":\"aGVsbG8=\r\n3\r\n\"}]\r\n0\r\n\r\n"});

  EXPECT_EQ(run_line({"kv", "get", "a"}, at(agent)).out, "hello\n");
}

TEST(CliClient, ATlsServerOnAPlainAddressIsRecognised) {
  TestAgent agent;
  agent.answer({std::string("\x15\x03\x01\x00\x02\x02\x16", 7)});

  EXPECT_THAT(run_line({"kv", "get", "a"}, at(agent)).err, HasSubstr("malformed HTTP response"));
}

TEST(CliKv, ImportSendsEachValueOverOneConnection) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "true")});

  const Outcome outcome = run_line({"kv", "import", "-prefix=p/", "-"}, at(agent),
                                   R"([{"key":"i/1","flags":3,"value":"aGk="},{"key":"d/","flags":0,"value":""}])");

  EXPECT_EQ(outcome.out, "Imported: p/i/1\nImported: p/d/\n");
  ASSERT_EQ(agent.requests().size(), 2u);
  EXPECT_THAT(agent.requests()[0], StartsWith("PUT /v1/kv/p/i/1?flags=3 HTTP/1.1\r\n"));
  EXPECT_THAT(agent.requests()[0], HasSubstr("Content-Type: application/octet-stream\r\n"));
  EXPECT_THAT(agent.requests()[0], testing::EndsWith("\r\n\r\nhi"));
}

TEST(CliKv, ADroppedIdleConnectionIsOpenedAgain) {
  TestAgent agent;
  // The server closes behind an answer that promises to stay: the second request meets a dead connection.
  agent.answer({TestAgent::reply(200, "true", "X-Note: Connection: close\r\n"), TestAgent::reply(200, "true")});

  const Outcome outcome =
      run_line({"kv", "import", "-"}, at(agent), R"([{"key":"a","value":""},{"key":"b","value":""}])");

  EXPECT_EQ(outcome.out, "Imported: a\nImported: b\n");
}

TEST(CliKv, CommandsRefuseWhatConsulRefuses) {
  const auto error_of = [](std::vector<std::string> line) { return run_line(std::move(line)).err; };

  EXPECT_EQ(error_of({"kv", "get"}), "Error! Missing KEY argument\n");
  EXPECT_EQ(error_of({"kv", "get", "a", "b"}), "Too many arguments (expected 1, got 2)\n");
  EXPECT_EQ(error_of({"kv", "put"}), "Error! Missing KEY argument\n");
  EXPECT_EQ(error_of({"kv", "put", "a", "@/nope"}),
            "Error! Failed to read file: open /nope: no such file or directory\n");
  EXPECT_EQ(error_of({"kv", "put", "-acquire", "a"}),
            "Error! Missing -session (required with -acquire and -release)\n");
  EXPECT_EQ(error_of({"kv", "put", "/a"}),
            "Error! Failed writing data: Invalid key. Key must not begin with a '/': /a\n");
  EXPECT_EQ(error_of({"kv", "delete", "-cas", "a"}),
            "Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.\n");
  EXPECT_EQ(error_of({"kv", "delete", "-modify-index=3", "a"}), "Cannot specify -modify-index without -cas!\n");
  EXPECT_EQ(error_of({"kv", "import", "bad"}),
            "Cannot unmarshal data: invalid character 'b' looking for beginning of value\n");
  EXPECT_EQ(error_of({"kv", "import", "{}"}),
            "Cannot unmarshal data: json: cannot unmarshal object into Go value of type []*impexp.Entry\n");
  EXPECT_EQ(error_of({"kv", "import", "[null]"}), "Error! null is no entry\n");
}

TEST(CliMembers, ServersComeFirstAndNobodyIsExitCodeTwo) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"([
    {"Name":"c","Addr":"10.0.0.3","Port":8301,"Status":4,"Tags":{"role":"node","dc":"dc1","vsn":"2","build":"1.21.4:x"}},
    {"Name":"b","Addr":"::1","Port":8301,"Status":1,"Tags":{"role":"consul","dc":"dc1","vsn":"2"}},
    {"Name":"a","Addr":"?","Port":1,"Status":3,"Tags":{}}])")});

  const Outcome all = run_line({"members"}, at(agent));
  const Outcome failed = run_line({"members", "-status=^left$|failed"}, at(agent));
  const Outcome none = run_line({"members", "-status=leaving"}, at(agent));

  EXPECT_EQ(all.out,
            "Node  Address        Status  Type     Build   Protocol  DC   Partition  Segment\n"
            "b     [::1]:8301     alive   server   < 0.3   2         dc1  default    <all>\n"
            "a     :1             left    unknown                                    \n"
            "c     10.0.0.3:8301  failed  client   1.21.4  2         dc1  default    <default>\n");
  EXPECT_EQ(failed.code, 0);
  EXPECT_THAT(failed.out, Not(HasSubstr("alive")));
  EXPECT_EQ(none.code, 2);
  EXPECT_EQ(none.out + none.err, "");
}

}  // namespace
}  // namespace proconsul::agent::cli
