#include "agent/rpc/methods/federation.h"

#include <utility>

#include "agent/doctor/diagnosis.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/types.h"
#include "base/clock.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;

// What only a server's own federation can tell; see cluster/federation.h.
void Federation::see(std::move_only_function<void(Result<doctor::View>)> done) {
  done(Error{Errc::unavailable, "this server does not look at the federation"});
}
void Federation::examine(std::string, std::move_only_function<void(Result<doctor::Findings>)> done) {
  done(Error{Errc::unavailable, "this server does not look at the federation"});
}

namespace {

/// For who may ask nothing else: clocks that differ show in certificates, too.
Result<> clock(Services&, const Nothing&, base::Time& reply) {
  reply = base::system_clock().wall();
  return {};
}

void view(Services& services, DCSpecificRequest&, std::move_only_function<void(Result<doctor::View>)> done) {
  if (!services.federation) return done(Error{Errc::unavailable, "there is no federation"});
  services.federation->see(std::move(done));
}

template <class Rep, auto kMake>
void examine(Services& services, DCSpecificRequest& request, std::move_only_function<void(Result<Rep>)> done) {
  if (!services.federation) return done(Error{Errc::unavailable, "there is no federation"});
  services.federation->examine(request.Token, [done = std::move(done)](Result<doctor::Findings> findings) mutable {
    if (!findings) return done(findings.error());
    done(kMake(*findings));
  });
}

}  // namespace

std::span<const Method> federation_methods() {
  static constexpr Method kRows[] = {
      method<&clock>("Federation.Clock", kReads | kHere),
      method<&view>("Federation.View", kReads | kHere, tokens::kOperatorRead),
      method<&examine<doctor::Status, &doctor::summarize>>("Federation.Status", kReads | kDatacenterOnly,
                                                           tokens::kOperatorRead),
      method<&examine<doctor::Report, &doctor::diagnose>>("Federation.Examine", kReads | kDatacenterOnly,
                                                          tokens::kOperatorRead),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
