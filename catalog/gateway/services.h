// Which gateways serve which services: rows that follow from the entries of ingress and terminating gateways, and,
// where those name everything ("*"), from what is registered. While no gateway names anything, registering costs
// nothing here.
//
// When rows change, and which indexes rise, is the peer's to the letter: servers of one cluster have to agree.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "catalog/store/store.h"
#include "catalog/types/config_entry.h"
#include "catalog/types/service.h"

namespace proconsul::catalog {

struct ServiceConfigEntry;  // types/config_services.h

inline constexpr std::string_view kGatewayServices = "gateway-services";  // the table's index
inline constexpr std::string_view kWildcard = "*";                        // of a gateway: whatever comes

// ---- entries; the old one is still in the table ----

/// An ingress or terminating gateway's entry is written. Nothing happens if it serves the same as before. `restored`:
/// it comes from a snapshot, which has the virtual addresses, too.
base::Result<> write_gateway(Transaction& tx, const ConfigEntry& entry, std::uint64_t index, bool restored);
void erase_gateway(Transaction& tx, const ConfigEntry& entry);
/// A service-defaults entry with a destination outside of the mesh comes or goes.
void add_destination(Transaction& tx, const ServiceConfigEntry& entry, std::uint64_t index);
void remove_destination(Transaction& tx, const ServiceConfigEntry& entry);

// ---- registrations of our own services ----

/// Before a typical instance is written.
void enter_gateways(Transaction& tx, const NodeService& service);
/// Before an instance of the mesh is written that stands for a service of this name.
void enter_gateways_by_wildcard(Transaction& tx, std::string_view name, const NodeService* service);
/// After an instance of this name has gone.
void leave_gateways(Transaction& tx, std::string_view name);
/// Before an instance of a terminating gateway is written: gives it the virtual addresses of what it serves.
base::Result<> add_gateway_addresses(Transaction& tx, NodeService& service);

}  // namespace proconsul::catalog
