// Tokens, policies, roles and how one logs in.
#include "agent/http/routes/families.h"

#include "agent/http/route.h"

namespace proconsul::agent::http {
namespace {

using enum Method;

constexpr Route kAclRoutes[] = {
    {put, "/v1/acl/bootstrap", later()},
    {post, "/v1/acl/login", later(), kNoNamespace},
    {post, "/v1/acl/logout", later()},
    {get, "/v1/acl/replication", later()},
    {get, "/v1/acl/policies", later(), kNoNamespace},
    {put, "/v1/acl/policy", later(), kNoNamespace},
    {get, "/v1/acl/policy/", later(), kNoNamespace},
    {put, "/v1/acl/policy/", later(), kNoNamespace},
    {delete_, "/v1/acl/policy/", later(), kNoNamespace},
    {get, "/v1/acl/policy/name/", later(), kNoNamespace},
    {get, "/v1/acl/roles", later(), kNoNamespace},
    {put, "/v1/acl/role", later(), kNoNamespace},
    {get, "/v1/acl/role/name/", later(), kNoNamespace},
    {get, "/v1/acl/role/", later(), kNoNamespace},
    {put, "/v1/acl/role/", later(), kNoNamespace},
    {delete_, "/v1/acl/role/", later(), kNoNamespace},
    {get, "/v1/acl/binding-rules", later(), kNoNamespace},
    {put, "/v1/acl/binding-rule", later(), kNoNamespace},
    {get, "/v1/acl/binding-rule/", later(), kNoNamespace},
    {put, "/v1/acl/binding-rule/", later(), kNoNamespace},
    {delete_, "/v1/acl/binding-rule/", later(), kNoNamespace},
    {get, "/v1/acl/auth-methods", later(), kNoNamespace},
    {put, "/v1/acl/auth-method", later(), kNoNamespace},
    {get, "/v1/acl/auth-method/", later(), kNoNamespace},
    {put, "/v1/acl/auth-method/", later(), kNoNamespace},
    {delete_, "/v1/acl/auth-method/", later(), kNoNamespace},
    {get, "/v1/acl/tokens", later(), kNoNamespace},
    {put, "/v1/acl/token", later(), kNoNamespace},
    {get, "/v1/acl/token/self", later()},
    {get, "/v1/acl/token/", later(), kNoNamespace},
    {put, "/v1/acl/token/", later(), kNoNamespace},
    {delete_, "/v1/acl/token/", later(), kNoNamespace},
    {get, "/v1/acl/templated-policies", later(), kNoNamespace},
    {get, "/v1/acl/templated-policy/name/", later(), kNoNamespace},
    {post, "/v1/acl/templated-policy/preview/", later(), kNoNamespace},
};

}  // namespace

std::span<const Route> acl_routes() {
  return kAclRoutes;
}

}  // namespace proconsul::agent::http
