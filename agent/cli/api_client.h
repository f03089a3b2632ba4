// The HTTP client of the commands: one agent, one request at a time, over TCP, TLS or a unix socket. Error texts are
// those of Consul's Go client, since scripts match on them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/advice.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/result.h"

namespace proconsul::agent::cli {

struct ApiConfig {
  std::string address{"127.0.0.1:8500"};  // host:port, or a URL: http://, https:// (with a path prefix), unix://
  bool use_tls{};
  std::string token{};
  std::optional<std::string> basic_auth{};  // user:password
  std::string datacenter{};
  std::string name_space{};
  std::string partition{};
  std::string ca_file{};
  std::string ca_path{};
  std::string client_cert{};
  std::string client_key{};
  std::string tls_server_name{};
  bool verify_server{true};
  Advice* advice{};              // hears of failures; may be null
  base::Interrupt* interrupt{};  // ends the request that waits, and all later ones, with Errc::cancelled; may be null
};

struct ApiRequest {
  std::string method{};
  std::string path{};    // not escaped
  std::string target{};  // escaped already, query and all: instead of path and query
  std::vector<std::pair<std::string, std::string>> query{};
  std::string body{};
  std::string content_type{"application/json"};
  std::vector<std::pair<std::string, std::string>> headers{};  // beside those that every request has
  int body_file{-1};                                           // an open file to send from its start instead of `body`
  /// Receives the answer's body piece by piece if the status is 200; returns false to stop.
  std::function<bool(std::string_view)> sink{};
  /// Called with the bytes of the body sent or received so far.
  std::function<void(std::uint64_t)> progress{};

  /// Replaces every earlier value of the key.
  void set(std::string_view key, std::string_view value);
  void add(std::string_view key, std::string_view value);
};

struct ApiResponse {
  int status{};
  std::uint64_t index{};   // X-Consul-Index, 0 if absent
  bool filtered{};         // X-Consul-Results-Filtered-By-ACLs: the token may not see all
  std::string left_out{};  // X-Proconsul-Left-Out
  std::string reason{};    // "Not Found"
  std::string body{};      // empty when it went to the sink
};

class ApiClient {
 public:
  /// Reads the certificate files; connects with the first request.
  static base::Result<ApiClient> make(ApiConfig config);
  ApiClient(ApiClient&&) noexcept;
  ~ApiClient();

  /// A request with the configured datacenter, namespace and partition in its query.
  ApiRequest request(std::string method, std::string path) const;

  base::Result<ApiResponse> send(const ApiRequest& request);
  /// send(), but a status outside `allowed` is the error "Unexpected response code: ...".
  base::Result<ApiResponse> call(const ApiRequest& request, std::initializer_list<int> allowed = {200});
  /// call() and the answer decoded from JSON.
  template <class T>
  base::Result<T> fetch(const ApiRequest& request, std::initializer_list<int> allowed = {200}) {
    base::Result<ApiResponse> response = call(request, allowed);
    if (!response) return response.error();
    return base::from_json<T>(response->body, {.input = base::JsonInput::first});
  }

 private:
  struct Impl;
  explicit ApiClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent::cli
