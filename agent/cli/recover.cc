// recover.
#include <algorithm>
#include <string>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/recover_text.h"
#include "agent/cli/text.h"
#include "agent/recover/compare.h"
#include "agent/recover/data_directory.h"
#include "agent/recover/rebuild.h"
#include "base/clock.h"
#include "raft/configuration.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;
using recover::DataDirectory;

constexpr Flag kRecoverFlags[] = {
    {.name = "accept-loss",
     .kind = FlagKind::boolean,
     .help = "With -rebuild: go on although another directory has entries that this one lacks, or cannot be read."},
    {.name = "backup",
     .kind = FlagKind::boolean,
     .help = "With -rebuild: first copy the folder raft, which the next start will change.",
     .default_value = "true"},
    {.name = "json", .kind = FlagKind::boolean, .help = "Print what the directories hold as JSON."},
    {.name = "rebuild",
     .kind = FlagKind::boolean,
     .help = "Make the next start on the first directory form a cluster of -servers, or of -this-only."},
    {.name = "servers",
     .kind = FlagKind::text,
     .help = "With -rebuild: all servers of the cluster from then on. The ID may be a name that the directory knows.",
     .value_name = "id=address:port,..."},
    {.name = "this-only",
     .kind = FlagKind::boolean,
     .help = "With -rebuild: this server alone, at the address that it had."},
};

constexpr std::int64_t kWeek = 7 * 24 * 3600;  // the least that server_rejoin_age_max asks for, and its default

std::int64_t unix_now() {
  return base::system_clock().wall().seconds - base::kUnixEpochSeconds;
}

/// What another directory has and the one to be rebuilt lacks, as sentences.
std::vector<std::string> losses(const std::vector<DataDirectory>& directories) {
  const DataDirectory& chosen = directories.front();
  std::vector<std::string> out;
  for (std::size_t i = 1; i < directories.size(); ++i) {
    const DataDirectory& other = directories[i];
    if (!other.readable()) {
      out.push_back(other.path + " may hold more: " + other.problem);
    } else if (const auto lost = recover::missing(chosen, other)) {
      out.push_back(other.path + " has entries " + std::to_string(lost->from.value) + " to " +
                    std::to_string(lost->to.value) + " (" + std::to_string(lost->changes) + " changes) that " +
                    chosen.path + " lacks");
    }
  }
  return out;
}

std::string servers_flag(const raft::Configuration& servers) {
  std::string text;
  for (const raft::Server& server : servers.servers) {
    text += (text.empty() ? "" : ",") + server.id.value + '=' + server.address;
  }
  return text;
}

void print_next_steps(const Context& context, const DataDirectory& directory, const raft::Configuration& servers,
                      const recover::Rebuilt& rebuilt) {
  const std::string& program = context.ui.program;
  const std::size_t count = servers.servers.size();
  int step = 0;
  const auto next = [&](const std::string& text) { context.ui.output("  " + std::to_string(++step) + ". " + text); };
  context.ui.output("The next start of the agent on " + directory.path + " forms a cluster of");
  const std::string table = columns(server_rows(servers, directory));
  for (std::size_t at = 0; at < table.size();) {
    const std::size_t end = std::min(table.find('\n', at), table.size());
    context.ui.output("      " + table.substr(at, end - at));
    at = end + 1;
  }
  if (!rebuilt.backup.empty()) context.ui.output("What that start will change has been copied to " + rebuilt.backup);
  context.ui.output("\nNext:");
  if (count > 1) {
    next(
        "Do the same on each of the other servers above, before the first of them starts. Their agents must not run:\n"
        "       " +
        program + " recover -rebuild -servers=" + servers_flag(servers) + " DATA_DIR");
  }
  next("Every server that is not above must not come back with its old data: move its data directory away.");
  next(count == 1 ? "Start the agent on " + directory.path + "; it leads within seconds."
                  : "Start the agents; a leader is elected once " + std::to_string(raft::quorum(servers)) + " of " +
                        std::to_string(count) + " are there.");
  next("Look at what came back:\n       " + program + " operator raft list-peers");
  next(
      "Start the other servers with empty data directories and with retry_join to this one; they are taken in by "
      "themselves.");
  next("Keep a copy of the state:\n       " + program + " snapshot save FILE");
  if (directory.last_seen != 0 && directory.last_seen < unix_now() - kWeek) {
    context.ui.output(
        "\nThis server was last seen more than a week ago: it starts only if server_rejoin_age_max is "
        "long enough, or without " +
        directory.path + "/server_metadata.json.");
  }
}

int rebuild(const Context& context, const std::vector<DataDirectory>& directories) {
  const DataDirectory& directory = directories.front();
  const std::string& list = context.flags.text("servers");
  const bool alone = context.flags.boolean("this-only");
  if (list.empty() != alone) {
    return fail_with_help(context,
                          "-rebuild needs either -servers or -this-only: which servers shall form the cluster?");
  }
  if (!directory.problem.empty()) return fail(context, directory.path + ": " + directory.problem);
  const Result<raft::Configuration> servers =
      alone ? recover::this_server_alone(directory) : recover::parse_servers(list, directory);
  if (!servers) return fail(context, servers.error().detail);
  if (Result<> possible = recover::check_rebuild(directory, *servers); !possible) {
    return fail(context, possible.error().detail);
  }
  const std::vector<std::string> lost = losses(directories);
  for (const std::string& loss : lost) context.ui.error(loss);
  if (!lost.empty() && !context.flags.boolean("accept-loss")) {
    return fail(context, "Nothing was changed. Rebuild the directory that holds most, or say -accept-loss.");
  }
  const Result<recover::Rebuilt> rebuilt =
      recover::rebuild(directory, *servers, context.flags.boolean("backup"), unix_now());
  if (!rebuilt) return fail(context, "Error preparing the recovery: " + rebuilt.error().detail);
  print_next_steps(context, directory, *servers, *rebuilt);
  return 0;
}

int run_recover(const Context& context) {
  if (context.arguments.empty()) return fail_with_help(context, "Name at least one data directory");
  if (!context.flags.boolean("rebuild")) {
    for (const char* flag : {"servers", "this-only", "accept-loss"}) {
      if (context.flags.is_set(flag)) return fail(context, "-" + std::string(flag) + " goes with -rebuild only");
    }
  }
  std::vector<DataDirectory> directories;
  for (std::string path : context.arguments) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (std::ranges::find(directories, path, &DataDirectory::path) != directories.end()) {
      return fail(context, path + " is named twice");
    }
    directories.push_back(recover::read_data_directory(path));
  }
  if (context.flags.boolean("rebuild")) return rebuild(context, directories);
  context.ui.output(context.flags.boolean("json") ? recover_json(directories) : recover_text(directories));
  const bool all_read =
      std::ranges::all_of(directories, [](const DataDirectory& directory) { return directory.problem.empty(); });
  return all_read ? 0 : 1;
}

constexpr Command kCommands[] = {
    {.name = "recover",
     .synopsis = "Rebuild a quorum from surviving data directories",
     .usage = "recover [options] DIR [DIR...]",
     .help = R"(  For when too many servers are gone to elect a leader. Reads the data directories of servers
  that are stopped and says what each holds, which one is newest, and what would be lost with
  each of them. Nothing is changed; the exit code is 1 if one of them cannot be read.

      $ proconsul recover /srv/s1 /srv/s2

  With -rebuild the next start of the agent on the first directory forms a cluster anew, of the
  servers that -servers lists or of this one alone, with all that the directory holds. Further
  directories are compared: if one of them has more, nothing is done without -accept-loss.
  What that start will change is copied before.

      $ proconsul recover -rebuild -this-only /srv/s2 /srv/s1
      $ proconsul recover -rebuild -servers=s1=10.0.0.1:8300,s2=10.0.0.2:8300 /srv/s2)",
     .flags = {kRecoverFlags},
     .run = run_recover},
};

}  // namespace

std::span<const Command> recover_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
