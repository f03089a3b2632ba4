// What our makers of certificates have in common. For .cc files alone: it brings OpenSSL's headers.
#pragma once

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/openssl.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::x509 {

using base::openssl::BigNumber;
using base::openssl::Bio;
using base::openssl::Certificate;
using base::openssl::GeneralNames;
using base::openssl::Key;
using Request = std::unique_ptr<X509_REQ, base::FreeWith<X509_REQ_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, base::FreeWith<ASN1_OCTET_STRING_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, base::FreeWith<X509_EXTENSION_free>>;

/// OpenSSL's last complaint, as an error of `what`. Empties its list.
base::Error openssl_error(const std::string& what);

/// What was written to a memory BIO.
std::string content_of(BIO* bio);
/// "BEGIN EC PRIVATE KEY" (SEC 1) or "BEGIN RSA PRIVATE KEY" (PKCS #1).
std::string key_pem(EVP_PKEY* key);
std::string certificate_pem(X509* certificate);

/// Of the first block of a PEM text; errors have Consul's texts: "no PEM-encoded data found" and the like.
base::Result<Certificate> certificate_of(const std::string& pem);
base::Result<Key> key_of(const std::string& pem);
base::Result<Request> request_of(const std::string& pem);

/// SHA-256 of the public key with its algorithm (SubjectPublicKeyInfo).
OctetString key_id(EVP_PKEY* key);

void add_text_name(GENERAL_NAMES* names, int type, const std::string& text);
/// False: it is no IP address.
bool add_address(GENERAL_NAMES* names, const std::string& text);
/// 4 or 16 bytes.
void add_address_bytes(GENERAL_NAMES* names, std::string_view bytes);

/// The steps that every certificate needs, to be taken in the order of the extensions that Go writes.
class Draft {
 public:
  /// Without a serial number yet.
  Draft();
  X509* get() { return certificate_.get(); }

  /// A random one of 128 bits; returns it in decimal.
  std::string random_serial();
  void serial(std::uint64_t number);
  void valid(base::Time from, base::Time to);
  void name(const std::string& common_name);
  /// From a word list in OpenSSL's configuration language; never with text from outside.
  void words(int nid, const char* list);
  void add(int nid, void* value, bool critical = false) { X509_add1_ext_i2d(get(), nid, value, critical, 0); }
  /// None without an id: an authority that has none signs certificates without this extension.
  void authority_key_id(const ASN1_OCTET_STRING* id);

 private:
  Certificate certificate_;
};

/// The value of an authority key id extension.
using AuthorityKeyId = std::unique_ptr<AUTHORITY_KEYID, base::FreeWith<AUTHORITY_KEYID_free>>;
AuthorityKeyId authority_key_id_of(const ASN1_OCTET_STRING* id);

/// Whether the authority's signature, lifetime and name constraints let the certificate stand, for `name` if there is
/// one. Errors as Go's: "x509: certificate signed by unknown authority".
base::Result<> verify(X509* authority, X509* certificate, const std::string& name);

}  // namespace proconsul::agent::x509
