// What the API registered, kept in the data directory in Consul's own files: services/ID, checks/ID, checks/state/ID,
// each named by the SHA-256 of the id. An agent without a data directory keeps nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/health.h"
#include "catalog/types/service.h"

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

class Files {
 public:
  /// `data_dir` empty: nothing is kept.
  explicit Files(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  // Durable when they return.
  base::Result<> save(const PersistedService& service) const;
  base::Result<> save(const PersistedCheck& check) const;
  /// Often and without fsync: losing it turns a check critical until its next beat.
  base::Result<> save(const PersistedCheckState& state) const;
  void forget_service(std::string_view id) const;
  void forget_check(std::string_view id) const;
  void forget_check_state(std::string_view id) const;

  /// What is there; files that cannot be read are named in `faults` and left where they are.
  std::vector<PersistedService> services(std::vector<std::string>& faults) const;
  std::vector<PersistedCheck> checks(std::vector<std::string>& faults) const;
  /// Nothing if there is none, or it has expired at `now` (Unix seconds).
  bool check_state(std::string_view id, std::int64_t now, PersistedCheckState& state) const;

 private:
  std::string path(std::string_view folder, std::string_view id) const;
  std::string data_dir_;
};

}  // namespace proconsul::agent::local
