#include "agent/rpc/methods/federation_state.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/rpc/asking.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/federation_types.h"
#include "agent/rpc/methods/settling.h"
#include "agent/rpc/types.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "catalog/commands.h"
#include "catalog/query/federation.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::metrics::ScopedTimer;
using catalog::FederationState;
using catalog::FederationStateRequest;
using tokens::Who;

struct Times {
  base::metrics::Sample apply =
      base::metrics::sample("federation_state.apply", {}, "Time that writing a federation state takes.");
  base::metrics::Sample get =
      base::metrics::sample("federation_state.get", {}, "Time that reading a federation state takes.");
  base::metrics::Sample list =
      base::metrics::sample("federation_state.list", {}, "Time that listing federation states takes.");
  base::metrics::Sample list_mesh_gateways = base::metrics::sample(
      "federation_state.list_mesh_gateways", {}, "Time that listing the mesh gateways of all datacenters takes.");
};
const Times& times() {
  static const Times kTimes;
  return kTimes;
}

/// Servers from before there were states could not read them. Where there are any, all servers can.
Result<> ready(const Services& services, const catalog::View& view) {
  if (!services.federation || services.federation->has_federation_states()) return {};
  if (view.tables().federation_states.size() > 0) return {};
  return Error{Errc::internal,
               "Federation states are currently disabled until all servers in the datacenter support the feature"};
}

Result<Who> may_read(const Services& services, const catalog::View& view, std::string_view token) {
  Result<Who> who = asking(services, view, token);
  if (!who) return who;
  if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::read); !may) return may.error();
  return who;
}

void apply(Services& services, FederationStateRequest& request, server::Answered<bool> done) {
  if (Result<> has = ready(services, *services.server.view()); !has) return done(has.error());
  done = [begun = std::chrono::steady_clock::now(), done = std::move(done)](Result<bool> result) mutable {
    times().apply.add_since(begun);
    done(std::move(result));
  };
  const Result<Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::write); !may) {
    return done(may.error());
  }
  if (!request.State || request.State->Datacenter.empty()) {
    return done(Error{Errc::internal, "invalid request: missing federation state datacenter"});
  }
  if (request.Op == "upsert") {
    if (request.State->UpdatedAt.is_zero()) request.State->UpdatedAt = base::system_clock().wall();
  } else if (request.Op != "delete") {
    return done(Error{Errc::internal, "Invalid federation state operation: " + request.Op});
  }
  services.server.apply(catalog::encode_command(catalog::Command::federation_state, request),
                        [done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
                          const Error* error = result ? result->error() : &result.error();
                          if (error) return done(*error);
                          // A deletion says nothing.
                          const bool* answer = std::get_if<bool>(&result->value);
                          done(answer != nullptr && *answer);
                        });
}

/// Whoever waits for one state does not learn of the others.
std::uint64_t content_of(const FederationState* state) {
  return state ? state->ModifyIndex : 0;
}

Result<std::uint64_t> get(Services& services, const catalog::View& view, base::KeySet* watch,
                          const FederationStateQuery& request, FederationStateResponse& reply) {
  if (Result<> has = ready(services, view); !has) return has.error();
  const ScopedTimer timer(times().get);
  const Result<Who> who = may_read(services, view, request.Token);
  if (!who) return who.error();
  const catalog::FederationStateAnswer found = catalog::federation_state(view.tables(), request.Datacenter, watch);
  reply.Index = found.index;
  if (found.row) reply.State = *found.row;
  return content_of(found.row);
}

/// Of other calls Datacenter says where they are answered.
class Get final : public detail::Settling<SettlingFn<FederationStateQuery, FederationStateResponse>>::Bound<&get> {
 public:
  std::string_view datacenter() const override { return request.TargetDatacenter; }
};

Result<Found> list(Services& services, const catalog::View& view, base::KeySet* watch, const DCSpecificRequest& request,
                   IndexedFederationStates& reply) {
  if (Result<> has = ready(services, view); !has) return has.error();
  const ScopedTimer timer(times().list);
  const Result<Who> who = may_read(services, view, request.Token);
  if (!who) return who.error();
  const catalog::FederationStatesAnswer found = catalog::federation_states(view.tables(), watch);
  reply.Index = found.index;
  reply.States.make_present();
  for (const FederationState* row : found.rows) reply.States.emplace_back(*row);
  return Found::yes;
}

Result<Found> list_mesh_gateways(Services& services, const catalog::View& view, base::KeySet* watch,
                                 const DCSpecificRequest& request, DatacenterIndexedCheckServiceNodes& reply) {
  if (Result<> has = ready(services, view); !has) return has.error();
  const ScopedTimer timer(times().list_mesh_gateways);
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  const catalog::FederationStatesAnswer found = catalog::federation_states(view.tables(), watch);
  reply.Index = found.index;
  reply.DatacenterNodes.make_present();
  bool filtered = false;
  for (const FederationState* row : found.rows) {
    base::List<catalog::CheckServiceNode> gateways = row->MeshGateways;
    filtered |= tokens::keep_readable(*who, gateways);
    if (!gateways.empty()) reply.DatacenterNodes[row->Datacenter] = std::move(gateways);
  }
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, filtered);
  return Found::yes;
}

}  // namespace

std::span<const Method> federation_state_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("FederationState.Apply", 0),
      {"FederationState.Get", kReads, []() -> InvocationPtr { return std::make_shared<Get>(); }},
      method<&list>("FederationState.List", kReads),
      method<&list_mesh_gateways>("FederationState.ListMeshGateways", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
