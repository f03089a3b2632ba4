// gRPC's health service, and pings of HTTP/2 itself; both with and without TLS.
#include <algorithm>
#include <memory>

#include "agent/checks/grpc_answer.h"
#include "agent/checks/h2_session.h"
#include "agent/checks/probes.h"
#include "base/quote.h"

namespace proconsul::agent::checks {

using base::net::Endpoint;
namespace {

using base::net::Clock;

Clock::duration timeout_of(const catalog::CheckType& check) {
  return std::chrono::nanoseconds((check.Timeout.nanoseconds > 0 ? check.Timeout : kDefaultTimeout).nanoseconds);
}

/// What both do: one session per run, within a time.
class H2Probe : public Probe, protected H2Session::User, private base::net::Timer {
 public:
  H2Probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user, std::string address,
          bool use_tls)
      : Probe(user), surroundings_(surroundings), timeout_(timeout_of(check)) {
    endpoint_.address = std::move(address);
    if (!use_tls) return;
    endpoint_.tls = surroundings.tls;
    endpoint_.peer = {.name = check.TLSServerName, .verify = !check.TLSSkipVerify, .protocols = "\x02h2"};
  }

  void start() override {
    const Clock::time_point deadline = Clock::now() + timeout_;
    session_ = std::make_unique<H2Session>(surroundings_.loop, surroundings_.resolver, endpoint_,
                                           static_cast<H2Session::User&>(*this));
    arm(surroundings_.loop, deadline);
    session_->open(deadline);
  }

 protected:
  void end(std::string_view status, std::string output) {
    cancel();
    session_.reset();
    finish(status, std::move(output));
  }
  virtual void timed_out() = 0;

  Surroundings& surroundings_;
  const Clock::duration timeout_;
  Endpoint endpoint_{};
  std::unique_ptr<H2Session> session_{};

 private:
  void on_timer() final { timed_out(); }
};

class H2PingProbe final : public H2Probe {
 public:
  H2PingProbe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user)
      : H2Probe(check, surroundings, user, check.H2PING, check.H2PingUseTLS) {}

 private:
  void connected() override {
    session_->codec().ping();
    session_->flush();
  }
  void progressed() override {
    if (session_->codec().has_pong()) end(catalog::kHealthPassing, "HTTP2 ping was successful");
  }
  void ended(const std::string& reason) override { fail(reason); }
  void timed_out() override {
    fail(session_->was_open() ? "context deadline exceeded" : "dial tcp " + endpoint_.address + ": i/o timeout");
  }
  void fail(const std::string& reason) {
    end(catalog::kHealthCritical, session_->was_open() ? "HTTP2 ping failed: " + reason
                                                       : "Failed to dial to " + endpoint_.address + ": " + reason);
  }
};

class GrpcProbe final : public H2Probe {
 public:
  GrpcProbe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user)
      : H2Probe(check, surroundings, user, address_of(target_of(check)), check.GRPCUseTLS),
        target_(target_of(check)),
        authority_(check.GRPCUseTLS && !check.TLSServerName.empty() ? check.TLSServerName : endpoint_.address) {
    if (const std::size_t slash = check.GRPC.find('/'); slash != std::string::npos) {
      service_ = check.GRPC.substr(slash + 1);
    }
  }

 private:
  static const std::string& target_of(const catalog::CheckType& check) {
    return check.ProxyGRPC.empty() ? check.GRPC : check.ProxyGRPC;
  }
  static std::string address_of(const std::string& target) { return target.substr(0, target.find('/')); }

  void connected() override {
    const std::int64_t milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count();
    session_->codec().request(
        {{":method", "POST"},
         {":scheme", endpoint_.tls ? "https" : "http"},
         {":path", "/grpc.health.v1.Health/Check"},
         {":authority", authority_},
         {"content-type", "application/grpc"},
         {"user-agent", "grpc-proconsul"},
         {"te", "trailers"},
         {"grpc-timeout", std::to_string(std::clamp<std::int64_t>(milliseconds, 1, 99'999'999)) + 'm'}},
        health_request(service_));
    session_->flush();
  }
  void progressed() override {
    if (!session_->codec().answer().closed) return;
    const base::Result<std::string> status = health_status(session_->codec().answer());
    if (!status) return end(catalog::kHealthCritical, status.error().detail);
    if (*status == "SERVING") return end(catalog::kHealthPassing, "gRPC check " + target_ + ": success");
    end(catalog::kHealthCritical, "gRPC " + target_ + " serving status: " + *status);
  }
  void ended(const std::string& reason) override {
    std::string why;
    if (!session_->was_open()) {
      why = reason.starts_with("dial ") ? "transport: Error while dialing: " + reason
                                        : "transport: authentication handshake failed: " + reason;
    } else if (!session_->codec().has_settings()) {
      why = "error reading server preface: " + reason;
    } else {
      return end(catalog::kHealthCritical, rpc_error("Unavailable", "error reading from server: " + reason));
    }
    end(catalog::kHealthCritical, rpc_error("Unavailable", "connection error: desc = " + base::quote(why)));
  }
  void timed_out() override {
    end(catalog::kHealthCritical, rpc_error("DeadlineExceeded", "context deadline exceeded"));
  }

  const std::string target_;
  const std::string authority_;
  std::string service_{};
};

}  // namespace

std::unique_ptr<Probe> make_grpc_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<GrpcProbe>(check, surroundings, user);
}
std::unique_ptr<Probe> make_h2ping_probe(const catalog::CheckType& check, Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<H2PingProbe>(check, surroundings, user);
}

}  // namespace proconsul::agent::checks
