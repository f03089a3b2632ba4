// monitor.
#include <ostream>

#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/signals.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr Flag kMonitorFlags[] = {
    {.name = "log-json", .kind = FlagKind::boolean, .help = "Print the lines as JSON."},
    {.name = "log-level",
     .kind = FlagKind::text,
     .help = "The least level to print: trace, debug, info, warn, error. It may be lower than the agent's own.",
     .value_name = "level",
     .default_value = "INFO"},
};

// Prints whole lines of a stream that arrives in pieces.
class Lines {
 public:
  explicit Lines(const Ui& ui) : ui_(ui) {}
  void add(std::string_view piece) {
    rest_ += piece;
    std::size_t start = 0;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', start)) {
      print(std::string_view(rest_).substr(start, end - start));
      start = end + 1;
    }
    rest_.erase(0, start);
    ui_.out.flush();
  }
  void finish() {
    if (!rest_.empty()) print(rest_);
  }

 private:
  void print(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    ui_.output(line.empty() ? " " : line);
  }
  const Ui& ui_;
  std::string rest_{};
};

int run_monitor(const Context& context) {
  base::Interrupt stop;
  std::optional<ApiClient> client = connect(context, stop);
  if (!client) return 1;
  const Signals signals([&](int) { stop.raise(); });

  const bool json = context.flags.boolean("log-json");
  ApiRequest request = client->request("GET", "/v1/agent/monitor");
  if (const std::string& level = context.flags.text("log-level"); !level.empty()) request.add("loglevel", level);
  if (json) request.set("logjson", "true");
  Lines lines(context.ui);
  bool started = false;
  request.sink = [&](std::string_view piece) {
    started = true;
    lines.add(piece);
    return true;
  };
  const Result<ApiResponse> response = client->call(request);
  if (stop.raised()) return 0;
  if (!response && !started) {
    return fail(context,
                (json ? "Error starting JSON monitor: " : "Error starting monitor: ") + response.error().detail);
  }
  lines.finish();
  context.ui.output("");
  context.ui.output("Remote side ended the monitor! This usually means that the\nremote side has exited or crashed.");
  return 1;
}

constexpr Command kCommands[] = {
    {.name = "monitor",
     .synopsis = "Follow the log of an agent",
     .usage = "monitor [options]",
     .help = R"(  Prints the agent's log as it grows, until it is interrupted. It may show more than
  the agent itself writes to its own log.)",
     .flags = {kMonitorFlags, kClientFlags},
     .run = run_monitor},
};

}  // namespace

std::span<const Command> monitor_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
