#include "agent/rpc/raft_transport.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <optional>

#include "base/json.h"
#include "base/value.h"
#include "raft/lines_fsm.h"
#include "raft/node.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::rpc {
namespace {

using namespace std::chrono_literals;
using base::Result;
using base::net::Fd;
using raft::Body;
using raft::Message;

constexpr auto kPatience = 30s;

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// Takes connections of kind 1 for a transport, on a thread of its own.
class Port {
 public:
  Port() : listener_(*base::net::listen_tcp("127.0.0.1", 0)) { address_ = base::net::local_name(listener_.get()); }
  ~Port() { close(); }
  void open(RaftTransport& transport) {
    loop_.run([&] {
      acceptor_ = std::make_unique<base::net::Acceptor>(loop_, std::move(listener_), [&transport](Fd fd) {
        pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
        char kind = 0;
        ::poll(&ready, 1, 10'000);
        if (::recv(fd.get(), &kind, 1, 0) == 1 && kind == 1) transport.accept(std::move(fd), nullptr);
      });
    });
  }
  void close() {
    loop_.run([&] { acceptor_.reset(); });
  }
  const std::string& address() const { return address_; }

 private:
  base::net::Loops loops_{1};
  base::net::Loop& loop_ = loops_[0];
  Fd listener_;
  std::string address_;
  std::unique_ptr<base::net::Acceptor> acceptor_;
};

/// What a transport tells its node.
class Heard final : public raft::TransportHandler {
 public:
  void receive(Message message) override {
    const std::lock_guard lock(mutex_);
    received_.push_back(std::move(message));
    changed_.notify_all();
  }
  void request_failed(raft::ServerId, std::uint64_t call) override {
    const std::lock_guard lock(mutex_);
    failed_.push_back(call);
    changed_.notify_all();
  }
  void peer_gone(raft::ServerId peer) override {
    const std::lock_guard lock(mutex_);
    gone_.push_back(peer.value);
    changed_.notify_all();
  }
  std::vector<std::string> gone(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return gone_.size() >= count; });
    return gone_;
  }
  std::vector<Message> messages(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return received_.size() >= count; });
    return received_;
  }
  std::vector<std::uint64_t> failures(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return failed_.size() >= count; });
    return failed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Message> received_;
  std::vector<std::uint64_t> failed_;
  std::vector<std::string> gone_;
};

/// A peer made of a bare socket.
class RawPeer {
 public:
  explicit RawPeer(const std::string& address) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    fd_ = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::abort();
    send(std::string(1, 1));
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// So many bytes, fewer at the end of the connection.
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t more = ::recv(fd_.get(), bytes.data() + got, size - got, 0);
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
    bytes.resize(got);
    return bytes;
  }

 private:
  Fd fd_;
};

std::string vector_bytes(std::string_view wanted) {
  std::ifstream file(std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/raft.json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const Result<base::Value> parsed = base::from_json<base::Value>(text);
  for (const base::Value& each : *parsed->find("vectors")->as_list()) {
    if (*each.find("name")->as_string() != wanted) continue;
    std::string bytes;
    const std::string& hex = *each.find("hex")->as_string();
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
  }
  ADD_FAILURE() << "no vector " << wanted;
  return {};
}

TEST(RaftTransport, AnswersComeInTheOrderOfTheRequests) {
  base::net::Loops loops(1);
  Heard heard;
  RaftTransport transport(loops[0], {.id = {"me"}, .address = "10.0.0.2:8300"});
  Port port;
  transport.start(heard);
  port.open(transport);
  RawPeer peer(port.address());
  peer.send(vector_bytes("pipeline_two_requests"));
  const std::vector<Message> asked = heard.messages(2);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].address, "10.0.0.1:8300");

  std::string expected;
  for (const std::size_t i : {1, 0}) {  // the second is ready first
    Message answer = asked[i];
    answer.body = raft::AppendResponse{.term = {7}, .last_index = {100 + i}, .success = true};
    transport.send(std::move(answer));
  }
  for (const std::size_t i : {0, 1}) {
    const Body body = raft::AppendResponse{.term = {7}, .last_index = {100 + i}, .success = true};
    raft::append_answer(expected, {.id = {"me"}, .address = "10.0.0.2:8300"}, &body);
  }
  EXPECT_EQ(peer.read(expected.size()), expected);
  transport.stop();
  EXPECT_EQ(peer.read(1), "");
}

TEST(RaftTransport, WhatIsNoRaftRpcClosesTheConnection) {
  base::net::Loops loops(1);
  Heard heard;
  RaftTransport transport(loops[0], {.id = {"me"}});
  Port port;
  transport.start(heard);
  port.open(transport);
  for (const std::string_view bytes : {std::string_view("\x07\x80"), std::string_view("\x01\xc1")}) {
    RawPeer peer(port.address());
    peer.send(bytes);
    EXPECT_EQ(peer.read(1), "");
  }
}

TEST(RaftTransport, AnOldProtocolVersionIsRefusedAndTheConnectionStays) {
  base::net::Loops loops(1);
  Heard heard;
  RaftTransport transport(loops[0], {.id = {"me"}});
  Port port;
  transport.start(heard);
  port.open(transport);
  RawPeer peer(port.address());
  std::string request;
  raft::append_request(request, {.id = {"old"}, .protocol_version = 1}, raft::TimeoutNowRequest{});
  peer.send(request + vector_bytes("timeout_now_request"));
  std::string refusal;
  raft::append_answer(refusal, {}, nullptr, "operation not supported with current protocol version");
  EXPECT_EQ(peer.read(refusal.size()), refusal);
  EXPECT_EQ(heard.messages(1).size(), 1u);
}

TEST(RaftTransport, ARequestFailsAtOnceWhenNobodyListensOrThePeerCloses) {
  base::net::Loops loops(1);
  Heard heard;
  RaftTransport transport(loops[0], {.id = {"me"}});
  transport.start(heard);
  Fd listener = *base::net::listen_tcp("127.0.0.1", 0);
  const std::string address = base::net::local_name(listener.get());
  transport.send({.peer = {"b"}, .address = address, .call = 1, .body = raft::VoteRequest{}});
  transport.send({.peer = {"b"}, .address = address, .call = 2, .body = raft::VoteRequest{}});
  pollfd ready{.fd = listener.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ready, 1, 30'000), 1);
  {
    const Fd accepted(::accept(listener.get(), nullptr, nullptr));
  }
  EXPECT_EQ(heard.failures(2), (std::vector<std::uint64_t>{1, 2}));

  listener.reset();
  transport.send({.peer = {"b"}, .address = address, .call = 3, .body = raft::VoteRequest{}});
  EXPECT_EQ(heard.failures(3), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(RaftTransport, ASilentPeerIsGivenUp) {
  base::net::Loops loops(1);
  Heard heard;
  RaftTransport transport(loops[0], {.id = {"me"}, .timeout = 20ms});
  transport.start(heard);
  const Fd listener = *base::net::listen_tcp("127.0.0.1", 0);
  transport.send(
      {.peer = {"b"}, .address = base::net::local_name(listener.get()), .call = 1, .body = raft::VoteRequest{}});
  EXPECT_EQ(heard.failures(1).size(), 1u);
}

TEST(RaftTransport, APeerIsGoneWhenItsConnectionsAreClosedAndItsHostRefusesOthers) {
  base::net::Loops loops(1);
  Heard heard;
  RaftTransport transport(loops[0], {.id = {"me"}});
  Port port;
  transport.start(heard);
  port.open(transport);
  Fd listener = *base::net::listen_tcp("127.0.0.1", 0);
  const std::string listening = base::net::local_name(listener.get());
  const Fd other = *base::net::listen_tcp("127.0.0.1", 0);
  const auto call = [&](RawPeer& peer, const char* name, const std::string& address) {
    std::string request;
    raft::append_request(request, {.id = {name}, .address = address}, raft::AppendRequest{});
    const std::size_t before = heard.messages(0).size();
    peer.send(request);
    heard.messages(before + 1);
  };
  std::optional<RawPeer> first(port.address());
  std::optional<RawPeer> second(port.address());
  std::optional<RawPeer> living(port.address());
  call(*first, "a", listening);
  call(*second, "a", listening);
  call(*living, "b", base::net::local_name(other.get()));

  living.reset();  // it still listens
  listener.reset();
  first.reset();  // the other connection still stands
  second.reset();

  EXPECT_EQ(heard.gone(1), std::vector<std::string>{"a"});
}

/// A raft server with a state machine of lines, on loopback.
struct Member {
  Member(base::net::Loop& loop, std::string name)
      : id{std::move(name)}, transport(loop, {.id = id, .address = port.address()}) {}
  ~Member() { stop(); }
  void start(const raft::Configuration& configuration) {
    raft::NodeOptions options;
    options.id = id;
    options.address = port.address();
    options.directory = directory / id.value;
    // Long enough that a busy machine changes no leader: what he was asked for would be lost.
    options.core.heartbeat_timeout = 1000ms;
    options.core.election_timeout = 1000ms;
    options.core.leader_lease = 500ms;
    options.core.commit_timeout = 5ms;
    options.core.snapshots.threshold = 1'000'000;
    options.core.snapshots.trailing_logs = 10;
    options.bootstrap = configuration;
    Result<std::unique_ptr<raft::Node>> started = raft::Node::start(std::move(options), fsm, transport);
    ASSERT_TRUE(started) << started.error().detail;
    node = std::move(*started);
    port.open(transport);
  }
  void stop() {
    if (node) node->stop();
    port.close();
    node.reset();
  }
  raft::ServerId id;
  raft::TemporaryDirectory directory;
  Port port;
  raft::LinesFsm fsm;
  RaftTransport transport;
  std::unique_ptr<raft::Node> node;
};

Member* leader_of(std::vector<std::unique_ptr<Member>>& members) {
  Member* found = nullptr;
  eventually([&] {
    for (const auto& member : members) {
      if (member->node && member->node->is_ready()) found = member.get();
    }
    return found != nullptr;
  });
  return found;
}

TEST(RaftTransport, ThreeServersElectReplicateHandOverAndInstallSnapshots) {
  base::net::Loops loops(2);
  std::vector<std::unique_ptr<Member>> members;
  raft::Configuration configuration;
  for (const char* name : {"a", "b", "c"}) {
    members.push_back(std::make_unique<Member>(loops[members.size() % 2], name));
    configuration.servers.push_back({{name}, members.back()->port.address(), raft::Suffrage::voter});
  }
  // The third one comes when the log that it needs is gone already.
  members[0]->start(configuration);
  members[1]->start(configuration);
  Member* leader = leader_of(members);
  ASSERT_NE(leader, nullptr);
  const std::string large(300'000, 'x');
  for (int i = 0; i < 100; ++i) leader->node->propose(i % 10 == 0 ? large : std::to_string(i), [](auto) {});
  ASSERT_TRUE(
      eventually([&] { return members[0]->fsm.lines().size() == 100 && members[1]->fsm.lines().size() == 100; }));

  std::promise<bool> stored;
  leader->node->snapshot([&](Result<raft::SnapshotMeta> meta) { stored.set_value(meta.has_value()); });
  ASSERT_TRUE(stored.get_future().get());
  members[2]->start(configuration);
  ASSERT_TRUE(eventually([&] { return members[2]->fsm.lines().size() == 100; }));
  EXPECT_EQ(members[2]->fsm.lines(), leader->fsm.lines());

  leader = leader_of(members);
  std::promise<Result<>> handed;
  leader->node->transfer_leadership({}, [&](Result<> result) { handed.set_value(std::move(result)); });
  const Result<> transferred = handed.get_future().get();
  EXPECT_TRUE(transferred) << transferred.error().detail;
  Member* next = leader_of(members);
  ASSERT_NE(next, nullptr);
  std::promise<bool> proposed;
  next->node->propose("after", [&](auto result) { proposed.set_value(result.has_value()); });
  EXPECT_TRUE(proposed.get_future().get());

  next->stop();
  Member* heir = leader_of(members);
  ASSERT_NE(heir, nullptr);
  EXPECT_NE(heir, next);
  std::promise<bool> last;
  heir->node->propose("last", [&](auto result) { last.set_value(result.has_value()); });
  EXPECT_TRUE(last.get_future().get());
  for (const auto& member : members) member->stop();
}

}  // namespace
}  // namespace proconsul::agent::rpc
