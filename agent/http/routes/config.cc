// Central configuration.
#include "agent/http/routes/families.h"

#include "agent/http/config_endpoint.h"
#include "agent/http/route.h"
#include "agent/http/routes/failures.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::agent::http {
namespace {

using base::type_of;
using base::Value;
using enum Method;

constexpr Failure kBadEntry{400, R"((Request decoding failed|invalid config entry kind): [\s\S]*)",
                            "The body is no config entry, or of a kind that there is not."};
constexpr Failure kRefusedEntry{500, R"([\s\S]+)", "The servers refuse it: scripts look for 500."};
constexpr Failure kNoEntry{404, R"((Config entry not found for|Must provide both) [\s\S]*)", "There is none."};

constexpr Route kConfigRoutes[] = {
    {get,
     "/v1/config/",
     ask(ask_config),
     kNoNamespace,
     {.rpc = "ConfigEntry.Get",
      .summary = "A config entry by kind and name, all of a kind, or all",
      .rest = "kind",
      .params = param::kFilter,
      .answer = type_of<Value>,
      .failures = {&kDenied, &kNoEntry, &kRefusedEntry}}},
    {delete_,
     "/v1/config/",
     async(config_delete),
     kNoNamespace,
     {.rpc = "ConfigEntry.Delete",
      .summary = "Delete a config entry, by kind and name",
      .rest = "kind",
      .params = param::kDatacenter | param::kCas,
      .answer = type_of<Value>,
      .failures = {&kBadEntry, &kDenied, &kNoEntry, &kRefusedEntry}}},
    {put,
     "/v1/config",
     async(config_put),
     kNoNamespace,
     {.rpc = "ConfigEntry.Apply",
      .summary = "Write a config entry",
      .params = param::kDatacenter | param::kCas,
      .body = type_of<Value>,
      .answer = type_of<bool>,
      .failures = {&kBadEntry, &kDenied, &kRefusedEntry}}},
};

}  // namespace

std::span<const Route> config_routes() {
  return kConfigRoutes;
}

}  // namespace proconsul::agent::http
