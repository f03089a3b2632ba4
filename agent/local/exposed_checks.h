// Checks that go through a sidecar: with `Expose.Checks` a proxy lets them in on listeners of its own, where they need
// no certificate. Plain data, one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/types/agent_check.h"

namespace proconsul::agent::local {

/// The URL of an HTTP check with a proxy's address and a listener's port; one that is no such URL stays as it is.
std::string http_through(std::string_view url, std::string_view address, std::int64_t port);
/// The same for "host:port[/service]" of a gRPC check.
std::string grpc_through(std::string_view target, std::string_view address, std::int64_t port);

/// `ports.expose_min_port` and `ports.expose_max_port`; the last one is not used, as with Consul.
struct ExposePorts {
  std::int64_t min{}, max{};
};

class ExposedChecks {
 public:
  explicit ExposedChecks(ExposePorts ports) : ports_(ports) {}

  /// An HTTP or gRPC check of a service has begun, as it was defined; of others nothing is kept.
  void add(const std::string& id, const std::string& service_id, const catalog::CheckType& type);
  /// The check is gone, and its port free.
  void remove(const std::string& id);
  /// Whether it could go through a sidecar.
  bool contains(std::string_view id) const { return entries_.contains(id); }
  /// Ids of those that could go through a sidecar of the service.
  std::vector<std::string> of_service(std::string_view service_id) const;
  /// Where a check goes: port 0: straight.
  struct Way {
    std::int64_t port{};
    std::string address{};  // of the proxy
    bool operator==(const Way&) const = default;
  };
  const Way& way(const std::string& id) const { return entries_.find(id)->second.way; }
  /// The check as it runs now.
  catalog::CheckType as_run(const std::string& id) const;
  /// Its listener's port, which it keeps as long as it goes there. "no ports available to expose 'id'".
  base::Result<std::int64_t> expose(const std::string& id, std::string address);
  /// It goes straight again. False if it did all the time.
  bool hide(const std::string& id);

 private:
  struct Entry {
    std::string service_id{};
    catalog::CheckType type{};
    Way way{};
  };
  ExposePorts ports_;
  std::map<std::string, Entry, std::less<>> entries_{};  // by check
};

}  // namespace proconsul::agent::local
