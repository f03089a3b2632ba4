// Requests that are meant to do harm: smuggled ones, endless ones, floods. What Go's server would answer is expected.
#include <gtest/gtest.h>

#include "agent/http/test_server.h"

namespace proconsul::agent::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::StoreServer;

base::Result<Reply> echo(Context&, const Request& request) {
  return text(200, std::string(request.rest) + "|" + std::string(request.body) + "|" +
                       std::string(request.header("Content-Length")));
}

constexpr Route kRows[] = {
    {Method::get, "/v1/echo/", call(echo)},
    {Method::post, "/v1/echo/", call(echo)},
};
constexpr std::span<const Route> kFamilies[] = {kRows};

class HttpAttack : public testing::Test {
 protected:
  void start(Settings settings = {}) {
    settings.max_connections_per_client = 0;
    context.settings = settings;
    server.emplace(loops, context, kFamilies);
    port = *server->listen_tcp("127.0.0.1", 0);
  }
  /// All that is answered to these bytes. What the server leaves open ends by a request that asks for it.
  std::string answers(std::string_view bytes) {
    Client client(port);
    client.send(bytes);
    client.send("GET /v1/echo/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.until_closed();
  }
  base::net::Loops loops{1};
  StoreServer store{};
  base::WatchRegistry local{};
  Context context{&store, local, {}};
  std::optional<HttpServer> server{};
  std::uint16_t port = 0;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

const std::string kPost = "POST /v1/echo/a HTTP/1.1\r\nHost: x\r\n";
const std::string kSmuggled = "GET /v1/echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(HttpAttack, AnEncodingWinsOverALengthAndNothingThatFollowsIsBelieved) {
  start();
  for (const char* lengths :
       {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n"}) {
    const std::string got = answers(kPost + lengths + "\r\n3\r\nabc\r\n0\r\n\r\n" + kSmuggled);

    EXPECT_TRUE(has(got, "\r\n\r\na|abc|")) << lengths << got;
    EXPECT_TRUE(has(got, "Connection: close\r\n")) << got;
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1u) << got;
  }
}

TEST_F(HttpAttack, BeforeHttp11ThereIsNoEncoding) {
  start();

  const std::string got = answers(
      "POST /v1/echo/a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 3\r\n"
      "Transfer-Encoding: chunked\r\n\r\nabc" +
      kSmuggled);

  EXPECT_TRUE(has(got, "\r\n\r\na|abc|3")) << got;
  EXPECT_EQ(count(got, "HTTP/1."), 1u) << got;
}

TEST_F(HttpAttack, LengthsThatAreNoneOrDisagreeAreRefused) {
  start();
  for (const char* lengths :
       {"Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3, 3\r\n", "Content-Length: +3\r\n",
        "Content-Length: -3\r\n", "Content-Length: 0x3\r\n", "Content-Length: 3 3\r\n", "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n", "Content-Length: 9223372036854775808\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n"}) {
    const std::string got = answers(kPost + lengths + "\r\nabc" + kSmuggled);

    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request\r\n")) << lengths << got;
    EXPECT_TRUE(got.ends_with("\r\n\r\n400 Bad Request")) << lengths << got;
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1u) << got;
  }
}

TEST_F(HttpAttack, TheSameLengthTwiceIsOne) {
  start();

  const std::string got = answers(kPost + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc");

  EXPECT_TRUE(has(got, "\r\n\r\na|abc|3")) << got;
  EXPECT_EQ(count(got, "HTTP/1.1 200"), 2u) << got;
}

TEST_F(HttpAttack, EncodingsOtherThanChunkedAreNotImplemented) {
  start();
  for (const char* encodings :
       {"Transfer-Encoding: identity\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"}) {
    const std::string got = answers(kPost + encodings + "\r\n3\r\nabc\r\n0\r\n\r\n" + kSmuggled);

    EXPECT_TRUE(got.starts_with("HTTP/1.1 501 Not Implemented\r\n")) << encodings << got;
    EXPECT_TRUE(got.ends_with("Unsupported transfer encoding")) << got;
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1u) << got;
  }
}

TEST_F(HttpAttack, NamesWithBlanksAndOtherDisguisesAreRefused) {
  start();
  for (const auto& [line, end] : std::initializer_list<std::pair<std::string, std::string>>{
           {"Transfer-Encoding : chunked\r\n", "400 Bad Request: invalid header name"},
           {"Content-Length : 3\r\n", "400 Bad Request: invalid header name"},
           {"Transfer-Encoding\t: chunked\r\n", "\r\n\r\n400 Bad Request"},
           {"X(y: z\r\n", "\r\n\r\n400 Bad Request"},
           {": nameless\r\n", "\r\n\r\n400 Bad Request"},
           {"no colon\r\n", "\r\n\r\n400 Bad Request"},
           {std::string("X: a\0b\r\n", 9), "\r\n\r\n400 Bad Request"},
           {"X: a\rTransfer-Encoding: chunked\r\n", "\r\n\r\n400 Bad Request"},
           {"Host: y\r\n", "\r\n\r\n400 Bad Request"}}) {
    const std::string got = answers(kPost + line + "\r\n3\r\nabc\r\n0\r\n\r\n" + kSmuggled);

    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request")) << line << got;
    EXPECT_TRUE(got.ends_with(end)) << line << got;
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1u) << got;
  }
}

TEST_F(HttpAttack, AFoldedHeaderIsOneHeaderAndTheRequestLineCannotBeFolded) {
  start();

  const std::string folded = answers(kPost + "X: a\r\n Content-Length: 3\r\n\tTransfer-Encoding: chunked\r\n\r\n");
  const std::string line = answers("POST /v1/echo/a HTTP/1.1\r\n Content-Length: 3\r\nHost: x\r\n\r\nabc");

  EXPECT_TRUE(has(folded, "\r\n\r\na||")) << folded;
  EXPECT_EQ(count(folded, "HTTP/1.1 200"), 2u) << folded;
  EXPECT_TRUE(line.starts_with("HTTP/1.1 400 Bad Request\r\n")) << line;
  EXPECT_EQ(count(line, "HTTP/1.1 "), 1u) << line;
}

TEST_F(HttpAttack, RequestLinesHaveThreeWords) {
  start();
  for (const char* line :
       {"GET  /v1/echo/a HTTP/1.1", "GET /v1/echo/a  HTTP/1.1", "GET /v1/echo/a HTTP/1.1 ", "GET /v1/echo/a b HTTP/1.1",
        "GET /v1/echo/a", "GET\t/v1/echo/a HTTP/1.1", "G(T /v1/echo/a HTTP/1.1", "GET /v1/echo/a HTTP/1.12",
        "GET /v1/echo/a http/1.1", "GET v1/echo/a HTTP/1.1", "GET /v1/echo/\x01 HTTP/1.1"}) {
    const std::string got = answers(std::string(line) + "\r\nHost: x\r\n\r\n");

    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request\r\n")) << line << ": " << got;
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1u) << got;
  }
}

TEST_F(HttpAttack, ChunksHaveExactBorders) {
  start();
  for (const char* chunks :
       {"3\nabc\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n", "3 x\r\nabc\r\n0\r\n\r\n", "3 ;x\r\nabc\r\n0\r\n\r\n", "\r\nabc\r\n0\r\n\r\n",
        "3;x\ny\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n", "11111111111111113\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n", "3\rabc\r\n0\r\n\r\n"}) {
    const std::string got = answers(kPost + "Transfer-Encoding: chunked\r\n\r\n" + chunks + kSmuggled);

    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request\r\n")) << chunks << got;
    EXPECT_EQ(count(got, "HTTP/1.1 "), 1u) << chunks << got;
  }
  const std::string fine =
      answers(kPost + "Transfer-Encoding: chunked\r\n\r\n03 \r\nabc\r\n1;a=\"b\"\r\nd\r\n0\r\nT: x\r\n\r\n");
  EXPECT_TRUE(has(fine, "\r\n\r\na|abcd|")) << fine;
}

TEST_F(HttpAttack, AHeadThatDripsIsCutOff) {
  Settings settings;
  settings.head_timeout = base::milliseconds(150);
  start(settings);
  Client client(port);
  std::string got;

  client.send("GET /v1/echo/a HTTP/1.1\r\nHost: x\r\n");
  // Each drop comes in time for itself; the whole does not.
  for (int i = 0; i < 500 && got.empty(); ++i) {
    client.send("X: y\r\n");
    got = client.receive(10ms);
  }

  EXPECT_TRUE(got.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << got;
}

TEST_F(HttpAttack, AFloodOfHeadersInTinyPiecesEndsAtTheLimit) {
  Settings settings;
  settings.max_header_bytes = 64 * 1024;
  start(settings);
  Client client(port);
  const std::string flood(1000, 'a');

  client.send("GET /v1/echo/a HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 200; ++i) client.send("X" + std::to_string(i) + ": " + flood + "\r\n");

  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

TEST_F(HttpAttack, ManyHeadersBelowTheLimitAreServed) {
  start();
  std::string head = "GET /v1/echo/a HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 50'000; ++i) head += "a: b\r\n";

  const std::string got = answers(head + "\r\n");

  EXPECT_EQ(count(got, "HTTP/1.1 200"), 2u) << got;
}

TEST_F(HttpAttack, AnEndlessRequestLineEndsAtTheLimit) {
  Settings settings;
  settings.max_header_bytes = 8 * 1024;
  start(settings);
  Client client(port);

  client.send("GET /v1/echo/" + std::string(20'000, 'a'));

  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpAttack, OtherProtocolsAreToldSo) {
  start();

  EXPECT_TRUE(answers("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").starts_with("HTTP/1.1 505 HTTP Version Not Supported: "));
  EXPECT_TRUE(answers(std::string("\x16\x03\x01\x00\xa5\x01\x00", 7)).starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

}  // namespace
}  // namespace proconsul::agent::http
