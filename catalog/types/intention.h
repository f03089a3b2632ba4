// Intentions one by one, as the API shows them and command 12 changes them. They are kept in the service-intentions
// entries of their destinations (config_intentions.h).
#pragma once

#include <string>

#include "base/time.h"
#include "base/type.h"
#include "catalog/types/common.h"
#include "catalog/types/config_intentions.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

/// Whether a source may call a destination. The indexes are those of the entry that it is kept in.
struct Intention : RaftIndex {
  std::string ID{};  // only of those that were written by one
  std::string Description{};
  std::string SourceNS{};
  std::string SourceName{};
  std::string DestinationNS{};
  std::string DestinationName{};
  std::string SourcePartition{};
  std::string DestinationPartition{};
  std::string SourcePeer{};
  std::string SourceSamenessGroup{};
  std::string SourceType{};
  std::string Action{};  // allow, deny; empty where there are permissions
  base::List<base::Pointer<IntentionPermission>> Permissions{};
  base::Pointer<IntentionJWTRequirement> JWT{};
  std::string DefaultAddr{};
  base::Int DefaultPort{};
  base::Map<std::string> Meta{};
  base::Int Precedence{};  // 9 for the most exact: it counts first
  base::Time CreatedAt{};
  base::Time UpdatedAt{};
  base::Bytes Hash{};
};
PROCONSUL_DECLARE_TYPE(Intention)

using Intentions = base::List<base::Pointer<Intention>>;

/// "default/web => default/db (Precedence: 9, Action: ALLOW)": for people.
std::string to_string(const Intention& intention);

/// What is to become of an intention, as the leader decided: with Value it is written, without it goes.
struct IntentionMutation {
  std::string ID{};  // of one that has an ID; Destination and Source then say nothing
  ServiceName Destination{};
  ServiceName Source{};
  base::Pointer<SourceIntention> Value{};
};
PROCONSUL_DECLARE_TYPE(IntentionMutation)

/// Command 12. Op: create, update, delete, upsert, delete-all. Who asks sends Intention, the log has Mutation.
struct IntentionChange : WriteRequest {
  std::string Datacenter{};
  std::string Op{};
  base::Pointer<catalog::Intention> Intention{};
  base::Pointer<IntentionMutation> Mutation{};
};
PROCONSUL_DECLARE_TYPE(IntentionChange)

/// What all intentions between two services amount to.
struct IntentionDecisionSummary {
  bool Allowed{};
  bool HasPermissions{};         // it depends on the request
  std::string ExternalSource{};  // who looks after the intention, as its metadata say
  bool HasExact{};               // both services are named
  bool DefaultAllow{};           // what holds without an intention
};
PROCONSUL_DECLARE_TYPE(IntentionDecisionSummary)

}  // namespace proconsul::catalog
