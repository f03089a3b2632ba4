#include "agent/rpc/methods/invitation.h"

#include <utility>

#include "agent/invite/invitations.h"
#include "agent/mesh/auto_encrypt_server.h"
#include "agent/rpc/asking.h"
#include "agent/rpc/types.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Result<invite::Invitations*> invitations_of(Services& services) {
  if (services.auto_encrypt && services.auto_encrypt->invitations) return services.auto_encrypt->invitations;
  return Error{Errc::internal, "this server knows of no federation"};
}

/// Who invites makes tokens.
Result<> may_invite(const Services& services, std::string_view token) {
  const Result<tokens::Who> who = asking(services, token);
  if (!who) return who.error();
  if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::write); !may) return may;
  return tokens::require(*who, acl::Resource::acl, acl::Access::write);
}

void facts(Services& services, DCSpecificRequest& request, server::Answered<invite::Facts> done) {
  const Result<tokens::Who> who = asking(services, request.Token);
  if (!who) return done(who.error());
  if (Result<> may = tokens::require(*who, acl::Resource::operator_, acl::Access::read); !may) return done(may.error());
  const Result<invite::Invitations*> invitations = invitations_of(services);
  if (!invitations) return done(invitations.error());
  (*invitations)->facts(services, std::move(done));
}

void create(Services& services, invite::InviteRequest& request, server::Answered<invite::InviteReply> done) {
  if (Result<> may = may_invite(services, request.Token); !may) return done(may.error());
  const Result<invite::Invitations*> invitations = invitations_of(services);
  if (!invitations) return done(invitations.error());
  (*invitations)->invite(services, std::move(request), std::move(done));
}

/// Whoever has the secret may.
void redeem(Services& services, invite::RedeemRequest& request, server::Answered<invite::RedeemReply> done) {
  const Result<invite::Invitations*> invitations = invitations_of(services);
  if (!invitations) return done(invitations.error());
  (*invitations)->redeem(services, std::move(request), std::move(done));
}

void forget(Services& services, invite::ForgetRequest& request, server::Answered<invite::ForgetReply> done) {
  if (Result<> may = may_invite(services, request.Token); !may) return done(may.error());
  const Result<invite::Invitations*> invitations = invitations_of(services);
  if (!invitations) return done(invitations.error());
  (*invitations)->forget(services, std::move(request), std::move(done));
}

}  // namespace

std::span<const Method> invitation_methods() {
  static constexpr Method kRows[] = {
      method<&facts>("Federation.InvitationFacts", kReads | kLeaderAlways),
      method<&create>("Federation.Invite", 0),
      method<&redeem>("Federation.Redeem", 0),
      method<&forget>("Federation.Forget", 0),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
