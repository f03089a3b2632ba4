// For tests: a peer behind TLS whose certificate, for localhost, signs itself. It answers HTTP/1.1 or, if told so,
// HTTP/2.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "agent/checks/test_h2.h"
#include "agent/checks/test_peer.h"

namespace proconsul::agent::checks::test {

class TlsPeer {
 public:
  explicit TlsPeer(bool h2 = false) {
    static std::atomic<int> number = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("proconsul-tls-peer-" + std::to_string(::getpid()) + '-' + std::to_string(++number));
    std::filesystem::create_directories(folder_);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("peer"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    context_.reset(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    SSL_CTX_use_certificate(context_.get(), certificate);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!h2) return;
    SSL_CTX_set_alpn_select_cb(
        context_.get(),
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size, void*) {
          const auto* own = reinterpret_cast<const unsigned char*>("\x02h2");
          unsigned char* chosen = nullptr;
          if (SSL_select_next_proto(&chosen, size, own, 3, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
            return SSL_TLSEXT_ERR_ALERT_FATAL;
          }
          *out = chosen;
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }
  ~TlsPeer() { std::filesystem::remove_all(folder_); }
  std::string certificate_file() const { return folder_ / "cert.pem"; }

 private:
  void serve(int fd) {
    SSL* ssl = SSL_new(context_.get());
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) answer(ssl);
    SSL_free(ssl);
  }

  static void answer(SSL* ssl) {
    const auto write = [ssl](const std::string& text) {
      if (!text.empty()) SSL_write(ssl, text.data(), static_cast<int>(text.size()));
    };
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    char buffer[4096];
    H2Server server;
    while (size > 0) {
      write(server.output());
      const int got = SSL_read(ssl, buffer, sizeof buffer);
      if (got <= 0 || !server.take({buffer, static_cast<std::size_t>(got)})) return;
    }
    if (SSL_read(ssl, buffer, sizeof buffer) > 0) write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure");
  }

  std::filesystem::path folder_{};
  std::shared_ptr<SSL_CTX> context_{};

 public:
  Peer peer{[this](int fd) { serve(fd); }};  // last: its thread uses the above
};

}  // namespace proconsul::agent::checks::test
