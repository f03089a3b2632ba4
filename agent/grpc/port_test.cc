// A port with TLS that shows a second certificate to those who ask for its name, as clusters that peer do.
#include "agent/grpc/port.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "agent/cli/certificates.h"
#include "agent/grpc/headers.h"
#include "base/net/h2_codec.h"

namespace proconsul::agent::grpc {
namespace {

using base::net::Fd;
using base::net::field;
using base::net::H2Codec;
using base::net::H2Fields;
using base::net::TlsContext;
using base::net::TlsStream;
using Need = TlsStream::Need;

constexpr const char* kOwnName = "server.dc1.consul";
constexpr const char* kShownName = "server.dc1.peering.trust.consul";

std::string framed(std::string_view message) {
  std::string out;
  append_frame(out, [&] { out += message; });
  return out;
}

class Echo final : public Handler {
 public:
  explicit Echo(Call& call) : call_(call) {}
  void received(std::string_view message) override {
    call_.send(std::make_shared<const std::string>(framed("heard " + std::string(message))));
    call_.end({});
  }
  void finished() override {}

 private:
  Call& call_;
};

class GrpcPort : public testing::Test {
 protected:
  void SetUp() override {
    const cli::CertificatePair own = certificate_of(authority_, kOwnName);
    const cli::CertificatePair shown = certificate_of(mesh_, kShownName);
    const auto context =
        TlsContext::server({.ca_pem = authority_.certificate, .verify_incoming = true, .protocols = "\x02h2"},
                           {.certificate = own.certificate, .key = own.key});
    ASSERT_TRUE(context) << context.error().detail;
    const auto by_name = (*context)->show_to(kShownName, {.certificate = shown.certificate, .key = shown.key});
    ASSERT_TRUE(by_name) << by_name.error().detail;
    certificate_->set(*context);
    number_ = *port_.listen_tcp("127.0.0.1", 0, certificate_);
  }
  void TearDown() override {
    port_.stop();
    server_.stop();
  }

  static cli::CertificatePair certificate_of(const cli::CertificatePair& authority, const std::string& name) {
    return *cli::make_certificate(
        authority, {.common_name = name, .days = 1, .dns_names = {name}, .for_server = true, .for_client = true});
  }
  static Services services() {
    Services all;
    const auto echo = [](Call& call) { return std::make_unique<Echo>(call); };
    all.add("test.Peers", {{.name = "One", .shape = Shape::unary, .start = echo}});
    all.add("test.PeersToo", {{.name = "One", .shape = Shape::unary, .start = echo}});
    all.add("test.Others", {{.name = "One", .shape = Shape::unary, .start = echo}});
    return all;
  }
  static Server::Options options() {
    Server::Options options;
    options.paths_by_name = "/test.Peers/";
    return options;
  }
  Fd dial() const {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(number_);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  /// What the method answers to "x": a message, "end: CODE TEXT", "closed", or why there is no connection.
  std::string call(const std::string& path, const std::string& name, const cli::CertificatePair& trusted,
                   bool with_certificate = false) const {
    const base::net::TlsSettings settings{.ca_pem = trusted.certificate};
    const cli::CertificatePair own = certificate_of(authority_, "client.dc1.consul");
    const auto context = with_certificate
                             ? TlsContext::client(settings, {.certificate = own.certificate, .key = own.key})
                             : TlsContext::client(settings);
    if (!context) return context.error().detail;
    const Fd socket = dial();
    TlsStream stream(*context, socket.get(), {.name = name, .protocols = "\x02h2"});
    if (stream.handshake().need != Need::none) return stream.reason();
    EXPECT_EQ(stream.protocol(), "h2");
    H2Codec codec;
    codec.request({{":method", "POST"},
                   {":scheme", "https"},
                   {":path", path},
                   {":authority", "x"},
                   {"content-type", "application/grpc"},
                   {"te", "trailers"}},
                  framed("x"));
    std::string heard;
    for (;;) {
      if (const std::string out = codec.output(); !out.empty()) (void)stream.write(out);
      if (heard.size() >= kFrameHead) return heard.substr(kFrameHead);
      if (codec.answer().closed) {
        const H2Fields& fields = codec.answer().fields;
        return "end: " + std::string(field(fields, "grpc-status")) + " " +
               decode_message(field(fields, "grpc-message"));
      }
      char buffer[16384];
      const TlsStream::Progress got = stream.read(buffer, sizeof buffer);
      if (got.need != Need::none || !codec.take({buffer, got.bytes})) return "closed";
      heard += codec.drain_body();
    }
  }
  /// Whether what a connection by the shown name left behind serves another one by the own name.
  bool resumes(int version) const {
    const std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* held) { SSL_CTX_free(held); })> context(
        SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_SESSION* session = nullptr;
    bool resumed = false;
    for (const char* name : {kShownName, kOwnName}) {
      const Fd socket = dial();
      const std::unique_ptr<SSL, decltype([](SSL* held) { SSL_free(held); })> stream(SSL_new(context.get()));
      SSL_set_fd(stream.get(), socket.get());
      SSL_set_tlsext_host_name(stream.get(), name);
      if (session != nullptr) SSL_set_session(stream.get(), session);
      const int done = SSL_connect(stream.get());
      if (name == kShownName) {
        EXPECT_EQ(done, 1);
        H2Codec codec;
        codec.ping();
        const std::string hello = codec.output();
        EXPECT_GT(SSL_write(stream.get(), hello.data(), static_cast<int>(hello.size())), 0);
        char byte = 0;
        EXPECT_EQ(SSL_read(stream.get(), &byte, 1), 1);  // the server's settings, behind its tickets
        session = SSL_get1_session(stream.get());
      } else {
        resumed = SSL_session_reused(stream.get()) == 1;
      }
    }
    SSL_SESSION_free(session);
    ERR_clear_error();
    return resumed;
  }

  const cli::CertificatePair authority_ = *cli::make_authority({.common_name = "own", .days = 2});
  const cli::CertificatePair mesh_ = *cli::make_authority({.common_name = "mesh", .days = 2});
  base::net::Loops loops_{1};
  Server server_{loops_, services(), options()};
  Port port_{loops_, server_, {}};
  const std::shared_ptr<Certificate> certificate_ = std::make_shared<Certificate>();
  std::uint16_t number_ = 0;
};

TEST_F(GrpcPort, WhoAsksForTheNameSeesItsCertificateAndNeedsNone) {
  EXPECT_EQ(call("/test.Peers/One", kShownName, mesh_), "heard x");
  EXPECT_NE(call("/test.Peers/One", kShownName, authority_), "heard x") << "the port's own certificate was shown";
}

TEST_F(GrpcPort, AllOthersSeeThePortsOwnAndAreAskedForTheirs) {
  EXPECT_EQ(call("/test.Peers/One", kOwnName, authority_), "closed");
  EXPECT_EQ(call("/test.Peers/One", kOwnName, authority_, true), "heard x");
  EXPECT_NE(call("/test.Peers/One", kOwnName, mesh_, true), "heard x") << "the certificate of the name was shown";
}

TEST_F(GrpcPort, WhoWasShownTheNamesCertificateHasItsMethodsAlone) {
  const std::string refused = "end: 7 invalid permissions to the specified endpoint";
  EXPECT_EQ(call("/test.Others/One", kShownName, mesh_), refused);
  EXPECT_EQ(call("/test.PeersToo/One", kShownName, mesh_), refused);
  EXPECT_EQ(call("/test.Others/One", kShownName, mesh_, true), refused) << "a certificate of one's own changes nothing";
  EXPECT_EQ(call("/test.Others/One", kOwnName, authority_, true), "heard x");
}

// Or a certificate would be shown by nobody, and the restriction be left behind.
TEST_F(GrpcPort, WhatAConnectionByTheNameLeavesBehindOpensNoOther) {
  EXPECT_FALSE(resumes(TLS1_2_VERSION));
  EXPECT_FALSE(resumes(TLS1_3_VERSION));
}

TEST_F(GrpcPort, ACertificateThatIsNoneChangesNothing) {
  const cli::CertificatePair own = certificate_of(authority_, kOwnName);
  const auto context = TlsContext::server({.protocols = "\x02h2"}, {.certificate = own.certificate, .key = own.key});
  ASSERT_TRUE(context);
  EXPECT_FALSE((*context)->show_to(kShownName, {.certificate = "none", .key = own.key}));
  EXPECT_FALSE((*context)->show_to(kShownName, {.certificate = own.certificate, .key = mesh_.key}));
  certificate_->set(*context);
  EXPECT_EQ(call("/test.Others/One", kOwnName, authority_), "heard x");
}

}  // namespace
}  // namespace proconsul::agent::grpc
