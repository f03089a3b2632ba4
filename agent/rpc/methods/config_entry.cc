#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "agent/rpc/asking.h"
#include "agent/rpc/config_types.h"
#include "agent/rpc/methods/families.h"
#include "agent/rpc/methods/settling.h"
#include "agent/server/config_changes.h"
#include "agent/tokens/config_entries.h"
#include "base/filter/filter.h"
#include "base/metrics.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/hash.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/config_entry/resolve.h"
#include "catalog/store/key.h"
#include "catalog/types/config_services.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::metrics::ScopedTimer;
using catalog::ConfigEntryPtr;
using tokens::Who;
namespace kind = catalog::kind;

constexpr std::string_view kTable = "config-entries";
/// What there was when requests did not name kinds.
constexpr std::string_view kOldKinds[] = {kind::kServiceDefaults,   kind::kProxyDefaults,   kind::kServiceRouter,
                                          kind::kServiceSplitter,   kind::kServiceResolver, kind::kIngressGateway,
                                          kind::kTerminatingGateway};

struct Times {
  base::metrics::Sample get = base::metrics::sample("config_entry.get", {}, "Time that reading a config entry takes.");
  base::metrics::Sample list = base::metrics::sample("config_entry.list", {}, "Time that listing a kind takes.");
  base::metrics::Sample list_all =
      base::metrics::sample("config_entry.listAll", {}, "Time that listing all config entries takes.");
  base::metrics::Sample resolve = base::metrics::sample("config_entry.resolve_service_config", {},
                                                        "Time that resolving the configuration of a service takes.");
};
const Times& times() {
  static const Times kTimes;
  return kTimes;
}

/// Those of a kind (of all, if it is empty) that may be read; whether some were left out.
bool take_readable(const Who& who, const catalog::View& view, base::KeySet* watch, std::string_view kind,
                   std::vector<ConfigEntryPtr>& entries) {
  const std::string below = kind.empty() ? std::string() : catalog::index_key({kind});
  catalog::watch_below(watch, catalog::Topic::config_entry, below);
  bool left_out = false;
  for (const auto [key, row] : view.tables().config_entries.prefix(below)) {
    if (tokens::may_read(who, *row->entry)) {
      entries.push_back(row->entry);
    } else {
      left_out = true;
    }
  }
  return left_out;
}

std::uint64_t content_of(const std::vector<ConfigEntryPtr>& entries) {
  std::uint64_t hash = 14695981039346656037u;
  for (const ConfigEntryPtr& entry : entries) {
    for (const char c : catalog::index_key({entry->kind->name, entry->Name})) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    }
    // What controllers say changes no hash that is kept.
    hash = (hash ^ (entry->kind->status ? catalog::hash_config_entry(*entry) : entry->Hash)) * 1099511628211u;
  }
  return hash;
}

void apply(Services& services, catalog::ConfigEntryRequest& request, server::Answered<bool> done) {
  const Result<Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::apply_config_entry(services.server, *who, services.connect_enabled, std::move(request), std::move(done));
}

void remove(Services& services, catalog::ConfigEntryRequest& request,
            server::Answered<ConfigEntryDeleteResponse> done) {
  const Result<Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  server::delete_config_entry(services.server, *who, services.connect_enabled, std::move(request),
                              [done = std::move(done)](Result<bool> deleted) mutable {
                                if (!deleted) return done(deleted.error());
                                done(ConfigEntryDeleteResponse{.Deleted = *deleted});
                              });
}

Result<Found> get(Services& services, const catalog::View& view, base::KeySet* watch, const ConfigEntryQuery& request,
                  ConfigEntryResponse& reply) {
  const ScopedTimer timer(times().get);
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  const Result<std::shared_ptr<catalog::ConfigEntry>> wanted = catalog::make_config_entry(request.Kind);
  if (!wanted) return Error{Errc::internal, wanted.error().detail};
  if ((*wanted)->Name.empty()) (*wanted)->Name = request.Name;
  if (Result<> allowed = tokens::may_read(*who, **wanted); !allowed) return allowed.error();
  const std::string key = catalog::index_key({request.Kind, request.Name});
  catalog::watch_key(watch, catalog::Topic::config_entry, key);
  reply.Index = view.tables().index_of(kTable);
  const auto* row = view.tables().config_entries.get(key);
  if (!row) return Found::no;
  reply.Entry = row->entry;
  return Found::yes;
}

Result<std::uint64_t> list(Services& services, const catalog::View& view, base::KeySet* watch,
                           const ConfigEntryQuery& request, IndexedConfigEntries& reply) {
  const ScopedTimer timer(times().list);
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (!request.Kind.empty() && !catalog::find_config_kind(request.Kind)) {
    return Error{Errc::internal, "invalid config entry kind: " + request.Kind};
  }
  if (!request.Filter.empty() && request.Kind != kind::kServiceDefaults) {
    return Error{Errc::internal, "filtering not supported for config entry kind=" + request.Kind};
  }
  const auto filter = base::filter::Filter::create<catalog::ServiceConfigEntry>(request.Filter);
  if (!filter) return filter.error();
  reply.ResultsFilteredByACLs = take_readable(*who, view, watch, request.Kind, reply.Entries);
  reply.Kind = request.Kind;
  reply.Index = view.tables().index_of(kTable);
  const std::uint64_t content = content_of(reply.Entries);
  if (!request.Filter.empty()) {
    std::erase_if(reply.Entries, [&](const ConfigEntryPtr& entry) {
      return !filter->matches(*catalog::entry_as<catalog::ServiceConfigEntry>(entry.get()));
    });
  }
  return content;
}

Result<Found> list_all(Services& services, const catalog::View& view, base::KeySet* watch,
                       const ConfigEntryListAllRequest& request, IndexedGenericConfigEntries& reply) {
  const ScopedTimer timer(times().list_all);
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  reply.ResultsFilteredByACLs = take_readable(*who, view, watch, {}, reply.Entries);
  reply.Index = view.tables().index_of(kTable);
  std::erase_if(reply.Entries, [&](const ConfigEntryPtr& entry) {
    const std::string_view name = entry->kind->name;
    return request.Kinds.empty() ? std::ranges::find(kOldKinds, name) == std::end(kOldKinds)
                                 : std::ranges::find(request.Kinds, name) == request.Kinds.end();
  });
  return Found::yes;
}

Result<std::uint64_t> resolve(Services& services, const catalog::View& view, base::KeySet* watch,
                              const ServiceConfigRequest& request, ServiceConfigResponse& reply) {
  const ScopedTimer timer(times().resolve);
  const Result<Who> who = asking(services, view, request.Token);
  if (!who) return who.error();
  if (Result<> allowed = tokens::require(*who, acl::Resource::service, request.Name, acl::Access::read); !allowed) {
    return allowed.error();
  }
  Result<catalog::ResolvedServiceConfig> resolved = catalog::resolve_service_config(
      view.tables(),
      {.service = request.Name,
       .mesh_gateway = request.MeshGateway,
       .mode = request.Mode,
       .upstreams = {request.UpstreamServiceNames.begin(), request.UpstreamServiceNames.end()}},
      watch);
  if (!resolved) return Error{Errc::internal, resolved.error().detail};
  static_cast<catalog::ServiceConfig&>(reply) = std::move(resolved->config);
  reply.Index = resolved->index;
  return resolved->content;
}

}  // namespace

std::span<const Method> config_entry_methods() {
  static constexpr Method kRows[] = {
      method<&apply>("ConfigEntry.Apply", 0),
      method<&remove>("ConfigEntry.Delete", 0),
      method<&get>("ConfigEntry.Get", kReads),
      settling_method<&list>("ConfigEntry.List", kReads),
      method<&list_all>("ConfigEntry.ListAll", kReads),
      settling_method<&resolve>("ConfigEntry.ResolveServiceConfig", kReads),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
