#include "agent/peering/tracker.h"

#include <algorithm>
#include <utility>

namespace proconsul::agent::peering {

using catalog::PeeringState;
using catalog::Timestamp;

namespace {

Timestamp shown_time(const base::Time& time) {
  return {.seconds = base::unix_seconds(time), .nanos = time.nanoseconds};
}

}  // namespace

bool Tracker::connect(const std::string& id) {
  const std::lock_guard lock(mutex_);
  StreamState& stream = streams_[id];
  if (std::exchange(stream.connected, true)) return false;
  stream.error.clear();
  return true;
}

void Tracker::disconnect(const std::string& id, const std::string& error) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  found->second.connected = false;
  found->second.error = error;
}

void Tracker::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  streams_.erase(id);
}

void Tracker::heartbeat(const std::string& id) {
  const std::lock_guard lock(mutex_);
  StreamState& stream = streams_[id];
  stream.heard_heartbeat = stream.heard = clock_.wall();
}

void Tracker::heard(const std::string& id) {
  const std::lock_guard lock(mutex_);
  streams_[id].heard = clock_.wall();
}

void Tracker::said(const std::string& id) {
  const std::lock_guard lock(mutex_);
  streams_[id].said = clock_.wall();
}

void Tracker::imports(const std::string& id, base::List<std::string> services) {
  const std::lock_guard lock(mutex_);
  streams_[id].imported = std::move(services);
}

void Tracker::exports(const std::string& id, base::List<std::string> services) {
  const std::lock_guard lock(mutex_);
  streams_[id].exported = std::move(services);
}

bool Tracker::is_connected(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(id);
  return found != streams_.end() && found->second.connected;
}

std::optional<StreamState> Tracker::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(id);
  if (found == streams_.end()) return std::nullopt;
  return found->second;
}

catalog::Peering Tracker::shown(catalog::Peering peering) const {
  catalog::StreamStatus& status = peering.StreamStatus.emplace();
  const std::optional<StreamState> stream = find(peering.ID);
  if (!stream) return peering;
  if (stream->connected) {
    peering.State = static_cast<std::int32_t>(PeeringState::active);
  } else if (!stream->error.empty()) {
    peering.State = static_cast<std::int32_t>(PeeringState::failing);
  }
  status.ImportedServices = stream->imported;
  status.ExportedServices = stream->exported;
  if (stream->heard_heartbeat) status.LastHeartbeat = shown_time(*stream->heard_heartbeat);
  // As Consul shows what never was, of a stream that it knows.
  status.LastReceive = shown_time(stream->heard.value_or(base::Time()));
  status.LastSend = shown_time(stream->said.value_or(base::Time()));
  return peering;
}

}  // namespace proconsul::agent::peering
