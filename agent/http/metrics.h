// What the HTTP API counts and times of its requests, under Consul's names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/metrics.h"

namespace proconsul::agent::http {

struct RequestMetrics {
  base::metrics::Counter queries =
      base::metrics::counter("rpc.query", {}, "Evaluations of queries, those that wait for a change included.");
  base::metrics::Counter rpc = base::metrics::counter("client.rpc", {}, "Requests that this agent made of a server.");
  base::metrics::Sample consistent_read = base::metrics::sample(
      "rpc.consistentRead", {}, "Time until a consistent read knows that the leader still leads.");
  base::metrics::Sample session_renew =
      base::metrics::sample("session.renew", {}, "Time that renewing a session takes, in milliseconds.");
  base::metrics::Sample txn_read =
      base::metrics::sample("txn.read", {}, "Time that a transaction which only reads takes, in milliseconds.");
};
const RequestMetrics& request_metrics();

/// client.api.NAME, client.api.success.NAME and client.rpc.error.NAME: of the endpoints that have such counters.
struct EndpointMetrics {
  EndpointMetrics(std::string_view name, const std::string& node);
  void count(int status) const;

 private:
  base::metrics::Counter asked_, answered_, failed_;
};

enum class ServiceQuery : std::uint8_t {
  catalog_service,
  catalog_connect,
  health_service,
  health_connect,
  health_ingress,
};
/// catalog.service.query and its like. Any thread; allocates only for a service or tags that this thread has not seen.
void count_service_query(ServiceQuery kind, std::string_view service, std::span<const std::string> tags, bool found);

}  // namespace proconsul::agent::http
