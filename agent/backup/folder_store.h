// Archives as files of a directory.
#pragma once

#include <string>
#include <vector>

#include "agent/backup/store.h"

namespace proconsul::agent::backup {

class FolderStore final : public ArchiveStore {
 public:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}
  std::string place() const override { return folder_; }
  base::Result<> put(const std::string& name, raft::ScratchFile& archive) override;
  base::Result<std::vector<std::string>> list(const std::string& beginning) override;
  base::Result<> remove(const std::string& name) override;

 private:
  const std::string folder_;
};

}  // namespace proconsul::agent::backup
