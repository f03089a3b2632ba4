// What the API registered, kept in the data directory in Consul's own files: services/ID, checks/ID, checks/state/ID,
// each named by the SHA-256 of the id. An agent without a data directory keeps nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/socket.h"
#include "base/result.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/health.h"
#include "catalog/types/service.h"
#include "catalog/types/service_config.h"

namespace proconsul::agent::local {

struct PersistedService {
  std::string Token{};
  base::Pointer<catalog::NodeService> Service{};
  std::string Source{};
  bool LocallyRegisteredAsSidecar{};
};
PROCONSUL_DECLARE_TYPE(PersistedService)

struct PersistedCheck {
  base::Pointer<catalog::HealthCheck> Check{};
  base::Pointer<catalog::CheckType> ChkType{};
  std::string Token{};
  std::string Source{};
};
PROCONSUL_DECLARE_TYPE(PersistedCheck)

/// The last status of a TTL check, so that a restart does not turn it critical.
struct PersistedCheckState {
  std::string CheckID{};
  std::string Output{};
  std::string Status{};
  std::int64_t Expires{};  // Unix seconds
};
PROCONSUL_DECLARE_TYPE(PersistedCheckState)

/// What central configuration said last of a proxy, so that after a restart it is not without it for a moment.
struct PersistedServiceConfig {
  std::string ServiceID{};
  base::Pointer<catalog::ServiceConfig> Defaults{};
};
PROCONSUL_DECLARE_TYPE(PersistedServiceConfig)

class Files {
 public:
  /// `data_dir` empty: nothing is kept.
  explicit Files(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  // Seen by whoever reads the folder when they return, and durable after the next sync().
  base::Result<> save(const PersistedService& service);
  base::Result<> save(const PersistedCheck& check);
  base::Result<> save(const PersistedServiceConfig& config);
  /// One wait for the disk for all that was saved since the last time.
  base::Result<> sync();
  /// Often, in place and never synced: losing it turns a check critical until its next beat.
  base::Result<> save(const PersistedCheckState& state) const;
  void forget_service(std::string_view id) const;
  void forget_check(std::string_view id) const;
  void forget_check_state(std::string_view id) const;

  /// What is there; files that cannot be read are named in `faults` and left where they are.
  std::vector<PersistedService> services(std::vector<std::string>& faults) const;
  std::vector<PersistedCheck> checks(std::vector<std::string>& faults) const;
  /// Nothing if there is none that can be read.
  std::optional<catalog::ServiceConfig> service_config(std::string_view id) const;
  /// Nothing if there is none, or it has expired at `now` (Unix seconds).
  bool check_state(std::string_view id, std::int64_t now, PersistedCheckState& state) const;

 private:
  std::string path(std::string_view folder, std::string_view id) const;
  base::Result<> write(std::string_view folder, std::string_view id, std::string_view text);
  std::string data_dir_;
  std::vector<base::net::Fd> unsynced_{};     // files that were written
  std::set<std::string> unsynced_folders_{};  // folders in which names changed
};

}  // namespace proconsul::agent::local
