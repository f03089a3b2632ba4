#include "catalog/config_entry/intentions.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "base/base64.h"
#include "base/json.h"
#include "catalog/commands.h"
#include "catalog/config_entry/entries.h"
#include "catalog/query/intentions.h"
#include "catalog/registry/registry_fixture.h"
#include "catalog/registry/settings.h"

namespace proconsul::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace testing_support;

constexpr const char* kId = "11111111-2222-3333-4444-555555555555";
constexpr const char* kOtherId = "11111111-2222-3333-4444-666666666666";

class IntentionsTest : public RegistryFixture {
 protected:
  IntentionsTest() { move_to_entries(); }

  void move_to_entries() {
    SystemMetadataRequest format;
    format.Op = "upsert";
    format.Entry.emplace().Key = "intention-format";
    format.Entry->Value = "config-entry";
    store.writer().begin_command(++index);
    EXPECT_TRUE(apply_system_metadata(store.writer(), std::move(format)));
    store.commit();
  }
  /// By way of the log; the error, or nothing.
  std::string change(std::string op, IntentionMutation mutation) {
    IntentionChange request;
    request.Op = std::move(op);
    request.Mutation = std::move(mutation);
    const std::string command = encode_command(Command::intention, request);
    store.writer().begin_command(++index);
    const auto done = find_command(12)->apply(store.writer(), std::string_view(command).substr(1));
    store.commit();
    if (!done) return "fatal: " + done.error().detail;
    const base::Error* error = done->error();
    return error ? error->detail : "";
  }
  std::string upsert(std::string source, std::string destination, std::string action = "allow") {
    IntentionMutation mutation;
    mutation.Destination.Name = std::move(destination);
    mutation.Source.Name = source;
    SourceIntention& value = mutation.Value.emplace();
    value.Name = std::move(source);
    value.Action = std::move(action);
    return change("upsert", std::move(mutation));
  }
  std::string erase(std::string source, std::string destination) {
    IntentionMutation mutation;
    mutation.Destination.Name = std::move(destination);
    mutation.Source.Name = std::move(source);
    return change("delete", std::move(mutation));
  }
  static SourceIntention with_id(std::string id, std::string source, std::int64_t seconds) {
    SourceIntention value;
    value.Name = std::move(source);
    value.Action = "allow";
    value.LegacyID = std::move(id);
    value.LegacyCreateTime = value.LegacyUpdateTime = base::from_unix(seconds);
    return value;
  }
  std::string create(std::string id, std::string source, std::string destination, std::int64_t seconds = 1000) {
    IntentionMutation mutation;
    mutation.Destination.Name = std::move(destination);
    mutation.Value = with_id(std::move(id), std::move(source), seconds);
    return change("create", std::move(mutation));
  }
  std::string write_entry(std::string_view kind, std::string_view json) {
    std::shared_ptr<ConfigEntry> entry = *make_config_entry(kind);
    const ConfigKind* known = entry->kind;
    EXPECT_TRUE(base::read_json(json, known->type(), entry.get()));
    entry->kind = known;
    ConfigEntryRequest request;
    request.Op = "upsert";
    request.Entry = std::move(entry);
    store.writer().begin_command(++index);
    const auto done = apply_config_entry(store.writer(), std::move(request));
    store.commit();
    return done ? "" : done.error().detail;
  }

  static std::vector<std::string> told(const Intentions& intentions) {
    std::vector<std::string> all;
    for (const auto& one : intentions) {
      all.push_back(one->SourceName + ">" + one->DestinationName + " " + std::to_string(one->Precedence));
    }
    return all;
  }
  std::vector<std::string> listed() { return told(list_intentions(tables(), nullptr).intentions); }
  std::vector<std::string> matching(IntentionSide side, const std::string& name,
                                    IntentionTarget target = IntentionTarget::service) {
    return told(match_intentions(tables(), side, name, target, nullptr).intentions);
  }
  base::Pointer<Intention> with_id(const char* id) {
    const auto found = intention_by_id(tables(), id, nullptr);
    EXPECT_TRUE(found);
    return found->intentions.empty() ? base::Pointer<Intention>{} : found->intentions.front();
  }
  const ServiceIntentionsConfigEntry* entry(std::string_view name) {
    return find_config_entry<ServiceIntentionsConfigEntry>(tables(), kind::kServiceIntentions, name);
  }
};

TEST_F(IntentionsTest, AreKeptInTheEntriesOfTheirDestinations) {
  EXPECT_EQ(upsert("web", "db"), "");
  EXPECT_EQ(upsert("*", "db", "deny"), "");
  EXPECT_EQ(upsert("api", "db"), "");

  ASSERT_TRUE(entry("db"));
  EXPECT_EQ(entry("db")->Sources.size(), 3u);
  EXPECT_EQ(entry("db")->CreateIndex + 2, entry("db")->ModifyIndex);
  EXPECT_NE(entry("db")->Hash, 0u);
  EXPECT_THAT(listed(), ElementsAre("api>db 9", "web>db 9", "*>db 8"));
  const auto exact = intention_between(tables(), "web", "db", {}, nullptr);
  ASSERT_EQ(exact->intentions.size(), 1u);
  EXPECT_EQ(exact->index, index);
  EXPECT_EQ(base::to_json(*exact->intentions.front()),
            R"({"SourceNS":"default","SourceName":"web","DestinationNS":"default","DestinationName":"db",)"
            R"("SourceType":"consul","Action":"allow","Precedence":9,"CreateIndex":12,"ModifyIndex":14})");
}

TEST_F(IntentionsTest, TheSameNamesAreReplacedAndTheLastOneTakesTheEntryAlong) {
  ASSERT_EQ(upsert("web", "db"), "");
  ASSERT_EQ(upsert("web", "db", "deny"), "");
  EXPECT_EQ(entry("db")->Sources.size(), 1u);
  EXPECT_EQ(entry("db")->Sources[0]->Action, "deny");

  EXPECT_EQ(erase("api", "db"), "");
  EXPECT_EQ(erase("web", "cache"), "");
  EXPECT_TRUE(entry("db"));
  EXPECT_EQ(erase("web", "db"), "");

  EXPECT_FALSE(entry("db"));
  EXPECT_EQ(index_of("config-entries"), index);
}

TEST_F(IntentionsTest, WhatIsWrongIsRefusedAndChangesNothing) {
  ASSERT_EQ(upsert("web", "db"), "");

  EXPECT_EQ(upsert("a*", "db"), "Sources[1].Name: wildcard character '*' cannot be used with partial values");
  EXPECT_EQ(upsert("api", "db", "maybe"), "Sources[1].Action must be set to 'allow' or 'deny'");
  EXPECT_EQ(upsert("api", "", "allow"), "Name is required");
  EXPECT_EQ(change("delete-all", {}), "Invalid Intention mutation operation 'delete-all'");
  EXPECT_EQ(change("create", {}), "the intention is missing, or there is one too many");

  EXPECT_THAT(listed(), ElementsAre("web>db 9"));
  EXPECT_EQ(index_of("config-entries"), entry("db")->ModifyIndex);
}

TEST_F(IntentionsTest, RequestsCanBeToldOnlyOfWhoSpeaksHttp) {
  IntentionMutation mutation;
  mutation.Destination.Name = "api";
  mutation.Source.Name = "web";
  SourceIntention& value = mutation.Value.emplace();
  value.Name = "web";
  IntentionPermission& permission = value.Permissions.emplace_back().emplace();
  permission.Action = "allow";
  permission.HTTP.emplace().PathPrefix = "/";

  EXPECT_EQ(change("upsert", mutation),
            "service \"api\" has protocol \"tcp\", which is incompatible with L7 intentions permissions");
  ASSERT_EQ(write_entry("service-defaults", R"({"Name":"api","Protocol":"http"})"), "");
  EXPECT_EQ(change("upsert", mutation), "");

  const auto found = intention_between(tables(), "web", "api", {}, nullptr);
  EXPECT_EQ(to_string(*found->intentions.front()), "default/web => default/api (Precedence: 9, Permissions: 1)");
}

TEST_F(IntentionsTest, BeforeEveryServerKeepsThemInEntriesNobodyChangesThem) {
  store.replace({}, 1);
  EXPECT_EQ(upsert("web", "db"),
            "state: IntentionMutation() is not allowed when intentions are not stored in config entries");
}

// ---- by ID ----

TEST_F(IntentionsTest, WhatIsWrittenByAnIdKeepsItAndItsDates) {
  ASSERT_EQ(create(kId, "web", "db", 1000), "");
  IntentionMutation mutation;
  mutation.ID = kId;
  mutation.Value = with_id(kId, "web", 2000);
  mutation.Value->Action = "deny";
  mutation.Value->LegacyMeta["k"] = "v";

  EXPECT_EQ(change("update", mutation), "");

  const base::Pointer<Intention> found = with_id(kId);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->Action, "deny");
  EXPECT_EQ(found->Meta.at("k"), "v");
  EXPECT_EQ(found->CreatedAt, base::from_unix(1000));
  EXPECT_EQ(found->UpdatedAt, base::from_unix(2000));
  // BLAKE2b-256, by another implementation.
  EXPECT_EQ(base::to_hex(found->Hash), "668c6d46c2c1a63e31f8b3ca55f0e52764953557d9f3e3770c0566a3239ab1e4");
  EXPECT_EQ(to_string(*found),
            "default/web => default/db (ID: 11111111-2222-3333-4444-555555555555, Precedence: 9, Action: DENY)");
}

TEST_F(IntentionsTest, AnIdCanBeDeletedOnce) {
  ASSERT_EQ(create(kId, "web", "db"), "");
  ASSERT_EQ(create(kOtherId, "api", "db"), "");
  IntentionMutation mutation;
  mutation.ID = kId;

  EXPECT_EQ(change("delete", mutation), "");
  EXPECT_EQ(change("delete", mutation), "Cannot delete non-existent intention: '" + std::string(kId) + "'");
  mutation.Value = with_id(kId, "web", 1);
  EXPECT_EQ(change("update", mutation), "Cannot modify non-existent intention: '" + std::string(kId) + "'");

  EXPECT_FALSE(with_id(kId));
  EXPECT_TRUE(with_id(kOtherId));
}

TEST_F(IntentionsTest, TwoIdsForTheSameNamesAreRefused) {
  ASSERT_EQ(create(kId, "web", "db"), "");

  EXPECT_EQ(create(kOtherId, "web", "db"), "Sources[1] defines \"web\" more than once");
  EXPECT_EQ(create("", "api", "db"), "Sources[1].LegacyID must be set");
}

TEST_F(IntentionsTest, WhoEditsAnEntryByNamesTakesTheIdsOut) {
  ASSERT_EQ(create(kId, "web", "db"), "");
  ASSERT_EQ(upsert("api", "db"), "");

  EXPECT_FALSE(with_id(kId));
  EXPECT_THAT(create(kOtherId, "cron", "db"), HasSubstr("cannot use legacy intention API to edit intentions with a"));
}

TEST_F(IntentionsTest, MetadataOfAnIdKeepItFromBeingEditedByNames) {
  IntentionMutation mutation;
  mutation.Destination.Name = "db";
  mutation.Value = with_id(kId, "web", 1);
  mutation.Value->LegacyMeta["k"] = "v";
  ASSERT_EQ(change("create", mutation), "");

  EXPECT_EQ(upsert("api", "db"), "Sources[0].LegacyMeta must be omitted");
  EXPECT_TRUE(with_id(kId));
}

TEST_F(IntentionsTest, WhatIsNoIdIsAnError) {
  const auto found = intention_by_id(tables(), "bad", nullptr);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail, "failed config entry lookup: index error: UUID must be 36 characters");
  const auto letters = intention_by_id(tables(), std::string(36, 'z'), nullptr);
  ASSERT_FALSE(letters);
  EXPECT_EQ(letters.error().detail,
            "failed config entry lookup: index error: Invalid UUID: encoding/hex: invalid byte: U+007A 'z'");
}

TEST_F(IntentionsTest, AllFaultsOfAnIntentionWithAnIdAreToldTogether) {
  Intention intention;
  intention.SourceName = "a*";
  intention.SourceType = "consul";
  const auto valid = validate_intention_with_id(intention);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().detail,
            "3 errors occurred:\n\t* DestinationName must be set\n\t* SourceName: wildcard character '*' cannot be "
            "used with partial values\n\t* Action must be set to 'allow' or 'deny'\n\n");
}

// ---- what they amount to ----

TEST_F(IntentionsTest, TheMoreExactCountsFirst) {
  for (const auto& [source, destination] :
       {std::pair("*", "*"), {"web", "*"}, {"*", "db"}, {"web", "db"}, {"api", "db"}, {"web", "cache"}}) {
    ASSERT_EQ(upsert(source, destination), "");
  }

  EXPECT_THAT(matching(IntentionSide::destination, "db"),
              ElementsAre("api>db 9", "web>db 9", "*>db 8", "web>* 6", "*>* 5"));
  EXPECT_THAT(matching(IntentionSide::destination, "*"), ElementsAre("web>* 6", "*>* 5"));
  EXPECT_THAT(matching(IntentionSide::source, "web"),
              ElementsAre("web>cache 9", "web>db 9", "*>db 8", "web>* 6", "*>* 5"));
  EXPECT_THAT(matching(IntentionSide::source, "other"), ElementsAre("*>db 8", "*>* 5"));
}

TEST_F(IntentionsTest, ADecisionIsThatOfTheFirst) {
  ASSERT_EQ(upsert("*", "*", "deny"), "");
  ASSERT_EQ(upsert("web", "db"), "");
  const auto decide_for = [&](const std::string& source, std::string_view destination, bool by_default) {
    const auto found = match_intentions(tables(), IntentionSide::source, source, IntentionTarget::service, nullptr);
    return decide(found.intentions, IntentionSide::destination, destination, {.default_allow = by_default});
  };

  EXPECT_TRUE(decide_for("web", "db", false).Allowed);
  EXPECT_TRUE(decide_for("web", "db", false).HasExact);
  EXPECT_FALSE(decide_for("web", "cache", true).Allowed);
  EXPECT_FALSE(decide_for("web", "cache", true).HasExact);
  ASSERT_EQ(erase("*", "*"), "");
  EXPECT_TRUE(decide_for("web", "cache", true).Allowed);
  EXPECT_FALSE(decide_for("web", "cache", false).Allowed);
}

TEST_F(IntentionsTest, WhoIsCalledSoElsewhereIsSomebodyElse) {
  ASSERT_EQ(write_entry("service-intentions",
                        R"({"Name":"db","Sources":[{"Name":"web","Peer":"east","Action":"allow","Type":"consul"}]})"),
            "");
  EXPECT_THAT(matching(IntentionSide::source, "web"), ElementsAre());
  EXPECT_TRUE(intention_between(tables(), "web", "db", {}, nullptr)->intentions.empty());
  EXPECT_EQ(intention_between(tables(), "web", "db", "east", nullptr)->intentions.size(), 1u);
}

TEST_F(IntentionsTest, PlacesOutsideOfTheMeshAreNoServices) {
  ASSERT_EQ(write_entry("service-defaults",
                        R"({"Name":"ext","Protocol":"tcp","Destination":{"Addresses":["1.2.3.4"],"Port":80}})"),
            "");
  ASSERT_EQ(upsert("web", "ext"), "");
  ASSERT_EQ(upsert("web", "db"), "");
  ASSERT_EQ(upsert("web", "*"), "");

  EXPECT_THAT(matching(IntentionSide::source, "web"), ElementsAre("web>db 9", "web>* 6"));
  EXPECT_THAT(matching(IntentionSide::source, "web", IntentionTarget::destination),
              ElementsAre("web>ext 9", "web>* 6"));
}

TEST_F(IntentionsTest, TheTopologyHasWhoMayCallWhom) {
  for (const char* name : {"web", "db", "cache", "consul"}) apply(service_request("n1", name, name));
  ASSERT_EQ(upsert("web", "db"), "");
  ASSERT_EQ(upsert("*", "*", "deny"), "");
  const auto names = [&](const std::string& service, bool downstreams) {
    std::vector<std::string> all;
    for (const auto& one :
         intention_topology(tables(), service, downstreams, true, IntentionTarget::service, nullptr).services) {
      all.push_back(one.service);
    }
    return all;
  };

  EXPECT_THAT(names("web", false), ElementsAre("db"));
  EXPECT_THAT(names("db", true), ElementsAre("web"));
  EXPECT_THAT(names("db", false), ElementsAre());
  ASSERT_EQ(erase("*", "*"), "");
  EXPECT_THAT(names("db", false), ElementsAre("cache", "web"));
}

TEST_F(IntentionsTest, ManyDecisionsAreThoseOfEachByItself) {
  ASSERT_EQ(write_entry("service-intentions",
                        R"({"Name":"db","Sources":[{"Name":"web","Peer":"east","Action":"deny","Type":"consul"},
                            {"Name":"api","Action":"deny","Type":"consul"}]})"),
            "");
  ASSERT_EQ(upsert("web", "*", "deny"), "");
  ASSERT_EQ(upsert("web", "cache"), "");
  ASSERT_EQ(upsert("*", "*"), "");

  for (const IntentionSide own : {IntentionSide::source, IntentionSide::destination}) {
    const IntentionSide other = own == IntentionSide::source ? IntentionSide::destination : IntentionSide::source;
    for (const std::string service : {"web", "api", "db", "cache"}) {
      const Intentions known = match_intentions(tables(), own, service, IntentionTarget::service, nullptr).intentions;
      const Decisions decisions(known, other);
      for (const std::string name : {"web", "api", "db", "cache", "none", "*"}) {
        EXPECT_EQ(base::to_json(decisions.of(name, {})), base::to_json(decide(known, other, name, {})))
            << service << " " << name;
      }
    }
  }
}

// ---- any sequence ----

class IntentionsModel : public IntentionsTest, public testing::WithParamInterface<unsigned> {};

TEST_P(IntentionsModel, ByNamesEveryChangeDoesWhatAMapWouldDo) {
  std::mt19937 random(GetParam());
  const std::vector<std::string> names{"*", "a", "b", "c"};
  const auto name = [&] { return names[random() % names.size()]; };
  std::map<std::pair<std::string, std::string>, std::string> model;
  for (int step = 0; step < 300; ++step) {
    const std::pair key(name(), name());
    if (random() % 3 == 0) {
      ASSERT_EQ(erase(key.first, key.second), "");
      model.erase(key);
    } else {
      const std::string action = random() % 2 == 0 ? "allow" : "deny";
      ASSERT_EQ(upsert(key.first, key.second, action), "");
      model[key] = action;
    }
    const IntentionsAnswer all = list_intentions(tables(), nullptr);
    ASSERT_EQ(all.intentions.size(), model.size());
    for (std::size_t i = 0; i < all.intentions.size(); ++i) {
      const Intention& one = *all.intentions[i];
      ASSERT_EQ(model.at({one.SourceName, one.DestinationName}), one.Action);
      if (i > 0) {
        ASSERT_GE(all.intentions[i - 1]->Precedence, one.Precedence);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, IntentionsModel, testing::Range(1u, 9u));

}  // namespace
}  // namespace proconsul::catalog
