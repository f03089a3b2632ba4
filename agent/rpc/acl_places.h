// Where calls are answered that one datacenter decides for all: in a secondary one policies, roles, global tokens,
// config entries, intentions and federation states are changed in the primary, and tokens are asked for there unless
// this datacenter has copies of them.
#pragma once

#include <string_view>
#include <utility>

#include "agent/rpc/caller.h"
#include "agent/rpc/method.h"
#include "agent/server/acl_settings.h"
#include "agent/server/changes.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// Before a call goes where it says: it may be told another datacenter, or be refused.
base::Result<> settle_place(const server::AclSettings& acl, const Method& method, Invocation& invocation);

/// Puts a text in the place of the one that the request has for this field ("Token"), if it has such a field.
void replace_field(Invocation& invocation, std::string_view field, std::string_view text);

/// Has the primary answer what was asked of this server.
template <class Req, class Rep>
void ask_primary(Services& services, std::string_view method, Req request, server::Answered<Rep> done) {
  request.Datacenter = services.acl->primary_datacenter;
  ask<Req, Rep>(*services.caller, services.loops->next(), method, std::move(request), std::move(done));
}

}  // namespace proconsul::agent::rpc
