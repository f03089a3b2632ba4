#include "agent/rpc/methods/federation.h"

#include <utility>

#include "agent/doctor/diagnosis.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/federation.h"
#include "agent/rpc/types.h"
#include "agent/server/acl_settings.h"
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

/// Whoever may see how the servers stand, or operate this one: a secondary that the primary's tokens have not reached
/// knows its own agent_recovery only, and has most to ask.
Result<> may_look(const Services& services, std::string_view token) {
  const Result<tokens::Who> who = asking(services, token);
  if (!who) return who.error();
  if (services.acl && tokens::require(*who, tokens::kAgentWrite, services.acl->node_name)) return {};
  return tokens::require(*who, tokens::kOperatorRead, {});
}

void view(Services& services, DCSpecificRequest& request, std::move_only_function<void(Result<doctor::View>)> done) {
  if (const Result<> may = may_look(services, request.Token); !may) return done(may.error());
  if (!services.federation) return done(Error{Errc::unavailable, "there is no federation"});
  services.federation->see(std::move(done));
}

template <class Rep, auto kMake>
void examine(Services& services, DCSpecificRequest& request, std::move_only_function<void(Result<Rep>)> done) {
  if (const Result<> may = may_look(services, request.Token); !may) return done(may.error());
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
      method<&view>("Federation.View", kReads | kHere),
      method<&examine<doctor::Status, &doctor::summarize>>("Federation.Status", kReads | kDatacenterOnly),
      method<&examine<doctor::Report, &doctor::diagnose>>("Federation.Examine", kReads | kDatacenterOnly),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
