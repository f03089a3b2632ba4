#include "agent/x509/certificate.h"

#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/x509/native.h"

namespace proconsul::agent::x509 {

using base::Errc;
using base::Error;
using base::Result;

namespace {

using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), decltype([](STACK_OF(X509_EXTENSION) * list) {
                                     sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
                                   })>;
using BasicConstraints = std::unique_ptr<BASIC_CONSTRAINTS, base::FreeWith<BASIC_CONSTRAINTS_free>>;
using PublicKey = std::unique_ptr<X509_PUBKEY, base::FreeWith<X509_PUBKEY_free>>;
using Name = std::unique_ptr<X509_NAME, base::FreeWith<X509_NAME_free>>;

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;

std::string_view bytes_of(const ASN1_STRING* text) {
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

base::Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::from_unix(::timegm(&parts));
}

template <class Object>
std::string der_of(int (*encode)(const Object*, unsigned char**), const Object* object) {
  unsigned char* data = nullptr;
  const int size = encode(object, &data);
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(data);
  return der;
}

struct KeyKind {
  std::string type{};
  int bits{};
};

/// The mesh knows elliptic curves and RSA.
Result<KeyKind> kind_of(const EVP_PKEY* key) {
  if (key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) return KeyKind{"ec", EVP_PKEY_get_bits(key)};
  if (key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return KeyKind{"rsa", EVP_PKEY_get_bits(key)};
  return Error{Errc::internal, "unsupported key type"};
}

void take_names(const GENERAL_NAMES* names, Asked& asked) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    const auto text = [&] { return std::string(bytes_of(static_cast<const ASN1_STRING*>(value))); };
    if (type == GEN_URI) asked.uris.push_back(text());
    if (type == GEN_DNS) asked.dns_names.push_back(text());
    if (type == GEN_EMAIL) asked.emails.push_back(text());
    if (type == GEN_IPADD) asked.addresses.push_back(text());
  }
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// In the order in which Go writes them.
Result<GeneralNames> names_of(const Asked& asked, bool with_emails) {
  GeneralNames names(sk_GENERAL_NAME_new_null());
  const auto add = [&](int type, const std::vector<std::string>& texts) -> Result<> {
    for (const std::string& text : texts) {
      if (!is_ascii(text)) return {Errc::invalid_argument, "x509: a name cannot be encoded as an IA5String"};
      add_text_name(names.get(), type, text);
    }
    return {};
  };
  if (Result<> added = add(GEN_DNS, asked.dns_names); !added) return added.error();
  if (with_emails) {
    if (Result<> added = add(GEN_EMAIL, asked.emails); !added) return added.error();
  }
  for (const std::string& address : asked.addresses) {
    if (address.size() != 4 && address.size() != 16) return {Errc::invalid_argument, "x509: invalid IP address"};
    add_address_bytes(names.get(), address);
  }
  if (Result<> added = add(GEN_URI, asked.uris); !added) return added.error();
  return names;
}

Result<Key> public_key_of(const Asked& asked) {
  const auto* at = reinterpret_cast<const unsigned char*>(asked.public_key.data());
  const PublicKey encoded(d2i_X509_PUBKEY(nullptr, &at, static_cast<long>(asked.public_key.size())));
  Key key(encoded ? X509_PUBKEY_get(encoded.get()) : nullptr);
  if (!key) return openssl_error("x509: failed to parse public key");
  return key;
}

}  // namespace

std::string colon_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

namespace {

Result<Facts> facts_of(X509* certificate) {
  const Result<KeyKind> kind = kind_of(X509_get0_pubkey(certificate));
  if (!kind) return {kind.error().code, "error extracting root key info: " + kind.error().detail};
  Facts facts{.key_type = kind->type, .key_bits = kind->bits};
  const std::string der = der_of(i2d_X509, std::as_const(certificate));
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(der.data()), der.size(), digest);
  facts.fingerprint = colon_hex({reinterpret_cast<const char*>(digest), sizeof digest});
  facts.subject_key_id = colon_hex(bytes_of(X509_get0_subject_key_id(certificate)));
  facts.authority_key_id = colon_hex(bytes_of(X509_get0_authority_key_id(certificate)));
  const std::string_view serial = bytes_of(X509_get0_serialNumber(certificate));
  facts.serial_text = colon_hex(serial);
  for (const char c : serial) facts.serial = facts.serial << 8 | static_cast<unsigned char>(c);
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  facts.is_authority = X509_check_ca(certificate) == 1;
  const GeneralNames names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  Asked asked;
  if (names) take_names(names.get(), asked);
  facts.uris = std::move(asked.uris);
  ERR_clear_error();
  return facts;
}

}  // namespace

Result<Facts> read_certificate(const std::string& pem) {
  const Result<Certificate> certificate = certificate_of(pem);
  if (!certificate) return certificate.error();
  return facts_of(certificate->get());
}

Result<std::string> generate_key(std::string_view type, std::int64_t bits) {
  if (type == "rsa") {
    if (bits < kLeastRsaBits || bits > kMostRsaBits) {
      return Error{Errc::internal, "error generating RSA private key: invalid key size " + std::to_string(bits) +
                                       ", must be at least " + std::to_string(kLeastRsaBits) + " bits"};
    }
    const Key key(EVP_RSA_gen(static_cast<unsigned>(bits)));
    if (!key) return openssl_error("error generating RSA private key");
    return key_pem(key.get());
  }
  if (type != "ec") return {Errc::internal, "unknown private key type requested: " + std::string(type)};
  if (bits != 224 && bits != 256 && bits != 384 && bits != 521) {
    return Error{Errc::internal, "error generating ECDSA private key: unknown curve length " + std::to_string(bits)};
  }
  const Key key(EVP_EC_gen(("P-" + std::to_string(bits)).c_str()));
  if (!key) return openssl_error("error generating ECDSA private key");
  return key_pem(key.get());
}

Result<> check_key(const std::string& pem) {
  if (const Result<Key> key = key_of(pem); !key) return key.error();
  return {};
}

Result<Asked> read_request(const std::string& pem) {
  const Result<Request> request = request_of(pem);
  if (!request) return request.error();
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request->get());
  if (!kind_of(key)) {
    ERR_clear_error();
    return {Errc::invalid_argument, "invalid key type: neither ECDSA nor RSA"};
  }
  if (X509_REQ_verify(request->get(), key) != 1) {
    ERR_clear_error();
    return {Errc::invalid_argument, "x509: the signature of the certificate request does not verify"};
  }
  Asked asked;
  asked.subject = der_of<X509_NAME>(i2d_X509_NAME, X509_REQ_get_subject_name(request->get()));
  asked.public_key = der_of<EVP_PKEY>(i2d_PUBKEY, key);
  const Extensions extensions(X509_REQ_get_extensions(request->get()));
  const GeneralNames names(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (names) take_names(names.get(), asked);
  ERR_clear_error();
  return asked;
}

Result<std::string> make_request(const std::string& key_text, const Names& wanted, bool for_authority) {
  const Result<Key> key = key_of(key_text);
  if (!key) return key.error();
  Asked asked{.uris = {wanted.uri}};
  for (const std::string& host : wanted.dns_names) {
    const std::string name = host.substr(0, host.find(':'));
    if (!name.empty() && std::ranges::find(asked.dns_names, name) == asked.dns_names.end()) {
      asked.dns_names.push_back(name);
    }
  }
  for (const std::string& address : wanted.ip_addresses) {
    const OctetString bytes(a2i_IPADDRESS(address.c_str()));
    if (!bytes) {
      ERR_clear_error();
      return {Errc::invalid_argument, "invalid IP address: " + address};
    }
    asked.addresses.emplace_back(bytes_of(bytes.get()));
  }
  const Request request(X509_REQ_new());
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  X509_REQ_set_pubkey(request.get(), key->get());
  const Result<GeneralNames> names = names_of(asked, false);
  if (!names) return names.error();
  STACK_OF(X509_EXTENSION)* list = nullptr;
  if (for_authority) {
    const BasicConstraints constraints(BASIC_CONSTRAINTS_new());
    constraints->ca = 1;
    X509V3_add1_i2d(&list, NID_basic_constraints, constraints.get(), 1, X509V3_ADD_APPEND);
  }
  X509V3_add1_i2d(&list, NID_subject_alt_name, names->get(), 1, X509V3_ADD_APPEND);
  const Extensions extensions(list);
  X509_REQ_add_extensions(request.get(), extensions.get());
  if (X509_REQ_sign(request.get(), key->get(), EVP_sha256()) == 0) return openssl_error("error generating CSR");
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return content_of(bio.get());
}

Result<std::string> make_root(const std::string& key_text, const std::string& common_name, const std::string& uri,
                              const Terms& terms) {
  const Result<Key> key = key_of(key_text);
  if (!key) return {key.error().code, "error parsing private key: " + key.error().detail};
  Draft draft;
  draft.serial(terms.serial);
  draft.name(common_name);
  X509_set_issuer_name(draft.get(), X509_get_subject_name(draft.get()));
  draft.valid(terms.from, terms.to);
  X509_set_pubkey(draft.get(), key->get());
  const OctetString id = key_id(key->get());
  draft.words(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  draft.words(NID_basic_constraints, "critical,CA:TRUE");
  draft.add(NID_subject_key_identifier, id.get());
  draft.authority_key_id(id.get());
  const GeneralNames names(sk_GENERAL_NAME_new_null());
  add_text_name(names.get(), GEN_URI, uri);
  draft.add(NID_subject_alt_name, names.get());
  if (X509_sign(draft.get(), key->get(), EVP_sha256()) == 0) return openssl_error("error generating CA certificate");
  return certificate_pem(draft.get());
}

struct Signer::Native {
  Certificate certificate{};
  Key key{};
  Facts facts{};

  /// What all that it signs have in common, up to the extensions.
  Result<Key> begin(Draft& draft, const Asked& asked, const Terms& terms) const {
    Result<Key> subject = public_key_of(asked);
    if (!subject) return subject;
    draft.serial(terms.serial);
    X509_set_issuer_name(draft.get(), X509_get_subject_name(certificate.get()));
    draft.valid(terms.from, terms.to);
    X509_set_pubkey(draft.get(), subject->get());
    return subject;
  }
  /// Where the authority's own certificate has no key id, its key has one.
  void add_key_ids(Draft& draft, EVP_PKEY* subject) const {
    draft.add(NID_subject_key_identifier, key_id(subject).get());
    const ASN1_OCTET_STRING* const own = X509_get0_subject_key_id(certificate.get());
    draft.authority_key_id(own != nullptr ? own : key_id(key.get()).get());
  }
  Result<std::string> finish(X509* draft) const {
    if (X509_sign(draft, key.get(), EVP_sha256()) == 0) return openssl_error("error generating certificate");
    return certificate_pem(draft);
  }
};

Signer::Signer(std::unique_ptr<Native> native) : native_(std::move(native)) {}
Signer::~Signer() = default;
const Facts& Signer::facts() const {
  return native_->facts;
}

Result<std::shared_ptr<const Signer>> Signer::create(const std::string& certificate_text, const std::string& key_text) {
  auto native = std::make_unique<Native>();
  Result<Key> key = key_of(key_text);
  if (!key) return key.error();
  native->key = std::move(*key);
  Result<Certificate> certificate = certificate_of(certificate_text);
  if (!certificate) return {certificate.error().code, "error parsing CA cert: " + certificate.error().detail};
  native->certificate = std::move(*certificate);
  if (X509_check_private_key(native->certificate.get(), native->key.get()) != 1) {
    ERR_clear_error();
    return {Errc::invalid_argument, "x509: provided PrivateKey doesn't match parent's PublicKey"};
  }
  Result<Facts> facts = facts_of(native->certificate.get());
  if (!facts) return facts.error();
  native->facts = std::move(*facts);
  return std::shared_ptr<const Signer>(new Signer(std::move(native)));
}

Result<std::string> Signer::sign_leaf(const Asked& asked, const Terms& terms) const {
  Draft draft;
  const Result<Key> subject = native_->begin(draft, asked, terms);
  if (!subject) return subject.error();
  draft.words(NID_key_usage, "critical,digitalSignature,keyEncipherment,dataEncipherment,keyAgreement");
  draft.words(NID_ext_key_usage, "clientAuth,serverAuth");
  draft.words(NID_basic_constraints, "critical,CA:FALSE");
  native_->add_key_ids(draft, subject->get());
  const Result<GeneralNames> names = names_of(asked, false);
  if (!names) return names.error();
  // The only names that it has: whoever checks it must understand them.
  if (sk_GENERAL_NAME_num(names->get()) > 0) draft.add(NID_subject_alt_name, names->get(), true);
  return native_->finish(draft.get());
}

Result<std::string> Signer::sign_intermediate(const Asked& asked, const Terms& terms) const {
  Draft draft;
  const Result<Key> key = native_->begin(draft, asked, terms);
  if (!key) return key.error();
  const auto* at = reinterpret_cast<const unsigned char*>(asked.subject.data());
  const Name subject(d2i_X509_NAME(nullptr, &at, static_cast<long>(asked.subject.size())));
  if (!subject) return openssl_error("x509: malformed subject");
  X509_set_subject_name(draft.get(), subject.get());
  draft.words(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  draft.words(NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  native_->add_key_ids(draft, key->get());
  const Result<GeneralNames> names = names_of(asked, true);
  if (!names) return names.error();
  const bool nameless = X509_NAME_entry_count(subject.get()) == 0;
  if (sk_GENERAL_NAME_num(names->get()) > 0) draft.add(NID_subject_alt_name, names->get(), nameless);
  return native_->finish(draft.get());
}

Result<std::string> Signer::cross_sign(const std::string& root, const Terms& terms) const {
  const Result<Certificate> read = certificate_of(root);
  if (!read) return read.error();
  const Certificate certificate(X509_dup(read->get()));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), terms.serial);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(native_->certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), base::unix_seconds(terms.from));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), base::unix_seconds(terms.to));
  const ASN1_OCTET_STRING* const own = X509_get0_subject_key_id(native_->certificate.get());
  const OctetString of_key = key_id(native_->key.get());
  X509_add1_ext_i2d(certificate.get(), NID_authority_key_identifier,
                    authority_key_id_of(own != nullptr ? own : of_key.get()).get(), 0, X509V3_ADD_REPLACE);
  return native_->finish(certificate.get());
}

Result<> verify_issued(const std::string& intermediate, const std::string& root) {
  const Result<Certificate> issued = certificate_of(intermediate);
  if (!issued) return issued.error();
  const Result<Certificate> issuer = certificate_of(root);
  if (!issuer) return issuer.error();
  return verify(issuer->get(), issued->get(), {});
}

Result<bool> belongs(const std::string& certificate_text, const std::string& key_text) {
  const Result<Certificate> certificate = certificate_of(certificate_text);
  if (!certificate) return certificate.error();
  const Result<Key> key = key_of(key_text);
  if (!key) return key.error();
  const bool same = X509_check_private_key(certificate->get(), key->get()) == 1;
  ERR_clear_error();
  return same;
}

}  // namespace proconsul::agent::x509
