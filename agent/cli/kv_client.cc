#include "agent/cli/kv_client.h"

namespace proconsul::agent::cli {

using base::Errc;
using base::Result;

Result<bool> write_kv(ApiClient& client, ApiRequest request, const std::string& key) {
  if (key.starts_with('/')) {
    return {Errc::invalid_argument, "Invalid key. Key must not begin with a '/': " + key};
  }
  request.content_type = "application/octet-stream";
  const Result<ApiResponse> response = client.call(request);
  if (!response) return response.error();
  return response->body.find("true") != std::string::npos;
}

}  // namespace proconsul::agent::cli
