// The OpenAPI 3.1 document of the API, made from the table of routes and the descriptions of the types.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/http/route.h"

namespace proconsul::agent::http {

/// The document as JSON. Rows without a handler are not in it.
std::string openapi(std::span<const std::span<const Route>> families);
/// What of the table the document could not say: "GET /v1/x: no summary". Empty when all is well.
std::vector<std::string> undescribed(std::span<const std::span<const Route>> families);

/// GET /v1/openapi.json
base::Result<Reply> openapi_document(Context& agent, const Request& request);

}  // namespace proconsul::agent::http
