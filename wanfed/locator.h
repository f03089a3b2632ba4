// Which mesh gateway a server dials to reach another datacenter. Nothing but arithmetic: what is known of gateways,
// what became of earlier dials and the time go in, an address comes out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/time.h"

namespace proconsul::wanfed {

using Addresses = std::vector<std::string>;  // "10.0.0.1:8443", no names

/// A datacenter's mesh gateways, as its federation state has them: those that take part and are not critical.
struct Gateways {
  Addresses lan{};  // for servers of that datacenter
  Addresses wan{};  // for everybody else
  bool operator==(const Gateways&) const = default;
};

/// All that is known of gateways.
struct Knowledge {
  std::map<std::string, Gateways, std::less<>> states{};  // federation states by datacenter
  Addresses local{};                                      // of this datacenter's own catalog, for its servers
  Addresses primary{};                                    // primary_gateways, resolved
  bool operator==(const Knowledge&) const = default;
};

/// A gateway to dial and the datacenter behind it.
struct Way {
  std::string datacenter{};
  std::string gateway{};
  auto operator<=>(const Way&) const = default;
};

/// A way with what became of it.
struct WayState {
  Way way{};
  enum class Tier : std::uint8_t { local, direct, remembered } tier{};
  bool works{};
  bool failed{};  // neither: it was not tried yet
  std::uint64_t dials{}, failures{};
  base::MonotonicTime last_failure{};  // if there were failures
};

class Locator {
 public:
  struct Options {
    std::string datacenter{};
    std::string primary_datacenter{};
    base::Duration first_rest = base::seconds(1);  // after a failure, until the way is probed; doubled by each more
    base::Duration most_rest = base::seconds(5);
  };
  Locator(Options options, base::Random& random) : options_(std::move(options)), random_(random) {}

  /// What is known by now. Ways to a datacenter whose gateways are other ones are worth a probe at once.
  void learn(Knowledge knowledge);
  /// What was known before a restart: counts where nothing newer is known.
  void remember(Knowledge knowledge) { remembered_ = std::move(knowledge); }
  /// Who is in the WAN pool: ways there are looked after, also without a federation state.
  void expect(std::set<std::string> datacenters) { expected_ = std::move(datacenters); }
  /// What is worth remembering: lists that became empty stay as they were.
  Knowledge memory() const;

  /// A gateway for the datacenter: one that works, the local ones first; else one that was not tried yet; else one that
  /// failed, the longest ago. At random among equals. Nothing: none is known.
  std::optional<Way> pick(std::string_view datacenter);
  bool knows_way(std::string_view datacenter) const;
  /// Whether some way there is known to work.
  bool has_way(std::string_view datacenter) const;
  /// Whether a better way than through this gateway is known to work.
  bool outdated(std::string_view datacenter, std::string_view gateway) const;

  /// What became of a dial: whether a server of the datacenter answered.
  void reached(const Way& way, bool answered, base::MonotonicTime now);
  /// All ways that are known, by datacenter, in the order of preference.
  std::vector<WayState> survey() const;
  /// Ways of which it is time to see whether they work; each is told once, until `reached` or some time later.
  std::vector<Way> due(base::MonotonicTime now);

 private:
  using Tier = WayState::Tier;  // in the order of preference
  struct Candidate {
    Tier tier{};
    std::string gateway{};
  };
  struct Health {
    int failures{};  // since the last success
    std::uint64_t dials{}, all_failures{};
    bool works{};
    base::MonotonicTime last_failure{};
    base::MonotonicTime next_probe{};
  };

  std::vector<Candidate> candidates(std::string_view datacenter) const;
  const Health* health(std::string_view datacenter, std::string_view gateway) const;
  std::vector<std::string> datacenters() const;

  const Options options_;
  base::Random& random_;
  Knowledge known_{};
  Knowledge remembered_{};
  std::set<std::string> expected_{};
  std::map<Way, Health> health_{};
};

}  // namespace proconsul::wanfed
