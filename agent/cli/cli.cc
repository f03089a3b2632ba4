#include "agent/cli/cli.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "agent/cli/commands.h"
#include "agent/cli/completion.h"
#include "base/strconv.h"

namespace proconsul::agent::cli {
namespace {

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : &*found;
}

// The direct children of `group` ("" for the top), in order, with the part of their names below it.
struct Child {
  std::string_view name;
  const Command* command;
};
std::vector<Child> children(std::string_view group) {
  std::vector<Child> found;
  for (const Command& command : commands()) {
    std::string_view name = command.name;
    if (!group.empty()) {
      if (name.size() <= group.size() || !name.starts_with(group) || name[group.size()] != ' ') continue;
      name.remove_prefix(group.size() + 1);
    }
    if (name.find(' ') == std::string_view::npos) found.push_back({name, &command});
  }
  return found;
}

std::string listing(const std::vector<Child>& rows) {
  std::size_t longest = 0;
  for (const Child& row : rows) longest = std::max(longest, row.name.size());
  std::string out;
  for (const Child& row : rows) {
    out += "\n    ";
    out += row.name;
    out.append(longest - row.name.size() + 4, ' ');
    out += row.command->synopsis;
  }
  return out;
}

std::string top_help(const Ui& ui) {
  return "Usage: " + ui.program +
         " [--version] [--help] <command> [<args>]\n\nAvailable commands are:" + listing(children("")) + "\n\n";
}

std::string command_help(const Command& command, const Ui& ui) {
  std::string text = help_text(command, ui.program);
  if (const std::vector<Child> below = children(command.name); !below.empty()) {
    text += "\n\nSubcommands:" + listing(below);
  }
  return text + '\n';
}

// What the words of a command line amount to, before any flag of a command is looked at.
struct Parsed {
  std::string_view command{};  // "kv get", or the unknown word
  bool named{};                // there was such a word
  std::vector<std::string> arguments{};
  bool help{};
  bool version{};
  bool stray_flags{};  // flags before the command
  bool install_completion{};
  bool uninstall_completion{};
};

// The longest run of words from the front of `words` that is a command; its number of words.
std::size_t match_command(std::span<const std::string> words, std::string_view& name) {
  std::string joined;
  std::size_t matched = 0;
  for (std::size_t count = 0; count < words.size(); ++count) {
    const std::string& word = words[count];
    if (word.empty() || word[0] == '-' || word.find(' ') != std::string::npos) break;
    joined += count == 0 ? word : ' ' + word;
    if (const Command* command = find_command(joined)) {
      name = command->name;
      matched = count + 1;
    }
  }
  return matched;
}

Parsed parse(std::span<const std::string> words) {
  Parsed parsed;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--") break;
    // Asking for help works anywhere, even behind a command's arguments.
    if (word == "-h" || word == "-help" || word == "--help") {
      parsed.help = true;
      continue;
    }
    if (word == "-autocomplete-install" || word == "--autocomplete-install") {
      parsed.install_completion = true;
      continue;
    }
    if (word == "-autocomplete-uninstall" || word == "--autocomplete-uninstall") {
      parsed.uninstall_completion = true;
      continue;
    }
    if (parsed.named) continue;
    if (word == "-v" || word == "-version" || word == "--version") {
      parsed.version = true;
      continue;
    }
    if (word.empty()) continue;
    if (word[0] == '-') {
      parsed.stray_flags = true;
      continue;
    }
    if (word.find(' ') != std::string::npos) break;
    parsed.named = true;
    parsed.command = word;
    const std::size_t used = match_command(words.subspan(at), parsed.command);
    at += std::max<std::size_t>(used, 1) - 1;
    parsed.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
  }
  return parsed;
}

int run_command(const Command& command, std::span<const std::string> arguments, const Ui& ui,
                const Environment& environment) {
  FlagValues flags(command.flags);
  base::Result<std::vector<std::string>> rest = flags.parse(arguments);
  if (!rest) {
    const std::string& why = rest.error().detail;
    ui.error(why);
    ui.error("Usage:" + flag_usage(command));
    if (command.bad_flag == BadFlag::repeated) ui.error(why);
    if (command.bad_flag == BadFlag::repeated_as_parse_failure) ui.error("Failed to parse args: " + why);
    if (command.bad_flag == BadFlag::repeated_by_debug) ui.error("==> Error parsing flags: " + why);
    return command.bad_flag_code;
  }
  Advice advice;
  const int code = command.run(
      {.command = command, .ui = ui, .environment = environment, .flags = flags, .arguments = *rest, .advice = advice});
  if (code != 0) {
    for (const std::string& line : advice.lines()) ui.error(line);
  }
  return code;
}

int change_completion(const Parsed& parsed, const Ui& ui, const Environment& environment) {
  base::Result<> done;
  if (parsed.install_completion && parsed.uninstall_completion) {
    done = {base::Errc::invalid_argument,
            "Either the autocomplete install or uninstall flag may be specified, but not both."};
  } else {
    const std::string home = environment("HOME").value_or("");
    done = parsed.install_completion ? install_completion(home, ui.program) : uninstall_completion(home, ui.program);
  }
  if (done) return 0;
  ui.error("Error executing CLI: " + done.error().detail);
  return 1;
}

}  // namespace

int run(std::span<const std::string> arguments, const Ui& ui, const Environment& environment) {
  const Parsed parsed = parse(arguments);
  if (parsed.version) return run_command(*find_command("version"), {}, ui, environment);
  if (parsed.help && !parsed.named) {
    ui.out << top_help(ui);
    return 0;
  }
  if (parsed.install_completion || parsed.uninstall_completion) return change_completion(parsed, ui, environment);
  const Command* command = parsed.named ? find_command(parsed.command) : nullptr;
  if (command == nullptr) {
    ui.err << top_help(ui);
    return 127;
  }
  if (parsed.help) {
    ui.out << command_help(*command, ui);
    return 0;
  }
  if (parsed.stray_flags) {
    ui.err << "Invalid flags before the subcommand. If these flags are for\n"
              "the subcommand, please put them after the subcommand.\n\n"
           << command_help(*command, ui);
    return 1;
  }
  if (command->run_words != nullptr) return command->run_words(parsed.arguments, ui);
  if (command->run == nullptr) {
    ui.err << command_help(*command, ui);
    return 1;
  }
  return run_command(*command, parsed.arguments, ui, environment);
}

int run_process(int argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "proconsul";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const auto variable = [](const char* of) -> std::string_view {
    const char* value = std::getenv(of);
    return value == nullptr ? "" : value;
  };
  const bool to_terminal = isatty(STDOUT_FILENO) == 1;
  const Ui ui{.in = std::cin,
              .out = std::cout,
              .err = std::cerr,
              .program = name == "consul" ? "consul" : "proconsul",
              .progress = isatty(STDERR_FILENO) == 1,
              .to_terminal = to_terminal,
              .color = to_terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb"};
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  // A shell asks for what may come next by running us with the line in the environment.
  if (const char* line = std::getenv("COMP_LINE")) {
    std::string_view typed = line;
    if (const auto point = base::parse_uint(variable("COMP_POINT")); point) typed = typed.substr(0, *point);
    for (const std::string& word : completions(typed)) std::cout << word << '\n';
    return 0;
  }
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  std::ios::sync_with_stdio(false);
  const int code = run(arguments, ui, environment);
  std::cout.flush();
  if (std::cout || code != 0) return code;
  std::cerr << "Error writing to standard output\n";  // a full disk must not look like success
  return 1;
}

}  // namespace proconsul::agent::cli
