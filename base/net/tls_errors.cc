#include "base/net/tls_errors.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <vector>

namespace proconsul::base::net {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

struct Names {
  std::vector<std::string> dns{};
  std::vector<std::string> ip{};
};

Names alternative_names(X509* certificate) {
  Names names;
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int at = 0; at < sk_GENERAL_NAME_num(list); ++at) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, at);
    if (name->type == GEN_DNS) {
      names.dns.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                             static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      ASN1_OCTET_STRING* address = name->d.iPAddress;
      const unsigned char* bytes = ASN1_STRING_get0_data(address);
      char text[64] = {};
      if (ASN1_STRING_length(address) == 4) {
        std::snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
      } else {
        std::snprintf(text, sizeof text, "an IPv6 address");
      }
      names.ip.emplace_back(text);
    }
  }
  GENERAL_NAMES_free(list);
  return names;
}

// Where a connection keeps the certificate that was refused: OpenSSL itself forgets it with the failed handshake.
int refused_certificate_slot() {
  static const int slot = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* certificate, CRYPTO_EX_DATA*, int, long, void*) { X509_free(static_cast<X509*>(certificate)); });
  return slot;
}

std::string name_mismatch(SSL* ssl, const std::string& name, bool is_address) {
  auto* certificate = static_cast<X509*>(SSL_get_ex_data(ssl, refused_certificate_slot()));
  if (certificate == nullptr) return "x509: certificate is not valid for " + name;
  const Names names = alternative_names(certificate);
  if (is_address && names.ip.empty()) {
    return "x509: cannot validate certificate for " + name + " because it doesn't contain any IP SANs";
  }
  const std::string valid = joined(is_address ? names.ip : names.dns);
  if (valid.empty()) return "x509: certificate is not valid for any names, but wanted to match " + name;
  return "x509: certificate is valid for " + valid + ", not " + name;
}

// TLS alerts as Go names them.
const char* alert_text(int alert) {
  switch (alert) {
    case 0:
      return "close notify";
    case 10:
      return "unexpected message";
    case 20:
      return "bad record MAC";
    case 22:
      return "record overflow";
    case 40:
      return "handshake failure";
    case 42:
      return "bad certificate";
    case 43:
      return "unsupported certificate";
    case 44:
      return "revoked certificate";
    case 45:
      return "expired certificate";
    case 46:
      return "unknown certificate";
    case 47:
      return "illegal parameter";
    case 48:
      return "unknown certificate authority";
    case 49:
      return "access denied";
    case 50:
      return "error decoding message";
    case 51:
      return "error decrypting message";
    case 70:
      return "protocol version not supported";
    case 71:
      return "insufficient security level";
    case 80:
      return "internal error";
    case 86:
      return "inappropriate fallback";
    case 90:
      return "user canceled";
    case 109:
      return "missing extension";
    case 110:
      return "unsupported extension";
    case 112:
      return "unrecognized name";
    case 116:
      return "certificate required";
    case 120:
      return "no application protocol";
    default:
      return nullptr;
  }
}

}  // namespace

int remember_refused_certificate(int accepted, X509_STORE_CTX* store) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (accepted == 1 || SSL_get_ex_data(ssl, refused_certificate_slot()) != nullptr) return accepted;
  X509_up_ref(certificate);
  SSL_set_ex_data(ssl, refused_certificate_slot(), certificate);
  return accepted;
}

std::string verification_text(SSL* ssl, const std::string& name) {
  const std::string prefix = "tls: failed to verify certificate: ";
  switch (const long result = SSL_get_verify_result(ssl)) {
    case X509_V_OK:
      return "";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return prefix + name_mismatch(ssl, name, false);
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return prefix + name_mismatch(ssl, name, true);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return prefix + "x509: certificate has expired or is not yet valid";
    case X509_V_ERR_INVALID_PURPOSE:
      return prefix + "x509: certificate specifies an incompatible key usage";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return prefix + "x509: certificate signed by unknown authority";
    default:
      return prefix + "x509: " + X509_verify_cert_error_string(result);
  }
}

std::string tls_error_text(unsigned long code) {
  const int reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    if (reason > SSL_AD_REASON_OFFSET) {
      if (const char* text = alert_text(reason - SSL_AD_REASON_OFFSET))
        return "remote error: tls: " + std::string(text);
    }
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return "EOF";
    if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_WRONG_VERSION_NUMBER) {
      return std::string(kNotTls);
    }
  }
  const char* text = ERR_reason_error_string(code);
  return "tls: " + std::string(text == nullptr ? "unknown error" : text);
}

}  // namespace proconsul::base::net
