#include "agent/http/server.h"

#include <gtest/gtest.h>

#include "agent/http/test_server.h"

namespace proconsul::agent::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::eventually;
using test::StoreServer;

std::atomic<int> evaluations = 0;

base::Result<Answer> read_key(const ReadContext& context) {
  ++evaluations;
  const catalog::KvGetAnswer found = catalog::kv_get(context.view.tables(), context.request.rest, context.watch);
  Answer answer{.index = found.index, .absent = found.row == nullptr};
  if (!found.row) {
    answer.reply = {.status = 404};
    return answer;
  }
  answer.reply = json("[\"" + std::string(found.row->value()) + "\"]");
  return answer;
}

base::Result<Reply> echo(Context&, const Request& request) {
  return text(200, std::string(request.rest) + "|" + std::string(request.param("q")) + "|" + std::string(request.body));
}

base::Result<Reply> echo_execution(Context&, const Request& request) {
  return text(200, "execute " + std::string(request.rest));
}

void echo_later(Context&, const Request& asked, Responder responder) {
  std::thread([request = asked.own(), responder = std::move(responder)]() mutable {
    responder.send(text(200, std::string(request->rest) + "|" + std::string(request->body)));
  }).detach();
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

struct Summer final : BodySink {
  explicit Summer(Responder answer_to) : responder(std::move(answer_to)) {}
  bool write(std::string_view bytes, std::move_only_function<void()>) override {
    size += bytes.size();
    return true;
  }
  void finish() override { responder.send(text(200, std::to_string(size))); }
  Responder responder;
  std::size_t size = 0;
};

std::unique_ptr<BodySink> sum(Context&, const Request& request, Responder responder) {
  if (request.has_param("refuse")) {
    responder.send(text(500, "refused"));
    return nullptr;
  }
  return std::make_unique<Summer>(std::move(responder));
}

base::Result<Reply> big(Context&, const Request&) {
  return json("[\"" + std::string(2'000'000, 'x') + "\"]");
}

base::Result<HashedAnswer> unchanging(Context&, const Request& request, base::KeySet*) {
  return HashedAnswer{.reply = text(200, std::string(request.rest)), .hash = "1"};
}

constexpr Route kRows[] = {
    {Method::get, "/v1/kv/", read(read_key)},
    {Method::put, "/v1/kv/", call(echo), kKvLimit | kQueryOptions},
    {Method::put, "/v1/later/", async(echo_later)},
    {Method::get, "/v1/echo/", call(echo)},
    {Method::post, "/v1/echo/", call(echo)},
    {Method::get, "/v1/stream", call(stream)},
    {Method::get, "/v1/big", call(big)},
    {Method::put, "/v1/snapshot", upload(sum)},
    {Method::get, "/v1/query/", call(echo)},
    {Method::put, "/v1/query/", call(echo)},
    {Method::get, "/v1/query/", call(echo_execution), kOddMethods, {}, "/execute"},
    {Method::get, "/v1/agent/nothing", later()},
    {Method::get, "/v1/agent/service/", hashed(unchanging)},
    {Method::get, "/v1/acl/tokens", read(read_key), kNeedsAcls | kNoNamespace},
    {Method::get, "/v1/catalog/datacenters", call(echo), kGoesOn | kCacheable},
    {Method::put, "/v1/txn", call(echo), kQueryOptions | kUnchecked},
};
constexpr std::span<const Route> kFamilies[] = {kRows};

class HttpServerTest : public testing::Test {
 protected:
  void start(Settings settings = {}) {
    settings.max_connections_per_client =
        settings.max_connections_per_client == 200 ? 0 : settings.max_connections_per_client;
    context.settings = settings;
    server.emplace(loops, context, kFamilies);
    port = *server->listen_tcp("127.0.0.1", 0);
  }
  Client client() { return Client(port); }
  base::net::Loops loops{2};
  StoreServer store{};
  base::WatchRegistry local{};
  Context context{&store, local, {}};
  std::optional<HttpServer> server{};
  std::uint16_t port = 0;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpServerTest, AnswersSeveralPipelinedRequestsInOrder) {
  start();
  Client client = this->client();

  client.send(
      "GET /v1/echo/a?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /v1/echo/b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
      "PUT /v1/later/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /v1/echo/d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_TRUE(client.receive().ends_with("a|1|"));
  EXPECT_TRUE(client.receive().ends_with("b||body"));
  EXPECT_TRUE(client.receive().ends_with("c|abcde"));
  EXPECT_TRUE(client.until_closed().ends_with("d||"));
}

TEST_F(HttpServerTest, PathsMayBeToldApartByTheirEnding) {
  start();
  Client client = this->client();

  EXPECT_TRUE(client.get("/v1/query/a").ends_with("a||"));
  EXPECT_TRUE(client.get("/v1/query/a/execute").ends_with("execute a"));
  EXPECT_TRUE(client.get("/v1/query/execute").ends_with("execute execute"));
  EXPECT_TRUE(client.get("/v1/query/a/b%2Fexecute").ends_with("execute a/b"));
  client.send("PUT /v1/query/a/execute HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string refused = client.receive();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 405"));
  EXPECT_NE(refused.find("Allow: GET\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, ARequestMayArriveByteByByte) {
  start();
  Client client = this->client();

  for (const char c : std::string("PUT /v1/later/k%2fx HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz")) {
    client.send({&c, 1});
    std::this_thread::sleep_for(200us);
  }

  EXPECT_TRUE(client.receive().ends_with("k/x|xyz"));
}

TEST_F(HttpServerTest, MethodsAndPathsAreAnsweredAsConsulDoes) {
  start();
  Client client = this->client();

  const std::string unknown = client.get("/v1/none");
  const std::string elsewhere = client.get("/none");
  const std::string built_later = client.get("/v1/agent/nothing");
  client.send("PATCH /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string patch = client.receive();
  client.send("OPTIONS /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string options = client.receive();
  const std::string doubled = client.get("/v1//kv/a?x=1");
  const std::string slash = client.get("/v1/kv");

  EXPECT_TRUE(unknown.starts_with("HTTP/1.1 404 Not Found\r\n")) << unknown;
  EXPECT_TRUE(unknown.ends_with("Invalid URL path: not a recognized HTTP API endpoint\n"));
  EXPECT_FALSE(has(unknown, "Vary"));
  EXPECT_TRUE(has(elsewhere, "ensure the path starts with '/v1/'"));
  EXPECT_TRUE(built_later.starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(patch.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_TRUE(has(patch, "Allow: OPTIONS,GET,PUT\r\n"));
  EXPECT_TRUE(patch.ends_with("method PATCH not allowed"));
  EXPECT_TRUE(has(options, "Allow: OPTIONS,GET,PUT\r\n") && has(options, "Content-Length: 0\r\n"));
  EXPECT_TRUE(has(options, "X-Consul-Default-Acl-Policy: allow\r\n"));
  EXPECT_TRUE(doubled.starts_with("HTTP/1.1 307 Temporary Redirect\r\n"));
  EXPECT_TRUE(has(doubled, "Location: /v1/kv/a?x=1\r\n"));
  EXPECT_TRUE(slash.ends_with("<a href=\"/v1/kv/\">Temporary Redirect</a>.\n\n"));
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  start();
  Client client = this->client();

  client.send("HEAD /v1/kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string head = client.until_closed();

  EXPECT_TRUE(head.starts_with("HTTP/1.1 405")) << head;
  EXPECT_TRUE(has(head, "Content-Length: 23\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, JunkIsRefusedInGosWords) {
  start();
  for (const auto& [bytes, answer] : std::initializer_list<std::pair<std::string, std::string>>{
           {"nonsense\r\n\r\n", "400 Bad Request"},
           {"\x16\x03\x01\x02junk", "400 Bad Request"},
           {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header"},
           {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505 HTTP Version Not Supported: unsupported protocol version"},
           {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Bad Request: malformed Host header"},
           {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "400 Bad Request"},
           {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request"},
           {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "400 Bad Request"},
           {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: foo\r\n\r\n", "Unsupported transfer encoding"},
           {"PUT /v1/later/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 Bad Request"}}) {
    Client client = this->client();
    client.send(bytes);
    const std::string got = client.until_closed();
    EXPECT_TRUE(got.ends_with(answer)) << bytes << " -> " << got;
    EXPECT_TRUE(has(got, "Connection: close\r\n"));
  }
}

TEST_F(HttpServerTest, BareLineEndsAndFoldedValuesAreRead) {
  start();
  Client client = this->client();

  client.send("POST /v1/echo/a HTTP/1.1\nHost: x\nContent-Length: 2\n\nok");
  const std::string bare = client.receive();
  client.send("GET /v1/echo/b HTTP/1.1\r\nHost: x\r\nAccept: a,\r\n b\r\n\r\n");

  EXPECT_TRUE(bare.ends_with("a||ok")) << bare;
  EXPECT_TRUE(client.receive().ends_with("b||"));
}

TEST_F(HttpServerTest, HeadersAreBounded) {
  Settings settings;
  settings.max_header_bytes = 4096;
  start(settings);
  Client client = this->client();

  client.send("GET /v1/echo/a HTTP/1.1\r\nHost: x\r\nX-Big: " + std::string(10'000, 'x'));

  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

TEST_F(HttpServerTest, ABodyOverTheLimitIsRefusedAndTheNextRequestServed) {
  Settings settings;
  settings.kv_max_value_size = 10;
  start(settings);
  Client client = this->client();

  client.send("PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890");
  const std::string refused = client.receive();
  const std::string next = client.get("/v1/echo/n");
  client.send("PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n");
  const std::string chunked = client.until_closed();

  EXPECT_TRUE(refused.starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"));
  EXPECT_TRUE(has(refused, "Request body(11 bytes) too large, max size: 10 bytes.")) << refused;
  EXPECT_TRUE(next.ends_with("n||"));
  EXPECT_TRUE(chunked.starts_with("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, AHugeRefusedBodyStillLetsTheClientReadTheAnswer) {
  start();
  Client client = this->client();

  client.send("PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
  client.send(std::string(5'000'000, 'x'));

  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, ExpectContinueIsAnsweredBeforeTheBody) {
  start();
  Client client = this->client();

  client.send("POST /v1/echo/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const std::string go_on = client.receive();
  client.send("ok");

  EXPECT_EQ(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(client.receive().ends_with("a||ok"));
}

TEST_F(HttpServerTest, BodiesMayBeStreamedBothWays) {
  start();
  Client client = this->client();

  const std::string down = client.get("/v1/stream");
  client.send("PUT /v1/snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
  for (int i = 0; i < 30; ++i) client.send(std::string(100'000, 'x'));
  const std::string up = client.receive();

  EXPECT_TRUE(has(down, "Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(down.ends_with("7\r\npiece 3\r\n7\r\npiece 2\r\n7\r\npiece 1\r\n0\r\n\r\n")) << down;
  EXPECT_TRUE(up.ends_with("\r\n\r\n3000000")) << up;
}

TEST_F(HttpServerTest, AnUploadThatIsRefusedAtOnceIsNotReadAsAnyThing) {
  start();
  for (const char* body :
       {"Content-Length: 0\r\n\r\n", "Content-Length: 4\r\n\r\nbody", "Content-Length: 4000000\r\n\r\nbo",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"}) {
    Client client = this->client();
    client.send(std::string("PUT /v1/snapshot?refuse HTTP/1.1\r\nHost: x\r\n") + body);
    const std::string refused = client.receive();
    client.send("GET /v1/echo/x HTTP/1.1\r\nHost: x\r\n\r\n");

    EXPECT_TRUE(refused.starts_with("HTTP/1.1 500 ") && refused.ends_with("refused")) << refused;
    EXPECT_TRUE(has(refused, "Connection: close\r\n")) << refused;
    EXPECT_EQ(client.receive(std::chrono::milliseconds(50)), "");
  }
}

TEST_F(HttpServerTest, ASlowReaderGetsTheWholeAnswer) {
  start();
  Client client = this->client();

  client.send("GET /v1/big HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/echo/z HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  const std::string answer = client.receive();

  EXPECT_GT(answer.size(), 2'000'000u);
  EXPECT_TRUE(answer.ends_with("xx\"]"));
  EXPECT_TRUE(client.receive().ends_with("z||"));
}

TEST_F(HttpServerTest, GzipAndPrettyOnlyWhenAsked) {
  start();
  Client client = this->client();
  store.put("a", std::string(3000, 'v'));

  const std::string plain = client.get("/v1/kv/a");
  const std::string packed = client.get("/v1/kv/a", "Accept-Encoding: br, gzip;q=0.5\r\n");
  const std::string refused = client.get("/v1/kv/a", "Accept-Encoding: gzip;q=0\r\n");
  const std::string pretty = client.get("/v1/kv/a?pretty");

  EXPECT_FALSE(has(plain, "Content-Encoding"));
  EXPECT_TRUE(has(packed, "Content-Encoding: gzip\r\n"));
  EXPECT_LT(packed.size(), 600u);
  EXPECT_FALSE(has(refused, "Content-Encoding"));
  EXPECT_TRUE(has(pretty, "\r\n\r\n[\n    \"v"));
  EXPECT_TRUE(pretty.ends_with("\n]\n"));
}

TEST_F(HttpServerTest, BlockedPathsWritersAndClientsAreRefused) {
  Settings settings;
  settings.block_endpoints = {"/v1/echo/secret"};
  settings.allow_write_from = {"10.0.0.0/8"};
  settings.max_connections_per_client = 1;
  start(settings);
  Client client = this->client();

  const std::string blocked = client.get("/v1/echo/secret/x");
  client.send("POST /v1/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  const std::string restricted = client.receive();
  Client second = this->client();
  const std::string crowded = second.until_closed();

  EXPECT_TRUE(blocked.starts_with("HTTP/1.1 403") && blocked.ends_with("Endpoint is blocked by agent configuration"));
  EXPECT_TRUE(restricted.starts_with("HTTP/1.1 403") && restricted.ends_with("Access is restricted"));
  EXPECT_TRUE(crowded.starts_with("HTTP/1.1 429 Too Many Requests\r\n")) << crowded;
}

TEST_F(HttpServerTest, OptionErrorsHaveConsulsTexts) {
  start();
  Client client = this->client();
  for (const auto& [query, body] : std::initializer_list<std::pair<std::string, std::string>>{
           {"stale&consistent", "Cannot specify ?stale with ?consistent, conflicting semantics."},
           {"cached&consistent", "Cannot specify ?cached with ?consistent, conflicting semantics."},
           {"max_stale=bad", "Invalid max_stale value \"bad\""},
           {"wait=bad", "Invalid wait time"},
           {"index=-1", "Invalid index"},
           {"index=18446744073709551616", "Invalid index"}}) {
    const std::string answer = client.get("/v1/kv/a?" + query);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400") && answer.ends_with("\r\n\r\n" + body)) << answer;
  }
  const std::string elsewhere = client.get("/v1/kv/a?dc=other");
  EXPECT_TRUE(elsewhere.starts_with("HTTP/1.1 500") && elsewhere.ends_with("No path to datacenter"));
  EXPECT_TRUE(client.get("/v1/kv/a?x=%zz").starts_with("HTTP/1.1 500"));
}

TEST_F(HttpServerTest, OptionsThatNobodyReadsAreNotRefused) {
  start();
  Client client = this->client();

  for (const std::string query : {"stale&consistent", "cached&consistent", "max_stale=bad", "wait=bad", "index=bad"}) {
    client.send("PUT /v1/txn?" + query + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 200")) << query;
  }
  const auto own = [&](const std::string& query) { return client.get("/v1/agent/service/a?" + query); };
  for (const std::string query : {"stale&consistent", "cached&consistent", "max_stale=bad", "dc=other"}) {
    EXPECT_TRUE(own(query).starts_with("HTTP/1.1 200")) << query;
  }
  for (const std::string query : {"wait=bad", "index=bad"}) {
    EXPECT_TRUE(own(query).starts_with("HTTP/1.1 400")) << query;
  }
}

TEST_F(HttpServerTest, WithoutAclsTheirRoutesRefuseNothingElse) {
  start();
  Client client = this->client();

  for (const std::string query : {"", "?stale&consistent", "?index=bad", "?ns=x"}) {
    const std::string answer = client.get("/v1/acl/tokens" + query);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401") && answer.ends_with("\r\n\r\nACL support disabled")) << answer;
  }
}

TEST_F(HttpServerTest, ARefusalSaysNothingOfTheCache) {
  start();
  Client client = this->client();

  client.get("/v1/catalog/datacenters?cached");
  const std::string hit = client.get("/v1/catalog/datacenters?cached");
  const std::string refused = client.get("/v1/catalog/datacenters?cached&consistent");

  EXPECT_TRUE(has(hit, "X-Cache: HIT\r\n")) << hit;
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 400")) << refused;
  EXPECT_FALSE(has(refused, "X-Cache") || has(refused, "Age:")) << refused;
}

// Reads and waits.

TEST_F(HttpServerTest, AReadShowsItsIndexWhichIsNeverZero) {
  start();
  Client client = this->client();

  const std::string none = client.get("/v1/kv/none");
  store.put("a", "1");
  const std::string some = client.get("/v1/kv/a?stale");

  EXPECT_TRUE(none.starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_TRUE(has(none, "X-Consul-Index: 1\r\nX-Consul-Knownleader: true\r\nX-Consul-Lastcontact: 0\r\n"));
  EXPECT_FALSE(has(none, "\r\nContent-Type: "));
  EXPECT_TRUE(has(some, "X-Consul-Index: 11\r\n") && some.ends_with("[\"1\"]"));
}

TEST_F(HttpServerTest, AWaiterIsAnsweredByItsKeyAndSleepsThroughOthers) {
  start();
  store.put("a", "1");
  Client client = this->client();
  client.send("GET /v1/kv/a?index=11&wait=20s HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return store.watches().waiters() == 1; }));
  const int before = evaluations;

  for (int i = 0; i < 1000; ++i) store.put("b", std::to_string(i));
  const int unrelated = evaluations - before;
  store.put("a", "2");

  EXPECT_TRUE(client.receive().ends_with("[\"2\"]"));
  EXPECT_EQ(unrelated, 0);
}

TEST_F(HttpServerTest, EqualWaitersShareOneEvaluationPerLoop) {
  start();
  store.put("a", "1");
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(client());
  for (Client& client : clients) client.send("GET /v1/kv/a?index=11 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return store.watches().waiters() == 2; }));
  std::this_thread::sleep_for(50ms);
  const int before = evaluations;

  store.put("a", "2");

  for (Client& client : clients) EXPECT_TRUE(client.receive().ends_with("[\"2\"]"));
  EXPECT_LE(evaluations - before, 2);
  EXPECT_TRUE(eventually([&] { return store.watches().waiters() == 0; }));
}

TEST_F(HttpServerTest, AnotherStateAnswersAWaiterAlthoughItsIndexIsLower) {
  start();
  const catalog::Tables before = store.store.writer().tables();
  for (int i = 0; i < 10; ++i) store.put("a", std::to_string(i));
  Client client = this->client();
  client.send("GET /v1/kv/a?index=20&wait=20s HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return store.watches().waiters() == 1; }));

  store.store.replace(before, 30);

  EXPECT_TRUE(client.receive().starts_with("HTTP/1.1 404"));
}

TEST_F(HttpServerTest, HalfSentRequestsTimeOut) {
  Settings settings;
  settings.head_timeout = settings.body_timeout = base::milliseconds(60);
  start(settings);
  Client half_head = client(), half_body = client();

  half_head.send("GET /v1/echo/a HTTP/1.1\r\nHost:");
  half_body.send("POST /v1/echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");

  EXPECT_TRUE(half_head.until_closed().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(half_body.until_closed().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_F(HttpServerTest, AWaitEndsWithTheUnchangedAnswer) {
  start();
  store.put("a", "1");
  Client client = this->client();

  const std::string answer = client.get("/v1/kv/a?index=11&wait=50ms");

  EXPECT_TRUE(has(answer, "X-Consul-Index: 11\r\n") && answer.ends_with("[\"1\"]"));
  EXPECT_TRUE(eventually([&] { return store.watches().waiters() == 0; }));
}

TEST_F(HttpServerTest, AnAbortedWaitIsFreedAtOnce) {
  start();
  store.put("a", "1");
  {
    Client client = this->client();
    client.send("GET /v1/kv/a?index=11 HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return store.watches().waiters() == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return store.watches().waiters() == 0 && server->connections() == 0; }));
}

TEST_F(HttpServerTest, AWaiterForAnAbsentKeySleepsWhileItStaysAbsent) {
  start();
  store.put("other", "1");
  Client client = this->client();
  client.send("GET /v1/kv/none?index=11&wait=20s HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return store.watches().waiters() == 1; }));

  store.put("other", "2");
  const std::string early = client.receive(100ms);
  store.put("none", "now");

  EXPECT_EQ(early, "");
  EXPECT_TRUE(client.receive().ends_with("[\"now\"]"));
}

TEST_F(HttpServerTest, ConsistentReadsThatWaitTogetherShareAVerification) {
  start();
  store.put("a", "1");
  store.hold_verifications = true;
  std::vector<Client> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(client());
  for (Client& client : clients) client.send("GET /v1/kv/a?consistent HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return store.verifications == 2; }));
  std::this_thread::sleep_for(50ms);

  store.hold_verifications = false;
  store.release();

  for (Client& client : clients) EXPECT_TRUE(client.receive().ends_with("[\"1\"]"));
  EXPECT_LE(store.verifications, 4);
}

TEST_F(HttpServerTest, AReadAtALeaderThatMayNotBeTheLastOneIsVerified) {
  start();
  store.put("a", "1");
  Client client = this->client();
  (void)client.get("/v1/kv/a");
  const int before = store.verifications;
  store.current = false;

  const std::string plain = client.get("/v1/kv/a");
  const int after_plain = store.verifications;
  const std::string stale = client.get("/v1/kv/a?stale");

  EXPECT_TRUE(plain.ends_with("[\"1\"]") && stale.ends_with("[\"1\"]"));
  EXPECT_EQ(before, 0);
  EXPECT_EQ(after_plain, 1);
  EXPECT_EQ(store.verifications, 1);
}

TEST_F(HttpServerTest, WithoutALeaderReadsWaitAndThenFailUnlessStale) {
  Settings settings;
  settings.rpc_hold_timeout = base::milliseconds(300);
  start(settings);
  store.put("a", "1");
  store.leads = false;
  Client client = this->client();

  const std::string failed = client.get("/v1/kv/a");
  const std::string stale = client.get("/v1/kv/a?stale");
  const std::string too_old = client.get("/v1/kv/a?max_stale=4s");
  store.last_contact = server::Leadership::kNever;
  const std::string never = client.get("/v1/kv/a?stale");
  client.send("GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(30ms);
  store.leads = true;

  EXPECT_TRUE(failed.starts_with("HTTP/1.1 500") && failed.ends_with("No cluster leader"));
  EXPECT_TRUE(has(stale, "X-Consul-Knownleader: false\r\n") && stale.ends_with("[\"1\"]"));
  EXPECT_TRUE(has(stale, "X-Consul-Lastcontact: 5000\r\n"));
  EXPECT_TRUE(too_old.starts_with("HTTP/1.1 500") && too_old.ends_with("No cluster leader"));
  EXPECT_TRUE(never.starts_with("HTTP/1.1 500") && never.ends_with("No cluster leader"));
  EXPECT_TRUE(client.receive().ends_with("[\"1\"]"));
}

TEST_F(HttpServerTest, OneWhoWritesAndThenWaitsNeverSeesTheStateBefore) {
  start();
  store.put("a", "0");
  Client parked = client();
  Client client = this->client();
  for (int i = 1; i <= 300; ++i) {
    parked.send("GET /v1/kv/a?index=" + std::to_string(store.index) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    store.put("a", std::to_string(i));
    ASSERT_TRUE(client.get("/v1/kv/a?index=1").ends_with("[\"" + std::to_string(i) + "\"]"));
    ASSERT_TRUE(parked.receive().ends_with("[\"" + std::to_string(i) + "\"]"));
  }
}

}  // namespace
}  // namespace proconsul::agent::http
