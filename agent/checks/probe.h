// One way of finding out how something is. A probe lives on one event loop and is run again and again.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/checks/process.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/tls.h"
#include "base/result.h"
#include "catalog/types/agent_check.h"
#include "catalog/types/health.h"

namespace proconsul::agent::checks {

using base::net::Resolver;

/// Who runs a probe. Both may be called from within start().
class ProbeUser {
 public:
  virtual ~ProbeUser() = default;
  /// The result of a run, once: "passing", "warning" or "critical". Must not destroy the probe.
  virtual void result(std::string_view status, std::string output) = 0;
  /// The run is over, after its result: another may begin. May destroy the probe.
  virtual void idle() = 0;
};

class Probe {
 public:
  explicit Probe(ProbeUser& user) : user_(user) {}
  /// Ends what is under way, without a result.
  virtual ~Probe() = default;
  Probe(const Probe&) = delete;
  virtual void start() = 0;

 protected:
  void finish(std::string_view status, std::string output) {
    user_.result(status, std::move(output));
    user_.idle();
  }
  ProbeUser& user_;
};

/// What all probes of an agent share; outlives them.
struct Surroundings {
  base::net::Loop& loop;
  Resolver& resolver;
  Reaper& reaper;
  std::shared_ptr<base::net::TlsContext> tls{};
  std::string docker_host{};  // DOCKER_HOST; empty: the usual unix socket
};

/// How long a run may take when its definition does not say.
inline constexpr base::Duration kDefaultTimeout = base::seconds(10), kDefaultScriptTimeout = base::seconds(30);

/// The probe for a definition that local::validate_check accepted; `output_max_size` in bytes.
std::unique_ptr<Probe> make_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                  Surroundings& surroundings, ProbeUser& user);

}  // namespace proconsul::agent::checks
