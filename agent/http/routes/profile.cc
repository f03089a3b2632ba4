// The paths of Go's profiles.
#include "agent/http/routes/families.h"

#include "agent/http/route.h"
#include "agent/http/telemetry_endpoint.h"

namespace proconsul::agent::http {
namespace {

using enum Method;

constexpr Route kProfileRoutes[] = {
    {get, "/debug/pprof/", call(go_profile), kBare},
    {post, "/debug/pprof/", call(go_profile), kBare},
    {put, "/debug/pprof/", call(go_profile), kBare},
    {delete_, "/debug/pprof/", call(go_profile), kBare},
};

}  // namespace

std::span<const Route> profile_routes() {
  return kProfileRoutes;
}

}  // namespace proconsul::agent::http
