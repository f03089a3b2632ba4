// POST /v1/agent/connect/authorize: whether a service may take a connection from whom a certificate names. For services
// that speak for themselves in the mesh.
#pragma once

#include <string>

#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "base/type.h"

namespace proconsul::agent::http {

void connect_authorize(Context& agent, const Request& request, Responder responder);

struct ConnectAuthorizeRequest {
  std::string Target{};
  std::string ClientCertURI{};
  std::string ClientCertSerial{};
};
PROCONSUL_DECLARE_TYPE(ConnectAuthorizeRequest)

struct ConnectAuthorizeResponse {
  bool Authorized{};
  std::string Reason{};
};
PROCONSUL_DECLARE_TYPE(ConnectAuthorizeResponse)

}  // namespace proconsul::agent::http
