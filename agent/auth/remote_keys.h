// Keys at a URL (a JSON web key set), fetched anew when those that are known do not prove a token.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "acl/jwt/keys.h"
#include "agent/auth/web.h"
#include "base/result.h"

namespace proconsul::agent::auth {

/// Safe from several threads. Calls may wait.
class RemoteKeys {
 public:
  /// `web` outlives it.
  RemoteKeys(Web& web, std::string url, std::shared_ptr<base::net::TlsContext> tls)
      : web_(web), url_(std::move(url)), tls_(std::move(tls)) {}
  /// Errors: "fetching keys oidc: get keys failed ..."
  base::Result<> fetch();
  /// Whether one of the keys signed it. Errors: those of fetch(), "failed to verify id token signature".
  base::Result<> prove(const acl::jwt::Token& token);

 private:
  using Keys = std::shared_ptr<const acl::jwt::KeySet>;
  struct Known {
    Keys keys{};
    std::uint64_t fetched = 0;  // how often they were
  };
  Known known();
  /// Nothing to do if somebody else has fetched them since.
  base::Result<Keys> fetch_after(std::uint64_t fetched);
  base::Result<acl::jwt::KeySet> ask();

  Web& web_;
  const std::string url_;
  const std::shared_ptr<base::net::TlsContext> tls_;
  std::mutex fetching_{};  // held while asking: others want the same answer
  std::mutex mutex_{};
  Known known_{};
};

}  // namespace proconsul::agent::auth
