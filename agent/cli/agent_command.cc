// agent.
#include "agent/cli/commands.h"
#include "agent/config/flags.h"
#include "agent/process.h"

namespace proconsul::agent::cli {
namespace {

// The agent parses its flags itself, by the table of its configuration; here they are only for the help.
std::span<const Flag> agent_help() {
  static const std::vector<Flag> flags = [] {
    std::vector<Flag> rows;
    for (const config::AgentFlag& flag : config::agent_flags()) {
      rows.push_back({.name = flag.name,
                      .kind = flag.takes_no_value ? FlagKind::boolean : FlagKind::text,
                      .help = flag.help,
                      .value_name = flag.takes_no_value ? "" : "value"});
    }
    return rows;
  }();
  return flags;
}

int run_agent_words(std::span<const std::string> words, const Ui& ui) {
  // A bad flag is answered here, with the others; whatever else is wrong the agent says itself.
  const base::Result<config::LoadOptions> options = config::parse_agent_flags(words);
  if (options || options.error().detail.starts_with("Unexpected extra arguments")) return run_agent(words);
  const std::string& why = options.error().detail;
  ui.error(why);
  ui.error("Usage:" + flag_usage(run_commands().front()));
  ui.error("==> error parsing flags: " + why);
  return 1;
}

}  // namespace

std::span<const Command> run_commands() {
  static const Command rows[] = {
      {.name = "agent",
       .synopsis = "Run an agent",
       .usage = "agent [options]",
       .help = R"(  Runs an agent until it is told to stop or to leave. Each option is a key of the
  configuration too; options win over files.

      $ consul agent -dev
      $ consul agent -server -bootstrap-expect=1 -data-dir=/var/lib/consul)",
       .flags = {agent_help()},
       .run_words = run_agent_words},
  };
  return rows;
}

}  // namespace proconsul::agent::cli
