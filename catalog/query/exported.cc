#include "catalog/query/exported.h"

#include <algorithm>
#include <map>
#include <set>

#include "catalog/config_entry/entries.h"
#include "catalog/query/nodes.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"
#include "catalog/types/config_mesh.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(ResolvedConsumers, "api.ResolvedConsumers") {
  type.field("Peers", &ResolvedConsumers::Peers).omit_empty();
  type.field("Partitions", &ResolvedConsumers::Partitions).omit_empty();
}

PROCONSUL_DESCRIBE_TYPE(ResolvedExportedService, "api.ResolvedExportedService") {
  type.field("Service", &ResolvedExportedService::Service);
  type.field("Consumers", &ResolvedExportedService::Consumers);
}

ExportedServicesAnswer exported_services(const Tables& tables, base::KeySet* watch) {
  watch_key(watch, Topic::config_entry, index_key({kind::kExportedServices, "default"}));
  ExportedServicesAnswer answer{.index = tables.index_of("config-entries")};
  answer.services.make_present();
  const auto* entry = find_config_entry<ExportedServicesConfigEntry>(tables, kind::kExportedServices, "default");
  if (!entry) return answer;
  std::map<std::string, std::set<std::string>> peers;  // of each service
  const auto add = [&](const std::string& name, const ExportedService& service) {
    if (name == kConsulServiceName) return;
    for (const ServiceConsumer& consumer : service.Consumers) peers[name].insert(consumer.Peer);
  };
  for (const ExportedService& service : entry->Services) {
    if (service.Name != "*") {
      add(service.Name, service);
      continue;
    }
    const KindNamesAnswer typical = service_names_of_kind(tables, kKindTypical, watch);
    answer.index = std::max(answer.index, typical.index);
    for (const std::string& name : typical.names) add(name, service);
  }
  for (const auto& [name, of] : peers) {
    ResolvedExportedService& shown = answer.services.emplace_back();
    shown.Service = name;
    for (const std::string& peer : of) {
      if (!peer.empty()) shown.Consumers.Peers.push_back(peer);
    }
  }
  return answer;
}

}  // namespace proconsul::catalog
