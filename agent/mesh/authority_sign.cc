#include <chrono>
#include <utility>

#include "agent/mesh/authority.h"
#include "agent/mesh/authority_parts.h"
#include "agent/mesh/spiffe.h"
#include "catalog/commands.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Error;
using base::Result;
using catalog::CARequest;

/// One certificate, from the request to its answer. What is dropped unanswered answers by itself.
class Authority::Signing : public std::enable_shared_from_this<Signing> {
 public:
  Signing(Authority& authority, std::string request, tokens::Who who, server::Answered<rpc::IssuedCert> done)
      : authority_(authority), request_(std::move(request)), who_(std::move(who)), done_(std::move(done)) {}
  ~Signing() {
    if (inside_) authority_.signing_->post([&limit = authority_.limit_] { limit.leave(); });
    if (done_) done_(no_leader());
  }
  Signing(const Signing&) = delete;
  Signing& operator=(const Signing&) = delete;

  // On the signing thread.
  void begin() {
    Result<x509::Asked> asked = x509::read_request(request_);
    if (!asked) return fail(asked.error());
    asked_ = std::move(*asked);
    if (Result<> allowed = authorize(); !allowed) return fail(allowed.error());
    look_for_authority();
  }

 private:
  using Kind = SpiffeId::Kind;

  void fail(Error error) {
    if (error.code != Errc::permission_denied) error.code = Errc::internal;
    leave();
    std::exchange(done_, nullptr)(std::move(error));
  }

  Result<> authorize() {
    const auto refuse = [](std::string why) { return Result<>(Errc::internal, std::move(why)); };
    if (asked_.uris.size() != 1) {
      return refuse("CSR SAN contains an invalid number of URIs: " + std::to_string(asked_.uris.size()));
    }
    if (!asked_.emails.empty()) return refuse("CSR SAN does not allow specifying email addresses");
    const Result<SpiffeId> id = parse_spiffe(asked_.uris[0]);
    if (!id) return id.error();
    id_ = *id;
    Result<> allowed;
    switch (id_.kind) {
      case Kind::service:
        if (id_.name_space != "default" || id_.partition != "default") {
          return refuse("Non default partition or namespace is supported in Enterprise only.Provided namespace is " +
                        id_.name_space + " and partition is " + id_.partition);
        }
        allowed = tokens::require(who_, acl::Resource::service, id_.name, acl::Access::write);
        break;
      case Kind::agent:
        return tokens::require(who_, acl::Resource::node, id_.name, acl::Access::write);
      case Kind::mesh_gateway:
        if (id_.partition != "default") {
          return refuse("Non default partition is supported in Enterprise only.Provided partition is " + id_.partition);
        }
        allowed = tokens::require(who_, acl::Resource::mesh, acl::Access::write);
        break;
      case Kind::server:
        allowed = tokens::require(who_, acl::Resource::acl, acl::Access::write);
        break;
      case Kind::signing:
        return refuse("SPIFFE ID in CSR must be a service, mesh-gateway, or agent ID");
    }
    if (!allowed) return allowed;
    const std::string& own = authority_.settings_.datacenter;
    if (id_.datacenter == own) return {};
    return refuse("SPIFFE ID in CSR from a different datacenter: " + id_.datacenter + ", we are " + own);
  }

  /// There is one a moment after a server begins to lead.
  void look_for_authority() {
    active_ = authority_.active();
    if (!active_) {
      if (authority_.clock_.now() - begun_ < kSignPatience) {
        return later(kLook, [](Signing& self) { self.look_for_authority(); });
      }
      return fail({Errc::internal, "CA is uninitialized and unable to sign certificates yet: provider is nil"});
    }
    const std::string domain = active_->provider->domain();
    if (id_.kind == Kind::agent) {
      // It may not know the domain yet.
      id_.host = domain;
      asked_.uris[0] = id_.uri();
    } else if (!can_sign(domain, id_)) {
      return fail(
          {Errc::internal, "SPIFFE ID in CSR from a different trust domain: " + id_.host + ", we are " + domain});
    }
    const AuthorityConfig& config = active_->provider->config();
    if (config.csr_max_per_second > 0) {
      const auto wait = authority_.limit_.take(config.csr_max_per_second, authority_.clock_.now());
      if (!wait) return fail({Errc::internal, kRateLimited});
      if (wait->nanoseconds > 0) return later(*wait, [](Signing& self) { self.number(); });
      return number();
    }
    enter();
  }

  void enter() {
    if (authority_.limit_.enter(active_->provider->config().csr_max_concurrent)) {
      inside_ = true;
      return number();
    }
    if (authority_.clock_.now() - begun_ >= kSignPatience) return fail({Errc::internal, kRateLimited});
    later(kLook, [](Signing& self) { self.enter(); });
  }

  void number() {
    CARequest request{};
    request.Op = "increment-provider-serial";
    propose(encode(std::move(request)), [](Signing& self, const catalog::ApplyResult& applied) {
      const auto* serial = std::get_if<std::uint64_t>(&applied.value);
      serial ? self.issue(*serial) : self.fail({Errc::internal, "error computing next serial number: no number"});
    });
  }

  void issue(std::uint64_t serial) {
    const auto signer = active_->provider->signer();
    if (!signer) return fail(signer.error());
    const base::Time now = authority_.clock_.wall();
    const auto expired = [&](const char* what, base::Time end) {
      fail({Errc::internal,
            std::string(what) + " expired: certificate expired, expiration date: " + base::to_rfc3339(end)});
    };
    if (active_->root.NotAfter < now) return expired("root", active_->root.NotAfter);
    if ((*signer)->facts().not_after < now) return expired("intermediate", (*signer)->facts().not_after);
    // A minute ago: clocks differ.
    const base::Time from = now + base::seconds(-60);
    Result<std::string> pem = (*signer)->sign_leaf(asked_, {serial, from, from + active_->provider->config().leaf_ttl});
    if (!pem) return fail(pem.error());
    const Result<x509::Facts> facts = x509::read_certificate(*pem);
    if (!facts) return fail(facts.error());
    issued_.SerialNumber = facts->serial_text;
    issued_.CertPEM = std::move(*pem);
    for (const std::string& each : active_->root.IntermediateCerts) {
      issued_.CertPEM += each;
      if (!each.ends_with('\n')) issued_.CertPEM += '\n';
    }
    issued_.ValidAfter = facts->not_before;
    issued_.ValidBefore = facts->not_after;
    const std::string& uri = asked_.uris[0];
    switch (id_.kind) {
      case Kind::service:
        issued_.Service = id_.name;
        issued_.ServiceURI = uri;
        break;
      case Kind::agent:
        issued_.Agent = id_.name;
        issued_.AgentURI = uri;
        break;
      case Kind::mesh_gateway:
        issued_.Kind = "mesh-gateway";
        issued_.KindURI = uri;
        break;
      case Kind::server:
      case Kind::signing:
        issued_.ServerURI = uri;
        break;
    }
    // By it certificates are told apart that were issued one after the other.
    catalog::CALeafRequest request{};
    request.Op = "increment-index";
    request.Datacenter = authority_.settings_.datacenter;
    std::string command = catalog::encode_command(catalog::Command::connect_ca_leaf, request);
    command[0] = static_cast<char>(static_cast<unsigned char>(command[0]) | catalog::kIgnoreUnknown);
    propose(std::move(command), [](Signing& self, const catalog::ApplyResult& applied) {
      const auto* index = std::get_if<std::uint64_t>(&applied.value);
      if (!index) return self.fail({Errc::internal, "Invalid response from updating the leaf cert index"});
      self.issued_.CreateIndex = self.issued_.ModifyIndex = *index;
      self.leave();
      std::exchange(self.done_, nullptr)(std::move(self.issued_));
    });
  }

  /// Goes on when it is applied.
  void propose(std::string command, void (*then)(Signing&, const catalog::ApplyResult&)) {
    if (!authority_.server_->leadership().is_leader) return fail(no_leader());
    authority_.server_->apply(
        std::move(command), [self = shared_from_this(), then](Result<catalog::ApplyResult> result) mutable {
          Authority& authority = self->authority_;
          authority.signing_->post([self = std::move(self), then, result = std::move(result)]() mutable {
            if (result && result->error()) result = *result->error();
            result ? then(*self, *result) : self->fail(result.error());
          });
        });
  }

  void later(base::Duration delay, void (*then)(Signing&)) {
    authority_.signing_->after(std::chrono::nanoseconds(delay.nanoseconds),
                               [self = shared_from_this(), then] { then(*self); });
  }

  void leave() {
    if (std::exchange(inside_, false)) authority_.limit_.leave();
  }

  static constexpr base::Duration kLook = base::milliseconds(10);

  Authority& authority_;
  const std::string request_;
  const tokens::Who who_;
  server::Answered<rpc::IssuedCert> done_;
  const base::MonotonicTime begun_ = authority_.clock_.now();
  x509::Asked asked_{};
  SpiffeId id_{};
  ActivePtr active_{};
  rpc::IssuedCert issued_{};
  bool inside_ = false;
};

void Authority::sign(std::string request, tokens::Who who, server::Answered<rpc::IssuedCert> done) {
  auto signing = std::make_shared<Signing>(*this, std::move(request), std::move(who), std::move(done));
  signing_->post([signing] { signing->begin(); });
}

}  // namespace proconsul::agent::mesh
