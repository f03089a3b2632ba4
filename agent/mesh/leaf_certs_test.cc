#include "agent/mesh/leaf_certs.h"

#include <gtest/gtest.h>

#include <future>

#include "agent/mesh/authority.h"
#include "agent/rpc/types.h"
#include "agent/x509/certificate.h"
#include "base/clock.h"

namespace proconsul::agent::mesh {
namespace {

using base::Errc;
using base::Result;
using rpc::CASignRequest;
using rpc::DCSpecificRequest;
using rpc::IndexedCARoots;
using rpc::IssuedCert;

/// Servers that sign for every token but "bad".
class Servers final : public rpc::Caller {
 public:
  Servers() { rotate(); }
  ~Servers() override = default;

  std::unique_ptr<rpc::Running> call(base::net::Loop& loop, const rpc::Method& method, rpc::InvocationPtr invocation,
                                     rpc::Finished done) override {
    if (method.name == "ConnectCA.Roots") {
      ++roots_asked_;
      if (closed_) {
        loop.post([done = std::move(done)]() mutable {
          done(Result<>(Errc::internal, "Connect must be enabled in order to use this endpoint"));
        });
        return nullptr;
      }
      auto& call = static_cast<rpc::TypedInvocation<DCSpecificRequest, IndexedCARoots>&>(*invocation);
      if (call.request.MinQueryIndex >= index_) {
        waiting_ = [this, invocation, &loop, done = std::move(done)]() mutable {
          answer_roots(loop, invocation, done);
        };
        return nullptr;
      }
      answer_roots(loop, invocation, done);
      return nullptr;
    }
    auto& call = static_cast<rpc::TypedInvocation<CASignRequest, IssuedCert>&>(*invocation);
    ++signed_;
    const Result<> made = sign(call.request, call.reply);
    loop.post([made, done = std::move(done)]() mutable { done(made); });
    return nullptr;
  }

  /// Another root. On the loop, or before it is called.
  void rotate() {
    key_ = x509::generate_key("ec", 256).value();
    const base::Time now = base::system_clock().wall();
    certificate_ =
        x509::make_root(key_, "root", "spiffe://x.consul", {index_, now, now + base::seconds(86400)}).value();
    ++index_;
    if (auto waiting = std::exchange(waiting_, nullptr)) waiting();
  }

  int signed_ = 0, roots_asked_ = 0;
  bool busy_ = false, closed_ = false;
  base::Duration life_ = base::seconds(3600);

 private:
  void answer_roots(base::net::Loop& loop, const rpc::InvocationPtr& invocation, rpc::Finished& done) {
    auto& call = static_cast<rpc::TypedInvocation<DCSpecificRequest, IndexedCARoots>&>(*invocation);
    call.reply.Index = index_;
    call.reply.TrustDomain = "x.consul";
    catalog::CARoot& root = call.reply.Roots.emplace_back().emplace();
    root.Active = true;
    root.RootCert = certificate_;
    root.SigningKeyID = x509::read_certificate(certificate_)->subject_key_id;
    loop.post([invocation, done = std::move(done)]() mutable { done({}); });
  }
  Result<> sign(const CASignRequest& request, IssuedCert& reply) {
    if (request.Token == "bad") return {Errc::permission_denied, "Permission denied"};
    if (busy_) return {Errc::internal, kRateLimited};
    const base::Time now = base::system_clock().wall();
    const auto signer = x509::Signer::create(certificate_, key_).value();
    reply.CertPEM = signer->sign_leaf(x509::read_request(request.CSR).value(), {99, now, now + life_}).value();
    reply.ValidAfter = now;
    reply.ValidBefore = now + life_;
    reply.ModifyIndex = static_cast<std::uint64_t>(1000 + signed_);
    return {};
  }

  std::uint64_t index_ = 1;
  std::string key_{}, certificate_{};
  std::move_only_function<void()> waiting_{};
};

class LeafCertsTest : public testing::Test {
 protected:
  ~LeafCertsTest() override { certs.stop(); }

  std::future<LeafCerts::Found> ask(LeafCerts::Wanted wanted, LeafCerts::Query query = {}) {
    auto promise = std::make_shared<std::promise<LeafCerts::Found>>();
    wanted.datacenter = "dc1";
    certs.get(std::move(wanted), query, [promise](LeafCerts::Found found) { promise->set_value(std::move(found)); });
    return promise->get_future();
  }
  LeafCerts::Found get(LeafCerts::Wanted wanted, LeafCerts::Query query = {}) {
    return ask(std::move(wanted), query).get();
  }
  template <class What>
  void on_loop(What what) {
    loops[0].run([&] { what(); });
  }

  base::net::Loops loops{1};
  Servers servers;
  LeafCerts certs{servers, loops, {.root_change_spread = base::milliseconds(1)}};
};

TEST_F(LeafCertsTest, ACertificateIsMadeOnceAndHandedOutAgainWithItsKey) {
  const LeafCerts::Found first = get({.service = "web"});
  const LeafCerts::Found second = get({.service = "web"});

  ASSERT_TRUE(first.certificate) << first.certificate.error().detail;
  EXPECT_FALSE(first.hit);
  EXPECT_TRUE(second.hit);
  EXPECT_EQ(*first.certificate, *second.certificate);
  const IssuedCert& issued = **first.certificate;
  EXPECT_TRUE(x509::belongs(issued.CertPEM, issued.PrivateKeyPEM).value());
  EXPECT_EQ(x509::read_certificate(issued.CertPEM)->uris[0], "spiffe://x.consul/ns/default/dc/dc1/svc/web");
  EXPECT_EQ(servers.signed_, 1);
}

TEST_F(LeafCertsTest, WhoComesWhileThereAreNoRootsIsToldAtOnceAndNotAtTheNextAttempt) {
  on_loop([&] { servers.closed_ = true; });
  for (int i = 0; i < 20; ++i) {  // their pauses together would be hours
    const LeafCerts::Found found = get({.service = "web"});
    ASSERT_FALSE(found.certificate);
    EXPECT_EQ(found.certificate.error().detail, "Connect must be enabled in order to use this endpoint");
  }
  on_loop([&] {
    EXPECT_GE(servers.roots_asked_, 20);
    servers.closed_ = false;
  });
  EXPECT_TRUE(get({.service = "web"}).certificate);
}

TEST_F(LeafCertsTest, TokensShareNothingAndTheServersDecideWhereThatIsWanted) {
  ASSERT_TRUE(get({.token = "good", .service = "web"}).certificate);

  const LeafCerts::Found other = get({.token = "bad", .service = "web"});
  const LeafCerts::Found anew = get({.token = "good", .service = "web"}, {.from_servers = true});

  ASSERT_FALSE(other.certificate);
  EXPECT_EQ(other.certificate.error().detail, "Permission denied");
  EXPECT_FALSE(anew.hit);
  EXPECT_EQ(servers.signed_, 3);
}

TEST_F(LeafCertsTest, WhoWaitsGetsTheNextOneWhenThereIsAnotherRoot) {
  const LeafCerts::Found first = get({.service = "web"});
  std::future<LeafCerts::Found> next = ask({.service = "web"}, {.after = (*first.certificate)->ModifyIndex});
  on_loop([] {});
  EXPECT_EQ(servers.signed_, 1);

  on_loop([&] { servers.rotate(); });

  const LeafCerts::Found found = next.get();
  ASSERT_TRUE(found.certificate);
  EXPECT_GT((*found.certificate)->ModifyIndex, (*first.certificate)->ModifyIndex);
  EXPECT_NE((*found.certificate)->PrivateKeyPEM, (*first.certificate)->PrivateKeyPEM);
}

TEST_F(LeafCertsTest, AnOldIndexIsAnsweredAtOnceAndAWaitEndsWithWhatThereIs) {
  const LeafCerts::Found first = get({.service = "web"});

  const LeafCerts::Found old = get({.service = "web"}, {.after = 1});
  const LeafCerts::Found late =
      get({.service = "web"}, {.after = (*first.certificate)->ModifyIndex, .wait = base::milliseconds(20)});

  EXPECT_TRUE(old.hit);
  EXPECT_EQ(*late.certificate, *first.certificate);
  EXPECT_EQ(servers.signed_, 1);
}

TEST_F(LeafCertsTest, OneThatEndsSoonIsMadeAnewEachTime) {
  servers.life_ = base::seconds(60);
  const LeafCerts::Found first = get({.service = "web"});

  const LeafCerts::Found second = get({.service = "web"});

  EXPECT_FALSE(second.hit);
  EXPECT_EQ(servers.signed_, 2);
}

TEST_F(LeafCertsTest, WhatThereIsGoesOnCountingWhileTheServersHaveTooMuchToDo) {
  const LeafCerts::Found first = get({.service = "web"});
  on_loop([&] {
    servers.busy_ = true;
    servers.rotate();
  });

  const LeafCerts::Found second = get({.service = "web"});
  const LeafCerts::Found other = get({.service = "other"});

  EXPECT_EQ(*second.certificate, *first.certificate);
  ASSERT_FALSE(other.certificate);
  EXPECT_EQ(other.certificate.error().detail, kRateLimited);
}

TEST_F(LeafCertsTest, AnAgentsOwnHasItsNames) {
  const LeafCerts::Found found =
      get({.agent = "node-1", .dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1", "::1"}});

  ASSERT_TRUE(found.certificate) << found.certificate.error().detail;
  EXPECT_EQ(x509::read_certificate((*found.certificate)->CertPEM)->uris[0],
            "spiffe://x.consul/agent/client/dc/dc1/id/node-1");
  EXPECT_EQ(get({}).certificate.error().detail, "URI must be either service, agent, server, or kind");
}

}  // namespace
}  // namespace proconsul::agent::mesh
