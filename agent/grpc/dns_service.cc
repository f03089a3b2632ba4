#include "agent/grpc/dns_service.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "agent/dns/message.h"
#include "agent/grpc/public_messages.h"
#include "agent/grpc/unary.h"
#include "base/net/resolver.h"

namespace proconsul::agent::grpc {

namespace {

constexpr std::size_t kMostBytes = 65535;  // of a DNS message

std::string name_of(std::int32_t protocol) {
  return protocol == kProtocolUnset ? "PROTOCOL_UNSET_UNSPECIFIED" : std::to_string(protocol);
}

/// "10.0.0.1:51234", "[::1]:5"; of a unix socket this host's.
base::net::SocketAddress address_of(std::string_view peer) {
  std::string_view host = peer.substr(0, peer.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  base::net::SocketAddress address;
  if (!base::net::parse_address(std::string(host), 0, address)) {
    (void)base::net::parse_address("127.0.0.1", 0, address);
  }
  return address;
}

}  // namespace

void add_dns_service(Services& services, dns::DnsServer& server) {
  const auto query = [&server](Call& call, DnsQueryRequest request, Answer<DnsQueryResponse> answer) {
    const auto refuse = [&](Code code, std::string why) { answer(std::unexpected(Status{code, std::move(why)})); };
    if (request.protocol != kProtocolTcp && request.protocol != kProtocolUdp) {
      return refuse(Code::invalid_argument, "error protocol type not set: " + name_of(request.protocol));
    }
    std::string message = std::move(request.msg);
    // Here nobody can be made to answer an answer: it is taken for a question.
    if (message.size() > 2) message[2] = static_cast<char>(static_cast<unsigned char>(message[2]) & 0x7f);
    dns::Query parsed;
    const dns::Parsed outcome =
        message.size() > kMostBytes ? dns::Parsed::form_error : dns::parse_query(message, parsed);
    if (outcome == dns::Parsed::ignored || outcome == dns::Parsed::form_error) {
      return refuse(Code::internal, "failure decoding dns request: dns: overflow unpacking uint16");
    }
    const base::net::SocketAddress from = address_of(call.from());
    server.ask(
        call.loop(), message,
        {.udp = request.protocol == kProtocolUdp, .from = from.address, .from_size = from.size, .token = call.token()},
        [answer = std::move(answer)](std::string_view reply) mutable {
          DnsQueryResponse response;
          response.msg = std::string(reply);
          answer(std::move(response));
        });
  };
  services.add("hashicorp.consul.dns.DNSService",
               {unary<DnsQueryRequest, DnsQueryResponse>("Query", Load::read, query)});
}

}  // namespace proconsul::agent::grpc
