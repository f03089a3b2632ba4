// auto_encrypt.tls and auto_config: a client agent has a certificate of the servers, speaks TLS with it, and keeps it
// fresh. Key and certificate are in memory alone, unless the means keep them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/mesh/leaf_certs.h"
#include "agent/rpc/connect_ca_types.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::mesh {

/// What a client speaks TLS with; all PEM.
struct AutoTls {
  std::string certificate{}, key{};
  std::string authorities{};  // of the mesh and of the servers' own certificates
  bool verify_server_hostname = false;
  bool operator==(const AutoTls&) const = default;
};

class AutoEncrypt {
 public:
  struct Settings {
    std::string datacenter = "dc1";
    std::string node{};
    std::vector<std::string> dns_names{}, ip_addresses{};  // besides localhost
    std::string key_type = "ec";
    std::int64_t key_bits = 256;
    std::optional<rpc::SignedResponse> first{};  // of an introduction; else servers are asked
  };
  struct Means {
    std::function<std::string()> token{};                 // the agent's
    std::function<std::vector<std::string>()> servers{};  // "10.0.0.1:8300", to ask in turn; may wait
    std::function<base::Result<base::net::Destination>(const std::string& address)> insecure{};
    std::function<base::Result<>(const AutoTls& tls)> use{};  // for connections from now on
    std::function<void()> certified{};                        // after the first use; perhaps again
    // Of auto_config; null with auto_encrypt. How a certificate is got without one, and what became of it since.
    std::function<base::Result<rpc::SignedResponse>(const std::stop_token& over)> introduce{};
    std::function<void(const rpc::IssuedCert& certificate)> keep_certificate{};
    std::function<void(const rpc::IndexedCARoots& roots)> keep_roots{};
  };
  AutoEncrypt(base::net::Loops& loops, Settings settings, Means means);
  ~AutoEncrypt();
  /// Begins to ask; what `leafs` gets from the servers keeps the certificate fresh. It outlives stop().
  void start(LeafCerts& leafs);
  /// Idempotent; not from a loop. Nothing of the means is called any more.
  void stop();

 private:
  LeafCerts::Wanted wanted() const;
  void run(const std::stop_token& over);
  base::Result<rpc::SignedResponse> ask_once(const std::stop_token& over);
  base::Result<rpc::SignedResponse> sign_once(const std::stop_token& over);
  void use_first(rpc::SignedResponse response);
  void follow(std::uint64_t index);
  void renewed(const LeafCerts::Found& found);
  bool is_over();
  void start_anew();
  void change(const std::function<void(AutoTls&)>& how);

  base::net::Loops& loops_;
  const Settings settings_;
  const Means means_;
  const base::log::Logger log_{"agent.auto_config"};
  LeafCerts* leafs_ = nullptr;
  std::mutex mutex_{};  // guards what follows
  bool stopped_ = false;
  AutoTls tls_{};
  std::string manual_roots_{};
  unsigned failures_ = 0;
  std::optional<rpc::SignedResponse> first_;  // of the thread, until it is used
  /// What the certificates call may come late.
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  std::jthread thread_{};
};

/// A new private key and a signing request for it, both PEM: of a client that knows no trust domain yet.
struct FirstRequest {
  std::string key{}, request{};
};
base::Result<FirstRequest> first_request(const AutoEncrypt::Settings& settings);

}  // namespace proconsul::agent::mesh
