// One row of the command table, and what a command gets when it runs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/advice.h"
#include "agent/cli/flags.h"
#include "agent/cli/ui.h"

namespace proconsul::agent::cli {

/// The process environment; tests hand in their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct Command;

struct Context {
  const Command& command;
  const Ui& ui;
  const Environment& environment;
  const FlagValues& flags;
  const std::vector<std::string>& arguments;  // what followed the flags
  Advice& advice;                             // printed below the command's errors
};

/// After Go's own report of a bad flag, some commands repeat it in their words. Scripts may look for them.
enum class BadFlag : std::uint8_t { said_once, repeated, repeated_as_parse_failure, repeated_by_debug };

struct Command {
  std::string_view name{};      // "kv get"; its group is the row "kv"
  std::string_view synopsis{};  // its line in the listing of its group
  std::string_view usage{};     // "kv get [options] [KEY_OR_PREFIX]"
  std::string_view help{};      // paragraphs below the usage line
  std::array<std::span<const Flag>, 4> flags{};
  int (*run)(const Context&){};  // null in a group: it prints its help and fails
  BadFlag bad_flag{};
  int bad_flag_code = 1;  // the exit code
  /// Instead of `run`: parses its flags itself, uses the process.
  int (*run_words)(std::span<const std::string> words, const Ui& ui){};
};

/// Says `text` on the error stream; returns the exit code 1.
int fail(const Context& context, std::string_view text);
/// fail(), with the command's help below.
int fail_with_help(const Context& context, std::string_view text);
/// fail() with "Too many arguments (expected `expected`, got N)".
int too_many_arguments(const Context& context, std::string_view expected);

/// The whole help text, without a final newline: usage, help and the options.
std::string help_text(const Command& command, std::string_view program);
/// Go-like listing of the flags below the message about a bad one.
std::string flag_usage(const Command& command);

}  // namespace proconsul::agent::cli
