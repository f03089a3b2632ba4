// The server port whole: bytes on sockets, a single server behind it.
#include "agent/rpc/port.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <optional>

#include "agent/http/test_server.h"
#include "agent/rpc/codec.h"
#include "agent/rpc/leader_client.h"
#include "agent/rpc/snapshot.h"
#include "agent/rpc/types.h"
#include "agent/server/lone_server.h"
#include "agent/server/raft_server.h"
#include "base/msgpack_size.h"

namespace proconsul::agent::rpc {
namespace {

using namespace std::chrono_literals;
using base::Result;
using base::net::Fd;

/// A blocking socket with a bound on every wait.
class Client {
 public:
  Client(std::uint16_t port, std::string_view first) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    fd_ = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    send(first);
  }
  /// False: the other side has closed the connection.
  bool try_send(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  void send(std::string_view bytes) { EXPECT_TRUE(try_send(bytes)); }
  void ask(const std::string& method, std::string_view body, std::uint64_t seq = 1) {
    std::string bytes;
    append_header(bytes, RequestHeader{method, seq});
    send(bytes + std::string(body));
  }
  struct Answer {
    ResponseHeader header;
    std::string body;
  };
  /// Empty error and method: the connection ended.
  Answer answer() {
    for (;;) {
      const Result<Pair> pair = measure(input_, 1 << 24);
      if (pair && pair->whole()) {
        Answer answer{*read_response_header(std::string_view(input_).substr(0, pair->header)),
                      input_.substr(pair->header, pair->body)};
        input_.erase(0, pair->header + pair->body);
        return answer;
      }
      char buffer[4096];
      const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      input_.append(buffer, static_cast<std::size_t>(got));
    }
  }
  /// All that comes, to the end; nothing more is sent.
  std::string rest() {
    ::shutdown(fd_.get(), SHUT_WR);
    std::string bytes = std::move(input_);
    char buffer[65536];
    for (ssize_t got = 0; (got = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
    return bytes;
  }
  bool ended() {
    char byte = 0;
    return ::recv(fd_.get(), &byte, 1, 0) <= 0;
  }

 private:
  Fd fd_;
  std::string input_;
};

class PortTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  void start(Port::Options options, Dispatcher::Settings settings = {}) {
    stop();
    server_ = *server::RaftServer::start(server::lone_server());
    pool_ = std::make_unique<Pool>(loops_, Pool::Options{});
    dispatcher_ = std::make_unique<Dispatcher>(loops_, Services{.server = *server_, .cluster = server_.get()}, cluster_,
                                               *pool_, std::move(settings));
    port_ = std::make_unique<Port>(loops_, *dispatcher_, std::move(options));
    number_ = *port_->listen("127.0.0.1", 0);
    while (!server_->is_ready()) std::this_thread::sleep_for(1ms);
  }
  void TearDown() override { stop(); }
  void stop() {
    if (port_) port_->stop();
    if (dispatcher_) dispatcher_->stop();
    if (pool_) pool_->stop();
    if (server_) server_->stop();
    port_.reset();
    dispatcher_.reset();
    pool_.reset();
    server_.reset();
  }
  Target self() const { return {"dc1", "n1", "127.0.0.1:" + std::to_string(number_)}; }

  /// Through the pool, as a server forwards a call.
  template <class Req, class Rep>
  Result<Rep> call(const std::string& method, Req request) {
    auto invocation = std::make_shared<TypedInvocation<Req, Rep>>();
    invocation->request = std::move(request);
    std::promise<Result<>> done;
    std::unique_ptr<Pool::Call> running;
    loops_[0].run([&] {
      running = pool_->call(loops_[0], self(), method, invocation, [&](Result<> result) { done.set_value(result); });
    });
    const Result<> result = done.get_future().get();
    loops_[0].run([&] { running.reset(); });
    if (!result) return result.error();
    return invocation->reply;
  }
  Result<bool> put(const std::string& key, const std::string& value) {
    catalog::KVSRequest request;
    request.Op = "set";
    request.DirEnt.Key = key;
    request.DirEnt.Value = base::Bytes(value);
    return call<catalog::KVSRequest, bool>("KVS.Apply", request);
  }

  base::net::Loops loops_{2};
  NoCluster cluster_;
  std::unique_ptr<server::RaftServer> server_;
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Port> port_;
  std::uint16_t number_ = 0;
};

TEST_F(PortTest, CallsAreAnsweredOneAfterTheOther) {
  Client client(number_, std::string(1, 0));
  client.ask("Status.Ping", "\x80", 7);
  client.ask("Status.Leader", base::to_msgpack(DCSpecificRequest{}), 8);
  const Client::Answer ping = client.answer();
  EXPECT_EQ(ping.header.error, "");
  EXPECT_EQ(ping.header.seq, 7u);
  EXPECT_EQ(ping.header.service_method, "Status.Ping");
  EXPECT_EQ(ping.body, "\x80");
  EXPECT_EQ(*base::from_msgpack<std::string>(client.answer().body), "127.0.0.1:8300");
}

TEST_F(PortTest, AnUnknownMethodIsAnsweredAndTheConnectionEnds) {
  const std::pair<std::string, std::string> cases[] = {
      {"Status.Nope", "rpc: can't find method Status.Nope"},
      {"Foo.Bar", "rpc: can't find service Foo.Bar"},
      {"Foo", "rpc: service/method request ill-formed: Foo"},
  };
  for (const auto& [method, error] : cases) {
    Client client(number_, std::string(1, 0));
    client.ask(method, "\x80");
    const Client::Answer answer = client.answer();
    EXPECT_EQ(answer.header.error, error);
    EXPECT_EQ(answer.body, kEmptyBody);
    EXPECT_TRUE(client.ended());
  }
}

TEST_F(PortTest, AnErrorOfTheApplicationLeavesTheConnectionOpen) {
  Client client(number_, std::string(1, 0));
  catalog::KVSRequest request;
  request.Op = "set";
  client.ask("KVS.Apply", base::to_msgpack(request));
  EXPECT_EQ(client.answer().header.error, "Must provide key");
  client.ask("Status.Ping", "\x80");
  EXPECT_EQ(client.answer().header.service_method, "Status.Ping");
}

TEST_F(PortTest, WhatIsNoCallEndsTheConnection) {
  Client client(number_, std::string(1, 0));
  client.send("\xc1garbage");
  EXPECT_TRUE(client.ended());
  Client huge(number_, std::string(1, 0));
  huge.ask("KVS.Apply", std::string("\x81\xa1x\xdb\x7f\xff\xff\xff", 8));
  EXPECT_NE(huge.answer().header.error, "");
  EXPECT_TRUE(huge.ended());
}

TEST_F(PortTest, KindsThatAreNotSpokenAreClosed) {
  for (const int kind : {1, 2, 3, 5, 6, 7, 8, 9, 10, 22, 255}) {
    Client client(number_, std::string(1, static_cast<char>(kind)));
    EXPECT_TRUE(client.ended()) << kind;
  }
}

TEST_F(PortTest, AClientHasOnlySoManyConnections) {
  start({.most_connections_per_client = 2});
  Client first(number_, std::string(1, 0));
  {
    Client second(number_, std::string(1, 0));
    second.ask("Status.Ping", "\x80");
    second.answer();
    Client third(number_, "");
    EXPECT_TRUE(third.ended());
  }
  // A place that was given back is free once the server has seen the end.
  for (;;) {
    Client again(number_, "");
    std::string bytes(1, 0);
    append_header(bytes, RequestHeader{"Status.Ping", 1});
    if (again.try_send(bytes + "\x80") && again.answer().header.service_method == "Status.Ping") break;
  }
}

TEST_F(PortTest, WhoSaysNothingIsCutOff) {
  start({.handshake_timeout = 10ms});
  Client silent(number_, "");
  EXPECT_TRUE(silent.ended());
}

TEST_F(PortTest, WithVerifyIncomingNothingPlainIsServed) {
  start({.tls = {.verify_incoming = true}});
  Client client(number_, std::string(1, 0));
  EXPECT_TRUE(client.ended());
}

TEST_F(PortTest, ARefusedOperationEndsTheConnection) {
  Port::Options options;
  options.serving.limit = [](const Method& method, const std::string&) -> Result<> {
    if (method.name != "KVS.Apply") return {};
    return {base::Errc::unavailable, "rate limit exceeded, try again later or against a different server"};
  };
  start(std::move(options));
  Client client(number_, std::string(1, 0));
  client.ask("KVS.Apply", "");
  EXPECT_EQ(client.answer().header.error, "rate limit exceeded, try again later or against a different server");
  EXPECT_TRUE(client.ended());
}

TEST_F(PortTest, ThePoolWritesAndReads) {
  ASSERT_TRUE(*put("a/b", "hello"));
  KeyRequest request;
  request.Key = "a/b";
  const Result<IndexedDirEntries> found = call<KeyRequest, IndexedDirEntries>("KVS.Get", request);
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->Entries.size(), 1u);
  EXPECT_EQ(std::string(found->Entries[0]->Value), "hello");
  EXPECT_TRUE(found->KnownLeader);
  EXPECT_EQ(found->Index, found->Entries[0]->ModifyIndex);

  request.Key = "none";
  const Result<IndexedDirEntries> none = call<KeyRequest, IndexedDirEntries>("KVS.Get", request);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->Entries.is_nil());
  EXPECT_GT(none->Index, 0u);
}

TEST_F(PortTest, ABlockingQueryWakesWithTheWrite) {
  ASSERT_TRUE(*put("k", "1"));
  KeyRequest request;
  request.Key = "k";
  const std::uint64_t index = call<KeyRequest, IndexedDirEntries>("KVS.Get", request)->Index;
  Client client(number_, std::string(1, 0));
  request.MinQueryIndex = index;
  client.ask("KVS.Get", base::to_msgpack(request));
  ASSERT_TRUE(*put("other", "1"));
  ASSERT_TRUE(*put("k", "2"));
  const Client::Answer answer = client.answer();
  const Result<IndexedDirEntries> woken = base::from_msgpack<IndexedDirEntries>(answer.body);
  ASSERT_TRUE(woken);
  EXPECT_EQ(std::string(woken->Entries[0]->Value), "2");
  EXPECT_GT(woken->Index, index);
}

TEST_F(PortTest, AWaitThatIsOverAnswersWithWhatThereIs) {
  ASSERT_TRUE(*put("k", "1"));
  KeyRequest request;
  request.Key = "k";
  request.RequireConsistent = true;
  request.MinQueryIndex = call<KeyRequest, IndexedDirEntries>("KVS.Get", request)->Index;
  request.MaxQueryTime = base::milliseconds(20);
  const Result<IndexedDirEntries> same = call<KeyRequest, IndexedDirEntries>("KVS.Get", request);
  ASSERT_TRUE(same) << same.error().detail;
  EXPECT_EQ(same->Index, request.MinQueryIndex);
}

TEST_F(PortTest, ErrorsOfThePoolHaveConsulsTexts) {
  EXPECT_EQ(put("", "x").error().detail, "rpc error making call: Must provide key");
  catalog::KVSRequest elsewhere;
  elsewhere.Datacenter = "dc9";
  elsewhere.Op = "set";
  elsewhere.DirEnt.Key = "a";
  const Result<bool> no_path = call<catalog::KVSRequest, bool>("KVS.Apply", elsewhere);
  EXPECT_EQ(no_path.error().detail, "rpc error making call: No path to datacenter");
  port_->stop();
  const Result<bool> gone = put("a", "b");
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().detail.starts_with("rpc error making call: EOF") ||
              gone.error().detail.starts_with("rpc error getting client: failed to get conn: dial tcp"))
      << gone.error().detail;
}

TEST_F(PortTest, ManyCallsShareOneConnection) {
  std::vector<std::shared_ptr<TypedInvocation<catalog::KVSRequest, bool>>> calls;
  std::vector<std::unique_ptr<Pool::Call>> running;
  std::promise<void> all;
  int left = 300;
  loops_[1].run([&] {
    for (int i = 0; i < 300; ++i) {
      auto& call = calls.emplace_back(std::make_shared<TypedInvocation<catalog::KVSRequest, bool>>());
      call->request.Op = "set";
      call->request.DirEnt.Key = "many/" + std::to_string(i);
      call->request.DirEnt.Value = base::Bytes(std::string(i % 100 == 0 ? 300'000 : 10, 'x'));
      running.push_back(pool_->call(loops_[1], self(), "KVS.Apply", call, [&](Result<> result) {
        EXPECT_TRUE(result) << result.error().detail;
        if (--left == 0) all.set_value();
      }));
    }
  });
  all.get_future().get();
  loops_[1].run([&] { running.clear(); });
  KeyListRequest request;
  request.Prefix = "many/";
  EXPECT_EQ((call<KeyListRequest, IndexedKeyList>("KVS.ListKeys", request)->Keys.size()), 300u);
}

TEST_F(PortTest, ACallThatIsDroppedLeavesThePoolWhole) {
  KeyRequest request;
  request.Key = "never";
  request.MinQueryIndex = 1'000'000;
  auto invocation = std::make_shared<TypedInvocation<KeyRequest, IndexedDirEntries>>();
  invocation->request = request;
  loops_[0].run([&] {
    const auto running =
        pool_->call(loops_[0], self(), "KVS.Get", invocation, [](Result<>) { ADD_FAILURE() << "it was dropped"; });
  });
  EXPECT_TRUE(*put("a", "b"));
}

TEST_F(PortTest, TheFamiliesAnswer) {
  catalog::RegisterRequest node;
  node.Node = "web-1";
  node.Address = "10.0.0.1";
  catalog::NodeService& service = node.Service.emplace();
  service.Service = "web";
  service.Port = 80;
  service.Tags = {"blue"};
  ASSERT_TRUE((call<catalog::RegisterRequest, Nothing>("Catalog.Register", node)));

  ServiceSpecificRequest web;
  web.ServiceName = "web";
  const auto health = call<ServiceSpecificRequest, IndexedCheckServiceNodes>("Health.ServiceNodes", web);
  ASSERT_TRUE(health) << health.error().detail;
  ASSERT_EQ(health->Nodes.size(), 1u);
  web.TagFilter = true;
  web.ServiceTags = {"green"};
  EXPECT_TRUE((call<ServiceSpecificRequest, IndexedServiceNodes>("Catalog.ServiceNodes", web)->ServiceNodes.empty()));
  EXPECT_EQ((call<DCSpecificRequest, IndexedServices>("Catalog.ListServices", {})->Services.count("web")), 1u);
  EXPECT_GE((call<DCSpecificRequest, IndexedNodes>("Catalog.ListNodes", {})->Nodes.size()), 1u);

  catalog::SessionRequest session;
  session.Op = "create";
  session.Session.Node = "web-1";
  const Result<std::string> id = call<catalog::SessionRequest, std::string>("Session.Apply", session);
  ASSERT_TRUE(id) << id.error().detail;
  SessionSpecificRequest mine;
  mine.SessionID = *id;
  EXPECT_EQ((call<SessionSpecificRequest, IndexedSessions>("Session.Get", mine)->Sessions.size()), 1u);

  EXPECT_EQ((call<DCSpecificRequest, base::List<std::string>>("Status.Peers", {})->size()), 1u);
  const auto raft = call<DCSpecificRequest, RaftConfigurationResponse>("Operator.RaftGetConfiguration", {});
  ASSERT_TRUE(raft);
  EXPECT_EQ(raft->Servers.size(), 1u);
}

/// Another server leads.
struct OneLeader final : Cluster {
  Result<Target> leader() const override { return target; }
  Result<Target> route(std::string_view datacenter) const override {
    if (datacenter == "dc2") return target;
    return base::Error{base::Errc::not_found, kNoPath};
  }
  bool leads() const override { return leads_here; }
  Target target;
  std::atomic<bool> leads_here{false};
};

TEST_F(PortTest, WhoLeadsByNowAsksNobodyForAnIndex) {
  OneLeader cluster;
  cluster.leads_here = true;
  http::test::StoreServer server;
  Dispatcher dispatcher(loops_, Services{.server = server}, cluster, *pool_, {});
  LeaderClient client(loops_, cluster, *pool_, base::seconds(7));
  client.attach(dispatcher);

  std::promise<Result<std::uint64_t>> said;
  client.read_index([&](Result<std::uint64_t> index) { said.set_value(std::move(index)); });

  EXPECT_EQ(said.get_future().get().error().detail, "No cluster leader");
  client.detach();
  dispatcher.stop();
}

TEST_F(PortTest, AServerThatDoesNotLeadForwardsChangesReadsAndReadIndexes) {
  http::test::StoreServer follower;
  follower.leads = false;
  OneLeader cluster;
  cluster.target = self();
  Dispatcher dispatcher(loops_, Services{.server = follower}, cluster, *pool_, {});
  LeaderClient client(loops_, cluster, *pool_, base::seconds(7));
  client.attach(dispatcher);

  catalog::KVSRequest change;
  change.Op = "set";
  change.DirEnt.Key = "forwarded";
  std::promise<Result<catalog::ApplyResult>> applied;
  client.apply(catalog::encode_command(catalog::Command::kvs, change),
               [&](Result<catalog::ApplyResult> result) { applied.set_value(std::move(result)); });
  const Result<catalog::ApplyResult> result = applied.get_future().get();
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_TRUE(result->succeeded());

  std::promise<Result<std::uint64_t>> said;
  client.read_index([&](Result<std::uint64_t> index) { said.set_value(std::move(index)); });
  const Result<std::uint64_t> index = said.get_future().get();
  ASSERT_TRUE(index) << index.error().detail;
  EXPECT_GE(*index, server_->view()->applied_index());

  const auto read = std::make_shared<TypedInvocation<KeyRequest, IndexedDirEntries>>();
  read->request.Key = "forwarded";
  std::promise<Result<>> answered;
  std::unique_ptr<Running> running;
  loops_[1].run([&] {
    running =
        dispatcher.call(loops_[1], *find_method("KVS.Get"), read, [&](Result<> done) { answered.set_value(done); });
  });
  EXPECT_TRUE(answered.get_future().get());
  EXPECT_EQ(read->reply.Entries.size(), 1u);
  loops_[1].run([&] { running.reset(); });
  client.detach();
  dispatcher.stop();
}

TEST_F(PortTest, ACallForWhichNobodyLeadsWaitsForALeaderAWhile) {
  http::test::StoreServer follower;
  follower.leads = false;
  Dispatcher dispatcher(loops_, Services{.server = follower}, cluster_, *pool_,
                        {.times = {.rpc_hold_timeout = base::milliseconds(50)}});
  const auto read = std::make_shared<TypedInvocation<KeyRequest, IndexedDirEntries>>();
  std::promise<Result<>> answered;
  std::unique_ptr<Running> running;
  loops_[1].run([&] {
    running =
        dispatcher.call(loops_[1], *find_method("KVS.Get"), read, [&](Result<> done) { answered.set_value(done); });
  });
  EXPECT_EQ(answered.get_future().get().error().detail, "No cluster leader");
  loops_[1].run([&] { running.reset(); });

  dispatcher.stop();
}

TEST_F(PortTest, AnArchiveGoesOutAndComesIn) {
  std::optional<SnapshotService> snapshots;
  Port::Options options;
  options.snapshot = [&snapshots](Fd socket, std::unique_ptr<base::net::TlsStream> tls,
                                  std::shared_ptr<const void> place) {
    snapshots->accept(std::move(socket), std::move(tls), std::move(place));
  };
  start(std::move(options));
  snapshots.emplace(loops_[1], Services{.server = *server_, .cluster = server_.get()}, cluster_, *pool_, "");
  ASSERT_TRUE(*put("kept", std::string(400'000, 'x')));

  const std::string kind(1, 5);
  SnapshotRequest save{};
  Client saving(number_, kind + base::to_msgpack(save));
  const std::string bytes = saving.rest();
  const Result<std::size_t> header = base::msgpack_size(bytes, 1 << 16);
  ASSERT_TRUE(header && *header > 0);
  const Result<SnapshotResponse> response = base::from_msgpack<SnapshotResponse>(bytes);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->Error, "");
  EXPECT_GT(response->Index, 0u);
  const std::string archive = bytes.substr(*header);
  ASSERT_TRUE(archive.starts_with("\x1f\x8b"));

  ASSERT_TRUE(*put("later", "x"));
  SnapshotRequest restore{};
  restore.Op = 1;
  Client restoring(number_, kind + base::to_msgpack(restore) + archive);
  EXPECT_EQ(base::from_msgpack<SnapshotResponse>(restoring.rest())->Error, "");
  KeyListRequest request;
  EXPECT_EQ((call<KeyListRequest, IndexedKeyList>("KVS.ListKeys", request)->Keys), base::List<std::string>({"kept"}));

  Client broken(number_, kind + base::to_msgpack(restore) + "no archive");
  EXPECT_NE(base::from_msgpack<SnapshotResponse>(broken.rest())->Error, "");
  save.Datacenter = "dc9";
  Client elsewhere(number_, kind + base::to_msgpack(save));
  EXPECT_EQ(base::from_msgpack<SnapshotResponse>(elsewhere.rest())->Error, "No path to datacenter");
  snapshots.reset();
}

}  // namespace
}  // namespace proconsul::agent::rpc
