#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/cli/intention_types.h"
#include "agent/cli/test_agent.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kWebToDb =
    R"({"ID":"1111","SourceNS":"default","SourceName":"web","DestinationNS":"default","DestinationName":"db",)"
    R"("SourceType":"consul","Action":"allow","Meta":{"k":"v"},"Precedence":9,"CreatedAt":"2020-02-03T04:05:06Z",)"
    R"("UpdatedAt":"2020-02-03T04:05:06Z","CreateIndex":7,"ModifyIndex":7})";

class CliIntentions : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> words) {
    words.insert(words.begin(), "intention");
    return run_line(std::move(words), {{"CONSUL_HTTP_ADDR", agent.address()}});
  }
  TestAgent agent;
};

TEST_F(CliIntentions, ANewOneIsSentWithWhatTheFlagsSay) {
  agent.answer({TestAgent::reply(200, R"({"ID":"1"})")});

  const Outcome outcome = run({"create", "-deny", "-meta=k=v", "ns/web", "db"});

  EXPECT_EQ(outcome.out, "Created: ns/web => db (deny)\n") << outcome.err;
  EXPECT_THAT(agent.requests().at(0),
              AllOf(StartsWith("POST /v1/connect/intentions HTTP/1.1\r\n"), HasSubstr(R"("SourceNS":"ns")"),
                    HasSubstr(R"("SourceName":"web")"), HasSubstr(R"("Action":"deny")"),
                    HasSubstr(R"("Meta":{"k":"v"})"), Not(HasSubstr(R"("ID")"))));
}

TEST_F(CliIntentions, ReplacingTakesTheIdOfTheOldOne) {
  agent.answer({TestAgent::reply(200, kWebToDb), TestAgent::reply(200, R"({"ID":"1111"})")});

  const Outcome outcome = run({"create", "-replace", "web", "db"});

  EXPECT_EQ(outcome.out, "") << outcome.err;
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(agent.requests().at(0), StartsWith("GET /v1/connect/intentions/exact?destination=db&source=web "));
  EXPECT_THAT(agent.requests().at(1), StartsWith("PUT /v1/connect/intentions/1111 "));
}

TEST_F(CliIntentions, ReplacingWhatIsNotThereMakesIt) {
  agent.answer({TestAgent::reply(404, "Intention not found"), TestAgent::reply(200, R"({"ID":"1"})")});

  EXPECT_EQ(run({"create", "-replace", "web", "db"}).out, "Created: web => db (allow)\n");
}

TEST_F(CliIntentions, FilesAreSentOneByOne) {
  const raft::TemporaryDirectory folder;
  std::ofstream(folder / "one.json") << R"({"SourceName": "a", "DestinationName": "b", "Action": "allow"})";
  std::ofstream(folder / "l7.json")
      << R"({"SourceName": "a", "DestinationName": "b", "Permissions": [{"Action": "allow"}]})";
  agent.answer({TestAgent::reply(200, R"({"ID":"1"})")});

  EXPECT_EQ(run({"create", "-file", folder / "one.json"}).out, "Created: a => b (allow)\n");
  EXPECT_THAT(run({"create", "-file", folder / "l7.json"}).err, HasSubstr("use 'consul config write' instead"));
  EXPECT_THAT(run({"create", "-file", "/nope.json"}).err, StartsWith("Error: open /nope.json: no such file"));
}

TEST_F(CliIntentions, ACheckTellsByItsCode) {
  agent.answer({TestAgent::reply(200, R"({"Allowed":true})"), TestAgent::reply(200, R"({"Allowed":false})"),
                TestAgent::reply(500, "no")});

  EXPECT_EQ(run({"check", "web", "db"}).code, 0);
  const Outcome denied = run({"check", "web", "db"});
  EXPECT_EQ(denied.code, 1);
  EXPECT_EQ(denied.out, "Denied\n");
  const Outcome failed = run({"check", "web", "db"});
  EXPECT_EQ(failed.code, 2);
  EXPECT_EQ(failed.err, "Error checking the connection: Unexpected response code: 500 (no)\n");
  EXPECT_EQ(run({"check", "web"}).code, 2);
}

TEST_F(CliIntentions, OneIsPrintedLineByLine) {
  agent.answer({TestAgent::reply(200, kWebToDb)});

  const Outcome outcome = run({"get", "web", "db"});

  EXPECT_THAT(outcome.out, StartsWith("Source:       web\nDestination:  db\nAction:       allow\nID:           1111\n"
                                      "Meta[k]:      v\nCreated At:   Monday, 03-Feb-20 "));
}

TEST_F(CliIntentions, WhatIsNotThereIsSaid) {
  agent.answer({TestAgent::reply(404, "Intention not found")});

  EXPECT_EQ(run({"get", "web", "db"}).err, "Intention not found with source \"web\" and destination \"db\"\n");
  EXPECT_EQ(run({"get", "1111"}).err, "Intention not found with ID \"1111\"\n");
  EXPECT_EQ(run({"get"}).err, "command requires exactly 1 or 2 arguments\n");
}

TEST_F(CliIntentions, ListsAreTablesOrLines) {
  const std::string list = std::string("[") + kWebToDb + "]";
  agent.answer({TestAgent::reply(200, list), TestAgent::reply(200, "[]"),
                TestAgent::reply(200, "{\"db\":" + list + "}"), TestAgent::reply(200, R"({"db":null})")});

  EXPECT_EQ(run({"list"}).out, "ID    Source  Action  Destination  Precedence\n1111  web     allow   db           9\n");
  const Outcome empty = run({"list"});
  EXPECT_EQ(empty.code, 2);
  EXPECT_EQ(empty.err, "There are no intentions.\n");
  EXPECT_EQ(run({"match", "db"}).out, "web => db (allow)\n");
  EXPECT_EQ(run({"match", "-source", "db"}).out, "");
  EXPECT_THAT(agent.requests().at(3), StartsWith("GET /v1/connect/intentions/match?by=source&name=db "));
}

TEST_F(CliIntentions, DeletingNamesOrAnId) {
  agent.answer({TestAgent::reply(200, "true")});

  EXPECT_EQ(run({"delete", "web", "db"}).out, "Intention deleted.\n");
  EXPECT_EQ(run({"delete", "1111"}).out, "Intention deleted.\n");
  EXPECT_THAT(agent.requests().at(0), StartsWith("DELETE /v1/connect/intentions/exact?destination=db&source=web "));
  EXPECT_THAT(agent.requests().at(1), StartsWith("DELETE /v1/connect/intentions/1111 "));
}

TEST_F(CliIntentions, NamesHaveThreePartsAtMost) {
  const auto parsed = parse_intention_target("p/ns/web");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->partition + "|" + parsed->name_space + "|" + parsed->name, "p|ns|web");
  EXPECT_EQ(run({"create", "a/b/c/d", "db"}).err,
            "Error: Invalid intention source: input can contain at most two '/'\n");
  EXPECT_EQ(run({"create", "-allow", "-deny", "a", "b"}).err, "Only one of -allow or -deny may be specified.\n");
}

TEST(CliConnectExpose, AddsTheServiceToTheGatewayAndAllowsIt) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"({"Kind":"ingress-gateway","Name":"gw","TLS":{"Enabled":true},"Listeners":[)"
                                      R"({"Port":80,"Protocol":"http","Services":[{"Name":"web"}]}],"ModifyIndex":9})"),
                TestAgent::reply(200, "true"), TestAgent::reply(404, "Intention not found"),
                TestAgent::reply(200, "true")});

  const Outcome outcome =
      run_line({"connect", "expose", "-service=api", "-ingress-gateway=gw", "-port=80", "-protocol=http", "-host=a.b"},
               {{"CONSUL_HTTP_ADDR", agent.address()}});

  EXPECT_EQ(outcome.out,
            "Successfully updated config entry for ingress service \"gw\"\n"
            "Successfully set up intention for \"gw\" -> \"api\"\n")
      << outcome.err;
  EXPECT_THAT(agent.requests().at(1),
              AllOf(StartsWith("PUT /v1/config?cas=9 "), HasSubstr(R"({"Name":"web"},{"Hosts":["a.b"],"Name":"api"})"),
                    HasSubstr(R"("TLS":{"Enabled":true})")));
  EXPECT_THAT(agent.requests().at(3), StartsWith("PUT /v1/connect/intentions/exact?destination=api&source=gw "));
}

TEST(CliConnectExpose, SaysWhatIsMissing) {
  const auto error_of = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"connect", "expose"});
    return run_line(std::move(words)).err;
  };
  EXPECT_EQ(error_of({}), "A service name must be given via the -service flag.\n");
  EXPECT_EQ(error_of({"-service=a"}), "An ingress gateway service must be given via the -ingress-gateway flag.\n");
  EXPECT_EQ(error_of({"-service=a", "-ingress-gateway=b"}), "A port must be provided via the -port flag.\n");
}

TEST_F(CliIntentions, ABadFlagOfAQuestionIsNoAnswer) {
  EXPECT_EQ(run({"check", "-bogus", "web", "db"}).code, 2);
  EXPECT_EQ(run({"match", "-bogus", "db"}).code, 2);
  EXPECT_EQ(run({"list", "-bogus"}).code, 1);
}

}  // namespace
}  // namespace proconsul::agent::cli
