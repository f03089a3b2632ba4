// Checks as a local agent is told to run them: inputs of the agent API and of configuration files.
#pragma once

#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

/// What CheckType and CheckDefinition share: how to run the check.
struct CheckSettings {
  base::List<std::string> ScriptArgs{};
  std::string HTTP{};
  std::string H2PING{};
  bool H2PingUseTLS{};  // over TLS unless the definition says otherwise
  base::Map<base::List<std::string>> Header{};
  std::string Method{};
  std::string Body{};
  bool DisableRedirects{};
  std::string TCP{};
  bool TCPUseTLS{};
  std::string UDP{};
  base::Duration Interval{};
  std::string AliasNode{};
  std::string AliasService{};
  std::string DockerContainerID{};
  std::string Shell{};
  std::string GRPC{};
  bool GRPCUseTLS{};
  std::string OSService{};
  std::string TLSServerName{};
  bool TLSSkipVerify{};
  base::Duration Timeout{};
  base::Duration TTL{};
  base::Int SuccessBeforePassing{};
  base::Int FailuresBeforeWarning{};
  base::Int FailuresBeforeCritical{};
  base::Duration DeregisterCriticalServiceAfter{};
  base::Int OutputMaxSize{};

  /// JSON leaves H2PingUseTLS out when it is to be true. Tells whether that was so.
  bool default_h2ping_tls();
};

/// A check inside a service definition.
struct CheckType : CheckSettings {
  std::string CheckID{};
  std::string Name{};
  std::string Status{};
  std::string Notes{};
  std::string ProxyHTTP{};  // where the check goes when it is exposed through a proxy
  std::string ProxyGRPC{};

  bool set_defaults() { return default_h2ping_tls(); }
};
PROCONSUL_DECLARE_TYPE(CheckType)

/// A check of its own: PUT /v1/agent/check/register and `check` blocks.
struct CheckDefinition : CheckSettings {
  std::string ID{};
  std::string Name{};
  std::string Notes{};
  std::string ServiceID{};
  std::string Token{};
  std::string Status{};

  bool set_defaults() { return default_h2ping_tls(); }
};
PROCONSUL_DECLARE_TYPE(CheckDefinition)

}  // namespace proconsul::catalog
