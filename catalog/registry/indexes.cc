#include "catalog/registry/indexes.h"

#include <string>

#include "catalog/registry/lookup.h"

namespace proconsul::catalog {

void raise_nodes(Transaction& tx, std::uint64_t index, std::string_view peer) {
  tx.raise_index("nodes", index);
  tx.raise_index(peer_index(peer, "nodes"), index);
}

void raise_node(Transaction& tx, std::uint64_t index, std::string_view node, std::string_view peer) {
  tx.raise_index(node_index(peer, node), index);
}

void raise_services(Transaction& tx, std::uint64_t index, std::string_view peer) {
  tx.raise_index("services", index);
  tx.raise_index(peer_index(peer, "services"), index);
}

void raise_service(Transaction& tx, std::uint64_t index, std::string_view service, std::string_view peer) {
  tx.raise_index(service_index(peer, service), index);
}

void raise_kind(Transaction& tx, std::uint64_t index, std::string_view kind, std::string_view peer) {
  std::string name("service_kind.");
  name += kind_text(kind);
  tx.raise_index(name, index);
  tx.raise_index(peer_index(peer, name), index);
}

void raise_checks(Transaction& tx, std::uint64_t index, std::string_view peer) {
  tx.raise_index("checks", index);
  tx.raise_index(peer_index(peer, "checks"), index);
}

void raise_service_extinction(Transaction& tx, std::uint64_t index, std::string_view peer) {
  tx.raise_index(peer_index(peer, kServiceExtinction), index);
}

void raise_node_extinction(Transaction& tx, std::uint64_t index, std::string_view peer) {
  tx.raise_index(peer_index(peer, kNodeExtinction), index);
}

}  // namespace proconsul::catalog
