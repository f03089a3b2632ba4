#include "agent/checks/runner.h"

#include <algorithm>
#include <future>
#include <unordered_map>
#include <utility>

#include "agent/checks/probe.h"
#include "agent/checks/probes.h"
#include "agent/checks/process.h"
#include "agent/checks/schedule.h"
#include "agent/checks/thresholds.h"
#include "agent/local/rules.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/random.h"

namespace proconsul::agent::checks {

using base::net::Resolver;
namespace {

using base::net::Clock;
using base::net::Loop;

const base::log::Logger kLog("agent");

}  // namespace

std::unique_ptr<Probe> make_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                  Surroundings& surroundings, ProbeUser& user) {
  const std::string_view kind = local::check_type(check);
  if (kind == "http") return make_http_probe(check, output_max_size, surroundings, user);
  if (kind == "tcp") return make_tcp_probe(check, surroundings, user);
  if (kind == "udp") return make_udp_probe(check, surroundings, user);
  if (kind == "script") return make_script_probe(check, output_max_size, surroundings, user);
  if (kind == "docker") return make_docker_probe(check, output_max_size, surroundings, user);
  if (kind == "grpc") return make_grpc_probe(check, surroundings, user);
  if (kind == "h2ping") return make_h2ping_probe(check, surroundings, user);
  if (kind == "os_service") return make_os_service_probe(check, surroundings, user);
  return nullptr;
}

struct Runner::Impl {
  /// One check: its timer is armed between two runs.
  struct Check final : ProbeUser, base::net::Timer {
    Check(Impl& runner, std::string id, std::uint64_t number, const catalog::CheckType& check,
          std::size_t output_max_size)
        : runner_(runner),
          id_(std::move(id)),
          number_(number),
          interval_(check.Interval.nanoseconds),
          thresholds_(check.SuccessBeforePassing, check.FailuresBeforeWarning, check.FailuresBeforeCritical),
          probe_(make_probe(check, output_max_size, runner.surroundings, *this)) {
      const auto first = static_cast<std::int64_t>(
          base::system_random().below(static_cast<std::uint64_t>(std::max<std::int64_t>(1, interval_.count()))));
      if (probe_) arm(runner_.loop, together(Clock::now() + std::chrono::nanoseconds(first), interval_));
    }

    void on_timer() override { probe_->start(); }

    void result(std::string_view status, std::string output) override {
      const std::optional<std::string_view> next = thresholds_.next(status);
      if (!next) {
        const bool good = thresholds_.failures() == 0;
        kLog.warn(
            good ? "Check passed but has not reached success threshold"
                 : "Check failed but has not reached warning/failure threshold",
            {{"check", id_},
             {"status", status},
             {good ? "success_count" : "failure_count", good ? thresholds_.successes() : thresholds_.failures()}});
        return;
      }
      if (*next == catalog::kHealthCritical) {
        kLog.warn("Check is now critical", {{"check", id_}});
      } else if (status == catalog::kHealthCritical) {
        kLog.warn("Check is now warning", {{"check", id_}});
      } else if (base::log::Logger::enabled(base::log::Level::debug)) {
        kLog.debug("Check status updated", {{"check", id_}, {"status", *next}});
      }
      // Most runs find what the last one found: nobody needs to be woken for that.
      const std::size_t hash = std::hash<std::string_view>()(output);
      if (*next == reported_status_ && hash == reported_output_) return;
      reported_status_ = *next;
      reported_output_ = hash;
      runner_.report(id_, number_, *next, std::move(output));
    }

    void idle() override { arm(runner_.loop, together(Clock::now() + interval_, interval_)); }

    Impl& runner_;
    const std::string id_;
    const std::uint64_t number_;
    const std::chrono::nanoseconds interval_;
    Thresholds thresholds_;
    std::string reported_status_{};
    std::size_t reported_output_ = 0;  // its hash
    std::unique_ptr<Probe> probe_;
  };

  Impl(Options options, Report report_) : report(std::move(report_)) {
    surroundings.tls = std::move(options.tls);
    surroundings.docker_host = std::move(options.docker_host);
  }

  Report report;
  base::net::Loops loops{1};  // not those of the API: starting a program may take some time
  Loop& loop = loops[0];
  std::unique_ptr<Resolver> resolver = std::make_unique<Resolver>();
  Reaper reaper{loop};
  Surroundings surroundings{.loop = loop, .resolver = *resolver, .reaper = reaper};
  std::unordered_map<std::string, std::unique_ptr<Check>> checks{};  // the loop's own
  bool stopped = false;                                              // the owner's
};

Runner::Runner(Options options, Report report) : impl_(std::make_unique<Impl>(std::move(options), std::move(report))) {}

Runner::~Runner() {
  stop_all();
}

void Runner::start(std::string id, std::uint64_t number, catalog::CheckType check, std::size_t output_max_size) {
  impl_->loop.post(
      [impl = impl_.get(), id = std::move(id), number, check = std::move(check), output_max_size]() mutable {
        std::unique_ptr<Impl::Check>& place = impl->checks[id];
        place.reset();  // what it had under way ends before the new one begins
        place = std::make_unique<Impl::Check>(*impl, std::move(id), number, check, output_max_size);
      });
}

void Runner::stop(std::string id) {
  impl_->loop.post([impl = impl_.get(), id = std::move(id)] { impl->checks.erase(id); });
}

void Runner::stop_all() {
  if (std::exchange(impl_->stopped, true)) return;
  std::promise<void> ended;
  impl_->loop.post([this, &ended] {
    impl_->checks.clear();
    ended.set_value();
  });
  ended.get_future().wait();
  impl_->resolver.reset();
  impl_->loops.stop();
}

}  // namespace proconsul::agent::checks
