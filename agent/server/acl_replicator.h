// How a secondary datacenter's policies, roles or global tokens become those of the primary: what differs, in which
// order it is written, how often that is looked at, and what happens when the primary cannot be asked. It waits only
// through what it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/acl_types.h"
#include "agent/rpc/token_sums.h"
#include "agent/server/replication_rounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/ref.h"
#include "base/result.h"
#include "base/time.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

/// Asks the primary, with the replication token. Calls wait for the answer, lists until they are newer than `after`,
/// reads, for a while, until they are as new as `as_of`, since another server may answer them than did the list;
/// Errc::unavailable once `over` is.
class AclPrimary {
 public:
  virtual ~AclPrimary() = default;
  using IDs = base::List<std::string>;
  virtual base::Result<rpc::ACLPolicyListResponse> policies(std::uint64_t after, std::stop_token over) = 0;
  virtual base::Result<rpc::ACLPolicyBatchResponse> read_policies(IDs ids, std::uint64_t as_of,
                                                                  std::stop_token over) = 0;
  virtual base::Result<rpc::ACLRoleListResponse> roles(std::uint64_t after, std::stop_token over) = 0;
  virtual base::Result<rpc::ACLTokenListResponse> tokens(std::uint64_t after, std::stop_token over) = 0;
  /// Only servers of this kind have that: others say "rpc: can't find method".
  virtual base::Result<rpc::TokenSumsResponse> token_sums(std::uint64_t after, std::stop_token over) = 0;
  virtual base::Result<rpc::ACLTokenBatchResponse> read_tokens(IDs accessors, std::uint64_t as_of,
                                                               std::stop_token over) = 0;
};

/// What is compared of a row, which lives longer.
struct AclEntry {
  std::string_view id{};
  std::string_view hash{};
  std::uint64_t modify_index{};  // in the primary
  std::string_view secret{};     // of a token, if it is shown
};

struct AclDifference {
  std::vector<std::string> gone{};  // to be deleted first
  std::vector<std::string> set{};   // sorted, as `gone` is
};
/// What makes `here` like `there`. Entries without an ID are passed over. A token with another secret than before is
/// deleted and set.
AclDifference acl_difference(std::vector<AclEntry> here, std::vector<AclEntry> there, std::uint64_t after);

class AclReplicator {
 public:
  enum class Kind : std::uint8_t { policies, roles, tokens };
  struct Limits {
    double rounds_a_second = 1;  // in the long run
    std::int64_t burst = 5;
    std::int64_t applies_a_second = 100;  // within a round
  };
  /// All but `apply` and `pause` return at once.
  struct Means {
    std::shared_ptr<AclPrimary> primary{};
    const base::Clock* clock = nullptr;
    std::function<catalog::ViewPtr()> view{};
    std::function<base::Result<>(std::string command)> apply{};  // waits until it is applied here
    ReplicationPause pause{};
    std::function<std::string()> token{};  // the replication token; empty: not to be copied now
    std::function<void(const base::Result<std::uint64_t>&)> report{};  // of each round: up to which index, or why not
  };
  AclReplicator(Kind kind, Limits limits, Means means);

  /// Until `over`.
  void run(std::stop_token over);
  /// Asks once, waiting until there is something newer than `after` (0: for everything), and makes it so. The index of
  /// the primary that it is as far as.
  base::Result<std::uint64_t> round(std::uint64_t after, std::stop_token over);

 private:
  template <class Table>
  base::Result<std::uint64_t> round_of(std::uint64_t after, const std::stop_token& over);
  template <class Table>
  base::Result<> remove(const std::vector<std::string>& ids);
  template <class Table, class Rows>
  base::Result<> write(Rows& rows);
  base::Result<> apply(std::string command);

  const Kind kind_;
  const Limits limits_;
  const Means means_;
  const base::log::Logger log_;
  const base::metrics::Gauge status_, index_;
  const base::metrics::Sample fetch_, apply_;
  bool sums_ = true;      // the primary is asked for those, until it turns out to have none
  bool applied_ = false;  // something in this round: the next one keeps its distance
  ReplicationRounds rounds_;
};

}  // namespace proconsul::agent::server
