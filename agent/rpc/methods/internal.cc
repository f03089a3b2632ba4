#include "agent/rpc/methods/families.h"
#include "catalog/query/nodes.h"
#include "catalog/query/overview.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

Result<> keep(base::List<base::Pointer<catalog::NodeInfo>>& dump, const std::string& expression) {
  Result<base::filter::Filter> filter = base::filter::Filter::create<catalog::NodeInfo>(expression);
  if (!filter) return filter.error();
  if (filter->matches_everything()) return {};
  std::erase_if(dump, [&](const auto& node) { return !filter->matches(*node); });
  return {};
}

Result<Found> node_info(Services&, const catalog::View& view, base::KeySet* watch, const NodeSpecificRequest& request,
                        IndexedNodeDump& reply) {
  if (request.Node.empty()) return base::Error{base::Errc::internal, "Must provide node"};
  catalog::NodeDumpAnswer found = catalog::dump_nodes(view.tables(), request.Node, request.PeerName, watch);
  reply.Index = found.index;
  reply.Dump = std::move(found.dump);
  return Found::yes;
}

Result<Found> node_dump(Services&, const catalog::View& view, base::KeySet* watch, const DCSpecificRequest& request,
                        IndexedNodeDump& reply) {
  if (!request.PeerName.empty()) {
    return base::Error{base::Errc::internal,
                       "this endpoint does not support specifying a peer: \"" + request.PeerName + '"'};
  }
  catalog::NodeDumpAnswer found = catalog::dump_nodes(view.tables(), {}, {}, watch);
  if (Result<> kept = keep(found.dump, request.Filter); !kept) return kept.error();
  reply.Index = found.index;
  reply.Dump = std::move(found.dump);
  return Found::yes;
}

Result<Found> catalog_overview(Services&, const catalog::View& view, base::KeySet*, const DCSpecificRequest&,
                               catalog::CatalogSummary& reply) {
  reply = catalog::catalog_overview(view.tables());
  return Found::yes;
}

}  // namespace

std::span<const Method> internal_methods() {
  static constexpr Method kRows[] = {
      method<&node_info>("Internal.NodeInfo", kReads),
      method<&node_dump>("Internal.NodeDump", kReads),
      method<&catalog_overview>("Internal.CatalogOverview", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
