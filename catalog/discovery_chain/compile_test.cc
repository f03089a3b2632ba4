#include "catalog/discovery_chain/compile.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "catalog/config_entry/entry_fixture.h"
#include "catalog/discovery_chain/graph.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {
namespace {

using testing_support::entry_from;
using testing_support::EntryFixture;

constexpr const char* kTrustDomain = "11111111-2222-3333-4444-555555555555.consul";

class DiscoveryChain : public EntryFixture {
 protected:
  base::Result<CompiledChain> compile(ChainRequest request) {
    request.datacenter = "dc1";
    request.trust_domain = kTrustDomain;
    return compile_chain({.tables = tables()}, request);
  }
  CompiledDiscoveryChain chain(std::string service) {
    const auto compiled = compile({.service = std::move(service)});
    EXPECT_TRUE(compiled) << compiled.error().detail;
    return compiled ? compiled->chain : CompiledDiscoveryChain{};
  }
  std::string fault(std::string service) {
    const auto compiled = compile({.service = std::move(service)});
    return compiled ? "" : compiled.error().detail;
  }
  /// Past what the store would refuse.
  void put(std::string_view kind, std::string_view json) {
    auto entry = entry_from(kind, json);
    const std::string key = index_key({kind, entry->Name});
    store.writer().begin_command(++index);
    store.writer().tables().config_entries.insert(key, base::make_row(StoredConfigEntry{std::move(entry)}));
    store.commit();
  }
};

TEST_F(DiscoveryChain, WithoutEntriesIsTheServiceItself) {
  const auto compiled = compile({.service = "web"});

  ASSERT_TRUE(compiled);
  EXPECT_FALSE(compiled->has_entries);
  EXPECT_EQ(
      base::to_json(compiled->chain),
      R"({"ServiceName":"web","Namespace":"default","Partition":"default","Datacenter":"dc1","Default":true,)"
      R"("Protocol":"tcp","StartNode":"resolver:web.default.default.dc1","Nodes":{"resolver:web.default.default.dc1":)"
      R"({"Type":"resolver","Name":"web.default.default.dc1","Resolver":{"ConnectTimeout":"5s","Default":true,)"
      R"("Target":"web.default.default.dc1"}}},"Targets":{"web.default.default.dc1":{"ConnectTimeout":"5s",)"
      R"("ID":"web.default.default.dc1","Service":"web","Namespace":"default","Partition":"default",)"
      R"("Datacenter":"dc1","MeshGateway":{},"Subset":{},"TransparentProxy":{},)"
      R"("SNI":"web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul",)"
      R"("Name":"web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul"}},)"
      R"("AutoVirtualIPs":null,"ManualVirtualIPs":null})");
}

TEST_F(DiscoveryChain, WhatIsAskedForInsteadGoesIntoAHash) {
  const auto hash = [&](ChainRequest request) {
    request.service = "web";
    return compile(std::move(request))->chain.CustomizationHash;
  };

  // As Consul 1.21.4 answers.
  EXPECT_EQ(hash({.connect_timeout = base::seconds(7)}), "8b1bc506");
  EXPECT_EQ(hash({.protocol = "http"}), "1a47f6e1");
  EXPECT_EQ(hash({.protocol = "bad"}), "155ff4e6");
  EXPECT_EQ(hash({.mesh_gateway = {"local"}}), "c225dc1c");
  EXPECT_EQ(hash({.connect_timeout = base::seconds(5)}), "");
}

TEST_F(DiscoveryChain, ARouterSendsTheRestToItsService) {
  ASSERT_EQ(write("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})"), "");
  ASSERT_EQ(
      write("service-router",
            R"({"Name":"web","Routes":[{"Match":{"HTTP":{"PathPrefix":"/a"}},"Destination":{"Service":"api"}}]})"),
      "");

  const CompiledDiscoveryChain made = chain("web");

  EXPECT_EQ(made.StartNode, "router:web.default.default");
  const auto& routes = made.Nodes.at(made.StartNode)->Routes;
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0]->NextNode, "resolver:api.default.default.dc1");
  EXPECT_EQ(routes[1]->NextNode, "resolver:web.default.default.dc1");
  EXPECT_EQ(routes[1]->Definition->Match->HTTP->PathPrefix, "/");
  EXPECT_EQ(made.Protocol, "http");
  EXPECT_FALSE(made.Default);
}

TEST_F(DiscoveryChain, ARouteMayNameANamespaceOrAPartitionThatNobodyHas) {
  ASSERT_EQ(write("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})"), "");
  ASSERT_EQ(write("service-router", R"({"Name":"web","Routes":[{"Destination":{"Namespace":"x"}},
                                                               {"Destination":{"Partition":"p"}}]})"),
            "");

  const CompiledDiscoveryChain made = chain("web");

  const auto& routes = made.Nodes.at(made.StartNode)->Routes;
  ASSERT_EQ(routes.size(), 3u);
  EXPECT_EQ(routes[0]->NextNode, "resolver:web.x.default.dc1");
  EXPECT_EQ(routes[1]->NextNode, "resolver:web.default.p.dc1");
  EXPECT_EQ(routes[2]->NextNode, "resolver:web.default.default.dc1");
  EXPECT_EQ(made.Targets.at("web.x.default.dc1")->Namespace, "x");
  EXPECT_EQ(made.Targets.at("web.x.default.dc1")->SNI, std::string("web.x.dc1.internal.") + kTrustDomain);
  EXPECT_EQ(made.Targets.at("web.default.p.dc1")->Partition, "p");
  EXPECT_EQ(made.Targets.at("web.default.p.dc1")->SNI, std::string("web.default.p.dc1.internal-v1.") + kTrustDomain);
}

TEST_F(DiscoveryChain, APlainProtocolThatIsAskedForLeavesRoutersOut) {
  ASSERT_EQ(write("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})"), "");
  ASSERT_EQ(write("service-router", R"({"Name":"web","Routes":[]})"), "");

  const auto compiled = compile({.service = "web", .protocol = "tcp"});

  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->chain.StartNode, "resolver:web.default.default.dc1");
  EXPECT_EQ(compiled->chain.Protocol, "tcp");
  EXPECT_NE(compiled->chain.CustomizationHash, "");
}

TEST_F(DiscoveryChain, SplittersThatLeadToSplittersBecomeOne) {
  ASSERT_EQ(write("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})"), "");
  ASSERT_EQ(write("service-splitter",
                  R"({"Name":"inner","Splits":[{"Weight":50,"Service":"a","RequestHeaders":{"Set":{"x":"in"}}},)"
                  R"({"Weight":50,"Service":"b"}]})"),
            "");
  ASSERT_EQ(write("service-splitter",
                  R"({"Name":"web","Splits":[{"Weight":60,"Service":"inner","RequestHeaders":{"Set":{"x":"out"},)"
                  R"("Remove":["y"]}},{"Weight":40,"Service":"web"}]})"),
            "");

  const CompiledDiscoveryChain made = chain("web");

  const auto& splits = made.Nodes.at("splitter:web.default.default")->Splits;
  ASSERT_EQ(splits.size(), 3u);
  EXPECT_FLOAT_EQ(splits[0]->Weight, 30);
  EXPECT_EQ(splits[0]->NextNode, "resolver:a.default.default.dc1");
  EXPECT_EQ(splits[0]->Definition->RequestHeaders->Set.at("x"), "in");
  EXPECT_EQ(splits[0]->Definition->RequestHeaders->Remove, base::List<std::string>{"y"});
  EXPECT_EQ(splits[1]->Definition->RequestHeaders->Set.at("x"), "out");
  EXPECT_FLOAT_EQ(splits[2]->Weight, 40);
  EXPECT_FALSE(made.Nodes.contains("splitter:inner.default.default"));
}

TEST_F(DiscoveryChain, ResolversRedirectChooseSubsetsAndFailOver) {
  ASSERT_EQ(write("service-resolver",
                  R"({"Name":"web","DefaultSubset":"v1","Subsets":{"v1":{"Filter":"Service.Meta.v == 1"}},)"
                  R"("ConnectTimeout":"9s","Failover":{"*":{"Targets":[{"Datacenter":"dc2"},{"Peer":"east"}]}}})"),
            "");
  ASSERT_EQ(write("service-resolver", R"({"Name":"old","Redirect":{"Service":"web"}})"), "");

  const CompiledDiscoveryChain made = chain("old");

  EXPECT_EQ(made.StartNode, "resolver:v1.web.default.default.dc1");
  const DiscoveryResolver& resolver = *made.Nodes.at(made.StartNode)->Resolver;
  EXPECT_EQ(resolver.ConnectTimeout, base::seconds(9));
  ASSERT_TRUE(resolver.Failover);
  EXPECT_EQ(resolver.Failover->Targets,
            (base::List<std::string>{"v1.web.default.default.dc2", "web.default.default.external.east"}));
  const DiscoveryTarget& target = *made.Targets.at("v1.web.default.default.dc1");
  EXPECT_EQ(target.Subset.Filter, "Service.Meta.v == 1");
  EXPECT_EQ(target.SNI, std::string("v1.web.default.dc1.internal.") + kTrustDomain);
  EXPECT_EQ(made.Targets.at("web.default.default.external.east")->SNI, "");
  EXPECT_FALSE(made.Targets.contains("old.default.default.dc1"));
}

TEST_F(DiscoveryChain, WhatIsNoneIsRefused) {
  put("service-resolver", R"({"Name":"a","Redirect":{"Service":"b"}})");
  put("service-resolver", R"({"Name":"b","Redirect":{"Service":"a"}})");
  EXPECT_EQ(fault("a"),
            "detected circular resolver redirect: [a.default.default.dc1 -> b.default.default.dc1 -> "
            "a.default.default.dc1]");
  put("service-router", R"({"Name":"web","Routes":[]})");
  EXPECT_EQ(fault("web"),
            "discovery chain \"web\" uses a protocol \"tcp\" that does not permit advanced routing or splitting "
            "behavior");
  put("service-resolver", R"({"Name":"sub","Redirect":{"Service":"c","ServiceSubset":"nope"}})");
  EXPECT_EQ(fault("sub"), "service \"c\" does not have a subset named \"nope\"");
  EXPECT_EQ(fault(""), "serviceName is required");
}

TEST_F(DiscoveryChain, CirclesOfSplittersAreRefused) {
  put("proxy-defaults", R"({"Name":"global","Protocol":"http","Config":{"protocol":"http"}})");
  put("service-splitter", R"({"Name":"a","Splits":[{"Weight":100,"Service":"b"}]})");
  put("service-splitter", R"({"Name":"b","Splits":[{"Weight":100,"Service":"a"}]})");

  EXPECT_EQ(fault("a"),
            "detected circular reference: [splitter:a.default.default -> splitter:b.default.default -> "
            "splitter:a.default.default]");
}

TEST_F(DiscoveryChain, ALongChainOfSplittersNeedsNoDeepStack) {
  constexpr int kLength = 20000;
  const auto name = [](int i) { return "s" + std::to_string(i); };
  for (int i = 0; i < kLength; ++i) {
    put("service-splitter",
        R"({"Name":")" + name(i) + R"(","Splits":[{"Weight":100,"Service":")" + name(i + 1) + "\"}]}");
  }

  EXPECT_NE(fault(name(0)).find("does not permit advanced routing"), std::string::npos);
}

TEST_F(DiscoveryChain, SplittersThatMultiplyAreRefusedInTime) {
  constexpr int kLevels = 40;
  const auto name = [](int i) { return "s" + std::to_string(i); };
  for (int i = 0; i < kLevels; ++i) {
    const std::string half = R"({"Weight":50,"Service":")" + name(i + 1) + "\"}";
    put("service-splitter", R"({"Name":")" + name(i) + R"(","Splits":[)" + half + "," + half + "]}");
  }

  EXPECT_EQ(fault(name(0)), "splitters lead to each other in too many ways");
}

TEST_F(DiscoveryChain, AnyEntriesGiveAChainOrAReason) {
  std::mt19937 random(7);
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  const auto service = [&] { return std::string(1, static_cast<char>('a' + pick(5))); };
  for (int round = 0; round < 300; ++round) {
    put("proxy-defaults", R"({"Name":"global","Config":{}})");
    for (int i = 0; i < 6; ++i) {
      const std::string name = service();
      put("service-splitter", R"({"Name":")" + name + R"(","Splits":[{"Weight":50,"Service":")" + service() +
                                  R"("},{"Weight":50,"Service":")" + service() + R"(","ServiceSubset":")" +
                                  (pick(2) ? "v1" : "") + "\"}]}");
      put("service-resolver", R"({"Name":")" + service() + R"(","Subsets":{"v1":{}},"DefaultSubset":")" +
                                  (pick(2) ? "v1" : "") + R"(","Redirect":)" +
                                  (pick(2) ? R"({"Service":")" + service() + "\"}" : std::string("null")) +
                                  R"(,"Failover":{"*":{"Service":")" + service() + "\"}}}");
      put("service-router",
          R"({"Name":")" + name + R"(","Routes":[{"Destination":{"Service":")" + service() + "\"}}]}");
      put("service-defaults", R"({"Name":")" + service() + R"(","Protocol":")" + (pick(3) ? "http" : "grpc") +
                                  R"(","ExternalSNI":")" + (pick(8) ? "" : "x") + "\"}");
    }
    const auto compiled = compile({.service = service(), .protocol = pick(2) ? "" : "tcp"});
    if (!compiled) {
      EXPECT_FALSE(compiled.error().detail.empty());
      continue;
    }
    // Whatever it says leads somewhere.
    const CompiledDiscoveryChain& made = compiled->chain;
    ASSERT_TRUE(made.Nodes.contains(made.StartNode));
    for (const auto& [key, node] : made.Nodes) {
      for (const auto& route : node->Routes) EXPECT_TRUE(made.Nodes.contains(route->NextNode));
      for (const auto& split : node->Splits) EXPECT_TRUE(made.Nodes.contains(split->NextNode));
      if (node->Resolver) EXPECT_TRUE(made.Targets.contains(node->Resolver->Target));
    }
  }
}

}  // namespace
}  // namespace proconsul::catalog
