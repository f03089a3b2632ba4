// What the streams of this server are like, for who asks about peerings.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/time.h"
#include "catalog/types/peering.h"

namespace proconsul::agent::peering {

struct StreamState {
  bool connected{};
  std::string error{};  // why it broke
  std::optional<base::Time> heard_heartbeat{}, heard{}, said{};
  base::List<std::string> imported{}, exported{};
};

/// Any thread.
class Tracker {
 public:
  explicit Tracker(const base::Clock& clock) : clock_(clock) {}
  /// False: there is another stream of this peering.
  bool connect(const std::string& id);
  /// An empty error: in order.
  void disconnect(const std::string& id, const std::string& error);
  void forget(const std::string& id);
  void heartbeat(const std::string& id);
  void heard(const std::string& id);
  /// Or tried to.
  void said(const std::string& id);
  void imports(const std::string& id, base::List<std::string> services);
  void exports(const std::string& id, base::List<std::string> services);
  bool is_connected(const std::string& id) const;
  std::optional<StreamState> find(const std::string& id) const;
  /// The peering as it is seen from outside: with the state of its stream.
  catalog::Peering shown(catalog::Peering peering) const;

 private:
  const base::Clock& clock_;
  mutable std::mutex mutex_{};
  std::map<std::string, StreamState> streams_{};
};

}  // namespace proconsul::agent::peering
