// The group of the federation commands; each has a file of its own.
#include "agent/cli/federation_members.h"

namespace proconsul::agent::cli {
namespace {

constexpr Command kCommands[] = {
    {.name = "federation",
     .synopsis = "Join datacenters through mesh gateways",
     .usage = "federation <subcommand> [options]",
     .help = R"(  Joins datacenters whose servers reach each other through mesh gateways alone.

      $ consul federation invite -datacenter dc2     in the primary datacenter
      $ consul federation join TOKEN                 on a server of the new one)"},
};

}  // namespace

std::span<const Command> federation_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
