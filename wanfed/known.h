// What a server's state says of mesh gateways that join datacenters.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "catalog/store/tables.h"
#include "catalog/types/federation_state.h"
#include "catalog/types/service.h"
#include "wanfed/locator.h"

namespace proconsul::wanfed {

/// Marks the services that take part.
inline constexpr std::string_view kFederationMeta = "consul-wan-federation";

/// Of the federation states and of the local catalog: gateways that take part and have no critical check; where all of a
/// federation state's have one, all of them. Addresses are sorted, and may have names for hosts here.
Knowledge known_gateways(const catalog::Tables& tables);

/// "10.0.0.1:8443", "[::1]:8443": of an instance, or of its node if it has none.
std::string address_of(const catalog::CheckServiceNode& instance, bool wan);

}  // namespace proconsul::wanfed
