// The block "snapshots": archives of the state that servers take by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/config/settings.h"
#include "base/time.h"

namespace proconsul::agent::config {

struct SnapshotSchedule {
  base::Duration interval{};
  std::int64_t retain{};  // archives of this datacenter that stay in each store; 0: all
  bool stale{};           // this server takes them, whether it leads or not
  std::string prefix{};   // names of archives begin so
  std::string folder{};   // local_storage.path; empty: no local ones
  struct S3 {
    std::string bucket{};  // empty: none
    std::string region{};
    std::string endpoint{};  // URL; empty: Amazon's own of the region
    std::string key_prefix{};
    std::string access_key_id{}, secret_access_key{}, session_token{};  // empty: of the environment
    bool path_style{};                                                  // the bucket in the path, not in the host
    bool encrypt{};                                                     // at rest, by the store
    std::string kms_key{};
  } s3{};

  bool enabled() const { return !folder.empty() || !s3.bucket.empty(); }
};

/// Appends a sentence for each value that is of no use.
SnapshotSchedule snapshot_schedule(const Settings& settings, std::vector<std::string>& errors);

}  // namespace proconsul::agent::config
