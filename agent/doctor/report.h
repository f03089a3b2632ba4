// What the doctor answers: the hops in the order in which they are walked, and what to fix, first things first.
#pragma once

#include <string>

#include "agent/doctor/view.h"
#include "base/time.h"
#include "base/type.h"

namespace proconsul::agent::doctor {

struct Hop {
  std::string Datacenter{};
  std::string Layer{};   // configuration, name, server, gateway, way back, gossip, clock, certificate, token,
                         // replication, authority, federation state
  std::string What{};    // "10.0.0.1:8443 as server.dc2.consul"
  std::string Result{};  // ok, fail, warn, skipped
  std::string Detail{};
};
PROCONSUL_DECLARE_TYPE(Hop)

struct Cause {
  std::string Code{};  // for programs: "certificate-expired"
  std::string Datacenter{};
  std::string Cause{};
  std::string Fix{};
  bool Warning{};  // it works even so
};
PROCONSUL_DECLARE_TYPE(Cause)

struct Report {
  bool Healthy{};  // there is nothing but warnings
  std::string Datacenter{}, Node{};
  base::Time At{};
  base::List<Hop> Hops{};
  base::List<doctor::Cause> Causes{};  // the one to be fixed first is first; warnings are last
};
PROCONSUL_DECLARE_TYPE(Report)

/// A datacenter as the server sees it that was asked.
struct DatacenterStatus {
  std::string Name{};
  bool Primary{}, Own{};
  std::string Way{};      // own, traditional, local gateway, direct to the primary's gateways, remembered gateway, none
  std::string Gateway{};  // that is dialed next
  std::string State{};    // ok, degraded, failed, unknown
  std::int64_t ServersAlive{}, ServersKnown{};
  std::int64_t GatewaysHealthy{}, GatewaysKnown{};
  base::List<std::string> GatewayAddresses{};
  base::Duration RoundTrip{};  // 0: not known
  std::uint64_t Dials{}, Failures{};
  base::Time LastFailure{};
  std::string LastError{};
};
PROCONSUL_DECLARE_TYPE(DatacenterStatus)

struct CopyingStatus : Copying {
  std::uint64_t PrimaryIndex{};  // what there is to copy; 0: not known
  std::uint64_t Lag{};           // what is missing of it
};
PROCONSUL_DECLARE_TYPE(CopyingStatus)

struct Status {
  std::string Datacenter{}, Node{}, PrimaryDatacenter{};
  bool ThroughGateways{};
  std::string Leader{};  // its node, where it told
  base::Time At{};
  base::List<DatacenterStatus> Datacenters{};
  base::List<CopyingStatus> Copying{};  // none in the primary
};
PROCONSUL_DECLARE_TYPE(Status)

}  // namespace proconsul::agent::doctor
