#include "catalog/store/kv.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

void apply(Services& services, catalog::KVSRequest& request, server::Answered<bool> done) {
  server::change_key(services.server, request, std::move(done));
}

Result<Found> get(Services&, const catalog::View& view, base::KeySet* watch, const KeyRequest& request,
                  IndexedDirEntries& reply) {
  const catalog::KvGetAnswer found = catalog::kv_get(view.tables(), request.Key, watch);
  reply.Index = found.index;
  if (found.row == nullptr) return Found::no;
  reply.Entries.emplace_back(found.row->entry(request.Key));
  return Found::yes;
}

Result<Found> list(Services&, const catalog::View& view, base::KeySet* watch, const KeyRequest& request,
                   IndexedDirEntries& reply) {
  const catalog::KvListAnswer found = catalog::kv_list(view.tables(), request.Key, watch);
  reply.Index = found.index;
  for (const auto& [key, row] : found.entries) reply.Entries.emplace_back(row->entry(key));
  return Found::yes;
}

Result<Found> list_keys(Services&, const catalog::View& view, base::KeySet* watch, const KeyListRequest& request,
                        IndexedKeyList& reply) {
  const catalog::KvListAnswer found = catalog::kv_list(view.tables(), request.Prefix, watch);
  reply.Index = found.index;
  for (const std::string_view key : catalog::kv_keys(found, request.Prefix, request.Seperator)) {
    reply.Keys.emplace_back(key);
  }
  return Found::yes;
}

}  // namespace

std::span<const Method> kv_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("KVS.Apply", 0),
      method<&get>("KVS.Get", kReads),
      method<&list>("KVS.List", kReads),
      method<&list_keys>("KVS.ListKeys", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
