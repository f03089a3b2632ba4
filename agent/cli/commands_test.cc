// Commands against a server that answers what the test says; what needs a real agent is in tests/cluster/cli_test.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/cli/completion.h"
#include "agent/cli/test_agent.h"
#include "agent/invite/secret.h"
#include "agent/invite/token.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::map<std::string, std::string> at(const TestAgent& agent) {
  return {{"CONSUL_HTTP_ADDR", agent.address()}};
}

std::string error_of(std::vector<std::string> line) {
  const std::string text = run_line(std::move(line)).err;
  return text.substr(0, text.find('\n'));
}

const std::string kSelf = TestAgent::reply(200, R"({"Config":{"NodeName":"n1","Datacenter":"dc1"}})");

TEST(CliEvent, FiltersAndPayloadGoWithTheEvent) {
  TestAgent agent;
  agent.answer({kSelf, TestAgent::reply(200, R"({"ID":"e-1","Name":"deploy"})")});

  const Outcome outcome = run_line({"event", "-name=deploy", "-service=^web", "-tag=v1", "payload"}, at(agent));

  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "Event ID: e-1\n");
  EXPECT_THAT(agent.requests()[1],
              AllOf(StartsWith("PUT /v1/event/fire/deploy?service=%5Eweb&tag=v1 HTTP/1.1\r\n"),
                    HasSubstr("Content-Type: application/octet-stream\r\n"), EndsWith("\r\n\r\npayload")));
}

TEST(CliEvent, BadFiltersAreNamedBeforeAnythingIsSent) {
  EXPECT_EQ(error_of({"event"}), "Event name must be specified");
  EXPECT_EQ(error_of({"event", "-name=x", "-node=["}),
            "Failed to compile node filter regexp: error parsing regexp: missing closing ]: `[`");
  EXPECT_EQ(error_of({"event", "-name=x", "-tag=a"}), "Cannot provide tag filter without service filter.");
  EXPECT_EQ(error_of({"event", "-name=x", "a", "b"}), "Too many command line arguments.");
}

TEST(CliNames, StandInPathsAsGosClientEscapesThem) {
  // What would end the path is escaped, and once more where the agent undoes it twice; a slash is none of Go's concern.
  const std::string name = "a b?c%d/e", escaped = "a%20b%3Fc%25d/e";
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines = {
      {{"peering", "read", "-name", name}, "GET /v1/peering/" + escaped},
      {{"config", "read", "-kind", "service-defaults", "-name", name}, "GET /v1/config/service-defaults/" + escaped},
      {{"services", "deregister", "-id", name}, "PUT /v1/agent/service/deregister/" + escaped},
      {{"kv", "get", name}, "GET /v1/kv/" + escaped},
      {{"catalog", "nodes", "-service", name}, "GET /v1/catalog/service/" + escaped},
      {{"force-leave", name}, "PUT /v1/agent/force-leave/" + escaped},
      {{"acl", "policy", "read", "-name", name}, "GET /v1/acl/policy/name/a+b%253Fc%2525d%252Fe"},
  };
  for (const auto& [line, target] : lines) {
    TestAgent agent;
    agent.answer({TestAgent::reply(404, "")});
    run_line(line, at(agent));
    const std::vector<std::string> requests = agent.requests();
    ASSERT_FALSE(requests.empty()) << line.front();
    const std::string first = requests.back().substr(0, requests.back().find('\r'));
    EXPECT_TRUE(first == target + " HTTP/1.1" || first.starts_with(target + "?")) << first;
  }
}

TEST(CliFederationJoin, TheTokenComesByTheInputToo) {
  base::SeededRandom random(7);
  invite::Token token;
  token.ID = "6f0f1f04-8a0c-4d0c-9f0a-0f1e2d3c4b5a";
  token.Secret = base::Bytes(invite::new_secret(random));
  token.Primary = "dc1";
  token.Domain = "consul";
  token.Datacenters = {"dc2"};
  token.Servers = 1;
  token.Gateways = {"203.0.113.1:8443"};
  token.Expires = 1'700'000'000;
  const std::string text = invite::to_text(token);

  for (const Outcome& outcome :
       {run_line({"federation", "join", text}), run_line({"federation", "join", "-"}, {}, text + "\n")}) {
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, StartsWith("Error joining: the token is over since 2023-11-14"));
  }
  EXPECT_THAT(run_line({"federation", "join", "-"}, {}, "\n").err, HasSubstr("the standard input has no token"));
  EXPECT_THAT(run_line({"federation", "join", "-"}, {}, text.substr(1)).err, HasSubstr("this is no token"));
}

TEST(CliJoin, OneAddressThatAnswersIsEnough) {
  TestAgent agent;
  agent.answer({TestAgent::reply(500, "no route"), TestAgent::reply(200, "")});

  const Outcome outcome = run_line({"join", "-wan", "a:1", "b"}, at(agent));

  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "Successfully joined cluster by contacting 1 nodes.\n");
  EXPECT_EQ(outcome.err, "Error joining address 'a:1': Unexpected response code: 500 (no route)\n");
  EXPECT_THAT(agent.requests()[1], StartsWith("PUT /v1/agent/join/b?wan=1 HTTP/1.1\r\n"));
}

TEST(CliJoin, NoneThatAnswersFails) {
  TestAgent agent;
  agent.answer({TestAgent::reply(500, "no")});

  EXPECT_THAT(run_line({"join", "a"}, at(agent)).err, EndsWith("\nFailed to join any nodes.\n"));
  EXPECT_EQ(error_of({"join"}), "At least one address to join must be specified.");
}

TEST(CliForceLeave, FlagsBecomeTheQuery) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "")});

  EXPECT_EQ(run_line({"force-leave", "-prune", "-wan", "n9"}, at(agent)).code, 0);
  EXPECT_THAT(agent.requests()[0], StartsWith("PUT /v1/agent/force-leave/n9?prune=1&wan=1 HTTP/1.1\r\n"));
  EXPECT_EQ(error_of({"force-leave"}), "A single node name must be specified to force leave.");
}

TEST(CliMonitor, LinesArePrintedAsTheyComeAndTheEndIsExplained) {
  TestAgent agent;
  agent.answer({"HTTP/1.1 200 OK\r\n\r\nfirst\r\n\nlast"});

  const Outcome outcome = run_line({"monitor", "-log-level=trace", "-log-json"}, at(agent));

  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, StartsWith("first\n \nlast\n\nRemote side ended the monitor!"));
  EXPECT_THAT(agent.requests()[0], StartsWith("GET /v1/agent/monitor?logjson=true&loglevel=trace HTTP/1.1\r\n"));
}

TEST(CliMonitor, ARefusalIsAnError) {
  TestAgent agent;
  agent.answer({TestAgent::reply(400, "Unknown log level: bad")});

  EXPECT_EQ(run_line({"monitor", "-log-level=bad"}, at(agent)).err,
            "Error starting monitor: Unexpected response code: 400 (Unknown log level: bad)\n");
}

const std::string kCoordinates = TestAgent::reply(
    200,
    R"([{"Node":"a","Segment":"","Coord":{"Vec":[0.1,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.0001}},)"
    R"({"Node":"b","Segment":"","Coord":{"Vec":[0.5,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.0001}}])");

TEST(CliRtt, TheDistanceOfTwoNodesIsPrinted) {
  TestAgent agent;
  agent.answer({kCoordinates});

  EXPECT_EQ(run_line({"rtt", "A", "b"}, at(agent)).out, "Estimated A <-> b rtt: 400.200 ms (using LAN coordinates)\n");
  EXPECT_EQ(run_line({"rtt", "a", "zz"}, at(agent)).err, "Could not find a coordinate for node \"zz\"\n");
  EXPECT_EQ(error_of({"rtt"}), "One or two node names must be specified");
  EXPECT_EQ(error_of({"rtt", "-wan", "a.b", "c"}),
            "Node names must be specified as <node name>.<datacenter> with -wan");
}

TEST(CliUsage, CountsAreTables) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"({"Usage":{"dc1":{"Nodes":1,"Services":2,"BillableServiceInstances":3,
      "ConnectServiceInstances":{"connect-native":0,"mesh-gateway":4}}}})")});

  const Outcome outcome = run_line({"operator", "usage", "instances", "-all-datacenters"}, at(agent));

  EXPECT_EQ(outcome.out,
            "Billable Service Instances Total: 3\ndc1 Billable Service Instances: 3\n\nBillable Services\n"
            "Datacenter      Services      Service instances\ndc1             2             3\n"
            "                              \nTotal           2             3\n\n\nNodes\n"
            "Datacenter      Count            \ndc1             1\n                \nTotal           1\n\n\n"
            "Connect Services\nDatacenter      Type                Service instances\n"
            "dc1             connect-native      0\ndc1             mesh-gateway        4\n"
            "                                    \nTotal                               4\n");
  EXPECT_THAT(agent.requests()[0], StartsWith("GET /v1/operator/usage?global= HTTP/1.1\r\n"));
  EXPECT_EQ(error_of({"operator", "usage", "instances", "-billable", "-connect"}),
            "Cannot specify both -billable and -connect flags");
}

TEST(CliExport, ConsumersAreAddedToWhatIsThere) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"({"Kind":"exported-services","Name":"default","Meta":{"a":"b"},"ModifyIndex":7,
      "Services":[{"Name":"web","Consumers":[{"Peer":"east"}]}]})"),
                TestAgent::reply(200, "true")});

  const Outcome outcome = run_line({"services", "export", "-name=web", "-consumer-peers=east,west"}, at(agent));

  EXPECT_EQ(outcome.out, "Successfully exported service \"web\" to cluster peers \"east,west\"\n");
  EXPECT_THAT(agent.requests()[1],
              AllOf(StartsWith("PUT /v1/config?cas=7 HTTP/1.1\r\n"), HasSubstr(R"("Meta":{"a":"b"})"),
                    HasSubstr(R"("Consumers":[{"Peer":"east"},{"Peer":"west"}])")));
}

TEST(CliExport, AMissingEntryIsMadeAndAChangedOneRefused) {
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "Config entry not found for \"exported-services\" / \"default\""),
                TestAgent::reply(200, "false")});

  const Outcome outcome = run_line({"services", "export", "-name=web", "-consumer-peers=east"}, at(agent));

  EXPECT_EQ(outcome.err, "Config entry was changed during update. Please try again\n");
  EXPECT_THAT(agent.requests()[1], AllOf(StartsWith("PUT /v1/config?cas=0 HTTP/1.1\r\n"),
                                         EndsWith(R"({"Kind":"exported-services","Name":"default",)"
                                                  R"("Services":[{"Consumers":[{"Peer":"east"}],"Name":"web"}]})")));
  EXPECT_EQ(error_of({"services", "export"}), "Missing the required -name flag");
  EXPECT_EQ(error_of({"services", "export", "-name=x", "-consumer-peers=a,"}), "Invalid peer \"\"");
}

TEST(CliExportedServices, ListsAreFilteredTablesOrJson) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"([{"Service":"web","Consumers":{"Peers":["east","west"]}},
      {"Service":"db","Consumers":{"Peers":["east"]}}])")});

  EXPECT_EQ(run_line({"services", "exported-services"}, at(agent)).out,
            "Service  Consumer Peers\nweb      east, west\ndb       east\n");
  EXPECT_EQ(run_line({"services", "exported-services", "-format=json", "-filter=Service==db"}, at(agent)).out,
            "[\n    {\n        \"Service\": \"db\",\n        \"Consumers\": {\n            \"Peers\": [\n"
            "                \"east\"\n            ]\n        }\n    }\n]\n");
  EXPECT_EQ(run_line({"services", "exported-services", "-filter=Service==x"}, at(agent)).out,
            "No exported services found\n");
  EXPECT_EQ(run_line({"services", "exported-services", "-filter=x=="}, at(agent)).err.substr(0, 90),
            "Error while creating filter: Failed to create boolean expression evaluator: 1:4 (3): no ma");
  EXPECT_EQ(error_of({"services", "exported-services", "-format=x"}),
            "Invalid format, valid formats are {pretty|json}");
  EXPECT_EQ(error_of({"peering", "list", "-format=x"}), "Invalid format, valid formats are {json|pretty}");
}

TEST(CliWatch, TheViewIsPrintedOnceWithoutAChild) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "\"127.0.0.1:8300\""),
                TestAgent::reply(200, R"({"web":["a"],"consul":[]})", "X-Consul-Index: 5\r\n")});

  const Outcome outcome = run_line({"watch", "-type=services", "-stale", "-token=t"}, at(agent));

  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "{\n    \"consul\": [],\n    \"web\": [\n        \"a\"\n    ]\n}\n");
  EXPECT_THAT(agent.requests()[1],
              AllOf(StartsWith("GET /v1/catalog/services?stale= HTTP/1.1\r\n"), HasSubstr("X-Consul-Token: t\r\n")));
}

TEST(CliWatch, AChildThatFailsEndsTheWatch) {
  const raft::TemporaryDirectory folder;
  const std::string file = folder.path() + "/out";
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "\"\""), TestAgent::reply(404, "", "X-Consul-Index: 5\r\n")});

  const Outcome outcome = run_line(
      {"watch", "-type=key", "-key=a", "cat > " + file + "; echo $CONSUL_INDEX >> " + file + "; exit 3"}, at(agent));

  std::ostringstream content;
  content << std::ifstream(file).rdbuf();
  EXPECT_EQ(content.str(), "null\n5\n");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "Error executing handler: exit status 3\n");
}

TEST(CliWatch, ParametersAreCheckedBeforeTheAgentIsAsked) {
  EXPECT_EQ(error_of({"watch"}), "Watch type must be specified");
  EXPECT_EQ(error_of({"watch", "-type=bogus"}), "Unsupported watch type: bogus");
  EXPECT_EQ(error_of({"watch", "-type=key"}), "Must specify a single key to watch");
  EXPECT_EQ(error_of({"watch", "-type=connect_roots"}), "Type connect_roots is not supported in the CLI tool");
  EXPECT_EQ(error_of({"watch", "-type=event", "-stale"}), "Invalid parameters: [stale]");
  EXPECT_EQ(error_of({"watch", "-type=service", "-service=a", "-passingonly=x"}),
            "Failed to parse passingonly flag: strconv.ParseBool: parsing \"x\": invalid syntax");
}

TEST(CliLock, OptionsAreCheckedFirst) {
  EXPECT_EQ(error_of({"lock"}), "Key prefix and child command must be specified");
  EXPECT_EQ(error_of({"lock", "-n=0", "a", "b"}), "Lock holder limit must be positive");
  EXPECT_EQ(error_of({"lock", "-timeout=-1s", "a", "b"}), "Timeout must be positive");
  EXPECT_EQ(error_of({"lock", "-monitor-retry=-1", "a", "b"}), "Number for 'monitor-retry' must be >= 0");
}

TEST(CliExec, OptionsAreCheckedFirst) {
  EXPECT_EQ(error_of({"exec"}), "Must specify a command to execute");
  EXPECT_EQ(error_of({"exec", "-shell=false", "-"}), "Cannot configure -shell=false when reading from stdin");
  EXPECT_EQ(error_of({"exec", "-tag=a", "uptime"}), "Cannot provide tag filter without service filter.");
}

TEST(CliDebug, ImpossibleTimesAreRefused) {
  EXPECT_EQ(error_of({"debug", "-duration=1s"}), "==> Capture validation failed: duration must be longer than 10s");
  EXPECT_EQ(error_of({"debug", "-interval=1s"}), "==> Capture validation failed: interval must be longer than 10s");
  EXPECT_EQ(error_of({"debug", "-duration=10s", "-interval=20s"}),
            "==> Capture validation failed: duration (10s) must be longer than interval (20s)");
  EXPECT_EQ(error_of({"debug", "extra"}), "==> debug: Too many arguments provided, expected 0");
}

TEST(CliDebug, WhatNeedsNoTimeIsPackedAtOnce) {
  const raft::TemporaryDirectory folder;
  const std::string output = folder.path() + "/result";
  TestAgent agent;
  agent.answer({TestAgent::reply(
      200, R"({"Config":{"Version":"1.21.4"},"DebugConfig":{"EnableDebug":false,"ACLsEnabled":false},"Servers":[]})")});

  const Outcome outcome =
      run_line({"debug", "-capture=agent", "-capture=host", "-archive=false", "-output=" + output}, at(agent));
  const Outcome again = run_line({"debug", "-capture=agent", "-output=" + output}, at(agent));

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, EndsWith("    Saved debug archive: " + output + '\n'));
  for (const char* file : {"/agent.json", "/host.json", "/index.json", "/listpeers.json"}) {
    EXPECT_TRUE(std::filesystem::exists(output + file)) << file;
  }
  EXPECT_THAT(again.err, HasSubstr("output directory already exists: " + output));
}

TEST(CliDebug, AnArchiveHoldsTheFilesUnderItsName) {
  const raft::TemporaryDirectory folder;
  const std::string output = folder.path() + "/result";
  TestAgent agent;
  agent.answer({TestAgent::reply(
      200, R"({"Config":{"Version":"1.21.4"},"DebugConfig":{"EnableDebug":false,"ACLsEnabled":false},"Servers":[]})")});

  const Outcome outcome = run_line({"debug", "-capture=agent", "-output=" + output}, at(agent));

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(output));
  const std::string list = folder.path() + "/list";
  ASSERT_EQ(std::system(("tar -tzf " + output + ".tar.gz > " + list).c_str()), 0);
  std::ostringstream names;
  names << std::ifstream(list).rdbuf();
  EXPECT_EQ(names.str(), "result/\nresult/agent.json\nresult/index.json\nresult/listpeers.json\n");
}

TEST(CliPorts, EachPortIsTold) {
  TestAgent agent;
  const std::string port = agent.address().substr(agent.address().find(':') + 1);

  const Outcome outcome = run_line({"troubleshoot", "ports", "-ports=" + port + ",1"}, at(agent));

  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("TCP: Port " + port + " on " + agent.address() + " is open.\n"),
                                 HasSubstr("is closed, unreachable, or the connection timed out.\n")));
  EXPECT_EQ(error_of({"troubleshoot", "ports"}), "-host is required. or set environment variable CONSUL_HTTP_ADDR");
}

TEST(CliCompletion, SubcommandsAndFlagsAreOffered) {
  EXPECT_THAT(completions("consul kv g"), ElementsAre("get"));
  EXPECT_THAT(completions("consul operator raft "), ElementsAre("list-peers", "remove-peer", "transfer-leader"));
  EXPECT_THAT(completions("consul kv get -sep"), ElementsAre("-separator"));
  EXPECT_THAT(completions("consul "), testing::IsSupersetOf({"kv", "watch", "agent"}));
  EXPECT_THAT(completions("consul -auto"), ElementsAre("-autocomplete-install", "-autocomplete-uninstall"));
  EXPECT_THAT(completions("consul nothing "), testing::IsEmpty());
}

TEST(CliCompletion, ItIsInstalledOnceInEveryShellAndGoesWithoutATrace) {
  const raft::TemporaryDirectory home;
  std::ofstream(home.path() + "/.bashrc") << "alias x=y\n";
  std::ofstream(home.path() + "/.zshrc") << "";
  std::filesystem::create_directories(home.path() + "/.config/fish");
  const std::map<std::string, std::string> variables{{"HOME", home.path()}};
  const auto content = [&](const std::string& file) {
    std::ostringstream out;
    out << std::ifstream(home.path() + file).rdbuf();
    return out.str();
  };

  EXPECT_EQ(run_line({"-autocomplete-install"}, variables).err, "");
  const Outcome again = run_line({"-autocomplete-install"}, variables);
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("already installed in "));
  EXPECT_THAT(content("/.bashrc"), AllOf(StartsWith("alias x=y\ncomplete -C /"), EndsWith(" proconsul\n")));
  EXPECT_THAT(content("/.zshrc"), HasSubstr("bashcompinit"));
  EXPECT_THAT(content("/.config/fish/completions/proconsul.fish"), HasSubstr("complete -f -c proconsul"));

  EXPECT_EQ(run_line({"-autocomplete-uninstall"}, variables).err, "");
  EXPECT_EQ(content("/.bashrc"), "alias x=y\n");
  EXPECT_FALSE(std::filesystem::exists(home.path() + "/.config/fish/completions/proconsul.fish"));
  EXPECT_EQ(run_line({"-autocomplete-install", "-autocomplete-uninstall"}, variables).code, 1);
}

TEST(CliUi, ColoursAreForPeople) {
  std::istringstream in;
  std::ostringstream out;
  const Ui ui{.in = in, .out = out, .err = out, .color = true};

  ui.table({{"Node", "Status"}, {"a", "alive"}, {"b", "failed"}},
           [](const std::vector<std::string>& row) { return row[1] == "failed" ? Ui::Tone::bad : Ui::Tone::plain; });

  EXPECT_EQ(out.str(), "\x1b[1mNode  Status\x1b[0m\na     alive\n\x1b[31mb     failed\x1b[0m\n");
}

}  // namespace
}  // namespace proconsul::agent::cli
