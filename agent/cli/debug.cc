// debug.

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/debug_archive.h"
#include "agent/cli/files.h"
#include "agent/cli/raft_peers.h"
#include "agent/cli/signals.h"
#include "agent/cli/text.h"
#include "base/value.h"

namespace proconsul::agent::cli {

/// index.json of an archive.
struct DebugIndex {
  base::Int Version{1};
  std::string AgentVersion{};
  std::string Interval{};
  std::string Duration{};
  base::List<std::string> Targets{};
};
PROCONSUL_DECLARE_TYPE(DebugIndex)

PROCONSUL_DESCRIBE_TYPE(DebugIndex, "debug.debugIndex") {
  type.field("Version", &DebugIndex::Version);
  type.field("AgentVersion", &DebugIndex::AgentVersion);
  type.field("Interval", &DebugIndex::Interval);
  type.field("Duration", &DebugIndex::Duration);
  type.field("Targets", &DebugIndex::Targets);
}

namespace {

using base::Errc;
using base::Result;
using base::Value;

constexpr std::string_view kTargets[] = {"metrics", "logs", "pprof", "host", "agent", "members"};
constexpr std::string_view kCluster = "cluster";  // the former name of members
constexpr base::Duration kLeastDuration = base::seconds(10);
constexpr base::Duration kLeastInterval = base::seconds(5);
constexpr base::Duration kGrace = base::seconds(2);  // so that the last interval fits in

constexpr Flag kDebugFlags[] = {
    {.name = "archive",
     .kind = FlagKind::boolean,
     .help = "Pack the result; -archive=false leaves the folder.",
     .default_value = "true"},
    {.name = "capture",
     .kind = FlagKind::list,
     .help = "What to collect: metrics, logs, pprof, host, agent, members. May be repeated; by default all of it.",
     .value_name = "target"},
    {.name = "duration", .kind = FlagKind::duration, .help = "How long to collect.", .default_value = "5m0s"},
    {.name = "interval",
     .kind = FlagKind::duration,
     .help = "How often to take what is taken at one moment.",
     .default_value = "30s"},
    {.name = "output",
     .kind = FlagKind::text,
     .help = "Path of the result, without .tar.gz; by default consul-debug- and the time, in this folder.",
     .value_name = "path"},
};

// "2006-01-02T15-04-05Z": a colon would mean another host to tar.
std::string time_name(std::time_t when, bool local) {
  std::tm parts{};
  local ? ::localtime_r(&when, &parts) : ::gmtime_r(&when, &parts);
  char text[64];
  std::strftime(text, sizeof text, parts.tm_gmtoff == 0 ? "%Y-%m-%dT%H-%M-%SZ" : "%Y-%m-%dT%H-%M-%S%z", &parts);
  return text;
}

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S +0000 UTC", &parts);
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

class Collection {
 public:
  Collection(const Context& context, ApiConfig config, ApiClient client)
      : context_(context), config_(std::move(config)), client_(std::move(client)) {}
  int run();

 private:
  /// What is to be collected; the agent's version. The detail of an error follows "Capture validation failed: ".
  Result<std::string> prepare();
  void collect_once();
  void collect_for_a_while();
  void collect_moment();
  struct Stream {
    std::string path{};  // of the API
    std::string_view file{};
    std::string what{};  // begins what is said of a failure
    std::pair<std::string_view, std::string> parameter{};
    std::string if_absent{};  // said when the agent has nothing there; empty: that is a failure too
  };
  void stream_to_file(const Stream& stream, base::Interrupt& until);
  Result<> save(std::string_view file, std::string_view content) const;
  Result<> save_answer(std::string_view file, ApiRequest request);
  Result<> save_raft();

  bool wants(std::string_view target) const {
    return std::ranges::find(targets_, target) != targets_.end() ||
           (target == "members" && std::ranges::find(targets_, kCluster) != targets_.end());
  }
  std::string path(std::string_view file) const { return output_ + '/' + std::string(file); }
  // Consul's prefixes: one for steps, one for details; warnings have none.
  void step(const std::string& text) const { context_.ui.output("==> " + text); }
  void detail(const std::string& text) const { context_.ui.output("    " + text); }
  void warn(const std::string& text) const { context_.ui.error(text); }
  int refuse(const std::string& text) const { return fail(context_, "==> " + text); }
  // The first of what went wrong while collecting.
  void trouble(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (trouble_.empty()) trouble_ = text;
  }

  const Context& context_;
  const ApiConfig config_;
  ApiClient client_;
  std::vector<std::string> targets_{};
  std::string output_{};
  bool profiles_{true};  // until the agent says that it has none
  base::Interrupt stop_{};
  std::mutex mutex_{};
  std::string trouble_{};
};

Result<std::string> Collection::prepare() {
  const base::Duration duration = context_.flags.duration("duration");
  const base::Duration interval = context_.flags.duration("interval");
  const auto refuse = [](std::string text) -> base::Error { return {Errc::invalid_argument, std::move(text)}; };
  if (duration < kLeastDuration) return refuse("duration must be longer than " + base::to_string(kLeastDuration));
  if (interval < kLeastInterval) return refuse("interval must be longer than " + base::to_string(kLeastDuration));
  if (duration < interval) {
    return refuse("duration (" + base::to_string(duration) + ") must be longer than interval (" +
                  base::to_string(interval) + ')');
  }
  const Result<Value> self = client_.fetch<Value>(client_.request("GET", "/v1/agent/self"));
  if (!self) {
    return refuse("error querying target agent: " + self.error().detail + ". verify connectivity and agent address");
  }
  const auto at = [&](std::string_view group, std::string_view key) -> const Value* {
    const Value* map = self->find(group);
    return map == nullptr ? nullptr : map->find(key);
  };
  const Value* version = at("Config", "Version");
  if (version == nullptr || version->as_string() == nullptr) {
    return refuse("agent response did not contain version key");
  }
  const Value* enabled = at("DebugConfig", "EnableDebug");
  const Value* acls = at("DebugConfig", "ACLsEnabled");
  if (enabled == nullptr || enabled->as_bool() == nullptr || acls == nullptr || acls->as_bool() == nullptr) {
    return refuse("agent response did not contain EnableDebug key");
  }
  targets_ = context_.flags.list("capture");
  if (targets_.empty()) targets_.assign(std::begin(kTargets), std::end(kTargets));
  if (!*enabled->as_bool() && !*acls->as_bool() && std::erase(targets_, "pprof") > 0) {
    warn("[WARN] Unable to capture pprof. Set enable_debug to true on target agent to enable profiling.");
  }
  for (const std::string& target : targets_) {
    if (target != kCluster && std::ranges::find(kTargets, target) == std::end(kTargets)) {
      return refuse("target not found: " + target);
    }
  }
  if (file_exists(output_)) return refuse("output directory already exists: " + output_);
  std::error_code failed;
  std::filesystem::create_directories(output_, failed);
  if (failed) return refuse("could not create output directory: mkdir " + output_ + ": " + errno_text(failed.value()));
  return *version->as_string();
}

Result<> Collection::save(std::string_view file, std::string_view content) const {
  std::ofstream out(path(file), std::ios::binary);
  out << content;
  out.close();
  if (!out) return {Errc::unavailable, "write " + path(file) + ": " + errno_text(errno)};
  return {};
}

Result<> Collection::save_answer(std::string_view file, ApiRequest request) {
  const Result<Value> answer = client_.fetch<Value>(request);
  if (!answer) return answer.error();
  return save(file, indented_json(base::to_json(*answer), "\t"));
}

Result<> Collection::save_raft() {
  const auto raft = client_.fetch<RaftConfiguration>(client_.request("GET", "/v1/operator/raft/configuration"));
  if (!raft) return {raft.error().code, "Failed to retrieve raft configuration: " + raft.error().detail};
  return save("listpeers.json", columns(raft_peer_rows(*raft)));
}

void Collection::collect_once() {
  std::string faults;
  std::size_t count = 0;
  const auto take = [&](std::string_view target, std::string_view path_of_api, bool wan = false) {
    if (!wants(target)) return;
    ApiRequest request = client_.request("GET", std::string(path_of_api));
    if (wan) request.set("wan", "1");
    if (Result<> saved = save_answer(std::string(target) + ".json", std::move(request)); !saved) {
      ++count;
      faults += "\n\t* " + saved.error().detail;
    }
  };
  take("host", "/v1/agent/host");
  take("agent", "/v1/agent/self");
  take("members", "/v1/agent/members", true);
  if (count == 0) return;
  warn("Static capture failed: " + std::to_string(count) + (count == 1 ? " error" : " errors") + " occurred:" + faults +
       "\n\n");
}

// Copies an endless answer into a file until the interrupt is raised.
void Collection::stream_to_file(const Stream& stream, base::Interrupt& until) {
  ApiConfig config = config_;
  config.interrupt = &until;
  Result<ApiClient> client = ApiClient::make(std::move(config));
  if (!client) return trouble(client.error().detail);
  ApiRequest request = client->request("GET", stream.path);
  if (!stream.parameter.first.empty()) request.set(stream.parameter.first, stream.parameter.second);
  std::ofstream out;
  request.sink = [&](std::string_view piece) {
    if (!out.is_open()) out.open(path(stream.file), std::ios::binary);
    out << piece;
    return static_cast<bool>(out);
  };
  const Result<ApiResponse> response =
      stream.if_absent.empty() ? client->call(request) : client->call(request, {200, 404});
  out.close();
  if (until.raised()) return;
  if (!response && response.error().code == Errc::cancelled) {
    trouble("failed to write " + path(stream.file));
  } else if (!response) {
    trouble(stream.what + response.error().detail);
  } else if (response->status == 404) {
    warn(stream.if_absent);
  }
}

// Heap and threads at this moment, in a folder of its own.
void Collection::collect_moment() {
  if (!wants("pprof") || !profiles_) return;
  const std::string folder = time_name(std::time(nullptr), false);
  for (const auto& [profile, file] : {std::pair("heap", "heap.prof"), {"goroutine", "goroutine.prof"}}) {
    const Result<ApiResponse> answer =
        client_.call(client_.request("GET", "/debug/pprof/" + std::string(profile)), {200, 404});
    if (answer && answer->status == 404) {
      profiles_ = false;
      warn("[WARN] Unable to capture pprof. The target agent offers no profiles.");
      return;
    }
    if (!answer) return trouble("failed to collect " + std::string(profile) + " profile: " + answer.error().detail);
    std::error_code failed;
    std::filesystem::create_directories(path(folder), failed);
    if (failed) return trouble("failed to create output directory " + path(folder) + ": " + failed.message());
    if (Result<> saved = save(folder + '/' + file, answer->body); !saved) return trouble(saved.error().detail);
  }
}

void Collection::collect_for_a_while() {
  if (!wants("metrics") && !wants("logs") && !wants("pprof")) return;
  const Signals signals([this](int) { stop_.raise(); });
  const base::Duration duration = context_.flags.duration("duration") + kGrace;
  const base::Duration interval = context_.flags.duration("interval");
  const auto start = std::chrono::steady_clock::now();
  step("Beginning capture interval " + time_text() + " (0)");
  collect_moment();
  step("Capture successful " + time_text() + " (0)");

  base::Interrupt over(&stop_);
  std::vector<std::thread> threads;
  if (wants("logs")) {
    threads.emplace_back([&] {
      stream_to_file({.path = "/v1/agent/monitor", .file = "consul.log", .parameter = {"loglevel", "TRACE"}}, over);
    });
  }
  if (wants("metrics")) {
    threads.emplace_back([&] { stream_to_file({.path = "/v1/agent/metrics/stream", .file = "metrics.json"}, over); });
  }
  if (wants("pprof") && profiles_) {
    // These come all at once when their time is over: they are cut short by a signal only.
    const std::string failed = "failed to collect cpu profile: ";
    const auto seconds = [](base::Duration time) { return std::to_string(time.nanoseconds / 1'000'000'000); };
    threads.emplace_back([&, failed] {
      stream_to_file({.path = "/debug/pprof/profile",
                      .file = "profile.prof",
                      .what = failed,
                      .parameter = {"seconds", seconds(duration)}},
                     stop_);
    });
    threads.emplace_back([&, failed] {
      stream_to_file({.path = "/debug/pprof/trace",
                      .file = "trace.out",
                      .what = failed,
                      .parameter = {"seconds", seconds(interval)},
                      .if_absent = "[WARN] Unable to capture trace.out. The target agent offers no execution trace."},
                     stop_);
    });
  }
  for (std::int64_t count = 1; !stop_.raised(); ++count) {
    const std::int64_t passed =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
    const std::int64_t next = count * interval.nanoseconds;
    if (next >= duration.nanoseconds) {
      stop_.sleep({std::max<std::int64_t>(0, duration.nanoseconds - passed)});
      break;
    }
    if (!stop_.sleep({std::max<std::int64_t>(0, next - passed)})) break;
    collect_moment();
    step("Capture successful " + time_text() + " (" + std::to_string(count) + ')');
  }
  if (stop_.raised()) trouble("stopping collection due to shutdown signal");
  over.raise();
  for (std::thread& thread : threads) thread.join();
  if (!trouble_.empty()) context_.ui.error("==> Error encountered during collection: " + trouble_);
}

int Collection::run() {
  output_ = context_.flags.text("output");
  if (output_.empty()) output_ = "consul-debug-" + time_name(std::time(nullptr), true);
  while (output_.size() > 1 && output_.ends_with('/')) output_.pop_back();
  const Result<std::string> version = prepare();
  if (!version) return refuse("Capture validation failed: " + version.error().detail);
  const bool archive = context_.flags.boolean("archive");
  const std::string name = archive ? output_ + ".tar.gz" : output_;
  const base::Duration interval = context_.flags.duration("interval");
  const base::Duration duration = context_.flags.duration("duration");
  step("Starting debugger and capturing static information...");
  detail(" Agent Version: '" + *version + '\'');
  detail("      Interval: '" + base::to_string(interval) + '\'');
  detail("      Duration: '" + base::to_string(duration) + '\'');
  detail("        Output: '" + name + '\'');
  detail("       Capture: '" + joined(targets_) + '\'');

  collect_once();
  collect_for_a_while();
  const DebugIndex index{.AgentVersion = *version,
                         .Interval = base::to_string(interval),
                         .Duration = base::to_string(duration + kGrace),
                         .Targets = targets_};
  if (Result<> saved = save("index.json", indented_json(base::to_json(index), "\t")); !saved) {
    return refuse("Error creating index document: " + saved.error().detail);
  }
  if (Result<> saved = save_raft(); !saved) warn("Raft list peers capture failed: " + saved.error().detail);
  if (archive) {
    if (Result<> packed = archive_folder(output_, name); !packed) {
      warn("Archive creation failed: " + packed.error().detail);
      return 1;
    }
    std::error_code ignored;
    std::filesystem::remove_all(output_, ignored);
  }
  detail("Saved debug archive: " + name);
  return 0;
}

int run_debug(const Context& context) {
  if (!context.arguments.empty()) return fail(context, "==> debug: Too many arguments provided, expected 0");
  Result<ApiConfig> config = client_config(context);
  std::optional<ApiClient> client = connect(context, "==> Error connecting to Consul agent");
  if (!client || !config) return 1;
  return Collection(context, std::move(*config), std::move(*client)).run();
}

constexpr Command kCommands[] = {
    {.name = "debug",
     .synopsis = "Collect a support archive from an agent",
     .usage = "debug [options]",
     .help = R"(  Collects for some time what helps to understand a problem: what the agent says of
  itself, its host and its members, its metrics and its log at the level TRACE, and packs
  it. With ACLs on, the token needs operator:read.

      $ consul debug
      $ consul debug -duration=1m -interval=20s -capture=logs -capture=metrics)",
     .flags = {kDebugFlags, kClientFlags},
     .run = run_debug,
     .bad_flag = BadFlag::repeated_by_debug},
};

}  // namespace

std::span<const Command> debug_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
