#include "catalog/api_gateway/conditions.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace proconsul::catalog {
namespace {

constexpr std::string_view kAccepted = "Accepted";
constexpr std::string_view kBound = "Bound";
constexpr std::string_view kConflicted = "Conflicted";
constexpr std::string_view kResolvedRefs = "ResolvedRefs";

EntryCondition condition(std::string_view type, bool status, std::string_view reason, std::string message,
                         const ResourceReference& resource = {}) {
  return {.Type = std::string(type),
          .Status = status ? "True" : "False",
          .Reason = std::string(reason),
          .Message = std::move(message),
          .Resource = resource};
}

/// Whether both are about the same thing.
bool same_subject(const EntryCondition& a, const EntryCondition& b) {
  if (a.Type != b.Type || static_cast<bool>(a.Resource) != static_cast<bool>(b.Resource)) return false;
  return !a.Resource || same_resource(*a.Resource, *b.Resource);
}

bool same_words(const EntryCondition& a, const EntryCondition& b) {
  return same_subject(a, b) && a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message;
}

auto place_of(const EntryCondition& each) {
  static const ResourceReference kNone;
  const ResourceReference& resource = each.Resource ? *each.Resource : kNone;
  return std::tuple(std::string_view(each.Type), static_cast<bool>(each.Resource), std::string_view(resource.Kind),
                    std::string_view(resource.Name), std::string_view(resource.SectionName));
}

EntryStatus sorted(EntryStatus status) {
  std::ranges::sort(status.Conditions, {}, &place_of);
  return status;
}

}  // namespace

bool same_resource(const ResourceReference& a, const ResourceReference& b) {
  return a.Kind == b.Kind && a.Name == b.Name && a.SectionName == b.SectionName;
}

EntryCondition gateway_accepted() {
  return condition(kAccepted, true, "Accepted", "gateway is valid");
}

EntryCondition gateway_certificates_invalid() {
  return condition(kAccepted, false, "InvalidCertificates", "gateway references invalid certificates");
}

EntryCondition listener_refs_resolved(const ResourceReference& listener) {
  return condition(kResolvedRefs, true, "ResolvedRefs", "resolved refs", listener);
}

EntryCondition listener_certificate_invalid(const ResourceReference& listener, std::string why) {
  return condition(kResolvedRefs, false, "InvalidCertificateRef", std::move(why), listener);
}

EntryCondition listener_conflict(const ResourceReference& listener, bool conflicts) {
  if (!conflicts) return condition(kConflicted, false, "NoConflict", "listener has no route conflicts", listener);
  return condition(kConflicted, true, "RouteConflict",
                   "TCP-based listeners currently only support binding a single route", listener);
}

EntryCondition route_accepted() {
  return condition(kAccepted, true, "Accepted", "route is valid");
}

EntryCondition route_chain_invalid(std::string why) {
  return condition(kAccepted, false, "InvalidDiscoveryChain", std::move(why));
}

EntryCondition route_without_services() {
  return condition(kAccepted, false, "NoUpstreamServicesTargeted", "route must target at least one upstream service");
}

EntryCondition route_bound(const ResourceReference& parent) {
  return condition(kBound, true, "Bound", "successfully bound route", parent);
}

EntryCondition route_unbound(const ResourceReference& parent, std::string why) {
  return condition(kBound, false, "FailedToBind", std::move(why), parent);
}

EntryCondition route_gateway_missing(const ResourceReference& parent) {
  return condition(kBound, false, "GatewayNotFound", "gateway was not found", parent);
}

bool holds(const EntryStatus& status, const EntryCondition& condition) {
  return std::ranges::any_of(status.Conditions, [&](const EntryCondition& each) {
    return same_subject(each, condition) && each.Status == condition.Status;
  });
}

void StatusDraft::set(EntryCondition condition) {
  condition.LastTransitionTime = now_;
  for (EntryCondition& each : status_.Conditions) {
    if (!same_subject(each, condition)) continue;
    if (!same_words(each, condition)) each = std::move(condition);
    return;
  }
  status_.Conditions.push_back(std::move(condition));
}

void StatusDraft::remove(const EntryCondition& condition) {
  std::erase_if(status_.Conditions, [&](const EntryCondition& each) { return same_subject(each, condition); });
}

std::optional<EntryStatus> StatusDraft::changed() const {
  EntryStatus now = sorted(status_);
  if (std::ranges::equal(now.Conditions, sorted(before_).Conditions, &same_words)) return std::nullopt;
  return now;
}

}  // namespace proconsul::catalog
