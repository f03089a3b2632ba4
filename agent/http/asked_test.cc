// What other servers answer must look as if it were answered here: every read row is asked both ways of one state, and
// the answers are compared byte by byte. Requests and replies take the way over the wire's bytes.
#include "agent/http/ask.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <regex>

#include "agent/http/server.h"
#include "agent/http/test_server.h"
#include "agent/rpc/archive_call.h"
#include "agent/rpc/cluster.h"
#include "agent/rpc/dispatcher.h"
#include "agent/rpc/port.h"
#include "agent/rpc/snapshot.h"
#include "agent/server/lone_server.h"
#include "agent/server/raft_server.h"

namespace proconsul::agent::http {
namespace {

using namespace std::chrono_literals;
using base::Result;
using test::Client;
using test::eventually;

/// Calls a dispatcher as if it were far away.
class WireCaller final : public rpc::Caller {
 public:
  explicit WireCaller(rpc::Dispatcher& there) : there_(there) {}

  std::unique_ptr<rpc::Running> call(base::net::Loop& loop, const rpc::Method& method, rpc::InvocationPtr here,
                                     rpc::Finished done) override {
    ++calls;
    if (fails) {
      loop.post([this, done = std::move(done)]() mutable { done(base::Error{base::Errc::internal, text}); });
      return std::make_unique<rpc::Running>();
    }
    auto running = std::make_unique<Call>(*this);
    rpc::InvocationPtr there = method.make();
    std::string request;
    here->encode_request(request);
    EXPECT_TRUE(there->decode_request(request)) << method.name;
    running->call =
        there_.call(loop, method, there, [this, here, there, &method, done = std::move(done)](Result<> result) mutable {
          // Of an error only the text is told.
          if (!result) return done(base::Error{base::Errc::internal, result.error().detail});
          if (catalog::QueryMeta* meta = there->meta(); meta && late.nanoseconds > 0) {
            const bool stale = there->query() && there->query()->AllowStale;
            meta->LastContact = stale ? late : base::Duration{};
          }
          std::string reply;
          there->encode_reply(reply);
          EXPECT_TRUE(here->decode_reply(reply)) << method.name;
          done({});
        });
    return running;
  }

  std::atomic<int> calls = 0;
  std::atomic<int> running = 0;
  base::Duration late{};            // what a stale answer's server says of its last contact
  std::atomic<bool> fails = false;  // every call, with this error
  std::string text{};

 private:
  struct Call final : rpc::Running {
    explicit Call(WireCaller& caller) : owner(caller) { ++owner.running; }
    ~Call() override { --owner.running; }
    WireCaller& owner;
    std::unique_ptr<rpc::Running> call{};
  };
  rpc::Dispatcher& there_;
};

std::string without_date(std::string answer) {
  static const std::regex kDate("Date: [^\r]*\r\n");
  return std::regex_replace(answer, kDate, "");
}
int status_of(const std::string& answer) {
  return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}
std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}
/// What chunks carry.
std::string unchunked(std::string_view chunks) {
  std::string bytes;
  while (!chunks.empty()) {
    const std::size_t line = chunks.find("\r\n");
    const std::size_t size = std::stoul(std::string(chunks.substr(0, line)), nullptr, 16);
    if (size == 0) break;
    bytes += chunks.substr(line + 2, size);
    chunks.remove_prefix(line + 2 + size + 2);
  }
  return bytes;
}
std::uint64_t index_of(const std::string& answer) {
  const std::size_t at = answer.find("X-Consul-Index: ");
  return at == std::string::npos ? 0 : std::stoull(answer.substr(at + 16));
}

class AskedTest : public testing::Test {
 protected:
  void SetUp() override {
    server = *server::RaftServer::start(server::lone_server());
    pool = std::make_unique<rpc::Pool>(loops, rpc::Pool::Options{});
    dispatcher = std::make_unique<rpc::Dispatcher>(loops, rpc::Services{.server = *server, .cluster = server.get()},
                                                   cluster, *pool, rpc::Dispatcher::Settings{});
    while (!server->is_ready()) std::this_thread::sleep_for(1ms);
    caller = std::make_unique<WireCaller>(*dispatcher);
    here.server = elsewhere.server = server.get();
    here.cluster = elsewhere.cluster = server.get();
    here.settings.node_name = elsewhere.settings.node_name = agent.settings.node_name = "n1";
    elsewhere.settings.datacenter = "dc9";
    for (Context* context : {&here, &agent, &elsewhere}) {
      context->caller = caller.get();
      context->loops = &loops;
      servers.push_back(std::make_unique<HttpServer>(loops, *context));
      clients.emplace_back(*servers.back()->listen_tcp("127.0.0.1", 0));
    }
    fill();
  }
  void TearDown() override {
    for (auto& each : servers) each->stop();
    dispatcher->stop();
    pool->stop();
    server->stop();
  }

  enum Which : std::size_t { kServer, kAgent, kElsewhere };
  std::string ask(Which which, const std::string& method, std::string target, const std::string& body = {}) {
    if (which == kElsewhere) target += std::string(target.contains('?') ? "&" : "?") + "dc=dc1";
    clients[which].send(method + " " + target +
                        " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return without_date(clients[which].receive(20s));
  }
  std::string get(Which which, const std::string& target) { return ask(which, "GET", target); }
  void put(const std::string& target, const std::string& body) {
    const std::string answer = ask(kServer, "PUT", target, body);
    ASSERT_EQ(status_of(answer), 200) << target << "\n" << answer;
  }

  void fill() {
    put("/v1/catalog/register", R"({"Node":"a","Address":"10.0.0.1","NodeMeta":{"rack":"1"},"TaggedAddresses":)"
                                R"({"lan":"10.0.0.1","wan":"198.51.100.1"},"Service":{"ID":"web1","Service":"web",)"
                                R"("Tags":["blue","v1"],"Port":80,"Meta":{"k":"v"}},)"
                                R"("Check":{"CheckID":"c1","Name":"alive","Status":"passing","ServiceID":"web1"}})");
    put("/v1/catalog/register", R"({"Node":"b","Address":"10.0.0.2","Service":{"ID":"web2","Service":"web",)"
                                R"("Port":81,"TaggedAddresses":{"wan":{"Address":"198.51.100.2","Port":8081}}},)"
                                R"("Checks":[{"CheckID":"c2","Name":"dead","Status":"critical","ServiceID":"web2"},)"
                                R"({"CheckID":"n","Name":"node","Status":"warning"}]})");
    put("/v1/catalog/register", R"({"Node":"b","Address":"10.0.0.2","Service":{"ID":"proxy","Kind":"connect-proxy",)"
                                R"("Service":"web-proxy","Port":20000,"Proxy":{"DestinationServiceName":"web"}}})");
    put("/v1/catalog/register", R"({"Node":"empty","Address":"10.0.0.3"})");
    put("/v1/coordinate/update", R"({"Node":"a","Coord":{"Vec":[0.1,0,0,0,0,0,0,0],"Error":1.5,"Height":0.00001}})");
    put("/v1/coordinate/update", R"({"Node":"b","Coord":{"Vec":[0.2,0,0,0,0,0,0,0],"Error":1.5,"Height":0.00001}})");
    put("/v1/kv/dir/a", "1");
    put("/v1/kv/dir/b/x?flags=42", "<two & \"three\">");
    put("/v1/kv/dir/b/y", "");
    put("/v1/kv/top", "t");
    put("/v1/session/create", R"({"Node":"a","Checks":[],"Name":"s","TTL":"600s"})");
    session = body_of(get(kServer, "/v1/session/list")).substr(8, 36);
    put("/v1/kv/locked?acquire=" + session, "l");
    ask(kServer, "POST", "/v1/query", R"({"Name":"q","Service":{"Service":"web","Tags":["blue"]}})");
    query = body_of(get(kServer, "/v1/query")).substr(8, 36);
  }

  base::net::Loops loops{2};
  rpc::NoCluster cluster{};
  std::unique_ptr<server::RaftServer> server{};
  std::unique_ptr<rpc::Pool> pool{};
  std::unique_ptr<rpc::Dispatcher> dispatcher{};
  std::unique_ptr<WireCaller> caller{};
  base::WatchRegistry local{};
  Context here{nullptr, local, {}};       // a server of dc1
  Context agent{nullptr, local, {}};      // a client agent there
  Context elsewhere{nullptr, local, {}};  // a server of another datacenter
  std::vector<std::unique_ptr<HttpServer>> servers{};
  std::vector<Client> clients{};
  std::string session{}, query{};
};

TEST_F(AskedTest, AnswersAreTheSameBytes) {
  std::vector<std::string> targets = {
      "/v1/catalog/nodes",
      "/v1/catalog/nodes?pretty",
      "/v1/catalog/nodes?stale",
      "/v1/catalog/nodes?consistent",
      "/v1/catalog/nodes?near=b",
      "/v1/catalog/nodes?near=_agent",
      "/v1/catalog/nodes?node-meta=rack:1",
      "/v1/catalog/nodes?node-meta=rack:9",
      "/v1/catalog/nodes?node-meta=rack:9&node-meta=rack:1",
      "/v1/catalog/nodes?node-meta=rack:1&node-meta=rack:9",
      "/v1/catalog/nodes?filter=Node+==+%22a%22",
      "/v1/catalog/nodes?filter=Nonsense+==+1",
      "/v1/catalog/nodes?stale&consistent",
      "/v1/catalog/nodes?index=x",
      "/v1/catalog/services",
      "/v1/catalog/services?node-meta=rack:1",
      "/v1/catalog/services?filter=ServiceName+==+web",
      "/v1/catalog/service/web",
      "/v1/catalog/service/",
      "/v1/catalog/service/none",
      "/v1/catalog/service/web?tag=blue",
      "/v1/catalog/service/web?tag=blue&tag=v2",
      "/v1/catalog/service/web?near=b",
      "/v1/catalog/service/web?node-meta=rack:1",
      "/v1/catalog/service/web?filter=ServicePort+==+81",
      "/v1/catalog/service/web?peer=p",
      "/v1/catalog/service/web?ns=x",
      "/v1/catalog/connect/web",
      "/v1/catalog/node/a",
      "/v1/catalog/node/b?filter=Port+==+81",
      "/v1/catalog/node/b?filter=Port+==+1",
      "/v1/catalog/node/empty",
      "/v1/catalog/node/none",
      "/v1/catalog/node-services/a",
      "/v1/catalog/node-services/b?filter=Port+==+1",
      "/v1/catalog/node-services/empty",
      "/v1/catalog/node-services/none",
      "/v1/health/node/b",
      "/v1/health/node/none",
      "/v1/health/node/",
      "/v1/health/checks/web",
      "/v1/health/checks/web?near=b&node-meta=rack:1",
      "/v1/health/state/any",
      "/v1/health/state/critical?near=b",
      "/v1/health/state/any?filter=Status+==+passing",
      "/v1/health/state/",
      "/v1/health/service/web",
      "/v1/health/service/web?passing",
      "/v1/health/service/web?passing=no",
      "/v1/health/service/web?near=b&tag=blue",
      "/v1/health/service/web?filter=Service.Port+==+80",
      "/v1/health/service/web?sg=x",
      "/v1/health/service/web?sg=x&peer=y",
      "/v1/health/service/none",
      "/v1/health/connect/web",
      "/v1/health/ingress/web",
      "/v1/session/list",
      "/v1/session/node/a",
      "/v1/session/node/none",
      "/v1/session/node/",
      "/v1/session/info/" + session,
      "/v1/session/info/00000000-0000-0000-0000-000000000000",
      "/v1/session/info/",
      "/v1/kv/top",
      "/v1/kv/locked",
      "/v1/kv/dir/b/y",
      "/v1/kv/",
      "/v1/kv/none",
      "/v1/kv/top?raw",
      "/v1/kv/dir/b/x?raw",
      "/v1/kv/dir/b/y?raw",
      "/v1/kv/dir?recurse",
      "/v1/kv/?recurse",
      "/v1/kv/none?recurse",
      "/v1/kv/?keys",
      "/v1/kv/dir/?keys&separator=/",
      "/v1/kv/dir/?keys&seperator=/",
      "/v1/kv/none?keys",
      "/v1/kv/dir?keys&limit=x",
      "/v1/query",
      "/v1/query/" + query,
      "/v1/query/00000000-0000-0000-0000-000000000000",
      "/v1/status/leader",
      "/v1/status/peers",
      "/v1/coordinate/nodes",
      "/v1/coordinate/nodes?segment=x",
      "/v1/coordinate/node/a",
      "/v1/coordinate/node/a?segment=x",
      "/v1/coordinate/node/none",
      "/v1/internal/ui/nodes",
      "/v1/internal/ui/nodes?filter=Node+==+a",
      "/v1/internal/ui/node/a",
      "/v1/internal/ui/node/none",
      "/v1/operator/autopilot/configuration",
      "/v1/internal/ui/services",
      "/v1/internal/ui/services?filter=Service.Port+==+80",
      "/v1/operator/autopilot/health",
      "/v1/operator/autopilot/state",
  };
  for (const std::string& target : targets) {
    const std::string answer = get(kServer, target);
    ASSERT_FALSE(answer.empty()) << target;
    EXPECT_EQ(get(kAgent, target), answer) << target;
    EXPECT_EQ(get(kElsewhere, target), answer) << target;
  }
  EXPECT_EQ(get(kAgent, "/v1/operator/usage"), get(kServer, "/v1/operator/usage"));
  EXPECT_EQ(get(kAgent, "/v1/operator/usage?global"), get(kServer, "/v1/operator/usage?global"));
}

TEST_F(AskedTest, PagesAreCutFromTheWholeAnswer) {
  // The index is another one: it is that of the whole prefix, for which the servers can wait.
  const std::vector<std::string> targets = {
      "/v1/kv/?keys&limit=2",        "/v1/kv/?keys&separator=/&limit=1&after=dir/",
      "/v1/kv/?keys&after=top",      "/v1/kv/dir/?recurse&limit=1",
      "/v1/kv/dir/?recurse&limit=5", "/v1/kv/dir/?recurse&after=dir/b/y",
      "/v1/kv/none?recurse&limit=1"};
  const std::regex index("X-Consul-Index: \\d+");
  for (const std::string& target : targets) {
    const std::string answer = std::regex_replace(get(kServer, target), index, "");
    EXPECT_EQ(std::regex_replace(get(kAgent, target), index, ""), answer) << target;
  }
}

TEST_F(AskedTest, ChangesAreMadeElsewhere) {
  struct Change {
    std::string method, target, body{};
  };
  const std::vector<Change> changes = {
      {"PUT", "/v1/kv/new", "v"},
      {"PUT", "/v1/kv/new?cas=1", "v"},
      {"PUT", "/v1/kv/new?cas=x", "v"},
      {"PUT", "/v1/kv/", "v"},
      {"DELETE", "/v1/kv/new"},
      {"DELETE", "/v1/kv/new?recurse&cas=1"},
      {"PUT", "/v1/catalog/register", R"({"Node":"w","Address":"10.0.0.9","Datacenter":"dc1"})"},
      {"PUT", "/v1/catalog/register", R"({"Address":"10.0.0.9","Datacenter":"dc1"})"},
      {"PUT", "/v1/catalog/register", "{"},
      {"PUT", "/v1/catalog/deregister", R"({"Node":"w","Datacenter":"dc1"})"},
      {"PUT", "/v1/catalog/deregister", R"({"Datacenter":"dc1"})"},
      {"PUT", "/v1/session/renew/" + session},
      {"PUT", "/v1/session/renew/00000000-0000-0000-0000-000000000000"},
      {"PUT", "/v1/session/destroy/00000000-0000-0000-0000-000000000000"},
      {"PUT", "/v1/session/destroy/"},
      {"PUT", "/v1/txn", R"([{"KV":{"Verb":"get","Key":"top"}}])"},
      {"PUT", "/v1/txn", R"([{"KV":{"Verb":"get","Key":"none"}},{"KV":{"Verb":"set","Key":"a","Value":"MQ=="}}])"},
      {"PUT", "/v1/txn", R"([{"KV":{"Verb":"set","Key":"a","Value":"MQ=="}},null])"},
      {"PUT", "/v1/query/" + query, R"({"Name":"q","Service":{"Service":"web"}})"},
      {"PUT", "/v1/query/" + query, R"({"Name":"q"})"},
      {"DELETE", "/v1/query/00000000-0000-0000-0000-000000000000"},
      {"PUT", "/v1/coordinate/update", R"({"Node":"a","Coord":{"Vec":[1],"Error":1.5,"Height":0.00001}})"},
      {"PUT", "/v1/operator/autopilot/configuration?cas=1", R"({"MaxTrailingLogs":9})"},
  };
  for (const auto& [method, target, body] : changes) {
    const std::string answer = ask(kServer, method, target, body);
    EXPECT_EQ(ask(kAgent, method, target, body), answer) << method << target;
    if (answer.contains("Conflicting flags")) continue;  // all of them are shown, ?dc among them
    EXPECT_EQ(ask(kElsewhere, method, target, body), answer) << method << target;
  }
  const std::string created = ask(kElsewhere, "PUT", "/v1/session/create", R"({"Node":"a","Checks":[]})");
  EXPECT_EQ(status_of(created), 200);
  EXPECT_NE(get(kServer, "/v1/session/list").find(body_of(created).substr(7, 36)), std::string::npos);
  EXPECT_EQ(body_of(ask(kAgent, "PUT", "/v1/session/create?dc=dc2", R"({"Node":"a","Checks":[]})")),
            "cross datacenter lock must be created at server agent");
}

TEST_F(AskedTest, ATransactionHasTheHeadersOfAReadAndNoHoles) {
  const std::string read = ask(kServer, "PUT", "/v1/txn", R"([{"KV":{"Verb":"get","Key":"top"}}])");
  EXPECT_TRUE(read.contains("X-Consul-Knownleader: true\r\n") && read.contains("X-Consul-Lastcontact: 0\r\n")) << read;
  const std::string hole =
      ask(kServer, "PUT", "/v1/txn", R"([{"KV":{"Verb":"set","Key":"hole","Value":"MQ=="}},null])");
  EXPECT_EQ(status_of(hole), 400);
  EXPECT_EQ(body_of(hole), "Failed to parse body: operation 1 is null");
  EXPECT_EQ(status_of(get(kServer, "/v1/kv/hole")), 404);
}

TEST_F(AskedTest, AWaitEndsWithAChangeThereAndIsGivenUpWithItsClient) {
  const std::uint64_t index = index_of(get(kAgent, "/v1/kv/top"));
  Client& waiting = clients[kAgent];
  waiting.send("GET /v1/kv/top?wait=60s&index=" + std::to_string(index) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return rpc::blocking_calls() > 0; }));
  put("/v1/kv/top", "new");
  EXPECT_NE(waiting.receive().find("\"bmV3\""), std::string::npos);
  EXPECT_TRUE(eventually([&] { return caller->running == 0; }));

  waiting.send("GET /v1/kv/none?wait=60s&index=1000000 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return rpc::blocking_calls() > 0; }));
  clients[kAgent].half_close();
  EXPECT_TRUE(eventually([&] { return caller->running == 0 && rpc::blocking_calls() == 0; }));
}

TEST_F(AskedTest, WhatIsTooStaleIsAskedAgainOfTheLeader) {
  caller->late = base::seconds(30);
  const int before = caller->calls;
  const std::string fresh = get(kAgent, "/v1/catalog/nodes?max_stale=10s");
  EXPECT_EQ(caller->calls, before + 2);
  EXPECT_NE(fresh.find("X-Consul-Lastcontact: 0\r\n"), std::string::npos);
  EXPECT_NE(get(kAgent, "/v1/catalog/nodes?max_stale=60s").find("X-Consul-Lastcontact: 30000\r\n"), std::string::npos);
  EXPECT_NE(get(kAgent, "/v1/catalog/nodes?stale").find("X-Consul-Lastcontact: 30000\r\n"), std::string::npos);
}

TEST_F(AskedTest, WhatIsCachedIsKeptUpToDate) {
  const std::string target = "/v1/catalog/service/web?cached";
  const std::string first = get(kAgent, target);
  EXPECT_NE(first.find("X-Cache: MISS\r\n"), std::string::npos);
  EXPECT_EQ(body_of(first), body_of(get(kServer, "/v1/catalog/service/web")));
  const std::string second = get(kAgent, target);
  EXPECT_NE(second.find("Age: 0\r\nX-Cache: HIT\r\n"), std::string::npos) << second;
  EXPECT_EQ(body_of(second), body_of(first));
  EXPECT_EQ(index_of(second), index_of(first));
  // One query waits for a change, however many come.
  ASSERT_TRUE(eventually([&] { return rpc::blocking_calls() == 1; }));
  const int calls = caller->calls;
  for (int i = 0; i < 5; ++i) get(kAgent, target);
  EXPECT_EQ(caller->calls, calls);
  put("/v1/catalog/register", R"({"Node":"c","Address":"10.0.0.5","Service":{"ID":"web3","Service":"web","Port":83}})");
  EXPECT_TRUE(eventually([&] { return get(kAgent, target).contains("web3"); }));
  // An index that has passed is answered at once, a newer one when there is something newer.
  EXPECT_NE(get(kAgent, target + "&index=" + std::to_string(index_of(first))).find("X-Cache: HIT"), std::string::npos);
  const std::string now = get(kAgent, target);
  Client& waiting = clients[kAgent];
  waiting.send("GET " + target + "&wait=60s&index=" + std::to_string(index_of(now)) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  put("/v1/catalog/deregister", R"({"Node":"c"})");
  const std::string later = waiting.receive();
  EXPECT_NE(later.find("X-Cache: MISS"), std::string::npos);
  EXPECT_FALSE(later.contains("web3"));
  // Time runs out for who waits for what does not change.
  waiting.send("GET " + target + "&wait=10ms&index=" + std::to_string(index_of(later)) +
               " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(waiting.receive()), body_of(later));
}

TEST_F(AskedTest, TheCacheKeepsWhatItHasWhenServersFail) {
  const std::string target = "/v1/catalog/services?cached";
  const std::string good = body_of(get(kAgent, target));
  caller->text = "No known Consul servers";
  caller->fails = true;
  put("/v1/catalog/register", R"({"Node":"c","Address":"10.0.0.5","Service":{"Service":"other","Port":83}})");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(get(kAgent, target).contains("X-Cache: HIT"));
  // What is not there is asked for, and its error told.
  const std::string error = get(kAgent, "/v1/catalog/service/web?cached");
  EXPECT_EQ(status_of(error), 500);
  EXPECT_EQ(body_of(error), caller->text);
  caller->fails = false;
  EXPECT_EQ(status_of(get(kAgent, "/v1/catalog/service/web?cached")), 200);
  EXPECT_EQ(body_of(get(kAgent, "/v1/catalog/service/?cached")), "Missing service name");
}

/// One server for whatever is asked.
struct OneServer final : rpc::ArchiveServers {
  Result<base::net::Destination> archive_server(std::string_view datacenter) override {
    if (datacenter != "dc1") return base::Error{base::Errc::not_found, rpc::kNoPath};
    return base::net::Destination{.address = address};
  }
  std::string address{};
};

TEST_F(AskedTest, ArchivesComeFromServersAndGoToThem) {
  rpc::SnapshotService archives(loops[1], rpc::Services{.server = *server, .cluster = server.get()}, cluster, *pool,
                                "");
  rpc::Port::Options options;
  options.snapshot = [&](base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                         std::shared_ptr<const void> place) {
    archives.accept(std::move(socket), std::move(tls), std::move(place));
  };
  rpc::Port port(loops, *dispatcher, std::move(options));
  OneServer one;
  one.address = "127.0.0.1:" + std::to_string(*port.listen("127.0.0.1", 0));
  for (Context* context : {&agent, &elsewhere}) context->archives = &one;
  base::Background background;
  here.background = &background;

  for (const Which which : {kAgent, kElsewhere}) {
    put("/v1/kv/saved", "yes");
    clients[which].send("GET /v1/snapshot?dc=dc1 HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = clients[which].receive(20s);
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_NE(answer.find("Content-Type: application/x-gzip\r\n"), std::string::npos);
    EXPECT_GT(index_of(answer), 1U);
    const std::string archive = unchunked(body_of(answer));
    EXPECT_TRUE(archive.starts_with("\x1f\x8b"));
    put("/v1/kv/saved", "no");
    EXPECT_EQ(status_of(ask(which, "PUT", "/v1/snapshot", archive)), 200);
    EXPECT_EQ(body_of(get(kServer, "/v1/kv/saved?raw")), "yes");
    const std::string broken = ask(which, "PUT", "/v1/snapshot", "no archive");
    EXPECT_EQ(status_of(broken), 500);
    EXPECT_NE(body_of(broken).find("gzip: invalid header"), std::string::npos) << broken;
  }
  EXPECT_EQ(body_of(ask(kAgent, "GET", "/v1/snapshot?dc=dc3")), "No path to datacenter");
  one.address = "127.0.0.1:1";
  EXPECT_NE(body_of(ask(kAgent, "GET", "/v1/snapshot")).find("connection refused"), std::string::npos);
  port.stop();
  archives.stop();
}

TEST_F(AskedTest, WhateverServersReplyCanBeShown) {
  Request request;
  request.rest = "name";
  request.options.datacenter = "dc1";
  elsewhere.settings.translate_wan_addresses = true;
  int shown = 0;
  for (const auto& file : std::filesystem::directory_iterator(PROCONSUL_SOURCE_DIR "/tests/fuzz/corpus/asked_reply")) {
    std::ifstream input(file.path(), std::ios::binary);
    const std::string reply = std::string(std::istreambuf_iterator<char>(input), {}).substr(1);
    for (const auto& family : all_routes()) {
      for (const Route& route : family) {
        if (!route.handler.ask) continue;
        Result<Question> question = route.handler.ask(elsewhere, request);
        if (!question || !question->call || !question->call->decode_reply(reply)) continue;
        shown += question->show({elsewhere, request}, *question->call).has_value();
      }
    }
  }
  EXPECT_GT(shown, 100);
}

TEST_F(AskedTest, AddressesOfTheWanAreShownWhereTheyAreWanted) {
  elsewhere.settings.translate_wan_addresses = true;
  EXPECT_NE(get(kElsewhere, "/v1/catalog/nodes").find(R"("Address":"198.51.100.1")"), std::string::npos);
  EXPECT_NE(get(kElsewhere, "/v1/catalog/service/web").find(R"("ServiceAddress":"198.51.100.2")"), std::string::npos);
  EXPECT_NE(get(kElsewhere, "/v1/health/service/web").find(R"("Port":8081)"), std::string::npos);
  EXPECT_EQ(get(kServer, "/v1/catalog/nodes").find(R"("Address":"198.51.100.1")"), std::string::npos);
}

TEST_F(AskedTest, ErrorsOfServersHaveTheStatusThatTheirTextsMean) {
  caller->fails = true;
  const std::vector<std::pair<std::string, int>> errors = {
      {"No path to datacenter", 500},
      {"Remote DC has no server currently reachable", 500},
      {"rpc error making call: Permission denied: token with AccessorID 'x' lacks permission 'key:read' on \"a\"", 403},
      {"rpc error making call: ACL not found", 403},
      {"rpc error making call: rate limit exceeded, try again later or against a different server", 429},
      {"rpc error making call: rate limit exceeded for operation that can only be performed by the leader, try again "
       "later",
       503},
      {"RPC rate limit exceeded", 429},
      {"No cluster leader", 500}};
  for (const auto& [text, status] : errors) {
    caller->text = text;
    for (const std::string& answer :
         {get(kAgent, "/v1/catalog/nodes"), get(kAgent, "/v1/kv/a"), ask(kAgent, "PUT", "/v1/kv/a", "x")}) {
      EXPECT_EQ(status_of(answer), status) << text;
      EXPECT_EQ(body_of(answer), text);
    }
  }
}

}  // namespace
}  // namespace proconsul::agent::http
