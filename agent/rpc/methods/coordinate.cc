#include "agent/rpc/asking.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "agent/server/coordinate_batch.h"
#include "agent/tokens/readable.h"
#include "catalog/registry/coordinates.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

void update(Services& services, catalog::CoordinateUpdateRequest& request, server::Answered<Nothing> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  if (services.coordinates != nullptr) {
    Result<catalog::Coordinate> coordinate = server::coordinate_of(request);
    if (!coordinate) return done(coordinate.error());
    const Result<> allowed = tokens::require(*who, acl::Resource::node, request.Node, acl::Access::write);
    if (!allowed) return done(allowed.error());
    services.coordinates->add(std::move(*coordinate));
    return done(Nothing{});
  }
  server::update_coordinate(services.server, *who, request, [done = std::move(done)](Result<> result) mutable {
    done(result ? Result<Nothing>(Nothing{}) : Result<Nothing>(result.error()));
  });
}

void fill(IndexedCoordinates& reply, const tokens::Who& who, catalog::CoordinatesAnswer found) {
  reply.ResultsFilteredByACLs = tokens::says_filtered(who, tokens::keep_readable(who, found));
  reply.Index = found.index;
  for (const auto* row : found.rows) reply.Coordinates.emplace_back(catalog::Coordinate(*row));
}

Result<Found> list_nodes(Services& services, const catalog::View& view, base::KeySet* watch,
                         const DCSpecificRequest& request, IndexedCoordinates& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  fill(reply, *who, catalog::list_coordinates(view.tables(), watch));
  return Found::yes;
}

Result<Found> node(Services& services, const catalog::View& view, base::KeySet* watch,
                   const NodeSpecificRequest& request, IndexedCoordinates& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (Result<> allowed = tokens::require(*who, acl::Resource::node, request.Node, acl::Access::read); !allowed) {
    return allowed.error();
  }
  fill(reply, *who, catalog::coordinates_of_node(view.tables(), request.Node, watch));
  return Found::yes;
}

Result<> list_datacenters(Services& services, const Nothing&, base::List<catalog::DatacenterMap>& reply) {
  if (services.federation != nullptr) reply = services.federation->coordinates();
  return {};
}

}  // namespace

std::span<const Method> coordinate_methods() {
  static constexpr Method kRows[] = {
      method<&update>("Coordinate.Update", 0),
      method<&list_nodes>("Coordinate.ListNodes", kReads),
      method<&node>("Coordinate.Node", kReads),
      method<&list_datacenters>("Coordinate.ListDatacenters", kReads | kHere),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
