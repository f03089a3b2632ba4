#include "agent/server/config_replication.h"

#include <utility>

namespace proconsul::agent::server {

ConfigReplication::ConfigReplication(AclSettings settings, const base::Clock& clock, ConfigReplicator::Limits limits)
    : settings_(std::move(settings)), clock_(clock), limits_(limits), record_(clock) {}

void ConfigReplication::open(Server& server, Ask ask) {
  threads_.start([this, &server, ask = std::move(ask)](const std::stop_token& over, const ReplicationPause& pause) {
    ConfigReplicator::Means means;
    means.ask = ask;
    means.clock = &clock_;
    means.view = [&server] { return server.view(); };
    means.apply = [&server](std::string command) { return apply_as_leader(server, std::move(command)); };
    means.pause = pause;
    means.token = [this] { return settings_.replication_chance(); };
    means.datacenter = settings_.datacenter;
    means.report = [this](const base::Result<std::uint64_t>& round) { record_.report(round); };
    ConfigReplicator(limits_, std::move(means)).run(over);
  });
}

}  // namespace proconsul::agent::server
