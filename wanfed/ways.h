// A locator that all of a server's parts share, and that remembers over a restart.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "wanfed/locator.h"

namespace proconsul::wanfed {

/// Any thread.
class Ways {
 public:
  struct Options {
    Locator::Options locator{};
    std::string file{};  // where gateways are remembered; empty: nowhere
    const base::Clock* clock = &base::system_clock();
    base::Random* random = &base::system_random();
  };
  /// Reads the file; one that cannot be read is named in the log and replaced.
  explicit Ways(Options options);

  // What is known by now: of the server's state, and of primary_gateways.
  void learn_states(std::map<std::string, Gateways, std::less<>> states, Addresses local);
  void learn_primary(Addresses addresses);
  void expect(std::set<std::string> datacenters);

  std::optional<Way> pick(std::string_view datacenter);
  bool knows_way(std::string_view datacenter) const;
  bool outdated(std::string_view datacenter, std::string_view gateway) const;
  void reached(const Way& way, bool answered);
  /// How often a datacenter was reached by some way after no way worked any more.
  std::uint64_t returns(const std::string& datacenter) const;
  std::vector<Way> due();
  std::vector<WayState> survey() const;
  /// How many dials did not reach anybody: whoever resolves names does it again when there are more.
  std::uint64_t failures() const;

 private:
  void changed();

  const Options options_;
  const base::log::Logger log_{"agent.server.gateway_locator"};
  mutable std::mutex mutex_{};  // guards what follows
  Locator locator_;
  Knowledge known_{};
  std::string written_{};
  std::uint64_t failures_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> returns_{};  // by datacenter
};

}  // namespace proconsul::wanfed
