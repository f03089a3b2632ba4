// Hands a read request on to the metrics server of the configuration, and its answer back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/net/http_exchange.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/tls.h"
#include "base/net/url.h"
#include "base/result.h"

namespace proconsul::ui_proxy {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Of `ui_config.metrics_proxy`.
struct MetricsProxySettings {
  std::string base_url{};                     // http or https; empty: nothing is proxied
  std::vector<std::string> path_allowlist{};  // of the metrics server, whole paths; empty: all
  Headers add_headers{};                      // instead of the client's of that name; "host" too
};

struct ProxyRequest {
  std::string method{};
  std::string path{};  // behind the proxy's own: begins with '/'; unescaped
  std::string query{};
  bool has_query = false;
  std::string host{};       // the client's Host header
  Headers headers{};        // the client's, without tokens
  std::string client_ip{};  // empty: not known
};

struct ProxyAnswer {
  int status{};
  Headers headers{};  // those that concern the body and its origin alone
  std::string body{};
};

/// Where a request leads, or Errc::invalid_argument "Invalid path." / Errc::permission_denied if not there.
base::Result<base::net::Url> target_of(const MetricsProxySettings& settings, const ProxyRequest& request);

class MetricsProxy {
 public:
  using Done = std::move_only_function<void(base::Result<ProxyAnswer>)>;

  /// `tls` for https, with whom to trust.
  explicit MetricsProxy(std::shared_ptr<base::net::TlsContext> tls);
  /// Only when the loops of its requests have stopped. Who still waits is not answered.
  ~MetricsProxy();
  MetricsProxy(const MetricsProxy&) = delete;

  /// From any thread; counts for what comes from now on.
  void set(MetricsProxySettings settings);
  /// Whether there is anything to proxy to.
  bool configured() const;

  /// On a loop's thread. `done` is called once, on that loop or from within. Errors: those of target_of(), and
  /// Errc::unavailable when the metrics server gives no answer.
  void forward(ProxyRequest request, Done done);

 private:
  struct Flight;
  std::shared_ptr<const MetricsProxySettings> settings() const;
  void land(std::uint64_t number, base::Result<ProxyAnswer> answer);

  std::shared_ptr<base::net::TlsContext> tls_;
  base::net::Resolver resolver_{};
  mutable std::mutex mutex_{};
  std::shared_ptr<const MetricsProxySettings> settings_ = std::make_shared<MetricsProxySettings>();  // by mutex_
  std::map<std::uint64_t, std::unique_ptr<Flight>> flights_;                                         // by mutex_
  std::uint64_t next_ = 0;                                                                           // by mutex_
};

}  // namespace proconsul::ui_proxy
