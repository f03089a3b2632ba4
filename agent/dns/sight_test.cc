// What of the mesh is answered, and to whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/dns/resolver_fixture.h"
#include "catalog/registry/mesh.h"

namespace proconsul::agent::dns {
namespace {

using catalog::testing_support::check_of;
using catalog::testing_support::service_request;
using test::Answer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DnsSight : public test::ResolverFixture {
 protected:
  void of_kind(const std::string& name, std::string_view kind, const std::string& address, int port,
               const std::string& destination = {}) {
    catalog::RegisterRequest request = service_request("node-of-" + name, name, name);
    request.Address = address;
    request.Service->Kind = kind;
    request.Service->Port = port;
    if (!destination.empty()) request.Service->Proxy.edit().DestinationServiceName = destination;
    apply(std::move(request));
  }
  unsigned rcode(const std::string& name) { return ask({.name = name}).rcode; }
  /// No answer and no SOA.
  void expect_failure(const std::string& name) {
    const Answer answer = ask({.name = name});
    EXPECT_EQ(answer.rcode, kServerFailure) << name;
    EXPECT_THAT(answer.answers, IsEmpty()) << name;
    EXPECT_THAT(answer.authorities, IsEmpty()) << name;
  }
};

tokens::Who allowed(std::string_view rules) {
  const std::shared_ptr<tokens::Permissions> permissions(
      new tokens::Permissions{acl::Authorizer(*acl::parse_rules(rules), acl::Fallback::deny)});
  return {.accessor = "x", .permissions = permissions};
}

TEST_F(DnsSight, ATokenSeesWhatItMayRead) {
  instance("node-1", "10.0.0.1", "web");
  instance("node-2", "10.0.0.2", "web", 81);
  instance("node-1", "10.0.0.1", "db", 82);
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(2));

  who = allowed(R"(service "web" { policy = "read" } node "node-1" { policy = "read" })");
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(1));
  EXPECT_EQ(ask({.name = "db.service.consul"}).rcode, kNameError);
  EXPECT_THAT(ask({.name = "node-1.node.consul"}).answers, SizeIs(1));
  EXPECT_EQ(ask({.name = "node-2.node.consul"}).rcode, kNameError);
  EXPECT_THAT(ask({.name = "1.0.0.10.in-addr.arpa", .type = kTypePtr}).answers, SizeIs(1));
  EXPECT_EQ(ask({.name = "2.0.0.10.in-addr.arpa", .type = kTypePtr}).rcode, kNameError);
  EXPECT_EQ(ask({.name = "db.virtual.consul"}).rcode, kServerFailure);

  who = allowed(R"(service_prefix "" { policy = "read" } node_prefix "" { policy = "read" })");
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(2));  // nothing is kept of what others may see
  who.reset();
  refused = true;
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kServerFailure);
  EXPECT_EQ(ask({.name = "0a000001.addr.consul"}).rcode, 0U);
  refused = false;
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(2));
}

TEST_F(DnsSight, MeshNamesFailForWhoMayNotReadTheService) {
  of_kind("web-proxy", catalog::kKindConnectProxy, "10.0.0.1", 20000, "web");
  who = allowed("");
  for (const char* name : {"web.connect.consul", "web.ingress.consul", "none.connect.consul"}) expect_failure(name);
  who = allowed(R"(service "web" { policy = "read" } node_prefix "" { policy = "read" })");
  expect_failure("none.connect.consul");
  EXPECT_EQ(rcode("web.connect.consul"), kNameError) << "the proxy is another service";
  who = allowed(R"(service_prefix "" { policy = "read" } service "web" { policy = "deny" }
                   node_prefix "" { policy = "read" })");
  for (const char* name : {"web.connect.consul", "web.ingress.consul"}) expect_failure(name);
  EXPECT_EQ(rcode("none.connect.consul"), kNameError);
}

TEST_F(DnsSight, TheVirtualAddressOfAPeersServiceNeedsTheRightOfImportedOnes) {
  who = allowed(R"(service "web" { policy = "read" } node_prefix "" { policy = "read" })");
  expect_failure("web.virtual.pp.peer.consul");
  expect_failure("web.virtual.pp.consul");
  EXPECT_EQ(rcode("web.virtual.consul"), kNoError);
  who = allowed(R"(service_prefix "" { policy = "read" })");
  EXPECT_EQ(rcode("web.virtual.pp.peer.consul"), kNoError);
}

TEST_F(DnsSight, AnUnknownTokenFailsOnlyWhereItCounts) {
  refused = true;
  for (const char* name : {"web.service.consul", "a.node.consul", "web.virtual.consul", "web.connect.consul"}) {
    expect_failure(name);
  }
  for (const char* name : {"web.service.dc9.consul", "a.node.dc9.consul", "web.service.a.b.c.consul"}) {
    EXPECT_EQ(rcode(name), kNameError) << name;
  }
  EXPECT_EQ(ask({.name = "a.node.consul", .type = kTypeSrv}).rcode, kNoError) << "nothing is looked up";
  // Whether there is such a query is not for a token to know, and it may bring its own.
  asks_others = true;
  ASSERT_EQ(outcome_of({.name = "none.query.consul"}), Outcome::wanting);
  EXPECT_EQ(wants.remote.at(0).kind, RemoteKey::Kind::query);
}

TEST_F(DnsSight, TerminatingGatewaysStandInTheMeshForWhatTheyServe) {
  of_kind("term-gw", catalog::kKindTerminatingGateway, "10.0.0.9", 8443);
  EXPECT_EQ(rcode("six.connect.consul"), kNameError);
  ASSERT_EQ(write("terminating-gateway", R"({"Name":"term-gw","Services":[{"Name":"six"}]})"), "");
  EXPECT_THAT(ask({.name = "six.connect.consul"}).answers, ElementsAre("six.connect.consul. 0 A 10.0.0.9"));
  EXPECT_THAT(ask({.name = "six.connect.consul", .type = kTypeSrv}).answers,
              ElementsAre("six.connect.consul. 0 SRV 1 1 8443 node-of-term-gw.node.dc1.consul."));
  const Answer other = ask({.name = "six.connect.consul", .type = kTypeAaaa});
  EXPECT_EQ(other.rcode, kNoError);
  EXPECT_THAT(other.authorities, SizeIs(1));
  who = allowed(R"(service "six" { policy = "read" } node_prefix "" { policy = "read" })");
  EXPECT_EQ(rcode("six.connect.consul"), kNameError) << "the gateway may not be seen";
  who.reset();
  check(check_of("node-of-term-gw", "c", "critical", "term-gw"));
  EXPECT_EQ(rcode("six.connect.consul"), kNameError);
}

TEST_F(DnsSight, AGatewayForEverythingStandsBesideTheProxies) {
  instance("n", "10.0.0.2", "web");
  of_kind("web-proxy", catalog::kKindConnectProxy, "10.0.0.1", 20000, "web");
  of_kind("term-gw", catalog::kKindTerminatingGateway, "10.0.0.9", 8443);
  ASSERT_EQ(write("terminating-gateway", R"({"Name":"term-gw","Services":[{"Name":"*"}]})"), "");
  EXPECT_THAT(ask({.name = "web.connect.consul"}).answers,
              ElementsAre("web.connect.consul. 0 A 10.0.0.1", "web.connect.consul. 0 A 10.0.0.9"));
}

}  // namespace
}  // namespace proconsul::agent::dns
