#include "agent/x509/native.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <initializer_list>

#include "base/clock.h"

namespace proconsul::agent::x509 {

using base::Errc;
using base::Result;

namespace {

using base::openssl::Store;
using base::openssl::StoreContext;

constexpr std::size_t kMostPem = std::size_t{1} << 20;

/// Only what stands first in the PEM text counts: a key or certificate behind something else was not meant.
Result<Bio> first_block(const std::string& pem, std::initializer_list<std::string_view> wanted,
                        const std::string& wrong_type) {
  if (pem.size() > kMostPem) return {Errc::corrupt, "PEM-encoded data is too large"};
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) {
    ERR_clear_error();
    return {Errc::corrupt, "no PEM-encoded data found"};
  }
  const std::string type = name;
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  if (std::ranges::find(wanted, std::string_view(type)) == wanted.end()) {
    return {Errc::corrupt, wrong_type.ends_with(": ") ? wrong_type + type : wrong_type};
  }
  BIO_reset(bio.get());
  return bio;
}

/// Never asks for a passphrase: nobody may be there.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

base::Error openssl_error(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return {Errc::internal, what + ": " + (reason == nullptr ? "unknown error" : reason)};
}

std::string content_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string key_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return content_of(bio.get());
}

std::string certificate_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return content_of(bio.get());
}

Result<Certificate> certificate_of(const std::string& pem) {
  const Result<Bio> block = first_block(pem, {"CERTIFICATE"}, "first PEM-block should be CERTIFICATE type");
  if (!block) return block.error();
  Certificate certificate(PEM_read_bio_X509(block->get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("x509: malformed certificate");
  return certificate;
}

Result<Key> key_of(const std::string& pem) {
  const Result<Bio> block = first_block(pem, {"EC PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"},
                                        "unknown PEM block type for signing key: ");
  if (!block) return block.error();
  Key key(PEM_read_bio_PrivateKey(block->get(), nullptr, no_passphrase, nullptr));
  if (!key) return openssl_error("x509: failed to parse private key");
  return key;
}

Result<Request> request_of(const std::string& pem) {
  const Result<Bio> block =
      first_block(pem, {"CERTIFICATE REQUEST"}, "first PEM-block should be CERTIFICATE REQUEST type");
  if (!block) return block.error();
  Request request(PEM_read_bio_X509_REQ(block->get(), nullptr, nullptr, nullptr));
  if (!request) return openssl_error("x509: malformed certificate request");
  return request;
}

OctetString key_id(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der, static_cast<std::size_t>(std::max(size, 0)), digest);
  OPENSSL_free(der);
  OctetString id(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(id.get(), digest, sizeof digest);
  return id;
}

void add_text_name(GENERAL_NAMES* names, int type, const std::string& text) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME_set0_value(name, type, value);
  sk_GENERAL_NAME_push(names, name);
}

namespace {

void push_address(GENERAL_NAMES* names, ASN1_OCTET_STRING* address) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, GEN_IPADD, address);
  sk_GENERAL_NAME_push(names, name);
}

}  // namespace

bool add_address(GENERAL_NAMES* names, const std::string& text) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(text.c_str());
  if (address == nullptr) {
    ERR_clear_error();
    return false;
  }
  push_address(names, address);
  return true;
}

void add_address_bytes(GENERAL_NAMES* names, std::string_view bytes) {
  ASN1_OCTET_STRING* address = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(address, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  push_address(names, address);
}

Draft::Draft() : certificate_(X509_new()) {
  X509_set_version(certificate_.get(), X509_VERSION_3);
}

std::string Draft::random_serial() {
  const BigNumber number(BN_new());
  BN_rand(number.get(), 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(get()));
  char* text = BN_bn2dec(number.get());
  std::string copy = text;
  OPENSSL_free(text);
  return copy;
}

void Draft::serial(std::uint64_t number) {
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(get()), number);
}

void Draft::valid(base::Time from, base::Time to) {
  ASN1_TIME_set(X509_getm_notBefore(get()), base::unix_seconds(from));
  ASN1_TIME_set(X509_getm_notAfter(get()), base::unix_seconds(to));
}

void Draft::name(const std::string& common_name) {
  X509_NAME_add_entry_by_NID(X509_get_subject_name(get()), NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
}

void Draft::words(int nid, const char* list) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, nullptr, nullptr, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, list));
  X509_add_ext(get(), extension.get(), -1);
}

AuthorityKeyId authority_key_id_of(const ASN1_OCTET_STRING* id) {
  AuthorityKeyId value(AUTHORITY_KEYID_new());
  value->keyid = ASN1_OCTET_STRING_dup(id);
  return value;
}

void Draft::authority_key_id(const ASN1_OCTET_STRING* id) {
  if (id != nullptr) add(NID_authority_key_identifier, authority_key_id_of(id).get());
}

Result<> verify(X509* authority, X509* certificate, const std::string& name) {
  const Store store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority);
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  // The library's own clock lags a few milliseconds: for it a certificate of this very second is not valid yet.
  X509_VERIFY_PARAM_set_time(rules, base::unix_seconds(base::system_clock().wall()));
  if (!name.empty()) {
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size());
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Errc::invalid_argument, "x509: certificate has expired or is not yet valid"};
    case X509_V_ERR_PERMITTED_VIOLATION:
      return {Errc::invalid_argument,
              "x509: a root or intermediate certificate is not authorized to sign for this name: " + name};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_INVALID_CA:
      return {Errc::invalid_argument, "x509: certificate signed by unknown authority"};
    default:
      return {Errc::invalid_argument, std::string("x509: ") + X509_verify_cert_error_string(error)};
  }
}

}  // namespace proconsul::agent::x509
