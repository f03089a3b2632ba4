// A diagnosis while it is made: the rules add hops and causes. For the .cc files of this folder.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor/findings.h"
#include "agent/doctor/report.h"

namespace proconsul::agent::doctor {

/// The order in which causes are to be fixed: what comes first explains what follows.
enum class Rank : std::uint8_t {
  clock_first,  // certificates look as if their time was over
  own_certificate,
  configuration,
  needed_gateway,
  name,
  way,
  way_back,
  gossip_key,
  gossip,
  token,
  replication,
  authority,
  clock,
  gateway,
  state,
  warning,
};

class Walk {
 public:
  explicit Walk(const Findings& findings);

  const Findings& findings;
  const View& own;
  std::set<std::string> datacenters{};  // others
  std::vector<const View*> views{};     // of other servers, each server once
  bool certificate_times = false;       // some certificate was out of its time

  const View* view_of(std::string_view datacenter) const;  // of any of its servers; of the leader if it showed it
  bool is_secondary() const { return own.PrimaryDatacenter != own.Datacenter; }
  /// Whether some server of it answered.
  bool reached(std::string_view datacenter) const;

  void hop(std::string_view datacenter, std::string_view layer, std::string what, std::string_view result,
           std::string detail = {});
  void fault(Rank rank, std::string_view code, std::string_view datacenter, std::string cause, std::string fix);
  void warn(std::string_view code, std::string_view datacenter, std::string cause, std::string fix);
  /// A fault, or only a warning.
  void say(bool fault, Rank rank, std::string_view code, std::string_view datacenter, std::string cause,
           std::string fix);
  bool has(std::string_view code) const;
  Report finish();

 private:
  std::multimap<Rank, Cause> found_{};
  Report report_{};
};

// The rules, in the order in which they are asked.
void look_at_configuration(Walk& walk);  // here, and whether others have the same
void look_at_clocks(Walk& walk);
void look_at_ways(Walk& walk);      // to servers, here and elsewhere, and back
void look_at_gossip(Walk& walk);    // who is in the WAN pool
void look_at_gateways(Walk& walk);  // as they are registered, and known elsewhere
void look_at_copying(Walk& walk);   // token, replication, the mesh's authority

/// "a, b"
std::string joined(const std::vector<std::string>& words);
/// Without a usable gateway nobody from elsewhere gets in.
bool usable(const Gateway& gateway);

}  // namespace proconsul::agent::doctor
