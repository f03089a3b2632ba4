#include "agent/rpc/port_tls.h"

#include <array>
#include <string_view>
#include <utility>

namespace proconsul::agent::rpc {

using base::Result;
using base::net::TlsContext;
using base::net::TlsSettings;

namespace {

constexpr char kTlsByte = 3;
constexpr char kInsecureByte = 7;

constexpr std::array<std::string_view, 9> kProtocols = {
    "consul/rpc-single",       "consul/raft",     "consul/rpc-multi",       "consul/rpc-snapshot",
    "consul/rpc-gossip",       "consul/rpc-grpc", "consul/raft-forwarding", "consul/wan-gossip/packet",
    "consul/wan-gossip/stream"};

std::string server_name(const std::string& datacenter, const std::string& domain) {
  return "server." + datacenter + '.' + domain;
}

}  // namespace

Result<Port::Tls> offered_tls(const TlsRules& rules) {
  Port::Tls offered;
  offered.verify_incoming = rules.files.verify_incoming;
  if (rules.files.cert_file.empty()) return offered;
  Result<std::shared_ptr<TlsContext>> tls = TlsContext::server(rules.files);
  if (!tls) return tls.error();
  offered.context = std::move(*tls);
  if (rules.allow_insecure) {
    TlsSettings anybody = rules.files;
    anybody.verify_incoming = false;
    Result<std::shared_ptr<TlsContext>> insecure = TlsContext::server(anybody);
    if (!insecure) return insecure.error();
    offered.insecure = std::move(*insecure);
  }
  if (!rules.files.ca_file.empty() || !rules.files.ca_path.empty()) {
    TlsSettings known = rules.files;
    known.verify_incoming = true;
    for (const std::string_view protocol : kProtocols) {
      known.protocols += static_cast<char>(protocol.size());
      known.protocols += protocol;
    }
    Result<std::shared_ptr<TlsContext>> native = TlsContext::server(known);
    if (!native) return native.error();
    offered.native = std::move(*native);
  }
  if (rules.files.verify_incoming && rules.verify_server_hostname) {
    // The mesh's authority signs for clients, with whatever names they ask for: servers have their own.
    offered.authorize_server = [name = server_name(rules.datacenter, rules.domain),
                                files = rules.files](const base::net::TlsStream& tls) {
      if (!files.ca_pem.empty()) {
        if (Result<> known = tls.check_peer_chain(files); !known) return known;
      }
      return tls.check_peer_name(name);
    };
  }
  return offered;
}

base::net::Destination insecure_destination(const TlsRules& rules, std::shared_ptr<TlsContext> context,
                                            const std::string& address) {
  base::net::Destination to{.address = address, .preface = std::string(1, kInsecureByte), .tls = std::move(context)};
  const bool known = !rules.files.ca_file.empty() || !rules.files.ca_path.empty();
  to.peer = {.name = server_name(rules.datacenter, rules.domain),
             .verify = known || rules.verify_outgoing,
             .verify_name = rules.verify_server_hostname};
  return to;
}

Result<std::shared_ptr<TlsContext>> outgoing_tls(const TlsRules& rules) {
  if (!rules.verify_outgoing) return std::shared_ptr<TlsContext>();
  return TlsContext::client(rules.files);
}

base::net::Destination destination(const TlsRules& rules, std::shared_ptr<TlsContext> outgoing,
                                   const std::string& datacenter, const std::string& address) {
  base::net::Destination to{.address = address};
  if (!outgoing) return to;
  to.preface = std::string(1, kTlsByte);
  to.tls = std::move(outgoing);
  to.peer = {.name = server_name(datacenter, rules.domain), .verify_name = rules.verify_server_hostname};
  return to;
}

}  // namespace proconsul::agent::rpc
