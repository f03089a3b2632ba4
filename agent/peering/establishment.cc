#include "agent/peering/establishment.h"

#include <openssl/crypto.h>

#include <array>
#include <chrono>
#include <utility>

#include "agent/cluster/pools.h"
#include "agent/grpc/frame.h"
#include "agent/rpc/connect_ca_roots.h"
#include "base/quote.h"
#include "base/random.h"
#include "base/uuid.h"
#include "catalog/commands.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"

namespace proconsul::agent::peering {

using base::Error;
using base::Result;
using base::net::Clock;
using catalog::Peering;
using grpc::Code;
using grpc::Status;

namespace {

constexpr std::chrono::seconds kTime{3};
constexpr std::chrono::milliseconds kPause{150};
constexpr std::chrono::seconds kAnswerTime{15};  // of one server, which may wait for its leader

std::unexpected<Status> fail(Code code, std::string why) {
  return std::unexpected(Status{code, std::move(why)});
}

}  // namespace

bool same_secret(std::string_view known, std::string_view given) {
  return !known.empty() && known.size() == given.size() && CRYPTO_memcmp(known.data(), given.data(), known.size()) == 0;
}

const char* code_name(Code code) {
  static constexpr std::array kNames = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  return kNames.at(static_cast<std::size_t>(code));
}

std::vector<std::string> addresses_to_dial(const catalog::Tables& tables, const Peering& peering, base::KeySet* watch) {
  std::vector<std::string> addresses;
  if (peers_through_gateways(tables, watch)) {
    if (Result<std::vector<std::string>> gateways = gateway_addresses(tables, false, watch)) addresses = *gateways;
  }
  addresses.insert(addresses.end(), peering.addresses().begin(), peering.addresses().end());
  return addresses;
}

void Establishment::begin(const Parts& parts, const EstablishRequest& request, const Token& token, CallDone done) {
  auto made = std::make_shared<Establishment>(parts, token, std::move(done));
  parts.all.loop_.post([made, request] {
    Establishments& all = made->parts_.all;
    if (all.stopped_) return made->stop();
    all.running_.emplace(made.get(), made);
    made->start(request);
  });
}

void Establishments::stop() {
  if (std::exchange(ended_, true)) return;
  loop_.run([this] {
    stopped_ = true;
    for (const auto& [key, each] : std::exchange(running_, {})) each->stop();
  });
}

Establishment::Establishment(const Parts& parts, const Token& token, CallDone done)
    : parts_(parts), loop_(parts.all.loop_), token_(token), done_(std::move(done)) {}

void Establishment::finish(std::expected<CallReply, Status> result) {
  cancel();
  call_.reset();
  if (const auto found = parts_.all.running_.find(this); found != parts_.all.running_.end()) {
    loop_.post([dead = std::move(found->second)] {});  // it is on the stack
    parts_.all.running_.erase(found);
  }
  if (CallDone done = std::exchange(done_, nullptr)) done(std::move(result));
}

void Establishment::stop() {
  finish(fail(Code::cancelled, "the server is stopping"));
}

void Establishment::start(const EstablishRequest& request) {
  const auto view = parts_.server.view();
  const catalog::Tables& tables = view->tables();
  const Peering* existing = catalog::find_peering(tables, request.PeerName);
  const Result<rpc::IndexedCARoots> roots = rpc::trusted_roots(tables, nullptr);
  if (!roots) {
    return finish(fail(Code::unknown, "failed to fetch TLS materials: failed to fetch roots: " + roots.error().detail));
  }
  const std::string own_name = server_name(parts_.datacenter, roots->TrustDomain);
  if (own_name == token_.ServerName) {
    return finish(fail(Code::unknown,
                       "cannot create a peering within the same cluster " + base::quote(own_name) +
                           ". Refer to the `exported-services` documentation if you want to export between partitions "
                           "without peering"));
  }
  peering_.PeerServerAddresses = token_.ServerAddresses;
  if (existing) {
    peering_.ID = existing->ID;
    // What the stream brought is newer than the token.
    if (parts_.tracker.is_connected(peering_.ID)) peering_.PeerServerAddresses = existing->PeerServerAddresses;
    if (!existing->dials()) {
      return finish(fail(Code::unknown, "cannot create peering with name: " + base::quote(existing->Name) +
                                            "; there is an existing peering expecting to be dialed"));
    }
  } else {
    do {
      peering_.ID = base::generate_uuid(base::system_random());
    } while (catalog::find_peering_by_id(tables, peering_.ID));
  }
  peering_.Name = request.PeerName;
  peering_.PeerCAPems = token_.CA;
  peering_.ManualServerAddresses = token_.ManualServerAddresses;
  peering_.PeerServerName = token_.ServerName;
  peering_.PeerID = token_.PeerID;
  peering_.Meta = request.Meta;
  peering_.Remote.emplace() = {
      .Partition = token_.Remote.Partition, .Datacenter = token_.Remote.Datacenter, .Locality = token_.Remote.Locality};
  write(false);
}

/// Before the exchange without a state: one that is established again goes on as it is if that fails.
void Establishment::write(bool established) {
  catalog::PeeringWriteRequest request;
  if (established) {
    peering_.State = static_cast<std::int32_t>(catalog::PeeringState::establishing);
    catalog::SecretsWriteRequest& secrets = request.SecretsRequest.emplace();
    secrets.PeerID = peering_.ID;
    secrets.establish.emplace().active_stream_secret = secret_;
  }
  request.Peering = peering_;
  parts_.server.apply(catalog::encode_peering_command(catalog::Command::peering_write, request),
                      [self = shared_from_this(), established](Result<catalog::ApplyResult> applied) {
                        self->loop_.post([self, established, applied = std::move(applied)] {
                          if (!self->done_) return;
                          const Error* error = applied ? applied->error() : &applied.error();
                          if (error)
                            return self->finish(fail(Code::unknown, "failed to write peering: " + error->detail));
                          established ? self->finish(CallReply()) : self->exchange();
                        });
                      });
}

void Establishment::exchange() {
  if (Result<> known = parts_.peers.know(peering_); !known) {
    return finish(fail(Code::unknown, known.error().detail));
  }
  const auto view = parts_.server.view();
  give_up_ = Clock::now() + kTime;
  parts_.peers.resolve(
      addresses_to_dial(view->tables(), peering_, nullptr), loop_,
      [self = shared_from_this()](std::vector<std::string> found) {
        if (!self->done_) return;
        self->addresses_ = std::move(found);
        if (!self->addresses_.empty()) return self->attempt();
        self->finish(fail(Code::unavailable, "failed to get addresses to dial peer: no known addresses"));
      });
}

void Establishment::attempt() {
  dialed_ = addresses_[next_++ % addresses_.size()];
  ExchangeSecretRequest request{.PeerID = peering_.PeerID, .EstablishmentSecret = token_.EstablishmentSecret};
  auto frame = std::make_shared<std::string>();
  grpc::append_frame(*frame, [&] { schema().append(*frame, request); });
  call_ =
      parts_.peers.client().call(loop_, parts_.peers.target(peering_.ID, dialed_),
                                 '/' + std::string(kPeerStreamService) + "/ExchangeSecret", std::move(frame), *this);
  arm(loop_, Clock::now() + kAnswerTime);
}

void Establishment::on_timer() {
  if (!call_) return attempt();
  ended({Code::deadline_exceeded, "the server does not answer"}, false);
}

void Establishment::received(grpc::Frames message) {
  call_->consumed(message->size());
  ExchangeSecretResponse response;
  if (schema().parse(std::string_view(*message).substr(grpc::kFrameHead), response)) secret_ = response.StreamSecret;
}

void Establishment::ended(Status status, bool) {
  cancel();
  call_.reset();
  if (status.code == Code::ok && !secret_.empty()) return write(true);
  if (status.code == Code::ok) status = {Code::internal, "the peer answered no stream secret"};
  if (status.code == Code::permission_denied) {
    return finish(fail(Code::permission_denied, "a new peering token must be generated: " + status.message));
  }
  if (failures_.empty()) first_failure_ = status.code;
  failures_.push_back("failed to exchange peering secret through address " + base::quote(dialed_) +
                      ": rpc error: code = " + code_name(status.code) + " desc = " + status.message);
  if (Clock::now() + kPause < give_up_) return arm(loop_, Clock::now() + kPause);
  finish(fail(first_failure_, cluster::list_errors(failures_)));
}

}  // namespace proconsul::agent::peering
