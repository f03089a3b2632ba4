// The key-value endpoints as the commands use them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/cli/api_client.h"
#include "agent/cli/api_types.h"

namespace proconsul::agent::cli {

template <class T>
struct KvAnswer {
  T value{};
  std::uint64_t index{};  // X-Consul-Index
};

/// GET /v1/kv/...; an absent key or prefix is an empty list.
template <class T>
base::Result<KvAnswer<T>> read_kv(ApiClient& client, const ApiRequest& request) {
  base::Result<ApiResponse> response = client.call(request, {200, 404});
  if (!response) return response.error();
  if (response->status == 404) return KvAnswer<T>{.index = response->index};
  base::Result<T> value = base::from_json<T>(response->body, {.input = base::JsonInput::first});
  if (!value) return value.error();
  return KvAnswer<T>{.value = std::move(*value), .index = response->index};
}

/// PUT or DELETE /v1/kv/`key` with one condition; whether the agent said true.
base::Result<bool> write_kv(ApiClient& client, ApiRequest request, const std::string& key);

}  // namespace proconsul::agent::cli
