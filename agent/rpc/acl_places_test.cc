#include "agent/rpc/acl_places.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/rpc/acl_types.h"
#include "agent/rpc/config_types.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/acl.h"
#include "catalog/types/kv.h"

namespace proconsul::agent::rpc {
namespace {

using TokenSet = TypedInvocation<ACLTokenSetRequest, catalog::ACLToken>;
using TokenList = TypedInvocation<ACLTokenListRequest, ACLTokenListResponse>;

class AclPlaces : public ::testing::Test {
 protected:
  AclPlaces() {
    acl.enabled = acl.token_replication = true;
    acl.datacenter = "dc2";
    acl.own_tokens = &own_tokens;
    EXPECT_TRUE(own_tokens.set(tokens::Kind::replication, "secret"));
  }
  /// The datacenter that a call for dc2 is sent to, or why it is sent nowhere.
  std::string place(std::string_view method, bool local = false) {
    const Method& row = *find_method(method);
    const InvocationPtr call = row.make();
    replace_field(*call, "Datacenter", "dc2");
    if (auto* set = dynamic_cast<TokenSet*>(call.get())) set->request.ACLToken.Local = local;
    const base::Result<> settled = settle_place(acl, row, *call);
    return settled ? std::string(call->datacenter()) : settled.error().detail;
  }

  tokens::Store own_tokens{};
  server::AclSettings acl{};
};

TEST_F(AclPlaces, InASecondaryChangesGoToThePrimaryAndTheRestStays) {
  for (const char* method : {"ACL.PolicySet", "ACL.PolicyDelete", "ACL.RoleSet", "ACL.RoleDelete", "ACL.TokenSet"}) {
    EXPECT_EQ(place(method), "dc1") << method;
  }
  EXPECT_EQ(place("ACL.TokenSet", true), "dc2");
  for (const char* method : {"ACL.TokenRead", "ACL.TokenList", "ACL.TokenBatchRead", "ACL.TokenClone",
                             "ACL.TokenDelete", "ACL.PolicyRead", "ACL.PolicyList", "ACL.PolicyResolve", "KVS.Get"}) {
    EXPECT_EQ(place(method), "dc2") << method;
  }
}

TEST_F(AclPlaces, ConfigEntriesAreChangedInThePrimaryWhateverTheRequestSays) {
  using Apply = TypedInvocation<catalog::ConfigEntryRequest, bool>;
  acl.enabled = false;
  const auto place_of = [&](std::string_view method, std::string_view kind, std::string datacenter) {
    const Method& row = *find_method(method);
    const InvocationPtr call = row.make();
    auto make = [&](auto& typed) {
      typed.request.Datacenter = std::move(datacenter);
      typed.request.Entry = *catalog::make_config_entry(kind);
    };
    if (auto* apply = dynamic_cast<Apply*>(call.get())) {
      make(*apply);
    } else {
      make(dynamic_cast<TypedInvocation<catalog::ConfigEntryRequest, ConfigEntryDeleteResponse>&>(*call));
    }
    const base::Result<> settled = settle_place(acl, row, *call);
    return settled ? std::string(call->datacenter()) : settled.error().detail;
  };
  for (const char* method : {"ConfigEntry.Apply", "ConfigEntry.Delete"}) {
    for (const char* datacenter : {"", "dc1", "dc2", "dc9"}) {
      EXPECT_EQ(place_of(method, "mesh", datacenter), "dc1") << method;
    }
  }
  EXPECT_EQ(place_of("ConfigEntry.Apply", "exported-services", "dc2"),
            "exported-services writes must not target secondary datacenters.");
  EXPECT_EQ(place_of("ConfigEntry.Apply", "exported-services", ""),
            "exported-services writes in secondary datacenters must target the primary datacenter explicitly.");
  EXPECT_EQ(place_of("ConfigEntry.Apply", "exported-services", "dc1"), "dc1");
  EXPECT_EQ(place_of("ConfigEntry.Delete", "exported-services", "dc2"), "dc1");
  EXPECT_EQ(place("ConfigEntry.Get"), "dc2");
}

TEST_F(AclPlaces, WithoutTokensOfItsOwnASecondaryAsksThePrimary) {
  for (const bool by_settings : {true, false}) {
    acl.token_replication = !by_settings;
    ASSERT_TRUE(own_tokens.set(tokens::Kind::replication, by_settings ? "secret" : ""));
    for (const char* method : {"ACL.TokenRead", "ACL.TokenList", "ACL.TokenBatchRead", "ACL.TokenClone",
                               "ACL.TokenDelete", "ACL.TokenSet"}) {
      EXPECT_EQ(place(method), "dc1") << method;
    }
    EXPECT_EQ(place("ACL.TokenSet", true), "Local tokens are disabled");
    EXPECT_EQ(place("ACL.PolicyRead"), "dc2");
  }
}

TEST_F(AclPlaces, OnlyThePrimaryListsItsLocalTokens) {
  acl.token_replication = false;
  const Method& row = *find_method("ACL.TokenList");
  for (const char* datacenter : {"dc2", "dc1"}) {
    TokenList call;
    call.request.Datacenter = datacenter;
    call.request.IncludeLocal = call.request.IncludeGlobal = true;
    ASSERT_TRUE(settle_place(acl, row, call));
    EXPECT_EQ(call.request.Datacenter, "dc1");
    EXPECT_TRUE(call.request.IncludeGlobal);
    EXPECT_EQ(call.request.IncludeLocal, std::string(datacenter) == "dc1");
  }
}

TEST_F(AclPlaces, InThePrimaryAndWithoutAclsEverythingStays) {
  acl.enabled = false;
  EXPECT_EQ(place("ACL.PolicySet"), "dc2");
  acl.enabled = true;
  acl.primary_datacenter = "dc2";
  acl.token_replication = false;
  for (const char* method : {"ACL.PolicySet", "ACL.TokenSet", "ACL.TokenRead", "ACL.TokenDelete"}) {
    EXPECT_EQ(place(method), "dc2") << method;
  }
  EXPECT_EQ(place("ACL.TokenSet", true), "dc2");
}

TEST(ReplaceField, LeavesTheRestOfTheRequest) {
  TypedInvocation<catalog::KVSRequest, bool> write;
  write.request.Token = "local";
  write.request.Datacenter = "dc1";
  write.request.DirEnt.Key = "k";
  replace_field(write, "Token", "");
  EXPECT_EQ(write.request.Token, "");
  EXPECT_EQ(write.request.Datacenter, "dc1");
  EXPECT_EQ(write.request.DirEnt.Key, "k");
  TokenList read;
  read.request.Token = "local";
  read.request.MinQueryIndex = 7;
  replace_field(read, "Token", "");
  EXPECT_EQ(read.request.Token, "");
  EXPECT_EQ(read.request.MinQueryIndex, 7u);
  replace_field(read, "Nothing", "x");
  EXPECT_EQ(read.request.MinQueryIndex, 7u);
}

}  // namespace
}  // namespace proconsul::agent::rpc
