// What a server that leads does with a peering that it dials, and a server of the other side that is played here.
#include "agent/peering/duties.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "agent/grpc/frame.h"
#include "agent/grpc/port.h"
#include "agent/peering/caller.h"
#include "agent/peering/test_server.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"
#include "catalog/types/config_mesh.h"

namespace proconsul::agent::peering {
namespace {

using base::Result;
using catalog::Command;

constexpr const char* kId = "our-id";

ReplicationMessage asking_for(const char* url) {
  ReplicationMessage message;
  message.request.emplace().ResourceURL = url;
  return message;
}

ReplicationMessage heartbeat() {
  ReplicationMessage message;
  message.heartbeat.emplace();
  return message;
}

/// The other side's end of a stream. `heard` and `send` from any thread.
class Remote {
 public:
  class Handler final : public grpc::Handler {
   public:
    Handler(Remote& remote, grpc::Call& call) : remote_(remote) {
      const std::lock_guard lock(remote_.mutex_);
      remote_.call_ = &call;
    }
    ~Handler() override {
      const std::lock_guard lock(remote_.mutex_);
      remote_.call_ = nullptr;
      remote_.changed_.notify_all();
    }
    void received(std::string_view bytes) override {
      ReplicationMessage message;
      EXPECT_TRUE(schema().parse(bytes, message));
      const std::lock_guard lock(remote_.mutex_);
      remote_.heard_.push_back(std::move(message));
      remote_.changed_.notify_all();
    }
    void finished() override {}

   private:
    Remote& remote_;
  };

  /// Until this many have come; those that have.
  std::vector<ReplicationMessage> heard(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return heard_.size() >= count; }));
    return heard_;
  }
  /// Of these what was shown, once that is so much.
  std::vector<Response> shown(std::size_t count) {
    std::unique_lock lock(mutex_);
    std::vector<Response> found;
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      found.clear();
      for (const ReplicationMessage& each : heard_) {
        if (each.response) found.push_back(*each.response);
      }
      return found.size() >= count;
    }));
    return found;
  }
  /// All at once.
  void send(const std::vector<ReplicationMessage>& messages) {
    auto frames = std::make_shared<std::string>();
    for (const ReplicationMessage& each : messages) {
      grpc::append_frame(*frames, [&] { schema().append(*frames, each); });
    }
    act([frames](grpc::Call& call) { call.send(frames); });
  }
  void act(const std::function<void(grpc::Call&)>& what) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return call_ != nullptr; }));
    base::net::Loop& loop = call_->loop();
    lock.unlock();
    loop.run([&] {
      if (call_) what(*call_);
    });
  }
  bool is_over() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return call_ == nullptr; });
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  grpc::Call* call_ = nullptr;
  std::vector<ReplicationMessage> heard_{};
};

class PeeringDuties : public testing::Test {
 protected:
  void SetUp() override { address = "127.0.0.1:" + std::to_string(*port.listen_tcp("127.0.0.1", 0, nullptr)); }
  void TearDown() override {
    duties.stop();
    peers.stop();
    port.stop();
    remote_server.stop();
  }
  grpc::Services services() {
    grpc::Services all;
    all.add(std::string(kPeerStreamService),
            {{.name = "StreamResources", .shape = grpc::Shape::both_stream, .start = [this](grpc::Call& call) {
                return std::make_unique<Remote::Handler>(remote, call);
              }}});
    return all;
  }
  /// Establishes it, as far as this side goes.
  void dial() {
    catalog::PeeringWriteRequest write;
    catalog::Peering& peering = write.Peering.emplace();
    peering.ID = kId;
    peering.Name = "west";
    peering.PeerID = "their-id";
    peering.PeerServerAddresses.push_back(address);
    peering.State = static_cast<std::int32_t>(catalog::PeeringState::establishing);
    catalog::SecretsWriteRequest& secrets = write.SecretsRequest.emplace();
    secrets.PeerID = kId;
    secrets.establish.emplace().active_stream_secret = "secret";
    apply(catalog::encode_peering_command(Command::peering_write, write));
    duties.start();
  }
  void apply(const std::string& command) {
    const Result<catalog::ApplyResult> applied = server.apply_now(command);
    ASSERT_TRUE(applied) << applied.error().detail;
    ASSERT_EQ(applied->error(), nullptr) << applied->error()->detail;
  }
  catalog::Peering shown() {
    const auto view = server.view();
    const catalog::Peering* peering = catalog::find_peering(view->tables(), "west");
    return tracker.shown(peering ? *peering : catalog::Peering());
  }
  std::string state() { return catalog::peering_state_name(shown().State); }
  bool eventually(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Remote remote{};
  std::string address{};
  base::net::Loops loops{1};  // what comes together is heard together
  test::LeadingServer server{};
  Tracker tracker{base::system_clock()};
  PeerClient peers{loops};
  Streams streams{{.loops = loops, .server = server, .tracker = tracker, .datacenter = "dc1"}};
  Duties duties{
      {.loops = loops, .server = server, .peers = peers, .streams = streams, .tracker = tracker, .datacenter = "dc1"}};
  grpc::Server remote_server{loops, services(), {}};
  grpc::Port port{loops, remote_server, {}};
};

TEST_F(PeeringDuties, APeeringIsActiveOnceTheOtherSideTookTheStream) {
  dial();
  const ReplicationMessage open = remote.heard(1).front();
  ASSERT_TRUE(open.open);
  EXPECT_EQ(open.open->PeerID, "their-id");
  EXPECT_EQ(open.open->StreamSecretID, "secret");
  EXPECT_EQ(state(), "ESTABLISHING");

  remote.send({asking_for(kExportedServiceListUrl), heartbeat()});

  EXPECT_TRUE(eventually([&] { return state() == "ACTIVE" && shown().StreamStatus->LastHeartbeat; }));
  EXPECT_TRUE(remote.heard(5)[4].request) << "what it asks for itself";
}

TEST_F(PeeringDuties, OneThatNobodyAnswersIsNotFailingYet) {
  address = "127.0.0.1:1";
  dial();

  EXPECT_TRUE(eventually([&] { return tracker.find(kId).has_value(); }));

  const catalog::Peering found = shown();
  EXPECT_EQ(state(), "ESTABLISHING");
  EXPECT_FALSE(found.StreamStatus->LastHeartbeat);
  EXPECT_EQ(found.StreamStatus->LastReceive->seconds, base::unix_seconds(base::Time())) << "never";
  EXPECT_GT(found.StreamStatus->LastSend->seconds, 0);
}

TEST_F(PeeringDuties, OneThatTheOtherSideRefusesFails) {
  dial();
  remote.heard(1);
  remote.act([](grpc::Call& call) { call.end({grpc::Code::permission_denied, "invalid peering stream secret"}); });

  EXPECT_TRUE(eventually([&] { return state() == "FAILING"; }));
  EXPECT_EQ(tracker.find(kId)->error, "rpc error: code = PermissionDenied desc = invalid peering stream secret");
}

// The second message met a call that was gone already, and ended the process.
TEST_F(PeeringDuties, WhatComesTogetherWithAMessageThatEndsTheStreamIsNotHeard) {
  dial();
  remote.heard(1);
  remote.send({asking_for("nonsense"), heartbeat(), heartbeat()});

  EXPECT_TRUE(eventually([&] { return state() == "FAILING"; }));
  EXPECT_TRUE(remote.is_over());
  EXPECT_EQ(tracker.find(kId)->error, "subscription request to unknown resource URL: nonsense");
  EXPECT_FALSE(tracker.find(kId)->heard_heartbeat);
}

TEST_F(PeeringDuties, AMessageThatIsNoneEndsTheStream) {
  dial();
  remote.heard(1);
  remote.send({heartbeat()});
  EXPECT_TRUE(eventually([&] { return state() == "ACTIVE"; }));

  remote.act([](grpc::Call& call) {
    auto frame = std::make_shared<std::string>();
    grpc::append_frame(*frame, [&] { *frame += "\xff"; });
    call.send(std::move(frame));
  });

  EXPECT_TRUE(eventually([&] { return state() == "FAILING"; }));
  EXPECT_TRUE(tracker.find(kId)->error.starts_with("grpc: failed to unmarshal the received message: "));
}

TEST_F(PeeringDuties, WhoDoesNotAnswerIsShownNoMoreUntilHeDoes) {
  constexpr std::size_t kServices = 1500, kMost = 1024;
  auto entry = std::static_pointer_cast<catalog::ExportedServicesConfigEntry>(
      *catalog::make_config_entry(catalog::kind::kExportedServices));
  for (std::size_t i = 0; i < kServices; ++i) {
    const std::string name = "s" + std::to_string(i);
    catalog::ExportedService& service = entry->Services.emplace_back();
    service.Name = name;
    service.Consumers.emplace_back().Peer = "west";
  }
  entry->Kind = catalog::kind::kExportedServices;
  entry->Name = "default";
  catalog::ConfigEntryRequest request;
  request.Op = "upsert";
  request.Entry = entry;
  apply(catalog::encode_config_entry_command(request));
  dial();
  remote.heard(1);
  remote.send({asking_for(kExportedServiceUrl)});
  const std::vector<Response> first = remote.shown(kMost);
  remote.act([](grpc::Call&) {});
  EXPECT_EQ(remote.shown(0).size(), kMost);

  std::vector<ReplicationMessage> answers;
  for (const Response& each : first) {
    answers.push_back(asking_for(kExportedServiceUrl));
    answers.back().request->ResponseNonce = each.Nonce;
  }
  remote.send(answers);

  std::set<std::string> names;
  for (const Response& each : remote.shown(kServices)) names.insert(each.ResourceID);
  EXPECT_EQ(names.size(), kServices);
}

}  // namespace
}  // namespace proconsul::agent::peering
