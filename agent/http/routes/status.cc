// Who leads, and what this server says of its own API.
#include "agent/http/routes/families.h"

#include "agent/http/openapi.h"
#include "agent/http/route.h"
#include "agent/http/status_endpoint.h"
#include "base/type_of.h"
#include "base/value.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::Map;
using base::type_of;
using enum Method;

constexpr Route kStatusRoutes[] = {
    {get,
     "/v1/status/leader",
     call(status_leader, ask_status_leader),
     kQueryOptions | kLocalOnly,
     {.rpc = "Status.Leader",
      .summary = "The address of the raft leader; empty while there is none",
      .answer = type_of<std::string>}},
    {get,
     "/v1/status/peers",
     call(status_peers, ask_status_peers),
     kQueryOptions | kLocalOnly,
     {.rpc = "Status.Peers", .summary = "The addresses of all raft peers", .answer = type_of<List<std::string>>}},
};

constexpr Route kDocumentRoutes[] = {
    {get,
     "/v1/openapi.json",
     call(openapi_document),
     {},
     {.summary = "This document", .answer = type_of<Map<base::Value>>}},
};

}  // namespace

std::span<const Route> status_routes() {
  return kStatusRoutes;
}
std::span<const Route> document_routes() {
  return kDocumentRoutes;
}

}  // namespace proconsul::agent::http
