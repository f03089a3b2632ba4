// lock.
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <ostream>
#include <thread>

#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/lock_client.h"
#include "agent/cli/signals.h"
#include "base/child_process.h"
#include "base/path.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

constexpr int kChildFailed = 2;                  // exit code
constexpr std::chrono::seconds kGracePeriod{5};  // between SIGTERM and SIGKILL

constexpr Flag kLockFlags[] = {
    {.name = "child-exit-code", .kind = FlagKind::boolean, .help = "Exit with 2 if the child failed."},
    {.name = "monitor-retry",
     .kind = FlagKind::integer,
     .help = "How often a look at the held lock may fail, a second apart, before it counts as lost.",
     .value_name = "count",
     .default_value = "3"},
    {.name = "n",
     .kind = FlagKind::integer,
     .help = "How many may hold it at once; more than one makes it a semaphore.",
     .value_name = "count",
     .default_value = "1"},
    {.name = "name", .kind = FlagKind::text, .help = "Name of the session; by default it tells of the child."},
    {.name = "pass-stdin", .kind = FlagKind::boolean, .help = "Let the child read our standard input."},
    {.name = "shell",
     .kind = FlagKind::boolean,
     .help = "Run the child by the shell that SHELL names; -shell=false runs it itself.",
     .default_value = "true"},
    {.name = "timeout", .kind = FlagKind::duration, .help = "How long to try to get the lock; 0 means for ever."},
    {.name = "try", .kind = FlagKind::duration, .help = "Former name of -timeout."},
    {.name = "verbose", .kind = FlagKind::boolean, .help = "Say each step."},
};

std::string joined(const std::vector<std::string>& words, std::size_t from) {
  std::string out;
  for (std::size_t at = from; at < words.size(); ++at) out += (at == from ? "" : " ") + words[at];
  return out;
}

// What happens while the lock is wanted or held, from the signals', the monitor's and the child's threads.
class Events {
 public:
  void shut_down() { set(shutdown_); }
  void lose() { set(lost_); }
  void end_child() { set(child_ended_); }

  bool shutting_down() const {
    const std::lock_guard lock(mutex_);
    return shutdown_;
  }
  /// Waits for any of the three.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return shutdown_ || lost_ || child_ended_; });
  }
  bool child_ended_within(std::chrono::seconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] { return child_ended_; });
  }
  bool child_ended() const {
    const std::lock_guard lock(mutex_);
    return child_ended_;
  }

 private:
  void set(bool& flag) {
    const std::lock_guard lock(mutex_);
    flag = true;
    changed_.notify_all();
  }
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  bool shutdown_{};
  bool lost_{};
  bool child_ended_{};
};

class LockCommand {
 public:
  explicit LockCommand(const Context& context) : context_(context), verbose_(context.flags.boolean("verbose")) {}
  ~LockCommand() {
    if (waiter_.joinable()) waiter_.join();
  }
  int run(ApiConfig config, LockOptions options);

 private:
  void say(const std::string& text) const {
    if (!verbose_) return;
    context_.ui.output(text);
    context_.ui.out.flush();
  }
  void start_child();
  void kill_child();
  void forward(int signal);
  void complain(std::string text);
  void report();
  int give_back(LockClient& lock);

  const Context& context_;
  const bool verbose_;
  Events events_{};
  std::mutex mutex_{};                           // guards the pointer and the complaints
  std::unique_ptr<base::ChildProcess> child_{};  // once set, it stays
  std::vector<std::string> complaints_{};
  bool child_failed_{};  // read when the child has ended
  std::thread waiter_{};
};

void LockCommand::start_child() {
  say("Starting handler");
  const bool shell = context_.flags.boolean("shell");
  const bool pass_input = context_.flags.boolean("pass-stdin");
  std::vector<std::string> arguments(context_.arguments.begin() + 1, context_.arguments.end());
  if (pass_input) say("Stdin passed to handler process");
  context_.ui.out.flush();
  auto child = base::ChildProcess::start({.arguments = shell ? base::shell_command(joined(arguments, 0)) : arguments,
                                          .environment = {{"CONSUL_LOCK_HELD", "true"}},
                                          .pass_input = pass_input});
  if (!child) {
    context_.ui.error("Error starting handler: " + child.error().detail);
    child_failed_ = true;
    events_.end_child();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    child_ = std::move(*child);
  }
  waiter_ = std::thread([this] {
    const Result<base::ChildExit> exit = child_->wait();
    if (!exit || !exit->ok()) {
      child_failed_ = true;
      complain("Error running handler: " + (exit ? exit->text() : exit.error().detail));
    }
    events_.end_child();
  });
}

void LockCommand::forward(int signal) {
  base::ChildProcess* child = nullptr;
  {
    const std::lock_guard lock(mutex_);
    child = child_.get();
  }
  if (child == nullptr || events_.child_ended()) return;
  if (Result<> sent = child->signal(signal); !sent) {
    complain("Warning, could not forward signal: " + sent.error().detail);
  }
}

void LockCommand::complain(std::string text) {
  const std::lock_guard lock(mutex_);
  complaints_.push_back(std::move(text));
}

// What the other threads have to say; the streams belong to this one.
void LockCommand::report() {
  const std::lock_guard lock(mutex_);
  for (const std::string& complaint : complaints_) context_.ui.error(complaint);
  complaints_.clear();
}

// SIGTERM, some time to tidy up, SIGKILL.
void LockCommand::kill_child() {
  if (!child_) return say("No child process to kill");
  const std::string pid = std::to_string(child_->pid());
  say("Terminating child pid " + pid);
  if (Result<> sent = child_->signal(SIGTERM); !sent && !events_.child_ended()) {
    context_.ui.error("Failed to terminate " + pid + ": " + sent.error().detail);
    return;
  }
  const bool ended = events_.child_ended_within(kGracePeriod);
  report();
  if (ended) return say("Child terminated");
  say("Child did not exit after grace period of 5s");
  say("Killing child pid " + pid);
  if (Result<> sent = child_->signal(SIGKILL); !sent && !events_.child_ended()) {
    context_.ui.error("Failed to kill " + pid + ": " + sent.error().detail);
  }
}

int LockCommand::give_back(LockClient& lock) {
  if (Result<> released = lock.release(); !released) {
    return fail(context_, "Lock release failed: " + released.error().detail);
  }
  const Result<> destroyed = lock.destroy();
  if (!destroyed && destroyed.error().code != Errc::conflict) {
    return fail(context_, "Lock cleanup failed: " + destroyed.error().detail);
  }
  say(destroyed ? "Cleanup succeeded" : "Cleanup aborted, lock in use");
  return 0;
}

int LockCommand::run(ApiConfig config, LockOptions options) {
  if (options.limit == 1) {
    say("Setting up lock at path: " + base::join_path(options.prefix, ".lock"));
  } else {
    say("Setting up semaphore (limit " + std::to_string(options.limit) + ") at prefix: " + options.prefix);
  }
  base::Interrupt stop;
  const Signals signals([&](int number) {
    forward(number);
    events_.shut_down();
    stop.raise();
  });
  auto lock = LockClient::make(std::move(config), std::move(options), stop, [this] { events_.lose(); });
  if (!lock) return fail(context_, "Lock setup failed: " + lock.error().detail);
  say("Attempting lock acquisition");
  const Result<bool> held = (*lock)->acquire();
  if (!held) return fail(context_, "Lock acquisition failed: " + held.error().detail);
  if (!*held) return fail(context_, "Shutdown triggered or timeout during lock acquisition");
  if (events_.shutting_down()) {
    context_.ui.error("Shutdown triggered during lock acquisition");
    return give_back(**lock);
  }

  start_child();
  events_.wait();
  report();
  if (events_.child_ended()) {
    say("Child terminated, releasing lock");
  } else {
    say(events_.shutting_down() ? "Shutdown triggered, killing child" : "Lock lost, killing child");
    kill_child();
    const int code = give_back(**lock);
    report();
    return code;
  }
  if (const int code = give_back(**lock); code != 0) return code;
  return child_failed_ && context_.flags.boolean("child-exit-code") ? kChildFailed : 0;
}

int run_lock(const Context& context) {
  LockOptions options{.limit = context.flags.integer("n"),
                      .session_name = context.flags.text("name"),
                      .wait = context.flags.duration("timeout"),
                      .retries = context.flags.integer("monitor-retry")};
  if (options.limit <= 0) return fail(context, "Lock holder limit must be positive");
  if (context.arguments.size() < 2) return fail(context, "Key prefix and child command must be specified");
  options.prefix = context.arguments[0];
  if (options.prefix.starts_with('/')) options.prefix.erase(0, 1);
  if (context.flags.is_set("try")) options.wait = context.flags.duration("try");
  if (options.wait.nanoseconds < 0) return fail(context, "Timeout must be positive");
  if (options.session_name.empty()) {
    options.session_name = "Consul lock for '" + joined(context.arguments, 1) + "' at '" + options.prefix + '\'';
  }
  if (options.retries < 0) return fail(context, "Number for 'monitor-retry' must be >= 0");
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  if (const auto self = client->fetch<AgentSelf>(client->request("GET", "/v1/agent/self")); !self) {
    return fail(context, "Error querying Consul agent: " + self.error().detail);
  }
  Result<ApiConfig> config = client_config(context);
  if (!config) return fail(context, "Error connecting to Consul agent: " + config.error().detail);
  return LockCommand(context).run(std::move(*config), std::move(options));
}

constexpr Command kCommands[] = {
    {.name = "lock",
     .synopsis = "Run a command while holding a lock",
     .usage = "lock [options] PREFIX CHILD...",
     .help = R"(  Takes the lock PREFIX/.lock (with -n, one of that many places), runs the child with
  CONSUL_LOCK_HELD=true in its environment, and gives the lock back when the child ends.
  If the lock is lost, the child gets SIGTERM, and 5 seconds later SIGKILL.

      $ consul lock service/backup ./backup.sh
      $ consul lock -n=3 -timeout=10s -child-exit-code jobs ./job.sh)",
     .flags = {kLockFlags, kClientFlags, kServerFlags},
     .run = run_lock},
};

}  // namespace

std::span<const Command> lock_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
