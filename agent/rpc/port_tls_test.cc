// What a server with TLS does with each kind of peer: the cases that were tried on a Go server (rpc_tls.json).
#include "agent/rpc/port_tls.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <future>

#include "agent/cli/certificates.h"
#include "agent/http/test_server.h"
#include "agent/rpc/codec.h"
#include "agent/rpc/types.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;
using base::net::Channel;
using base::net::TcpChannel;

/// Sends, and collects what comes until an answer is whole or the connection ends.
struct Conversation final : Channel::User {
  explicit Conversation(std::shared_ptr<TcpChannel> to, const std::string& bytes) : channel(std::move(to)) {
    channel->set_user(this);
    channel->send(bytes);
  }
  void received(std::string_view data) override {
    channel->consumed(data.size());
    got += data;
    const Result<Pair> pair = measure(got, 1 << 20);
    if (pair && pair->whole()) say(read_response_header(std::string_view(got).substr(0, pair->header))->error);
  }
  void finished() override { say("closed"); }
  void ended(const base::Error&) override { say("closed"); }
  void say(const std::string& what) {
    if (!std::exchange(said, true)) result.set_value(what.empty() ? "answered" : what);
  }
  std::shared_ptr<TcpChannel> channel;
  std::string got;
  bool said = false;
  std::promise<std::string> result;
};

class PortTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    const cli::CertificatePair ca = *cli::make_authority({.days = 2});
    write("ca.pem", ca.certificate);
    make(ca, "server", "server.dc1.consul", true);
    make(ca, "client", "client.dc1.consul", false);
    rules_.files = {.cert_file = path("server.pem"),
                    .key_file = path("server-key.pem"),
                    .ca_file = path("ca.pem"),
                    .verify_incoming = true};
    rules_.verify_outgoing = rules_.verify_server_hostname = rules_.allow_insecure = true;
    Port::Options options;
    options.tls = *offered_tls(rules_);
    options.raft = [this](base::net::Fd, std::unique_ptr<base::net::TlsStream>, std::shared_ptr<const void>) {
      ++raft_connections_;
    };
    port_ = std::make_unique<Port>(loops_, dispatcher_, std::move(options));
    number_ = *port_->listen("127.0.0.1", 0);
  }
  void TearDown() override { port_->stop(); }

  std::string path(const std::string& file) { return directory_ / file; }
  void write(const std::string& file, const std::string& text) { std::ofstream(path(file)) << text; }
  void make(const cli::CertificatePair& ca, const std::string& name, const std::string& dns, bool server) {
    const Result<cli::CertificatePair> made = cli::make_certificate(
        ca, {.common_name = dns, .days = 1, .dns_names = {dns}, .for_server = server, .for_client = true});
    ASSERT_TRUE(made) << made.error().detail;
    write(name + ".pem", made->certificate);
    write(name + "-key.pem", made->key);
  }

  static std::string call(std::string first = {}) {
    append_header(first, RequestHeader{"Status.Leader", 1});
    return first + base::to_msgpack(DCSpecificRequest{});
  }
  /// `certificate`: "server", "client" or none. `protocol`: ALPN, with TLS from the first byte on.
  std::string talk(const std::string& preface, const std::string& certificate, const std::string& bytes,
                   const std::string& protocol = {}) {
    base::net::TlsSettings settings{.ca_file = path("ca.pem")};
    if (!certificate.empty()) {
      settings.cert_file = path(certificate + ".pem");
      settings.key_file = path(certificate + "-key.pem");
    }
    base::net::Destination to{.address = "127.0.0.1:" + std::to_string(number_), .preface = preface};
    to.tls = *base::net::TlsContext::client(settings);
    to.peer = {.name = "server.dc1.consul"};
    if (!protocol.empty()) to.peer.protocols = static_cast<char>(protocol.size()) + protocol;
    return finish(std::move(to), bytes);
  }
  std::string plain(const std::string& bytes) {
    return finish({.address = "127.0.0.1:" + std::to_string(number_)}, bytes);
  }
  std::string finish(base::net::Destination to, const std::string& bytes) {
    std::unique_ptr<base::net::Attempt> attempt;
    std::unique_ptr<Conversation> conversation;
    std::promise<std::string> failed;
    std::promise<bool> connected;
    base::net::Loop& loop = loops_[0];
    loop.run([&] {
      attempt = base::net::connect(loop, std::move(to), base::net::Clock::now() + std::chrono::seconds(30),
                                   [&](Result<std::shared_ptr<TcpChannel>> channel) {
                                     if (channel)
                                       conversation = std::make_unique<Conversation>(*channel, bytes);
                                     else
                                       failed.set_value("refused");
                                     connected.set_value(channel.has_value());
                                   });
    });
    const std::string said =
        connected.get_future().get() ? conversation->result.get_future().get() : failed.get_future().get();
    loop.run([&] {
      conversation.reset();
      attempt.reset();
    });
    return said;
  }

  /// Of a call by the pool: empty, or its error.
  std::string call_by(Pool& pool) {
    std::promise<Result<>> promise;
    std::unique_ptr<Pool::Call> running;
    loops_[0].run([&] {
      running = pool.call(loops_[0], {.datacenter = "dc1", .node = "s1", .address = "10.0.0.1:8300"}, "Status.Leader",
                          find_method("Status.Leader")->make(), [&](Result<> result) { promise.set_value(result); });
    });
    const Result<> result = promise.get_future().get();
    loops_[0].run([&] { running.reset(); });
    return result ? std::string() : result.error().detail;
  }

  raft::TemporaryDirectory directory_;
  base::net::Loops loops_{1};
  http::test::StoreServer server_;
  NoCluster cluster_;
  Pool pool_{loops_, {}};
  Dispatcher dispatcher_{loops_, Services{.server = server_}, cluster_, pool_, {}};
  TlsRules rules_;
  std::unique_ptr<Port> port_;
  std::uint16_t number_ = 0;
  std::atomic<int> raft_connections_ = 0;
};

TEST_F(PortTlsTest, NothingPlainIsServed) {
  EXPECT_EQ(plain(call(std::string(1, 0))), "closed");
  EXPECT_EQ(plain(call(std::string(1, 4))), "closed");
}

TEST_F(PortTlsTest, ByteThreeNeedsACertificateAndAnInnerKind) {
  const std::string three(1, 3);
  EXPECT_EQ(talk(three, "client", call(std::string(1, 0))), "answered");
  EXPECT_NE(talk(three, "", call(std::string(1, 0))), "answered");
  EXPECT_EQ(talk(three, "client", call(three)), "closed");
}

TEST_F(PortTlsTest, RaftNeedsTheCertificateOfAServer) {
  const std::string three(1, 3), one(1, 1);
  EXPECT_EQ(talk(three, "client", one), "closed");
  EXPECT_EQ(raft_connections_, 0);
  EXPECT_EQ(talk(three, "server", one), "closed");  // by our taker
  EXPECT_EQ(raft_connections_, 1);
  EXPECT_EQ(talk("", "client", {}, "consul/raft"), "closed");
  EXPECT_EQ(raft_connections_, 1);
}

TEST_F(PortTlsTest, ByteSevenServesOnlyWhatClientsWithoutCertificatesMayAsk) {
  const std::string seven(1, 7);
  EXPECT_EQ(talk(seven, "", call()), "rpc: can't find service Status.Leader");
  EXPECT_EQ(talk(seven, "", call(std::string(1, 0))), "closed");
}

TEST_F(PortTlsTest, TlsFromTheFirstByteOnIsServedByItsProtocol) {
  EXPECT_EQ(talk("", "client", call(), "consul/rpc-single"), "answered");
  EXPECT_EQ(talk("", "client", call()), "closed");
  EXPECT_EQ(talk("", "client", call(), "consul/rpc-gossip"), "closed");
  EXPECT_EQ(talk("", "client", call(), "h2"), "refused");
  EXPECT_NE(talk("", "", call(), "consul/rpc-single"), "answered");
}

TEST_F(PortTlsTest, TheReasonOfARefusalIsInWords) {
  const auto refused = [this](const cli::CertificatePair& authority, const std::string& trusted) {
    make(authority, "other", "other.dc1.consul", false);
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    const base::net::Fd one(ends[0]), other(ends[1]);
    base::net::TlsStream server(*base::net::TlsContext::server(rules_.files), one.get());
    base::net::TlsStream client(
        *base::net::TlsContext::client(
            {.cert_file = path("other.pem"), .key_file = path("other-key.pem"), .ca_file = path(trusted)}),
        other.get(), {.name = "server.dc1.consul"});
    using Need = base::net::TlsStream::Need;
    for (int i = 0; i < 20; ++i) {
      client.handshake();
      if (server.handshake().need == Need::failed) return server.reason();
    }
    return std::string("nothing");
  };
  const cli::CertificatePair stranger = *cli::make_authority({.days = 2});
  write("stranger.pem", stranger.certificate);

  EXPECT_EQ(refused(stranger, "ca.pem"),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority");
  EXPECT_EQ(refused(stranger, "stranger.pem"), "remote error: tls: unknown certificate authority");
}

TEST_F(PortTlsTest, ExchangedCertificatesCountForNewConnections) {
  const std::string three(1, 3);
  ASSERT_EQ(talk(three, "client", call(std::string(1, 0))), "answered");

  // Another authority: whoever knows only the old one is not let in, and does not believe the server either.
  const cli::CertificatePair ca = *cli::make_authority({.days = 2});
  write("new-ca.pem", ca.certificate);
  make(ca, "new-server", "server.dc1.consul", true);
  rules_.files.cert_file = path("new-server.pem");
  rules_.files.key_file = path("new-server-key.pem");
  rules_.files.ca_file = path("new-ca.pem");
  port_->set_tls(*offered_tls(rules_));
  EXPECT_NE(talk(three, "client", call(std::string(1, 0))), "answered");

  write("ca.pem", ca.certificate);
  make(ca, "client", "client.dc1.consul", false);
  EXPECT_EQ(talk(three, "client", call(std::string(1, 0))), "answered");

  rules_.files.verify_incoming = false;
  rules_.allow_insecure = false;
  port_->set_tls(*offered_tls(rules_));
  EXPECT_EQ(plain(call(std::string(1, 0))), "answered");
}

TEST_F(PortTlsTest, AClientsContextTakesOverOtherAuthorities) {
  write("other-ca.pem", cli::make_authority({.days = 2})->certificate);
  base::net::TlsSettings settings{
      .cert_file = path("client.pem"), .key_file = path("client-key.pem"), .ca_file = path("other-ca.pem")};
  const auto context = *base::net::TlsContext::client(settings);
  base::net::Destination to{.address = "127.0.0.1:" + std::to_string(number_), .preface = std::string(1, 3)};
  to.tls = context;
  to.peer = {.name = "server.dc1.consul"};
  EXPECT_EQ(finish(to, call(std::string(1, 0))), "refused");

  settings.ca_file = path("ca.pem");
  ASSERT_TRUE(context->reload(settings));

  EXPECT_EQ(finish(to, call(std::string(1, 0))), "answered");
}

TEST_F(PortTlsTest, AWayOnWhichNobodySpeaksIsLeftForAnother) {
  const auto outgoing = outgoing_tls(rules_);
  ASSERT_TRUE(outgoing);
  const base::net::Fd silent = *base::net::listen_tcp("127.0.0.1", 0);  // the kernel takes connections
  const std::string silent_address = "127.0.0.1:" + std::to_string(base::net::local_port(silent.get()));
  std::vector<bool> judged;
  const auto route = [&](bool tls) {
    return [&, tls](const Target&, std::string_view) {
      base::net::Destination to = destination(rules_, *outgoing, "dc1", "127.0.0.1:" + std::to_string(number_));
      const bool fails = std::ranges::count(judged, false) == 0;
      if (fails) {
        to.address = silent_address;
        if (!tls) to.tls = nullptr;
      }
      to.reached = [&](bool answered) { judged.push_back(answered); };
      return to;
    };
  };
  {
    Pool pool(loops_, {.route = route(true)});
    EXPECT_EQ(call_by(pool), "");
    EXPECT_EQ(judged, (std::vector<bool>{false, true}));
  }
  // A session that stands, and falls silent.
  judged.clear();
  Pool pool(loops_, {.route = route(false)});
  EXPECT_TRUE(is_eof(call_by(pool)));
  EXPECT_EQ(judged, (std::vector<bool>{true, false}));
  EXPECT_EQ(call_by(pool), "");
}

TEST_F(PortTlsTest, ServersCallOneAnother) {
  const auto outgoing = outgoing_tls(rules_);
  ASSERT_TRUE(outgoing);
  const std::string address = "127.0.0.1:" + std::to_string(number_);
  EXPECT_EQ(finish(destination(rules_, *outgoing, "dc1", address), call(std::string(1, 0))), "answered");
  EXPECT_EQ(finish(destination(rules_, *outgoing, "dc2", address), call(std::string(1, 0))), "refused");
  TlsRules anyone = rules_;
  anyone.verify_server_hostname = false;
  EXPECT_EQ(finish(destination(anyone, *outgoing, "dc2", address), call(std::string(1, 0))), "answered");
}

}  // namespace
}  // namespace proconsul::agent::rpc
