// Declarations of the types that describe.cc names.
#pragma once

#include "agent/config/config.h"

namespace proconsul::agent::config {

// The three that are shown as text.
PROCONSUL_DECLARE_TYPE(Ip)
PROCONSUL_DECLARE_TYPE(Address)
PROCONSUL_DECLARE_TYPE(Network)

PROCONSUL_DECLARE_TYPE(TlsListener)
PROCONSUL_DECLARE_TYPE(Tls)
PROCONSUL_DECLARE_TYPE(Logging)
PROCONSUL_DECLARE_TYPE(Prometheus)
PROCONSUL_DECLARE_TYPE(Telemetry)
PROCONSUL_DECLARE_TYPE(RaftLogStore::Verification)
PROCONSUL_DECLARE_TYPE(RaftLogStore::Bolt)
PROCONSUL_DECLARE_TYPE(RaftLogStore::Wal)
PROCONSUL_DECLARE_TYPE(RaftLogStore)
PROCONSUL_DECLARE_TYPE(MassFailureBrake)
PROCONSUL_DECLARE_TYPE(FlapDamping)
PROCONSUL_DECLARE_TYPE(UiHeader)
PROCONSUL_DECLARE_TYPE(UiMetricsProxy)
PROCONSUL_DECLARE_TYPE(Ui)
PROCONSUL_DECLARE_TYPE(Soa)
PROCONSUL_DECLARE_TYPE(AclTokens)
PROCONSUL_DECLARE_TYPE(AclResolver)
PROCONSUL_DECLARE_TYPE(AutoConfigAuthorizer)
PROCONSUL_DECLARE_TYPE(AutoConfig)
PROCONSUL_DECLARE_TYPE(Cache)
PROCONSUL_DECLARE_TYPE(Cloud)

}  // namespace proconsul::agent::config
