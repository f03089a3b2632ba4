#include "agent/dns/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "agent/dns/resolver_fixture.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/coordinates.h"

namespace proconsul::agent::dns {
namespace {

using catalog::testing_support::check_of;
using catalog::testing_support::node_request;
using catalog::testing_support::service_request;
using test::Answer;
using test::Question;
using test::zone;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using DnsResolver = test::ResolverFixture;

TEST_F(DnsResolver, EveryInstanceHasItsTurnInEveryPlace) {
  many(40, "web");
  std::map<std::string, int> firsts;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    ASSERT_EQ(outcome_of({.name = "web.service.consul"}, Transport::udp, seed), Outcome::answered);
    ASSERT_THAT(reply.answers, SizeIs(3));
    ASSERT_TRUE(reply.more);
    std::set<std::string> different;
    for (const Record& record : reply.answers) different.emplace(record.bytes);
    ASSERT_THAT(different, SizeIs(3));
    ++firsts[std::string(reply.answers[0].bytes)];
  }
  ASSERT_THAT(firsts, SizeIs(40));
  for (const auto& [address, times] : firsts) {
    EXPECT_GT(times, 50) << address;
    EXPECT_LT(times, 160);
  }
}

TEST_F(DnsResolver, AllInstancesAreGivenOnceWhereThereIsRoom) {
  many(300, "web");
  EXPECT_THAT(ask({.name = "web.service.consul"}, Transport::tcp).answers, SizeIs(300));
  const Answer answer = ask({.name = "web.service.consul", .edns = 4096});
  EXPECT_THAT(answer.answers, SizeIs((4096 - 8 - 12 - 24) / 16));
  EXPECT_EQ(std::set<std::string>(answer.answers.begin(), answer.answers.end()).size(), answer.answers.size());
}

TEST_F(DnsResolver, MessagesAreFilledToTheClientsSize) {
  many(300, "web");
  settings.enable_truncate = true;
  for (const int size : {512, 513, 600, 800, 1232, 1400, 4096}) {
    for (const std::uint16_t type : {kTypeA, kTypeSrv}) {
      const std::string message = raw({.name = "web.service.consul", .type = type, .edns = size});
      EXPECT_LE(message.size(), static_cast<std::size_t>(size) - 8);
      EXPECT_TRUE(read16(message, 2) & kTruncated);
      const std::size_t more = type == kTypeA ? 16 : 2 + 10 + 6 + 25 + 16;
      if (size > 512) EXPECT_GT(message.size() + more, static_cast<std::size_t>(size) - 8) << type << " " << size;
    }
  }
}

TEST_F(DnsResolver, CompressionCanBeSwitchedOff) {
  many(3, "web");
  const std::size_t with = raw({.name = "web.service.consul"}).size();
  settings.compress = false;
  EXPECT_EQ(raw({.name = "web.service.consul"}).size(), with + 3 * 18);
}

TEST_F(DnsResolver, LimitsOfConfiguration) {
  many(20, "web");
  settings.a_record_limit = 2;
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(2));
  EXPECT_THAT(ask({.name = "web.service.consul"}, Transport::tcp).answers, SizeIs(2));
  settings.a_record_limit = 0;
  settings.udp_answer_limit = 20;
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(8));
  settings.udp_answer_limit = 0;
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, IsEmpty());
}

TEST_F(DnsResolver, OneAddressOfManyInstancesIsOneAnswerButEachPortIsAService) {
  for (int port = 1; port <= 50; ++port) instance("n", "10.0.0.1", "web", port);
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, ElementsAre("web.service.consul. 0 A 10.0.0.1"));
  EXPECT_FALSE(reply.more);
  EXPECT_THAT(ask({.name = "web.service.consul", .type = kTypeSrv}, Transport::tcp).answers, SizeIs(50));
  const Answer cut = ask({.name = "web.service.consul", .type = kTypeSrv});
  EXPECT_THAT(cut.answers, SizeIs(3));
  EXPECT_THAT(cut.additional, ElementsAre("n.node.dc1.consul. 0 A 10.0.0.1"));
}

TEST_F(DnsResolver, HealthTagsAndTheirChangesShowAtOnce) {
  instance("a", "10.0.0.1", "web", 80, "", {"Blue", "v1.2"});
  instance("b", "10.0.0.2", "web", 80, "", {"green"});
  EXPECT_THAT(ask({.name = "blue.web.service.consul"}).answers, ElementsAre("blue.web.service.consul. 0 A 10.0.0.1"));
  EXPECT_THAT(ask({.name = "v1.2.web.service.consul"}).answers, SizeIs(1));
  EXPECT_EQ(ask({.name = "red.web.service.consul"}).rcode, kNameError);
  EXPECT_THAT(ask({.name = "_web._green.service.consul"}).answers, SizeIs(1));
  EXPECT_THAT(ask({.name = "_web._tcp.consul", .type = kTypeSrv}).answers, SizeIs(2));

  check(check_of("a", "c", "warning", "web80"));
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(2));
  settings.only_passing = true;
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, ElementsAre("web.service.consul. 0 A 10.0.0.2"));
  EXPECT_EQ(ask({.name = "blue.web.service.consul"}).rcode, kNameError);
  settings.only_passing = false;
  check(check_of("a", "c", "critical", "web80"));
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, ElementsAre("web.service.consul. 0 A 10.0.0.2"));
  deregister("b", "web80");
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kNameError);
  check(check_of("a", "c", "passing", "web80"));
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, ElementsAre("web.service.consul. 0 A 10.0.0.1"));

  catalog::RegisterRequest moved = node_request("a", "10.0.9.9");
  apply(std::move(moved));
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, ElementsAre("web.service.consul. 0 A 10.0.9.9"));
}

TEST_F(DnsResolver, WeightsFollowTheWorstCheckAndMaintenanceHasNone) {
  catalog::RegisterRequest request = service_request("a", "web", "web");
  request.Service->Weights = catalog::Weights{.Passing = 7, .Warning = 2};
  apply(std::move(request));
  const auto weight = [&] { return ask({.name = "web.service.consul", .type = kTypeSrv}).answers; };
  EXPECT_THAT(weight(), ElementsAre("web.service.consul. 0 SRV 1 7 80 a.node.dc1.consul."));
  check(check_of("a", "c", "warning", "web"));
  EXPECT_THAT(weight(), ElementsAre("web.service.consul. 0 SRV 1 2 80 a.node.dc1.consul."));
}

TEST_F(DnsResolver, TaggedAddressesOfTheFamilyAskedForComeFirst) {
  catalog::RegisterRequest request = service_request("a", "web", "web");
  request.Address = "10.0.0.1";
  request.TaggedAddresses.insert_or_assign("lan_ipv4", "10.0.0.7");
  request.TaggedAddresses.insert_or_assign("lan_ipv6", "2001:db8::7");
  apply(std::move(request));
  EXPECT_THAT(ask({.name = "a.node.consul"}).answers, ElementsAre("a.node.consul. 0 A 10.0.0.7"));
  EXPECT_THAT(ask({.name = "a.node.consul", .type = kTypeAaaa}).answers,
              ElementsAre("a.node.consul. 0 AAAA 2001:db8::7"));
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, ElementsAre("web.service.consul. 0 A 10.0.0.7"));
  // Not the node's own address, so the name does not lead to it by way of the node.
  EXPECT_THAT(ask({.name = "web.service.consul", .type = kTypeSrv}).additional,
              ElementsAre("20010db8000000000000000000000007.addr.dc1.consul. 0 AAAA 2001:db8::7"));
}

TEST_F(DnsResolver, NodesByIdAndMetadataInTheWordsOfRfc1464) {
  catalog::RegisterRequest request = node_request("a.b", "10.0.0.1");
  request.ID = "12345678-0000-0000-0000-000000000001";
  request.NodeMeta.insert_or_assign(" k=`x ", "v`");
  request.NodeMeta.insert_or_assign("RFC1035-t", "bare");
  request.NodeMeta.insert_or_assign("long", std::string(300, 'x'));
  apply(std::move(request));
  EXPECT_THAT(ask({.name = "a.b.node.dc1.consul"}).answers, ElementsAre("a.b.node.dc1.consul. 0 A 10.0.0.1"));
  EXPECT_THAT(ask({.name = "12345678-0000-0000-0000-000000000001.node.consul"}).answers, SizeIs(1));
  const Answer answer = ask({.name = "a.b.node.consul", .type = kTypeTxt}, Transport::tcp);
  ASSERT_THAT(answer.answers, SizeIs(3));
  EXPECT_EQ(answer.answers[0], "a.b.node.consul. 0 TXT ` k`=``x` =v``");
  EXPECT_EQ(answer.answers[1], "a.b.node.consul. 0 TXT bare");
  EXPECT_EQ(answer.answers[2], "a.b.node.consul. 0 TXT long=" + std::string(250, 'x') + '\x32' + std::string(50, 'x'));
}

TEST_F(DnsResolver, MetadataThatDoesNotFitIsLeftOutRatherThanSentTooLarge) {
  catalog::RegisterRequest request = node_request("a", "10.0.0.1");
  for (int i = 0; i < 20; ++i) request.NodeMeta.insert_or_assign("k" + std::to_string(i), std::string(100, 'x'));
  apply(std::move(request));
  const std::string message = raw({.name = "a.node.consul"});
  EXPECT_LE(message.size(), 512U);
  EXPECT_THAT(test::read_answer(message).answers, SizeIs(1));
  EXPECT_GE(test::read_answer(message).additional.size(), 3U);
}

TEST_F(DnsResolver, AnAliasStandsAloneAndLeadsIntoTheOwnDomain) {
  instance("ext", "db.example.com", "db");
  instance("x", "10.0.0.3", "inner", 80);
  instance("ext2", "inner.service.consul", "outer");
  EXPECT_THAT(ask({.name = "db.service.consul"}).answers, ElementsAre("db.service.consul. 0 CNAME db.example.com."));
  EXPECT_THAT(ask({.name = "outer.service.consul"}).answers,
              ElementsAre("inner.service.consul. 0 A 10.0.0.3", "outer.service.consul. 0 CNAME inner.service.consul."));
  instance("plain", "10.0.0.4", "db", 81);
  EXPECT_THAT(ask({.name = "db.service.consul"}).answers, ElementsAre("db.service.consul. 0 A 10.0.0.4"));
}

TEST_F(DnsResolver, WhatAServicesAliasLeadsToInTheOwnDomainHasTheServicesTtl) {
  instance("x", "10.0.0.3", "inner");
  instance("ext", "inner.service.consul", "outer");
  instance("ext2", "x.node.consul", "byhost");
  settings.node_ttl = 13;
  settings.exact_ttl["inner"] = 5;
  settings.prefix_ttl = {{"", 10}};
  EXPECT_THAT(
      ask({.name = "outer.service.consul"}).answers,
      ElementsAre("inner.service.consul. 10 A 10.0.0.3", "outer.service.consul. 10 CNAME inner.service.consul."));
  EXPECT_THAT(ask({.name = "outer.service.consul", .type = kTypeSrv}).additional,
              ElementsAre("inner.service.consul. 10 A 10.0.0.3"));
  EXPECT_THAT(ask({.name = "byhost.service.consul"}).answers,
              ElementsAre("byhost.service.consul. 10 CNAME x.node.consul.", "x.node.consul. 10 A 10.0.0.3"));
  EXPECT_THAT(ask({.name = "ext.node.consul"}).answers,
              ElementsAre("ext.node.consul. 13 CNAME inner.service.consul.", "inner.service.consul. 5 A 10.0.0.3"));
}

TEST_F(DnsResolver, AliasesInACircleEnd) {
  instance("a", "two.service.consul", "one");
  instance("b", "one.service.consul", "two");
  EXPECT_THAT(ask({.name = "one.service.consul"}, Transport::tcp).answers, SizeIs(4));
  EXPECT_THAT(ask({.name = "one.service.consul", .type = kTypeSrv}).answers, SizeIs(1));
}

TEST_F(DnsResolver, AHostOutsideIsAskedForAndKeepsItsTtl) {
  instance("ext", "Host.example.com", "db");
  settings.recursors.emplace_back();
  settings.exact_ttl["db"] = 9;
  ASSERT_EQ(outcome_of({.name = "db.service.consul"}), Outcome::wanting);
  const std::string host = *to_name("host.example.com");
  EXPECT_THAT(wants.hosts, ElementsAre(std::pair(host, *to_name("Host.example.com"))));
  externals.hosts[host].push_back({.owner = host, .type = kTypeA, .ttl = 77, .data = std::string("\x0a\0\0\x09", 4)});
  EXPECT_THAT(ask({.name = "db.service.consul"}).answers,
              ElementsAre("db.service.consul. 9 CNAME Host.example.com.", "host.example.com. 77 A 10.0.0.9"));
  EXPECT_THAT(ask({.name = "db.service.consul", .type = kTypeSrv}).additional,
              ElementsAre("host.example.com. 77 A 10.0.0.9"));
  externals.hosts[host].clear();
  EXPECT_THAT(ask({.name = "db.service.consul"}).answers, SizeIs(1));
}

TEST_F(DnsResolver, PlacesThatAreNotThere) {
  instance("a", "10.0.0.1", "web");
  EXPECT_THAT(ask({.name = "web.service.dc1.dc.consul"}).answers, SizeIs(1));
  for (const char* name : {"web.service.dc2.consul", "web.service.dc2.dc.consul", "web.service.east.peer.consul",
                           "web.service.dc1.dc.east.peer.consul", "web.service.default.ns.consul", "a.node.dc2.consul",
                           "web.connect.dc2.consul", "web.service.a.b.c.consul", "x.query.consul", "consul"}) {
    const Answer answer = ask({.name = name});
    EXPECT_EQ(answer.rcode, kNameError) << name;
    EXPECT_THAT(answer.authorities, ElementsAre("consul. 0 SOA ns.consul. hostmaster.consul.")) << name;
  }
}

TEST_F(DnsResolver, ANameWithoutAServiceFails) {
  for (const std::uint16_t type : {kTypeA, kTypeSrv, kTypeTxt}) {
    const Answer answer = ask({.name = "_._tcp.service.consul", .type = type});
    EXPECT_EQ(answer.rcode, kServerFailure);
    EXPECT_THAT(answer.authorities, IsEmpty());
  }
  EXPECT_EQ(ask({.name = "_._tcp.service.consul", .type = kTypeSoa}).rcode, kNoError);
  EXPECT_EQ(ask({.name = "_._tcp.service.dc2.consul"}).rcode, kNameError);
}

TEST_F(DnsResolver, ImportedInstancesAreNamedAfterTheirPeer) {
  catalog::RegisterRequest request = service_request("a", "web", "web");
  request.PeerName = "east";
  request.Service->PeerName = "east";
  apply(std::move(request));
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kNameError);
  EXPECT_THAT(ask({.name = "web.service.east.peer.consul", .type = kTypeSrv}).answers,
              ElementsAre("web.service.east.peer.consul. 0 SRV 1 1 80 a.node.east.peer.consul."));
  EXPECT_THAT(ask({.name = "a.node.east.peer.consul"}).answers, SizeIs(1));
}

TEST_F(DnsResolver, AStateThatIsTooOldIsNotShown) {
  instance("a", "10.0.0.1", "web");
  is_leader = false;
  last_contact = base::seconds(6);
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(1));
  EXPECT_TRUE(resolver.was_stale());
  settings.max_stale = base::seconds(5);
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kServerFailure);
  EXPECT_EQ(ask({.name = "a.node.consul"}).rcode, kServerFailure);
  settings.use_cache = true;
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(1));
  settings.cache_max_age = base::seconds(5);
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kServerFailure);
  settings = {.domain = zone("consul"), .datacenter = "dc1", .allow_stale = true, .max_stale = base::seconds(99)};
  last_contact = base::Duration{-1};
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kServerFailure);
}

TEST_F(DnsResolver, TtlsByServiceAndByTheLongestPrefix) {
  settings.exact_ttl = {{"web", 1}};
  settings.prefix_ttl = {{"web-", 2}, {"w", 3}, {"", 4}};
  EXPECT_EQ(settings.service_ttl("web"), 1U);
  EXPECT_EQ(settings.service_ttl("web-x"), 2U);
  EXPECT_EQ(settings.service_ttl("wo"), 3U);
  EXPECT_EQ(settings.service_ttl("x"), 4U);
}

TEST_F(DnsResolver, ReverseLookups) {
  instance("a", "10.0.0.1", "web", 80, "10.9.9.9");
  instance("b", "2001:db8::5", "web6");
  EXPECT_THAT(ask({.name = "1.0.0.10.in-addr.arpa", .type = kTypePtr}).answers,
              ElementsAre("1.0.0.10.in-addr.arpa. 0 PTR a.node.dc1.consul."));
  EXPECT_THAT(ask({.name = "9.9.9.10.in-addr.arpa", .type = kTypePtr}).answers,
              ElementsAre("9.9.9.10.in-addr.arpa. 0 PTR web.service.dc1.consul."));
  EXPECT_THAT(
      ask({.name = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.IP6.arpa", .type = kTypePtr})
          .answers,
      SizeIs(1));
  for (const char* name : {"01.0.0.10.in-addr.arpa", "256.0.0.10.in-addr.arpa", "0.0.10.in-addr.arpa", "arpa",
                           "2.0.0.10.in-addr.arpa", "1.0.0.10.x.in-addr.arpa"}) {
    EXPECT_EQ(ask({.name = name, .type = kTypePtr}).rcode, kNameError) << name;
  }
  apply(node_request("a", "10.0.0.2"));
  EXPECT_EQ(ask({.name = "1.0.0.10.in-addr.arpa", .type = kTypePtr}).rcode, kNameError);
  EXPECT_THAT(ask({.name = "2.0.0.10.in-addr.arpa", .type = kTypePtr}).answers, SizeIs(1));
  deregister("a");
  EXPECT_EQ(ask({.name = "9.9.9.10.in-addr.arpa", .type = kTypePtr}).rcode, kNameError);
  settings.recursors.emplace_back();
  EXPECT_EQ(outcome_of({.name = "2.0.0.10.in-addr.arpa", .type = kTypePtr}), Outcome::recurse);
}

TEST_F(DnsResolver, OtherZonesAreForTheRecursorsOrRefused) {
  EXPECT_EQ(ask({.name = "example.com"}).rcode, kRefused);
  EXPECT_EQ(ask({.name = "notconsul"}).rcode, kRefused);
  EXPECT_FALSE(ask({.name = "example.com"}).flags & kAuthoritative);
  settings.recursors.emplace_back();
  EXPECT_EQ(outcome_of({.name = "example.com"}), Outcome::recurse);
  EXPECT_EQ(outcome_of({.name = "x.consul", .type = kTypeDs}), Outcome::recurse);
  EXPECT_TRUE(ask({.name = "x.consul"}).flags & kRecursionAvailable);
}

TEST_F(DnsResolver, TheClientsSubnetIsEchoedAndCountsOnlyForQueries) {
  const std::string subnet("\0\x08\0\7\0\1\x16\0\x0a\1\xff", 11);  // 10.1.255.0/22
  instance("a", "10.0.0.1", "web");
  const std::string message = raw({.name = "web.service.consul", .edns = 1232, .option = subnet});
  EXPECT_EQ(message.substr(message.size() - 11), std::string("\0\x08\0\7\0\1\x16\0\x0a\1\xfc", 11));
  catalog::PreparedQuery prepared;
  prepared.ID = "12345678-0000-0000-0000-000000000001";
  prepared.Name = "q";
  prepared.Service.Service = "web";
  prepared.DNS.TTL = "12s";
  store.writer().begin_command(++index);
  ASSERT_TRUE(catalog::query_set(store.writer(), prepared));
  store.commit();
  const std::string answer = raw({.name = "q.query.consul", .edns = 1232, .option = subnet});
  EXPECT_EQ(answer[answer.size() - 4], '\x16');
  EXPECT_THAT(test::read_answer(answer).answers, ElementsAre("q.query.consul. 12 A 10.0.0.1"));
  EXPECT_THAT(ask({.name = "_q._tcp.query.dc1.consul", .type = kTypeSrv}).answers,
              ElementsAre("_q._tcp.query.dc1.consul. 12 SRV 1 1 80 a.node.dc1.consul."));
  EXPECT_EQ(ask({.name = "q.query.dc2.consul"}).rcode, kNameError);
  EXPECT_EQ(ask({.name = "none.query.consul"}).rcode, kNameError);
  for (int port = 1; port <= 40; ++port) instance("same", "10.0.0.1", "web", 1000 + port);
  instance("z", "10.0.0.2", "web");
  EXPECT_THAT(ask({.name = "q.query.consul"}).answers, SizeIs(2));
  is_leader = false;
  last_contact = base::Duration{-1};
  EXPECT_EQ(ask({.name = "q.query.consul"}).rcode, kServerFailure);
}

TEST_F(DnsResolver, QueriesAreAnsweredNearestFirst) {
  many(20, "web");
  catalog::Coordinates coordinates;
  for (int i = 0; i < 20; ++i) {
    catalog::Coordinate& one = coordinates.emplace_back().emplace();
    one.Node = "node-" + std::to_string(i);
    one.Coord.emplace().Vec = {0.001 * ((i + 13) % 20)};
    one.Coord->Height = 1e-6;
  }
  catalog::PreparedQuery prepared;
  prepared.ID = "12345678-0000-0000-0000-000000000001";
  prepared.Name = "near";
  prepared.Service.Service = "web";
  prepared.Service.Near = "_agent";
  settings.node_name = "node-7";  // whose coordinate is 0
  store.writer().begin_command(++index);
  catalog::apply_coordinates(store.writer(), coordinates);
  ASSERT_TRUE(catalog::query_set(store.writer(), prepared));
  store.commit();

  ASSERT_EQ(outcome_of({.name = "near.query.consul"}), Outcome::answered);

  ASSERT_EQ(reply.answers.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(reply.answers[i].bytes, std::string({10, 0, 0, static_cast<char>(7 + i)}));
  }
}

TEST_F(DnsResolver, NamesThatDnsCannotSayAreLeftOut) {
  instance(std::string(64, 'n'), "10.0.0.1", "web");
  instance("ok", "10.0.0.2", "web");
  EXPECT_THAT(ask({.name = "web.service.consul", .type = kTypeSrv}).answers,
              ElementsAre("web.service.consul. 0 SRV 1 1 80 ok.node.dc1.consul."));
  EXPECT_THAT(ask({.name = "web.service.consul"}).answers, SizeIs(2));
}

TEST_F(DnsResolver, ImagesAreKeptWithinTheirRoomAndSharedWhileNothingChanges) {
  many(50, "web");
  const ServiceKey key{.service = "web", .peer = {}, .connect = false, .datacenter = "dc1"};
  const ImagePtr first = images.get(tables(), settings, key, nullptr);
  EXPECT_EQ(images.get(tables(), settings, key, nullptr), first);
  instance("other", "10.1.1.1", "db");
  EXPECT_EQ(images.get(tables(), settings, key, nullptr), first);
  instance("node-7", "10.1.1.2", "web", 99);
  const ImagePtr second = images.get(tables(), settings, key, nullptr);
  ASSERT_NE(second, first);
  EXPECT_EQ(second->members.size(), 51U);
  int shared = 0;
  for (const Image::Member& member : second->members) {
    for (const Image::Member& before : first->members) shared += member.instance == before.instance;
  }
  EXPECT_GE(shared, 49);
  EXPECT_EQ(images.bytes(), second->memory);

  Images small(4 * (first->memory + 8000));
  EXPECT_TRUE(small.get(tables(), settings, key, nullptr));
  EXPECT_GT(small.bytes(), 0U);
  Images none(first->memory);
  EXPECT_TRUE(none.get(tables(), settings, key, nullptr));
  EXPECT_EQ(none.bytes(), 0U);
  deregister("node-7");
  EXPECT_FALSE(
      images.get(tables(), settings, {.service = "none", .peer = {}, .connect = false, .datacenter = "dc1"}, nullptr));
}

// What others answer.

/// Instances of another datacenter, as they come back.
RemoteAnswer far_instances(const Settings& settings, const std::string& address) {
  catalog::CheckServiceNode joined;
  joined.Node.emplace().Node = "far";
  joined.Node->Address = address;
  joined.Node->Datacenter = "dc2";
  joined.Service.emplace().Service = "web";
  joined.Service->Port = 80;
  ImageBuilder builder;
  builder.add(std::make_shared<const Instance>(make_instance(settings, joined, "dc2")), nullptr, true, {});
  RemoteAnswer answer;
  answer.outcome = RemoteAnswer::Outcome::found;
  answer.image = builder.build();
  return answer;
}

TEST_F(DnsResolver, AServiceOfAnotherDatacenterIsAskedForThere) {
  asks_others = true;
  const Question question{.name = "blue.web.service.dc2.consul"};
  ASSERT_EQ(outcome_of(question), Outcome::wanting);
  ASSERT_THAT(wants.remote, SizeIs(1));
  const RemoteKey key = wants.remote[0];
  EXPECT_EQ(key, (RemoteKey{.kind = RemoteKey::Kind::instances, .name = "web", .datacenter = "dc2", .tag = "blue"}));

  externals.remote[key] = std::make_shared<const RemoteAnswer>(far_instances(settings, "10.9.0.1"));
  EXPECT_THAT(ask(question).answers, ElementsAre("blue.web.service.dc2.consul. 0 A 10.9.0.1"));
  externals.remote[key] = std::make_shared<const RemoteAnswer>(RemoteAnswer{.outcome = RemoteAnswer::Outcome::no_name});
  EXPECT_EQ(ask(question).rcode, kNameError);
  externals.remote[key] = std::make_shared<const RemoteAnswer>();
  EXPECT_EQ(ask(question).rcode, kServerFailure);
}

TEST_F(DnsResolver, WithNobodyToAskAnotherDatacenterIsUnknown) {
  EXPECT_EQ(ask({.name = "web.service.dc2.consul"}).rcode, kNameError);
  EXPECT_EQ(ask({.name = "n.node.dc2.consul"}).rcode, kNameError);
  EXPECT_EQ(ask({.name = "q.query.dc2.consul"}).rcode, kNameError);
}

TEST_F(DnsResolver, AStateThatIsTooOldAsksTheLeader) {
  instance("n1", "10.0.0.1", "web");
  is_leader = false;
  last_contact = base::seconds(7200);
  EXPECT_EQ(ask({.name = "web.service.consul"}).rcode, kServerFailure);
  asks_others = true;
  ASSERT_EQ(outcome_of({.name = "web.service.consul"}), Outcome::wanting);
  EXPECT_EQ(wants.remote[0].datacenter, "dc1");
}

TEST_F(DnsResolver, AnAgentWithoutAStateAsksForEverything) {
  has_data = false;
  asks_others = true;
  using Kind = RemoteKey::Kind;
  const std::pair<const char*, Kind> cases[] = {
      {"web.service.consul", Kind::instances}, {"web.connect.consul", Kind::instances},
      {"web.ingress.consul", Kind::instances}, {"n.node.consul", Kind::node},
      {"q.query.consul", Kind::query},         {"web.virtual.consul", Kind::virtual_address},
      {"1.0.0.10.in-addr.arpa", Kind::reverse}};
  for (const auto& [name, kind] : cases) {
    ASSERT_EQ(outcome_of({.name = name}), Outcome::wanting) << name;
    ASSERT_THAT(wants.remote, SizeIs(1)) << name;
    EXPECT_EQ(wants.remote[0].kind, kind) << name;
    EXPECT_EQ(wants.remote[0].datacenter, "dc1") << name;
  }
  ASSERT_EQ(outcome_of({.name = "consul", .type = kTypeNs}), Outcome::wanting);
  EXPECT_EQ(wants.remote[0].kind, Kind::servers);
  EXPECT_EQ(ask({.name = "0a000001.addr.consul"}).answers,
            std::vector<std::string>{"0a000001.addr.consul. 0 A 10.0.0.1"});
}

TEST_F(DnsResolver, ANodeAndAReverseNameAsOthersKnowThem) {
  has_data = false;
  asks_others = true;
  RemoteAnswer node;
  node.outcome = RemoteAnswer::Outcome::found;
  node.nodes.emplace_back().Node = "n";
  node.nodes[0].Address = "10.0.0.7";
  node.nodes[0].Datacenter = "dc1";
  externals.remote[{.kind = RemoteKey::Kind::node, .name = "n", .datacenter = "dc1"}] =
      std::make_shared<const RemoteAnswer>(node);
  externals.remote[{.kind = RemoteKey::Kind::servers, .name = "consul", .datacenter = "dc1"}] =
      std::make_shared<const RemoteAnswer>(node);
  RemoteAnswer reverse;
  reverse.outcome = RemoteAnswer::Outcome::found;
  reverse.text = node_labels(node.nodes[0]);
  externals.remote[{.kind = RemoteKey::Kind::reverse, .name = "10.0.0.7", .datacenter = "dc1"}] =
      std::make_shared<const RemoteAnswer>(reverse);

  EXPECT_THAT(ask({.name = "n.node.consul"}).answers, ElementsAre("n.node.consul. 0 A 10.0.0.7"));
  EXPECT_THAT(ask({.name = "consul", .type = kTypeNs}).answers, ElementsAre("consul. 0 NS n.node.dc1.consul."));
  EXPECT_THAT(ask({.name = "7.0.0.10.in-addr.arpa", .type = kTypePtr}).answers,
              ElementsAre("7.0.0.10.in-addr.arpa. 0 PTR n.node.dc1.consul."));
}

TEST_F(DnsResolver, AQueryThatFindsNobodyHereIsGivenToItsMethodIfItMayFailOver) {
  catalog::PreparedQuery query;
  query.ID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
  query.Name = "q";
  query.Service.Service = "web";
  query.Service.Failover.Datacenters = {"dc2"};
  store.writer().begin_command(++index);
  ASSERT_TRUE(catalog::query_set(store.writer(), query));
  store.commit();
  EXPECT_EQ(ask({.name = "q.query.consul"}).rcode, kNameError) << "with nobody to ask";
  asks_others = true;
  ASSERT_EQ(outcome_of({.name = "q.query.consul"}), Outcome::wanting);
  RemoteAnswer answer = far_instances(settings, "10.9.0.1");
  answer.service = "web";
  answer.ttl = "4s";
  externals.remote[wants.remote.at(0)] = std::make_shared<const RemoteAnswer>(answer);
  EXPECT_THAT(ask({.name = "q.query.consul"}).answers, ElementsAre("q.query.consul. 4 A 10.9.0.1"));

  instance("n1", "10.0.0.1", "web");
  EXPECT_THAT(ask({.name = "q.query.consul"}).answers, ElementsAre("q.query.consul. 0 A 10.0.0.1"));
}

}  // namespace
}  // namespace proconsul::agent::dns
