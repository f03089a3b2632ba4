// Requests and replies of the ConfigEntry methods. Those with entries in them travel as one raw, in which the kind of
// an entry stands before it: their codecs are specializations at the end of this file.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/msgpack.h"
#include "base/type.h"
#include "base/value.h"
#include "catalog/types/common.h"
#include "catalog/types/config_entry.h"
#include "catalog/types/service_config.h"
#include "catalog/types/proxy.h"
#include "catalog/types/service.h"

namespace proconsul::agent::rpc {

struct ConfigEntryQuery : catalog::QueryOptions {
  std::string Kind{};
  std::string Name{};
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ConfigEntryQuery)

struct ConfigEntryListAllRequest : catalog::QueryOptions {
  base::List<std::string> Kinds{};  // none: those of Consul 1.8
  std::string Datacenter{};
};
PROCONSUL_DECLARE_TYPE(ConfigEntryListAllRequest)

struct ConfigEntryResponse : catalog::QueryMeta {
  catalog::ConfigEntryPtr Entry{};  // null: there is none
};

struct IndexedConfigEntries : catalog::QueryMeta {
  std::string Kind{};  // of all of them
  std::vector<catalog::ConfigEntryPtr> Entries{};
};

struct IndexedGenericConfigEntries : catalog::QueryMeta {
  std::vector<catalog::ConfigEntryPtr> Entries{};
};

struct ConfigEntryDeleteResponse {
  bool Deleted{};
};
PROCONSUL_DECLARE_TYPE(ConfigEntryDeleteResponse)

/// What there is for a service, and for the upstreams of its proxy; the latter's registration may say the rest.
struct ServiceConfigRequest : catalog::QueryOptions {
  std::string Name{};
  std::string Datacenter{};
  catalog::MeshGatewayConfig MeshGateway{};
  std::string Mode{};
  base::List<catalog::PeeredServiceName> UpstreamServiceNames{};
};
PROCONSUL_DECLARE_TYPE(ServiceConfigRequest)

struct ServiceConfigResponse : catalog::QueryMeta, catalog::ServiceConfig {};
PROCONSUL_DECLARE_TYPE(ServiceConfigResponse)

}  // namespace proconsul::agent::rpc

namespace proconsul::base {

template <>
void append_msgpack(std::string& out, const catalog::ConfigEntryRequest& request, MsgpackHandle handle);
template <>
void append_msgpack(std::string& out, const agent::rpc::ConfigEntryResponse& reply, MsgpackHandle handle);
template <>
void append_msgpack(std::string& out, const agent::rpc::IndexedConfigEntries& reply, MsgpackHandle handle);
template <>
void append_msgpack(std::string& out, const agent::rpc::IndexedGenericConfigEntries& reply, MsgpackHandle handle);

/// Also a plain map, of which Datacenter and Token count: all else stays.
template <>
Result<> read_msgpack(std::string_view input, catalog::ConfigEntryRequest& request, MsgpackHandle handle);
template <>
Result<> read_msgpack(std::string_view input, agent::rpc::ConfigEntryResponse& reply, MsgpackHandle handle);
template <>
Result<> read_msgpack(std::string_view input, agent::rpc::IndexedConfigEntries& reply, MsgpackHandle handle);
template <>
Result<> read_msgpack(std::string_view input, agent::rpc::IndexedGenericConfigEntries& reply, MsgpackHandle handle);

}  // namespace proconsul::base
