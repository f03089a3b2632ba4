#include "agent/cli/intention_client.h"

#include "base/json.h"

namespace proconsul::agent::cli {

using base::Errc;
using base::Pointer;
using base::Result;

namespace {

Result<Pointer<Intention>> find(const Context& context, ApiClient& client, ApiRequest request) {
  apply_stale(context, request);
  const Result<ApiResponse> response = client.send(request);
  if (!response) return response.error();
  if (response->status == 404) return Pointer<Intention>();
  if (response->status != 200) {  // not in the words of other commands
    return {Errc::internal, "Unexpected response " + std::to_string(response->status) + ": " + response->body};
  }
  Result<Intention> intention = base::from_json<Intention>(response->body, {.input = base::JsonInput::first});
  if (!intention) return intention.error();
  return Pointer<Intention>(std::move(*intention));
}

}  // namespace

Result<Pointer<Intention>> find_intention(const Context& context, ApiClient& client, const std::string& id) {
  return find(context, client, client.request("GET", "/v1/connect/intentions/" + id));
}

Result<Pointer<Intention>> find_intention(const Context& context, ApiClient& client, const std::string& source,
                                          const std::string& destination) {
  ApiRequest request = client.request("GET", "/v1/connect/intentions/exact");
  request.set("source", source);
  request.set("destination", destination);
  return find(context, client, std::move(request));
}

}  // namespace proconsul::agent::cli
