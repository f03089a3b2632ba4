// What servers of other clusters are shown who dial this server: a certificate of the mesh's authority for the name
// that is in the tokens of this cluster. It is kept fresh.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/mesh/leaf_certs.h"
#include "agent/server/server.h"
#include "base/net/tls.h"

namespace proconsul::agent::peering {

class ServerCertificate {
 public:
  using Told = std::function<void(const std::string& name, const base::net::TlsPair& shown)>;
  struct Settings {
    std::string datacenter = "dc1";
    bool acls = false;  // the certificate is asked for with the servers' own token
  };
  /// `server` outlives it.
  ServerCertificate(server::Server& server, Settings settings) : server_(server), settings_(std::move(settings)) {}
  ~ServerCertificate() { stop(); }
  /// `leafs` outlives stop().
  void start(mesh::LeafCerts& leafs);
  /// Told now, if there is a certificate, and of each that comes; on any thread, until stop().
  void follow(Told told);
  /// Idempotent; not from a loop.
  void stop();

 private:
  std::optional<mesh::LeafCerts::Wanted> wanted() const;
  void ask(std::uint64_t after);
  void answered(const mesh::LeafCerts::Found& found, const std::string& name);

  server::Server& server_;
  const Settings settings_;
  mesh::LeafCerts* leafs_ = nullptr;
  const std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  unsigned failures_ = 0;  // of the certificates' loop
  std::mutex mutex_{};     // guards what follows
  Told told_{};
  std::string name_{};
  base::net::TlsPair shown_{};
};

}  // namespace proconsul::agent::peering
