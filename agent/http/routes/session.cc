// Sessions.
#include "agent/http/routes/families.h"

#include "agent/http/answer_types.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "agent/http/session_endpoint.h"
#include "catalog/types/session.h"

namespace proconsul::agent::http {
namespace {

using base::List;
using base::type_of;
using enum Method;

constexpr Failure kBadSession{500, R"((Invalid Behavior setting|Session TTL|Invalid Session TTL|Must provide)[\s\S]*)",
                              "The servers refuse it."};
constexpr Failure kNoSession{404, R"(Session id '[\s\S]*' not found)",
                             "Lock holders take this for the loss of their session."};

constexpr Route kSessionRoutes[] = {
    {put,
     "/v1/session/create",
     async(session_create),
     kNoNamespace,
     {.rpc = "Session.Apply",
      .summary = "Create a session",
      .params = param::kDatacenter,
      .body = type_of<catalog::Session>,
      .answer = type_of<SessionCreated>,
      .failures = {&kNoDatacenter, &kBadSession, &kRefusedWrite}}},
    {put,
     "/v1/session/destroy/",
     async(session_destroy),
     kNoNamespace,
     {.rpc = "Session.Apply",
      .summary = "End a session",
      .rest = "id",
      .params = param::kDatacenter,
      .answer = type_of<bool>,
      .failures = {&kNoDatacenter, &kRefusedWrite}}},
    {put,
     "/v1/session/renew/",
     async(session_renew),
     kNoNamespace | kQueryOptions | kAnyDatacenter,
     {.rpc = "Session.Renew",
      .summary = "Let the time of a session begin anew",
      .rest = "id",
      .answer = type_of<List<catalog::Session>>,
      .failures = {&kNoSession}}},
    {get,
     "/v1/session/info/",
     read(session_info, ask_session_info),
     kNoNamespace | kMetaOnError,
     {.rpc = "Session.Get", .summary = "A session", .rest = "id", .answer = type_of<List<catalog::Session>>}},
    {get,
     "/v1/session/node/",
     read(session_node, ask_session_node),
     kNoNamespace | kMetaOnError,
     {.rpc = "Session.NodeSessions",
      .summary = "The sessions of a node",
      .rest = "node",
      .answer = type_of<List<catalog::Session>>}},
    {get,
     "/v1/session/list",
     read(session_list, ask_session_list),
     kNoNamespace | kMetaOnError,
     {.rpc = "Session.List", .summary = "All sessions", .answer = type_of<List<catalog::Session>>}},
};

}  // namespace

std::span<const Route> session_routes() {
  return kSessionRoutes;
}

}  // namespace proconsul::agent::http
