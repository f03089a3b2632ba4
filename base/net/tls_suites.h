// Which ciphers an end of TLS speaks, in the order in which it likes them.
#pragma once

#include <string>

typedef struct ssl_ctx_st SSL_CTX;

namespace proconsul::base::net {

/// `suites`: IANA's names for TLS 1.2 and below, ":" between; empty: the default. A server then goes by its own order,
/// as Go's do. False: OpenSSL's error says why.
bool set_suites(SSL_CTX* context, const std::string& suites);

}  // namespace proconsul::base::net
