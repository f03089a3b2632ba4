#include "agent/grpc/public_services.h"

namespace proconsul::agent::grpc {

PublicServices::PublicServices(base::net::Loops& loops, server::Server& server, server::Operator& cluster,
                               rpc::Caller& caller, Settings settings)
    : bearers_(server, settings.tokens),
      acl_(loops, caller, settings.datacenter, settings.tokens != nullptr),
      connect_ca_(loops, server, bearers_, caller, settings.connect_enabled),
      dataplane_(server, bearers_, settings.datacenter),
      discovery_(loops, server, cluster, bearers_) {}

void PublicServices::add_to_server_port(Services& services) {
  acl_.add_to(services);
  connect_ca_.add_to(services);
}

void PublicServices::add_to(Services& services) {
  add_to_server_port(services);
  dataplane_.add_to(services);
  discovery_.add_to(services);
}

}  // namespace proconsul::agent::grpc
