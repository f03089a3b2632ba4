// The command line: finds the command that the arguments name, parses its flags and runs it.
#pragma once

#include <span>
#include <string>

#include "agent/cli/command.h"

namespace proconsul::agent::cli {

/// Runs one command line (without the program's name) and returns the exit code: 127 when there is no such command.
int run(std::span<const std::string> arguments, const Ui& ui, const Environment& environment);

/// The same for main(): standard streams, the process environment, the program's own name.
int run_process(int argc, char** argv);

}  // namespace proconsul::agent::cli
