#include "agent/process.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <atomic>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "agent/agent.h"
#include "agent/auto_config/authorizer.h"
#include "agent/auto_config/client.h"
#include "agent/config/flags.h"
#include "agent/config/load.h"
#include "agent/resident_pages.h"
#include "agent/service_manager.h"
#include "agent/telemetry/push.h"
#include "agent/telemetry/telemetry.h"
#include "agent/version.h"
#include "base/log.h"
#include "base/metrics.h"

namespace proconsul::agent {
namespace {

using base::Result;

constexpr int kLeaveTimeoutMilliseconds = 15'000;
const base::log::Logger kLog("agent");

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int refuse(const std::string& why) {
  std::fprintf(stderr, "==> %s\n", why.c_str());
  return 1;
}

/// Signals that arrive as a readable descriptor, and a bell that other threads may ring.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    signals_ = signalfd(-1, &set, SFD_CLOEXEC);
    bell_ = eventfd(0, EFD_CLOEXEC);
  }
  ~Signals() {
    close(signals_);
    close(bell_);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(bell_, &one, sizeof one);
  }
  /// The next signal; 0 for the bell, nothing after `timeout` milliseconds (-1: none).
  std::optional<int> wait(int timeout) const {
    pollfd ready[] = {{signals_, POLLIN, 0}, {bell_, POLLIN, 0}};
    if (poll(ready, 2, timeout) <= 0) return std::nullopt;
    if (ready[0].revents != 0) {
      signalfd_siginfo info{};
      if (read(signals_, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
    }
    std::uint64_t rung = 0;  // read away: the next wait is for another ring
    if (ready[1].revents != 0 && read(bell_, &rung, sizeof rung) == sizeof rung) return 0;
    return std::nullopt;
  }

 private:
  int signals_ = -1;
  int bell_ = -1;
};

const char* yes(bool truth) {
  return truth ? "true" : "false";
}

void print_banner(const Agent& agent) {
  const config::Config& config = agent.config();
  std::string clients;
  for (const config::Ip& ip : config.client_addrs) clients += (clients.empty() ? "" : " ") + ip.to_string();
  const auto number = [](const auto& port) { return std::to_string(static_cast<long>(port)); };
  say("==> Starting Consul agent...");
  say("               Version: '" + std::string(kConsulVersion) + "' (" + std::string(kBuildName) + " " +
      std::string(kBuildVersion) + ")");
  say("               Node ID: '" + agent.node_id() + "'");
  say("             Node name: '" + config.node_name + "'");
  say("            Datacenter: '" + config.datacenter + "' (Segment: '" + (config.server_mode ? "<all>" : "") + "')");
  say(std::string("                Server: ") + yes(config.server_mode) + " (Bootstrap: " + yes(config.bootstrap) +
      ")");
  say("           Client Addr: [" + clients + "] (HTTP: " + number(config.http_port) +
      ", HTTPS: " + number(config.https_port) + ", gRPC: " + number(config.grpc_port) +
      ", gRPC-TLS: " + number(config.grpc_tls_port) + ", DNS: " + number(config.dns_port) + ")");
  say("          Cluster Addr: " + config.advertise_addr_lan.to_string() + " (LAN: " + number(config.serf_port_lan) +
      ", WAN: " + number(config.serf_port_wan) + ")");
  say(std::string("           ACL Enabled: ") + yes(config.acls_enabled));
  say("\n==> Log data will now stream in as it occurs:\n");
}

Result<base::log::Options> log_options(const config::Logging& logging) {
  base::log::Options options;
  const Result<base::log::Level> level = base::log::parse_level(logging.level);
  if (!level) return level.error();
  options.level = *level;
  options.json = logging.json;
  options.file = logging.file;
  options.rotate_after = std::chrono::nanoseconds(logging.rotate_duration.nanoseconds);
  options.rotate_bytes = logging.rotate_bytes;
  options.rotate_files = logging.rotate_max_files;
  options.syslog = logging.syslog;
  options.syslog_facility = logging.syslog_facility;
  return options;
}

/// Removed when the agent ends in an orderly way.
class PidFile {
 public:
  static Result<PidFile> write(const std::string& path) {
    if (path.empty()) return PidFile({});
    std::ofstream out(path, std::ios::trunc);
    out << getpid();
    out.flush();
    if (!out) return {base::Errc::internal, "Could not write pid file " + path + ": " + std::strerror(errno)};
    return PidFile(path);
  }
  ~PidFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

int leave(Agent& agent, const Signals& signals) {
  kLog.info("Gracefully shutting down agent...");
  std::future<Result<>> left = std::async(std::launch::async, [&] {
    Result<> result = agent.leave();
    signals.ring();
    return result;
  });
  const std::optional<int> event = signals.wait(kLeaveTimeoutMilliseconds);
  if (event != 0) {
    kLog.info(event ? "Caught second signal, Exiting" : "Timeout on graceful leave. Exiting");
    std::fflush(nullptr);
    _exit(1);  // the future would wait for what does not end
  }
  if (const Result<> result = left.get(); !result) {
    kLog.error("Error on leave", {{"error", result.error()}});
    return 1;
  }
  kLog.info("Graceful exit completed");
  return 0;
}

int serve(Agent& agent, const Signals& signals, const ServiceManager& manager) {
  const int patience = manager.watchdog() ? static_cast<int>(manager.watchdog()->count()) : -1;
  for (;;) {
    const std::optional<int> event = signals.wait(patience);
    if (patience >= 0 && agent.responsive()) manager.alive();
    if (!event) continue;
    if (*event == 0) return 0;  // left by request of the API
    if (*event == SIGUSR1) {
      const std::string dump = base::metrics::to_dump();
      std::fwrite(dump.data(), 1, dump.size(), stderr);
      continue;
    }
    if (*event == SIGHUP) {
      kLog.info("Caught", {{"signal", "hangup"}});
      manager.reloading();
      if (const Result<> reloaded = agent.reload(); !reloaded) {
        kLog.error("Reload config failed", {{"error", reloaded.error()}});
      }
      manager.ready();
      continue;
    }
    manager.stopping();
    kLog.info("Caught", {{"signal", *event == SIGINT ? "interrupt" : "terminated"}});
    const config::Config& config = agent.config();
    const bool graceful = *event == SIGINT ? !config.skip_leave_on_interrupt : config.leave_on_terminate;
    if (graceful) return leave(agent, signals);
    kLog.info("Graceful shutdown disabled. Exiting");
    return 1;
  }
}

/// The configuration with what servers say, who are asked until one answers or a signal ends it.
Result<config::Loaded> introduced(const config::Config& config, config::LoadOptions& options, const Signals& signals) {
  std::stop_source over;
  std::future<Result<config::Loaded>> whole = std::async(std::launch::async, [&] {
    Result<config::Loaded> result = auto_config::introduce(config, options, over.get_token());
    signals.ring();
    return result;
  });
  for (;;) {
    const std::optional<int> event = signals.wait(-1);
    if (event == 0) return whole.get();
    if (event == SIGINT || event == SIGTERM) over.request_stop();
  }
}

/// The mesh gateway's connections may go on for a while; whoever sends another signal has waited enough.
void stop(Agent& agent, const Signals& signals) {
  std::atomic<bool> stopped{false};
  std::thread impatience([&] {
    while (!stopped) {
      const std::optional<int> event = signals.wait(-1);
      if (event != SIGINT && event != SIGTERM) continue;
      kLog.info("Caught second signal: waiting for no connections");
      agent.hurry();
    }
  });
  agent.stop();
  stopped = true;
  signals.ring();
  impatience.join();
}

}  // namespace

int run_agent(std::span<const std::string> arguments) {
  const Signals signals;
  Result<config::LoadOptions> options = config::parse_agent_flags(arguments);
  if (!options) return refuse(options.error().detail);
  Result<config::Loaded> loaded = config::load(*options);
  if (!loaded) return refuse(loaded.error().detail);
  if (const Result<> sound = auto_config::check_authorizer(loaded->config); !sound) {
    return refuse(sound.error().detail);
  }
  if (const std::vector<std::string> missing = config::not_built(*loaded); !missing.empty()) {
    std::string text = "This build cannot start with this configuration:";
    for (const std::string& sentence : missing) text += "\n    " + sentence;
    return refuse(text);
  }
  const Result<base::log::Options> logging = log_options(loaded->config.logging);
  if (!logging) return refuse(logging.error().detail);
  if (const Result<> logs = base::log::configure(*logging); !logs) return refuse(logs.error().detail);
  const ServiceManager manager;
  base::metrics::configure(metrics_options(loaded->config));
  const Result<std::unique_ptr<MetricsPush>> push = MetricsPush::start(push_options(loaded->config));
  if (!push) return refuse(push.error().detail);
  const Result<PidFile> pid_file = PidFile::write(loaded->config.pid_file);
  if (!pid_file) return refuse(pid_file.error().detail);
  for (const std::string& warning : loaded->warnings) kLog.warn(warning);
  for (const std::string& sentence : config::without_effect(*loaded)) kLog.warn(sentence);

  if (loaded->config.auto_config.enabled) {
    loaded = introduced(loaded->config, *options, signals);
    if (!loaded) {
      kLog.error("Error starting agent", {{"error", loaded.error()}});
      return 1;
    }
  }

  std::atomic<bool> failed{false};
  Agent::Events events;
  events.left = [&signals] { signals.ring(); };
  events.failed = [&signals, &failed] {
    failed = true;
    signals.ring();
  };
  Result<std::unique_ptr<Agent>> agent = Agent::start(std::move(*loaded), *options, std::move(events));
  if (!agent) {
    kLog.error("Error starting agent", {{"error", agent.error()}});
    return 1;
  }
  if (!logging->json) print_banner(**agent);  // who reads JSON reads nothing else
  kLog.info("Consul agent running!");
  manager.ready();
  drop_start_pages();
  const int code = serve(**agent, signals, manager);
  manager.stopping();
  stop(**agent, signals);
  return failed ? 1 : code;
}

}  // namespace proconsul::agent
