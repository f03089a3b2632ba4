#include "agent/rpc/config_primary.h"

#include <utility>

#include "agent/rpc/waited_call.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::agent::rpc {

decltype(server::ConfigReplicator::Means::ask) config_primary(Caller& caller, base::net::Loops& loops,
                                                              server::AclSettings settings) {
  return [&caller, &loops, settings = std::move(settings)](std::uint64_t after, const std::stop_token& over) {
    ConfigEntryListAllRequest request;
    for (const catalog::ConfigKind& kind : catalog::config_kinds()) request.Kinds.emplace_back(kind.name);
    request.Datacenter = settings.primary_datacenter;
    request.Token = settings.replication_token();
    request.AllowStale = true;
    request.MinQueryIndex = after;
    return ask_and_wait<IndexedGenericConfigEntries>(caller, loops, "ConfigEntry.ListAll", std::move(request), over);
  };
}

}  // namespace proconsul::agent::rpc
