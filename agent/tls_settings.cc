#include "agent/tls_settings.h"

namespace proconsul::agent {

base::net::TlsSettings tls_settings(const config::TlsListener& listener) {
  base::net::TlsSettings settings;
  if (!listener.cert_file.empty() && !listener.key_file.empty()) {  // half a pair counts as none
    settings.cert_file = listener.cert_file;
    settings.key_file = listener.key_file;
  }
  settings.ca_file = listener.ca_file;
  settings.ca_path = listener.ca_path;
  settings.verify_incoming = listener.verify_incoming;
  settings.min_version = listener.min_version;
  for (const std::string& suite : listener.cipher_suites) {
    settings.cipher_suites += (settings.cipher_suites.empty() ? "" : ":") + suite;
  }
  return settings;
}

base::net::TlsSettings https_settings(const config::TlsListener& listener) {
  base::net::TlsSettings settings = tls_settings(listener);
  settings.protocols =
      "\x02h2"
      "\x08http/1.1";
  return settings;
}

}  // namespace proconsul::agent
