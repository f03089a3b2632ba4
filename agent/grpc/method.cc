#include "agent/grpc/method.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Result;

void Services::add(std::string service, std::vector<Method> methods) {
  services_.insert_or_assign(std::move(service), std::move(methods));
}

std::vector<std::string> Services::names() const {
  std::vector<std::string> names;
  for (const auto& [name, methods] : services_) names.push_back(name);
  return names;
}

Result<const Method*> Services::find(std::string_view path) const {
  std::string_view name = path;
  if (name.starts_with('/')) name.remove_prefix(1);
  const std::size_t slash = name.rfind('/');
  if (slash == name.npos) return {Errc::not_found, "malformed method name: " + base::quote(path)};
  const std::string service(name.substr(0, slash)), method(name.substr(slash + 1));
  const auto found = services_.find(service);
  if (found == services_.end()) {
    if (fallback_) return &*fallback_;
    return {Errc::not_found, "unknown service " + service};
  }
  const auto row = std::ranges::find(found->second, method, &Method::name);
  if (row != found->second.end()) return &*row;
  if (fallback_) return &*fallback_;
  return {Errc::not_found, "unknown method " + method + " for service " + service};
}

}  // namespace proconsul::agent::grpc
