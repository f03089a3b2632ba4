#include <memory>

#include "agent/mesh/authority.h"
#include "agent/mesh/auto_encrypt_server.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

/// The server that is asked answers; the leader signs.
void sign(Services& services, CASignRequest& request, server::Answered<SignedResponse> done) {
  if (!services.authority) return done(Error{Errc::internal, mesh::kConnectDisabled});
  if (!services.auto_encrypt || !services.auto_encrypt->allowed) {
    return done(Error{Errc::internal, "AutoEncrypt.AllowTLS must be enabled in order to use this endpoint"});
  }
  if (request.Datacenter != services.datacenter) {
    return done(Error{Errc::internal, "mismatched datacenter (client_dc='" + request.Datacenter + "' server_dc='" +
                                          services.datacenter + "'); check client has same datacenter set as servers"});
  }
  DCSpecificRequest about{};
  about.Datacenter = request.Datacenter;
  base::net::Loop& loop = services.loops->next();
  ask<DCSpecificRequest, IndexedCARoots>(
      *services.caller, loop, "ConnectCA.Roots", std::move(about),
      [&services, &loop, request = std::move(request), done = std::move(done)](Result<IndexedCARoots> roots) mutable {
        if (!roots) return done(roots.error());
        ask<CASignRequest, IssuedCert>(
            *services.caller, loop, "ConnectCA.Sign", std::move(request),
            [&services, roots = std::move(*roots), done = std::move(done)](Result<IssuedCert> issued) mutable {
              if (!issued) return done(issued.error());
              SignedResponse response{};
              response.IssuedCert = std::move(*issued);
              response.ConnectCARoots = std::move(roots);
              response.ManualCARoots = services.auto_encrypt->manual_roots();
              response.VerifyServerHostname = services.auto_encrypt->verify_server_hostname;
              done(std::move(response));
            });
      });
}

}  // namespace

std::span<const Method> auto_encrypt_methods() {
  static constexpr Method kRows[] = {
      method<&sign>("AutoEncrypt.Sign", kHere | kInsecure),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
