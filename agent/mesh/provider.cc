#include "agent/mesh/provider.h"

#include <openssl/sha.h>

#include <array>
#include <utility>

#include "agent/mesh/spiffe.h"
#include "base/random.h"
#include "catalog/registry/connect_ca.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Result;
using catalog::CAConsulProviderState;
using catalog::CARequest;

namespace {

/// Before now: clocks differ.
constexpr base::Duration kClockDrift = base::seconds(60);
constexpr base::Duration kCrossSigned = base::seconds(7 * 24 * 3600);

std::string hash(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return x509::colon_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

/// What a configuration's key is stored under: servers of all versions must find it.
std::string id_of(const AuthorityConfig& config, bool is_primary) {
  return hash(config.private_key + ',' + config.root_cert + ',' + config.private_key_type + ',' +
              std::to_string(config.private_key_bits) + ',' + (is_primary ? "true" : "false"));
}

x509::Terms terms(std::uint64_t serial, base::Time now, base::Duration lifetime) {
  const base::Time from = now + base::Duration{-kClockDrift.nanoseconds};
  return {serial, from, from + lifetime};
}

/// Eight letters or digits.
std::string unique_name() {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string name;
  for (int i = 0; i < 8; ++i) name += kDigits[base::system_random().below(36)];
  return name;
}

}  // namespace

std::string encode(CARequest request) {
  return catalog::encode_command(catalog::Command::connect_ca, request);
}

Provider::Provider(Means means, AuthorityConfig config, std::string cluster_id, bool is_primary)
    : means_(std::move(means)),
      config_(std::move(config)),
      cluster_id_(std::move(cluster_id)),
      is_primary_(is_primary),
      id_(id_of(config_, is_primary)) {}

Result<std::shared_ptr<Provider>> Provider::configure(Means means, const catalog::CAConfiguration& configuration,
                                                      const std::string& cluster_id, bool is_primary) {
  Result<AuthorityConfig> config = read_authority_config(configuration.Config);
  if (!config) return config.error();
  std::shared_ptr<Provider> provider(new Provider(std::move(means), std::move(*config), cluster_id, is_primary));
  if (Result<> adopted = provider->adopt_old_state(); !adopted) return adopted.error();
  return provider;
}

std::string Provider::domain() const {
  return trust_domain(cluster_id_);
}

CAConsulProviderState Provider::state() const {
  const auto view = means_.view();
  const CAConsulProviderState* found = catalog::ca_provider_state(view->tables(), id_);
  return found ? *found : CAConsulProviderState{.ID = id_};
}

Result<> Provider::set_state(CAConsulProviderState state) {
  CARequest request{};
  request.Op = "set-provider-state";
  request.ProviderState = std::move(state);
  if (const auto applied = means_.apply(encode(std::move(request))); !applied) return applied.error();
  return {};
}

/// Old versions called it otherwise.
Result<> Provider::adopt_old_state() {
  const auto view = means_.view();
  if (catalog::ca_provider_state(view->tables(), id_)) return {};
  const std::string plain = config_.private_key + ',' + config_.root_cert;
  for (const std::string& old_id : {hash(plain + ',' + (is_primary_ ? "true" : "false")), plain}) {
    const CAConsulProviderState* old = catalog::ca_provider_state(view->tables(), old_id);
    if (!old) continue;
    CAConsulProviderState renamed = *old;
    renamed.ID = id_;
    if (Result<> set = set_state(std::move(renamed)); !set) return set;
    CARequest request{};
    request.Op = "delete-provider-state";
    request.ProviderState = *old;
    if (const auto applied = means_.apply(encode(std::move(request))); !applied) return applied.error();
    return {};
  }
  return {};
}

Result<std::uint64_t> Provider::next_serial() {
  CARequest request{};
  request.Op = "increment-provider-serial";
  const Result<catalog::ApplyResult> applied = means_.apply(encode(std::move(request)));
  const auto* serial = applied ? std::get_if<std::uint64_t>(&applied->value) : nullptr;
  if (serial) return *serial;
  const std::string why = applied ? "no number" : applied.error().detail;
  return {applied ? Errc::internal : applied.error().code, "error computing next serial number: " + why};
}

Result<std::string> Provider::make_root(const std::string& key) {
  const Result<std::uint64_t> serial = next_serial();
  if (!serial) return serial.error();
  const base::Time now = means_.clock->wall();
  Result<std::string> made = x509::make_root(key, authority_name(unique_name(), cluster_id_, is_primary_),
                                             SpiffeId{.kind = SpiffeId::Kind::signing, .host = domain()}.uri(),
                                             {*serial, now, now + config_.root_ttl});
  if (!made) return {made.error().code, "error generating CA: " + made.error().detail};
  return made;
}

Result<std::string> Provider::root() {
  if (!is_primary_) return {Errc::internal, "provider is not the root certificate authority"};
  CAConsulProviderState fresh = state();
  if (!fresh.RootCert.empty()) return fresh.RootCert;
  const auto failed = [](const base::Error& error) {
    return base::Error{error.code, "error generating CA root certificate: " + error.detail};
  };
  Result<std::string> key = config_.private_key;
  if (key->empty()) key = x509::generate_key(config_.private_key_type, config_.private_key_bits);
  if (!key) return failed(key.error());
  Result<std::string> root = config_.root_cert;
  // What is given must be what it is taken for before it goes into the state.
  if (root->empty()) {
    root = make_root(*key);
    if (!root) return failed(root.error());
  } else if (const auto signer = x509::Signer::create(*root, *key); !signer) {
    const std::string& why = signer.error().detail;
    return {Errc::internal, why.starts_with("error parsing CA cert: ") ? why.substr(23) : why};
  }
  fresh.PrivateKey = *key;
  fresh.RootCert = *root;
  if (Result<> set = set_state(std::move(fresh)); !set) return failed(set.error());
  return root;
}

Result<std::string> Provider::request_intermediate() {
  if (is_primary_) {
    return {Errc::internal, "provider is the root certificate authority, cannot generate an intermediate CSR"};
  }
  Result<std::string> key = x509::generate_key(config_.private_key_type, config_.private_key_bits);
  if (!key) return key;
  Result<std::string> request =
      x509::make_request(*key, {.uri = SpiffeId{.kind = SpiffeId::Kind::signing, .host = domain()}.uri()}, true);
  if (!request) return request;
  // The certificate that there is goes on counting until the new one comes; its key is kept for that long.
  pending_key_ = std::move(*key);
  return request;
}

Result<> Provider::set_intermediate(const std::string& intermediate, const std::string& root) {
  if (is_primary_) {
    return {Errc::internal, "cannot set an intermediate using another root in the primary datacenter"};
  }
  const Result<x509::Facts> facts = x509::read_certificate(intermediate);
  if (!facts) return {Errc::internal, "error parsing intermediate PEM: " + facts.error().detail};
  if (!facts->is_authority) return {Errc::internal, "intermediate is not a CA certificate"};
  if (facts->uris.size() != 1) {
    return {Errc::internal,
            "incoming intermediate cert has unexpected number of URIs: " + std::to_string(facts->uris.size())};
  }
  const std::string own = SpiffeId{.kind = SpiffeId::Kind::signing, .host = domain()}.uri();
  if (facts->uris[0] != own) {
    return {Errc::internal, "incoming cert URI \"" + facts->uris[0] + "\" does not match current URI: \"" + own + "\""};
  }
  if (Result<> verified = x509::verify_issued(intermediate, root); !verified) {
    return {Errc::internal, "could not verify intermediate cert against root: " + verified.error().detail};
  }
  const Result<bool> belongs = x509::belongs(intermediate, pending_key_);
  if (!belongs) return belongs.error();
  if (!*belongs) return {Errc::internal, "intermediate cert is for a different private key"};
  CAConsulProviderState fresh = state();
  fresh.PrivateKey = pending_key_;
  fresh.IntermediateCert = intermediate;
  fresh.RootCert = root;
  return set_state(std::move(fresh));
}

Result<std::string> Provider::sign_intermediate(const std::string& request) {
  const Result<x509::Asked> asked = x509::read_request(request);
  if (!asked) return asked.error();
  if (asked->uris.size() > 1) {
    return {Errc::internal, "incoming CSR has unexpected number of URIs: " + std::to_string(asked->uris.size())};
  }
  for (const std::string& uri : asked->uris) {
    const Result<SpiffeId> id = parse_spiffe(uri);
    if (!id) return id.error();
    if (!can_sign(domain(), *id)) {
      return {Errc::internal,
              "incoming CSR domain \"" + id->uri() + "\" is not valid for our domain \"spiffe://" + domain() + "\""};
    }
  }
  const auto signer = this->signer();
  if (!signer) return signer.error();
  const Result<std::uint64_t> serial = next_serial();
  if (!serial) return serial.error();
  return (*signer)->sign_intermediate(*asked, terms(*serial, means_.clock->wall(), config_.intermediate_ttl));
}

Result<std::string> Provider::cross_sign(const std::string& root) {
  if (config_.disable_cross_signing) return {Errc::internal, "cross-signing disabled"};
  const auto signer = this->signer();
  if (!signer) return signer.error();
  const Result<std::uint64_t> serial = next_serial();
  if (!serial) return serial.error();
  return (*signer)->cross_sign(root, terms(*serial, means_.clock->wall(), kCrossSigned));
}

Result<> Provider::forget() {
  CARequest request{};
  request.Op = "delete-provider-state";
  request.ProviderState = CAConsulProviderState{.ID = id_};
  if (const auto applied = means_.apply(encode(std::move(request))); !applied) return applied.error();
  return {};
}

std::string Provider::signing_certificate() const {
  CAConsulProviderState now = state();
  return is_primary_ ? now.RootCert : now.IntermediateCert;
}

Result<std::shared_ptr<const x509::Signer>> Provider::signer() const {
  const CAConsulProviderState now = state();
  if (now.PrivateKey.empty()) return {Errc::internal, "provider not initialized"};
  const std::lock_guard lock(mutex_);
  if (signer_ && signer_index_ == now.ModifyIndex) return signer_;
  auto read = x509::Signer::create(is_primary_ ? now.RootCert : now.IntermediateCert, now.PrivateKey);
  if (!read) return read;
  signer_ = *read;
  signer_index_ = now.ModifyIndex;
  return read;
}

}  // namespace proconsul::agent::mesh
