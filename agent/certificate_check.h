// certificate_expiry_check: a check of the node that tells how long the agent's certificates hold.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/ours.h"
#include "agent/local/local_agent.h"
#include "base/background.h"
#include "base/net/loop.h"

namespace proconsul::agent {

struct CertificateState {
  std::string status{};  // of a check
  std::string output{};  // a line for each certificate
};
/// `files` of certificates (PEM), each once; reads them.
CertificateState certificate_state(const std::vector<std::string>& files, const config::CertificateExpiryCheck& rules,
                                   std::chrono::system_clock::time_point now);
/// Those that the configuration names for this agent itself.
std::vector<std::string> certificate_files(const config::Config& config);

/// Looks every minute, so that renewed files are seen; the check changes when the days that are left do, and is
/// critical when nobody has looked for a day. The node's services follow a critical check of their node: by default the
/// files are only warned of.
class CertificateCheck {
 public:
  /// All outlive it. Lives on `loop`; files are read on a thread of `background`. `token`, from any thread, tells the
  /// agent's own.
  CertificateCheck(base::net::Loop& loop, base::Background& background, local::LocalAgent& local,
                   const config::Config& config, config::CertificateExpiryCheck rules,
                   std::function<std::string()> token);
  /// Not on a loop.
  ~CertificateCheck();

 private:
  class Cycle;
  base::net::Loop& loop_;
  std::shared_ptr<Cycle> cycle_;
};

}  // namespace proconsul::agent
