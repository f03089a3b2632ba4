#include "agent/cli/acl_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace proconsul::agent::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

template <class T>
T from(std::string_view json) {
  base::Result<T> object = base::from_json<T>(json);
  EXPECT_TRUE(object) << (object ? "" : object.error().detail);
  return object.value_or(T{});
}

constexpr std::string_view kToken = R"({
  "CreateIndex": 5, "ModifyIndex": 6, "AccessorID": "a-1", "SecretID": "s-1", "Description": "d", "Local": true,
  "Policies": [{"ID": "p-1", "Name": "reader"}], "Roles": [{"ID": "r-1", "Name": "ops"}],
  "ServiceIdentities": [{"ServiceName": "web"}, {"ServiceName": "db", "Datacenters": ["east", "west"]}],
  "NodeIdentities": [{"NodeName": "n1", "Datacenter": "dc1"}],
  "TemplatedPolicies": [{"TemplateName": "builtin/service", "TemplateVariables": {"Name": "api"}},
                        {"TemplateName": "builtin/dns", "Datacenters": ["east"]}],
  "AuthMethod": "ci", "ExpirationTime": "2026-01-02T04:04:05Z", "CreateTime": "2026-01-02T03:04:05.12Z",
  "Hash": "AQL/"})";

TEST(CliAclText, ATokenIsShownWithAllThatItLinksTo) {
  EXPECT_EQ(acl_text(from<AclToken>(kToken), true),
            "AccessorID:       a-1\n"
            "SecretID:         s-1\n"
            "Description:      d\n"
            "Local:            true\n"
            "Auth Method:      ci (Namespace: )\n"
            "Create Time:      2026-01-02 03:04:05.12 +0000 UTC\n"
            "Expiration Time:  2026-01-02 04:04:05 +0000 UTC\n"
            "Hash:             0102ff\n"
            "Create Index:     5\n"
            "Modify Index:     6\n"
            "Policies:\n"
            "   p-1 - reader\n"
            "Roles:\n"
            "   r-1 - ops\n"
            "Service Identities:\n"
            "   web (Datacenters: all)\n"
            "   db (Datacenters: east, west)\n"
            "Node Identities:\n"
            "   n1 (Datacenter: dc1)\n"
            "Templated Policies:\n"
            "   builtin/service\n"
            "      Name: api\n"
            "      Datacenters: all\n"
            "   builtin/dns\n"
            "      Datacenters: east\n");
}

TEST(CliAclText, AListOfTokensHasAnEmptyLineBetweenThem) {
  const auto tokens = from<base::List<AclTokenEntry>>(R"([{"AccessorID": "a"}, {"AccessorID": "b"}])");

  const std::string text = acl_list_text(tokens, false);

  EXPECT_THAT(text, StartsWith("AccessorID:       a\n"));
  EXPECT_THAT(text, HasSubstr("Create Time:      0001-01-01 00:00:00 +0000 UTC\n\nAccessorID:       b\n"));
  EXPECT_THAT(base::to_json(tokens), HasSubstr(R"("CreateTime":"0001-01-01T00:00:00Z","Hash":null})"));
}

TEST(CliAclText, AnExpandedTokenShowsTheRulesOfEverything) {
  const auto token = from<AclTokenExpanded>(R"({
    "AccessorID": "a-1", "Policies": [{"ID": "p-1", "Name": "reader"}], "Roles": [{"ID": "r-1", "Name": "ops"}],
    "ServiceIdentities": [{"ServiceName": "web"}],
    "ExpandedPolicies": [{"ID": "p-1", "Name": "reader", "Description": "pd", "Rules": "a\nb"}],
    "ExpandedRoles": [{"ID": "r-1", "Name": "ops", "Description": "rd", "Policies": [{"ID": "p-1"}],
                       "NodeIdentities": [{"NodeName": "n1", "Datacenter": "dc1"}]}],
    "AgentACLDefaultPolicy": "deny", "AgentACLDownPolicy": "extend-cache", "ResolvedByAgent": "n1"})");

  const std::string text = acl_text(token, false);

  EXPECT_THAT(text, HasSubstr("Policies:\n\tPolicy Name: reader\n\t\tID: p-1\n\t\tDescription: pd\n\t\tRules:\n"
                              "\t\t\ta\n\t\t\tb\n\n"));
  EXPECT_THAT(text, HasSubstr("Service Identities:\n\tName: web (Datacenters: all)\n\t\tDescription: synthetic policy "
                              "generated from templated policy: builtin/service\n\t\tRules:\n\t\t\tservice \"web\" {"));
  EXPECT_THAT(text, HasSubstr("Roles:\n\tRole Name: ops\n\t\tID: r-1\n\t\tDescription: rd\n\t\tPolicies:\n"
                              "\t\t\tPolicy Name: reader\n"));
  EXPECT_THAT(text, HasSubstr("\t\tNode Identities:\n\t\t\tName: n1 (Datacenter: dc1)\n"));
  EXPECT_THAT(text, HasSubstr("=== End of Authorizer Layer 0: Token ===\n=== Start of Authorizer Layer 2"));
  EXPECT_THAT(text, HasSubstr("Resolved By Agent: \"n1\"\n\nDefault Policy: deny\n\tDescription: "));
  EXPECT_THAT(text, EndsWith("option in agent configuration)\n\n"));
}

TEST(CliAclText, PoliciesAndRolesAreIndentedInLists) {
  const auto policies = from<base::List<AclPolicyEntry>>(
      R"([{"ID": "p-1", "Name": "reader", "Description": "d", "Datacenters": ["a", "b"]}])");
  const auto roles = from<base::List<AclRole>>(
      R"([{"ID": "r-1", "Name": "ops", "ServiceIdentities": [{"ServiceName": "web"}], "Hash": "AQ==", "CreateIndex": 7}])");

  EXPECT_EQ(acl_list_text(policies, false),
            "reader:\n   ID:           p-1\n   Description:  d\n   Datacenters:  a, b\n");
  EXPECT_EQ(acl_list_text(roles, true),
            "ops:\n   ID:           r-1\n   Description:  \n   Hash:         01\n   Create Index: 7\n"
            "   Modify Index: 0\n   Service Identities:\n      web (Datacenters: all)\n");
}

TEST(CliAclText, APolicyEndsWithItsRulesAsTheyAre) {
  EXPECT_EQ(acl_text(from<AclPolicy>(R"({"ID": "p-1", "Name": "x", "Rules": "key \"a\" {}"})"), false),
            "ID:           p-1\nName:         x\nDescription:  \nDatacenters:  \nRules:\nkey \"a\" {}");
}

TEST(CliAclText, AnAuthMethodEndsWithItsConfiguration) {
  const auto method = from<AclAuthMethod>(
      R"({"Name": "ci", "Type": "jwt", "MaxTokenTTL": "1h0m0s", "Config": {"B": ["x"], "A": 1}, "CreateIndex": 3})");

  EXPECT_EQ(acl_text(method, true),
            "Name:          ci\nType:          jwt\nDescription:   \nMaxTokenTTL:   1h0m0s\nCreate Index:  3\n"
            "Modify Index:  0\nConfig:\n{\n  \"A\": 1,\n  \"B\": [\n    \"x\"\n  ]\n}");
  EXPECT_EQ(base::to_json(method),
            R"({"MaxTokenTTL":"1h0m0s","Name":"ci","Type":"jwt","Config":{"A":1,"B":["x"]},"CreateIndex":3,)"
            R"("ModifyIndex":0})");
}

TEST(CliAclText, ABindingRuleShowsItsVariables) {
  const auto rule = from<AclBindingRule>(
      R"({"ID": "b-1", "AuthMethod": "ci", "BindType": "templated-policy", "BindVars": {"Name": "web"}})");

  EXPECT_THAT(acl_text(rule, false), HasSubstr("BindVars:     \n     - Name: web\nSelector:     \n"));
  EXPECT_THAT(acl_list_text({rule}, false), HasSubstr("b-1:\n   AuthMethod:   ci\n"));
  EXPECT_THAT(acl_list_text({rule}, false), HasSubstr("   BindVars:     \n      - Name: web\n   Selector:     \n"));
}

TEST(CliAclText, ATemplateSaysWhatItAsksFor) {
  const AclTemplate named{.TemplateName = "builtin/node", .Schema = "{}", .Template = "x", .Description = "d"};

  EXPECT_EQ(acl_text(named, true),
            "Name:            builtin/node\nDescription:     d\nInput variables:\n\tName: String - Required - The node "
            "name.\nExample usage:\n\tconsul acl token create -templated-policy builtin/node -var name:node-1\n"
            "Schema:\n{}\n\nRaw Template:\nx\n");
  EXPECT_THAT(acl_text(AclTemplate{.TemplateName = "builtin/dns"}, false), HasSubstr("Input variables: None\nExample"));
  EXPECT_THAT(acl_text(AclTemplate{.TemplateName = "own"}, false), EndsWith("Input variables:   None\n"));
}

TEST(CliAclText, AMomentIsShownInItsOwnZone) {
  EXPECT_EQ(time_text(*base::parse_rfc3339("2026-01-02T03:04:05.000000001+14:00")),
            "2026-01-02 03:04:05.000000001 +1400 +1400");
  EXPECT_EQ(time_text(base::Time{}), "0001-01-01 00:00:00 +0000 UTC");
}

}  // namespace
}  // namespace proconsul::agent::cli
