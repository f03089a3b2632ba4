// Alias checks: each shows the health of another service, or of a node. One of this agent follows the agent's own
// state; one of another node follows the catalog.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/local/catalog.h"
#include "agent/local/state.h"

namespace proconsul::agent::local {

struct AliasHealth {
  std::string status{};
  std::string output{};
};
/// A check as an alias sees it: with what is thought of it by now, if it is an alias itself.
struct FollowedCheck {
  const catalog::HealthCheck* check;
  std::string_view status, output;
};
/// The worst of `checks` that are a node's own or of the service, `self` left out. `exists` is asked, if no check is of
/// the service, whether there is such a service.
AliasHealth alias_health(const std::vector<FollowedCheck>& checks, std::string_view self, std::string_view node,
                         std::string_view service_id, const std::function<bool()>& exists);

/// Belongs to the agent's thread.
class Aliases final {
 public:
  /// `woken` is called from any thread, also when this has gone, when take_due() has something to do. The catalog
  /// outlives it.
  Aliases(std::string own_node, Catalog& catalog, std::function<void()> woken)
      : own_node_(std::move(own_node)), catalog_(catalog), inbox_(std::make_shared<Inbox>(std::move(woken))) {}

  /// `node` empty: this agent's own service; else `secret` is the token with which the catalog is asked.
  void add(const std::string& check_id, const std::string& node, const std::string& service_id,
           const std::string& secret);
  void remove(const std::string& check_id);
  bool contains(std::string_view check_id) const { return aliases_.contains(check_id); }
  /// A check of this service, or of the node itself if it is empty, has changed here.
  void changed(std::string_view service_id);
  using Found = std::map<std::string, AliasHealth, std::less<>>;  // by check
  /// Every alias whose health may differ from what was last found. Those that follow each other pass unless a check
  /// that is no alias is the reason: a ring of them does not keep itself critical.
  Found take_due(const State& state);

 private:
  struct Alias {
    std::string node{}, service_id{};
    std::uint64_t token{};
    std::unique_ptr<Catalog::Followed> followed{};  // null: it is of this agent
  };
  /// What others have to say; outlives this for them.
  struct Inbox {
    explicit Inbox(std::function<void()> woken_) : woken(std::move(woken_)) {}
    const std::function<void()> woken;
    std::mutex mutex{};  // guards the next one
    std::vector<std::uint64_t> tokens{};
  };
  template <class Visit>
  void each_follower(std::string_view service_id, const Visit& visit) const;
  /// All of this agent that hang on `due`, too.
  std::vector<std::string> local_due(const std::set<std::string>& due, const State& state) const;
  void judge_local(const std::set<std::string>& due, const State& state, Found& found) const;
  AliasHealth here(const std::string& id, const State& state, const Found& found) const;
  std::optional<AliasHealth> there(const std::string& id, Alias& alias);

  const std::string own_node_;
  Catalog& catalog_;
  const std::shared_ptr<Inbox> inbox_;
  std::map<std::string, Alias, std::less<>> aliases_{};         // by check
  std::set<std::pair<std::string, std::string>> by_service_{};  // service and check, of those that follow this agent
  std::set<std::string> due_{};
  std::map<std::uint64_t, std::string> by_token_{};
  std::uint64_t last_token_ = 0;
};

}  // namespace proconsul::agent::local
