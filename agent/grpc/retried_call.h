// A call that any server may answer: of the one that is to be asked, and of the next while none has answered. When it
// is made again, and how often, is grpc-go's rule with the service configuration of Consul's clients.
#pragma once

#include <memory>
#include <string>

#include "agent/grpc/client.h"
#include "agent/rpc/cluster.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::grpc {

/// Who may be asked. Any thread.
class Servers {
 public:
  virtual ~Servers() = default;
  /// An error: there is none.
  virtual base::Result<rpc::Target> choose() = 0;
  /// A call of it failed: another one should be asked next.
  virtual void failed(const rpc::Target& server, const Status& status) = 0;
};

class RetriedCall final : Client::User, base::net::Timer {
 public:
  class User {
   public:
    virtual ~User() = default;
    // Each may drop the call.
    virtual void received(Frames message) = 0;
    virtual void ended(const Status& status) = 0;
  };
  struct Manner {
    base::net::H2Fields metadata{};  // further fields of the request
    bool reads = true;               // it may be made again whatever failed
  };
  /// All outlive it. `user` hears nothing within this call. On the thread of `loop`, where it lives.
  RetriedCall(base::net::Loop& loop, Client& client, std::shared_ptr<Servers> servers, std::string path, Frames request,
              User& user, Manner manner);
  RetriedCall(base::net::Loop& loop, Client& client, std::shared_ptr<Servers> servers, std::string path, Frames request,
              User& user);
  ~RetriedCall() override;
  void consumed(std::size_t bytes) {
    if (call_) call_->consumed(bytes);
  }

 private:
  void received(Frames message) override;
  void ended(Status status, bool unprocessed) override;
  void on_timer() override { attempt(); }
  void attempt();
  void failed(const Status& status);

  base::net::Loop& loop_;
  Client& client_;
  const std::shared_ptr<Servers> servers_;
  const std::string path_;
  const Frames request_;
  User& user_;
  rpc::Target target_{};
  std::unique_ptr<Client::Call> call_{};
  int attempts_ = 0;
  bool began_anew_ = false;  // without counting
  bool answered_ = false;    // it stands: what is heard now is the user's
  const Manner manner_;
};

/// What a call says that finds no server.
inline constexpr const char* kNoAddresses = "resolver error: resolver produced no addresses";

}  // namespace proconsul::agent::grpc
