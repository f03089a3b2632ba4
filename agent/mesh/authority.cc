#include "agent/mesh/authority.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <utility>

#include "agent/auth/config_reader.h"
#include "agent/cluster/way_advice.h"
#include "agent/mesh/authority_parts.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/uuid.h"
#include "catalog/registry/connect_ca.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Error;
using base::Result;
using catalog::CAConfiguration;
using catalog::CARequest;
using catalog::CARoot;

namespace {

constexpr base::Duration kTick = base::seconds(3600);  // renewal, pruning, and how long certificates still hold
constexpr std::string_view kDefaultIntermediateTtl = "8760h0m0s";

std::string with_newline(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::string pretty(const std::string& provider) {
  return provider == kBuiltinProvider ? "Consul" : provider;
}

/// The row of a root's certificate.
Result<CARoot> root_of(const std::string& pem, const CAConfiguration& configuration) {
  Result<x509::Facts> facts = x509::read_certificate(pem);
  if (!facts) return facts.error();
  CARoot root{};
  root.ID = facts->fingerprint;
  root.Name = pretty(configuration.Provider) + " CA Primary Cert";
  root.SerialNumber = facts->serial;
  root.SigningKeyID = facts->subject_key_id;
  root.ExternalTrustDomain = configuration.ClusterID;
  root.NotBefore = facts->not_before;
  root.NotAfter = facts->not_after;
  root.RootCert = with_newline(pem);
  root.PrivateKeyType = facts->key_type;
  root.PrivateKeyBits = facts->key_bits;
  root.Active = true;
  return root;
}

base::metrics::Gauge root_expiry() {
  static const base::metrics::Gauge kGauge = base::metrics::gauge(
      "mesh.active-root-ca.expiry", {}, "Seconds until the service mesh root certificate expires. Updated every hour");
  return kGauge;
}
base::metrics::Gauge signing_expiry() {
  static const base::metrics::Gauge kGauge =
      base::metrics::gauge("mesh.active-signing-ca.expiry", {},
                           "Seconds until the service mesh signing certificate expires. Updated every hour");
  return kGauge;
}

}  // namespace

Authority::Authority(Settings settings, const base::Clock& clock) : settings_(std::move(settings)), clock_(clock) {
  look_at_expiry();
}

Authority::~Authority() {
  stop();
}

void Authority::open(server::Server& server, rpc::Caller& caller, base::net::Loops& loops) {
  server_ = &server;
  caller_ = &caller;
  loops_ = &loops;
  signing_ = std::make_unique<base::TaskThread>();
  thread_ = std::thread([this] { run(); });
  if (!settings_.in_primary()) follower_ = std::thread([this] { follow_primary(); });
}

void Authority::lead(bool leading) {
  const std::lock_guard lock(mutex_);
  over_.request_stop();
  over_ = {};
  leading_ = leading && !stopping_;
  attempted_ = false;
  ++term_;
  changed_.notify_all();
}

void Authority::await_first_attempt(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, longest, [this] { return attempted_ || !leading_; });
}

void Authority::primary_appeared() {
  const std::lock_guard lock(mutex_);
  ++appeared_;
  changed_.notify_all();
}

void Authority::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    leading_ = false;
    over_.request_stop();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (follower_.joinable()) follower_.join();
  if (signing_) signing_->stop();
}

void Authority::add_duty(Duty duty) {
  {
    const std::lock_guard lock(mutex_);
    if (leading_) {
      duties_.push_back(std::move(duty));
      changed_.notify_all();
      return;
    }
  }
  duty(no_leader());
}

Authority::ActivePtr Authority::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

void Authority::set_active(std::shared_ptr<Provider> provider, CARoot root) {
  auto fresh = std::make_shared<Active>();
  fresh->provider = std::move(provider);
  fresh->root = std::move(root);
  const std::lock_guard lock(mutex_);
  active_ = std::move(fresh);
}

void Authority::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || leading_ || !duties_.empty(); });
    if (leading_) lead_term(lock);
    initialized_ = false;
    active_ = nullptr;
    std::deque<Duty> left = std::exchange(duties_, {});
    lock.unlock();
    look_at_expiry();
    primary_roots_ = {};
    for (Duty& duty : left) duty(no_leader());
    lock.lock();
    if (stopping_ && duties_.empty()) return;
  }
}

void Authority::lead_term(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t term = term_;
  unsigned failures = 0;
  auto attempt_at = std::chrono::steady_clock::now();
  std::uint64_t appeared = appeared_;
  base::MonotonicTime tick_at = clock_.now();
  while (leading_ && term_ == term) {
    if (appeared != appeared_) {
      failures = 0;
      attempt_at = std::chrono::steady_clock::now();
      appeared = appeared_;
    }
    if (!initialized_ && std::chrono::steady_clock::now() >= attempt_at) {
      lock.unlock();
      const Result<> done = initialize();
      lock.lock();
      if (!leading_ || term_ != term) return;
      attempted_ = true;
      changed_.notify_all();
      if (done) {
        initialized_ = true;
        tick_at = clock_.now();
      } else {
        if (settings_.in_primary() || is_long(failures)) {
          log_.write(settings_.in_primary() ? base::log::Level::error : cluster::level_of(done.error()),
                     "Failed to initialize Connect CA", {{"error", done.error()}});
        }
        attempt_at = std::chrono::steady_clock::now() + retry_after(failures++);
      }
      continue;
    }
    if (!duties_.empty()) {
      Duty duty = std::move(duties_.front());
      duties_.pop_front();
      lock.unlock();
      duty({});
      duty = nullptr;
      lock.lock();
      continue;
    }
    if (initialized_ && clock_.now() >= tick_at) {
      tick_at = clock_.now() + kTick;
      lock.unlock();
      if (const Result<> renewed = renew_intermediate(); !renewed) {
        log_.error("error renewing intermediate certs", {{"error", renewed.error()}});
        tick_at = clock_.now() + base::seconds(60);
      }
      prune_roots();
      look_at_expiry();
      lock.lock();
      continue;
    }
    if (initialized_) {
      changed_.wait_for(lock, std::chrono::nanoseconds((tick_at - clock_.now()).nanoseconds));
    } else {
      changed_.wait_until(lock, attempt_at);
    }
  }
}

Result<catalog::ApplyResult> Authority::apply(std::string command) {
  // Whoever leads now has an authority of its own.
  if (!server_->leadership().is_leader) return no_leader();
  std::promise<Result<catalog::ApplyResult>> promise;
  std::future<Result<catalog::ApplyResult>> applied = promise.get_future();
  server_->apply(std::move(command), [&promise](Result<catalog::ApplyResult> result) {
    if (result && result->error()) result = *result->error();
    promise.set_value(std::move(result));
  });
  return applied.get();
}

Result<> Authority::change(CARequest request) {
  const Result<catalog::ApplyResult> applied = apply(encode(std::move(request)));
  if (!applied) return applied.error();
  if (!applied->succeeded()) return {Errc::internal, "could not atomically update roots and config"};
  return {};
}

/// What is stored; written if there is nothing, or an old version's.
Result<CAConfiguration> Authority::stored_configuration() {
  const auto view = server_->view();
  CAConfiguration configuration = settings_.initial;
  if (const CAConfiguration* stored = catalog::ca_configuration(view->tables())) {
    configuration = *stored;
    if (configuration.Config.contains("IntermediateCertTTL")) return configuration;
    configuration.Config["IntermediateCertTTL"] = kDefaultIntermediateTtl;
  } else if (settings_.in_primary() && configuration.ClusterID.empty()) {
    configuration.ClusterID = base::generate_uuid(base::system_random());
  }
  CARequest request{};
  request.Op = "set-config";
  request.Config = configuration;
  if (Result<> set = change(std::move(request)); !set) return set.error();
  const auto now = server_->view();
  const CAConfiguration* stored = catalog::ca_configuration(now->tables());
  if (!stored) return {Errc::internal, "local CA not initialized yet"};
  return *stored;
}

Result<std::shared_ptr<Provider>> Authority::provider_of(const CAConfiguration& configuration) {
  if (Result<> known = check_provider(configuration.Provider); !known) return known.error();
  Provider::Means means{.view = [this] { return server_->view(); },
                        .apply = [this](std::string command) { return apply(std::move(command)); },
                        .clock = &clock_};
  std::string cluster_id = configuration.ClusterID;
  if (!settings_.in_primary() && !primary_roots_.TrustDomain.empty()) {
    cluster_id = primary_roots_.TrustDomain.substr(0, primary_roots_.TrustDomain.find('.'));
  }
  auto provider = Provider::configure(std::move(means), configuration, cluster_id, settings_.in_primary());
  if (!provider) return Error{provider.error().code, "error configuring provider: " + provider.error().detail};
  return provider;
}

Result<> Authority::initialize() {
  const Result<CAConfiguration> configuration = stored_configuration();
  if (!configuration) return configuration.error();
  if (!settings_.in_primary()) return initialize_secondary();
  Result<std::shared_ptr<Provider>> provider = provider_of(*configuration);
  if (!provider) return provider.error();
  return initialize_primary(std::move(*provider), *configuration);
}

Result<> Authority::initialize_primary(std::shared_ptr<Provider> provider, const CAConfiguration& configuration) {
  const Result<std::string> pem = provider->root();
  if (!pem) return pem.error();
  Result<CARoot> root = root_of(*pem, configuration);
  if (!root) return root.error();
  const auto view = server_->view();
  if (const CARoot* stored = catalog::active_ca_root(view->tables())) {
    if (stored->ID != root->ID) {
      return {Errc::internal, "stored CA root \"" + root->ID + "\" is not the active root (" + stored->ID + ")"};
    }
    root->IntermediateCerts = stored->IntermediateCerts;
    set_active(std::move(provider), std::move(*root));
    log_.info("initialized primary datacenter CA from existing CARoot with provider",
              {{"provider", configuration.Provider}});
    return {};
  }
  if (Result<> written = write_roots(&*root, nullptr); !written) return written;
  set_active(std::move(provider), std::move(*root));
  log_.info("initialized primary datacenter CA with provider", {{"provider", configuration.Provider}});
  return {};
}

/// With a fresh root those before it are rotated out; a configuration replaces the one that is stored.
Result<> Authority::write_roots(const CARoot* fresh, const CAConfiguration* configuration) {
  const auto view = server_->view();
  const catalog::CARootsAnswer old = catalog::ca_roots(view->tables(), nullptr);
  if (!old.configuration) return {Errc::internal, "local CA not initialized yet"};
  const bool same = !configuration || (configuration->Provider == old.configuration->Provider &&
                                       configuration->Config == old.configuration->Config);
  if (!fresh && same) return {};
  CARequest request{};
  request.Op = "set-roots-config";
  request.Index = old.roots_index;
  CAConfiguration& written = request.Config.emplace();
  written = configuration ? *configuration : *old.configuration;
  written.ModifyIndex = old.configuration->ModifyIndex;
  for (const CARoot* root : old.roots) {
    if (fresh && root->ID == fresh->ID) continue;  // its intermediate was exchanged
    CARoot& copy = request.Roots.emplace_back().emplace();
    copy = *root;
    if (copy.Active && !fresh) written.ClusterID = copy.ExternalTrustDomain;
    if (copy.Active && fresh) {
      copy.Active = false;
      copy.RotatedOutAt = clock_.wall();
    }
    if (copy.ExternalTrustDomain.empty()) copy.ExternalTrustDomain = written.ClusterID;
  }
  if (fresh) {
    written.ClusterID = fresh->ExternalTrustDomain;
    request.Roots.emplace_back().emplace() = *fresh;
  }
  return change(std::move(request));
}

void Authority::configure(CAConfiguration wanted, server::Done done) {
  add_duty([this, wanted = std::move(wanted), done = std::move(done)](const Result<>& may) mutable {
    if (!may) return done(may);
    Result<> made = reconfigure(std::move(wanted));
    if (made) {
      const std::lock_guard lock(mutex_);
      initialized_ = active_ != nullptr;
    }
    done(std::move(made));
  });
}

Result<> Authority::reconfigure(CAConfiguration wanted) {
  for (auto& [key, value] : wanted.Config) auth::as_texts(value);
  if (const Result<CAConfiguration> begun = stored_configuration(); !begun) return begun.error();
  const auto view = server_->view();
  const CAConfiguration old = *catalog::ca_configuration(view->tables());
  const auto same_state = [](const base::Map<std::string>& a, const base::Map<std::string>& b) {
    return std::ranges::equal(a, b);
  };
  if (!wanted.State.empty() && !same_state(wanted.State, old.State)) {
    return {Errc::internal, kStateReadOnly};
  }
  wanted.ClusterID = old.ClusterID;
  if (wanted.Provider == old.Provider && wanted.Config == old.Config) return {};
  if (wanted.Provider == old.Provider) wanted.State = old.State;
  if (Result<> known = check_provider(wanted.Provider); !known) {
    return {Errc::internal, "could not initialize provider: " + known.error().detail};
  }
  const Result<std::shared_ptr<Provider>> provider = provider_of(wanted);
  if (!provider) return provider.error();
  if (settings_.in_primary()) return rotate(*provider, std::move(wanted), old);
  if (Result<> updated = update_intermediate(*provider, &wanted); !updated) {
    return {updated.error().code, "Error updating secondary datacenter CA config: " + updated.error().detail};
  }
  log_.info("Secondary CA provider config updated");
  return {};
}

/// To another root, if the configuration asks for another key or certificate.
Result<> Authority::rotate(const std::shared_ptr<Provider>& provider, CAConfiguration wanted,
                           const CAConfiguration& old) {
  const ActivePtr active = this->active();
  const Result<std::string> pem = provider->root();
  if (!pem) return pem.error();
  // What is not used after all goes out of the state again.
  const auto fail = [&](Error error) -> Result<> {
    if (active && active->provider->id() == provider->id()) return error;
    if (const Result<> gone = provider->forget(); !gone) {
      log_.warn("failed to clean up CA provider while handling startup failure", {{"error", gone.error()}});
    }
    return error;
  };
  Result<CARoot> root = root_of(*pem, wanted);
  if (!root) return fail(root.error());
  const auto view = server_->view();
  const CARoot* const stored = catalog::active_ca_root(view->tables());
  if (stored && stored->ID == root->ID) {
    root->IntermediateCerts = stored->IntermediateCerts;
    CARequest request{};
    request.Op = "set-config";
    request.Config = std::move(wanted);
    if (Result<> set = change(std::move(request)); !set) return fail(set.error());
    set_active(provider, std::move(*root));
    log_.info("CA provider config updated");
    return {};
  }
  if (stored) {
    if (!active) return fail({Errc::internal, "internal error: CA provider is nil"});
    const bool can = !active->provider->config().disable_cross_signing;
    if (!can && !wanted.ForceWithoutCrossSigning) {
      return fail({Errc::internal,
                   "The current CA Provider does not support cross-signing. You can try again with "
                   "ForceWithoutCrossSigningSet but this may cause disruption - see documentation for more."});
    }
    if (wanted.ForceWithoutCrossSigning) {
      log_.warn("ForceWithoutCrossSigning set, CA reconfiguration skipping cross-signing");
    } else {
      Result<std::string> crossed = active->provider->cross_sign(*pem);
      if (!crossed) return fail(crossed.error());
      root->IntermediateCerts.push_back(std::move(*crossed));
    }
  }
  const std::string name = wanted.Provider;
  wanted.ModifyIndex = old.ModifyIndex;
  if (Result<> written = write_roots(&*root, &wanted); !written) return fail(written.error());
  set_active(provider, std::move(*root));
  if (active && active->provider->id() != provider->id()) {
    if (const Result<> gone = active->provider->forget(); !gone) {
      log_.warn("failed to clean up old provider", {{"provider", old.Provider}, {"error", gone.error()}});
    }
  }
  log_.info("CA rotated to new root under provider", {{"provider", name}});
  return {};
}

/// Roots that were rotated out go when no certificate of theirs can hold any more.
void Authority::prune_roots() {
  const auto view = server_->view();
  const catalog::CARootsAnswer old = catalog::ca_roots(view->tables(), nullptr);
  if (!old.configuration) return;
  const Result<AuthorityConfig> config = read_common_config(old.configuration->Config);
  if (!config) return;
  CARequest request{};
  request.Op = "set-roots";
  request.Index = old.roots_index;
  for (const CARoot* root : old.roots) {
    const bool rotated = !root->Active && !root->RotatedOutAt.is_zero();
    if (rotated && (clock_.wall() - root->RotatedOutAt).nanoseconds / 2 > config->leaf_ttl.nanoseconds) {
      log_.info("pruning old unused root CA", {{"id", root->ID}});
      continue;
    }
    request.Roots.emplace_back().emplace() = *root;
  }
  if (request.Roots.size() == old.roots.size()) return;
  if (const Result<> pruned = change(std::move(request)); !pruned) {
    log_.error("error pruning CA roots", {{"error", pruned.error()}});
  }
}

void Authority::look_at_expiry() const {
  const ActivePtr active = this->active();
  if (!active) {
    root_expiry().set(std::nan(""));
    return signing_expiry().set(std::nan(""));
  }
  const auto left = [this](base::Time end) { return static_cast<double>((end - clock_.wall()).nanoseconds) / 1e9; };
  root_expiry().set(left(active->root.NotAfter));
  const auto signer = active->provider->signer();
  if (signer) signing_expiry().set(left((*signer)->facts().not_after));
}

void Authority::sign_intermediate(std::string request, server::Answered<std::string> done) {
  if (!settings_.in_primary()) return done(Error{Errc::internal, "not the primary datacenter"});
  add_duty([this, request = std::move(request), done = std::move(done)](const Result<>& may) mutable {
    if (!may) return done(may.error());
    const ActivePtr active = this->active();
    if (!active) return done(Error{Errc::internal, "internal error: CA provider is nil"});
    done(active->provider->sign_intermediate(request));
  });
}

}  // namespace proconsul::agent::mesh
