// Profiles of this process, under the paths that Go's have.
#include "agent/http/routes/families.h"

#include "agent/http/profile_endpoint.h"
#include "agent/http/route.h"

namespace proconsul::agent::http {
namespace {

using enum Method;

constexpr Route kProfileRoutes[] = {
    {get, "/debug/pprof/", call(debug_profile), kBare | kOwn, {}},
    {post, "/debug/pprof/", call(debug_profile), kBare | kOwn, {}},
    {put, "/debug/pprof/", call(debug_profile), kBare | kOwn, {}},
    {delete_, "/debug/pprof/", call(debug_profile), kBare | kOwn, {}},
};

}  // namespace

std::span<const Route> profile_routes() {
  return kProfileRoutes;
}

}  // namespace proconsul::agent::http
