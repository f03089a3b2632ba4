// Registering and deregistering health checks.
#include "catalog/registry/indexes.h"
#include "catalog/registry/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/registry/register.h"
#include "catalog/registry/same.h"
#include "catalog/store/key.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {

using base::Errc;
using base::Result;

namespace {

struct Keys {
  std::string check;
  std::string instance;
  std::string service;  // empty: names no service
  std::string status;

  explicit Keys(const HealthCheck& check)
      : check(index_key({peer_part(check.PeerName), check.Node, check.CheckID})),
        instance(index_key({peer_part(check.PeerName), check.Node, check.ServiceID, check.CheckID})),
        service(check.ServiceName.empty()
                    ? std::string{}
                    : index_key({peer_part(check.PeerName), check.ServiceName, check.Node, check.CheckID})),
        status(index_key({peer_part(check.PeerName), check.Status, check.Node, check.CheckID})) {}
};

bool is_indexed_by_status(const HealthCheck& check) {
  return !same_letters(check.Status, kHealthPassing);
}

void touch(Transaction& tx, const Keys& keys) {
  tx.touch(Topic::check, keys.check);
  if (!keys.service.empty()) tx.touch(Topic::service_check, keys.service);
  tx.touch(Topic::check_status, keys.status);
}

// Out of the tables beside the main one.
void take_indexed(Transaction& tx, const HealthCheck& check, const Keys& keys) {
  Tables& tables = tx.tables();
  tables.checks_by_instance.erase(keys.instance);
  if (!keys.service.empty()) tables.checks_by_service.erase(keys.service);
  if (is_indexed_by_status(check)) tables.checks_by_status.erase(keys.status);
  touch(tx, keys);
}

void put_check(Transaction& tx, const HealthCheck& check, const HealthCheck* before) {
  Tables& tables = tx.tables();
  const Keys keys(check);
  if (before) take_indexed(tx, *before, Keys(*before));
  base::Ref<const CheckRow> row = CheckRow::make(check);
  tables.checks.insert(keys.check, row);
  tables.checks_by_instance.insert(keys.instance, row);
  if (!keys.service.empty()) tables.checks_by_service.insert(keys.service, row);
  if (is_indexed_by_status(check)) tables.checks_by_status.insert(keys.status, row);
  touch(tx, keys);
}

}  // namespace

Result<> ensure_check(Transaction& tx, HealthCheck check, Indexes indexes) {
  if (check.Node.empty() || check.CheckID.empty()) {
    return {Errc::internal, "failed health check lookup: index error: object is missing a value for this index"};
  }
  base::Pointer<HealthCheck> before;
  if (const CheckRow* row = find_check(tx.tables(), check.Node, check.CheckID, check.PeerName)) before = row->get();
  if (before) {
    check.CreateIndex = before->CreateIndex;
    check.ModifyIndex = before->ModifyIndex;
  } else if (indexes == Indexes::assign) {
    check.CreateIndex = tx.index();
  }
  if (check.Status.empty()) check.Status = kHealthCritical;
  if (!find_node(tx.tables(), check.Node, check.PeerName)) return {Errc::internal, "Missing node registration"};

  const ServiceRow* service = nullptr;
  bool modified = true;
  if (!check.ServiceID.empty()) {
    service = find_service(tx.tables(), check.Node, check.ServiceID, check.PeerName);
    if (!service) return {Errc::internal, "Missing service registration"};
    check.ServiceName = service_name(*service);
    check.ServiceTags = service_tags(*service);
  }
  if (before && same_check(*before, check)) modified = false;

  // Sessions end whether or not the check was critical before: one may have been made in between.
  if (check.Status == kHealthCritical && check.PeerName.empty()) {
    if (Result<> ended = session_end_of_check(tx, check.Node, check.CheckID); !ended) {
      return {Errc::internal, "failed deleting session: " + ended.error().detail};
    }
  }
  if (!modified) return {};
  if (indexes == Indexes::assign) check.ModifyIndex = tx.index();
  put_check(tx, check, before.get());

  // A check that moves from one service to another leaves the first, and one of the node leaves all.
  if (before && !same_letters(before->ServiceID, check.ServiceID)) {
    if (before->ServiceID.empty()) {
      renew_others_of_node(tx, before->Node, before->PeerName);
    } else if (const ServiceRow* left = find_service(tx.tables(), before->Node, before->ServiceID, before->PeerName)) {
      renew_instance(tx, left);
    }
  }
  if (service) {
    raise_service(tx, tx.index(), check.ServiceName, check.PeerName);
    raise_kind(tx, tx.index(), service_kind(*service), check.PeerName);
    renew_instance(tx, service);
  } else {
    renew_instances_of_node(tx, tx.index(), check.Node, check.PeerName, true);
  }
  raise_checks(tx, tx.index(), check.PeerName);
  return {};
}

Result<> delete_check(Transaction& tx, std::string_view node, std::string_view check_id, std::string_view peer) {
  const CheckRow* row = find_check(tx.tables(), node, check_id, peer);
  if (!row) return {};
  const HealthCheck check = row->get();
  const std::uint64_t index = tx.index();

  const Keys keys(check);
  tx.tables().checks.erase(keys.check);
  take_indexed(tx, check, keys);
  if (!check.ServiceID.empty()) {
    raise_service(tx, index, check.ServiceName, check.PeerName);
    if (const ServiceRow* service = find_service(tx.tables(), check.Node, check.ServiceID, check.PeerName)) {
      raise_kind(tx, index, service_kind(*service), check.PeerName);
      renew_instance(tx, service);
    }
  } else {
    renew_instances_of_node(tx, index, check.Node, check.PeerName, true);
    raise_services(tx, index, check.PeerName);
  }
  raise_checks(tx, index, peer);

  if (!peer.empty()) return {};
  if (Result<> ended = session_end_of_check(tx, check.Node, check.CheckID); !ended) {
    return {Errc::internal, "failed deleting session: " + ended.error().detail};
  }
  return {};
}

}  // namespace proconsul::catalog
