#include "agent/invite/retirement.h"

#include <algorithm>

#include "base/net/connection.h"
#include "base/quote.h"
#include "wanfed/known.h"

namespace proconsul::agent::invite {

using base::Errc;
using base::Result;
using catalog::CheckServiceNode;

namespace {

bool is_healthy(const CheckServiceNode& gateway) {
  return std::ranges::none_of(gateway.Checks, [](const auto& check) { return check && check->Status == "critical"; });
}

bool is_same(const CheckServiceNode& a, const CheckServiceNode& b) {
  return a.Service && b.Service && a.Service->ID == b.Service->ID &&
         (!a.Node || !b.Node || a.Node->Node == b.Node->Node);
}

/// Healthy now, whatever the others were told of its checks.
bool is_good(const GatewayView& view, const CheckServiceNode& gateway) {
  return std::ranges::any_of(view.now,
                             [&](const CheckServiceNode& each) { return is_same(each, gateway) && is_healthy(each); });
}

bool has_address(const CheckServiceNode& gateway, std::string_view wanted) {
  for (const bool wan : {false, true}) {
    const std::string address = wanfed::address_of(gateway, wan);
    const Result<base::net::HostPort> parts = base::net::split_host_port(address);
    if (address == wanted || (parts && parts->host == wanted)) return true;
  }
  return false;
}

}  // namespace

Result<const CheckServiceNode*> find_gateway(const Gateways& gateways, std::string_view wanted) {
  std::vector<const CheckServiceNode*> found;
  std::string all;
  for (const CheckServiceNode& each : gateways) {
    if (!each.Service) continue;
    all += "\n  " + shown_gateway(each);
    if (wanted.empty() || each.Service->ID == wanted || has_address(each, wanted)) found.push_back(&each);
  }
  if (found.size() == 1) return found.front();
  if (all.empty()) return {Errc::not_found, "the datacenter has no mesh gateway that joins datacenters"};
  if (found.empty()) {
    return {Errc::not_found, "no mesh gateway has the ID or the address " + base::quote(wanted) + "; there are:" + all};
  }
  return {Errc::invalid_argument, "say which mesh gateway, by its ID or its address; there are:" + all};
}

std::vector<std::string> reasons_to_stay(const GatewayView& view, const CheckServiceNode& gateway) {
  std::vector<std::string> reasons;
  const auto is_other = [&](const CheckServiceNode& each) { return each.Service && !is_same(each, gateway); };
  const bool alone =
      std::ranges::none_of(view.now, [&](const CheckServiceNode& each) { return is_other(each) && is_healthy(each); });
  if (alone) {
    reasons.push_back("datacenter " + view.datacenter + " has no other healthy mesh gateway: add one first");
  }
  for (const auto& [datacenter, known] : view.elsewhere) {
    if (!known) {
      reasons.push_back("datacenter " + datacenter + " could not be asked what it knows: " + known.error().detail);
      continue;
    }
    if (alone) continue;
    const bool knows_another = std::ranges::any_of(
        *known, [&](const CheckServiceNode& each) { return is_other(each) && is_good(view, each); });
    if (!knows_another) {
      reasons.push_back("datacenter " + datacenter + " knows no other healthy mesh gateway of " + view.datacenter +
                        " yet: it would be cut off; wait until its federation state has one");
    }
  }
  if (view.connections && *view.connections > 0) {
    reasons.push_back(std::to_string(*view.connections) +
                      " connections still run through it: put it into maintenance and wait until they end");
  }
  return reasons;
}

std::string shown_gateway(const CheckServiceNode& gateway) {
  const std::string lan = wanfed::address_of(gateway, false);
  const std::string wan = wanfed::address_of(gateway, true);
  return (gateway.Service ? gateway.Service->ID : "") + " at " + lan + (wan == lan ? "" : " (WAN " + wan + ")") +
         (gateway.Node ? " on " + gateway.Node->Node : "");
}

}  // namespace proconsul::agent::invite
