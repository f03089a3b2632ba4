#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "agent/cli/connection.h"
#include "agent/cli/files.h"
#include "agent/cli/text.h"
#include "base/net/tls_errors.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

// Adds every certificate of a PEM text to the trusted ones; their number.
int trust(SSL_CTX* context, const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1u << 30)));
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) {
    count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
    X509_free(certificate);
  }
  BIO_free(bio);
  ERR_clear_error();  // the end of the text counts as an error
  return count;
}

Result<> trust_folder(SSL_CTX* context, const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  for (std::filesystem::recursive_directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->is_directory(error)) files.push_back(entry->path().string());
  }
  if (error) return {Errc::not_found, "lstat " + path + ": " + errno_text(error.value())};
  std::sort(files.begin(), files.end());  // the first bad one by name is reported
  for (const std::string& file : files) {
    Result<std::string> pem = read_file(file);
    if (!pem) return {Errc::internal, "Error loading file from CAPath: " + pem.error().detail};
    if (trust(context, *pem) == 0) return {Errc::corrupt, "Error loading CA Path: Couldn't parse PEM in: " + file};
  }
  return {};
}

// What is missing in a PEM file of `wanted`s; says so if it holds `other`s instead.
std::string missing_pem(const std::string& path, const std::string& input, const std::string& wanted,
                        const std::string& marker, const std::string& other) {
  const std::string start = "tls: failed to find ";
  if (read_file(path).value_or("").find(marker) == std::string::npos) return start + "any PEM data in " + input;
  return start + wanted + " in " + input + ", but did find a " + other + "; PEM inputs may have been switched";
}

Result<> use_client_certificate(SSL_CTX* context, const TlsFiles& files) {
  if (files.client_cert.empty() && files.client_key.empty()) return {};
  if (files.client_cert.empty() || files.client_key.empty()) {
    return {Errc::invalid_argument, "both client cert and client key must be provided"};
  }
  for (const std::string* path : {&files.client_cert, &files.client_key}) {
    if (Result<std::string> content = read_file(*path); !content) return content.error();
  }
  if (SSL_CTX_use_certificate_chain_file(context, files.client_cert.c_str()) != 1) {
    openssl_reason();
    return {Errc::corrupt, missing_pem(files.client_cert, "certificate input", "certificate PEM data",
                                       "PRIVATE KEY-----", "private key")};
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.client_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
    openssl_reason();
    return {Errc::corrupt,
            mismatch ? "tls: private key does not match public key" : "tls: failed to find any PEM data in key input"};
  }
  return {};
}

}  // namespace

Result<> Endpoint::load_tls(const TlsFiles& files) {
  tls = {SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  if (!tls) return {Errc::internal, "tls: " + openssl_reason()};
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(tls.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(tls.get(), files.verify_server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     files.verify_server ? base::net::remember_refused_certificate : nullptr);
  // Whatever the operator calls trusted is trusted, also an intermediate authority alone.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls.get()), X509_V_FLAG_PARTIAL_CHAIN);

  server_name = files.server_name;
  if (const std::size_t colon = server_name.rfind(':'); colon != std::string::npos && server_name.find(':') == colon) {
    server_name.resize(colon);
  }
  if (Result<> used = use_client_certificate(tls.get(), files); !used) return used;
  if (!files.ca_file.empty()) {
    Result<std::string> pem = read_file(files.ca_file);
    if (!pem) return {pem.error().code, "Error loading CA File: " + pem.error().detail};
    if (trust(tls.get(), *pem) == 0) {
      return {Errc::corrupt, "Error loading CA File: Couldn't parse PEM in: " + files.ca_file};
    }
  } else if (!files.ca_path.empty()) {
    return trust_folder(tls.get(), files.ca_path);
  } else if (use_tls) {
    SSL_CTX_set_default_verify_paths(tls.get());
  }
  return {};
}

}  // namespace proconsul::agent::cli
