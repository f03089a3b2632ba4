// Where archives are kept. Calls wait: for a thread of one's own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "raft/archive.h"

namespace proconsul::agent::backup {

class ArchiveStore {
 public:
  virtual ~ArchiveStore() = default;
  /// For people: "/var/backups", "s3://bucket/prefix".
  virtual std::string place() const = 0;
  /// The archive from its beginning. It has its name when it is whole and safe, or not at all.
  virtual base::Result<> put(const std::string& name, raft::ScratchFile& archive) = 0;
  /// Names that begin so, in any order.
  virtual base::Result<std::vector<std::string>> list(const std::string& beginning) = 0;
  virtual base::Result<> remove(const std::string& name) = 0;
};

}  // namespace proconsul::agent::backup
