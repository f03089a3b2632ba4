#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/cli/test_agent.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(std::vector<std::string> line) {
  return run_line(std::move(line)).err;
}

TEST(CliServices, FlagsDescribeOneService) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "")});

  const Outcome outcome = run_line({"services", "register", "-name=web", "-port=80", "-tag=b", "-tag=a", "-meta=k=v",
                                    "-address=10.0.0.1", "-tagged-address=wan=[::1]:8080"},
                                   {{"CONSUL_HTTP_ADDR", agent.address()}});

  EXPECT_EQ(outcome.out, "Registered service: web\n");
  ASSERT_EQ(agent.requests().size(), 1u);
  EXPECT_THAT(agent.requests()[0],
              testing::AllOf(StartsWith("PUT /v1/agent/service/register HTTP/1.1\r\n"), HasSubstr("\"Name\":\"web\""),
                             HasSubstr("\"Port\":80"), HasSubstr("\"Tags\":[\"b\",\"a\"]"),
                             HasSubstr("\"Meta\":{\"k\":\"v\"}"), HasSubstr("\"Address\":\"::1\"")));
}

TEST(CliServices, FilesDefineServicesInBothLanguages) {
  const raft::TemporaryDirectory folder;
  std::ofstream(folder / "many.hcl") << R"(services { name = "one" port = 1 } services { name = "two" id = "2" })";
  std::ofstream(folder / "web.json") << R"({"service": {"name": "web", "check": {"ttl": "10s"}}})";
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "")});
  const std::map<std::string, std::string> at{{"CONSUL_HTTP_ADDR", agent.address()}};

  const Outcome registered = run_line({"services", "register", folder / "many.hcl", folder / "web.json"}, at);
  const Outcome removed = run_line({"services", "deregister", folder / "many.hcl"}, at);

  EXPECT_EQ(registered.out, "Registered service: one\nRegistered service: two\nRegistered service: web\n")
      << registered.err;
  EXPECT_EQ(removed.out, "Deregistered service: one\nDeregistered service: 2\n");
  ASSERT_EQ(agent.requests().size(), 5u);
  EXPECT_THAT(agent.requests()[2], HasSubstr("\"TTL\":10000000000,"));
  EXPECT_THAT(agent.requests()[4], StartsWith("PUT /v1/agent/service/deregister/2 "));
}

TEST(CliServices, WrongArgumentsAreRefused) {
  EXPECT_EQ(error_of({"services", "register"}), "Service registration requires at least one argument or flags.\n");
  EXPECT_EQ(error_of({"services", "register", "-name=a", "f"}),
            "Service registration requires arguments or -id, not both.\n");
  EXPECT_EQ(error_of({"services", "deregister"}), "Service deregistration requires at least one argument or -id.\n");
  EXPECT_EQ(error_of({"services", "deregister", "-id=a", "f"}),
            "Service deregistration requires arguments or -id, not both.\n");
  EXPECT_THAT(error_of({"services", "register", "/nope.hcl"}), StartsWith("Error: "));
}

TEST(CliServices, MistypedAddressesAreRefusedBeforeTheAgentSeesThem) {
  const std::string wrong = "Invalid Service address when using CLI flags. Use -port flag instead: ";

  EXPECT_EQ(error_of({"services", "register", "-name=a", "-address=10.0.0.1:80"}),
            wrong + "address should not contain port\n");
  EXPECT_EQ(error_of({"services", "register", "-name=a", "-address=10.0.0.1.1"}),
            wrong + "malformed IP address: 10.0.0.1.1\n");
  EXPECT_EQ(error_of({"services", "register", "-name=a", "-address=a..b"}), wrong + "malformed IP address: a..b\n");
  EXPECT_EQ(error_of({"services", "register", "-name=a", "-tagged-address=lan=x"}),
            "Invalid Tagged address: address x: missing port in address\n");
  EXPECT_EQ(error_of({"services", "register", "-name=a", "-tagged-address=lan=x:y"}),
            "Invalid Tagged address: strconv.Atoi: parsing \"y\": invalid syntax\n");
}

}  // namespace
}  // namespace proconsul::agent::cli
