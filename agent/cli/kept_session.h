// A session that lives as long as its object: renewed in the background, destroyed at the end.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "agent/cli/api_client.h"

namespace proconsul::agent::cli {

class KeptSession {
 public:
  /// PUT /v1/session/create with `body`. `client` creates it (and may be interrupted meanwhile); `config` is for the
  /// clients that renew and destroy it. Renewed every half `ttl`, or when a renewal failed every second until the TTL
  /// is over.
  static base::Result<std::unique_ptr<KeptSession>> create(ApiClient& client, const ApiConfig& config, std::string body,
                                                           base::Duration ttl);
  KeptSession(const KeptSession&) = delete;
  ~KeptSession();

  const std::string& id() const { return id_; }
  /// Stops renewing and destroys it now; the destructor does it otherwise.
  base::Result<> destroy();

 private:
  explicit KeptSession(std::string id) : id_(std::move(id)) {}
  void renew(ApiClient client, base::Duration ttl);

  std::string id_;
  ApiConfig config_{};
  bool destroyed_{};
  base::Interrupt stop_{};
  std::thread thread_{};
};

}  // namespace proconsul::agent::cli
