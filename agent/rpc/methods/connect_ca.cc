#include "catalog/registry/connect_ca.h"
#include "agent/mesh/authority.h"
#include "agent/mesh/spiffe.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/caller.h"
#include "agent/rpc/connect_ca_roots.h"
#include "agent/rpc/connect_ca_types.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Result<> enabled(const Services& services) {
  if (services.authority) return {};
  return {Errc::internal, mesh::kConnectDisabled};
}

Result<Found> roots(Services& services, const catalog::View& view, base::KeySet* watch, const DCSpecificRequest&,
                    IndexedCARoots& reply) {
  if (Result<> on = enabled(services); !on) return on.error();
  Result<IndexedCARoots> found = trusted_roots(view.tables(), watch);
  if (!found) return found.error();
  reply = std::move(*found);
  return Found::yes;
}

Result<> configuration_get(Services& services, const DCSpecificRequest& request, catalog::CAConfiguration& reply) {
  if (Result<> on = enabled(services); !on) return on;
  const auto view = services.server.view();
  const Result<tokens::Who> who = asking(services, *view, request.Token);
  if (!who) return who.error();
  // Not read: the private key may be in it.
  if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::write); !may) return may;
  const catalog::CAConfiguration* stored = catalog::ca_configuration(view->tables());
  if (!stored) return {Errc::internal, "CA has not finished initializing"};
  reply = *stored;
  return {};
}

void configuration_set(Services& services, catalog::CARequest& request, server::Answered<Nothing> done) {
  if (Result<> on = enabled(services); !on) return done(on.error());
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::write); !may) {
    return done(may.error());
  }
  if (!request.Config) return done(Error{Errc::internal, "missing CA configuration"});
  services.authority->configure(std::move(*request.Config), [done = std::move(done)](Result<> made) mutable {
    made ? done(Nothing{}) : done(made.error());
  });
}

void sign(Services& services, CASignRequest& request, server::Answered<IssuedCert> done) {
  if (Result<> on = enabled(services); !on) return done(on.error());
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  services.authority->sign(std::move(request.CSR), *who, std::move(done));
}

void sign_intermediate(Services& services, CASignRequest& request, server::Answered<std::string> done) {
  if (Result<> on = enabled(services); !on) return done(on.error());
  if (services.authority->in_primary()) {
    const Result<tokens::Who> who = asking(services, request.Token);
    if (!who) return done(who.error());
    if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::write); !may) {
      return done(may.error());
    }
  }
  services.authority->sign_intermediate(std::move(request.CSR), std::move(done));
}

}  // namespace

std::span<const Method> connect_ca_methods() {
  static constexpr Method kRows[] = {
      method<&configuration_get>("ConnectCA.ConfigurationGet", kReads),
      method<&configuration_set>("ConnectCA.ConfigurationSet", 0),
      method<&roots>("ConnectCA.Roots", kReads),
      method<&sign>("ConnectCA.Sign", 0),
      method<&sign_intermediate>("ConnectCA.SignIntermediate", 0),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
