#include "agent/telemetry/certificate_expiry.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <utility>

namespace proconsul::agent {
namespace {

std::optional<std::chrono::sys_seconds> time_of(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

std::chrono::sys_seconds now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

std::optional<Validity> validity_of(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "r"), &std::fclose);
  if (!file) return std::nullopt;
  const std::unique_ptr<X509, decltype(&X509_free)> cert(PEM_read_X509(file.get(), nullptr, nullptr, nullptr),
                                                         &X509_free);
  if (!cert) return std::nullopt;
  const auto from = time_of(X509_get0_notBefore(cert.get()));
  const auto to = time_of(X509_get0_notAfter(cert.get()));
  if (!from || !to) return std::nullopt;
  return Validity{*from, *to};
}

CertificateExpiry::CertificateExpiry(std::string cert_file, const std::string& node)
    : cert_file_(std::move(cert_file)),
      seconds_(base::metrics::gauge("agent.tls.cert.expiry", {{"node", node}},
                                    "Seconds until the agent's certificate is not valid any more.")) {}

void CertificateExpiry::read() {
  const auto now = std::chrono::steady_clock::now();
  if (!read_at_ || now - *read_at_ >= std::chrono::hours(1)) {
    read_at_ = now;
    read_file();
  }
  if (!not_after_) return seconds_.clear();
  seconds_.set(static_cast<double>((*not_after_ - now_in_seconds()).count()));
}

void CertificateExpiry::read_file() {
  not_after_.reset();
  const std::optional<Validity> validity = validity_of(cert_file_);
  if (!validity) {
    log_.warn("failed to emit certificate expiry metric", {{"metric", "agent.tls.cert.expiry"}, {"file", cert_file_}});
    return;
  }
  not_after_ = validity->not_after;
  const auto left = validity->not_after - now_in_seconds();
  const auto lifetime = validity->not_after - validity->not_before;
  if (left > std::min<std::chrono::seconds>(std::chrono::days(28), lifetime / 10 * 4)) return;
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(left).count();
  log_.warn("agent TLS certificate will expire soon",
            {{"time_to_expiry", std::to_string(hours) + "h"},
             {"suggested_action", "manually rotate this agent's certificate"}});
}

}  // namespace proconsul::agent
