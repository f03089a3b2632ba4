#include "agent/cluster/federation.h"

#include <utility>

#include "agent/cluster/datacenters.h"
#include "agent/cluster/examiner.h"

namespace proconsul::agent::cluster {

std::vector<std::string> Federation::datacenters() const {
  if (!pools_.has_wan()) return {datacenter_};
  const gossip::PoolViewPtr view = pools_.view(true);
  const auto* own = view->coordinates.get(view->local_name);
  return datacenters_by_distance(datacenter_, pools_.members(true), view->coordinates, own);
}

base::List<catalog::DatacenterMap> Federation::coordinates() const {
  if (!pools_.has_wan()) return {};
  return datacenter_maps(pools_.members(true), pools_.view(true)->coordinates);
}

bool Federation::has_federation_states() const {
  constexpr std::string_view kFeature = "fs";
  if (has_federation_states_) return true;
  if (primary_datacenter_ != datacenter_ && !servers_.have_feature(primary_datacenter_, kFeature)) return false;
  if (!servers_.have_feature(datacenter_, kFeature)) return false;
  has_federation_states_ = true;
  return true;
}

void Federation::user_event(std::string name, std::string payload, std::move_only_function<void(base::Result<>)> done) {
  pools_.user_event(std::move(name), std::move(payload), std::move(done));
}

void Federation::see(std::move_only_function<void(base::Result<doctor::View>)> done) {
  examiner_ ? examiner_->see(std::move(done)) : rpc::Federation::see(std::move(done));
}

void Federation::examine(std::string token, std::move_only_function<void(base::Result<doctor::Findings>)> done) {
  examiner_ ? examiner_->examine(std::move(token), std::move(done))
            : rpc::Federation::examine(std::move(token), std::move(done));
}

void Federation::key_operation(bool wan, gossip::serf::KeyOperation operation, std::string key,
                               std::uint8_t relay_factor, gossip::serf::KeyDone done) {
  pools_.key_operation(wan, operation, std::move(key), relay_factor, std::move(done));
}

}  // namespace proconsul::agent::cluster
