// What methods ask of the gossip pools: which datacenters there are, and what goes through a pool.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/type.h"
#include "catalog/types/coordinate.h"
#include "gossip/serf/keys.h"

namespace proconsul::agent::doctor {
struct Findings;
struct View;
}  // namespace proconsul::agent::doctor

namespace proconsul::agent::rpc {

/// Any thread may ask; what is called back is called on any thread.
class Federation {
 public:
  virtual ~Federation() = default;
  /// Names of all that are known, this one among them, nearest first.
  virtual std::vector<std::string> datacenters() const = 0;
  /// Where the servers of each are, as far as the pools have measured it.
  virtual base::List<catalog::DatacenterMap> coordinates() const = 0;
  /// Whether there is a WAN pool.
  virtual bool on_wan() const = 0;
  /// To every member of the LAN.
  virtual void user_event(std::string name, std::string payload,
                          std::move_only_function<void(base::Result<>)> done) = 0;
  /// In one pool, which is there.
  virtual void key_operation(bool wan, gossip::serf::KeyOperation operation, std::string key, std::uint8_t relay_factor,
                             gossip::serf::KeyDone done) = 0;
  /// Whether all servers of this datacenter and of the primary know federation states.
  virtual bool has_federation_states() const = 0;
  /// What this server sees of the federation.
  virtual void see(std::move_only_function<void(base::Result<doctor::View>)> done);
  /// Tries the ways to all servers; they are asked with the token what they see. Takes seconds.
  virtual void examine(std::string token, std::move_only_function<void(base::Result<doctor::Findings>)> done);
};

}  // namespace proconsul::agent::rpc
