// /v1/peering and /v1/peerings: peerings with other clusters. The leader answers, wherever it is asked.
#pragma once

#include <cstdint>
#include <string>

#include "agent/http/route.h"
#include "base/time.h"
#include "base/type.h"
#include "catalog/types/node.h"

namespace proconsul::agent::http {

struct PeeringRemoteInfo {
  std::string Partition{};
  std::string Datacenter{};
  base::Pointer<catalog::Locality> Locality{};
};
PROCONSUL_DECLARE_TYPE(PeeringRemoteInfo)

struct PeeringStreamStatus {
  base::List<std::string> ImportedServices{};
  base::List<std::string> ExportedServices{};
  base::Pointer<base::Time> LastHeartbeat{};
  base::Pointer<base::Time> LastReceive{};
  base::Pointer<base::Time> LastSend{};
};
PROCONSUL_DECLARE_TYPE(PeeringStreamStatus)

/// A peering as the API shows it.
struct ShownPeering {
  std::string ID{};
  std::string Name{};
  std::string Partition{};
  base::Pointer<base::Time> DeletedAt{};
  base::Map<std::string> Meta{};
  std::string State{};
  std::string PeerID{};
  base::List<std::string> PeerCAPems{};
  std::string PeerServerName{};
  base::List<std::string> PeerServerAddresses{};
  PeeringStreamStatus StreamStatus{};
  std::uint64_t CreateIndex{};
  std::uint64_t ModifyIndex{};
  PeeringRemoteInfo Remote{};
};
PROCONSUL_DECLARE_TYPE(ShownPeering)

struct PeeringTokenBody {
  std::string PeerName{};
  std::string Partition{};
  base::Map<std::string> Meta{};
  base::List<std::string> ServerExternalAddresses{};
};
PROCONSUL_DECLARE_TYPE(PeeringTokenBody)

struct PeeringTokenAnswer {
  std::string PeeringToken{};
};
PROCONSUL_DECLARE_TYPE(PeeringTokenAnswer)

struct PeeringEstablishBody {
  std::string PeerName{};
  std::string PeeringToken{};
  std::string Partition{};
  base::Map<std::string> Meta{};
};
PROCONSUL_DECLARE_TYPE(PeeringEstablishBody)

struct PeeringEstablishAnswer {};
PROCONSUL_DECLARE_TYPE(PeeringEstablishAnswer)

void generate_peering_token(Context& agent, const Request& request, Responder responder);
void establish_peering(Context& agent, const Request& request, Responder responder);
void read_peering(Context& agent, const Request& request, Responder responder);
void delete_peering(Context& agent, const Request& request, Responder responder);
void list_peerings(Context& agent, const Request& request, Responder responder);

}  // namespace proconsul::agent::http
