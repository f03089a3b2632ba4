#include "wanfed/gateway/balancer.h"

#include <algorithm>
#include <utility>

namespace proconsul::wanfed::gateway {

void Balancer::set_endpoints(std::span<const Address> addresses) {
  std::vector<Endpoint> next;
  next.reserve(addresses.size());
  for (const Address& address : addresses) {
    const auto known = std::find_if(endpoints_.begin(), endpoints_.end(),
                                    [&](const Endpoint& endpoint) { return endpoint.address == address; });
    if (known != endpoints_.end()) {
      next.push_back(std::move(*known));
      endpoints_.erase(known);
    } else {
      next.push_back({.id = EndpointId{++last_id_}, .address = address});
    }
  }
  endpoints_ = std::move(next);
}

Balancer::Endpoint* Balancer::find(EndpointId id) {
  const auto found =
      std::find_if(endpoints_.begin(), endpoints_.end(), [id](const Endpoint& endpoint) { return endpoint.id == id; });
  return found == endpoints_.end() ? nullptr : &*found;
}

std::optional<Balancer::Choice> Balancer::pick(Time now, base::Random& random, std::span<const EndpointId> tried) {
  enum Rank { healthy, suspect, out, never };
  const auto rank = [&](const Endpoint& endpoint) {
    if (std::find(tried.begin(), tried.end(), endpoint.id) != tried.end()) return never;
    if (endpoint.is_ejected) return out;
    if (endpoint.is_on_trial) return suspect;
    return endpoint.failures > 0 && now < endpoint.suspect_until ? suspect : healthy;
  };
  Rank best = never;
  std::uint64_t count = 0;
  for (const Endpoint& endpoint : endpoints_) {
    const Rank its = rank(endpoint);
    if (its < best) {
      best = its;
      count = 0;
    }
    if (its == best) ++count;
  }
  if (best == never) return std::nullopt;

  const std::uint64_t one = random.below(count);
  std::uint64_t other = one;
  if (count > 1) other = (one + 1 + random.below(count - 1)) % count;
  Endpoint *first = nullptr, *second = nullptr;
  std::uint64_t place = 0;
  for (Endpoint& endpoint : endpoints_) {
    if (rank(endpoint) != best) continue;
    if (place == one) first = &endpoint;
    if (place == other) second = &endpoint;
    ++place;
  }
  Endpoint& chosen = second->active < first->active ? *second : *first;
  ++chosen.active;
  if (chosen.was_silent) chosen.is_on_trial = true;
  return Choice{chosen.id, chosen.address};
}

void Balancer::recover(Endpoint& endpoint, Time now) {
  endpoint.is_ejected = endpoint.is_probed = endpoint.is_on_trial = false;
  endpoint.failures = 0;
  endpoint.well_since = now;
}

std::chrono::milliseconds Balancer::eject(Endpoint& endpoint, Time now) {
  if (!endpoint.is_ejected && endpoint.ejections > 0) {
    const auto steps = static_cast<std::uint64_t>((now - endpoint.well_since) / options_.forgives_after);
    endpoint.ejections -= static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, endpoint.ejections));
  }
  auto length = options_.first_ejection;
  for (std::uint32_t i = 0; i < endpoint.ejections && length < options_.longest_ejection; ++i) length *= 2;
  if (endpoint.was_silent) length = std::max(length, options_.silent_ejection);
  length = std::min(length, options_.longest_ejection);
  if (length < options_.longest_ejection) ++endpoint.ejections;
  endpoint.is_ejected = true;
  endpoint.is_probed = false;
  endpoint.until = now + length;
  return length;
}

bool Balancer::connected(EndpointId id, Time now) {
  Endpoint* endpoint = find(id);
  if (endpoint == nullptr || endpoint->was_silent) return false;
  const bool was_ejected = endpoint->is_ejected;
  if (was_ejected || endpoint->failures > 0) recover(*endpoint, now);
  return was_ejected;
}

bool Balancer::answered(EndpointId id, Time now) {
  Endpoint* endpoint = find(id);
  if (endpoint == nullptr || !std::exchange(endpoint->was_silent, false)) return false;
  const bool was_ejected = endpoint->is_ejected;
  recover(*endpoint, now);
  return was_ejected;
}

std::optional<std::chrono::milliseconds> Balancer::failed(EndpointId id, Failure failure, Time now) {
  Endpoint* endpoint = find(id);
  if (endpoint == nullptr) return std::nullopt;
  if (endpoint->active > 0) --endpoint->active;
  ++endpoint->failures;
  endpoint->suspect_until = now + options_.first_ejection;
  endpoint->is_on_trial = false;
  if (failure == Failure::silent) endpoint->was_silent = true;
  // An ejected one was the last resort: probes alone tell how it fares.
  if (endpoint->is_ejected) return std::nullopt;
  if (failure == Failure::refused && endpoint->failures < static_cast<std::uint32_t>(options_.failures_to_eject)) {
    return std::nullopt;
  }
  // When most fail, the fault is more likely on this side, and the few that would be left had to carry everything.
  const double most = options_.most_ejected * static_cast<double>(endpoints_.size());
  if (static_cast<double>(ejected() + 1) > most) return std::nullopt;
  return eject(*endpoint, now);
}

void Balancer::closed(EndpointId id) {
  Endpoint* endpoint = find(id);
  if (endpoint == nullptr) return;
  if (endpoint->active > 0) --endpoint->active;
  endpoint->is_on_trial = false;
}

std::vector<Balancer::Choice> Balancer::due_for_probe(Time now) {
  std::vector<Choice> due;
  for (Endpoint& endpoint : endpoints_) {
    if (!endpoint.is_ejected || endpoint.is_probed || now < endpoint.until) continue;
    endpoint.is_probed = true;
    due.push_back({endpoint.id, endpoint.address});
  }
  return due;
}

bool Balancer::probed(EndpointId id, bool well, Time now) {
  Endpoint* endpoint = find(id);
  if (endpoint == nullptr || !endpoint->is_ejected) return false;
  if (well) {
    recover(*endpoint, now);
  } else {
    eject(*endpoint, now);
  }
  return well;
}

std::optional<Balancer::Time> Balancer::next_probe() const {
  std::optional<Time> next;
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.is_ejected && !endpoint.is_probed && (!next || endpoint.until < *next)) next = endpoint.until;
  }
  return next;
}

std::size_t Balancer::ejected() const {
  return static_cast<std::size_t>(
      std::count_if(endpoints_.begin(), endpoints_.end(), [](const Endpoint& each) { return each.is_ejected; }));
}

std::vector<Balancer::Status> Balancer::status() const {
  std::vector<Status> all;
  all.reserve(endpoints_.size());
  for (const Endpoint& each : endpoints_) {
    all.push_back({each.address, each.active, each.failures, each.is_ejected, each.until});
  }
  return all;
}

}  // namespace proconsul::wanfed::gateway
