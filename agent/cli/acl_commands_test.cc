// The commands of access control against a server that answers what the test says; tests/cluster/cli_acl_test.py runs
// them against a real agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/cli/test_agent.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kID = "11111111-2222-3333-4444-555555555555";

std::map<std::string, std::string> at(const TestAgent& agent) {
  return {{"CONSUL_HTTP_ADDR", agent.address()}};
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string error_of(std::vector<std::string> line) {
  return first_line(run_line(std::move(line)).err);
}

std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

TEST(CliAcl, WhatIsMissingIsNamedBeforeAnythingIsSent) {
  EXPECT_EQ(error_of({"acl", "policy", "create"}), "Missing required '-name' flag");
  EXPECT_EQ(error_of({"acl", "policy", "read"}), "Must specify either the -id or -name parameters");
  EXPECT_EQ(error_of({"acl", "role", "create", "-name=x"}),
            "Cannot create a role without specifying -policy-name, -policy-id, -service-identity, -node-identity, "
            "-templated-policy-file or -templated-policy at least once");
  EXPECT_EQ(error_of({"acl", "token", "update"}),
            "Cannot update a token without specifying the -accessor-id parameter");
  EXPECT_EQ(error_of({"acl", "auth-method", "create", "-name=x"}), "Missing required '-type' flag");
  EXPECT_EQ(error_of({"acl", "binding-rule", "create", "-method=m"}), "Missing required '-bind-name' flag");
  EXPECT_EQ(error_of({"acl", "binding-rule", "create", "-method=m", "-bind-name=x", "-bind-vars=a=b"}),
            "Cannot specify -bind-vars when -bind-type is not templated-policy");
  EXPECT_EQ(error_of({"acl", "set-agent-token", "dns"}), "Error! MISSING TYPE argument");
  EXPECT_EQ(error_of({"acl", "set-agent-token", "agent"}), "Error! Missing TOKEN argument");
  EXPECT_EQ(error_of({"acl", "bootstrap", "a", "b"}), "This command takes up to one argument");
}

TEST(CliAcl, AnUnknownFormatChangesNothing) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "{}")});

  const Outcome created = run_line({"acl", "policy", "create", "-name=x", "-format=yaml"}, at(agent));
  const Outcome deleted = run_line({"acl", "bootstrap", "-format=yaml"}, at(agent));

  EXPECT_EQ(created.err, "Unknown format: yaml\n");
  EXPECT_EQ(deleted.err, "Unknown format: yaml\n");
  EXPECT_TRUE(agent.requests().empty());
}

TEST(CliAcl, AnIdIsFoundByItsFront) {
  TestAgent agent;
  const std::string list = R"([{"ID": "aa-1", "Name": "x"}, {"ID": "ab-1", "Name": "y"}])";
  agent.answer({TestAgent::reply(200, list)});

  EXPECT_EQ(first_line(run_line({"acl", "role", "delete", "-id=a"}, at(agent)).err),
            "Error determining role ID: Partial role ID is not unique");
  EXPECT_EQ(first_line(run_line({"acl", "policy", "read", "-id=zz"}, at(agent)).err),
            "Error determining policy ID: No such policy ID with prefix: zz");
  EXPECT_EQ(run_line({"acl", "role", "delete", "-id=ab"}, at(agent)).out, "Role \"ab-1\" deleted successfully\n");
  EXPECT_THAT(agent.requests().back(), StartsWith("DELETE /v1/acl/role/ab-1 HTTP/1.1\r\n"));
}

TEST(CliAcl, NamesAreEscapedTwiceAsTheAgentExpects) {
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "no")});

  EXPECT_EQ(first_line(run_line({"acl", "policy", "read", "-name=builtin/x"}, at(agent)).err),
            "Error policy not found: builtin/x");
  EXPECT_THAT(agent.requests()[0], StartsWith("GET /v1/acl/policy/name/builtin%252Fx HTTP/1.1\r\n"));
  EXPECT_EQ(first_line(run_line({"acl", "role", "read", "-name=r"}, at(agent)).err), "Role not found with name \"r\"");
}

TEST(CliAcl, AnUpdateOfAPolicyKeepsWhatIsNotNamed) {
  TestAgent agent;
  agent.answer(
      {TestAgent::reply(200, R"({"ID": "x", "Name": "n", "Description": "d", "Rules": "r", "Hash": "AQ=="})")});

  run_line({"acl", "policy", "update", std::string("-id=") + kID, "-rules=-"}, at(agent), "new rules");
  run_line({"acl", "policy", "update", std::string("-id=") + kID, "-name=m", "-no-merge"}, at(agent));

  ASSERT_EQ(agent.requests().size(), 3u);
  EXPECT_THAT(body_of(agent.requests()[1]),
              StartsWith(R"({"ID":"11111111-2222-3333-4444-555555555555","Name":"n","Description":"d",)"
                         R"("Rules":"new rules","Datacenters":null,"Hash":null)"));
  EXPECT_THAT(body_of(agent.requests()[2]), HasSubstr(R"("Name":"m","Description":"","Rules":"")"));
}

TEST(CliAcl, ATokenGetsWhatTheFlagsName) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "{}")});

  run_line({"acl", "token", "create", "-policy-name=p", "-role-name=r", "-service-identity=web:a,b",
            "-node-identity=n:dc1", "-templated-policy=builtin/service", "-var=name:api", "-expires-ttl=1m", "-local"},
           at(agent));

  EXPECT_THAT(body_of(agent.requests()[0]),
              AllOf(HasSubstr(R"("Policies":[{"ID":"","Name":"p"}],"Roles":[{"ID":"","Name":"r"}],"ServiceIdentities":)"
                              R"([{"ServiceName":"web","Datacenters":["a","b"]}],"NodeIdentities":[{"NodeName":"n",)"
                              R"("Datacenter":"dc1"}],"TemplatedPolicies":[{"TemplateName":"builtin/service",)"
                              R"("TemplateVariables":{"Name":"api"}}],"Local":true)"),
                    HasSubstr(R"("ExpirationTTL":60000000000)")));
}

TEST(CliAcl, TemplatesMayStandInAFile) {
  const raft::TemporaryDirectory folder;
  const std::string hcl = folder.path() + "/t.hcl";
  std::ofstream(hcl) << "TemplatedPolicy \"builtin/service\" { Name = \"web\" }\n"
                        "TemplatedPolicy \"builtin/service\" { name = \"db\" }\nTemplatedPolicy \"builtin/dns\" {}\n";
  const std::string json = folder.path() + "/t.json";
  std::ofstream(json) << R"({"TemplatedPolicy": {"builtin/node": [{"Name": "n1"}]}})";
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "{}")});

  run_line({"acl", "role", "create", "-name=r", "-templated-policy-file=" + hcl}, at(agent));
  run_line({"acl", "templated-policy", "preview", "-file=" + json}, at(agent));
  const Outcome several = run_line({"acl", "templated-policy", "preview", "-file=" + hcl}, at(agent));
  const Outcome malformed =
      run_line({"acl", "templated-policy", "preview", "-name=builtin/node", "-var=name"}, at(agent));

  EXPECT_THAT(body_of(agent.requests()[0]), AllOf(HasSubstr(R"({"Name":"web"}})"), HasSubstr(R"({"Name":"db"}})"),
                                                  HasSubstr(R"({"TemplateName":"builtin/dns",)")));
  EXPECT_THAT(agent.requests()[1], AllOf(StartsWith("POST /v1/acl/templated-policy/preview/builtin/node HTTP/1.1\r\n"),
                                         EndsWith("\r\n\r\n{\"Name\":\"n1\"}")));
  EXPECT_EQ(first_line(several.err), "Can only preview a single templated policy at a time.");
  EXPECT_EQ(first_line(malformed.err), "malformed -var argument: \"name\", expecting VariableName:Value");
}

TEST(CliAcl, AnUpdateOfATokenSetsOrAdds) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"({"AccessorID": "x", "Policies": [{"ID": "p1", "Name": "a"}],
      "ServiceIdentities": [{"ServiceName": "web"}], "NodeIdentities": [{"NodeName": "n", "Datacenter": "d"}]})")});
  const auto update = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"acl", "token", "update", std::string("-accessor-id=") + kID});
    const Outcome outcome = run_line(flags, at(agent));
    return outcome.code == 0 ? body_of(agent.requests().back()) : first_line(outcome.err);
  };

  EXPECT_THAT(update({"-append-policy-name=b"}),
              HasSubstr(R"("Policies":[{"ID":"p1","Name":"a"},{"ID":"","Name":"b"}],"Local")"));
  EXPECT_THAT(update({"-policy-name=b"}), HasSubstr(R"("Policies":[{"ID":"","Name":"b"}])"));
  EXPECT_THAT(update({"-append-service-identity=web:dc2", "-append-node-identity=n:d"}),
              HasSubstr(R"("ServiceIdentities":[{"ServiceName":"web","Datacenters":["dc2"]}],)"
                        R"("NodeIdentities":[{"NodeName":"n","Datacenter":"d"}])"));
  EXPECT_THAT(update({"-merge-policies", "-policy-name=a"}), HasSubstr(R"("Policies":[{"ID":"p1","Name":"a"}])"));
  EXPECT_THAT(update({"-policy-name=a", "-append-policy-id=b"}), StartsWith("Cannot combine the use of policy-id"));
}

TEST(CliAcl, AnUpdateOfARoleAddsUnlessToldOtherwise) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"({"ID": "x", "Name": "r", "Policies": [{"ID": "p1", "Name": "a"}],
      "NodeIdentities": [{"NodeName": "n", "Datacenter": "dc1"}]})")});
  const std::string id = std::string("-id=") + kID;

  run_line(
      {"acl", "role", "update", id, "-policy-name=a", "-policy-name=b", "-node-identity=n:dc1", "-node-identity=n:dc2"},
      at(agent));
  EXPECT_THAT(body_of(agent.requests().back()),
              HasSubstr(R"("Policies":[{"ID":"p1","Name":"a"},{"ID":"","Name":"b"}],"NodeIdentities":[{"NodeName":"n",)"
                        R"("Datacenter":"dc1"},{"NodeName":"n","Datacenter":"dc2"}])"));
  run_line({"acl", "role", "update", id, "-no-merge", "-name=q", "-policy-name=b"}, at(agent));
  EXPECT_THAT(body_of(agent.requests().back()),
              AllOf(HasSubstr(R"("ID":"11111111-2222-3333-4444-555555555555","Name":"q")"),
                    HasSubstr(R"("Policies":[{"ID":"","Name":"b"}],"Hash")")));
}

TEST(CliAcl, AnAgentsTokenFallsBackOnOlderNames) {
  TestAgent agent;
  agent.answer({TestAgent::reply(404, "no"), TestAgent::reply(404, "no"), TestAgent::reply(200, "")});

  const Outcome set = run_line({"acl", "set-agent-token", "recovery", "-"}, at(agent), "secret");

  EXPECT_EQ(set.out, "ACL token \"recovery\" set successfully\n");
  EXPECT_THAT(agent.requests()[0], StartsWith("PUT /v1/agent/token/agent_recovery "));
  EXPECT_THAT(agent.requests()[2], AllOf(StartsWith("PUT /v1/agent/token/acl_agent_master_token "),
                                         EndsWith("\r\n\r\n{\"Token\":\"secret\"}")));
}

TEST(CliAcl, TheFirstSecretMayBeChosen) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, R"({"AccessorID": "a"})")});

  const Outcome made = run_line({"acl", "bootstrap", "-"}, at(agent), " secret\n");
  run_line({"acl", "bootstrap"}, at(agent));

  EXPECT_THAT(made.out, AllOf(StartsWith("AccessorID:       a\n"), EndsWith("UTC\n\n")));
  EXPECT_THAT(agent.requests()[0], EndsWith("\r\n\r\n{\"BootstrapSecret\":\"secret\"}"));
  EXPECT_THAT(agent.requests()[1], EndsWith("\r\n\r\n"));
}

TEST(CliAcl, AKubernetesMethodIsConfiguredByFlags) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "{}")});

  run_line({"acl", "auth-method", "create", "-name=k", "-type=kubernetes", "-kubernetes-host=h",
            "-kubernetes-ca-cert=-", "-kubernetes-service-account-jwt=j"},
           at(agent), "pem");
  const Outcome both =
      run_line({"acl", "auth-method", "create", "-name=k", "-type=jwt", "-config={}", "-kubernetes-host=h"}, at(agent));
  const Outcome broken = run_line({"acl", "auth-method", "create", "-name=k", "-type=jwt", "-config={"}, at(agent));

  EXPECT_THAT(body_of(agent.requests()[0]),
              HasSubstr(R"("Config":{"CACert":"pem","Host":"h","ServiceAccountJWT":"j"})"));
  EXPECT_EQ(both.err, "Cannot use command line arguments with '-config' flags\n");
  EXPECT_EQ(broken.err, "Error parsing JSON configuration file: unexpected end of JSON input\n");
}

TEST(CliAcl, AListInJsonIsTheAgentsInItsFields) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "[]"), TestAgent::reply(200, "null"), TestAgent::reply(200, "[]")});

  EXPECT_EQ(run_line({"acl", "token", "list", "-format=json"}, at(agent)).out, "[]\n");
  EXPECT_EQ(run_line({"acl", "role", "list", "-format=json"}, at(agent)).out, "null\n");
  EXPECT_EQ(run_line({"acl", "binding-rule", "list", "-method=a b"}, at(agent)).out, "");
  EXPECT_THAT(agent.requests()[2], StartsWith("GET /v1/acl/binding-rules?authmethod=a+b HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace proconsul::agent::cli
