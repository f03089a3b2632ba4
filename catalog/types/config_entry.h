// What all kinds of central configuration have in common, and the command that changes them. The kinds themselves:
// config_services.h, config_chain.h, config_gateways.h, config_routes.h, config_intentions.h, config_mesh.h,
// config_jwt.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/type.h"
#include "catalog/types/common.h"

namespace proconsul::catalog {

struct ConfigKind;  // config_entry/kinds.h

/// The base of every kind. Objects are made by make_config_entry() (config_entry/kinds.h) only.
struct ConfigEntry : RaftIndex {
  std::string Kind{};  // as it was sent; what it is says `kind`
  std::string Name{};
  base::Map<std::string> Meta{};
  std::uint64_t Hash{};  // of the content, by whoever wrote it; 0: unknown

  const ConfigKind* kind = nullptr;  // never null in an object that was made
};
using ConfigEntryPtr = std::shared_ptr<const ConfigEntry>;

/// A row of the store.
struct StoredConfigEntry {
  ConfigEntryPtr entry{};
};

/// Command 22, and with an empty Op the snapshot record. Op: upsert, upsert-cas, upsert-with-status-cas, delete,
/// delete-cas. Written and read by config_entry/codec.h: on the wire the kind comes first.
struct ConfigEntryRequest : WriteRequest {
  std::string Op{};
  std::string Datacenter{};
  std::shared_ptr<ConfigEntry> Entry{};
};

}  // namespace proconsul::catalog
