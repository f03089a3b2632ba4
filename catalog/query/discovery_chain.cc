#include "catalog/query/discovery_chain.h"

#include <utility>

#include "catalog/registry/mesh.h"
#include "catalog/store/key.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

Result<ChainAnswer> discovery_chain(const Tables& tables, ChainRequest request, base::KeySet* watch) {
  watch_key(watch, Topic::index, "connect-ca-config");
  const CAConfiguration* authority = tables.ca_config.get({});
  if (!authority) return Error{Errc::internal, "no cluster ca config setup"};
  request.trust_domain = lower_case(authority->ClusterID + ".consul");
  Result<CompiledChain> compiled = compile_chain({.tables = tables}, request, watch);
  if (!compiled) return Error{Errc::internal, "failed to compile discovery chain: " + compiled.error().detail};
  ChainAnswer answer{.index = tables.index_of("config-entries"), .chain = std::move(compiled->chain)};
  const PeeredServiceName service{.ServiceName = {.Name = request.service}, .Peer = {}};
  if (const ServiceVirtualIP* addresses = find_virtual_ip(tables, service)) {
    answer.chain.AutoVirtualIPs = {virtual_ip_of(tables, service)};
    answer.chain.ManualVirtualIPs.make_present() = addresses->ManualIPs;
    answer.chain.ManualVirtualIPs.make_present();
  }
  return answer;
}

}  // namespace proconsul::catalog
