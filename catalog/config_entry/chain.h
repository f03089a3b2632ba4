// What the chain of router, splitters and resolvers that leads from a service to its instances amounts to, and whether
// it is one. No more than the checks of the store need: where each request goes is left to who runs proxies.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/store/tables.h"

namespace proconsul::catalog {

/// The entries as they would be with one of them written, or, if `entry` is null, deleted.
struct ProposedEntries {
  const Tables& tables;
  std::string_view kind{};  // empty: nothing is proposed
  std::string_view name{};
  const ConfigEntry* entry = nullptr;

  const ConfigEntry* find(std::string_view wanted_kind, std::string_view wanted_name) const;
  template <class T>
  const T* find(std::string_view wanted_kind, std::string_view wanted_name) const {
    return entry_as<T>(find(wanted_kind, wanted_name));
  }
  /// Those of the tables, without what is proposed.
  ProposedEntries without() const { return {tables}; }
};

struct ChainSummary {
  enum class Top { router, splitter, resolver };
  Top top{};
  std::string protocol{};                        // tcp, http, http2, grpc, or whatever proxy-defaults say
  std::map<std::string, std::string> targets{};  // who may answer, but for failovers -> ID of a target
};

/// An error names what is wrong with the chain: services of different protocols, a circle, a missing subset.
base::Result<ChainSummary> summarize_chain(const ProposedEntries& entries, const std::string& service);

}  // namespace proconsul::catalog
