// Establishes a peering with the token of the other side: writes it down, exchanges the token's secret for that of the
// stream, and writes that down. The leader's duties then dial.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/grpc/client.h"
#include "agent/peering/caller.h"
#include "agent/peering/messages.h"
#include "agent/peering/peer_client.h"
#include "agent/peering/token.h"
#include "agent/peering/tracker.h"
#include "agent/server/server.h"
#include "base/net/loop.h"

namespace proconsul::agent::peering {

/// In constant time, as far as the lengths are the same. An empty one is no secret.
bool same_secret(std::string_view known, std::string_view given);

/// Where the peering's servers are dialed: local mesh gateways first, if peers are reached through them.
std::vector<std::string> addresses_to_dial(const catalog::Tables& tables, const catalog::Peering& peering,
                                           base::KeySet* watch);
/// "Unavailable"
const char* code_name(grpc::Code code);

class Establishment;

/// Those that this server makes, on one loop.
class Establishments {
 public:
  /// The loops outlive it.
  explicit Establishments(base::net::Loops& loops) : loop_(loops.next()) {}
  /// Who waits is answered. Not from a loop; before the client is stopped. Idempotent.
  void stop();

 private:
  friend class Establishment;
  base::net::Loop& loop_;
  std::map<Establishment*, std::shared_ptr<Establishment>> running_{};  // of the loop, as is
  bool stopped_ = false;  // of the loop
  bool ended_ = false;    // of who stops: the loop may be gone when it is said again
};

class Establishment final : grpc::Client::User, base::net::Timer, public std::enable_shared_from_this<Establishment> {
 public:
  /// All outlive the call.
  struct Parts {
    Establishments& all;
    server::Server& server;
    PeerClient& peers;
    Tracker& tracker;
    std::string datacenter;
  };
  /// On the server that leads. `done` comes once, from any thread.
  static void begin(const Parts& parts, const EstablishRequest& request, const Token& token, CallDone done);

  Establishment(const Parts& parts, const Token& token, CallDone done);

 private:
  friend class Establishments;
  void start(const EstablishRequest& request);
  void write(bool established);
  void exchange();
  void attempt();
  void finish(std::expected<CallReply, grpc::Status> result);
  void stop();
  void received(grpc::Frames message) override;
  void ended(grpc::Status status, bool unprocessed) override;
  void on_timer() override;

  const Parts parts_;
  base::net::Loop& loop_;
  const Token token_;
  CallDone done_;  // null once it is answered
  catalog::Peering peering_{};
  std::vector<std::string> addresses_{};
  std::size_t next_ = 0;
  std::string dialed_{};
  base::net::Clock::time_point give_up_{};
  std::unique_ptr<grpc::Client::Call> call_{};
  std::string secret_{};
  std::vector<std::string> failures_{};
  grpc::Code first_failure_ = grpc::Code::unknown;
};

}  // namespace proconsul::agent::peering
