#include "agent/peering/stream.h"

#include <chrono>
#include <optional>
#include <unordered_map>

#include "agent/grpc/frame.h"
#include "agent/mesh/spiffe.h"
#include "agent/peering/apply_all.h"
#include "agent/peering/establishment.h"
#include "agent/peering/exports.h"
#include "agent/peering/imports.h"
#include "base/quote.h"
#include "catalog/commands.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"

namespace proconsul::agent::peering {

using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Loop;
using catalog::Command;
using catalog::Peering;
using grpc::Code;
using grpc::Status;

namespace {

const base::log::Logger kLog("agent.server.peering");
constexpr std::chrono::seconds kBeat{15};
constexpr std::chrono::minutes kSilence{2};
constexpr std::chrono::milliseconds kShowPause{50};
constexpr std::chrono::seconds kLastWords{5};
constexpr std::size_t kMostWaiting = std::size_t{64} << 20;  // bytes of resources that are not written yet
constexpr std::size_t kWaits = 512;                          // of a resource, beside its own bytes
constexpr std::size_t kMostEarly = 64;                       // messages before the stream is open
// Of what the other side has not answered: it may read slowly, or not at all.
constexpr std::size_t kMostUnanswered = 1024;
constexpr std::size_t kMostUnansweredBytes = std::size_t{16} << 20;
constexpr std::size_t kMostUnsent = std::size_t{32} << 20;
constexpr std::int32_t kInvalidArgument = 3, kInternal = 13;
constexpr const char* kNotLeader = "cannot establish a peering stream on a follower node";
constexpr const char* kLeadsNoLonger = "node is not a leader anymore; cannot continue streaming";

std::string nonce_text(std::uint64_t nonce) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(8, '0');
  for (std::size_t i = 0; i < 8; ++i) text[7 - i] = kDigits[nonce >> (4 * i) & 15];
  return text;
}

std::size_t size_of(const Response& response) {
  return kWaits + response.ResourceID.size() + (response.Resource ? response.Resource->value.size() : 0);
}

std::string trust_domain_of(const catalog::Tables& tables) {
  for (const auto [key, row] : tables.ca_config.all()) return mesh::trust_domain(row->ClusterID);
  return {};
}

}  // namespace

/// What wakes the streams of a loop.
class Streams::Sink final : public base::WakeSink {
 public:
  explicit Sink(Loop& loop) : loop_(loop) {}
  ~Sink() override { *alive_ = false; }
  std::uint64_t add(Stream& stream) {
    streams.emplace(++last_, &stream);
    return last_;
  }
  void remove(std::uint64_t token) { streams.erase(token); }
  Loop& loop() const { return loop_; }

  std::unordered_map<std::uint64_t, Stream*> streams{};  // of the loop's thread

 private:
  void wake(std::vector<std::uint64_t> tokens) override {
    loop_.post([this, alive = alive_, tokens = std::move(tokens)] {
      if (!*alive) return;
      for (const std::uint64_t token : tokens) {
        if (const auto found = streams.find(token); found != streams.end()) found->second->woken();
      }
    });
  }
  Loop& loop_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::uint64_t last_ = 0;
};

// ---- a stream ----

Stream::Stream(Streams& streams, Loop& loop, Peer peer, Transport& transport)
    : streams_(streams),
      loop_(loop),
      peer_(std::move(peer)),
      transport_(transport),
      heartbeat_([this] { beat(); }),
      show_soon_([this] { show(); }) {
  token_ = streams_.sinks_[loop_.number()]->add(*this);
}

Stream::~Stream() {
  *alive_ = false;
  watch_.cancel();
  streams_.sinks_[loop_.number()]->remove(token_);
  if (connected_) streams_.parts_.tracker.disconnect(peer_.id, ending_ ? "" : "stream ended unexpectedly");
}

Result<> Stream::begin() {
  if (!streams_.parts_.tracker.connect(peer_.id)) {
    return {base::Errc::conflict,
            "failed to register stream: there is an active stream for the given PeerID " + base::quote(peer_.id)};
  }
  connected_ = true;
  heard_ = Clock::now();
  heartbeat_.arm(loop_, heard_ + kBeat);
  for (const char* url : {kExportedServiceUrl, kExportedServiceListUrl, kTrustBundleUrl}) ask(url);
  // Who accepts has no use for the addresses of who dials.
  if (!peer_.remote_id.empty()) ask(kServerAddressesUrl);
  return {};
}

void Stream::ask(const char* url, std::string nonce, base::Pointer<StatusDetail> error) {
  ReplicationMessage message;
  Request& request = message.request.emplace();
  if (nonce.empty()) request.PeerID = peer_.remote_id;
  request.ResourceURL = url;
  request.ResponseNonce = std::move(nonce);
  request.Error = std::move(error);
  transport_.send(message);
}

void Stream::beat() {
  if (ending_) return finish({}, {});
  if (Clock::now() - heard_ > kSilence) return finish({Code::unknown, "heartbeat timeout"}, "heartbeat timeout");
  ReplicationMessage message;
  message.heartbeat.emplace();
  transport_.send(message);
  heartbeat_.arm(loop_, Clock::now() + kBeat);
}

void Stream::finish(Status status, const std::string& why) {
  heartbeat_.cancel();
  show_soon_.cancel();
  watch_.cancel();
  // Another stream may be there before these are written, and know better.
  to_import_.clear();
  waiting_bytes_ = 0;
  if (std::exchange(connected_, false)) streams_.parts_.tracker.disconnect(peer_.id, why);
  transport_.over(std::move(status));
}

void Stream::lost(const std::string& why) {
  finish({Code::unknown, why}, ending_ ? "" : why);
}

void Stream::terminate() {
  if (std::exchange(ending_, true)) return;
  kLog.info("ending stream", {{"peer_name", peer_.name}, {"peer_id", peer_.id}});
  ReplicationMessage message;
  message.terminated.emplace();
  transport_.send(message);
  heartbeat_.arm(loop_, Clock::now() + kLastWords);
}

void Stream::received(ReplicationMessage message) {
  if (ending_) return;
  if (!streams_.parts_.server.leadership().is_leader) {
    return finish({Code::failed_precondition, kLeadsNoLonger}, kLeadsNoLonger);
  }
  if (message.request) return taken(*message.request);
  if (message.response) {
    waiting_bytes_ += size_of(*message.response);
    if (waiting_bytes_ > kMostWaiting) {
      const char* why = "too many resources wait to be written";
      return finish({Code::resource_exhausted, why}, why);
    }
    if (transport_.unsent() > kMostUnsent) {
      const char* why = "the answers are not read";
      return finish({Code::resource_exhausted, why}, why);
    }
    to_import_.push_back(std::move(*message.response));
    return import_next();
  }
  if (message.terminated) {
    kLog.info("peering was deleted by our peer", {{"peer_name", peer_.name}, {"peer_id", peer_.id}});
    ending_ = true;
    streams_.parts_.server.apply(catalog::encode_peering_command(Command::peering_terminate_by_id,
                                                                 catalog::PeeringTerminateByIDRequest{.ID = peer_.id}),
                                 [name = peer_.name](Result<catalog::ApplyResult> applied) {
                                   const Error* error = applied ? applied->error() : &applied.error();
                                   if (error) kLog.error("failed to mark peering as terminated", {{"error", *error}});
                                 });
    return finish({}, {});
  }
  if (message.heartbeat) {
    heard_ = Clock::now();
    streams_.parts_.tracker.heartbeat(peer_.id);
  }
}

void Stream::taken(const Request& request) {
  if (!is_known_url(request.ResourceURL)) {
    const std::string why = "subscription request to unknown resource URL: " + request.ResourceURL;
    return finish({Code::invalid_argument, why}, why);
  }
  if (!asked_for_.contains(request.ResourceURL)) {
    std::string why;
    if (!peer_.remote_id.empty() && !request.PeerID.empty() && request.PeerID != peer_.remote_id) {
      why = "initial subscription requests for a resource type must have consistent PeerID values: got=" +
            base::quote(request.PeerID) + " expected=" + base::quote(peer_.remote_id);
    } else if (!request.ResponseNonce.empty()) {
      why = "initial subscription requests for a resource type must not contain a nonce";
    } else if (request.Error) {
      why = "initial subscription request for a resource type must not contain an error";
    }
    if (!why.empty()) return finish({Code::invalid_argument, why}, why);
    asked_for_.insert(request.ResourceURL);
    return woken();
  }
  if (const auto answered = unanswered_.find(request.ResponseNonce); answered != unanswered_.end()) {
    unanswered_bytes_ -= answered->second;
    unanswered_.erase(answered);
    if (behind_ && !is_behind()) {
      behind_ = false;
      woken();
    }
  }
  if (!request.Error) return;
  kLog.warn("client peer was unable to apply resource", {{"peer_name", peer_.name}, {"error", request.Error->message}});
}

bool Stream::is_behind() const {
  return unanswered_.size() >= kMostUnanswered || unanswered_bytes_ >= kMostUnansweredBytes;
}

/// Soon: what changes together is shown together.
void Stream::woken() {
  show_soon_.arm(loop_, Clock::now() + kShowPause);
}

void Stream::show() {
  if (ending_) return;
  const Streams::Parts& parts = streams_.parts_;
  watch_.cancel();
  watch_ = {};
  base::KeySet keys;
  const auto view = parts.server.view();
  const catalog::Tables& tables = view->tables();
  const Peering* peering = catalog::find_peering_by_id(tables, peer_.id, &keys);
  if (!peering || !peering->active()) return;  // its end is on its way
  Exports exports = exports_of(tables, *peering, parts.datacenter,
                               parts.connect_enabled ? trust_domain_of(tables) : std::string(), &keys);
  watch_ = parts.server.watches().watch(keys, *streams_.sinks_[loop_.number()], token_);
  if (parts.server.view().get() != view.get()) woken();  // a change between reading and watching must not be missed
  const auto say = [&](const std::pair<std::string, std::string>& key, const std::string& value) {
    ReplicationMessage message;
    Response& response = message.response.emplace();
    response.Nonce = nonce_text(++nonce_);
    response.ResourceURL = key.first;
    response.ResourceID = key.second;
    response.operation = kUpsert;
    Any& resource = response.Resource.emplace();
    resource.type_url = key.first;
    resource.value = base::Bytes(value);
    unanswered_.emplace(response.Nonce, value.size());
    unanswered_bytes_ += value.size();
    transport_.send(message);
    parts.tracker.said(peer_.id);
  };
  // What is not said now is said once there are answers, as it is then.
  const auto may_say = [&] {
    behind_ = is_behind();
    return !behind_;
  };
  // A service that is gone is one without instances; the list removes what is no longer exported.
  for (auto shown = shown_.begin(); shown != shown_.end();) {
    const bool gone = !exports.resources.contains(shown->first);
    if (gone && shown->first.first == kExportedServiceUrl) {
      if (!may_say()) break;
      say(shown->first, {});
    }
    shown = gone ? shown_.erase(shown) : std::next(shown);
  }
  for (auto& [key, value] : exports.resources) {
    if (!asked_for_.contains(key.first)) continue;
    if (const auto known = shown_.find(key); known != shown_.end() && known->second == value) continue;
    if (!may_say()) break;
    say(key, value);
    shown_.insert_or_assign(key, value);
  }
  parts.tracker.exports(peer_.id, std::move(exports.services));
}

void Stream::import_next() {
  if (importing_ || to_import_.empty()) return;
  importing_ = true;
  waiting_bytes_ -= size_of(to_import_.front());
  auto response = std::make_shared<const Response>(std::move(to_import_.front()));
  to_import_.pop_front();
  Result<Commands> commands = Commands();
  if (!is_known_url(response->ResourceURL)) {
    commands = Error{base::Errc::invalid_argument,
                     "received response for unknown resource type " + base::quote(response->ResourceURL)};
  } else if (response->Nonce.empty()) {
    commands = Error{base::Errc::invalid_argument,
                     "received response without a nonce for: " + response->ResourceURL + ':' + response->ResourceID};
  } else if (response->operation != kUpsert) {
    commands = Error{base::Errc::invalid_argument, "unsupported operation: " + std::to_string(response->operation)};
  } else if (!response->Resource) {
    commands = Error{base::Errc::invalid_argument, "received upsert response with no content"};
  } else {
    const auto view = streams_.parts_.server.view();
    commands = import_resource(view->tables(), peer_.name, *response);
  }
  auto done = [this, alive = alive_, &loop = loop_, response](const Result<>& result) {
    loop.post([this, alive, response, result] {
      if (*alive) imported(*response, result);
    });
  };
  if (!commands) return done(commands.error());
  apply_all(streams_.parts_.server, std::make_shared<const Commands>(std::move(*commands)), std::move(done));
}

void Stream::imported(const Response& response, const Result<>& result) {
  importing_ = false;
  if (ending_ || !connected_) return;
  streams_.parts_.tracker.heard(peer_.id);
  if (result) {
    if (response.ResourceURL == kExportedServiceListUrl) {
      ExportedServiceList list;
      if (schema().parse(response.Resource->value, list)) {
        streams_.parts_.tracker.imports(peer_.id, std::move(list.Services));
      }
    }
    ask(response.ResourceURL.c_str(), response.Nonce);
  } else {
    kLog.error("failed to persist resource", {{"peer_name", peer_.name},
                                              {"resourceURL", response.ResourceURL},
                                              {"resourceID", response.ResourceID},
                                              {"error", result.error()}});
    StatusDetail detail{.code = result.error().code == base::Errc::invalid_argument ? kInvalidArgument : kInternal,
                        .message = result.error().detail};
    ask(response.ResourceURL.c_str(), response.Nonce, std::move(detail));
  }
  import_next();
}

// ---- those that others dial ----

class Streams::Inbound final : public grpc::Handler, public Transport {
 public:
  Inbound(Streams& streams, grpc::Call& call) : streams_(streams), call_(call) {}
  ~Inbound() override {
    *alive_ = false;
    stream_.reset();
  }

  void received(std::string_view bytes) override {
    if (over_) return;
    ReplicationMessage message;
    if (Result<> parsed = schema().parse(bytes, message); !parsed) {
      return over({Code::internal, "grpc: failed to unmarshal the received message: " + parsed.error().detail});
    }
    if (stream_) return stream_->received(std::move(message));
    if (std::exchange(opening_, true)) {  // it waits for the log
      if (waiting_.size() >= kMostEarly) {
        return over({Code::resource_exhausted, "too many messages before the stream is open"});
      }
      waiting_.push_back(std::move(message));
      return;
    }
    open(message);
  }
  void finished() override {
    if (stream_ && !over_) stream_->lost("stream ended unexpectedly");
    if (!over_) over({});
  }

 private:
  void send(const ReplicationMessage& message) override {
    auto frame = std::make_shared<std::string>();
    grpc::append_frame(*frame, [&] { schema().append(*frame, message); });
    call_.send(std::move(frame));
  }
  std::size_t unsent() const override { return call_.unsent(); }
  void over(Status status) override {
    if (!std::exchange(over_, true)) call_.end(std::move(status));
  }

  void open(const ReplicationMessage& message) {
    if (!message.open) {
      return over({Code::invalid_argument, "first message when initiating a peering must be: Open"});
    }
    const Open& open = *message.open;
    if (open.PeerID.empty()) {
      return over({Code::invalid_argument, "initial subscription request must specify a PeerID"});
    }
    const auto view = streams_.parts_.server.view();
    const Peering* peering = catalog::find_peering_by_id(view->tables(), open.PeerID);
    if (!peering) return over({Code::invalid_argument, "initial subscription for unknown PeerID: " + open.PeerID});
    if (!peering->active()) {
      if (!peering->is(catalog::PeeringState::terminated)) {
        ReplicationMessage last;
        last.terminated.emplace();
        send(last);
      }
      return over({Code::aborted, "peering is marked as deleted: " + open.PeerID});
    }
    const catalog::PeeringSecrets* secrets = catalog::find_peering_secrets(view->tables(), open.PeerID);
    if (!secrets) {
      return over({Code::internal, "unable to authorize connection, peering must be re-established"});
    }
    if (!peering->PeerID.empty()) {
      return over({Code::invalid_argument, "expected PeerID to be empty; the wrong end of peering is being dialed"});
    }
    const Stream::Peer peer{.id = peering->ID, .name = peering->Name};
    if (same_secret(secrets->active_secret(), open.StreamSecretID)) return begin(peer);
    if (!same_secret(secrets->pending_secret(), open.StreamSecretID)) {
      return over({Code::permission_denied, "invalid peering stream secret"});
    }
    // The first stream with a new secret makes it the active one.
    catalog::PeeringWriteRequest request;
    request.Peering = *peering;
    request.Peering->Remote = open.Remote;
    catalog::SecretsWriteRequest& promoted = request.SecretsRequest.emplace();
    promoted.PeerID = peering->ID;
    promoted.promote_pending.emplace().active_stream_secret = open.StreamSecretID;
    streams_.parts_.server.apply(
        catalog::encode_peering_command(Command::peering_write, request),
        [this, alive = alive_, &loop = call_.loop(), peer](Result<catalog::ApplyResult> applied) {
          const Error* error = applied ? applied->error() : &applied.error();
          loop.post([this, alive, peer, why = error ? error->detail : std::string(), failed = error != nullptr] {
            if (!*alive || over_) return;
            if (failed) return over({Code::internal, "failed to persist peering: " + why});
            begin(peer);
          });
        });
  }

  void begin(const Stream::Peer& peer) {
    kLog.info("accepted initial replication request from peer", {{"peer_id", peer.id}});
    stream_ = std::make_unique<Stream>(streams_, call_.loop(), peer, *this);
    if (Result<> begun = stream_->begin(); !begun) return over({Code::unknown, begun.error().detail});
    while (!waiting_.empty() && !over_) {
      ReplicationMessage message = std::move(waiting_.front());
      waiting_.pop_front();
      stream_->received(std::move(message));
    }
  }

  Streams& streams_;
  grpc::Call& call_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Stream> stream_{};
  std::deque<ReplicationMessage> waiting_{};
  bool opening_ = false;
  bool over_ = false;
};

Streams::Streams(Parts parts) : parts_(std::move(parts)) {
  for (std::size_t i = 0; i < parts_.loops.size(); ++i) sinks_.push_back(std::make_unique<Sink>(parts_.loops[i]));
}

Streams::~Streams() = default;

grpc::Method Streams::stream_resources() {
  return {.name = "StreamResources",
          .shape = grpc::Shape::both_stream,
          .start = [this](grpc::Call& call) -> std::unique_ptr<grpc::Handler> {
            if (parts_.server.leadership().is_leader) return std::make_unique<Inbound>(*this, call);
            call.end({Code::failed_precondition, kNotLeader});
            return nullptr;
          },
          .load = grpc::Load::read};
}

void Streams::each(const std::function<void(Stream&)>& act) {
  for (const auto& sink : sinks_) {
    sink->loop().post([sink = sink.get(), act] {
      std::vector<std::uint64_t> tokens;
      for (const auto& [token, stream] : sink->streams) tokens.push_back(token);
      for (const std::uint64_t token : tokens) {
        if (const auto found = sink->streams.find(token); found != sink->streams.end()) act(*found->second);
      }
    });
  }
}

void Streams::terminate(const std::string& id) {
  each([id](Stream& stream) {
    if (stream.peer().id == id) stream.terminate();
  });
}

void Streams::let_go() {
  each([](Stream& stream) {
    if (stream.peer().remote_id.empty()) stream.finish({Code::failed_precondition, kLeadsNoLonger}, kLeadsNoLonger);
  });
}

}  // namespace proconsul::agent::peering
