// Where this process spends its processor time: a sample of the running stack for each 10 ms of it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace proconsul::agent {

/// Samples from its start until it is gone; there is one at a time. Any thread.
class CpuProfile {
 public:
  /// Errc::unavailable: another one is under way, or the system offers no timer.
  static base::Result<std::unique_ptr<CpuProfile>> start();
  ~CpuProfile();
  CpuProfile(const CpuProfile&) = delete;
  CpuProfile& operator=(const CpuProfile&) = delete;

  /// Ends the sampling: the samples as gperftools writes them, which `pprof` reads. Once.
  std::string finish();

 private:
  CpuProfile() = default;
};

}  // namespace proconsul::agent
