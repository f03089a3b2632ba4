// HTTPS and unix sockets through the whole server.
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/un.h>

#include <filesystem>
#include <optional>

#include "agent/http/test_certificate.h"
#include "agent/http/test_server.h"
#include "base/net/tls.h"

namespace proconsul::agent::http {
namespace {

namespace fs = std::filesystem;

base::Result<Reply> hello(Context&, const Request& request) {
  return text(200, std::string(request.remote() == "@" ? "unix" : "tcp"));
}
base::Result<Reply> big(Context&, const Request&) {
  return text(200, std::string(1'000'000, 'x'));
}
constexpr Route kRows[] = {{Method::get, "/v1/hello", call(hello)}, {Method::get, "/v1/big", call(big)}};
constexpr std::span<const Route> kFamilies[] = {kRows};

class HttpTls : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("proconsul-tls-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    test::write_certificate(folder / "cert.pem", folder / "key.pem");
    context.settings.handshake_timeout = base::milliseconds(200);
  }
  void TearDown() override {
    server.reset();
    fs::remove_all(folder);
  }
  std::uint16_t listen(bool verify_incoming) {
    auto tls = base::net::TlsContext::server({.cert_file = (folder / "cert.pem").string(),
                                              .key_file = (folder / "key.pem").string(),
                                              .ca_file = (folder / "cert.pem").string(),
                                              .verify_incoming = verify_incoming});
    EXPECT_TRUE(tls);
    server.emplace(loops, context, kFamilies);
    return *server->listen_tcp("127.0.0.1", 0, *tls);
  }
  /// The answer to one request; empty if there is none.
  std::string ask(std::uint16_t port, const std::string& path, bool with_certificate) {
    test::Client client(port);
    SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
    if (with_certificate) {
      SSL_CTX_use_certificate_file(ctx, (folder / "cert.pem").c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(ctx, (folder / "key.pem").c_str(), SSL_FILETYPE_PEM);
    }
    SSL* ssl = SSL_new(ctx);
    SSL_set_fd(ssl, client.fd());
    std::string answer;
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, request.data(), static_cast<int>(request.size())) > 0) {
      char bytes[16384];
      for (int count; (count = SSL_read(ssl, bytes, sizeof bytes)) > 0;)
        answer.append(bytes, static_cast<std::size_t>(count));
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return answer;
  }
  /// The cipher agreed upon with a client that offers these, of TLS 1.3 and of TLS 1.2.
  static std::string agreed(std::uint16_t port, const char* tls13, const char* tls12) {
    test::Client client(port);
    SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
    if (!tls13) SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    if (tls13) SSL_CTX_set_ciphersuites(ctx, tls13);
    if (tls12) SSL_CTX_set_cipher_list(ctx, tls12);
    SSL* ssl = SSL_new(ctx);
    SSL_set_fd(ssl, client.fd());
    const std::string name = SSL_connect(ssl) == 1 ? SSL_get_cipher_name(ssl) : "none";
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return name;
  }
  fs::path folder;
  base::net::Loops loops{2};
  test::StoreServer store{};
  base::WatchRegistry local{};
  Context context{&store, local, {}};
  std::optional<HttpServer> server{};
};

TEST_F(HttpTls, AnswersOverTlsSmallAndLarge) {
  const std::uint16_t port = listen(false);

  const std::string small = ask(port, "/v1/hello", false);
  const std::string large = ask(port, "/v1/big", false);

  EXPECT_TRUE(small.starts_with("HTTP/1.1 200 OK\r\n") && small.ends_with("\r\n\r\ntcp")) << small;
  EXPECT_GT(large.size(), 1'000'000u);
}

// What comes with the first record is taken from the socket with it: no event tells of it any more.
TEST_F(HttpTls, RequestsInRecordsOfTheirOwnThatComeAtOnceAreAllAnswered) {
  test::Client client(listen(false));
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(ctx);
  SSL_set_fd(ssl, client.fd());
  ASSERT_EQ(SSL_connect(ssl), 1);

  const auto hold = [&](int on) { setsockopt(client.fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on); };
  hold(1);
  const std::string request = "GET /v1/hello HTTP/1.1\r\nHost: x\r\n";
  for (const char* end : {"\r\n", "\r\n", "Connection: close\r\n\r\n"}) {
    const std::string one = request + end;
    ASSERT_GT(SSL_write(ssl, one.data(), static_cast<int>(one.size())), 0);
  }
  hold(0);
  std::string answers;
  char bytes[16384];
  for (int count; (count = SSL_read(ssl, bytes, sizeof bytes)) > 0;)
    answers.append(bytes, static_cast<std::size_t>(count));

  std::size_t found = 0;
  for (std::size_t at = 0; (at = answers.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) ++found;
  EXPECT_EQ(found, 3u) << answers;
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  ERR_clear_error();
}

TEST_F(HttpTls, TheServersOrderOfCiphersCountsAndSoDoesAClientThatWouldRatherNotHaveAes) {
  const std::uint16_t port = listen(false);

  for (const char* offer : {"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
                            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"}) {
    EXPECT_NE(agreed(port, offer, nullptr), "TLS_AES_256_GCM_SHA384") << offer;
  }
  EXPECT_EQ(agreed(port, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", nullptr),
            "TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(agreed(port, "TLS_AES_256_GCM_SHA384", nullptr), "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(agreed(port, nullptr, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"),
            "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(agreed(port, nullptr, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"),
            "ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST_F(HttpTls, AClientWithoutACertificateIsRefusedWhenOneIsAsked) {
  const std::uint16_t port = listen(true);

  EXPECT_EQ(ask(port, "/v1/hello", false), "");
  EXPECT_TRUE(ask(port, "/v1/hello", true).ends_with("\r\n\r\ntcp"));
}

TEST_F(HttpTls, AReloadCountsForNewConnectionsAndABadOneForNone) {
  base::net::TlsSettings settings{.cert_file = (folder / "cert.pem").string(),
                                  .key_file = (folder / "key.pem").string(),
                                  .ca_file = (folder / "cert.pem").string()};
  const auto tls = base::net::TlsContext::server(settings);
  ASSERT_TRUE(tls);
  server.emplace(loops, context, kFamilies);
  const std::uint16_t port = *server->listen_tcp("127.0.0.1", 0, *tls);

  settings.key_file = (folder / "none.pem").string();
  EXPECT_FALSE((*tls)->reload(settings));
  EXPECT_TRUE(ask(port, "/v1/hello", false).ends_with("\r\n\r\ntcp"));

  settings.key_file = (folder / "key.pem").string();
  settings.verify_incoming = true;
  EXPECT_TRUE((*tls)->reload(settings));
  EXPECT_EQ(ask(port, "/v1/hello", false), "");
  EXPECT_TRUE(ask(port, "/v1/hello", true).ends_with("\r\n\r\ntcp"));
}

TEST_F(HttpTls, AnUnfinishedHandshakeTimesOut) {
  const std::uint16_t port = listen(false);
  test::Client silent(port);

  EXPECT_EQ(silent.until_closed(), "");
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
}

TEST_F(HttpTls, AMissingKeyIsNamed) {
  const auto tls = base::net::TlsContext::server({.cert_file = (folder / "cert.pem").string(), .key_file = "/none"});

  ASSERT_FALSE(tls);
  EXPECT_TRUE(tls.error().detail.starts_with("Failed to load cert/key pair: /none")) << tls.error().detail;
}

TEST_F(HttpTls, AUnixSocketServesTheSame) {
  server.emplace(loops, context, kFamilies);
  const std::string path = (folder / "http.sock").string();
  ASSERT_TRUE(server->listen_unix(path, "", "", "0600"));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  test::Client client = test::Client::adopt(fd);

  EXPECT_TRUE(client.get("/v1/hello").ends_with("\r\n\r\nunix"));
  server->stop();
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace proconsul::agent::http
