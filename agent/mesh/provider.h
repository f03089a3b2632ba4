// The built-in provider: the authority's private key and certificate in the replicated state, as one configuration has
// them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "agent/mesh/authority_config.h"
#include "agent/x509/certificate.h"
#include "base/clock.h"
#include "base/ref.h"
#include "base/result.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"
#include "catalog/types/connect_ca.h"

namespace proconsul::agent::mesh {

class Provider {
 public:
  struct Means {
    std::function<base::Ref<const catalog::View>()> view{};
    /// Proposes a command and waits until it is applied; the command's own error is an error.
    std::function<base::Result<catalog::ApplyResult>(std::string command)> apply{};
    const base::Clock* clock = nullptr;
  };
  /// Errors: what is wrong with the configuration.
  static base::Result<std::shared_ptr<Provider>> configure(Means means, const catalog::CAConfiguration& configuration,
                                                           const std::string& cluster_id, bool is_primary);

  const std::string& id() const { return id_; }
  const AuthorityConfig& config() const { return config_; }
  std::string domain() const;

  // Wait for the log; one thread at a time.
  /// The root's certificate, made if there is none yet. In the primary datacenter only.
  base::Result<std::string> root();
  /// A request for an intermediate of a new key, which is stored. In a secondary datacenter only.
  base::Result<std::string> request_intermediate();
  /// What the primary made of it.
  base::Result<> set_intermediate(const std::string& intermediate, const std::string& root);
  base::Result<std::string> sign_intermediate(const std::string& request);
  /// Another root as this one vouches for it, for seven days.
  base::Result<std::string> cross_sign(const std::string& root);
  /// Its key goes out of the state.
  base::Result<> forget();

  // Any thread.
  /// The certificate that signs leaves: the root's, or in a secondary datacenter the intermediate's; empty: none yet.
  std::string signing_certificate() const;
  base::Result<std::shared_ptr<const x509::Signer>> signer() const;

 private:
  Provider(Means means, AuthorityConfig config, std::string cluster_id, bool is_primary);
  catalog::CAConsulProviderState state() const;  // empty but for the id, if there is none
  base::Result<> set_state(catalog::CAConsulProviderState state);
  base::Result<> adopt_old_state();
  base::Result<std::uint64_t> next_serial();
  base::Result<std::string> make_root(const std::string& key);

  const Means means_;
  const AuthorityConfig config_;
  const std::string cluster_id_;
  const bool is_primary_;
  const std::string id_;
  std::string pending_key_{};   // of the intermediate that was requested
  mutable std::mutex mutex_{};  // guards what follows
  mutable std::shared_ptr<const x509::Signer> signer_{};
  mutable std::uint64_t signer_index_ = 0;  // of the state that it was read from
};

/// The command of a request of the authority.
std::string encode(catalog::CARequest request);

}  // namespace proconsul::agent::mesh
