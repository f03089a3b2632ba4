#include "agent/peering/establishment.h"

#include <gtest/gtest.h>

#include <future>

#include "agent/grpc/frame.h"
#include "agent/grpc/port.h"
#include "agent/peering/test_server.h"
#include "catalog/peering/peerings.h"

namespace proconsul::agent::peering {
namespace {

/// The other side: it answers with a secret, or not at all.
class Acceptor final : public grpc::Handler {
 public:
  Acceptor(grpc::Call& call, const std::string& secret, std::promise<void>* heard)
      : call_(call), secret_(secret), heard_(heard) {}
  void received(std::string_view) override {
    if (heard_) heard_->set_value();
    if (secret_.empty()) return;
    auto frame = std::make_shared<std::string>();
    grpc::append_frame(*frame, [&] { schema().append(*frame, ExchangeSecretResponse{.StreamSecret = secret_}); });
    call_.send(std::move(frame));
    call_.end({});
  }
  void finished() override {}

 private:
  grpc::Call& call_;
  const std::string secret_;
  std::promise<void>* heard_;
};

class PeerEstablishment : public testing::Test {
 protected:
  void SetUp() override {
    server.set_trust_domain("11111111-2222-3333-4444-555555555555");
    token.ServerAddresses.push_back("127.0.0.1:" + std::to_string(*port.listen_tcp("127.0.0.1", 0, nullptr)));
    token.ServerName = "server.dc2.peering.other.consul";
    token.PeerID = "their-id";
    token.EstablishmentSecret = "of the token";
  }
  void TearDown() override {
    all.stop();
    peers.stop();
    port.stop();
    acceptor.stop();
  }
  grpc::Services services() {
    grpc::Services all_services;
    all_services.add(std::string(kPeerStreamService),
                     {{.name = "ExchangeSecret", .shape = grpc::Shape::unary, .start = [this](grpc::Call& call) {
                         return std::make_unique<Acceptor>(call, secret, &heard);
                       }}});
    return all_services;
  }
  std::future<std::expected<CallReply, grpc::Status>> begin() {
    auto promise = std::make_shared<std::promise<std::expected<CallReply, grpc::Status>>>();
    auto future = promise->get_future();
    Establishment::begin({.all = all, .server = server, .peers = peers, .tracker = tracker, .datacenter = "dc1"},
                         {.PeerName = "west"}, token,
                         [promise](auto result) { promise->set_value(std::move(result)); });
    return future;
  }

  std::string secret{};
  std::promise<void> heard{};
  Token token{};
  base::net::Loops loops{2};
  test::LeadingServer server{};
  Tracker tracker{base::system_clock()};
  PeerClient peers{loops};
  Establishments all{loops};
  grpc::Server acceptor{loops, services(), {}};
  grpc::Port port{loops, acceptor, {}};
};

TEST_F(PeerEstablishment, TheSecretOfTheStreamIsWrittenDown) {
  secret = "of the stream";

  const auto done = begin().get();

  ASSERT_TRUE(done) << done.error().message;
  const auto view = server.view();
  const catalog::Peering* peering = catalog::find_peering(view->tables(), "west");
  ASSERT_NE(peering, nullptr);
  EXPECT_TRUE(peering->is(catalog::PeeringState::establishing));
  EXPECT_EQ(peering->PeerID, "their-id");
  EXPECT_EQ(catalog::find_peering_secrets(view->tables(), peering->ID)->active_secret(), "of the stream");
}

// An operator's request hung for ever otherwise, and the server's end left it without an answer.
TEST_F(PeerEstablishment, WhoWaitsForAServerThatIsSilentIsAnsweredWhenThisOneStops) {
  auto done = begin();
  heard.get_future().get();

  all.stop();

  const auto result = done.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the server is stopping");
  const auto late = begin().get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "the server is stopping");
}

TEST_F(PeerEstablishment, OfVeryManyAddressesTheFirstOnesCount) {
  std::vector<std::string> addresses;
  for (int i = 1; i <= 1000; ++i) addresses.push_back("127.0.0.1:" + std::to_string(i));
  std::promise<std::vector<std::string>> found;
  peers.resolve(addresses, loops[0], [&](std::vector<std::string> resolved) { found.set_value(std::move(resolved)); });

  const std::vector<std::string> resolved = found.get_future().get();

  ASSERT_EQ(resolved.size(), 128u);
  EXPECT_EQ(resolved.front(), "127.0.0.1:1");
}

}  // namespace
}  // namespace proconsul::agent::peering
