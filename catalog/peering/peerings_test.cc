#include "catalog/peering/peerings.h"

#include <gtest/gtest.h>

#include <string>

#include "catalog/peering/codec.h"

namespace proconsul::catalog {
namespace {

constexpr const char* kId = "11111111-2222-3333-4444-555555555555";

struct Peerings : testing::Test {
  Transaction tx{Tables{}};
  std::uint64_t index = 10;

  base::Result<> write(Peering peering, base::Pointer<SecretsWriteRequest> secrets = {}) {
    tx.begin_command(++index);
    PeeringWriteRequest request;
    request.Peering = std::move(peering);
    request.SecretsRequest = std::move(secrets);
    return apply_peering_write(tx, std::move(request));
  }
  base::Result<> secrets(const SecretsWriteRequest& request) {
    tx.begin_command(++index);
    return apply_peering_secrets_write(tx, request);
  }
  static Peering acceptor() {
    Peering peering;
    peering.ID = kId;
    peering.Name = "East";
    return peering;
  }
  static SecretsWriteRequest token(const std::string& secret) {
    SecretsWriteRequest request;
    request.PeerID = kId;
    request.generate_token.emplace().establishment_secret = secret;
    return request;
  }
  static SecretsWriteRequest exchange(const std::string& token, const std::string& pending) {
    SecretsWriteRequest request;
    request.PeerID = kId;
    request.exchange_secret.emplace() = {.establishment_secret = token, .pending_stream_secret = pending};
    return request;
  }
  static SecretsWriteRequest promote(const std::string& pending) {
    SecretsWriteRequest request;
    request.PeerID = kId;
    request.promote_pending.emplace().active_stream_secret = pending;
    return request;
  }
};

TEST_F(Peerings, ANewOneIsPendingAndFoundByNameInAnyLetterCase) {
  ASSERT_TRUE(write(acceptor(), token("t1")));

  const Peering* found = find_peering(tx.tables(), "eAST");

  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(peering_state_name(found->State), "PENDING");
  EXPECT_EQ(found->CreateIndex, 11u);
  EXPECT_EQ(find_peering_by_id(tx.tables(), kId), found);
  EXPECT_EQ(tx.tables().index_of(kPeeringIndex), 11u);
  EXPECT_TRUE(is_secret_in_use(tx.tables(), "t1"));
}

TEST_F(Peerings, ATokenIsGoodForOneExchangeAndAStreamForOnePromotion) {
  ASSERT_TRUE(write(acceptor(), token("t1")));

  EXPECT_TRUE(secrets(exchange("t1", "p1")));
  EXPECT_FALSE(is_secret_in_use(tx.tables(), "t1"));
  EXPECT_EQ(secrets(exchange("t1", "p2")).error().detail,
            "failed to write peering secret: invalid establishment secret: peering was already established");
  EXPECT_FALSE(is_secret_in_use(tx.tables(), "p2"));
  EXPECT_TRUE(secrets(promote("p1")));
  EXPECT_EQ(secrets(promote("p1")).error().detail, "failed to write peering secret: invalid pending stream secret");
  EXPECT_EQ(find_peering_secrets(tx.tables(), kId)->active_secret(), "p1");
}

TEST_F(Peerings, ANewTokenLeavesTheStreamAlone) {
  ASSERT_TRUE(write(acceptor(), token("t1")));
  ASSERT_TRUE(secrets(exchange("t1", "p1")));
  ASSERT_TRUE(secrets(promote("p1")));

  ASSERT_TRUE(write(*find_peering(tx.tables(), "east"), token("t2")));

  const PeeringSecrets* known = find_peering_secrets(tx.tables(), kId);
  EXPECT_EQ(known->establishment_secret(), "t2");
  EXPECT_EQ(known->active_secret(), "p1");
}

TEST_F(Peerings, OneThatIsBeingDeletedTakesNothingAndThenGoes) {
  ASSERT_TRUE(write(acceptor(), token("t1")));
  Peering deleted = acceptor();
  deleted.State = static_cast<std::int32_t>(PeeringState::deleting);
  EXPECT_EQ(write(deleted).error().detail, "Missing deletion time for peering in deleting state");
  deleted.DeletedAt.emplace().seconds = 5;

  tx.begin_command(++index);
  EXPECT_EQ(apply_peering_delete(tx, {.Name = "east"}).error().detail,
            "cannot delete a peering without first marking for deletion");
  ASSERT_TRUE(write(deleted));
  EXPECT_EQ(find_peering_secrets(tx.tables(), kId), nullptr);
  EXPECT_FALSE(is_secret_in_use(tx.tables(), "t1"));
  EXPECT_EQ(write(acceptor()).error().detail, "cannot write to peering that is marked for deletion");
  tx.begin_command(++index);
  ASSERT_TRUE(apply_peering_delete(tx, {.Name = "east"}));

  EXPECT_EQ(find_peering(tx.tables(), "east"), nullptr);
  EXPECT_EQ(find_peering_by_id(tx.tables(), kId), nullptr);
}

TEST_F(Peerings, ATrustBundleIsTheOneThatDialersTrust) {
  ASSERT_TRUE(write(acceptor(), token("t1")));
  PeeringTrustBundleWriteRequest request;
  PeeringTrustBundle& bundle = request.PeeringTrustBundle.emplace();
  bundle.PeerName = "East";
  bundle.RootPEMs = {"pem"};

  tx.begin_command(++index);
  ASSERT_TRUE(apply_trust_bundle_write(tx, request));

  EXPECT_EQ(find_peering(tx.tables(), "east")->PeerCAPems, base::List<std::string>({"pem\n"}));
  EXPECT_EQ(find_trust_bundle(tx.tables(), "EAST")->RootPEMs, base::List<std::string>({"pem"}));
}

TEST_F(Peerings, WhatIsWrittenInProtobufIsReadAgain) {
  Peering peering = acceptor();
  peering.Meta["k"] = "v";
  peering.DeletedAt.emplace() = {.seconds = 7, .nanos = 9};
  peering.Remote.emplace().Datacenter = "dc2";
  peering.ManualServerAddresses = {"10.0.0.1:8502"};
  std::string bytes;

  peering_schema().append(bytes, peering);
  Peering read;
  ASSERT_TRUE(peering_schema().parse(bytes, read));

  std::string again;
  peering_schema().append(again, read);
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(read.DeletedAt->nanos, 9);
  EXPECT_EQ(read.Remote->Datacenter, "dc2");
}

}  // namespace
}  // namespace proconsul::catalog
