#include "agent/rpc/connect_ca_roots.h"

#include "agent/mesh/spiffe.h"
#include "catalog/registry/connect_ca.h"

namespace proconsul::agent::rpc {

base::Result<IndexedCARoots> trusted_roots(const catalog::Tables& tables, base::KeySet* watch) {
  const catalog::CARootsAnswer found = catalog::ca_roots(tables, watch);
  if (!found.configuration || found.configuration->ClusterID.empty()) {
    return {base::Errc::internal, "CA has not finished initializing"};
  }
  IndexedCARoots roots{};
  roots.Index = found.index;
  roots.TrustDomain = mesh::trust_domain(found.configuration->ClusterID);
  roots.Roots.make_present();
  for (const catalog::CARoot* root : found.roots) {
    catalog::CARoot& shown = roots.Roots.emplace_back().emplace();
    shown = *root;
    shown.SigningCert.clear();
    shown.SigningKey.clear();
    shown.RotatedOutAt = {};
    if (!shown.RootCert.ends_with('\n')) shown.RootCert += '\n';
    if (shown.Active) roots.ActiveRootID = shown.ID;
  }
  return roots;
}

}  // namespace proconsul::agent::rpc
