#include "wanfed/locator.h"

#include <algorithm>
#include <set>

namespace proconsul::wanfed {
namespace {

/// A probe that nobody heard of again counts as under way for so long.
constexpr base::Duration kProbeTime = base::seconds(10);

const Gateways& gateways_of(const Knowledge& knowledge, std::string_view datacenter) {
  static const Gateways kNone{};
  const auto found = knowledge.states.find(datacenter);
  return found == knowledge.states.end() ? kNone : found->second;
}

/// The catalog knows first, the federation state has been to the primary and back.
Addresses local_of(const Knowledge& knowledge, std::string_view datacenter) {
  Addresses all = knowledge.local;
  for (const std::string& address : gateways_of(knowledge, datacenter).lan) {
    if (std::ranges::find(all, address) == all.end()) all.push_back(address);
  }
  return all;
}

Addresses direct_to_primary(const Knowledge& knowledge, std::string_view primary) {
  Addresses all = gateways_of(knowledge, primary).wan;
  for (const std::string& address : knowledge.primary) {
    if (std::ranges::find(all, address) == all.end()) all.push_back(address);
  }
  return all;
}

}  // namespace

void Locator::learn(Knowledge knowledge) {
  remembered_ = memory();
  std::swap(known_, knowledge);
  std::set<Way> possible;
  for (const std::string& datacenter : datacenters()) {
    for (const Candidate& candidate : candidates(datacenter)) possible.insert({datacenter, candidate.gateway});
  }
  std::erase_if(health_, [&](const auto& entry) { return !possible.contains(entry.first); });
  for (auto& [way, health] : health_) {
    if (health.works || gateways_of(known_, way.datacenter).wan == gateways_of(knowledge, way.datacenter).wan) continue;
    health.failures = std::min(health.failures, 1);
    health.next_probe = {};
  }
}

Knowledge Locator::memory() const {
  Knowledge memory = remembered_;
  for (const auto& [datacenter, gateways] : known_.states) {
    Gateways& kept = memory.states[datacenter];
    if (!gateways.lan.empty()) kept.lan = gateways.lan;
    if (!gateways.wan.empty()) kept.wan = gateways.wan;
  }
  // A datacenter that was forgotten on purpose has no state any more, while others have theirs.
  if (!known_.states.empty()) {
    std::erase_if(memory.states, [&](const auto& entry) {
      return !known_.states.contains(entry.first) && entry.first != options_.primary_datacenter &&
             entry.first != options_.datacenter;
    });
  }
  if (!known_.local.empty()) memory.local = known_.local;
  if (!known_.primary.empty()) memory.primary = known_.primary;
  return memory;
}

std::vector<std::string> Locator::datacenters() const {
  std::set<std::string> all = expected_;
  for (const Knowledge* knowledge : {&known_, &remembered_}) {
    for (const auto& [datacenter, gateways] : knowledge->states) all.insert(datacenter);
  }
  all.insert(options_.primary_datacenter);
  all.erase(options_.datacenter);
  return {all.begin(), all.end()};
}

std::vector<Locator::Candidate> Locator::candidates(std::string_view datacenter) const {
  std::vector<Candidate> all;
  const auto add = [&](Tier tier, const Addresses& addresses) {
    for (const std::string& address : addresses) {
      const auto same = [&](const Candidate& each) { return each.gateway == address; };
      if (std::ranges::none_of(all, same)) all.push_back({tier, address});
    }
  };
  const bool direct = datacenter == options_.primary_datacenter && datacenter != options_.datacenter;
  add(Tier::local, local_of(known_, options_.datacenter));
  if (direct) add(Tier::direct, direct_to_primary(known_, datacenter));
  add(Tier::remembered, local_of(remembered_, options_.datacenter));
  if (direct) add(Tier::remembered, direct_to_primary(remembered_, datacenter));
  return all;
}

const Locator::Health* Locator::health(std::string_view datacenter, std::string_view gateway) const {
  const auto found = health_.find({std::string(datacenter), std::string(gateway)});
  return found == health_.end() ? nullptr : &found->second;
}

bool Locator::knows_way(std::string_view datacenter) const {
  return !candidates(datacenter).empty();
}

bool Locator::has_way(std::string_view datacenter) const {
  return std::ranges::any_of(candidates(datacenter), [&](const Candidate& candidate) {
    const Health* health = this->health(datacenter, candidate.gateway);
    return health != nullptr && health->works;
  });
}

std::optional<Way> Locator::pick(std::string_view datacenter) {
  // Works before untried before failed; among these by tier, and of what failed the longest ago.
  struct Rank {
    int state;
    int tier;
    std::int64_t failed;
    auto operator<=>(const Rank&) const = default;
  };
  std::optional<Rank> best;
  std::vector<const Candidate*> equals;
  const std::vector<Candidate> all = candidates(datacenter);
  for (const Candidate& candidate : all) {
    const Health* health = this->health(datacenter, candidate.gateway);
    const bool failed = health != nullptr && !health->works && health->failures > 0;
    const Rank rank{.state = failed                               ? 2
                             : health != nullptr && health->works ? 0
                                                                  : 1,
                    .tier = failed ? 0 : static_cast<int>(candidate.tier),
                    .failed = failed ? health->last_failure.nanoseconds : 0};
    if (best && *best < rank) continue;
    if (!best || rank < *best) equals.clear();
    best = rank;
    equals.push_back(&candidate);
  }
  if (equals.empty()) return std::nullopt;
  return Way{std::string(datacenter), equals[random_.below(equals.size())]->gateway};
}

bool Locator::outdated(std::string_view datacenter, std::string_view gateway) const {
  const std::vector<Candidate> all = candidates(datacenter);
  const auto place = std::ranges::find(all, gateway, &Candidate::gateway);
  return std::ranges::any_of(all, [&](const Candidate& other) {
    const Health* health = this->health(datacenter, other.gateway);
    if (health == nullptr || !health->works) return false;
    return place == all.end() || other.tier < place->tier;
  });
}

void Locator::reached(const Way& way, bool answered, base::MonotonicTime now) {
  const std::vector<Candidate> all = candidates(way.datacenter);
  if (std::ranges::find(all, way.gateway, &Candidate::gateway) == all.end()) return;
  Health& health = health_[way];
  health.works = answered;
  ++health.dials;
  if (!answered) ++health.all_failures;
  if (answered) {
    health.failures = 0;
    return;
  }
  health.last_failure = now;
  base::Duration rest = options_.first_rest;
  for (int i = 0; i < health.failures && rest < options_.most_rest; ++i) rest.nanoseconds *= 2;
  rest = std::min(rest, options_.most_rest);
  ++health.failures;
  // Not all servers at once.
  rest.nanoseconds -= static_cast<std::int64_t>(static_cast<double>(rest.nanoseconds) * 0.25 * random_.unit());
  health.next_probe = now + rest;
}

std::vector<WayState> Locator::survey() const {
  std::vector<WayState> all;
  for (const std::string& datacenter : datacenters()) {
    for (const Candidate& candidate : candidates(datacenter)) {
      WayState state{.way = {datacenter, candidate.gateway}, .tier = candidate.tier};
      if (const Health* health = this->health(datacenter, candidate.gateway)) {
        state.works = health->works;
        state.failed = !health->works && health->failures > 0;
        state.dials = health->dials;
        state.failures = health->all_failures;
        state.last_failure = health->last_failure;
      }
      all.push_back(std::move(state));
    }
  }
  return all;
}

std::vector<Way> Locator::due(base::MonotonicTime now) {
  std::vector<Way> ways;
  for (const std::string& datacenter : datacenters()) {
    for (const Candidate& candidate : candidates(datacenter)) {
      Way way{datacenter, candidate.gateway};
      Health& health = health_[way];
      if (health.works || now < health.next_probe) continue;
      health.next_probe = now + kProbeTime;
      ways.push_back(std::move(way));
    }
  }
  return ways;
}

}  // namespace proconsul::wanfed
