#include "agent/token_uses.h"

#include <chrono>
#include <utility>
#include <vector>

#include "agent/rpc/acl_insight_types.h"
#include "base/log.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/tokens.h"
#include "catalog/registry/settings.h"
#include "catalog/store/store.h"

namespace proconsul::agent {
namespace {

constexpr std::chrono::seconds kInterval{15};
constexpr std::chrono::seconds kSoon{1};  // to a leader that it has not told everything yet

}  // namespace

class TokenUses::Cycle final : base::net::Timer {
 public:
  Cycle(base::net::Loop& loop, rpc::Caller& caller, server::Server& server, tokens::Uses& uses,
        const server::AclSettings& acl)
      : loop_(loop), caller_(caller), server_(server), uses_(uses), acl_(acl) {}
  void wait(std::chrono::seconds time) { arm(loop_, base::net::Clock::now() + time); }

 private:
  using Exchange = rpc::TypedInvocation<rpc::TokenUsesExchange, rpc::TokenUsesReply>;

  void on_timer() override {
    const auto view = server_.view();
    if (acl_.keeps_tokens()) {
      uses_.keep(
          [&](std::string_view accessor) { return catalog::token_by_accessor(view->tables(), accessor) != nullptr; });
    }
    if (server_.leadership().is_leader) {
      leader_ = 0;
      return wait(kInterval);
    }
    const rpc::Method& method = *rpc::find_method("ACL.TokenUsesExchange");
    auto call = std::static_pointer_cast<Exchange>(method.make());
    const tokens::Uses::Changes changes = uses_.changes(leader_ == 0 ? 0 : told_);
    call->request.Datacenter = acl_.datacenter;
    call->request.Token = catalog::system_metadata(view->tables(), catalog::kServerManagementToken);
    call->request.Since = uses_.since();
    call->request.Whole = leader_ == 0;
    call->request.Known = leader_;
    call->request.After = heard_;
    for (const tokens::Uses::Use& use : changes.uses) call->request.Uses.emplace(use.accessor, use.at);
    running_ = caller_.call(loop_, method, call, [this, call, last = changes.last](const base::Result<>& result) {
      loop_.post([dead = std::move(running_)] {});  // it is on the stack
      if (result) {
        heard(*call, last);
      } else {
        log_.debug("uses of tokens were not exchanged", {{"error", result.error()}});
        wait(kInterval);
      }
    });
  }

  void heard(const Exchange& call, std::uint64_t last) {
    const rpc::TokenUsesReply& reply = call.reply;
    std::vector<tokens::Uses::Use> uses;
    for (const auto& [accessor, at] : reply.Uses) uses.push_back({accessor, at});
    uses_.merge(uses);
    if (reply.Whole) uses_.complete_since(reply.Since);
    heard_ = reply.Last;
    told_ = last;
    const bool another = leader_ != 0 && leader_ != reply.Instance;  // it has only heard what was new
    leader_ = another ? 0 : reply.Instance;
    wait(another ? kSoon : kInterval);
  }

  base::net::Loop& loop_;
  rpc::Caller& caller_;
  server::Server& server_;
  tokens::Uses& uses_;
  const server::AclSettings& acl_;
  const base::log::Logger log_{"agent.server.acl"};
  std::uint64_t leader_ = 0;  // the instance that was told everything; 0: none
  std::uint64_t told_ = 0;    // of what happened here
  std::uint64_t heard_ = 0;   // of what happened there
  std::unique_ptr<rpc::Running> running_{};
};

TokenUses::TokenUses(base::net::Loop& loop, rpc::Caller& caller, server::Server& server, tokens::Uses& uses,
                     const server::AclSettings& acl)
    : loop_(loop), cycle_(std::make_unique<Cycle>(loop, caller, server, uses, acl)) {
  loop_.run([this] { cycle_->wait(kSoon); });
}

TokenUses::~TokenUses() {
  loop_.run([this] { cycle_.reset(); });
}

}  // namespace proconsul::agent
