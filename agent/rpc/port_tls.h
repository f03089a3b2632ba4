// TLS between servers: what the server port offers and demands, and whom a server expects when it calls another. rpc.md
// 2 and 10 of the wire reference.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/rpc/port.h"
#include "base/net/tcp_channel.h"
#include "base/net/tls.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

/// tls.internal_rpc.
struct TlsRules {
  base::net::TlsSettings files{};  // certificate, key, CA, versions; `verify_incoming` too
  bool verify_outgoing = false;
  bool verify_server_hostname = false;
  bool allow_insecure = false;  // auto_encrypt.allow_tls or auto_config.authorization: clients without a certificate
  std::string datacenter = "dc1";
  std::string domain = "consul";
};

/// The port's contexts and rules; without a certificate there is no TLS. TLS from the first byte on needs a CA too, and
/// always demands a certificate.
base::Result<Port::Tls> offered_tls(const TlsRules& rules);

/// For calling servers: null unless `verify_outgoing`.
base::Result<std::shared_ptr<base::net::TlsContext>> outgoing_tls(const TlsRules& rules);
/// A server, for a client that has no certificate yet: it is known by its own one alone, if there is a CA to know it
/// by.
base::net::Destination insecure_destination(const TlsRules& rules, std::shared_ptr<base::net::TlsContext> context,
                                            const std::string& address);
/// A server of `datacenter` at `address`, TLS and its byte included if there is a context.
base::net::Destination destination(const TlsRules& rules, std::shared_ptr<base::net::TlsContext> outgoing,
                                   const std::string& datacenter, const std::string& address);

}  // namespace proconsul::agent::rpc
