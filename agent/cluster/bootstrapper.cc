#include "agent/cluster/bootstrapper.h"

#include <utility>

namespace proconsul::agent::cluster {
namespace {

constexpr base::Duration kInterval = base::milliseconds(100);
constexpr base::Duration kRetry = base::seconds(1);

}  // namespace

Bootstrapper::Bootstrapper(Means means) : means_(std::move(means)) {
  thread_ = std::thread([this] { run(); });
}

Bootstrapper::~Bootstrapper() {
  stopping_.raise();
  thread_.join();
}

void Bootstrapper::run() {
  while (!stopping_.raised() && !attempt()) {
    if (!stopping_.sleep(kInterval)) return;
  }
}

bool Bootstrapper::attempt() {
  using Verdict = server::BootstrapPlan::Verdict;
  const server::BootstrapPlan plan = server::plan_bootstrap(means_.view());
  if (!plan.reason.empty() && plan.reason != last_reason_) {
    plan.is_mistake ? log_.error(plan.reason) : log_.info(plan.reason);
    last_reason_ = plan.reason;
  }
  if (plan.verdict == Verdict::never) return true;
  if (plan.verdict == Verdict::wait) return false;
  std::string addresses;
  for (const server::ServerInfo& server : plan.servers) {
    addresses += (addresses.empty() ? "" : ",") + server.rpc_address();
    const base::Result<std::vector<std::string>> peers = means_.peers_of(server);
    if (!peers) {
      log_.error("Failed to confirm peer status for server (will retry).",
                 {{"server", server.name}, {"error", peers.error()}});
      stopping_.sleep(kRetry);
      return false;
    }
    if (!peers->empty()) {
      log_.info("Existing Raft peers reported by server, disabling bootstrap mode", {{"server", server.name}});
      return true;
    }
  }
  log_.info("Found expected number of peers, attempting bootstrap", {{"peers", addresses}});
  if (const base::Result<> begun = means_.bootstrap(plan.configuration); !begun) {
    log_.error("Failed to bootstrap cluster", {{"error", begun.error()}});
  }
  return true;
}

}  // namespace proconsul::agent::cluster
