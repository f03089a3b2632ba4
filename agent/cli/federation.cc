// The group of the federation commands; each has a file of its own.
#include "agent/cli/federation_commands.h"

namespace proconsul::agent::cli {
namespace {

constexpr Command kCommands[] = {
    {.name = "federation",
     .synopsis = "Join datacenters, see how they are joined, and what is wrong",
     .usage = "federation <subcommand> [options]",
     .help = R"(  Datacenters that are joined call each other's servers, directly or through mesh gateways.

      $ consul federation invite -datacenter dc2     in the primary datacenter
      $ consul federation join TOKEN                 on a server of the new one (-: from stdin)
      $ consul federation doctor                     says what is to be fixed first)"},
};

}  // namespace

std::span<const Command> federation_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
