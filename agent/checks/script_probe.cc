// What runs a program. Scripts: exit code 0 is passing, 1 is warning, everything else critical. Services of the
// operating system: systemctl is asked, which speaks to systemd over D-Bus; nobody has many such checks.
#include <sys/wait.h>

#include <functional>
#include <memory>

#include "agent/checks/os_service.h"
#include "agent/checks/probes.h"
#include "agent/checks/process.h"
#include "base/output_tail.h"

namespace proconsul::agent::checks {

using base::OutputTail;
namespace {

constexpr std::size_t kLongestUnitState = 4096;  // bytes of what systemctl prints

struct Verdict {
  std::string status{};
  std::string output{};
};

class ProgramProbe final : public Probe, Process::User, base::net::Timer {
 public:
  /// `judge` gets wait()'s status and what was put out.
  using Judge = std::function<Verdict(int status, const OutputTail& output)>;

  ProgramProbe(std::vector<std::string> arguments, base::Duration timeout, std::size_t output_max_size, Judge judge,
               Surroundings& surroundings, ProbeUser& user)
      : Probe(user),
        surroundings_(surroundings),
        arguments_(std::move(arguments)),
        timeout_(timeout.nanoseconds > 0 ? timeout : kDefaultScriptTimeout),
        judge_(std::move(judge)),
        output_(output_max_size) {}

  void start() override {
    output_.clear();
    timed_out_ = false;
    base::Result<std::unique_ptr<Process>> started =
        Process::start(arguments_, surroundings_.loop, surroundings_.reaper, *this);
    if (!started) return finish(catalog::kHealthCritical, started.error().detail);
    process_ = std::move(*started);
    arm(surroundings_.loop, base::net::Clock::now() + std::chrono::nanoseconds(timeout_.nanoseconds));
  }

 private:
  void output(std::string_view data) override { output_.append(data); }

  void exited(int status) override {
    cancel();
    process_.reset();
    if (timed_out_) return user_.idle();
    Verdict verdict = judge_(status, output_);
    finish(verdict.status, std::move(verdict.output));
  }

  void on_timer() override {
    timed_out_ = true;
    std::string text = "Timed out (" + base::to_string(timeout_) + ") running check";
    if (output_.total() > 0) text += "\n\n" + output_.captured();
    user_.result(catalog::kHealthCritical, std::move(text));
    // The run is over when the program is gone: two must never run at once.
    process_->kill();
  }

  Surroundings& surroundings_;
  const std::vector<std::string> arguments_;
  const base::Duration timeout_;
  const Judge judge_;
  OutputTail output_;
  std::unique_ptr<Process> process_{};
  bool timed_out_ = false;
};

Verdict judge_script(int status, const OutputTail& output) {
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return {std::string(code == 0   ? catalog::kHealthPassing
                      : code == 1 ? catalog::kHealthWarning
                                  : catalog::kHealthCritical),
          output.captured()};
}

}  // namespace

std::unique_ptr<Probe> make_script_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                         Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<ProgramProbe>(std::vector(check.ScriptArgs.begin(), check.ScriptArgs.end()), check.Timeout,
                                        output_max_size, judge_script, surroundings, user);
}

std::unique_ptr<Probe> make_os_service_probe(const catalog::CheckType& check, Surroundings& surroundings,
                                             ProbeUser& user) {
  const auto judge = [unit = check.OSService](int status, const OutputTail& output) -> Verdict {
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {std::string(catalog::kHealthCritical), output.text()};
    UnitHealth health = unit_health(unit, output.text());
    return {std::move(health.status), std::move(health.output)};
  };
  return std::make_unique<ProgramProbe>(unit_state_command(check.OSService), check.Timeout, kLongestUnitState, judge,
                                        surroundings, user);
}

}  // namespace proconsul::agent::checks
