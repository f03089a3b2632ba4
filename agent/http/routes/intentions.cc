// Who may call whom.
#include "agent/http/routes/families.h"

#include "agent/http/intention_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/rpc/intention_types.h"
#include "catalog/types/intention.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::Map;
using base::type_of;
using catalog::Intention;
using enum Method;

constexpr Failure kNoMesh{500, "Connect must be enabled in order to use this endpoint", "connect.enabled is off."};
constexpr Failure kNoIntention{404, "Intention not found", "There is none."};
constexpr Failure kBadNames{500, R"((required query parameter|'by' parameter|[\s\S]* is invalid: |Invalid )[\s\S]*)",
                            "A parameter is missing, or names no service: Consul's status."};
constexpr Failure kBadSource{500, R"(unsupported SourceType: [\s\S]*)", "Only services of the mesh are known."};
constexpr Failure kRefusedIntention{500, R"([\s\S]+)", "The servers refuse it, and say why."};

constexpr Route kIntentionRoutes[] = {
    {get,
     "/v1/connect/intentions",
     read(intention_list, ask_intention_list),
     kNoNamespace | kMetaOnError,
     {.rpc = "Intention.List",
      .summary = "All intentions, those that count first before others",
      .params = param::kFilter,
      .answer = type_of<List<Intention>>,
      .failures = {&kNoMesh, &kDenied}}},
    {post,
     "/v1/connect/intentions",
     async(intention_create),
     kNoNamespace,
     {.rpc = "Intention.Apply",
      .summary = "A new intention with an ID, as old clients make them",
      .params = param::kDatacenter,
      .body = type_of<Intention>,
      .answer = type_of<IntentionCreated>,
      .failures = {&kNoMesh, &kDenied, &kRefusedIntention}}},
    {get,
     "/v1/connect/intentions/match",
     read(intention_match, ask_intention_match),
     kNoNamespace | kMetaOnError | kShowConsistency | kCacheable,
     {.rpc = "Intention.Match",
      .summary = "The intentions that hold for services on one side, by their names",
      .params = param::kBy | param::kNames,
      .answer = type_of<Map<List<Intention>>>,
      .failures = {&kNoMesh, &kDenied, &kBadNames}}},
    {get,
     "/v1/connect/intentions/check",
     ask(ask_intention_check),
     kNoNamespace | kQueryOptions,
     {.rpc = "Intention.Check",
      .summary = "Whether a service may call another one",
      .params = param::kSource | param::kDestination | param::kSourceType,
      .answer = type_of<rpc::IntentionQueryCheckResponse>,
      .failures = {&kNoMesh, &kDenied, &kBadNames, &kBadSource}}},
    {get,
     "/v1/connect/intentions/exact",
     ask(ask_intention_exact),
     kNoNamespace | kQueryOptions,
     {.rpc = "Intention.Get",
      .summary = "The intention of these names",
      .params = param::kSource | param::kDestination,
      .answer = type_of<Intention>,
      .failures = {&kNoMesh, &kDenied, &kNoIntention, &kBadNames}}},
    {put,
     "/v1/connect/intentions/exact",
     async(intention_put_exact),
     kNoNamespace,
     {.rpc = "Intention.Apply",
      .summary = "Write the intention of these names",
      .params = param::kSource | param::kDestination | param::kDatacenter,
      .body = type_of<Intention>,
      .answer = type_of<bool>,
      .failures = {&kNoMesh, &kDenied, &kRefusedIntention}}},
    {delete_,
     "/v1/connect/intentions/exact",
     async(intention_delete_exact),
     kNoNamespace,
     {.rpc = "Intention.Apply",
      .summary = "Delete the intention of these names, if there is one",
      .params = param::kSource | param::kDestination | param::kDatacenter,
      .answer = type_of<bool>,
      .failures = {&kNoMesh, &kDenied, &kRefusedIntention}}},
    {get,
     "/v1/connect/intentions/",
     ask(ask_intention),
     kQueryOptions,
     {.rpc = "Intention.Get",
      .summary = "The intention with an ID",
      .rest = "id",
      .answer = type_of<Intention>,
      .failures = {&kNoMesh, &kDenied, &kNoIntention}}},
    {put,
     "/v1/connect/intentions/",
     async(intention_update),
     kNoNamespace,
     {.rpc = "Intention.Apply",
      .summary = "Change the intention with an ID",
      .rest = "id",
      .params = param::kDatacenter,
      .body = type_of<Intention>,
      .answer = type_of<IntentionCreated>,
      .failures = {&kNoMesh, &kDenied, &kRefusedIntention}}},
    {delete_,
     "/v1/connect/intentions/",
     async(intention_delete),
     {},
     {.rpc = "Intention.Apply",
      .summary = "Delete the intention with an ID",
      .rest = "id",
      .params = param::kDatacenter,
      .answer = type_of<bool>,
      .failures = {&kNoMesh, &kDenied, &kRefusedIntention}}},
};

}  // namespace

std::span<const Route> intention_routes() {
  return kIntentionRoutes;
}

}  // namespace proconsul::agent::http
