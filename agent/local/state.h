// What this agent has registered, and how much of that the catalog has: plain data, one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/types/health.h"
#include "catalog/types/service.h"

namespace proconsul::agent::local {

enum class Source : std::uint8_t { file, api };
/// As files of the data directory have it.
constexpr const char* source_name(Source source) {
  return source == Source::file ? "local" : "remote";
}

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
  using Services = std::map<std::string, ServiceEntry, std::less<>>;
  using Checks = std::map<std::string, CheckEntry, std::less<>>;
  using Ids = std::set<std::string, std::less<>>;

  /// `defer_output`: changes of a check's output alone wait to be sent until undefer().
  explicit State(std::string node, bool defer_output = false) : node_(std::move(node)), defer_output_(defer_output) {}

  const std::string& node() const { return node_; }
  // Everything, deleted entries included.
  const Services& services() const { return services_; }
  const Checks& checks() const { return checks_; }
  // Ids of what the catalog has yet to be told, deleted entries included: work grows with these alone.
  const Ids& unsent_services() const { return unsent_services_; }
  const Ids& unsent_checks() const { return unsent_checks_; }
  bool is_in_sync() const { return node_in_sync && unsent_services_.empty() && unsent_checks_.empty(); }

  /// Null if there is none (or it is deleted).
  const catalog::NodeService* service(std::string_view id) const;
  const catalog::HealthCheck* check(std::string_view id) const;
  /// Those of one service by id, deleted ones included; the node's own for an empty id.
  std::vector<const CheckEntry*> entries_of(std::string_view service_id) const;
  /// Those of one service; with the node's own when `with_node`.
  std::vector<const catalog::HealthCheck*> checks_of(std::string_view service_id, bool with_node) const;

  void put_service(catalog::NodeService service, std::string token, Source source);
  /// The check's service must exist.
  base::Result<> put_check(catalog::HealthCheck check, std::string token, Source source);
  base::Result<> remove_service(std::string_view id);
  void remove_check(std::string_view id);

  enum class Update : std::uint8_t { none, output_deferred, output, status };
  Update update_check(std::string_view id, std::string_view status, std::string_view output);
  /// The port of its listener on a sidecar. No reason to tell the catalog, which gets it with the next change.
  void set_exposed_port(std::string_view id, std::int64_t port);
  /// The deferred output of a check is now to be sent.
  void undefer(std::string_view id);

  // For the planner.
  /// Takes over what the catalog decides, and whether it has the entry as it is.
  void compared(ServiceEntry service, bool in_sync);
  void compared(const std::string& check_id, bool in_sync);
  /// Only the catalog has it: to be deleted there.
  void add_stray_service(std::string id);
  void add_stray_check(std::string id);
  /// The catalog was told: nothing changes if the entry has changed since.
  void settle_service(const std::string& id, std::uint64_t revision);
  void settle_check(const std::string& id, std::uint64_t revision);

  /// Whether the catalog's row of this node is known to be right.
  bool node_in_sync = false;

 private:
  struct ByService {
    using is_transparent = void;
    bool operator()(const CheckEntry* a, const CheckEntry* b) const {
      const int order = a->check.ServiceID.compare(b->check.ServiceID);
      return order != 0 ? order < 0 : a->check.CheckID < b->check.CheckID;
    }
    bool operator()(const CheckEntry* a, std::string_view service_id) const { return a->check.ServiceID < service_id; }
    bool operator()(std::string_view service_id, const CheckEntry* b) const { return service_id < b->check.ServiceID; }
  };
  void mark(const std::string& id, const ServiceEntry& entry);
  void mark(const std::string& id, const CheckEntry& entry);

  std::string node_;
  bool defer_output_;
  std::uint64_t revision_ = 0;
  Services services_{};
  Checks checks_{};
  std::set<const CheckEntry*, ByService> by_service_{};
  Ids unsent_services_{}, unsent_checks_{};
};

}  // namespace proconsul::agent::local
