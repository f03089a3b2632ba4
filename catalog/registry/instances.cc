#include "catalog/registry/instances.h"

#include "catalog/registry/indexes.h"
#include "catalog/registry/instance_row.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"

namespace proconsul::catalog {

namespace {

struct Keys {
  std::string instance;
  std::string connect;  // empty: not in the mesh
  std::string kind;     // empty: typical
};

Keys keys_of(const StoredService& service) {
  const std::string_view peer = peer_part(service.PeerName);
  Keys keys;
  keys.instance = index_key({peer, service.Service, service.Node, service.ID});
  if (service.Kind == kKindConnectProxy || service.Connect->Native) {
    keys.connect = index_key({peer, connect_name(service), service.Node, service.ID});
  }
  if (!service.Kind.empty()) keys.kind = index_key({peer, service.Kind, service.Node, service.ID});
  return keys;
}

void put_instance(Transaction& tx, const Keys& keys, base::Ref<const InstanceRow> row) {
  Tables& tables = tx.tables();
  tables.instances.insert(keys.instance, row);
  if (!keys.connect.empty()) tables.connect_instances.insert(keys.connect, row);
  if (!keys.kind.empty()) tables.instances_by_kind.insert(keys.kind, row);
}

void take_instance(Transaction& tx, const Keys& keys) {
  Tables& tables = tx.tables();
  tables.instances.erase(keys.instance);
  if (!keys.connect.empty()) tables.connect_instances.erase(keys.connect);
  if (!keys.kind.empty()) tables.instances_by_kind.erase(keys.kind);
}

void touch_service(Transaction& tx, const StoredService& service, const Keys& keys) {
  tx.touch(Topic::node_service, index_key({peer_part(service.PeerName), service.Node, service.ID}));
  tx.touch(Topic::service, keys.instance);
  if (!keys.connect.empty()) tx.touch(Topic::connect, keys.connect);
}

base::Ref<const InstanceRow> make_instance(base::Ref<const ServiceRow> service) {
  return base::Ref<const InstanceRow>::adopt(new InstanceRow(std::move(service)));
}

// The new row of an instance whose service row stays.
void renew(Transaction& tx, const ServiceRow* row, const StoredService& service, bool only_checks) {
  // Written by this very command: nobody has seen the row yet, so nothing can have been computed from it.
  if (service.ModifyIndex == tx.index()) return;
  const Keys keys = keys_of(service);
  base::Ref<const InstanceRow> fresh = make_instance(base::Ref<const ServiceRow>::share(row));
  if (const InstanceRow* old = only_checks ? tx.tables().instances.get(keys.instance) : nullptr) {
    fresh->inherit_catalog_json(*old);
  }
  put_instance(tx, keys, std::move(fresh));
}

}  // namespace

void put_service(Transaction& tx, const StoredService& service, const StoredService* before) {
  const Keys keys = keys_of(service);
  if (before) {
    const Keys old = keys_of(*before);
    if (old.instance != keys.instance || old.connect != keys.connect || old.kind != keys.kind) {
      take_instance(tx, old);
      touch_service(tx, *before, old);
    }
  }
  base::Ref<const ServiceRow> row = ServiceRow::make(service);
  tx.tables().services.insert(index_key({peer_part(service.PeerName), service.Node, service.ID}), row);
  put_instance(tx, keys, make_instance(std::move(row)));
  touch_service(tx, service, keys);
}

void take_service(Transaction& tx, const StoredService& service) {
  const Keys keys = keys_of(service);
  tx.tables().services.erase(index_key({peer_part(service.PeerName), service.Node, service.ID}));
  take_instance(tx, keys);
  touch_service(tx, service, keys);
}

void renew_instance(Transaction& tx, const ServiceRow* service) {
  renew(tx, service, service->get(), true);
}

void renew_others_of_node(Transaction& tx, std::string_view node, std::string_view peer) {
  for (const auto [key, row] : tx.tables().services.prefix(index_key({peer_part(peer), node}))) {
    renew(tx, row, row->get(), true);
  }
}

void renew_instances_of_node(Transaction& tx, std::uint64_t index, std::string_view node, std::string_view peer,
                             bool only_checks) {
  for (const auto [key, row] : tx.tables().services.prefix(index_key({peer_part(peer), node}))) {
    const StoredService service = row->get();
    renew(tx, row, service, only_checks);
    raise_service(tx, index, service.Service, service.PeerName);
    raise_kind(tx, index, service.Kind, service.PeerName);
  }
}

}  // namespace proconsul::catalog
