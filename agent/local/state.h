// What this agent has registered, and how much of that the catalog has: plain data, one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/types/health.h"
#include "catalog/types/service.h"

namespace proconsul::agent::local {

enum class Source : std::uint8_t { file, api };

struct ServiceEntry {
  catalog::NodeService service{};
  std::string token{};
  Source source = Source::api;
  bool in_sync = false;
  bool deleted = false;        // gone here; the catalog has yet to be told
  std::uint64_t revision = 0;  // changes with every change, so that a late answer confirms only what it was sent for
};

struct CheckEntry {
  catalog::HealthCheck check{};
  std::string token{};
  Source source = Source::api;
  bool in_sync = false;
  bool deleted = false;
  bool deferred = false;  // only the output differs: the catalog is told later
  std::uint64_t revision = 0;
};

class State {
 public:
  /// `defer_output`: changes of a check's output alone wait to be sent until undefer().
  explicit State(std::string node, bool defer_output = false) : node_(std::move(node)), defer_output_(defer_output) {}

  const std::string& node() const { return node_; }
  // Everything, deleted entries included: for the planner.
  std::map<std::string, ServiceEntry>& services() { return services_; }
  std::map<std::string, CheckEntry>& checks() { return checks_; }
  const std::map<std::string, ServiceEntry>& services() const { return services_; }
  const std::map<std::string, CheckEntry>& checks() const { return checks_; }

  /// Null if there is none (or it is deleted).
  const catalog::NodeService* service(std::string_view id) const;
  const catalog::HealthCheck* check(std::string_view id) const;
  /// Those of one service; with the node's own when `with_node`.
  std::vector<const catalog::HealthCheck*> checks_of(std::string_view service_id, bool with_node) const;

  void put_service(catalog::NodeService service, std::string token, Source source);
  /// The check's service must exist.
  base::Result<> put_check(catalog::HealthCheck check, std::string token, Source source);
  base::Result<> remove_service(std::string_view id);
  void remove_check(std::string_view id);

  enum class Update : std::uint8_t { none, output_deferred, changed };
  Update update_check(std::string_view id, std::string_view status, std::string_view output);
  /// The deferred output of a check is now to be sent.
  void undefer(std::string_view id);

  /// Whether the catalog's row of this node is known to be right.
  bool node_in_sync = false;

 private:
  std::string node_;
  bool defer_output_;
  std::uint64_t revision_ = 0;
  std::map<std::string, ServiceEntry> services_{};
  std::map<std::string, CheckEntry> checks_{};
};

}  // namespace proconsul::agent::local
