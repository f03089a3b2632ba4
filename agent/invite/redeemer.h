// The joiner's side: redeems a token at the primary, through one of its gateways.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/invite/messages.h"
#include "agent/invite/token.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::agent::invite {

/// What the error of a call means to the joiner. refused: a server has said no, and will again. passing: a moment later
/// it may go well (nobody leads, the connection was lost). unreached: no server was.
enum class Failure : std::uint8_t { refused, passing, unreached };
/// `error` is that of the connection pool, or of the server after "rpc error making call: ". Pure.
Failure judge(std::string_view error);

/// Asks through one gateway after the other until a server has answered; waits for that, half a minute for each. What
/// may pass is tried again for some seconds. `shown` is the certificate by which gateways' servers let it in,
/// `authority` (PEM) who signs theirs. Errors say whether a server refused it (Errc::permission_denied) or none could
/// (Errc::unavailable), and what to do.
base::Result<RedeemReply> redeem(const Token& token, const base::net::TlsPair& shown, const std::string& authority,
                                 RedeemRequest request);

}  // namespace proconsul::agent::invite
