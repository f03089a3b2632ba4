// The services PeeringService and, of PeerStreamService, ExchangeSecret, as a server has them. It answers by its state
// if it leads, and has the leader answer otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/grpc/method.h"
#include "agent/grpc/remote_calls.h"
#include "agent/peering/caller.h"
#include "agent/peering/establishment.h"
#include "agent/peering/messages.h"
#include "agent/peering/peer_client.h"
#include "agent/peering/tracker.h"
#include "agent/rpc/caller.h"
#include "agent/server/server.h"
#include "agent/tokens/who.h"
#include "base/net/loop.h"
#include "catalog/store/store.h"
#include "catalog/types/node.h"

namespace proconsul::agent::peering {

class Service final : public Caller {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    bool enabled = true;  // peering.enabled
    bool connect_enabled = false;
    bool offers_tls = false;  // on a gRPC port
    base::Pointer<catalog::Locality> locality{};
  };
  /// All outlive it.
  struct Parts {
    base::net::Loops& loops;
    server::Server& server;
    rpc::Caller& dispatcher;
    grpc::RemoteCalls& leader;
    PeerClient& peers;
    Tracker& tracker;
  };
  Service(Parts parts, Settings settings) : parts_(parts), settings_(std::move(settings)), establishing_(parts.loops) {}
  /// Who establishes a peering is answered. Not from a loop; before the client of peers is stopped. Idempotent.
  void stop() { establishing_.stop(); }

  void call(std::string_view method, std::string request, CallOptions options, CallDone done) override;
  /// For other servers and for client agents.
  void add_peering_service(grpc::Services& services);
  /// ExchangeSecret, for servers of this cluster and of others.
  grpc::Method exchange_secret();

 private:
  class Generation;
  using Evaluate = std::function<std::uint64_t(const catalog::View&, base::KeySet*, std::string& message, bool& found)>;
  using May = std::function<base::Result<>(const tokens::Who&)>;
  using Run = std::move_only_function<void(CallDone)>;

  void generate_token(const GenerateTokenRequest& request, CallOptions options, CallDone done);
  void establish(const EstablishRequest& request, CallOptions options, CallDone done);
  void read(const catalog::PeeringNameRequest& request, CallOptions options, CallDone done);
  void list(const PeeringListRequest& request, CallOptions options, CallDone done);
  void remove(const catalog::PeeringNameRequest& request, CallOptions options, CallDone done);
  void write(const catalog::PeeringWriteRequest& request, CallOptions options, CallDone done);
  void read_bundle(const catalog::PeeringNameRequest& request, CallOptions options, CallDone done);
  void list_bundles(const TrustBundleListByServiceRequest& request, CallOptions options, CallDone done);
  void exchange(const ExchangeSecretRequest& request, CallDone done);

  /// Here, if this server leads, or at the leader.
  /// `may`: what the row does not say of the token.
  void query(std::string_view method, const std::string& request, const rpc::Method& row, May may, CallOptions options,
             Evaluate evaluate, CallDone done);
  void change(std::string_view method, const std::string& request, CallOptions options, Run run, CallDone done);
  /// Writes it, and answers the message.
  void apply(std::string command, std::string message, std::string what, CallDone done);

  const Parts parts_;
  const Settings settings_;
  Establishments establishing_;
};

}  // namespace proconsul::agent::peering
