#include "agent/cli/certificates.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/free_with.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

using Bio = std::unique_ptr<BIO, base::FreeWith<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, base::FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, base::FreeWith<X509_free>>;
using BigNumber = std::unique_ptr<BIGNUM, base::FreeWith<BN_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, base::FreeWith<ASN1_OCTET_STRING_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, base::FreeWith<X509_EXTENSION_free>>;
using AuthorityKeyId = std::unique_ptr<AUTHORITY_KEYID, base::FreeWith<AUTHORITY_KEYID_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, base::FreeWith<GENERAL_NAMES_free>>;
using NameConstraints = std::unique_ptr<NAME_CONSTRAINTS, base::FreeWith<NAME_CONSTRAINTS_free>>;
using Store = std::unique_ptr<X509_STORE, base::FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, base::FreeWith<X509_STORE_CTX_free>>;

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

// SEC 1, as "BEGIN EC PRIVATE KEY".
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

// Only what stands first in the PEM text counts: a key or certificate behind something else was not meant.
Result<Bio> first_block(const std::string& pem, std::string_view wanted_suffix, const std::string& wrong_type) {
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1u << 24))));
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
  if (!type.ends_with(wanted_suffix)) {
    return {Errc::corrupt, wrong_type.ends_with(": ") ? wrong_type + type : wrong_type};
  }
  BIO_reset(bio.get());
  return bio;
}

Result<Certificate> read_certificate(const std::string& pem) {
  Result<Bio> block = first_block(pem, "CERTIFICATE", "first PEM-block should be CERTIFICATE type");
  if (!block) return {block.error().code, "failed to parse CA: " + block.error().detail};
  Certificate certificate(PEM_read_bio_X509(block->get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("failed to parse CA: x509: malformed certificate");
  return certificate;
}

// Never asks for a passphrase: nobody may be there.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<Key> read_key(const std::string& pem) {
  Result<Bio> block = first_block(pem, "PRIVATE KEY", "unknown PEM block type for signing key: ");
  if (!block) return block.error();
  Key key(PEM_read_bio_PrivateKey(block->get(), nullptr, no_passphrase, nullptr));
  if (!key) return openssl_error("x509: failed to parse private key");
  return key;
}

// SHA-256 of the public key with its algorithm (SubjectPublicKeyInfo).
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

// The steps that every certificate needs, in the order of the extensions that Go writes.
class Draft {
 public:
  Draft() : certificate_(X509_new()), serial_(BN_new()) {
    X509_set_version(certificate_.get(), X509_VERSION_3);
    BN_rand(serial_.get(), 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    BN_to_ASN1_INTEGER(serial_.get(), X509_get_serialNumber(certificate_.get()));
  }

  X509* get() { return certificate_.get(); }

  std::string serial() const {
    char* text = BN_bn2dec(serial_.get());
    std::string copy = text;
    OPENSSL_free(text);
    return copy;
  }

  void valid_for(long days) {
    X509_gmtime_adj(X509_getm_notBefore(get()), 0);
    X509_time_adj_ex(X509_getm_notAfter(get()), static_cast<int>(days), 0, nullptr);
  }

  void name(const std::string& common_name) {
    X509_NAME_add_entry_by_NID(X509_get_subject_name(get()), NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
  }

  // From a word list in OpenSSL's configuration language; never with text from outside.
  void words(int nid, const char* list) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, nullptr, nullptr, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, list));
    X509_add_ext(get(), extension.get(), -1);
  }

  void add(int nid, void* value, bool critical = false) { X509_add1_ext_i2d(get(), nid, value, critical, 0); }

  void authority_key_id(const ASN1_OCTET_STRING* id) {
    if (id == nullptr) return;  // an authority without a key id signs certificates without this extension
    const AuthorityKeyId value(AUTHORITY_KEYID_new());
    value->keyid = ASN1_OCTET_STRING_dup(id);
    add(NID_authority_key_identifier, value.get());
  }

 private:
  Certificate certificate_;
  BigNumber serial_;
};

void add_text_name(GENERAL_NAMES* names, int type, const std::string& text) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME_set0_value(name, type, value);
  sk_GENERAL_NAME_push(names, name);
}

bool add_address(GENERAL_NAMES* names, const std::string& text) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(text.c_str());
  if (address == nullptr) {
    ERR_clear_error();
    return false;
  }
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, GEN_IPADD, address);
  sk_GENERAL_NAME_push(names, name);
  return true;
}

void constrain_names(Draft& draft, const std::vector<std::string>& domains) {
  const NameConstraints constraints(NAME_CONSTRAINTS_new());
  constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  for (const std::string& domain : domains) {
    GENERAL_SUBTREE* subtree = GENERAL_SUBTREE_new();
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, domain.data(), static_cast<int>(domain.size()));
    GENERAL_NAME_set0_value(subtree->base, GEN_DNS, value);
    sk_GENERAL_SUBTREE_push(constraints->permittedSubtrees, subtree);
  }
  draft.add(NID_name_constraints, constraints.get(), true);
}

// Whether the authority's signature, lifetime and name constraints let the certificate stand for `name`.
Result<> verify(X509* authority, X509* certificate, const std::string& name) {
  const Store store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority);
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size());
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
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

}  // namespace

Result<CertificatePair> make_authority(const AuthorityOptions& options) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("error generating private key");

  Draft draft;
  draft.name(options.common_name.empty() ? "Consul Agent CA " + draft.serial() : options.common_name);
  X509_set_issuer_name(draft.get(), X509_get_subject_name(draft.get()));
  draft.valid_for(options.days == 0 ? 365 : options.days);
  X509_set_pubkey(draft.get(), key.get());
  const OctetString id = key_id(key.get());
  draft.words(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  draft.words(NID_basic_constraints, "critical,CA:TRUE");
  draft.add(NID_subject_key_identifier, id.get());
  draft.authority_key_id(id.get());
  if (!options.uri.empty()) {
    const GeneralNames names(sk_GENERAL_NAME_new_null());
    add_text_name(names.get(), GEN_URI, options.uri);
    draft.add(NID_subject_alt_name, names.get());
  }
  if (!options.permitted_dns_domains.empty()) constrain_names(draft, options.permitted_dns_domains);

  if (X509_sign(draft.get(), key.get(), EVP_sha256()) == 0) return openssl_error("error generating CA certificate");
  return CertificatePair{certificate_pem(draft.get()), key_pem(key.get())};
}

Result<CertificatePair> make_certificate(const CertificatePair& authority, const CertificateOptions& options) {
  const Result<Key> signer = read_key(authority.key);
  if (!signer) return signer.error();
  const Result<Certificate> parent = read_certificate(authority.certificate);
  if (!parent) return parent.error();
  if (X509_check_private_key(parent->get(), signer->get()) != 1) {
    ERR_clear_error();
    return {Errc::invalid_argument,
            "failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey"};
  }
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("failed to generate private key");

  Draft draft;
  draft.name(options.common_name);
  X509_set_issuer_name(draft.get(), X509_get_subject_name(parent->get()));
  draft.valid_for(options.days);
  X509_set_pubkey(draft.get(), key.get());
  draft.words(NID_key_usage, "critical,digitalSignature,keyEncipherment");
  if (options.for_server && options.for_client) draft.words(NID_ext_key_usage, "serverAuth,clientAuth");
  if (options.for_server && !options.for_client) draft.words(NID_ext_key_usage, "serverAuth");
  if (!options.for_server && options.for_client) draft.words(NID_ext_key_usage, "clientAuth");
  draft.words(NID_basic_constraints, "critical,CA:FALSE");
  draft.add(NID_subject_key_identifier, key_id(key.get()).get());
  draft.authority_key_id(X509_get0_subject_key_id(parent->get()));
  const GeneralNames names(sk_GENERAL_NAME_new_null());
  for (const std::string& name : options.dns_names) add_text_name(names.get(), GEN_DNS, name);
  for (const std::string& address : options.ip_addresses) {
    if (!add_address(names.get(), address)) return {Errc::invalid_argument, "invalid IP address: " + address};
  }
  if (sk_GENERAL_NAME_num(names.get()) > 0) draft.add(NID_subject_alt_name, names.get());

  if (X509_sign(draft.get(), signer->get(), EVP_sha256()) == 0) return openssl_error("failed to create certificate");
  if (Result<> valid = verify(parent->get(), draft.get(), options.common_name); !valid) return valid.error();
  return CertificatePair{certificate_pem(draft.get()), key_pem(key.get())};
}

}  // namespace proconsul::agent::cli
