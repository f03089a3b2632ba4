// The joiner's side: redeems a token at the primary, through one of its gateways.
#pragma once

#include <string>
#include <string_view>

#include "agent/invite/messages.h"
#include "agent/invite/token.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::agent::invite {

/// Asks through one gateway after the other until a server has answered; waits for that, half a minute for each.
/// `shown` is the certificate by which gateways' servers let it in, `authority` (PEM) who signs theirs. Errors say
/// whether a server refused it (Errc::permission_denied) or none was reached (Errc::unavailable), and what to do.
base::Result<RedeemReply> redeem(const Token& token, const base::net::TlsPair& shown, const std::string& authority,
                                 RedeemRequest request);

}  // namespace proconsul::agent::invite
