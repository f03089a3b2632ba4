#include "catalog/store/kv.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/acl_settings.h"
#include "agent/server/changes.h"
#include "agent/tokens/readable.h"

namespace proconsul::agent::rpc {
namespace {

using base::Result;

/// Who asks, if he may list keys at all (acl.enable_key_list_policy); which of them is decided key by key.
Result<tokens::Who> may_list(const Services& services, const catalog::View& view, const std::string& token,
                             std::string_view prefix) {
  Result<tokens::Who> who = asking(services, view, token);
  if (!who || !services.acl || !services.acl->key_list_policy) return who;
  if (Result<> allowed = tokens::require(*who, acl::Resource::key, prefix, acl::Access::list); !allowed) {
    return allowed.error();
  }
  return who;
}

void apply(Services& services, catalog::KVSRequest& request, server::Answered<bool> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::change_key(services.server, *who, request, std::move(done));
}

Result<Found> get(Services& services, const catalog::View& view, base::KeySet* watch, const KeyRequest& request,
                  IndexedDirEntries& reply) {
  const Result<tokens::Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (Result<> allowed = tokens::require(*who, acl::Resource::key, request.Key, acl::Access::read); !allowed) {
    return allowed.error();
  }
  const catalog::KvGetAnswer found = catalog::kv_get(view.tables(), request.Key, watch);
  reply.Index = found.index;
  if (found.row == nullptr) return Found::no;
  reply.Entries.emplace_back(found.row->entry(request.Key));
  return Found::yes;
}

Result<Found> list(Services& services, const catalog::View& view, base::KeySet* watch, const KeyRequest& request,
                   IndexedDirEntries& reply) {
  const Result<tokens::Who> who = may_list(services, view, request.Token, request.Key);
  if (!who) return who.error();
  catalog::KvListAnswer found = catalog::kv_list(view.tables(), request.Key, watch);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found));
  reply.Index = found.index;
  for (const auto& [key, row] : found.entries) reply.Entries.emplace_back(row->entry(key));
  return Found::yes;
}

Result<Found> list_keys(Services& services, const catalog::View& view, base::KeySet* watch,
                        const KeyListRequest& request, IndexedKeyList& reply) {
  const Result<tokens::Who> who = may_list(services, view, request.Token, request.Prefix);
  if (!who) return who.error();
  catalog::KvListAnswer found = catalog::kv_list(view.tables(), request.Prefix, watch);
  reply.ResultsFilteredByACLs = tokens::says_filtered(*who, tokens::keep_readable(*who, found));
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
