#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "base/json.h"
#include "base/msgpack.h"
#include "catalog/config_entry/chain.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/hash.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/mesh.h"
#include "catalog/registry/register.h"
#include "catalog/registry/settings.h"
#include "catalog/snapshot.h"
#include "catalog/types/config_chain.h"
#include "catalog/types/config_gateways.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/config_mesh.h"
#include "catalog/types/config_routes.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog {
namespace {

std::shared_ptr<ConfigEntry> entry_of(std::string_view kind, std::string name) {
  std::shared_ptr<ConfigEntry> entry = *make_config_entry(kind);
  entry->Kind = kind;
  if (kind != kind::kMesh) entry->Name = std::move(name);
  return entry;
}
/// From the JSON that the API answers with.
std::shared_ptr<ConfigEntry> entry_from(std::string_view kind, std::string_view json) {
  std::shared_ptr<ConfigEntry> entry = *make_config_entry(kind);
  const ConfigKind* known = entry->kind;
  const base::Result<> read = base::read_json(json, known->type(), entry.get());
  EXPECT_TRUE(read) << read.error().detail;
  entry->kind = known;
  return entry;
}
std::string json_of(const ConfigEntry& entry) {
  std::string text;
  base::append_json(text, entry.kind->type(), &entry);
  return text;
}

class ConfigEntries : public testing::Test {
 protected:
  std::string apply(std::string op, std::shared_ptr<ConfigEntry> entry, std::uint64_t modified = 0) {
    entry->ModifyIndex = modified;
    ConfigEntryRequest request;
    request.Op = std::move(op);
    request.Entry = std::move(entry);
    const auto sent = read_config_entry_request(std::string_view(encode_config_entry_command(request)).substr(1));
    EXPECT_TRUE(sent);
    store.writer().begin_command(++index);
    const auto done = apply_config_entry(store.writer(), *sent);
    store.commit();
    if (!done) return done.error().detail;
    return !*done ? "nil" : **done ? "true" : "false";
  }
  std::string upsert(std::string_view kind, std::string_view json) { return apply("upsert", entry_from(kind, json)); }
  std::string erase(std::string_view kind, std::string name) {
    return apply("delete", entry_of(kind, std::move(name)));
  }
  void speak(const std::string& service, const std::string& protocol) {
    EXPECT_EQ(upsert("service-defaults", R"({"Name":")" + service + R"(","Protocol":")" + protocol + "\"}"), "true");
  }
  const ConfigEntry* find(std::string_view kind, std::string_view name) {
    return find_config_entry(store.view()->tables(), kind, name);
  }
  std::uint64_t table_index() { return store.view()->tables().index_of("config-entries"); }

  Store store{};
  std::uint64_t index = 0;
};

// ---- types ----

TEST(ConfigEntryTypes, EveryKindIsReadAgainAsItWasWritten) {
  for (const ConfigKind& kind : config_kinds()) {
    SCOPED_TRACE(kind.name);
    ConfigEntryRequest request;
    request.Op = "upsert";
    request.Datacenter = "dc1";
    request.Entry = entry_of(kind.name, "x");
    request.Entry->Meta["a"] = "b";
    request.Entry->Hash = ~std::uint64_t{0};
    request.Entry->ModifyIndex = 7;
    const std::string data = encode_config_entry_command(request);

    const auto again = read_config_entry_request(std::string_view(data).substr(1));

    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(encode_config_entry_command(*again), data);
    EXPECT_EQ(json_of(*again->Entry), json_of(*request.Entry));
    EXPECT_EQ(again->Entry->kind, &kind);
  }
}

TEST(ConfigEntryTypes, TheKindComesFirstInJsonAlsoWhereItIsNotStored) {
  EXPECT_EQ(json_of(*entry_of("mesh", "")),
            R"({"Kind":"mesh","TransparentProxy":{"MeshDestinationsOnly":false},"CreateIndex":0,"ModifyIndex":0})");
  EXPECT_EQ(json_of(*entry_of("exported-services", "default")),
            R"({"Kind":"exported-services","Name":"default","CreateIndex":0,"ModifyIndex":0})");
}

TEST(ConfigEntryTypes, DurationsOfAResolverAreTextAndComeFirst) {
  auto entry = std::static_pointer_cast<ServiceResolverConfigEntry>(entry_of("service-resolver", "web"));
  entry->RequestTimeout = base::seconds(10);

  EXPECT_EQ(json_of(*entry),
            R"({"RequestTimeout":"10s","Kind":"service-resolver","Name":"web","CreateIndex":0,"ModifyIndex":0})");
}

TEST(ConfigEntryTypes, ServicesOfABoundGatewayHaveKeysThatAreMaps) {
  auto entry = std::static_pointer_cast<BoundAPIGatewayConfigEntry>(entry_of("bound-api-gateway", "gw"));
  ResourceReference route;
  route.Kind = "http-route";
  route.Name = "r";
  entry->Services["web"].push_back(route);
  std::string bytes;
  base::MsgpackWriter writer(bytes);
  write_config_entry(writer, *entry);

  EXPECT_NE(bytes.find("\xa8Services\x81\x81\xa4Name\xa3web\x91\x83"), std::string::npos);
  auto again = *make_config_entry("bound-api-gateway");
  base::MsgpackReader reader(bytes);
  read_config_entry(reader, *again);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(json_of(*again), json_of(*entry));
}

// As the peer answered after a restore.
TEST(ConfigEntryTypes, TheHashOfABoundGatewayIsThePeers) {
  auto entry = std::static_pointer_cast<BoundAPIGatewayConfigEntry>(entry_of("bound-api-gateway", "gw"));
  ResourceReference route;
  route.Kind = "http-route";
  route.Name = "hr";
  BoundAPIGatewayListener& listener = entry->Listeners.emplace_back();
  listener.Name = "l";
  listener.Routes.push_back(route);
  entry->Services["web"].push_back(route);

  EXPECT_EQ(hash_config_entry(*entry), 4420180748873931646u);
}

TEST(ConfigEntryTypes, TheHashOfARouteCoversItsStatusButNoTimes) {
  const auto entry = entry_from("tcp-route", R"({"Kind":"tcp-route","Name":"tr","Parents":[{"Kind":"api-gateway",
      "Name":"gw","SectionName":""}],"Services":[{"Name":"db"}],"Status":{"Conditions":[{"Type":"Accepted",
      "Status":"False","Reason":"InvalidDiscoveryChain",
      "Message":"route protocol does not match targeted service protocol","Resource":{},
      "LastTransitionTime":"2026-11-28T00:56:17.062822906Z"},{"Type":"Bound","Status":"False",
      "Reason":"FailedToBind","Message":"failed to bind route to gateway gw: route has not been accepted",
      "Resource":{"Kind":"api-gateway","Name":"gw"},"LastTransitionTime":"2026-11-28T00:56:17.062829511Z"}]}})");

  EXPECT_EQ(hash_config_entry(*entry), 1448266848624774821u);
}

TEST(ConfigEntryTypes, ARequestThatCannotBeReadIsRefused) {
  const auto refusal = [](std::string_view inside) {
    std::string body;
    base::MsgpackWriter(body).bytes(inside);
    const auto read = read_config_entry_request(body);
    return read ? "" : read.error().detail;
  };

  EXPECT_EQ(refusal("\xa3odd\x80"), "invalid config entry kind: odd");
  EXPECT_EQ(refusal("\xa4mesh\x80"), "the config entry is missing");
  EXPECT_NE(refusal("\xa4mesh\x81"), "");
  EXPECT_NE(refusal("\xa4mesh"), "");
  EXPECT_FALSE(read_config_entry_request(""));
}

// ---- commands ----

TEST_F(ConfigEntries, AnUpsertKeepsTheCreateIndex) {
  speak("web", "http");
  speak("web", "tcp");

  const ConfigEntry* entry = find("service-defaults", "WEB");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->CreateIndex, 1u);
  EXPECT_EQ(entry->ModifyIndex, 2u);
  EXPECT_EQ(table_index(), 2u);
}

TEST_F(ConfigEntries, AnIndexThatDoesNotFitChangesNothing) {
  EXPECT_EQ(apply("upsert-cas", entry_of("service-defaults", "web"), 5), "false");
  EXPECT_EQ(apply("upsert-cas", entry_of("service-defaults", "web"), 0), "true");
  EXPECT_EQ(apply("upsert-cas", entry_of("service-defaults", "web"), 0), "false");
  EXPECT_EQ(apply("upsert-cas", entry_of("service-defaults", "web"), 2), "true");
  EXPECT_EQ(apply("delete-cas", entry_of("service-defaults", "web"), 2), "false");
  EXPECT_EQ(table_index(), 4u);
  EXPECT_EQ(apply("delete-cas", entry_of("service-defaults", "web"), 4), "true");
  EXPECT_EQ(apply("delete-cas", entry_of("service-defaults", "web"), 4), "false");
  EXPECT_EQ(apply("odd", entry_of("service-defaults", "web")), "invalid config entry operation type: odd");
  EXPECT_EQ(find("service-defaults", "web"), nullptr);
  EXPECT_EQ(table_index(), 6u);
}

TEST_F(ConfigEntries, AnEntryHasAName) {
  EXPECT_EQ(upsert("http-route", "{}"), "serviceName is required");
  EXPECT_EQ(upsert("ingress-gateway", "{}"), "failed inserting config entry: object missing primary index");
  EXPECT_EQ(table_index(), 0u);
}

TEST_F(ConfigEntries, DeletingWhatIsNotThereRaisesNoIndex) {
  EXPECT_EQ(erase("service-defaults", "web"), "nil");
  EXPECT_EQ(table_index(), 0u);
}

TEST_F(ConfigEntries, OnlyTheControllerChangesAStatus) {
  const auto route = [](const std::string& reason) {
    auto entry = std::static_pointer_cast<TCPRouteConfigEntry>(entry_of("tcp-route", "r"));
    entry->Status.Conditions.emplace_back().Reason = reason;
    return entry;
  };
  const auto reason = [&] {
    const auto* entry = entry_as<TCPRouteConfigEntry>(find("tcp-route", "r"));
    return entry->Status.Conditions.empty() ? "" : entry->Status.Conditions[0].Reason;
  };

  EXPECT_EQ(apply("upsert", route("mine")), "true");
  EXPECT_EQ(reason(), "");
  EXPECT_EQ(apply("upsert-with-status-cas", route("accepted"), 1), "true");
  EXPECT_EQ(reason(), "accepted");
  EXPECT_EQ(apply("upsert", route("mine")), "true");
  EXPECT_EQ(reason(), "accepted");
}

TEST_F(ConfigEntries, TheIdOfAnOldIntentionStays) {
  const auto intentions = [](const std::string& id) {
    return R"({"Name":"web","Sources":[{"Name":"api","Action":"allow","Type":"consul","Precedence":9,"LegacyID":")" +
           id + "\"}]}";
  };
  EXPECT_EQ(upsert("service-intentions", intentions("")), "true");
  EXPECT_EQ(upsert("service-intentions", intentions("id")), "Sources[0].LegacyID: cannot set this field");
  EXPECT_EQ(erase("service-intentions", "web"), "nil");
  EXPECT_EQ(upsert("service-intentions", intentions("id")), "true");
  EXPECT_EQ(upsert("service-intentions", intentions("other")),
            "Sources[0].LegacyID: cannot set this field to a different value");
  EXPECT_EQ(upsert("service-intentions", intentions("id")), "true");
}

TEST_F(ConfigEntries, SamenessGroupsAreNotForThisEdition) {
  EXPECT_EQ(apply("upsert", entry_of("sameness-group", "g")), "sameness-groups are an enterprise-only feature");
  EXPECT_EQ(find("sameness-group", "g"), nullptr);
  EXPECT_EQ(table_index(), 0u);
}

TEST_F(ConfigEntries, AConfiguredServiceHasAnAddressUntilItsLastEntryGoes) {
  SystemMetadataRequest enabled;
  enabled.Op = "upsert";
  enabled.Entry.emplace().Key = "virtual-ips";
  enabled.Entry->Value = "true";
  store.writer().begin_command(++index);
  ASSERT_TRUE(apply_system_metadata(store.writer(), enabled));
  PeeredServiceName web;
  web.ServiceName.Name = "web";
  const auto address = [&] { return virtual_ip_of(store.view()->tables(), web); };

  speak("web", "http");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"web"})"), "true");
  EXPECT_EQ(address(), "240.0.0.1");
  EXPECT_EQ(erase("service-defaults", "web"), "nil");
  EXPECT_EQ(address(), "240.0.0.1");
  EXPECT_EQ(erase("service-resolver", "web"), "nil");
  EXPECT_EQ(address(), "");
}

// ---- entries that depend on each other ----

TEST_F(ConfigEntries, RoutingNeedsAServiceThatSpeaksHttp) {
  const std::string router = R"({"Name":"web","Routes":[]})";
  EXPECT_EQ(
      upsert("service-router", router),
      R"(discovery chain "web" uses a protocol "tcp" that does not permit advanced routing or splitting behavior)");
  speak("web", "http");
  EXPECT_EQ(upsert("service-router", router), "true");
  EXPECT_EQ(
      erase("service-defaults", "web"),
      R"(discovery chain "web" uses a protocol "tcp" that does not permit advanced routing or splitting behavior)");
  EXPECT_NE(find("service-defaults", "web"), nullptr);
}

TEST_F(ConfigEntries, AllServicesOfAChainSpeakTheSame) {
  speak("web", "http");
  EXPECT_EQ(upsert("service-splitter", R"({"Name":"web","Splits":[{"Weight":50},{"Weight":50,"Service":"db"}]})"),
            R"(discovery chain "web" uses inconsistent protocols; service "db" has "tcp" which is not "http")");
  EXPECT_EQ(upsert("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})"), "true");
  EXPECT_EQ(upsert("service-splitter", R"({"Name":"web","Splits":[{"Weight":50},{"Weight":50,"Service":"db"}]})"),
            "true");
  EXPECT_EQ(erase("proxy-defaults", "global"),
            R"(discovery chain "web" uses inconsistent protocols; service "db" has "tcp" which is not "http")");
}

TEST_F(ConfigEntries, ChainsLeadInNoCircle) {
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"a","Redirect":{"Service":"b"}})"), "true");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"b","Redirect":{"Service":"a"}})"),
            "detected circular resolver redirect: [a.default.default.dc1 -> b.default.default.dc1 -> "
            "a.default.default.dc1]");
}

TEST_F(ConfigEntries, SplittersLeadInNoCircle) {
  EXPECT_EQ(upsert("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})"), "true");
  EXPECT_EQ(upsert("service-splitter", R"({"Name":"a","Splits":[{"Weight":100,"Service":"b"}]})"), "true");
  EXPECT_EQ(upsert("service-splitter", R"({"Name":"b","Splits":[{"Weight":100,"Service":"a"}]})"),
            "detected circular reference: [splitter:a.default.default -> splitter:b.default.default -> "
            "splitter:a.default.default]");
}

TEST_F(ConfigEntries, ASubsetMustBeThere) {
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"a","Redirect":{"Service":"b","ServiceSubset":"v1"}})"),
            R"(service "b" does not have a subset named "v1")");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"b","Subsets":{"v1":{}}})"), "true");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"a","Redirect":{"Service":"b","ServiceSubset":"v1"}})"), "true");
  EXPECT_EQ(erase("service-resolver", "b"), R"(service "b" does not have a subset named "v1")");
}

TEST_F(ConfigEntries, AServiceOutsideIsNotResolvedAnyFurther) {
  EXPECT_EQ(upsert("service-defaults", R"({"Name":"a","ExternalSNI":"a.example.com"})"), "true");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"a","Subsets":{"v1":{}}})"),
            R"(service "a" has an external SNI set; cannot define subsets for external services)");
}

TEST_F(ConfigEntries, AnIngressListenerSpeaksAsItsServices) {
  const std::string gateway =
      R"({"Name":"in","Listeners":[{"Port":80,"Protocol":"http","Services":[{"Name":"web"}]}]})";
  EXPECT_EQ(upsert("ingress-gateway", gateway),
            R"(service "web" has protocol "tcp", which does not match defined listener protocol "http")");
  speak("web", "http");
  EXPECT_EQ(upsert("ingress-gateway", gateway), "true");
  EXPECT_EQ(erase("service-defaults", "web"),
            R"(service "web" has protocol "tcp", which does not match defined listener protocol "http")");
  EXPECT_EQ(upsert("terminating-gateway", R"({"Name":"in"})"),
            R"(cannot create a "terminating-gateway" config entry with name "in", a "ingress-gateway" config entry )"
            "with that name already exists");
}

TEST_F(ConfigEntries, PermissionsByRequestNeedHttp) {
  const std::string intentions =
      R"({"Name":"web","Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]}]})";
  EXPECT_EQ(upsert("service-intentions", intentions),
            R"(service "web" has protocol "tcp", which is incompatible with L7 intentions permissions)");
  speak("web", "grpc");
  EXPECT_EQ(upsert("service-intentions", intentions), "true");
}

TEST_F(ConfigEntries, AProviderOfTokensStaysWhileAnIntentionNamesIt) {
  const std::string intentions = R"({"Name":"web","Sources":[],"JWT":{"Providers":[{"Name":"okta"}]}})";
  EXPECT_EQ(upsert("service-intentions", intentions),
            "1 error occurred:\n\t* Referenced JWT Provider does not exist. Provider Name: okta\n\n");
  EXPECT_EQ(upsert("jwt-provider", R"({"Name":"okta"})"), "true");
  EXPECT_EQ(upsert("service-intentions", intentions), "true");
  EXPECT_EQ(erase("jwt-provider", "okta"),
            "cannot delete jwt provider config entry referenced by an intention. Provider name: okta, intention name: "
            "web");
}

TEST_F(ConfigEntries, AServiceBecomesPermissiveOnlyWhileTheMeshAllowsIt) {
  const std::string permissive = R"({"Name":"web","MutualTLSMode":"permissive"})";
  EXPECT_EQ(upsert("service-defaults", permissive),
            "cannot set MutualTLSMode=permissive because AllowEnablingPermissiveMutualTLS=false in the mesh config "
            "entry");
  EXPECT_EQ(upsert("mesh", R"({"AllowEnablingPermissiveMutualTLS":true})"), "true");
  EXPECT_EQ(upsert("service-defaults", permissive), "true");
  EXPECT_EQ(upsert("mesh", "{}"), "true");
  EXPECT_EQ(upsert("service-defaults", permissive), "true");
}

TEST_F(ConfigEntries, WhatIsExportedToAPeerStaysInThisDatacenter) {
  EXPECT_EQ(upsert("exported-services", R"({"Name":"default","Services":[{"Name":"web","Consumers":[{"Peer":"p"}]}]})"),
            "true");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"web","Redirect":{"Datacenter":"dc2"}})"),
            R"(peer exported service "web" contains cross-datacenter resolver redirect)");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"web","Failover":{"*":{"Service":"db"}}})"), "true");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"web","Redirect":{"Service":"db"}})"),
            R"(peer exported service "web" uses protocol="tcp" and cannot introduce new discovery chain targets like )"
            R"("db.default.default.dc1")");
}

// ---- reading, snapshots ----

TEST_F(ConfigEntries, EntriesAreListedByKindAndByWhatTheyName) {
  speak("b", "tcp");
  speak("a", "tcp");
  EXPECT_EQ(upsert("service-resolver", R"({"Name":"c","Redirect":{"Service":"a"}})"), "true");
  const ViewPtr view = store.view();

  const auto defaults = list_config_entries(view->tables(), "service-defaults");
  ASSERT_EQ(defaults.size(), 2u);
  EXPECT_EQ(defaults[0]->Name, "a");
  EXPECT_EQ(list_config_entries(view->tables(), "").size(), 3u);
  ASSERT_EQ(config_entries_naming(view->tables(), "a").size(), 1u);
  EXPECT_EQ(erase("service-resolver", "c"), "nil");
  EXPECT_TRUE(config_entries_naming(store.view()->tables(), "a").empty());
}

TEST_F(ConfigEntries, ASnapshotHoldsThem) {
  speak("web", "http");
  EXPECT_EQ(upsert("service-router", R"({"Name":"web","Routes":[{"Destination":{"Service":"web"}}]})"), "true");
  EXPECT_EQ(upsert("mesh", R"({"Meta":{"a":"b"}})"), "true");
  std::string bytes;
  ASSERT_TRUE(write_snapshot({store.view(), {}}, [&](std::string_view piece) -> base::Result<> {
    bytes += piece;
    return {};
  }));

  std::string_view left = bytes;
  const auto state = read_snapshot([&](std::span<char> buffer) -> base::Result<std::size_t> {
    const std::size_t size = left.copy(buffer.data(), buffer.size());
    left.remove_prefix(size);
    return size;
  });

  ASSERT_TRUE(state) << state.error().detail;
  const auto before = list_config_entries(store.view()->tables(), "");
  const auto after = list_config_entries(state->tables, "");
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto expected = copy_config_entry(*before[i]);
    expected->Hash = hash_config_entry(*expected);
    EXPECT_EQ(json_of(*after[i]), json_of(*expected));
  }
  EXPECT_EQ(state->tables.index_of("config-entries"), 3u);
  EXPECT_EQ(config_entries_naming(state->tables, "web").size(), 1u);
}

// Random writes against plain maps.
TEST_F(ConfigEntries, IndexesFollowTheRules) {
  struct Row {
    std::uint64_t created, modified;
  };
  std::map<std::string, Row> model;
  std::uint64_t last = 0;
  std::mt19937 random(7);
  for (int step = 0; step < 2000; ++step) {
    const std::string name(1, static_cast<char>('a' + random() % 6));
    const auto known = model.find(name);
    const bool fits = random() % 2 == 0;
    const std::uint64_t modified = known == model.end() ? 0 : known->second.modified;
    const std::uint64_t expected = fits ? modified : 1'000'000;
    std::string answer;
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(apply("upsert", entry_of("service-defaults", name)), "true");
        model[name] = {known == model.end() ? index : known->second.created, index};
        last = index;
        break;
      case 1:
        answer = apply("upsert-cas", entry_of("service-defaults", name), expected);
        EXPECT_EQ(answer, fits ? "true" : "false");
        if (!fits) break;
        model[name] = {known == model.end() ? index : known->second.created, index};
        last = index;
        break;
      case 2:
        EXPECT_EQ(apply("delete", entry_of("service-defaults", name)), "nil");
        if (model.erase(name) > 0) last = index;
        break;
      default:
        answer = apply("delete-cas", entry_of("service-defaults", name), expected);
        EXPECT_EQ(answer, fits && known != model.end() ? "true" : "false");
        if (answer == "true") {
          model.erase(known);
          last = index;
        }
    }
    ASSERT_EQ(table_index(), last) << "step " << step;
    const ConfigEntry* entry = find("service-defaults", name);
    const auto now = model.find(name);
    ASSERT_EQ(entry != nullptr, now != model.end()) << "step " << step;
    if (!entry) continue;
    ASSERT_EQ(entry->CreateIndex, now->second.created) << "step " << step;
    ASSERT_EQ(entry->ModifyIndex, now->second.modified) << "step " << step;
  }
  EXPECT_EQ(list_config_entries(store.view()->tables(), "").size(), model.size());
}

// ---- chains ----

TEST(ConfigEntryChains, SplittersLeadToEachOtherHoweverFar) {
  constexpr int kMany = 20'000;
  Store store;
  store.writer().begin_command(1);
  for (int i = 0; i < kMany; ++i) {
    const std::string name = "s" + std::to_string(i), next = "s" + std::to_string(i + 1);
    ASSERT_TRUE(restore_config_entry(
        store.writer(),
        entry_from("service-splitter",
                   R"({"Name":")" + name + R"(","Splits":[{"Weight":100,"Service":")" + next + R"("}]})")));
    ASSERT_TRUE(restore_config_entry(
        store.writer(), entry_from("service-defaults", R"({"Name":")" + next + R"(","Protocol":"http"})")));
  }
  store.commit();

  const auto chain = summarize_chain({.tables = store.view()->tables()}, "s0");

  ASSERT_TRUE(chain) << chain.error().detail;
  EXPECT_EQ(chain->top, ChainSummary::Top::splitter);
  EXPECT_EQ(chain->targets.size(), 1u);
}

}  // namespace
}  // namespace proconsul::catalog
