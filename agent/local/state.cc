#include "agent/local/state.h"

#include <utility>

#include "base/quote.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

void State::mark(const std::string& id, const ServiceEntry& entry) {
  if (entry.in_sync && !entry.deleted) {
    unsent_services_.erase(id);
  } else {
    unsent_services_.insert(id);
  }
}

void State::mark(const std::string& id, const CheckEntry& entry) {
  if (entry.in_sync && !entry.deleted) {
    unsent_checks_.erase(id);
  } else {
    unsent_checks_.insert(id);
  }
}

const catalog::NodeService* State::service(std::string_view id) const {
  const auto found = services_.find(id);
  return found == services_.end() || found->second.deleted ? nullptr : &found->second.service;
}

const catalog::HealthCheck* State::check(std::string_view id) const {
  const auto found = checks_.find(id);
  return found == checks_.end() || found->second.deleted ? nullptr : &found->second.check;
}

std::vector<const CheckEntry*> State::entries_of(std::string_view service_id) const {
  const auto [begin, end] = by_service_.equal_range(service_id);
  return {begin, end};
}

std::vector<const catalog::HealthCheck*> State::checks_of(std::string_view service_id, bool with_node) const {
  std::vector<const catalog::HealthCheck*> found;
  const auto add = [&](std::string_view id) {
    for (const CheckEntry* entry : entries_of(id)) {
      if (!entry->deleted) found.push_back(&entry->check);
    }
  };
  if (with_node && !service_id.empty()) add("");
  add(service_id);
  return found;
}

void State::put_service(catalog::NodeService service, std::string token, Source source) {
  const std::string id = service.ID;
  ServiceEntry& entry = services_[id];
  entry = {.service = std::move(service), .token = std::move(token), .source = source, .revision = ++revision_};
  mark(id, entry);
}

Result<> State::put_check(catalog::HealthCheck check, std::string token, Source source) {
  if (!check.ServiceID.empty() && service(check.ServiceID) == nullptr) {
    return {Errc::internal, "Check ID " + base::quote(check.CheckID) + " refers to non-existent service ID " +
                                base::quote(check.ServiceID)};
  }
  check.Node = node_;
  const std::string id = check.CheckID;
  CheckEntry& entry = checks_[id];
  by_service_.erase(&entry);  // it is ordered by what changes now
  const bool same = entry.in_sync && !entry.deleted && !entry.deferred && catalog::same_check(entry.check, check);
  entry = {
      .check = std::move(check), .token = std::move(token), .source = source, .in_sync = same, .revision = ++revision_};
  by_service_.insert(&entry);
  mark(id, entry);
  return {};
}

Result<> State::remove_service(std::string_view id) {
  const auto found = services_.find(id);
  if (found == services_.end() || found->second.deleted) {
    return {Errc::not_found,
            "Unknown service ID " + base::quote(id) + ". Ensure that the service ID is passed, not the service name."};
  }
  ServiceEntry& entry = found->second;
  entry.deleted = true;
  entry.in_sync = false;
  entry.revision = ++revision_;
  mark(found->first, entry);
  return {};
}

void State::remove_check(std::string_view id) {
  const auto found = checks_.find(id);
  if (found == checks_.end() || found->second.deleted) return;
  CheckEntry& entry = found->second;
  entry.deleted = true;
  entry.in_sync = false;
  entry.deferred = false;
  entry.revision = ++revision_;
  mark(found->first, entry);
}

void State::set_exposed_port(std::string_view id, std::int64_t port) {
  if (const auto found = checks_.find(id); found != checks_.end()) found->second.check.ExposedPort = port;
}

State::Update State::update_check(std::string_view id, std::string_view status, std::string_view output) {
  const auto found = checks_.find(id);
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
  mark(found->first, entry);
  return output_only ? Update::output : Update::status;
}

void State::undefer(std::string_view id) {
  const auto found = checks_.find(id);
  if (found == checks_.end() || !found->second.deferred) return;
  found->second.deferred = false;
  found->second.in_sync = false;
  mark(found->first, found->second);
}

void State::compared(ServiceEntry service, bool in_sync) {
  const auto found = services_.find(service.service.ID);
  if (found == services_.end()) return;
  found->second = std::move(service);
  found->second.in_sync = in_sync;
  mark(found->first, found->second);
}

void State::compared(const std::string& check_id, bool in_sync) {
  const auto found = checks_.find(check_id);
  if (found == checks_.end()) return;
  found->second.in_sync = in_sync;
  mark(found->first, found->second);
}

void State::add_stray_service(std::string id) {
  ServiceEntry& entry = services_[id];
  entry.deleted = true;
  mark(id, entry);
}

void State::add_stray_check(std::string id) {
  CheckEntry& entry = checks_[id];
  by_service_.erase(&entry);
  entry.deleted = true;
  entry.check.CheckID = id;
  by_service_.insert(&entry);
  mark(id, entry);
}

void State::settle_service(const std::string& id, std::uint64_t revision) {
  const auto found = services_.find(id);
  if (found == services_.end() || found->second.revision != revision) return;
  if (found->second.deleted) {
    unsent_services_.erase(id);
    services_.erase(found);
    return;
  }
  found->second.in_sync = true;
  mark(id, found->second);
}

void State::settle_check(const std::string& id, std::uint64_t revision) {
  const auto found = checks_.find(id);
  if (found == checks_.end() || found->second.revision != revision) return;
  if (found->second.deleted) {
    unsent_checks_.erase(id);
    by_service_.erase(&found->second);
    checks_.erase(found);
    return;
  }
  found->second.in_sync = true;
  mark(id, found->second);
}

}  // namespace proconsul::agent::local
