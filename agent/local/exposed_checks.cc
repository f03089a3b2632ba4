#include "agent/local/exposed_checks.h"

#include <set>
#include <utility>

#include "agent/local/rules.h"
#include "base/regex.h"

namespace proconsul::agent::local {
namespace {

using base::Errc;
using base::Regex;
using base::Result;

std::string in_brackets(std::string_view address) {
  const bool is_v6 = address.find(':') != address.rfind(':');
  return is_v6 && !address.starts_with('[') ? '[' + std::string(address) + ']' : std::string(address);
}

}  // namespace

std::string http_through(std::string_view url, std::string_view address, std::int64_t port) {
  static const Regex kParts = *Regex::compile(R"(^(http[s]?://)(\[.*?\]|\[?[\w\-\.]+)(:\d+)?([^?]*)(\?.*)?$)");
  const std::vector<std::string> parts = kParts.groups(url);
  if (parts.size() < 6) return std::string(url);
  return parts[1] + in_brackets(address) + ':' + std::to_string(port) + parts[4] + parts[5];
}

std::string grpc_through(std::string_view target, std::string_view address, std::int64_t port) {
  static const Regex kParts = *Regex::compile(R"((.*)(:[0-9]+)(.*)$)");
  const std::vector<std::string> parts = kParts.groups(target);
  if (parts.size() < 4) return std::string(target);
  return std::string(address) + ':' + std::to_string(port) + parts[3];
}

void ExposedChecks::add(const std::string& id, const std::string& service_id, const catalog::CheckType& type) {
  const std::string_view kind = check_type(type);
  if (service_id.empty() || (kind != "http" && kind != "grpc")) return remove(id);
  Entry& entry = entries_[id];
  if (entry.service_id != service_id) entry.way = {};
  entry.service_id = service_id;
  entry.type = type;
}

void ExposedChecks::remove(const std::string& id) {
  entries_.erase(id);
}

std::vector<std::string> ExposedChecks::of_service(std::string_view service_id) const {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : entries_) {
    if (entry.service_id == service_id) ids.push_back(id);
  }
  return ids;
}

catalog::CheckType ExposedChecks::as_run(const std::string& id) const {
  const Entry& entry = entries_.at(id);
  catalog::CheckType type = entry.type;
  type.ProxyHTTP.clear();
  type.ProxyGRPC.clear();
  if (entry.way.port == 0) return type;
  if (!type.HTTP.empty()) {
    type.ProxyHTTP = http_through(type.HTTP, entry.way.address, entry.way.port);
  } else {
    type.ProxyGRPC = grpc_through(type.GRPC, entry.way.address, entry.way.port);
  }
  return type;
}

Result<std::int64_t> ExposedChecks::expose(const std::string& id, std::string address) {
  Entry& entry = entries_.at(id);
  entry.way.address = std::move(address);
  if (entry.way.port != 0) return entry.way.port;
  std::set<std::int64_t> taken;
  for (const auto& [other, exposed] : entries_) taken.insert(exposed.way.port);
  for (std::int64_t port = ports_.min; port < ports_.max; ++port) {
    if (port > 0 && !taken.contains(port)) return entry.way.port = port;
  }
  entry.way = {};
  return {Errc::internal, "no ports available to expose '" + id + "'"};
}

bool ExposedChecks::hide(const std::string& id) {
  return std::exchange(entries_.at(id).way, {}).port != 0;
}

}  // namespace proconsul::agent::local
