#include "agent/doctor/diagnosis.h"

#include <algorithm>
#include <utility>

#include "agent/doctor/walk.h"

namespace proconsul::agent::doctor {

Walk::Walk(const Findings& all) : findings(all), own(all.own) {
  if (is_secondary() && !own.PrimaryDatacenter.empty()) datacenters.insert(own.PrimaryDatacenter);
  for (const Member& member : own.Members) {
    if (member.Status != "left") datacenters.insert(member.Datacenter);
  }
  for (const KnownState& state : own.States) datacenters.insert(state.Datacenter);
  std::set<std::pair<std::string, std::string>> seen{{own.Datacenter, own.Node}};
  for (const Probe& probe : all.probes) {
    datacenters.insert(probe.datacenter);
    if (probe.view && seen.emplace(probe.view->Datacenter, probe.view->Node).second) views.push_back(&*probe.view);
  }
  datacenters.erase(own.Datacenter);
  report_.Datacenter = own.Datacenter;
  report_.Node = own.Node;
  report_.At = all.now;
}

const View* Walk::view_of(std::string_view datacenter) const {
  const View* found = datacenter == own.Datacenter ? &own : nullptr;
  for (const View* view : views) {
    if (view->Datacenter == datacenter && (!found || (view->Leader && !found->Leader))) found = view;
  }
  return found;
}

bool Walk::reached(std::string_view datacenter) const {
  return std::ranges::any_of(
      findings.probes, [datacenter](const Probe& probe) { return probe.datacenter == datacenter && probe.works(); });
}

void Walk::hop(std::string_view datacenter, std::string_view layer, std::string what, std::string_view result,
               std::string detail) {
  report_.Hops.push_back({.Datacenter = std::string(datacenter),
                          .Layer = std::string(layer),
                          .What = std::move(what),
                          .Result = std::string(result),
                          .Detail = std::move(detail)});
}

void Walk::fault(Rank rank, std::string_view code, std::string_view datacenter, std::string cause, std::string fix) {
  Cause made{.Code = std::string(code),
             .Datacenter = std::string(datacenter),
             .Cause = std::move(cause),
             .Fix = std::move(fix),
             .Warning = rank == Rank::warning};
  const bool known = std::ranges::any_of(found_, [&](const auto& found) {
    return found.second.Code == made.Code && found.second.Datacenter == made.Datacenter &&
           found.second.Cause == made.Cause;
  });
  if (!known) found_.emplace(rank, std::move(made));
}

void Walk::warn(std::string_view code, std::string_view datacenter, std::string cause, std::string fix) {
  fault(Rank::warning, code, datacenter, std::move(cause), std::move(fix));
}

void Walk::say(bool is_fault, Rank rank, std::string_view code, std::string_view datacenter, std::string cause,
               std::string fix) {
  fault(is_fault ? rank : Rank::warning, code, datacenter, std::move(cause), std::move(fix));
}

bool Walk::has(std::string_view code) const {
  return std::ranges::any_of(found_, [code](const auto& found) { return found.second.Code == code; });
}

Report Walk::finish() {
  report_.Hops.make_present();
  report_.Causes.make_present();
  report_.Healthy = found_.empty() || found_.begin()->first == Rank::warning;
  for (auto& [rank, cause] : found_) report_.Causes.push_back(std::move(cause));
  return std::move(report_);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

bool usable(const Gateway& gateway) {
  return gateway.Marked && gateway.Health != "critical" && !gateway.Wan.empty();
}

Report diagnose(const Findings& findings) {
  Walk walk(findings);
  look_at_configuration(walk);
  look_at_ways(walk);
  look_at_clocks(walk);
  look_at_gossip(walk);
  look_at_gateways(walk);
  look_at_copying(walk);
  return walk.finish();
}

}  // namespace proconsul::agent::doctor
