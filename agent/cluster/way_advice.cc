#include "agent/cluster/way_advice.h"

#include "agent/cluster/server_caller.h"
#include "agent/doctor/trouble.h"
#include "agent/rpc/cluster.h"

namespace proconsul::agent::cluster {

base::log::Level level_of(const base::Error& error) {
  using base::Errc;
  using base::log::Level;
  if (error.detail.ends_with(rpc::kNoPath)) return Level::debug;
  if (error.detail.ends_with(kNoServers)) return Level::warn;
  switch (error.code) {
    case Errc::unavailable:
    case Errc::timeout:
    case Errc::no_leader:
    case Errc::eof:
      return Level::warn;
    default:
      return Level::error;
  }
}

std::string advice_on_way(std::string_view error, const std::string& datacenter, const std::string& server_name) {
  using doctor::Trouble;
  switch (doctor::trouble_of(error)) {
    case Trouble::refused:
    case Trouble::unreachable:
    case Trouble::silent:
      return "see whether the mesh gateways run, their addresses and primary_gateways";
    case Trouble::no_tls:
      return "that address is no mesh gateway's: correct primary_gateways, or the gateway's registration";
    case Trouble::closed:
      return "that address is no mesh gateway's, or no server of " + datacenter + " runs behind it";
    case Trouble::authority:
      return "use certificates of one authority in all datacenters: tls.internal_rpc.ca_file here must know that of " +
             datacenter;
    case Trouble::expired:
      return "compare the clocks, and renew the certificates of the servers of " + datacenter;
    case Trouble::name:
      return "servers of " + datacenter + " need certificates for " + server_name +
             ": make them by 'consul tls cert create -server -dc " + datacenter + "'";
    case Trouble::ours:
      return "the tls.internal_rpc.ca_file of " + datacenter +
             " must know the authority of this server's certificate, which must not have expired";
    default:
      return "'consul federation doctor' names the cause";
  }
}

std::string advice_on_replication(std::string_view error) {
  if (doctor::is_unknown_token(error)) {
    return "the primary does not know the replication token: set one that it made, by 'consul acl set-agent-token "
           "replication TOKEN'";
  }
  if (doctor::is_denial(error)) {
    return "the replication token needs acl and operator write, and read of services with their intentions, in the "
           "primary";
  }
  return "";
}

}  // namespace proconsul::agent::cluster
