#include "agent/mesh/auto_encrypt.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <utility>

#include "agent/mesh/roots.h"
#include "agent/mesh/spiffe.h"
#include "agent/rpc/direct_call.h"
#include "agent/x509/certificate.h"
#include "base/clock.h"
#include "base/random.h"

namespace proconsul::agent::mesh {

using base::Errc;
using base::Error;
using base::Result;

namespace {

/// Servers put the right one in its place: it is not known before there is a certificate.
constexpr const char* kUnknownDomain = "unknown";
constexpr std::chrono::milliseconds kFirstRetry{1000};
constexpr std::chrono::milliseconds kLastRetry{60'000};

std::chrono::milliseconds retry_after(unsigned failures) {
  const auto wait = std::min(kLastRetry, kFirstRetry * (1 << std::min(failures, 8u)));
  return wait + std::chrono::milliseconds(base::system_random().below(static_cast<std::uint64_t>(wait.count())));
}

bool is_over_now(const std::string& certificate) {
  const Result<x509::Facts> facts = x509::read_certificate(certificate);
  return !facts || facts->not_after <= base::system_clock().wall();
}

std::vector<std::string> with_local(std::vector<std::string> local, const std::vector<std::string>& more) {
  local.insert(local.end(), more.begin(), more.end());
  return local;
}

std::vector<std::string> dns_names(const AutoEncrypt::Settings& settings) {
  return with_local({"localhost"}, settings.dns_names);
}
std::vector<std::string> ip_addresses(const AutoEncrypt::Settings& settings) {
  return with_local({"127.0.0.1", "::1"}, settings.ip_addresses);
}

}  // namespace

Result<FirstRequest> first_request(const AutoEncrypt::Settings& settings) {
  Result<std::string> key = x509::generate_key(settings.key_type, settings.key_bits);
  if (!key) return Error{key.error().code, "Failed to generate private key: " + key.error().detail};
  const SpiffeId id{
      .kind = SpiffeId::Kind::agent, .host = kUnknownDomain, .datacenter = settings.datacenter, .name = settings.node};
  Result<std::string> request = x509::make_request(
      *key, {.uri = id.uri(), .dns_names = dns_names(settings), .ip_addresses = ip_addresses(settings)}, false);
  if (!request) return request.error();
  return FirstRequest{std::move(*key), std::move(*request)};
}

AutoEncrypt::AutoEncrypt(base::net::Loops& loops, Settings settings, Means means)
    : loops_(loops), settings_(std::move(settings)), means_(std::move(means)), first_(settings_.first) {}

AutoEncrypt::~AutoEncrypt() {
  stop();
}

LeafCerts::Wanted AutoEncrypt::wanted() const {
  LeafCerts::Wanted wanted{.datacenter = settings_.datacenter, .token = means_.token(), .agent = settings_.node};
  wanted.dns_names = dns_names(settings_);
  wanted.ip_addresses = ip_addresses(settings_);
  return wanted;
}

void AutoEncrypt::start(LeafCerts& leafs) {
  leafs_ = &leafs;
  thread_ = std::jthread([this](const std::stop_token& over) { run(over); });
}

void AutoEncrypt::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    *alive_ = false;
  }
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (leafs_) leafs_->settle();
}

/// Until there is a certificate.
void AutoEncrypt::run(const std::stop_token& over) {
  if (std::optional<rpc::SignedResponse> first = std::exchange(first_, std::nullopt)) {
    if (!is_over_now(first->IssuedCert.CertPEM)) return use_first(std::move(*first));
    log_.warn("agent's client certificate has expired");
  }
  std::mutex mutex;
  std::condition_variable_any waits;
  for (unsigned failures = 0; !over.stop_requested(); ++failures) {
    Result<rpc::SignedResponse> response = ask_once(over);
    if (response) return use_first(std::move(*response));
    if (over.stop_requested()) return;
    log_.error(response.error().detail);
    std::unique_lock lock(mutex);
    waits.wait_for(lock, over, retry_after(failures), [] { return false; });
  }
}

Result<rpc::SignedResponse> AutoEncrypt::ask_once(const std::stop_token& over) {
  return means_.introduce ? means_.introduce(over) : sign_once(over);
}

Result<rpc::SignedResponse> AutoEncrypt::sign_once(const std::stop_token& over) {
  Result<FirstRequest> wanted = first_request(settings_);
  if (!wanted) return wanted.error();
  const rpc::Method& method = *rpc::find_method("AutoEncrypt.Sign");
  const std::vector<std::string> servers = means_.servers();
  if (servers.empty()) return {Errc::unavailable, "no auto-encrypt server addresses available for use"};
  for (const std::string& address : servers) {
    if (over.stop_requested()) break;
    using Call = rpc::TypedInvocation<rpc::CASignRequest, rpc::SignedResponse>;
    const auto call = std::static_pointer_cast<Call>(method.make());
    call->request.Token = means_.token();
    call->request.Datacenter = settings_.datacenter;
    call->request.CSR = wanted->request;
    log_.debug("making AutoEncrypt.Sign RPC", {{"addr", address}});
    Result<base::net::Destination> server = means_.insecure(address);
    const Result<> answered =
        server ? rpc::call_directly(loops_.next(), std::move(*server), method, call, over) : Result<>(server.error());
    if (answered) {
      call->reply.IssuedCert.PrivateKeyPEM = std::move(wanted->key);
      return std::move(call->reply);
    }
    log_.error("AutoEncrypt.Sign RPC failed", {{"addr", address}, {"error", answered.error()}});
  }
  return {Errc::unavailable, "No servers successfully responded to the auto-encrypt request"};
}

void AutoEncrypt::use_first(rpc::SignedResponse response) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    manual_roots_.clear();
    for (const std::string& root : response.ManualCARoots) {
      manual_roots_ += root;
      if (!manual_roots_.ends_with('\n')) manual_roots_ += '\n';
    }
  }
  change([&](AutoTls& tls) {
    tls.certificate = response.IssuedCert.CertPEM;
    tls.key = response.IssuedCert.PrivateKeyPEM;
    tls.authorities = manual_roots_ + text_of(response.ConnectCARoots);
    tls.verify_server_hostname = response.VerifyServerHostname;
  });
  const std::uint64_t index = response.IssuedCert.ModifyIndex;
  leafs_->begin_with(wanted(), std::move(response.IssuedCert), std::move(response.ConnectCARoots));
  log_.info("automatically upgraded to TLS");
  means_.certified();
  leafs_->follow_roots([this, alive = alive_](const std::shared_ptr<const rpc::IndexedCARoots>& roots) {
    if (!*alive) return;
    change([&](AutoTls& tls) { tls.authorities = manual_roots_ + text_of(*roots); });
    if (means_.keep_roots) means_.keep_roots(*roots);
  });
  follow(index);
}

void AutoEncrypt::follow(std::uint64_t index) {
  leafs_->get(wanted(), {.after = index}, [this, alive = alive_](const LeafCerts::Found& found) {
    if (*alive) renewed(found);
  });
}

/// On the loop of the certificates.
void AutoEncrypt::renewed(const LeafCerts::Found& found) {
  if (!found.certificate) {
    log_.warn("failed to renew the agent's certificate, will retry", {{"error", found.certificate.error()}});
    if (is_over()) return start_anew();
    base::net::Loop::current().after(retry_after(failures_++), [this, alive = alive_] {
      if (*alive) follow(1);
    });
    return;
  }
  failures_ = 0;
  const rpc::IssuedCert& certificate = **found.certificate;
  change([&](AutoTls& tls) {
    tls.certificate = certificate.CertPEM;
    tls.key = certificate.PrivateKeyPEM;
  });
  if (means_.keep_certificate) means_.keep_certificate(certificate);
  follow(certificate.ModifyIndex);
}

/// Whether the servers take the certificate no longer.
bool AutoEncrypt::is_over() {
  const std::lock_guard lock(mutex_);
  return is_over_now(tls_.certificate);
}

/// As in the beginning; the thread of then has ended.
void AutoEncrypt::start_anew() {
  const std::lock_guard lock(mutex_);
  if (!stopped_) thread_ = std::jthread([this](const std::stop_token& over) { run(over); });
}

void AutoEncrypt::change(const std::function<void(AutoTls&)>& how) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  AutoTls fresh = tls_;
  how(fresh);
  if (fresh == tls_) return;
  if (const Result<> used = means_.use(fresh); !used) {
    log_.error("failed to update the agent leaf cert", {{"error", used.error()}});
    return;
  }
  tls_ = std::move(fresh);
}

}  // namespace proconsul::agent::mesh
