#include "agent/local/sync.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::local {
namespace {

NodeInfo this_node() {
  NodeInfo node{.datacenter = "dc1", .id = "6e8a1f46-0000-0000-0000-000000000001", .address = "10.0.0.1"};
  node.tagged_addresses = {{"lan", "10.0.0.1"}};
  node.meta = {{"k", "v"}};
  return node;
}

catalog::NodeService service(const std::string& id, std::int64_t port = 1) {
  catalog::NodeService out;
  out.ID = out.Service = id;
  out.Port = port;
  out.Weights = catalog::Weights{.Passing = 1, .Warning = 1};
  out.TaggedAddresses.make_present();
  return out;
}

catalog::HealthCheck check(const std::string& id, const std::string& service_id = {},
                           const std::string& status = "passing") {
  catalog::HealthCheck out;
  out.CheckID = out.Name = id;
  out.Status = status;
  out.ServiceID = out.ServiceName = service_id;
  return out;
}

/// The catalog as far as this node can see it.
class Catalog {
 public:
  void apply(const Step& step) {
    ++calls;
    if (const auto* request = std::get_if<catalog::RegisterRequest>(&step.request)) {
      if (!node || !request->SkipNodeUpdate) {
        node.emplace();
        node->Node = request->Node;
        node->ID = request->ID;
        node->Address = request->Address;
        node->TaggedAddresses = request->TaggedAddresses;
        node->Meta = request->NodeMeta;
        node->Locality = request->Locality;
      }
      if (request->Service) services[request->Service->ID] = *request->Service;
      if (request->Check) checks[request->Check->CheckID] = *request->Check;
      for (const auto& item : request->Checks) checks[item->CheckID] = *item;
      return;
    }
    const auto& request = std::get<catalog::DeregisterRequest>(step.request);
    if (!request.ServiceID.empty()) {
      services.erase(request.ServiceID);
      std::erase_if(checks, [&](const auto& item) { return item.second.ServiceID == request.ServiceID; });
    } else {
      ASSERT_FALSE(request.CheckID.empty()) << "the node itself must never be deregistered";
      checks.erase(request.CheckID);
    }
  }

  Remote remote() const {
    Remote out{.node = node};
    for (const auto& [id, item] : services) out.services.push_back(item);
    for (const auto& [id, item] : checks) out.checks.push_back(item);
    return out;
  }

  std::optional<catalog::Node> node{};
  std::map<std::string, catalog::NodeService> services{};
  std::map<std::string, catalog::HealthCheck> checks{};
  int calls = 0;
};

/// Plans, carries everything out, and says how many calls it took.
std::size_t synchronize(State& state, Catalog& catalog) {
  const std::vector<Step> steps = plan(state, this_node(), {});
  for (const Step& step : steps) {
    catalog.apply(step);
    settle(state, step);
  }
  return steps.size();
}

TEST(Sync, RegistersTheNodeOnceAndAServiceTogetherWithItsChecks) {
  State state("n1");
  Catalog catalog;
  state.put_service(service("web"), "", Source::api);
  ASSERT_TRUE(state.put_check(check("c1", "web"), "", Source::api));
  ASSERT_TRUE(state.put_check(check("c2", "web"), "", Source::api));
  ASSERT_TRUE(state.put_check(check("node"), "", Source::api));

  EXPECT_EQ(synchronize(state, catalog), 3U);  // the node, the service, the node's check

  EXPECT_EQ(catalog.node->ID, this_node().id);
  EXPECT_EQ(catalog.services.size(), 1U);
  EXPECT_EQ(catalog.checks.size(), 3U);
  EXPECT_EQ(catalog.checks.at("c1").Node, "n1");
  compare(state, this_node(), catalog.remote());
  EXPECT_EQ(synchronize(state, catalog), 0U);
}

TEST(Sync, ACheckWithATokenOfItsOwnIsSentByItself) {
  State state("n1");
  state.node_in_sync = true;
  state.put_service(service("web"), "service-token", Source::api);
  ASSERT_TRUE(state.put_check(check("c1", "web"), "service-token", Source::api));
  ASSERT_TRUE(state.put_check(check("c2", "web"), "check-token", Source::api));

  const std::vector<Step> steps = plan(state, this_node(), {});

  ASSERT_EQ(steps.size(), 2U);
  const auto& first = std::get<catalog::RegisterRequest>(steps[0].request);
  EXPECT_EQ(first.Token, "service-token");
  EXPECT_EQ(first.Check->CheckID, "c1");
  EXPECT_TRUE(first.Checks.empty());
  const auto& second = std::get<catalog::RegisterRequest>(steps[1].request);
  EXPECT_EQ(second.Token, "check-token");
  EXPECT_EQ(second.Check->CheckID, "c2");
  EXPECT_EQ(second.Service->ID, "web");
}

TEST(Sync, RemovesWhatOnlyTheCatalogHasButNotWhatServersKeep) {
  State state("n1");
  Catalog catalog;
  synchronize(state, catalog);
  catalog.services = {{"consul", service("consul")}, {"stale", service("stale")}};
  catalog.checks = {{"serfHealth", check("serfHealth")}, {"old", check("old")}, {"s", check("s", "stale")}};

  compare(state, this_node(), catalog.remote());
  synchronize(state, catalog);

  EXPECT_EQ(catalog.services.size(), 1U);
  EXPECT_TRUE(catalog.services.contains("consul"));
  EXPECT_EQ(catalog.checks.size(), 1U);
  EXPECT_TRUE(catalog.checks.contains("serfHealth"));
  EXPECT_TRUE(state.services().empty());
  EXPECT_TRUE(state.checks().empty());
}

TEST(Sync, TagsThatMayBeOverriddenAndVirtualAddressesAreTheCatalogs) {
  State state("n1");
  Catalog catalog;
  catalog::NodeService web = service("web");
  web.EnableTagOverride = true;
  web.Tags = {"mine"};
  state.put_service(web, "", Source::api);
  synchronize(state, catalog);
  catalog.services.at("web").Tags = {"theirs"};
  catalog.services.at("web").TaggedAddresses["consul-virtual"] = {.Address = "240.0.0.1", .Port = 1};

  compare(state, this_node(), catalog.remote());

  EXPECT_EQ(plan(state, this_node(), {}).size(), 0U);
  EXPECT_EQ(state.service("web")->Tags[0], "theirs");
  EXPECT_TRUE(state.service("web")->TaggedAddresses.contains("consul-virtual"));
}

TEST(Sync, ANodeWhoseRowDiffersIsWrittenAgain) {
  State state("n1");
  Catalog catalog;
  synchronize(state, catalog);
  catalog.node->Meta = {{"k", "other"}};

  compare(state, this_node(), catalog.remote());
  EXPECT_EQ(synchronize(state, catalog), 1U);

  EXPECT_EQ(catalog.node->Meta.at("k"), "v");
}

TEST(Sync, ALateAnswerConfirmsOnlyWhatItWasSentFor) {
  State state("n1");
  state.node_in_sync = true;
  state.put_service(service("web", 1), "", Source::api);
  const std::vector<Step> steps = plan(state, this_node(), {});
  state.put_service(service("web", 2), "", Source::api);

  settle(state, steps[0]);

  EXPECT_EQ(plan(state, this_node(), {}).size(), 1U);
}

TEST(Sync, OutputAloneWaitsUntilItIsDueAndIsNotTakenForADifference) {
  State state("n1", true);
  Catalog catalog;
  ASSERT_TRUE(state.put_check(check("c"), "", Source::api));
  synchronize(state, catalog);

  EXPECT_EQ(state.update_check("c", "passing", "new"), State::Update::output_deferred);
  EXPECT_EQ(plan(state, this_node(), {}).size(), 0U);
  compare(state, this_node(), catalog.remote());
  EXPECT_EQ(plan(state, this_node(), {}).size(), 0U);
  state.undefer("c");
  EXPECT_EQ(synchronize(state, catalog), 1U);
  EXPECT_EQ(catalog.checks.at("c").Output, "new");
  EXPECT_EQ(state.update_check("c", "warning", "new"), State::Update::status);
  EXPECT_EQ(synchronize(state, catalog), 1U);
}

/// Registrations, removals, status changes, a catalog that others disturb, calls that fail, and answers that come after
/// the next change: once the calls get through, the catalog is what the agent says.
class SyncConvergence : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SyncConvergence, TheCatalogEndsAsTheAgentSays) {
  base::SeededRandom random(GetParam());
  const auto name = [&](const char* kind) { return kind + std::to_string(random.below(5)); };
  const auto status = [&] { return std::string(random.below(2) == 0 ? "passing" : "critical"); };
  State state("n1", random.below(2) == 0);
  Catalog catalog;

  for (int round = 0; round < 200; ++round) {
    switch (random.below(9)) {
      case 0:
        state.put_service(service(name("s"), static_cast<std::int64_t>(random.below(3))), "", Source::api);
        break;
      case 1: {
        const std::string id = name("s");
        std::vector<std::string> bound;
        for (const catalog::HealthCheck* item : state.checks_of(id, false)) bound.push_back(item->CheckID);
        if (state.remove_service(id)) {
          for (const std::string& item : bound) state.remove_check(item);
        }
        break;
      }
      case 2:
        (void)state.put_check(check(name("c"), random.below(3) == 0 ? "" : name("s"), status()), "", Source::api);
        break;
      case 3:
        state.remove_check(name("c"));
        break;
      case 4:
        state.update_check(name("c"), status(), name("o"));
        break;
      case 5:
        state.undefer(name("c"));
        break;
      case 6:  // somebody else writes
        catalog.services[name("s")] = service(name("s"), 9);
        catalog.checks[name("c")] = check(name("c"), "", "critical");
        if (random.below(4) == 0) catalog = {};
        break;
      case 7:
        compare(state, this_node(), catalog.remote());
        break;
      default: {
        const std::vector<Step> steps = plan(state, this_node(), {});
        for (const Step& step : steps) {
          if (random.below(4) == 0) continue;  // lost
          catalog.apply(step);
          if (random.below(4) == 0) state.update_check(name("c"), status(), "late");
          if (random.below(4) != 0) settle(state, step);  // or its answer is
        }
      }
    }
    // Keys and ids agree in whatever others write.
    for (auto& [id, item] : catalog.services) item.ID = id;
    for (auto& [id, item] : catalog.checks) item.CheckID = id;
  }
  for (int i = 0; i < 5; ++i) state.undefer("c" + std::to_string(i));
  for (int i = 0; i < 2; ++i) {
    compare(state, this_node(), catalog.remote());
    synchronize(state, catalog);
  }

  compare(state, this_node(), catalog.remote());
  EXPECT_TRUE(plan(state, this_node(), {}).empty());
  EXPECT_EQ(catalog.services.size(), state.services().size());
  ASSERT_EQ(catalog.checks.size(), state.checks().size());
  for (const auto& [id, entry] : state.services()) EXPECT_EQ(catalog.services.at(id).Port, entry.service.Port);
  for (const auto& [id, entry] : state.checks()) {
    EXPECT_EQ(catalog.checks.at(id).Status, entry.check.Status);
    EXPECT_EQ(catalog.checks.at(id).Output, entry.check.Output);
    EXPECT_EQ(catalog.checks.at(id).ServiceID, entry.check.ServiceID);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, SyncConvergence, testing::Range<std::uint64_t>(1, 201));

}  // namespace
}  // namespace proconsul::agent::local
