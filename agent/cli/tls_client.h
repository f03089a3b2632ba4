// OpenSSL's failures in the words of Go's crypto/tls and crypto/x509, and the TLS set-up of a client.
#pragma once

#include <string>

typedef struct ssl_st SSL;

namespace proconsul::agent::cli {

/// Why the peer's certificate was refused; empty if it was not.
std::string verification_text(SSL* ssl, const std::string& name);

/// An OpenSSL error code: "remote error: tls: bad certificate", or "tls: " and OpenSSL's reason.
std::string tls_error_text(unsigned long code);

}  // namespace proconsul::agent::cli
