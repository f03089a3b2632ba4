#include "catalog/query/peers.h"

#include <algorithm>

#include "catalog/config_entry/entries.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"
#include "catalog/types/config_mesh.h"

namespace proconsul::catalog {

std::vector<std::string> peers_of_service(const Tables& tables, std::string_view service, base::KeySet* watch) {
  watch_key(watch, Topic::config_entry, index_key({kind::kExportedServices, "default"}));
  std::vector<std::string> peers;
  const auto* entry = find_config_entry<ExportedServicesConfigEntry>(tables, kind::kExportedServices, "default");
  if (!entry) return peers;
  const auto named = [&](std::string_view name) {
    return std::ranges::find(entry->Services, name, [](const ExportedService& each) { return each.Name; });
  };
  auto found = named(service);
  if (found == entry->Services.end()) found = named("*");
  if (found == entry->Services.end()) return peers;
  for (const ServiceConsumer& consumer : found->Consumers) {
    if (!consumer.Peer.empty()) peers.push_back(consumer.Peer);
  }
  std::ranges::sort(peers);
  peers.erase(std::ranges::unique(peers).begin(), peers.end());
  return peers;
}

}  // namespace proconsul::catalog
