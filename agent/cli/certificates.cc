#include "agent/cli/certificates.h"

#include "agent/x509/native.h"
#include "base/clock.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using namespace x509;

using NameConstraints = std::unique_ptr<NAME_CONSTRAINTS, base::FreeWith<NAME_CONSTRAINTS_free>>;

constexpr long kDay = 24 * 3600;

Result<Certificate> read_certificate(const std::string& pem) {
  Result<Certificate> certificate = certificate_of(pem);
  if (!certificate) return {certificate.error().code, "failed to parse CA: " + certificate.error().detail};
  return certificate;
}

void valid_for(Draft& draft, long days) {
  const base::Time now = base::system_clock().wall();
  base::Time end = now;
  end.seconds += days * kDay;  // perhaps more than a Duration holds
  draft.valid(now, end);
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

}  // namespace

Result<CertificatePair> make_authority(const AuthorityOptions& options) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("error generating private key");

  Draft draft;
  const std::string serial = draft.random_serial();
  draft.name(options.common_name.empty() ? "Consul Agent CA " + serial : options.common_name);
  X509_set_issuer_name(draft.get(), X509_get_subject_name(draft.get()));
  valid_for(draft, options.days == 0 ? 365 : options.days);
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
  const Result<Key> signer = key_of(authority.key);
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
  draft.random_serial();
  draft.name(options.common_name);
  X509_set_issuer_name(draft.get(), X509_get_subject_name(parent->get()));
  if (options.seconds > 0) {
    const base::Time now = base::system_clock().wall();
    draft.valid(now + base::seconds(-60), now + base::seconds(options.seconds));
  } else {
    valid_for(draft, options.days);
  }
  X509_set_pubkey(draft.get(), key.get());
  draft.words(NID_key_usage, "critical,digitalSignature,keyEncipherment");
  if (options.for_server && options.for_client) {
    draft.words(NID_ext_key_usage, options.client_first ? "clientAuth,serverAuth" : "serverAuth,clientAuth");
  }
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
