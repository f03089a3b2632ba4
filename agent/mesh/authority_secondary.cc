// What the authority does in a secondary datacenter.
#include <algorithm>
#include <future>
#include <utility>

#include "agent/cluster/way_advice.h"
#include "agent/mesh/authority.h"
#include "agent/mesh/authority_parts.h"
#include "agent/rpc/types.h"
#include "agent/rpc/waited_call.h"
#include "catalog/registry/connect_ca.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Error;
using base::Result;
using catalog::CAConfiguration;
using catalog::CARoot;

namespace {

/// Leaves are signed by this one from now on; those before it that are over go.
Result<> add_intermediate(CARoot& root, const std::string& pem, base::Time now) {
  const Result<x509::Facts> facts = x509::read_certificate(pem);
  if (!facts) return {Errc::internal, "error parsing leaf signing cert: " + facts.error().detail};
  std::erase_if(root.IntermediateCerts, [&](const std::string& old) {
    const Result<x509::Facts> known = x509::read_certificate(old);
    return !known || known->not_after <= now;
  });
  root.IntermediateCerts.push_back(pem);
  root.SigningKeyID = facts->subject_key_id;
  return {};
}

}  // namespace

/// In a secondary datacenter: what becomes of the primary's roots.
void Authority::follow_primary() {
  std::unique_lock lock(mutex_);
  std::uint64_t index = 0, term = 0;
  unsigned failures = 0;
  while (!stopping_) {
    if (!leading_ || !initialized_) {
      changed_.wait(lock);
      continue;
    }
    if (term != term_) index = 0;
    term = term_;
    const std::stop_token over = over_.get_token();
    const std::uint64_t appeared = appeared_;
    lock.unlock();
    rpc::DCSpecificRequest request{};
    request.Datacenter = settings_.primary_datacenter;
    request.MinQueryIndex = index;
    Result<rpc::IndexedCARoots> roots =
        rpc::ask_and_wait<rpc::IndexedCARoots>(*caller_, *loops_, "ConnectCA.Roots", std::move(request), over);
    Result<> done = roots ? Result<>() : Result<>(roots.error());
    if (roots && roots->Index != index) {
      auto taken = std::make_shared<std::promise<Result<>>>();
      std::future<Result<>> answer = taken->get_future();
      add_duty([this, taken, roots = *roots](const Result<>& may) mutable {
        if (!may) return taken->set_value(may);
        primary_roots_ = std::move(roots);
        const ActivePtr active = this->active();
        taken->set_value(active ? update_intermediate(active->provider, nullptr) : Result<>());
      });
      done = answer.get();
    }
    lock.lock();
    if (over.stop_requested()) continue;
    if (done) {
      failures = 0;
      index = roots->Index < index ? 0 : roots->Index;
      continue;
    }
    if (is_long(failures)) {
      log_.write(cluster::level_of(done.error()), "CA root replication failed, will retry", {{"error", done.error()}});
    }
    changed_.wait_for(lock, retry_after(failures++),
                      [&] { return over.stop_requested() || stopping_ || appeared != appeared_; });
    if (appeared != appeared_) failures = 0;
  }
}

Result<> Authority::initialize_secondary() {
  std::stop_token over;
  {
    const std::lock_guard lock(mutex_);
    over = over_.get_token();
  }
  rpc::DCSpecificRequest request{};
  request.Datacenter = settings_.primary_datacenter;
  Result<rpc::IndexedCARoots> roots =
      rpc::ask_and_wait<rpc::IndexedCARoots>(*caller_, *loops_, "ConnectCA.Roots", std::move(request), over);
  if (!roots) return {roots.error().code, "failed to get CA roots from primary DC: " + roots.error().detail};
  if (roots->TrustDomain.empty()) {
    return {Errc::internal, "error configuring provider: trust domain from primary datacenter is not initialized"};
  }
  primary_roots_ = std::move(*roots);
  const auto view = server_->view();
  const Result<std::shared_ptr<Provider>> provider = provider_of(*catalog::ca_configuration(view->tables()));
  if (!provider) return provider.error();
  if (Result<> updated = update_intermediate(*provider, nullptr); !updated) return updated;
  log_.info("initialized secondary datacenter CA with provider", {{"provider", std::string(kBuiltinProvider)}});
  return {};
}

/// Has the primary sign an intermediate if there is none, or none under its root of today.
Result<> Authority::update_intermediate(const std::shared_ptr<Provider>& provider,
                                        const CAConfiguration* configuration) {
  const auto view = server_->view();
  const CARoot* const stored = catalog::active_ca_root(view->tables());
  const auto primary = std::ranges::find_if(primary_roots_.Roots, [this](const base::Pointer<CARoot>& root) {
    return root && root->Active && root->ID == primary_roots_.ActiveRootID;
  });
  if (primary == primary_roots_.Roots.end()) {
    return {Errc::internal, "primary datacenter does not have an active root CA for Connect"};
  }
  const std::string intermediate = provider->signing_certificate();
  bool due = intermediate.empty() || !stored || stored->ID != (*primary)->ID;
  if (!intermediate.empty() && stored) {
    const Result<x509::Facts> facts = x509::read_certificate(intermediate);
    if (!facts) return {Errc::internal, "error parsing active intermediate cert: " + facts.error().detail};
    due = due || stored->SigningKeyID != facts->subject_key_id;
  }
  CARoot root = due ? **primary : *stored;
  if (due) {
    root.CreateIndex = root.ModifyIndex = 0;
    const Result<bool> got = request_intermediate(*provider, root);
    if (!got) return got.error();
    if (!*got) return {Errc::internal, "the primary datacenter signed no intermediate"};
  }
  if (Result<> written = write_roots(due ? &root : nullptr, configuration); !written) return written;
  set_active(provider, std::move(root));
  return {};
}

/// False: the primary refuses, which the log says.
Result<bool> Authority::request_intermediate(Provider& provider, CARoot& root) {
  std::stop_token over;
  {
    const std::lock_guard lock(mutex_);
    over = over_.get_token();
  }
  Result<std::string> request = provider.request_intermediate();
  if (!request) return request.error();
  rpc::CASignRequest sign{};
  sign.Datacenter = settings_.primary_datacenter;
  sign.CSR = std::move(*request);
  if (settings_.replication_token) sign.Token = settings_.replication_token();
  const Result<std::string> signed_by_primary =
      rpc::ask_and_wait<std::string>(*caller_, *loops_, "ConnectCA.SignIntermediate", std::move(sign), over);
  if (!signed_by_primary) {
    log_.warn("Primary datacenter refused to sign our intermediate CA certificate",
              {{"error", signed_by_primary.error()}});
    return false;
  }
  if (Result<> set = provider.set_intermediate(*signed_by_primary, root.RootCert); !set) {
    return Error{set.error().code,
                 "Failed to set the intermediate certificate with the CA provider: " + set.error().detail};
  }
  if (Result<> added = add_intermediate(root, *signed_by_primary, clock_.wall()); !added) {
    return Error{added.error().code,
                 "Failed to set the leaf signing cert to the intermediate: " + added.error().detail};
  }
  log_.info("received new intermediate certificate from primary datacenter");
  return true;
}

/// In a secondary datacenter, once half of the intermediate's time is over.
Result<> Authority::renew_intermediate() {
  const ActivePtr active = this->active();
  if (settings_.in_primary() || !active) return {};
  const Result<x509::Facts> facts = x509::read_certificate(active->provider->signing_certificate());
  if (!facts) return {Errc::internal, "error parsing active intermediate cert: " + facts.error().detail};
  const base::Duration life = facts->not_after - facts->not_before;
  if (clock_.wall() < facts->not_before + base::Duration{life.nanoseconds / 2}) return {};
  CARoot root = active->root;
  const Result<bool> got = request_intermediate(*active->provider, root);
  if (!got) return got.error();
  if (!*got) return {Errc::internal, "the primary datacenter signed no intermediate"};
  if (Result<> written = write_roots(&root, nullptr); !written) return written;
  set_active(active->provider, std::move(root));
  return {};
}

}  // namespace proconsul::agent::mesh
