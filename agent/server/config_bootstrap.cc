#include "agent/server/config_bootstrap.h"

#include "base/quote.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/store/store.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ConfigEntryPtr;

namespace {

std::string named(const ConfigEntryPtr& entry) {
  return base::quote(entry->kind->name) + " / " + base::quote(entry->Name);
}

}  // namespace

Result<> bootstrap_config_entries(Server& server, const std::vector<ConfigEntryPtr>& entries, bool connect,
                                  const std::string& datacenter,
                                  const std::function<Result<>(std::string command)>& apply) {
  for (const ConfigEntryPtr& entry : entries) {
    if (connect || entry->kind->name != catalog::kind::kServiceIntentions) continue;
    return Error{Errc::internal, "Refusing to apply configuration entry " + named(entry) +
                                     " because Connect must be enabled to bootstrap intentions"};
  }
  const auto view = server.view();
  for (const ConfigEntryPtr& entry : entries) {
    if (catalog::find_config_entry(view->tables(), entry->kind->name, entry->Name)) continue;
    catalog::ConfigEntryRequest request;
    request.Op = "upsert-cas";  // somebody else may have been faster
    request.Datacenter = datacenter;
    request.Entry = catalog::copy_config_entry(*entry);
    request.Entry->ModifyIndex = 0;
    if (Result<> done = apply(catalog::encode_config_entry_command(request)); !done) {
      return Error{done.error().code,
                   "Failed to apply configuration entry " + named(entry) + ": " + done.error().detail};
    }
  }
  return {};
}

}  // namespace proconsul::agent::server
