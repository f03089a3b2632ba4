// OpenSSL's failures in the words of Go's crypto/tls and crypto/x509.
#pragma once

#include <string>
#include <string_view>

typedef struct ssl_st SSL;
typedef struct x509_store_ctx_st X509_STORE_CTX;

namespace proconsul::base::net {

/// A verify callback (SSL_CTX_set_verify): keeps the certificate that was refused, for verification_text().
int remember_refused_certificate(int accepted, X509_STORE_CTX* store);
/// Why the peer's certificate was refused; empty if it was not. `name` is the host name or address it had to be for.
std::string verification_text(SSL* ssl, const std::string& name);

/// The peer answered, but not in TLS. Users of HTTP have a text of their own for it.
inline constexpr std::string_view kNotTls = "tls: first record does not look like a TLS handshake";
/// An OpenSSL error code: "remote error: tls: bad certificate", or "tls: " and OpenSSL's reason.
std::string tls_error_text(unsigned long code);

}  // namespace proconsul::base::net
