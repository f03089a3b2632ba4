// The primary's side: the leader makes invitations, lets them be redeemed once, and forgets datacenters. One thing
// after the other, so that no place is given twice; between two leaders the log decides.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/invite/messages.h"
#include "agent/invite/record.h"
#include "agent/server/changes.h"
#include "base/background.h"
#include "base/log.h"
#include "base/result.h"
#include "catalog/types/acl.h"
#include "gossip/serf/event.h"

namespace proconsul::agent::rpc {
struct Services;
}

namespace proconsul::agent::invite {

class Invitations {
 public:
  struct Means {
    std::function<std::vector<gossip::serf::MemberPtr>()> wan_members{};
    std::function<void(const std::string& member, server::Done done)> force_leave{};  // of the WAN pool, for good
    std::function<base::List<std::string>()> authorities{};  // of the servers' own certificates, PEM; reads files
  };
  /// The configuration outlives it.
  Invitations(const config::Config& config, Means means);
  ~Invitations() { stop(); }
  Invitations(const Invitations&) = delete;
  /// What waits is answered with an error. Idempotent; not from a loop.
  void stop();

  // At the leader; who asks was found to be allowed to. `done` comes from any thread.
  void facts(rpc::Services& services, server::Answered<Facts> done);
  void invite(rpc::Services& services, InviteRequest request, server::Answered<InviteReply> done);
  void redeem(rpc::Services& services, RedeemRequest request, server::Answered<RedeemReply> done);
  /// `secret` is that of who asks: his own token stays.
  void forget(rpc::Services& services, ForgetRequest request, server::Answered<ForgetReply> done);

 private:
  template <class Reply>
  void run(server::Answered<Reply> done, std::move_only_function<base::Result<Reply>()> work);
  template <class T, class Begin>
  base::Result<T> wait(Begin begin) const;
  base::Result<> wait_applied(server::Server& server, std::string command) const;
  base::Result<> leads(server::Server& server) const;

  base::Result<Facts> find_facts(rpc::Services& services) const;
  base::Result<InviteReply> do_invite(rpc::Services& services, const InviteRequest& request) const;
  base::Result<RedeemReply> do_redeem(rpc::Services& services, const RedeemRequest& request) const;
  base::Result<ForgetReply> do_forget(rpc::Services& services, const ForgetRequest& request) const;
  base::Result<> add_tokens(rpc::Services& services, const RedeemRequest& request, RedeemReply& reply) const;
  base::Result<std::string> token(rpc::Services& services, catalog::ACLToken wanted) const;
  base::Result<> add_policy(rpc::Services& services, std::string_view name) const;
  base::Result<> add_gossip(RedeemReply& reply) const;

  const config::Config& config_;
  const Means means_;
  const base::log::Logger log_{"agent.server.federation"};
  std::atomic<bool> over_{false};
  std::atomic<std::size_t> waiting_{0};
  std::mutex turn_{};  // of what is done
  base::Background threads_{};
};

}  // namespace proconsul::agent::invite
