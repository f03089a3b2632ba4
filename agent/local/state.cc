#include "agent/local/state.h"

#include <utility>

#include "base/quote.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

const catalog::NodeService* State::service(std::string_view id) const {
  const auto found = services_.find(std::string(id));
  return found == services_.end() || found->second.deleted ? nullptr : &found->second.service;
}

const catalog::HealthCheck* State::check(std::string_view id) const {
  const auto found = checks_.find(std::string(id));
  return found == checks_.end() || found->second.deleted ? nullptr : &found->second.check;
}

std::vector<const catalog::HealthCheck*> State::checks_of(std::string_view service_id, bool with_node) const {
  std::vector<const catalog::HealthCheck*> found;
  for (const auto& [id, entry] : checks_) {
    if (entry.deleted) continue;
    if (entry.check.ServiceID == service_id || (with_node && entry.check.ServiceID.empty())) {
      found.push_back(&entry.check);
    }
  }
  return found;
}

void State::put_service(catalog::NodeService service, std::string token, Source source) {
  std::string id = service.ID;
  ServiceEntry& entry = services_[std::move(id)];
  entry = {.service = std::move(service), .token = std::move(token), .source = source, .revision = ++revision_};
}

Result<> State::put_check(catalog::HealthCheck check, std::string token, Source source) {
  if (!check.ServiceID.empty() && service(check.ServiceID) == nullptr) {
    return {Errc::internal, "Check ID " + base::quote(check.CheckID) + " refers to non-existent service ID " +
                                base::quote(check.ServiceID)};
  }
  check.Node = node_;
  std::string id = check.CheckID;
  CheckEntry& entry = checks_[std::move(id)];
  const bool same = entry.in_sync && !entry.deleted && !entry.deferred && catalog::same_check(entry.check, check);
  entry = {
      .check = std::move(check), .token = std::move(token), .source = source, .in_sync = same, .revision = ++revision_};
  return {};
}

Result<> State::remove_service(std::string_view id) {
  const auto found = services_.find(std::string(id));
  if (found == services_.end() || found->second.deleted) {
    return {Errc::not_found,
            "Unknown service ID " + base::quote(id) + ". Ensure that the service ID is passed, not the service name."};
  }
  ServiceEntry& entry = found->second;
  entry.deleted = true;
  entry.in_sync = false;
  entry.revision = ++revision_;
  return {};
}

void State::remove_check(std::string_view id) {
  const auto found = checks_.find(std::string(id));
  if (found == checks_.end() || found->second.deleted) return;
  CheckEntry& entry = found->second;
  entry.deleted = true;
  entry.in_sync = false;
  entry.deferred = false;
  entry.revision = ++revision_;
}

State::Update State::update_check(std::string_view id, std::string_view status, std::string_view output) {
  const auto found = checks_.find(std::string(id));
  if (found == checks_.end() || found->second.deleted) return Update::none;
  CheckEntry& entry = found->second;
  if (entry.check.Status == status && entry.check.Output == output) return Update::none;
  const bool output_only = entry.check.Status == status;
  entry.check.Status = status;
  entry.check.Output = output;
  entry.revision = ++revision_;
  if (output_only && defer_output_) {
    entry.deferred = true;
    return Update::output_deferred;
  }
  entry.in_sync = false;
  entry.deferred = false;
  return Update::changed;
}

void State::undefer(std::string_view id) {
  const auto found = checks_.find(std::string(id));
  if (found == checks_.end() || !found->second.deferred) return;
  found->second.deferred = false;
  found->second.in_sync = false;
}

}  // namespace proconsul::agent::local
