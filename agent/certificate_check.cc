#include "agent/certificate_check.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/telemetry/certificate_expiry.h"
#include "base/log.h"
#include "catalog/types/health.h"

namespace proconsul::agent {
namespace {

using Time = std::chrono::system_clock::time_point;
constexpr std::string_view kCheckID = "agent-certificates";
constexpr std::chrono::minutes kInterval{1};
constexpr base::Duration kTtl = base::seconds(24 * 3600);
const base::log::Logger kLog("agent");

int rank(std::string_view status) {
  return status == catalog::kHealthCritical ? 2 : status == catalog::kHealthWarning ? 1 : 0;
}

std::string_view status_of(std::chrono::seconds left, const config::CertificateExpiryCheck& rules) {
  const auto is_less = [left](base::Duration than) {
    return left < std::chrono::ceil<std::chrono::seconds>(std::chrono::nanoseconds(than.nanoseconds));
  };
  if (rules.critical.nanoseconds > 0 && is_less(rules.critical)) return catalog::kHealthCritical;
  return is_less(rules.warning) ? catalog::kHealthWarning : catalog::kHealthPassing;
}

}  // namespace

CertificateState certificate_state(const std::vector<std::string>& files, const config::CertificateExpiryCheck& rules,
                                   Time now) {
  CertificateState state{.status = std::string(catalog::kHealthPassing)};
  for (const std::string& file : files) {
    const std::optional<Validity> validity = validity_of(file);
    std::string_view status = catalog::kHealthWarning;
    std::string line = file + ": cannot be read";
    if (validity) {
      const std::chrono::seconds left = validity->not_after - std::chrono::floor<std::chrono::seconds>(now);
      status = status_of(left, rules);
      const auto days = std::chrono::floor<std::chrono::days>(left).count();
      line = file + ": " +
             (days >= 0 ? std::to_string(days) + " days left" : "over for " + std::to_string(-days) + " days");
    }
    if (rank(status) > rank(state.status)) state.status = status;
    state.output += (state.output.empty() ? "" : "\n") + line;
  }
  return state;
}

std::vector<std::string> certificate_files(const config::Config& config) {
  std::vector<std::string> files;
  for (const auto* tls : {&config.tls.internal_rpc, &config.tls.https, &config.tls.grpc}) {
    if (!tls->cert_file.empty() && std::ranges::find(files, tls->cert_file) == files.end()) {
      files.push_back(tls->cert_file);
    }
  }
  return files;
}

class CertificateCheck::Cycle final : public base::net::Timer, public std::enable_shared_from_this<Cycle> {
 public:
  Cycle(base::net::Loop& loop, base::Background& background, local::LocalAgent& local, const config::Config& config,
        config::CertificateExpiryCheck rules, std::function<std::string()> token)
      : loop_(loop),
        background_(background),
        local_(local),
        rules_(rules),
        token_(std::move(token)),
        files_(certificate_files(config)) {}
  void begin() { on_timer(); }
  void end() { cancel(); }

 private:
  void on_timer() override {
    background_.run([self = shared_from_this()] { self->look(); });
    arm(loop_, base::net::Clock::now() + kInterval);
  }

  /// On a thread that may wait. A reload of the configuration takes away what it does not define: it comes back here.
  void look() {
    CertificateState state = certificate_state(files_, rules_, std::chrono::system_clock::now());
    std::string token = token_();
    if (!local_.check(kCheckID) || token != registered_with_) {
      local::CheckRegistration registration{.token = token, .source = local::Source::file};
      registered_with_ = std::move(token);
      registration.check.CheckID = kCheckID;
      registration.check.Name = "Agent Certificate Expiry";
      registration.check.Notes = "How long the certificates of this agent still hold (certificate_expiry_check).";
      registration.check.Status = state.status;
      registration.check.Type = "ttl";
      registration.type.emplace().TTL = kTtl;
      local_.add_check(std::move(registration), [](const base::Result<>& added) { complain(added); });
    }
    local_.update_ttl(std::string(kCheckID), std::move(state.status), std::move(state.output),
                      [](const base::Result<>& told) { complain(told); });
  }
  static void complain(const base::Result<>& done) {
    if (!done) kLog.warn("the check of the agent's certificates was not written", {{"error", done.error()}});
  }

  base::net::Loop& loop_;
  base::Background& background_;
  local::LocalAgent& local_;
  const config::CertificateExpiryCheck rules_;
  const std::function<std::string()> token_;
  const std::vector<std::string> files_;
  std::string registered_with_{};  // by the one look that there is at a time
};

CertificateCheck::CertificateCheck(base::net::Loop& loop, base::Background& background, local::LocalAgent& local,
                                   const config::Config& config, config::CertificateExpiryCheck rules,
                                   std::function<std::string()> token)
    : loop_(loop), cycle_(std::make_shared<Cycle>(loop, background, local, config, rules, std::move(token))) {
  loop_.run([this] { cycle_->begin(); });
}

CertificateCheck::~CertificateCheck() {
  loop_.run([this] { cycle_->end(); });
}

}  // namespace proconsul::agent
