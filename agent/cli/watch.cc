// watch.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>

#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/signals.h"
#include "agent/watch/runner.h"
#include "base/child_process.h"
#include "base/strconv.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using base::Value;

constexpr Flag kWatchFlags[] = {
    {.name = "filter", .kind = FlagKind::text, .help = "Filter expression, for the types that know filters."},
    {.name = "key", .kind = FlagKind::text, .help = "The key of the type key."},
    {.name = "name", .kind = FlagKind::text, .help = "With the type event: only events of this name."},
    {.name = "passingonly",
     .kind = FlagKind::text,
     .help = "With the type service: true leaves out instances that do not pass all checks.",
     .value_name = "true|false"},
    {.name = "prefix", .kind = FlagKind::text, .help = "The key prefix of the type keyprefix."},
    {.name = "service",
     .kind = FlagKind::text,
     .help = "The service of the type service; with the type checks, only its checks.",
     .value_name = "name"},
    {.name = "shell",
     .kind = FlagKind::boolean,
     .help = "Run the child by the shell that SHELL names; -shell=false runs it itself.",
     .default_value = "true"},
    {.name = "state", .kind = FlagKind::text, .help = "With the type checks: only checks in this state."},
    {.name = "tag",
     .kind = FlagKind::list,
     .help = "With the type service: only instances with this tag. May be repeated; all must match."},
    {.name = "type",
     .kind = FlagKind::text,
     .help = "What to follow: key, keyprefix, services, nodes, service, checks or event."},
};

// What is wrong is said; then there are no parameters.
std::optional<watch::Parameters> parameters_of(const Context& context) {
  watch::Parameters parameters;
  for (const char* name : {"type", "key", "prefix", "service", "filter", "state", "name", "datacenter"}) {
    if (const std::string& text = context.flags.text(name); !text.empty()) parameters[name] = text;
  }
  if (const std::vector<std::string>& tags = context.flags.list("tag"); !tags.empty()) {
    Value::ListType& list = parameters["tag"].make_list();
    for (const std::string& tag : tags) list.emplace_back(tag);
  }
  if (context.flags.boolean("stale")) parameters["stale"] = true;
  if (const std::string& text = context.flags.text("passingonly"); !text.empty()) {
    const Result<bool> passing = base::parse_bool(text);
    if (!passing) {
      fail(context, "Failed to parse passingonly flag: " + passing.error().detail);
      return std::nullopt;
    }
    parameters["passingonly"] = *passing;
  }
  return parameters;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// Runs the child for each piece of news; the signal thread reaches it through here.
class ChildHandler {
 public:
  ChildHandler(const Context& context, base::Interrupt& stop) : context_(context), stop_(stop) {}

  void operator()(std::uint64_t index, const std::string& json) {
    if (!run(index, json)) {
      failed_ = true;
      stop_.raise();
    }
  }
  bool failed() const { return failed_; }
  void forward(int signal) {
    const std::lock_guard lock(mutex_);
    if (!child_) return;
    if (Result<> sent = child_->signal(signal); !sent) {
      // The streams belong to the other thread.
      ::dprintf(STDERR_FILENO, "Warning, could not forward signal: %s\n", sent.error().detail.c_str());
    }
  }

 private:
  bool run(std::uint64_t index, const std::string& json) {
    const bool shell = context_.flags.boolean("shell");
    context_.ui.out.flush();
    auto child = base::ChildProcess::start(
        {.arguments = shell ? base::shell_command(joined(context_.arguments)) : context_.arguments,
         .environment = {{"CONSUL_INDEX", std::to_string(index)}},
         .input = json + '\n'});
    if (!child) {
      fail(context_, "Error starting handler: " + child.error().detail);
      return false;
    }
    base::ChildProcess* running = nullptr;
    {
      const std::lock_guard lock(mutex_);
      child_ = std::move(*child);
      running = child_.get();
    }
    const Result<base::ChildExit> exit = running->wait();
    {
      const std::lock_guard lock(mutex_);
      child_.reset();
    }
    if (exit && exit->ok()) return true;
    fail(context_, "Error executing handler: " + (exit ? exit->text() : exit.error().detail));
    return false;
  }

  const Context& context_;
  base::Interrupt& stop_;
  bool failed_{};
  std::mutex mutex_{};
  std::unique_ptr<base::ChildProcess> child_{};
};

int run_watch(const Context& context) {
  if (context.flags.text("type").empty()) return fail_with_help(context, "Watch type must be specified");
  base::Interrupt stop;
  Result<ApiClient> client = make_client(context, &stop);
  if (!client) return fail(context, client.error().detail);
  std::optional<watch::Parameters> parameters = parameters_of(context);
  if (!parameters) return 1;
  const Result<watch::Plan> plan = watch::parse(std::move(*parameters));
  if (!plan) return fail(context, plan.error().detail);
  if (plan->type.starts_with("connect_") || plan->type.starts_with("agent_")) {
    return fail(context, "Type " + plan->type + " is not supported in the CLI tool");
  }
  // Nobody is to wait for the first retry just to learn that there is no agent.
  if (const Result<ApiResponse> leader = client->call(client->request("GET", "/v1/status/leader")); !leader) {
    return fail(context, "Error querying Consul agent: " + leader.error().detail);
  }

  ChildHandler handler(context, stop);
  const Signals signals([&](int number) {
    handler.forward(number);
    std::_Exit(0);
  });
  const base::log::Logger log("watch");
  if (!context.arguments.empty()) {
    watch::follow(*plan, *client, stop, std::ref(handler), log);
    return handler.failed() ? 1 : 0;
  }
  watch::follow(
      *plan, *client, stop,
      [&](std::uint64_t, const std::string& json) {
        std::string text;
        base::append_indented_json(text, json);
        context.ui.output(text);
        stop.raise();
      },
      log);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "watch",
     .synopsis = "Follow a view of the cluster",
     .usage = "watch [options] [CHILD...]",
     .help = R"(  Without a child it prints the view once, as JSON. With one it goes on until it is
  stopped, and runs the child at each change; the child gets the view on its standard
  input and CONSUL_INDEX in its environment. A child that fails ends the watch.

      $ consul watch -type=key -key=app/colour
      $ consul watch -type=service -service=web -passingonly=true ./render.sh)",
     .flags = {kWatchFlags, kClientFlags, kServerFlags},
     .run = run_watch},
};

}  // namespace

std::span<const Command> watch_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
