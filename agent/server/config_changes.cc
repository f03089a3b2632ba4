#include "agent/server/config_changes.h"

#include <chrono>
#include <string>
#include <utility>

#include "agent/tokens/config_entries.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/quote.h"
#include "catalog/commands.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/input.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/config_entry/validate.h"
#include "catalog/registry/settings.h"
#include "catalog/store/store.h"
#include "catalog/types/config_gateways.h"

namespace proconsul::agent::server {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ConfigEntry;
using catalog::ConfigEntryRequest;
using catalog::Tables;

namespace {

/// Tells how long a change took, however it ends.
Answered<bool> timed(const base::metrics::Sample& sample, Answered<bool> done) {
  return [sample, begun = std::chrono::steady_clock::now(), done = std::move(done)](Result<bool> result) mutable {
    sample.add_since(begun);
    done(std::move(result));
  };
}

/// Intentions have been entries since there are entries of their kind.
Result<> check_ready(const Tables& tables, bool connect, const ConfigEntry& entry) {
  if (entry.kind->name != catalog::kind::kServiceIntentions) return {};
  if (!connect) return Error{Errc::internal, "Connect must be enabled in order to use this endpoint"};
  if (catalog::system_metadata(tables, "intention-format") != "config-entry") {
    return Error{Errc::internal, "Intentions are read only while being upgraded to config entries"};
  }
  return {};
}

void warn(const ConfigEntry& entry) {
  static const base::log::Logger kLog("agent.server.config_entry");
  const auto* gateway = catalog::entry_as<catalog::TerminatingGatewayConfigEntry>(&entry);
  if (!gateway) return;
  for (const catalog::LinkedService& service : gateway->Services) {
    const bool tls = !service.CAFile.empty() || !service.CertFile.empty() || !service.KeyFile.empty();
    if (!tls || !service.SNI.empty()) continue;
    kLog.warn("TLS is configured but SNI is not set for service " + base::quote(service.Name) +
              ". Enabling SNI is strongly recommended when using TLS.");
  }
}

std::string encoded(const ConfigEntry& entry) {
  std::string out;
  base::MsgpackWriter writer(out);
  catalog::write_config_entry(writer, entry);
  return out;
}

/// Whether the entry is there already, but for its raft indexes.
bool is_there(const Tables& tables, const ConfigEntry& entry) {
  const ConfigEntry* before = catalog::find_config_entry(tables, entry.kind->name, entry.Name);
  if (!before || before->Name != entry.Name) return false;
  const std::shared_ptr<ConfigEntry> same = catalog::copy_config_entry(entry);
  static_cast<catalog::RaftIndex&>(*same) = static_cast<const catalog::RaftIndex&>(*before);
  return encoded(*same) == encoded(*before);
}

void propose(Server& server, const ConfigEntryRequest& change, Answered<bool> done) {
  server.apply(catalog::encode_config_entry_command(change),
               [done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
                 const Error* error = result ? result->error() : &result.error();
                 if (error) return done(*error);
                 done(result->succeeded());
               });
}

}  // namespace

void apply_config_entry(Server& server, const tokens::Who& who, bool connect, ConfigEntryRequest change,
                        Answered<bool> done) {
  static const base::metrics::Sample kTimes =
      base::metrics::sample("config_entry.apply", {}, "Time that writing a config entry takes, in milliseconds.");
  done = timed(kTimes, std::move(done));
  ConfigEntry& entry = *change.Entry;
  const auto view = server.view();
  if (Result<> ready = check_ready(view->tables(), connect, entry); !ready) return done(ready.error());
  if (Result<> checked = catalog::check_free_values(entry); !checked) return done(checked.error());
  if (Result<> normal = catalog::normalize_config_entry(entry); !normal) return done(normal.error());
  if (Result<> valid = catalog::validate_config_entry(entry); !valid) return done(valid.error());
  warn(entry);
  if (Result<> allowed = tokens::may_write(who, entry); !allowed) return done(allowed.error());
  if (change.Op != "upsert-cas") change.Op = "upsert";
  if (is_there(view->tables(), entry)) return done(true);
  propose(server, change, std::move(done));
}

void delete_config_entry(Server& server, const tokens::Who& who, bool connect, ConfigEntryRequest change,
                         Answered<bool> done) {
  static const base::metrics::Sample kTimes =
      base::metrics::sample("config_entry.delete", {}, "Time that deleting a config entry takes, in milliseconds.");
  done = timed(kTimes, std::move(done));
  ConfigEntry& entry = *change.Entry;
  const auto view = server.view();
  if (Result<> ready = check_ready(view->tables(), connect, entry); !ready) return done(ready.error());
  if (Result<> normal = catalog::normalize_config_entry(entry); !normal) return done(normal.error());
  if (Result<> allowed = tokens::may_write(who, entry); !allowed) return done(allowed.error());
  if (change.Op != "delete-cas") change.Op = "delete";
  if (!catalog::find_config_entry(view->tables(), entry.kind->name, entry.Name)) return done(true);
  propose(server, change, std::move(done));
}

}  // namespace proconsul::agent::server
