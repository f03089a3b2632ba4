// hashicorp.consul.dns.DNSService: DNS messages inside gRPC, for data planes.
#pragma once

#include "agent/dns/server.h"
#include "agent/grpc/method.h"

namespace proconsul::agent::grpc {

/// The server outlives what is served.
void add_dns_service(Services& services, dns::DnsServer& server);

}  // namespace proconsul::agent::grpc
