#include "agent/local/aliases.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/quote.h"

namespace proconsul::agent::local {
namespace {

/// Node names do not differ in letter case alone.
bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

int badness(std::string_view status) {
  return status == catalog::kHealthCritical ? 2 : status == catalog::kHealthWarning ? 1 : 0;
}

}  // namespace

AliasHealth alias_health(const std::vector<FollowedCheck>& checks, std::string_view self, std::string_view node,
                         std::string_view service_id, const std::function<bool()>& exists) {
  AliasHealth health{.status = std::string(catalog::kHealthPassing), .output = "No checks found."};
  bool found = false;
  for (const auto& [check, status, output] : checks) {
    const bool matches = check->ServiceID == service_id;
    if (!check->ServiceID.empty() && !matches) continue;
    found = found || matches;
    // An alias that is the node's own would follow itself, and never recover.
    if (check->CheckID == self) continue;
    if (status == catalog::kHealthCritical || status == catalog::kHealthWarning) {
      health.status = status;
      health.output = "Aliased check " + base::quote(check->Name) + " failing: " + std::string(output);
      if (status == catalog::kHealthCritical) break;
    } else if (health.status == catalog::kHealthPassing) {
      health.output = "All checks passing.";
    }
  }
  if (!found && !exists()) {
    health.status = catalog::kHealthCritical;
    health.output = "Service " + std::string(service_id) + " could not be found on node " + std::string(node);
  }
  return health;
}

void Aliases::add(const std::string& check_id, const std::string& node, const std::string& service_id,
                  const std::string& secret) {
  remove(check_id);
  Alias& alias = aliases_[check_id];
  alias.node = node;
  alias.service_id = service_id;
  if (node.empty()) {
    by_service_.emplace(service_id, check_id);
  } else {
    alias.token = ++last_token_;
    by_token_.emplace(alias.token, check_id);
    alias.followed = catalog_.follow(node, service_id, secret, [inbox = inbox_, token = alias.token] {
      {
        const std::lock_guard lock(inbox->mutex);
        inbox->tokens.push_back(token);
      }
      inbox->woken();
    });
  }
  due_.insert(check_id);
}

void Aliases::remove(const std::string& check_id) {
  const auto found = aliases_.find(check_id);
  if (found == aliases_.end()) return;
  by_service_.erase({found->second.service_id, check_id});
  by_token_.erase(found->second.token);
  due_.erase(check_id);
  aliases_.erase(found);
}

template <class Visit>
void Aliases::each_follower(std::string_view service_id, const Visit& visit) const {
  if (service_id.empty()) {
    // What befalls the node befalls every service on it.
    for (const auto& [service, check] : by_service_) visit(check);
    return;
  }
  const std::string id(service_id);
  for (auto it = by_service_.lower_bound({id, ""}); it != by_service_.end() && it->first == id; ++it) {
    visit(it->second);
  }
}

void Aliases::changed(std::string_view service_id) {
  if (by_service_.empty()) return;
  each_follower(service_id, [this](const std::string& check) { due_.insert(check); });
}

Aliases::Found Aliases::take_due(const State& state) {
  {
    const std::lock_guard lock(inbox_->mutex);
    for (const std::uint64_t token : std::exchange(inbox_->tokens, {})) {
      if (const auto found = by_token_.find(token); found != by_token_.end()) due_.insert(found->second);
    }
  }
  const std::set<std::string> due = std::exchange(due_, {});
  Found found;
  for (const std::string& id : due) {
    Alias& alias = aliases_.find(id)->second;
    if (!alias.followed) continue;
    if (std::optional<AliasHealth> health = there(id, alias)) found.emplace(id, std::move(*health));
  }
  judge_local(due, state, found);
  return found;
}

std::vector<std::string> Aliases::local_due(const std::set<std::string>& due, const State& state) const {
  std::vector<std::string> ids;
  std::set<std::string_view> known;
  const auto add = [&](const std::string& id) {
    const auto alias = aliases_.find(id);
    if (!alias->second.followed && known.insert(alias->first).second) ids.push_back(id);
  };
  std::ranges::for_each(due, add);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const catalog::HealthCheck* check = state.check(ids[i])) each_follower(check->ServiceID, add);
  }
  return ids;
}

// The least fixed point: each begins as passing and gets worse only by what is already known to be bad.
void Aliases::judge_local(const std::set<std::string>& due, const State& state, Found& found) const {
  const std::vector<std::string> ids = local_due(due, state);
  for (const std::string& id : ids) found[id] = {.status = std::string(catalog::kHealthPassing), .output = {}};
  for (bool changes = !ids.empty(); std::exchange(changes, false);) {
    for (const std::string& id : ids) {
      AliasHealth health = here(id, state, found);
      AliasHealth& now = found[id];
      if (now.output.empty()) now.output = health.output;
      if (badness(health.status) <= badness(now.status)) continue;
      now = std::move(health);
      changes = true;
    }
  }
}

AliasHealth Aliases::here(const std::string& id, const State& state, const Found& found) const {
  const Alias& alias = aliases_.find(id)->second;
  std::vector<FollowedCheck> checks;
  for (const catalog::HealthCheck* check : state.checks_of(alias.service_id, true)) {
    const auto known = found.find(check->CheckID);
    checks.push_back(known != found.end() ? FollowedCheck{check, known->second.status, known->second.output}
                                          : FollowedCheck{check, check->Status, check->Output});
  }
  return alias_health(checks, id, alias.node, alias.service_id,
                      [&] { return state.service(alias.service_id) != nullptr; });
}

std::optional<AliasHealth> Aliases::there(const std::string& id, Alias& alias) {
  const std::optional<base::Result<NodeHealth>> known = alias.followed->read();
  if (!known) return std::nullopt;
  if (!*known) {
    return AliasHealth{.status = std::string(catalog::kHealthCritical),
                       .output = "Failure checking aliased node or service: " + known->error().detail};
  }
  std::vector<FollowedCheck> checks;
  for (const catalog::HealthCheck& check : (*known)->checks) checks.push_back({&check, check.Status, check.Output});
  const std::string_view self = same_name(alias.node, own_node_) ? std::string_view(id) : std::string_view();
  return alias_health(checks, self, alias.node, alias.service_id, [&] { return (*known)->service_exists; });
}

}  // namespace proconsul::agent::local
