#include "agent/local/aliases.h"

#include <gtest/gtest.h>

#include "agent/http/test_server.h"
#include "agent/local/server_catalog.h"
#include "catalog/registry/register.h"

namespace proconsul::agent::local {
namespace {

catalog::HealthCheck check(const std::string& id, const std::string& service, std::string_view status,
                           const std::string& output = {}) {
  catalog::HealthCheck out;
  out.CheckID = out.Name = id;
  out.ServiceID = service;
  out.Status = status;
  out.Output = output;
  return out;
}

AliasHealth health(const std::vector<catalog::HealthCheck>& checks, const std::string& service, bool exists = true) {
  std::vector<FollowedCheck> seen;
  for (const catalog::HealthCheck& item : checks) seen.push_back({&item, item.Status, item.Output});
  return alias_health(seen, "self", "", service, [&] { return exists; });
}

TEST(AliasHealth, TheWorstCheckCounts) {
  const auto good = check("good", "web", "passing"), warns = check("warns", "web", "warning", "hm"),
             fails = check("fails", "", "critical", "down"), other = check("other", "db", "critical");

  EXPECT_EQ(health({good, other}, "web").output, "All checks passing.");
  EXPECT_EQ(health({good, warns}, "web").status, "warning");
  EXPECT_EQ(health({warns, good}, "web").output, "Aliased check \"warns\" failing: hm");
  EXPECT_EQ(health({warns, fails, good}, "web").status, "critical");
  EXPECT_EQ(health({}, "web").output, "No checks found.");
  EXPECT_EQ(health({}, "web").status, "passing");
  EXPECT_EQ(health({other}, "web", false).output, "Service web could not be found on node ");
}

TEST(AliasHealth, AnAliasDoesNotFollowItself) {
  EXPECT_EQ(health({check("self", "", "critical"), check("c", "web", "passing")}, "web").status, "passing");
}

class AliasesTest : public testing::Test {
 protected:
  void put(const std::string& id, const std::string& service, std::string_view status) {
    ASSERT_TRUE(state.put_check(check(id, service, status), "", Source::api));
    aliases.changed(service);
  }
  std::map<std::string, std::string> due() {
    std::map<std::string, std::string> out;
    for (const auto& [id, found] : aliases.take_due(state)) out.emplace(id, found.status);
    return out;
  }
  void SetUp() override {
    for (const char* id : {"web", "db"}) {
      catalog::NodeService service;
      service.ID = service.Service = id;
      state.put_service(service, "", Source::api);
    }
  }
  using Found = std::map<std::string, std::string>;

  http::test::StoreServer server{};
  State state{"n1"};
  int woken = 0;
  ServerCatalog catalog{"n1", server, nullptr};
  Aliases aliases{"n1", catalog, [this] { ++woken; }};
};

TEST_F(AliasesTest, OnlyThoseThatAChangeConcernsAreDue) {
  aliases.add("follows-web", "", "web", "");
  aliases.add("follows-db", "", "db", "");
  EXPECT_EQ(due(), (Found{{"follows-web", "passing"}, {"follows-db", "passing"}}));

  put("c", "web", "critical");
  EXPECT_EQ(due(), (Found{{"follows-web", "critical"}}));

  put("node", "", "warning");
  EXPECT_EQ(due(), (Found{{"follows-web", "critical"}, {"follows-db", "warning"}}));

  aliases.remove("follows-web");
  put("c", "web", "passing");
  EXPECT_EQ(due(), Found{});
}

TEST_F(AliasesTest, ThoseThatFollowEachOtherDoNotKeepEachOtherCritical) {
  aliases.add("of-web", "", "db", "");
  aliases.add("of-db", "", "web", "");
  put("of-web", "web", "critical");
  put("of-db", "db", "passing");
  EXPECT_EQ(due(), (Found{{"of-web", "passing"}, {"of-db", "passing"}}));

  put("c", "web", "warning");
  const Aliases::Found found = aliases.take_due(state);
  EXPECT_EQ(found.find("of-db")->second.output, "Aliased check \"c\" failing: ");
  EXPECT_EQ(found.find("of-web")->second.output, "Aliased check \"of-db\" failing: Aliased check \"c\" failing: ");
  for (const auto& [id, health] : found) {
    EXPECT_EQ(health.status, "warning");
    state.update_check(id, health.status, health.output);
    aliases.changed(state.check(id)->ServiceID);
  }
  for (const auto& [id, health] : aliases.take_due(state)) {
    EXPECT_EQ(state.update_check(id, health.status, health.output), State::Update::none);
  }
  put("c", "web", "passing");
  EXPECT_EQ(due(), (Found{{"of-web", "passing"}, {"of-db", "passing"}}));
}

TEST_F(AliasesTest, AliasesOfTheNodeFollowTheServiceAndNotEachOther) {
  put("c", "web", "passing");
  for (const char* id : {"q2", "q3"}) {
    aliases.add(id, "", "web", "");
    put(id, "", "critical");
  }
  EXPECT_EQ(due(), (Found{{"q2", "passing"}, {"q3", "passing"}}));
  put("c", "web", "critical");
  EXPECT_EQ(due(), (Found{{"q2", "critical"}, {"q3", "critical"}}));
}

TEST_F(AliasesTest, AnotherNodeIsFollowedInTheCatalog) {
  const auto apply = [&](catalog::RegisterRequest request) {
    server.store.writer().begin_command(++server.index);
    ASSERT_TRUE(catalog::apply_register(server.store.writer(), std::move(request)));
    server.store.commit();
  };
  catalog::RegisterRequest request{};
  request.Node = "far";
  request.Address = "10.0.0.2";
  request.Service.emplace();
  request.Service->ID = request.Service->Service = "web";
  request.Check.emplace() = check("c", "web", "passing");
  request.Check->Node = "far";

  aliases.add("unknown", "far", "web", "");
  EXPECT_EQ(due(), (Found{{"unknown", "passing"}})) << "nobody knows the node: no reason to doubt its service";
  apply(request);
  EXPECT_EQ(due(), (Found{{"unknown", "passing"}}));
  request.Check->Status = "critical";
  apply(request);
  EXPECT_EQ(due(), (Found{{"unknown", "critical"}}));
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(due(), Found{});

  aliases.add("gone", "far", "no-such-service", "");
  EXPECT_EQ(due(), (Found{{"gone", "critical"}}));
}

}  // namespace
}  // namespace proconsul::agent::local
