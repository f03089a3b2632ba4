#include "wanfed/gateway/prober.h"

#include <optional>
#include <utility>

#include "base/log.h"

namespace proconsul::wanfed::gateway {

static const base::log::Logger kLog("agent.mesh_gateway");

void Prober::wake() {
  const auto now = loop_.now();
  std::optional<Balancer::Time> next;
  for (const std::shared_ptr<Upstream>& upstream : routes_.all()) {
    for (Balancer::Choice& choice : upstream->due_for_probe(now)) begin(upstream, std::move(choice));
    const auto due = upstream->next_probe();
    if (due && (!next || *due < *next)) next = due;
  }
  if (next) arm(loop_, *next);
}

void Prober::begin(std::shared_ptr<Upstream> upstream, Balancer::Choice choice) {
  const std::uint64_t id = ++last_;
  Probe& probe = probes_[id];
  probe.upstream = std::move(upstream);
  probe.choice = std::move(choice);
  probe.dial = std::make_unique<Dial>(loop_, names_, probe.choice.address, loop_.now() + timeout_,
                                      [this, id](base::Result<base::net::Fd> result) { ended(id, result); });
}

void Prober::ended(std::uint64_t id, const base::Result<base::net::Fd>& result) {
  auto node = probes_.extract(id);
  const Probe& probe = node.mapped();
  if (probe.upstream->probed(probe.choice.id, result.has_value(), loop_.now())) {
    kLog.info("endpoint takes connections again",
              {{"route", probe.upstream->name()}, {"endpoint", to_string(probe.choice.address)}});
  }
  wake();
}

}  // namespace proconsul::wanfed::gateway
