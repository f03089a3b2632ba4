#include "agent/own_api.h"

namespace proconsul::agent {

std::optional<cli::ApiConfig> own_api(const config::Config& config) {
  const config::LocalEndpoints endpoints = config::local_endpoints(config);
  const config::TlsListener& https = config.tls.https;
  cli::ApiConfig client;
  client.verify_server = https.verify_outgoing;
  if (!endpoints.https.empty()) {
    client.address = "https://" + endpoints.https;
    client.ca_file = https.ca_file;
    client.ca_path = https.ca_path;
    client.client_cert = https.cert_file;
    client.client_key = https.key_file;
  } else if (!endpoints.http.empty()) {
    client.address = endpoints.http;
  } else if (!endpoints.unix_socket.empty()) {
    client.address = endpoints.unix_socket;
  } else {
    return std::nullopt;
  }
  return client;
}

}  // namespace proconsul::agent
