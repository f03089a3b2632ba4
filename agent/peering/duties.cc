#include "agent/peering/duties.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "agent/grpc/frame.h"
#include "agent/peering/apply_all.h"
#include "agent/peering/caller.h"
#include "agent/peering/establishment.h"
#include "base/log.h"
#include "catalog/commands.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"

namespace proconsul::agent::peering {

using base::Result;
using base::net::Clock;
using base::net::Loop;
using catalog::Command;
using catalog::Peering;
using grpc::Code;
using grpc::Status;

namespace {

const base::log::Logger kLog("agent.server.peering");
constexpr std::chrono::seconds kLook{1};
constexpr std::chrono::seconds kLongestPause{64};
constexpr std::chrono::milliseconds kFastPause{8}, kLongestFastPause{8192};
constexpr int kFastTries = 5;
constexpr int kMostDoublings = 10;
constexpr std::chrono::seconds kAcceptTime{30};  // in which the other side takes the stream

/// A follower hangs up: another address, or the same behind a load balancer, is soon the leader.
Clock::duration pause_after(int failures, Code code) {
  if (code == Code::failed_precondition) {
    if (failures <= kFastTries) return kFastPause;
    return std::min(kFastPause * (1 << std::min(failures - kFastTries, kMostDoublings)), kLongestFastPause);
  }
  if (code == Code::resource_exhausted) return kLongestFastPause;
  return std::min(std::chrono::seconds(1 << std::min(failures, kMostDoublings)), kLongestPause);
}

}  // namespace

/// Keeps a stream to one peering up.
class Duties::Dialer final : grpc::Client::User, public Transport {
 public:
  Dialer(Duties& owner, const Peering& peering, std::string secret)
      : owner_(owner), peering_(peering), secret_(std::move(secret)), again_([this] { on_time(); }) {
    resolve();
  }
  ~Dialer() override {
    *alive_ = false;
    stream_.reset();
  }
  /// Whether it dials what is known of the peering now.
  bool is_for(const Peering& peering, const std::string& secret) const {
    return secret == secret_ && peering.addresses() == peering_.addresses() &&
           peering.PeerCAPems == peering_.PeerCAPems && peering.PeerServerName == peering_.PeerServerName &&
           peering.PeerID == peering_.PeerID;
  }
  bool connected() const { return stream_ != nullptr; }
  void terminate() {
    if (stream_) stream_->terminate();
  }

 private:
  void resolve() {
    if (Result<> known = owner_.parts_.peers.know(peering_); !known) {
      return failed({Code::unknown, known.error().detail});
    }
    const auto view = owner_.parts_.server.view();
    owner_.parts_.peers.resolve(addresses_to_dial(view->tables(), peering_, nullptr), owner_.loop_,
                                [this, alive = alive_](std::vector<std::string> found) {
                                  if (!*alive) return;
                                  if (found.empty()) return failed({Code::unavailable, "no known addresses"});
                                  dial(found[next_++ % found.size()]);
                                });
  }
  void dial(const std::string& address) {
    ReplicationMessage message;
    Open& open = message.open.emplace();
    open.PeerID = peering_.PeerID;
    open.StreamSecretID = secret_;
    open.Remote.emplace() = {
        .Partition = peering_.Partition, .Datacenter = owner_.parts_.datacenter, .Locality = owner_.parts_.locality};
    call_ = owner_.parts_.peers.client().call(owner_.loop_, owner_.parts_.peers.target(peering_.ID, address),
                                              '/' + std::string(kPeerStreamService) + "/StreamResources",
                                              framed(message), *this, {}, true);
    again_.arm(owner_.loop_, Clock::now() + kAcceptTime);
  }
  void on_time() {
    if (!call_) return resolve();
    drop_call();
    failed({Code::deadline_exceeded, "the server does not take the stream"});
  }
  /// The other side's first message says that it took the stream: until then there is none.
  bool begin() {
    again_.cancel();
    failures_ = 0;
    const Stream::Peer peer{.id = peering_.ID, .remote_id = peering_.PeerID, .name = peering_.Name};
    stream_ = std::make_unique<Stream>(owner_.parts_.streams, owner_.loop_, peer, *this);
    const Result<> begun = stream_->begin();
    if (!begun) over({Code::unknown, begun.error().detail});
    return begun.has_value();
  }
  static grpc::Frames framed(const ReplicationMessage& message) {
    auto frame = std::make_shared<std::string>();
    grpc::append_frame(*frame, [&] { schema().append(*frame, message); });
    return frame;
  }

  void received(grpc::Frames bytes) override {
    if (!call_) return;  // it was over with an earlier message that came with this one
    call_->consumed(bytes->size());
    if (!stream_ && !begin()) return;
    ReplicationMessage message;
    if (Result<> parsed = schema().parse(std::string_view(*bytes).substr(grpc::kFrameHead), message); !parsed) {
      return stream_->lost("grpc: failed to unmarshal the received message: " + parsed.error().detail);
    }
    stream_->received(std::move(message));
  }
  void ended(Status status, bool unprocessed) override {
    if (!call_) return;
    call_.reset();
    const std::string why = status.code == Code::ok ? "stream ended unexpectedly"
                                                    : std::string("rpc error: code = ") + code_name(status.code) +
                                                          " desc = " + status.message;
    if (stream_) {
      ended_ = status.code;
      return stream_->lost(why);
    }
    // The peering fails if the other side refuses it, not while nobody is reached who could.
    const bool reached = !unprocessed && !status.message.starts_with("connection error");
    failed({status.code, why});
    if (reached) owner_.parts_.tracker.disconnect(peering_.ID, why);
  }
  void send(const ReplicationMessage& message) override {
    if (call_) call_->send(framed(message));
  }
  void over(Status status) override {
    if (call_) call_->finish();
    drop_call();
    owner_.loop_.post([stream = std::shared_ptr<Stream>(std::move(stream_))] {});  // it is perhaps on the stack
    if (status.code == Code::ok) return;                // it is over for good: whoever owns this sees it in the state
    const Code code = std::exchange(ended_, Code::ok);  // of the call, if that ended it
    failed({code == Code::ok ? status.code : code, status.message});
  }
  void drop_call() {
    owner_.loop_.post([call = std::shared_ptr<grpc::Client::Call>(std::move(call_))] {});  // it is perhaps on the stack
  }
  void failed(const Status& status) {
    ++failures_;
    owner_.parts_.tracker.said(peering_.ID);
    kLog.warn("error managing peering stream",
              {{"peer_name", peering_.Name}, {"peer_id", peering_.ID}, {"error", status.message}});
    again_.arm(owner_.loop_, Clock::now() + pause_after(failures_, status.code));
  }

  Duties& owner_;
  const Peering peering_;
  const std::string secret_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Tick again_;
  std::unique_ptr<grpc::Client::Call> call_{};
  std::unique_ptr<Stream> stream_{};
  Code ended_ = Code::ok;
  std::size_t next_ = 0;
  int failures_ = 0;
};

Duties::Duties(Parts parts) : parts_(std::move(parts)), loop_(parts_.loops.next()), tick_([this] { look(); }) {}

Duties::~Duties() {
  stop();
}

void Duties::start() {
  loop_.post([this, alive = alive_] {
    if (*alive) look();
  });
}

void Duties::stop() {
  if (std::exchange(stopped_, true)) return;
  loop_.run([this] {
    *alive_ = false;
    tick_.cancel();
    watch_.cancel();
    dialers_.clear();
  });
}

void Duties::wake(std::vector<std::uint64_t>) {
  loop_.post([this, alive = alive_] {
    if (*alive) look();
  });
}

void Duties::look() {
  tick_.arm(loop_, Clock::now() + kLook);
  const bool leads = parts_.server.leadership().is_leader;
  if (!leads) {
    if (std::exchange(leading_, false)) {
      dialers_.clear();
      parts_.streams.let_go();
      watch_.cancel();
    }
    return;
  }
  leading_ = true;
  base::KeySet keys;
  catalog::watch_key(&keys, catalog::Topic::index, catalog::kPeeringIndex);
  watch_ = parts_.server.watches().watch(keys, *this, 0);
  const auto view = parts_.server.view();
  const catalog::Tables& tables = view->tables();
  std::set<std::string> there;
  for (const Peering* peering : catalog::all_peerings(tables)) {
    there.insert(peering->ID);
    look_at(tables, *peering);
  }
  std::erase_if(dialers_, [&](const auto& each) { return !there.contains(each.first); });
}

void Duties::look_at(const catalog::Tables& tables, const Peering& peering) {
  if (!peering.active()) return clean_up(tables, peering);
  if (!peering.dials()) return;
  const catalog::PeeringSecrets* secrets = catalog::find_peering_secrets(tables, peering.ID);
  const std::string secret = secrets ? secrets->active_secret() : std::string();
  if (secret.empty()) return;  // it is not established yet
  std::unique_ptr<Dialer>& dialer = dialers_[peering.ID];
  // A stream that stands is left alone: what is new counts when it is over.
  if (dialer && (dialer->connected() || dialer->is_for(peering, secret))) return;
  dialer.reset();
  dialer = std::make_unique<Dialer>(*this, peering, secret);
}

void Duties::clean_up(const catalog::Tables& tables, const Peering& peering) {
  const bool deleting = peering.is(catalog::PeeringState::deleting);
  if (deleting) {
    parts_.streams.terminate(peering.ID);
    if (parts_.tracker.is_connected(peering.ID)) return;  // the other side hears of it first
  }
  dialers_.erase(peering.ID);
  if (cleaning_) return;
  auto commands = std::make_shared<Commands>(forget_nodes(tables, peering.Name));
  if (catalog::find_trust_bundle(tables, peering.Name)) {
    commands->push_back(catalog::encode_peering_command(Command::peering_trust_bundle_delete,
                                                        catalog::PeeringNameRequest{.Name = peering.Name}));
  }
  // One that the other side deleted stays, so that somebody sees it.
  if (deleting) {
    commands->push_back(
        catalog::encode_peering_command(Command::peering_delete, catalog::PeeringNameRequest{.Name = peering.Name}));
    parts_.tracker.forget(peering.ID);
    parts_.peers.forget(peering.ID);
  }
  if (commands->empty()) return;
  cleaning_ = true;
  apply_all(parts_.server, commands, [this, alive = alive_, &loop = loop_](const Result<>& done) {
    if (!done) kLog.error("failed to clean up after a peering", {{"error", done.error()}});
    loop.post([this, alive, ok = done.has_value()] {
      if (!*alive) return;
      cleaning_ = false;
      if (ok) look();
    });
  });
}

}  // namespace proconsul::agent::peering
