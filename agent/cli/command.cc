#include "agent/cli/command.h"

#include <algorithm>

#include "agent/cli/text.h"
#include "base/quote.h"

namespace proconsul::agent::cli {
namespace {

constexpr std::size_t kHelpWidth = 72;

std::string_view value_name(const Flag& flag) {
  if (!flag.value_name.empty()) return flag.value_name;
  switch (flag.kind) {
    case FlagKind::boolean:
      return "";
    case FlagKind::text:
      return "string";
    case FlagKind::integer:
      return "int";
    case FlagKind::number:
      return "uint";
    case FlagKind::duration:
      return "duration";
    case FlagKind::list:
      return "value";
    case FlagKind::map:
      return "key=value";
  }
  return "";
}

std::vector<const Flag*> sorted(std::span<const std::span<const Flag>> tables) {
  std::vector<const Flag*> flags;
  for (std::span<const Flag> table : tables) {
    for (const Flag& flag : table) flags.push_back(&flag);
  }
  std::ranges::sort(flags, {}, [](const Flag* flag) { return flag->name; });
  return flags;
}

std::string option_list(std::span<const std::span<const Flag>> tables) {
  std::string out;
  for (const Flag* flag : sorted(tables)) {
    out += "\n\n  -";
    out += flag->name;
    if (const std::string_view value = value_name(*flag); !value.empty()) {
      out += "=<";
      out += value;
      out += '>';
    }
    out += '\n';
    out += wrapped(flag->help, kHelpWidth, 5);
  }
  return out;
}

}  // namespace

int fail(const Context& context, std::string_view text) {
  context.ui.error(text);
  return 1;
}

int fail_with_help(const Context& context, std::string_view text) {
  return fail(context, std::string(text) + "\n\n" + help_text(context.command, context.ui.program));
}

int too_many_arguments(const Context& context, std::string_view expected) {
  return fail(context, "Too many arguments (expected " + std::string(expected) + ", got " +
                           std::to_string(context.arguments.size()) + ')');
}

std::string help_text(const Command& command, std::string_view program) {
  std::string out = "Usage: " + std::string(program) + ' ' + std::string(command.usage);
  if (!command.help.empty()) out += "\n\n" + std::string(command.help);
  while (out.ends_with('\n')) out.pop_back();
  if (const std::string options = option_list(command.flags); !options.empty()) out += "\n\nOptions" + options;
  return out;
}

std::string flag_usage(const Command& command) {
  std::string out;
  for (const Flag* flag : sorted(command.flags)) {
    out += "\n  -";
    out += flag->name;
    if (const std::string_view value = value_name(*flag); !value.empty()) {
      out += ' ';
      out += value;
    }
    out += "\n    \t";
    out += flag->help;
    if (!flag->default_value.empty()) {
      out += " (default ";
      out += flag->kind == FlagKind::text ? base::quote(flag->default_value) : std::string(flag->default_value);
      out += ')';
    }
  }
  return out;
}

}  // namespace proconsul::agent::cli
