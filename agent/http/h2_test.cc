// HTTPS with HTTP/2 through the whole server.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <map>
#include <optional>

#include "agent/http/test_certificate.h"
#include "agent/http/test_server.h"
#include "base/net/h2_client_codec.h"
#include "base/net/tls.h"

namespace proconsul::agent::http {
namespace {

namespace fs = std::filesystem;
using base::net::field;
using base::net::H2ClientCodec;
using base::net::H2Fields;
using StreamId = H2ClientCodec::StreamId;

base::Result<Reply> hello(Context&, const Request& request) {
  return text(200, "hello " + std::string(request.header("Host")) + " " + std::string(request.header("X-More")) + "|" +
                       std::string(request.body));
}
base::Result<Reply> big(Context&, const Request&) {
  return text(200, std::string(3'000'000, 'x'));
}
base::Result<Answer> read_key(const ReadContext& context) {
  const catalog::KvGetAnswer found = catalog::kv_get(context.view.tables(), context.request.rest, context.watch);
  Answer answer{.index = found.index, .absent = found.row == nullptr};
  answer.reply = found.row ? text(200, std::string(found.row->value())) : Reply{.status = 404};
  return answer;
}

struct Counter final : BodySource {
  int left = 3;
  State pull(std::string& out, std::size_t, std::move_only_function<void()>) override {
    out += "piece " + std::to_string(left);
    return --left == 0 ? State::end : State::more;
  }
};
base::Result<Reply> stream(Context&, const Request&) {
  Reply reply{.type = content::kText};
  reply.source = std::make_unique<Counter>();
  return reply;
}

/// Takes no more for a while after each piece.
struct Summer final : BodySink {
  explicit Summer(Responder answer_to) : responder(std::move(answer_to)) {}
  bool write(std::string_view bytes, std::move_only_function<void()> resume) override {
    size += bytes.size();
    waker = std::jthread([resume = std::move(resume)]() mutable { resume(); });
    return false;
  }
  void finish() override { responder.send(text(200, std::to_string(size))); }
  Responder responder;
  std::size_t size = 0;
  std::jthread waker{};  // ended with this: what it wakes is still there then
};
std::unique_ptr<BodySink> sum(Context&, const Request& request, Responder responder) {
  if (request.has_param("refuse")) {
    responder.send(text(500, "refused"));
    return nullptr;
  }
  return std::make_unique<Summer>(std::move(responder));
}

constexpr Route kRows[] = {{Method::get, "/v1/hello", call(hello)},  {Method::put, "/v1/hello", call(hello)},
                           {Method::get, "/v1/big", call(big)},      {Method::get, "/v1/stream", call(stream)},
                           {Method::get, "/v1/kv/", read(read_key)}, {Method::put, "/v1/snapshot", upload(sum)}};
constexpr std::span<const Route> kFamilies[] = {kRows};

/// A client that keeps what each stream was answered.
class H2Client final : H2ClientCodec::User {
 public:
  struct Heard {
    H2Fields head{};
    std::string body{};
    bool closed = false;
    std::uint32_t error = 0;
    std::string status() const { return std::string(field(head, ":status")); }
  };

  explicit H2Client(std::uint16_t port, const char* suite = nullptr) : socket_(port) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    const unsigned char protocols[] = "\x08http/1.1\x02h2";
    SSL_CTX_set_alpn_protos(context, protocols + (suite ? 9 : 0), sizeof protocols - 1 - (suite ? 9 : 0));
    if (suite) {
      SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
      SSL_CTX_set_cipher_list(context, suite);
    }
    ssl_ = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl_, socket_.fd());
    timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected = SSL_connect(ssl_) == 1;
  }
  ~H2Client() override {
    SSL_free(ssl_);
    ERR_clear_error();
  }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  StreamId begin(const std::string& method, const std::string& path, bool finished = true, H2Fields more = {}) {
    H2Fields head = {{":method", method}, {":scheme", "https"}, {":authority", "agent"}, {":path", path}};
    head.insert(head.end(), more.begin(), more.end());
    const base::Result<StreamId> id = codec.open(head, finished);
    return id ? *id : 0;
  }
  StreamId put(const std::string& path, std::string body, H2Fields more = {}) {
    const StreamId id = begin("PUT", path, false, std::move(more));
    codec.send(id, std::make_shared<const std::string>(std::move(body)));
    codec.finish(id);
    return id;
  }
  /// Until the stream is over, or nothing comes.
  const Heard& wait(StreamId id) {
    for (write(); !heard[id].closed && turn();) write();
    return heard[id];
  }
  void write() {
    for (std::string out = codec.output(1 << 16); !out.empty(); out = codec.output(1 << 16)) {
      (void)SSL_write(ssl_, out.data(), static_cast<int>(out.size()));
    }
  }
  /// False: nothing came.
  bool turn() {
    write();
    char bytes[16384];
    const int count = SSL_read(ssl_, bytes, sizeof bytes);
    return count > 0 && codec.take({bytes, static_cast<std::size_t>(count)}).has_value();
  }
  test::Client& socket() { return socket_; }

  H2ClientCodec codec{{}, *this};
  std::map<StreamId, Heard> heard{};
  std::optional<std::uint32_t> goodbye{};
  bool connected = false;

 private:
  void answered(StreamId id, H2Fields head, bool) override { heard[id].head = std::move(head); }
  void received(StreamId id, std::string_view data) override {
    heard[id].body += data;
    codec.consumed(id, data.size());
  }
  void finished(StreamId, H2Fields) override {}
  void closed(StreamId id, std::uint32_t error, bool) override {
    heard[id].closed = true;
    heard[id].error = error;
  }
  void said_goodbye(std::uint32_t error, std::string_view) override { goodbye = error; }

  test::Client socket_;
  SSL* ssl_ = nullptr;
};

class H2 : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("proconsul-h2-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    test::write_certificate(folder / "cert.pem", folder / "key.pem");
    auto tls = base::net::TlsContext::server({.cert_file = (folder / "cert.pem").string(),
                                              .key_file = (folder / "key.pem").string(),
                                              .protocols = "\x02h2\x08http/1.1"});
    ASSERT_TRUE(tls);
    context.settings.handshake_timeout = base::milliseconds(300);
    context.settings.max_connections_per_client = 3;
    context.settings.max_body_bytes = 100'000;
    context.settings.max_header_bytes = 8000;
    server.emplace(loops, context, kFamilies);
    port = *server->listen_tcp("127.0.0.1", 0, *tls);
  }
  void TearDown() override {
    server.reset();
    fs::remove_all(folder);
  }
  fs::path folder;
  base::net::Loops loops{2};
  test::StoreServer store{};
  base::WatchRegistry local{};
  Context context{&store, local, {}};
  std::optional<HttpServer> server{};
  std::uint16_t port = 0;
};

TEST_F(H2, WhoOffersItGetsItAndManyRequestsShareAConnection) {
  H2Client client(port);
  ASSERT_EQ(client.protocol(), "h2");
  const StreamId first = client.begin("GET", "/v1/hello", true, {{"x-more", "1"}});
  const StreamId second = client.put("/v1/hello", "body", {{"content-length", "4"}});
  const StreamId third = client.put("/v1/hello", "no length");
  const StreamId fourth = client.begin("HEAD", "/v1/hello");
  const StreamId fifth = client.begin("GET", "/v1/nothing");

  EXPECT_EQ(client.wait(first).body, "hello agent 1|");
  EXPECT_EQ(client.wait(first).status(), "200");
  EXPECT_EQ(field(client.wait(first).head, "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(client.wait(first).head, "content-length"), "14");
  EXPECT_EQ(client.wait(second).body, "hello agent |body");
  EXPECT_EQ(client.wait(third).body, "hello agent |no length");
  EXPECT_EQ(client.wait(fourth).body, "");
  EXPECT_EQ(client.wait(fifth).status(), "404");
  EXPECT_EQ(client.wait(fifth).error, 0u);
  EXPECT_FALSE(client.goodbye);
}

TEST_F(H2, ABlockingQueryHoldsUpNoOtherAndEndsWithItsStream) {
  store.put("a", "1");
  H2Client client(port);
  const StreamId waits = client.begin("GET", "/v1/kv/a?index=1000&wait=60s");
  const StreamId left = client.begin("GET", "/v1/kv/a?index=1000&wait=60s");
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/kv/a")).body, "1");
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 3; }));

  client.codec.reset(left, 8);
  client.write();
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 2; }));

  store.index = 2000;
  store.put("a", "2");
  EXPECT_EQ(client.wait(waits).body, "2");
  EXPECT_EQ(field(client.wait(waits).head, "x-consul-index"), "2001");
}

TEST_F(H2, ALargeAnswerWaitsForTheClientAndAStreamComesInPieces) {
  H2Client client(port);
  const StreamId large = client.begin("GET", "/v1/big");
  const StreamId other = client.begin("GET", "/v1/big");
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/stream")).body, "piece 3piece 2piece 1");

  EXPECT_EQ(client.wait(large).body.size(), 3'000'000u);
  EXPECT_EQ(client.wait(other).body.size(), 3'000'000u);
}

TEST_F(H2, AnUploadComesAsFastAsItIsTaken) {
  H2Client client(port);
  const StreamId chunked = client.put("/v1/snapshot", std::string(2'000'000, 'x'));
  const StreamId sized = client.put("/v1/snapshot", std::string(1'000'000, 'x'), {{"content-length", "1000000"}});

  EXPECT_EQ(client.wait(chunked).body, "2000000");
  EXPECT_EQ(client.wait(sized).body, "1000000");
  EXPECT_EQ(client.wait(client.put("/v1/snapshot?refuse", std::string(2'000'000, 'x'))).body, "refused");
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/hello")).status(), "200");
}

TEST_F(H2, ATooLargeBodyAndTooManyFieldsAreAnswered) {
  H2Client client(port);
  EXPECT_EQ(client.wait(client.put("/v1/hello", std::string(400'000, 'x'))).status(), "413");
  for (const auto& [size, status] : {std::pair(7000, "200"), std::pair(20'000, "431"), std::pair(1, "200")}) {
    const H2Fields more = {{"x-more", std::string(static_cast<std::size_t>(size), 'a')}};
    EXPECT_EQ(client.wait(client.begin("GET", "/v1/hello", true, more)).status(), status) << size;
  }
}

TEST_F(H2, AnAnswerBeforeTheBodyIsHereIsNotLost) {
  H2Client client(port);
  for (const std::size_t size : {1, 200'000, 3'000'000}) {
    const StreamId id = client.begin("DELETE", "/v1/hello", false);
    while (client.heard[id].body.empty() && client.turn()) {
    }
    EXPECT_EQ(client.heard[id].status(), "405");
    EXPECT_FALSE(client.heard[id].closed);
    client.codec.send(id, std::make_shared<const std::string>(size, 'x'));
    client.codec.finish(id);
    EXPECT_EQ(client.wait(id).error, 0u);
  }
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/hello")).status(), "200");
}

TEST_F(H2, ATargetThatIsNoneIsRefused) {
  H2Client client(port);
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/kv/%zz")).error, 1u);
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/hello")).status(), "200");
}

TEST_F(H2, HalfARequestIsNoRequest) {
  H2Client client(port);
  const StreamId half = client.begin("PUT", "/v1/hello", false);
  client.codec.send(half, std::make_shared<const std::string>("half"));
  client.write();
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/hello")).status(), "200");
  client.codec.reset(half, 8);
  client.write();
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 1; }));
}

TEST_F(H2, ClientsAreCountedByTheirConnections) {
  std::vector<std::unique_ptr<H2Client>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<H2Client>(port));
  for (const auto& client : clients) {
    client->begin("GET", "/v1/kv/a?index=1000&wait=60s");
    client->begin("GET", "/v1/kv/a?index=1000&wait=60s");
    EXPECT_EQ(client->wait(client->begin("GET", "/v1/hello")).status(), "200");
  }
  EXPECT_FALSE(H2Client(port).connected);
  clients.clear();
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
  H2Client again(port);
  EXPECT_EQ(again.wait(again.begin("GET", "/v1/hello")).status(), "200");
}

TEST_F(H2, WhoSaysNothingAfterTheHandshakeIsLeft) {
  H2Client silent(port);
  ASSERT_EQ(silent.protocol(), "h2");
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
}

TEST_F(H2, ACipherThatHttp2ProhibitsEndsIt) {
  H2Client weak(port, "ECDHE-ECDSA-AES128-SHA256");
  ASSERT_TRUE(weak.connected);
  while (weak.turn()) {
  }
  EXPECT_EQ(weak.goodbye, 12u);  // INADEQUATE_SECURITY

  H2Client strong(port, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(strong.wait(strong.begin("GET", "/v1/hello")).status(), "200");
}

TEST_F(H2, AServerThatGoesSaysGoodbye) {
  H2Client client(port);
  EXPECT_EQ(client.wait(client.begin("GET", "/v1/hello")).status(), "200");
  server->stop();
  while (client.turn()) {
  }
  EXPECT_EQ(client.goodbye, 0u);
}

}  // namespace
}  // namespace proconsul::agent::http
