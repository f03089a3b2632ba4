// agent.tls.cert.expiry: how long the agent's certificate still holds.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/metrics.h"

namespace proconsul::agent {

/// In seconds: certificates that never end say the year 9999, which no count of nanoseconds reaches.
struct Validity {
  std::chrono::sys_seconds not_before{}, not_after{};
};
/// Of the first certificate in the file (PEM). Nothing: there is none. It reads a file.
std::optional<Validity> validity_of(const std::string& path);

class CertificateExpiry {
 public:
  CertificateExpiry(std::string cert_file, const std::string& node);
  /// Sets the gauge. The file is read again every hour: it may have been renewed, and one that ends soon is warned of.
  void read();

 private:
  void read_file();

  const std::string cert_file_;
  const base::log::Logger log_{"agent"};
  base::metrics::Gauge seconds_;
  std::optional<std::chrono::steady_clock::time_point> read_at_{};
  std::optional<std::chrono::sys_seconds> not_after_{};
};

}  // namespace proconsul::agent
