// Certificates that stand in their entries.
#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>

#include "base/openssl.h"
#include "base/quote.h"
#include "catalog/config_entry/rules.h"
#include "catalog/types/config_gateways.h"
#include "gossip/ip_text.h"

namespace proconsul::catalog::rules {

using base::Result;

namespace {

constexpr int kShortestRsaKey = 2048;  // Envoy refuses shorter ones without a word

using base::openssl::Bio;
using base::openssl::Certificate;
using base::openssl::GeneralNames;
using base::openssl::Key;

struct Block {
  std::string type{};
  std::string bytes{};
};

/// The blocks of a PEM text, in order.
std::vector<Block> blocks_of(const std::string& text) {
  std::vector<Block> blocks;
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(in.get(), &name, &header, &data, &size) != 1) break;
    blocks.push_back({name, std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size))});
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  ERR_clear_error();
  return blocks;
}

const unsigned char* begin_of(const Block& block) {
  return reinterpret_cast<const unsigned char*>(block.bytes.data());
}
Certificate certificate_in(const Block& block) {
  const unsigned char* at = begin_of(block);
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(block.bytes.size())));
}
Key key_in(const Block& block) {
  const unsigned char* at = begin_of(block);
  return Key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(block.bytes.size())));
}

const Block* find_block(const std::vector<Block>& blocks, bool (*wanted)(const Block&)) {
  for (const Block& block : blocks) {
    if (wanted(block)) return &block;
  }
  return nullptr;
}
bool is_certificate(const Block& block) {
  return block.type == "CERTIFICATE";
}
bool is_key(const Block& block) {
  return block.type == "PRIVATE KEY" || block.type.ends_with(" PRIVATE KEY");
}

Result<> check_pair(const std::vector<Block>& certificates, const std::vector<Block>& keys) {
  const Block* first = find_block(certificates, &is_certificate);
  if (!first) {
    return wrong(
        "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the "
        "following types: [" +
        certificates.front().type + "]");
  }
  const Block* key_block = find_block(keys, &is_key);
  if (!key_block) {
    return wrong(
        "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM "
        "blocks of the following types: [" +
        keys.front().type + "]");
  }
  const Certificate certificate = certificate_in(*first);
  if (!certificate) return wrong("x509: malformed certificate");
  const Key key = key_in(*key_block);
  if (!key) return wrong("tls: failed to parse private key");
  const EVP_PKEY* certified = X509_get0_pubkey(certificate.get());
  if (!certified || EVP_PKEY_get_base_id(certified) != EVP_PKEY_get_base_id(key.get())) {
    return wrong("tls: private key type does not match public key type");
  }
  if (EVP_PKEY_eq(certified, key.get()) != 1) return wrong("tls: private key does not match public key");
  return {};
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// The common name, and what else it is for.
std::vector<std::string> hosts_of(X509* certificate) {
  std::vector<std::string> hosts(1);
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    hosts[0] = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  }
  const GeneralNames names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return hosts;
  std::vector<std::string> addresses;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) hosts.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) addresses.push_back(gossip::ip_text(text_of(name->d.iPAddress)));
  }
  hosts.insert(hosts.end(), addresses.begin(), addresses.end());
  return hosts;
}

}  // namespace

Result<> check(const InlineCertificateConfigEntry& entry) {
  if (Result<> checked = check_meta(entry.Meta); !checked) return checked;
  const std::vector<Block> keys = blocks_of(entry.PrivateKey);
  if (keys.empty()) return wrong("failed to parse private key PEM");
  if (keys.front().type == "RSA PRIVATE KEY") {
    const Key key = key_in(keys.front());
    if (!key) return wrong("x509: failed to parse private key");
    if (EVP_PKEY_get_bits(key.get()) < kShortestRsaKey) return wrong("key length must be at least 2048 bits");
  }
  const std::vector<Block> certificates = blocks_of(entry.Certificate);
  if (certificates.empty()) return wrong("failed to parse certificate PEM");
  const Certificate certificate = certificate_in(certificates.front());
  if (!certificate) return wrong("failed to parse certificate: x509: malformed certificate");
  if (Result<> paired = check_pair(certificates, keys); !paired) return paired;
  for (const std::string& host : hosts_of(certificate.get())) {
    if (!is_domain_name(host)) return wrong("host " + base::quote(host) + " must be a valid DNS hostname");
  }
  return {};
}

}  // namespace proconsul::catalog::rules
