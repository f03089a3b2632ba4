#include "catalog/prepared_query/validate.h"

#include "base/time.h"
#include "base/uuid.h"
#include "catalog/prepared_query/prepared_query.h"
#include "catalog/registry/same.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// How a token is shown to those who may not see it: by accident it comes back.
constexpr std::string_view kRedactedToken = "<hidden>";

Error invalid(std::string detail) {
  return {Errc::internal, "Invalid prepared query: " + std::move(detail)};
}

Result<> check_service(const ServiceQuery& service) {
  if (service.Service.empty()) return invalid("Must provide a Service name to query");
  const QueryFailoverOptions& failover = service.Failover;
  if (failover.NearestN < 0) {
    return invalid("Bad NearestN '" + std::to_string(failover.NearestN) + "', must be >= 0");
  }
  if ((failover.NearestN != 0 || !failover.Datacenters.empty()) && !failover.Targets.empty()) {
    return invalid("Targets cannot be populated with NearestN or Datacenters");
  }
  if (Result<> valid = validate_node_meta(service.NodeMeta, true); !valid) return invalid(valid.error().detail);
  if (!service.SamenessGroup.empty()) return invalid("sameness-groups are an enterprise-only feature");
  return {};
}

Result<> check_dns(const QueryDNSOptions& dns) {
  if (dns.TTL.empty()) return {};
  const Result<base::Duration> ttl = base::parse_duration(dns.TTL);
  if (!ttl) return invalid("Bad DNS TTL '" + dns.TTL + "': " + ttl.error().detail);
  if (ttl->nanoseconds < 0) return invalid("DNS TTL '" + std::to_string(ttl->nanoseconds) + "', must be >=0");
  return {};
}

Result<> check(const PreparedQuery& query) {
  // Names and templates are checked when the command is applied: only then is it known what else there is.
  if (query.Name.empty() && query.Template.Type.empty() && query.Session.empty()) {
    return invalid("Must be bound to a session");
  }
  if (query.Token == kRedactedToken) {
    return invalid("Bad Token '" + query.Token +
                   "', it looks like a query definition with a redacted token was submitted");
  }
  if (Result<> valid = check_service(query.Service); !valid) return valid;
  return check_dns(query.DNS);
}

Result<> find_new_id(PreparedQuery& query, const Tables& tables, base::Random& random) {
  if (!query.ID.empty()) return Error{Errc::internal, "ID must be empty when creating a new prepared query"};
  for (;;) {
    query.ID = base::generate_uuid(random);
    const Result<QueriesAnswer> found = query_get(tables, query.ID, nullptr);
    if (!found) return Error{Errc::internal, "Prepared query lookup failed: " + found.error().detail};
    if (found->queries.empty()) return {};
  }
}

}  // namespace

Result<> prepare(PreparedQueryRequest& request, const Tables& tables, base::Random& random) {
  PreparedQuery& query = *request.Query;
  if (request.Op == "create") {
    if (Result<> found = find_new_id(query, tables, random); !found) return found;
  } else {
    const Result<QueriesAnswer> found = query_get(tables, query.ID, nullptr);
    if (!found) return Error{Errc::internal, "Prepared Query lookup failed: " + found.error().detail};
    if (found->queries.empty()) {
      return Error{Errc::internal, "Cannot modify non-existent prepared query: '" + query.ID + "'"};
    }
  }
  if (request.Op == "delete") return {};
  if (request.Op != "create" && request.Op != "update") {
    return Error{Errc::internal, "Unknown prepared query operation: " + request.Op};
  }
  return check(query);
}

}  // namespace proconsul::catalog
