#include <algorithm>
#include <variant>

#include "agent/rpc/asking.h"
#include "agent/rpc/intention_types.h"
#include "agent/rpc/methods/families.h"
#include "agent/server/changes.h"
#include "base/quote.h"
#include "catalog/commands.h"
#include "catalog/registry/mesh.h"
#include "gossip/ip_text.h"

namespace proconsul::agent::rpc {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using catalog::AssignServiceManualVIPsResponse;

constexpr std::size_t kMostAddresses = 8;  // of one service

/// Also of one that is written as a mapped one.
Result<> check_ipv4(const std::string& text) {
  const std::optional<std::string> bytes = gossip::ip_bytes(text);
  const std::string shown = bytes ? gossip::ip_text(*bytes) : "<nil>";
  if (bytes && shown.find(':') == std::string::npos) return {};
  return {Errc::internal, base::quote(shown) + " is not a valid IPv4 address"};
}

/// Takes them from other services.
void assign_manual_ips(Services& services, AssignServiceManualVIPsRequest& request,
                       server::Answered<AssignServiceManualVIPsResponse> done) {
  const auto view = services.server.view();
  const Result<tokens::Who> who = asking(services, *view, request.Token);
  if (!who) return done(who.error());
  if (Result<> may = tokens::require(*who, acl::Resource::mesh, acl::Access::write); !may) return done(may.error());
  if (request.ManualVIPs.size() > kMostAddresses) {
    return done(Error{Errc::internal, "cannot associate more than " + std::to_string(kMostAddresses) +
                                          " manual virtual IPs with the same service"});
  }
  for (const std::string& address : request.ManualVIPs) {
    if (Result<> valid = check_ipv4(address); !valid) return done(valid.error());
  }
  catalog::ServiceVirtualIP wanted;
  wanted.Service.ServiceName.Name = std::move(request.Service);
  wanted.ManualIPs = std::move(request.ManualVIPs);
  std::ranges::sort(wanted.ManualIPs);
  const auto doubles = std::ranges::unique(wanted.ManualIPs);
  wanted.ManualIPs.erase(doubles.begin(), doubles.end());
  const catalog::ServiceVirtualIP* has = catalog::find_virtual_ip(view->tables(), wanted.Service);
  if (has && has->ManualIPs == wanted.ManualIPs) {  // in order in the state, too
    AssignServiceManualVIPsResponse same;
    same.Found = true;
    return done(std::move(same));
  }
  services.server.apply(catalog::encode_command(catalog::Command::virtual_ips, wanted),
                        [done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
                          if (!result) return done(result.error());
                          if (const Error* error = result->error()) return done(*error);
                          auto* answer = std::get_if<AssignServiceManualVIPsResponse>(&result->value);
                          if (!answer) return done(Error{Errc::internal, "unexpected answer to virtual addresses"});
                          done(std::move(*answer));
                        });
}

}  // namespace

std::span<const Method> virtual_ip_methods() {
  static constexpr Method kRows[] = {
      method<&assign_manual_ips>("Internal.AssignManualServiceVIPs", kReads | kCountsAsWrite | kLeaderAlways),
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
