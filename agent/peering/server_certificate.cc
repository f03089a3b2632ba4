#include "agent/peering/server_certificate.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/mesh/spiffe.h"
#include "agent/peering/token.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "catalog/acl/builtin.h"
#include "catalog/registry/connect_ca.h"
#include "catalog/registry/settings.h"

namespace proconsul::agent::peering {

using mesh::LeafCerts;

namespace {

const base::log::Logger kLog("agent.server.cert-manager");
constexpr std::chrono::seconds kLongestPause{60};
constexpr unsigned kMostDoublings = 6;

}  // namespace

void ServerCertificate::start(LeafCerts& leafs) {
  leafs_ = &leafs;
  ask(0);
}

void ServerCertificate::follow(Told told) {
  const std::lock_guard lock(mutex_);
  told_ = std::move(told);
  if (!name_.empty()) told_(name_, shown_);
}

void ServerCertificate::stop() {
  if (!alive_->exchange(false)) return;
  if (leafs_ != nullptr) leafs_->settle();
}

/// None: the authority, or the servers' token, is not there yet.
std::optional<LeafCerts::Wanted> ServerCertificate::wanted() const {
  const auto view = server_.view();
  const catalog::CAConfiguration* authority = catalog::ca_configuration(view->tables());
  if (authority == nullptr || authority->ClusterID.empty()) return std::nullopt;
  LeafCerts::Wanted wanted{.datacenter = settings_.datacenter, .server = true};
  wanted.dns_names.push_back(server_name(settings_.datacenter, mesh::trust_domain(authority->ClusterID)));
  if (!settings_.acls) return wanted;
  wanted.token = catalog::system_metadata(view->tables(), catalog::kServerManagementToken);
  if (wanted.token.empty()) return std::nullopt;
  return wanted;
}

void ServerCertificate::ask(std::uint64_t after) {
  const std::optional<LeafCerts::Wanted> wanted = this->wanted();
  if (!wanted) return answered({base::Error{base::Errc::unavailable, ""}}, {});
  leafs_->get(*wanted, {.after = after},
              [this, alive = alive_, name = wanted->dns_names.front()](const LeafCerts::Found& found) {
                if (*alive) answered(found, name);
              });
}

void ServerCertificate::answered(const LeafCerts::Found& found, const std::string& name) {
  if (!found.certificate) {
    // Without a text: it is only too early.
    const bool early = found.certificate.error().detail.empty();
    if (!early) kLog.warn("leaf cert watch returned an error", {{"error", found.certificate.error()}});
    const auto pause = early
                           ? std::chrono::seconds(1)
                           : std::min(kLongestPause, std::chrono::seconds(1 << std::min(failures_++, kMostDoublings)));
    return leafs_->later(pause, [this, alive = alive_] {
      if (*alive) ask(0);
    });
  }
  failures_ = 0;
  const rpc::IssuedCert& certificate = **found.certificate;
  {
    const std::lock_guard lock(mutex_);
    const bool same = name_ == name && shown_.certificate == certificate.CertPEM;
    name_ = name;
    shown_ = {.certificate = certificate.CertPEM, .key = certificate.PrivateKeyPEM};
    if (!same && told_) told_(name_, shown_);
  }
  ask(certificate.ModifyIndex);
}

}  // namespace proconsul::agent::peering
