#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/invite/record.h"
#include "agent/invite/redeemer.h"
#include "agent/invite/retirement.h"
#include "agent/invite/secondary.h"
#include "agent/invite/secret.h"
#include "agent/invite/token.h"
#include "base/json.h"
#include "base/value.h"

namespace proconsul::agent::invite {
namespace {

using base::Result;
using testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;

Token token() {
  base::SeededRandom random(7);
  Token token;
  token.ID = "6f0f1f04-8a0c-4d0c-9f0a-0f1e2d3c4b5a";
  token.Secret = base::Bytes(new_secret(random));
  token.Primary = "dc1";
  token.Domain = "consul";
  token.Datacenters = {"dc2", "dc3"};
  token.Servers = 3;
  token.Gateways = {"203.0.113.1:8443", "gateway.example.com:443", "[2001:db8::1]:8443"};
  token.Authority = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  token.Expires = kNow + 3600;
  return token;
}

Record record(std::int64_t servers = 1) {
  InviteRequest request;
  request.ID = token().ID;
  request.Digest = digest_of(proof_of(token().Secret));
  request.TTL = base::seconds(3600);
  for (std::int64_t i = 0; i < servers; ++i) request.Places.push_back({.Datacenter = "dc2", .Sealed = "box"});
  return *new_record(request, "dc1", kNow);
}

RedeemRequest asking(const std::string& attempt) {
  RedeemRequest request;
  request.ID = token().ID;
  request.Proof = proof_of(token().Secret);
  request.Joining = "dc2";
  request.Node = "b1";
  request.Attempt = attempt;
  return request;
}

std::string refusal(Record& record, const RedeemRequest& request, std::int64_t now = kNow) {
  const Result<std::size_t> place = take_place(record, request, now);
  return place ? "" : place.error().detail;
}

TEST(InvitationToken, IsReadAsItWasWrittenEvenWrappedInLines) {
  std::string text = to_text(token());
  for (std::size_t at = 60; at < text.size(); at += 61) text.insert(at, "\n");

  const Result<Token> read = parse_token("  " + text + "\r\n");

  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(to_text(*read), to_text(token()));
  EXPECT_TRUE(read->may_join("dc3"));
  EXPECT_FALSE(read->may_join("dc4"));
  EXPECT_FALSE(read->may_join("dc1"));
}

TEST(InvitationToken, SaysWhatIsWrongWithAText) {
  const std::string text = to_text(token());
  const auto fault = [](const std::string& given) { return parse_token(given).error().detail; };

  EXPECT_THAT(fault("consul"), HasSubstr("no token of \"federation invite\""));
  EXPECT_THAT(fault("proconsul-invitation-2-abc"), HasSubstr("another version"));
  EXPECT_THAT(fault(text.substr(0, text.size() - 1)), HasSubstr("not whole"));
  EXPECT_THAT(fault(std::string(kMostTokenText + 1, 'x')), HasSubstr("longer than any"));
  for (std::size_t at = kTokenPrefix.size(); at + 2 < text.size(); at += 17) {
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_token(changed)) << at;
  }
}

TEST(InvitationToken, IsRefusedIfItsContentMakesNoSense) {
  const auto is_refused = [](auto change) {
    Token wrong = token();
    change(wrong);
    return !parse_token(to_text(wrong));
  };

  EXPECT_TRUE(is_refused([](Token& t) { t.Secret = base::Bytes(std::string("short")); }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Primary = "dc1/../x"; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Domain = "con sul"; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Datacenters = {"a b"}; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Datacenters = {"DC2"}; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Servers = 0; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Gateways = {}; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Gateways = {"exec=reboot"}; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Authority = "none"; }));
  EXPECT_TRUE(is_refused([](Token& t) { t.Certificate = t.Authority; }));
}

TEST(InvitationSecret, OpensOnlyWhatWasSealedForTheSame) {
  base::SeededRandom random(3);
  const std::string secret = new_secret(random);
  const std::string sealed = seal(secret, "dc2", "key", random);

  EXPECT_EQ(*open(secret, "dc2", sealed), "key");
  EXPECT_FALSE(open(secret, "dc3", sealed));
  EXPECT_FALSE(open(proof_of(secret), "dc2", sealed));
  EXPECT_FALSE(open(secret, "dc2", sealed.substr(4)));
}

TEST(Invitation, IsForOneServerOnceButItsAnswerIsGivenAgain) {
  Record invitation = record();

  EXPECT_EQ(refusal(invitation, asking("first")), "");
  EXPECT_EQ(refusal(invitation, asking("first")), "");
  EXPECT_THAT(refusal(invitation, asking("second")), HasSubstr("used up, by b1"));
}

TEST(Invitation, HasAPlaceForEachServer) {
  Record invitation = record(3);

  for (const char* attempt : {"a", "b", "c"}) EXPECT_EQ(refusal(invitation, asking(attempt)), "");
  EXPECT_THAT(refusal(invitation, asking("d")), HasSubstr("used up"));
  EXPECT_EQ(places_for(invitation, "dc2"), 3);
}

TEST(Invitation, IsRefusedToWhoIsLateForgesOrComesFromElsewhere) {
  Record invitation = record();
  RedeemRequest forged = asking("x");
  forged.Proof = proof_of("another secret");
  RedeemRequest elsewhere = asking("x");
  elsewhere.Joining = "dc3";

  EXPECT_THAT(refusal(invitation, forged), HasSubstr("forged"));
  EXPECT_THAT(refusal(invitation, forged, kNow + 9999), HasSubstr("forged"));
  EXPECT_THAT(refusal(invitation, asking("x"), kNow + 3600), HasSubstr("is over since"));
  EXPECT_THAT(refusal(invitation, elsewhere), HasSubstr("for datacenter dc2, not for \"dc3\""));
  EXPECT_EQ(refusal(invitation, asking("x")), "");
}

TEST(Invitation, IsForServersWhoseNamesFit) {
  for (const char* name : {"b1", "db-server_2", "0"}) EXPECT_EQ(wrong_node_name(name, true), "") << name;
  for (const char* name : {"Server1", "-b", "b_"}) {
    EXPECT_EQ(wrong_node_name(name, false), "") << name;
    EXPECT_THAT(wrong_node_name(name, true), HasSubstr("lower-case")) << name;
  }
  for (const bool acls : {false, true}) {
    EXPECT_THAT(wrong_node_name("ip-10-0-0-1.internal", acls), HasSubstr("-node"));
    EXPECT_THAT(wrong_node_name("a/b", acls), HasSubstr("-node"));
    EXPECT_NE(wrong_node_name("", acls), "");
    EXPECT_NE(wrong_node_name(std::string(129, 'a'), acls), "");
  }
}

TEST(Invitation, MustBeSensible) {
  const auto fault = [](auto change) {
    InviteRequest request;
    request.ID = token().ID;
    request.Digest = digest_of("x");
    request.TTL = base::seconds(3600);
    request.Places.push_back({.Datacenter = "dc2", .Sealed = {}});
    change(request);
    const Result<Record> made = new_record(request, "dc1", kNow);
    return made ? "" : made.error().detail;
  };

  EXPECT_EQ(fault([](InviteRequest&) {}), "");
  EXPECT_THAT(fault([](InviteRequest& r) { r.ID = "x"; }), HasSubstr("ID"));
  EXPECT_THAT(fault([](InviteRequest& r) { r.Digest = "secret"; }), HasSubstr("Digest"));
  EXPECT_THAT(fault([](InviteRequest& r) { r.TTL = base::seconds(1); }), HasSubstr("TTL"));
  EXPECT_THAT(fault([](InviteRequest& r) { r.Places.clear(); }), HasSubstr("no server"));
  EXPECT_THAT(fault([](InviteRequest& r) { r.Places.resize(kMostServers + 1, r.Places[0]); }), HasSubstr("more than"));
  EXPECT_THAT(fault([](InviteRequest& r) { r.Places[0].Datacenter = "dc1"; }), HasSubstr("primary"));
}

TEST(Secondary, HasAllThatTheServerNeedsAndKeepsSecretsToItself) {
  const Joiner joiner{.datacenter = "dc2",
                      .node = "b1",
                      .data_dir = "/data",
                      .config_dir = "/etc/c",
                      .bind = "10.2.0.4",
                      .gateway_address = "10.2.0.4:8443",
                      .gateway_wan_address = "203.0.113.7:8443"};
  RedeemReply reply;
  reply.Servers = 3;
  reply.ACLs = true;
  reply.DefaultPolicy = "deny";
  reply.ReplicationToken = "r";
  reply.AgentToken = "a";
  reply.GossipKey = "k";

  const std::vector<NewFile> files = files_of(joiner, token(), "CA", {.Certificate = "C", .Key = "K"}, reply);

  ASSERT_EQ(files.size(), 4u);
  EXPECT_EQ(files.back().path, main_file(joiner));
  EXPECT_TRUE(files.back().secret);
  for (const NewFile& file : files) EXPECT_EQ(file.secret, file.content == "K" || &file == &files.back());
  const Result<base::Value> config = base::from_json<base::Value>(files.back().content);
  ASSERT_TRUE(config);
  EXPECT_EQ(*config->find("bootstrap_expect")->as_double(), 3);
  EXPECT_EQ(*config->find("encrypt")->as_string(), "k");
  EXPECT_EQ(*config->find("acl")->find("tokens")->find("replication")->as_string(), "r");
  EXPECT_EQ(*config->find("mesh_gateway")->find("wan_address")->as_string(), "203.0.113.7:8443");
  EXPECT_EQ(config->find("primary_gateways")->as_list()->size(), 3u);
}

catalog::CheckServiceNode gateway(const std::string& id, const std::string& address,
                                  const std::string& status = "passing") {
  catalog::CheckServiceNode instance;
  instance.Node.emplace().Node = "node-" + id;
  catalog::NodeService& service = instance.Service.emplace();
  service.ID = id;
  service.Address = address;
  service.Port = 8443;
  instance.Checks.emplace_back().emplace().Status = status;
  return instance;
}

TEST(Retirement, MayGoOnceEverybodyKnowsAnotherWay) {
  GatewayView view{.datacenter = "dc1", .now = {gateway("a", "10.0.0.1"), gateway("b", "10.0.0.2")}};
  view.elsewhere.emplace("dc2", Gateways{gateway("a", "10.0.0.1"), gateway("b", "10.0.0.2")});

  EXPECT_TRUE(reasons_to_stay(view, view.now[0]).empty());
}

TEST(Retirement, MustStayWhileSomebodyNeedsIt) {
  GatewayView view{.datacenter = "dc1", .now = {gateway("a", "10.0.0.1"), gateway("b", "10.0.0.2", "critical")}};
  view.elsewhere.emplace("dc2", Gateways{gateway("a", "10.0.0.1")});

  EXPECT_THAT(reasons_to_stay(view, view.now[0]), testing::ElementsAre(HasSubstr("no other healthy mesh gateway")));
  view.now[1] = gateway("b", "10.0.0.2");
  EXPECT_THAT(reasons_to_stay(view, view.now[0]), testing::ElementsAre(HasSubstr("dc2 knows no other")));
  view.elsewhere.at("dc2") = base::Error{base::Errc::unavailable, "No path"};
  EXPECT_THAT(reasons_to_stay(view, view.now[0]), testing::ElementsAre(HasSubstr("could not be asked")));
  view.elsewhere.clear();
  view.connections = 4;
  EXPECT_THAT(reasons_to_stay(view, view.now[0]), testing::ElementsAre(HasSubstr("4 connections")));
}

TEST(Retirement, FindsAGatewayByIdOrAddress) {
  const Gateways all{gateway("a", "10.0.0.1"), gateway("b", "10.0.0.2")};

  EXPECT_EQ((*find_gateway(all, "b"))->Service->ID, "b");
  EXPECT_EQ((*find_gateway(all, "10.0.0.1"))->Service->ID, "a");
  EXPECT_EQ((*find_gateway(all, "10.0.0.1:8443"))->Service->ID, "a");
  const Gateways six{gateway("a", "2001:db8::1"), gateway("b", "2001:db8::2")};
  EXPECT_EQ((*find_gateway(six, "2001:db8::2"))->Service->ID, "b");
  EXPECT_EQ((*find_gateway(six, "[2001:db8::2]:8443"))->Service->ID, "b");
  EXPECT_THAT(find_gateway(all, "c").error().detail, HasSubstr("there are:"));
  EXPECT_THAT(find_gateway(all, "").error().detail, HasSubstr("say which"));
}

TEST(InvitationFailure, WhatPassesIsNoRefusal) {
  for (const char* text :
       {"rpc error making call: No cluster leader", "rpc error making call: EOF",
        "rpc error making call: connection reset",
        "rpc error making call: rpc error making call: this server does not lead (any more): try again",
        "rpc error making call: rpc error getting client: failed to get conn: dial tcp 10.0.0.1:8300: i/o timeout",
        "rpc error getting client: failed to get conn: read tcp 10.0.0.1:8443: connection reset by peer"}) {
    EXPECT_EQ(judge(text), Failure::passing) << text;
  }
  for (const char* text : {"rpc error making call: the invitation is over",
                           "rpc error making call: rpc: can't find method Federation.Redeem",
                           "rpc error making call: Permission denied"}) {
    EXPECT_EQ(judge(text), Failure::refused) << text;
  }
  for (const char* text :
       {"no answer",
        "rpc error getting client: failed to get conn: dial tcp 10.0.0.1:8443: connect: connection refused",
        "rpc error getting client: failed to get conn: x509: certificate signed by unknown authority"}) {
    EXPECT_EQ(judge(text), Failure::unreached) << text;
  }
}

}  // namespace
}  // namespace proconsul::agent::invite
