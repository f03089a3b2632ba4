#include "agent/cli/completion.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>

#include "agent/cli/commands.h"
#include "agent/cli/files.h"

namespace proconsul::agent::cli {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Result;

// ---- what may come next

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t", start), line.size());
    if (end > start || end == line.size()) words.emplace_back(line.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

const Command* command_named(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : &*found;
}

std::vector<std::string> flags_of(const Command& command) {
  std::vector<std::string> names;
  for (std::span<const Flag> table : command.flags) {
    for (const Flag& flag : table) names.push_back('-' + std::string(flag.name));
  }
  names.emplace_back("-help");
  std::ranges::sort(names);
  return names;
}

// The next word of the commands below `group`.
std::vector<std::string> children_of(const std::string& group) {
  const std::string prefix = group.empty() ? "" : group + ' ';
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    const std::string_view name = command.name;
    if (!name.starts_with(prefix) || name.find(' ', prefix.size()) != std::string_view::npos) continue;
    names.emplace_back(name.substr(prefix.size()));
  }
  return names;
}

// ---- start-up files

struct Shell {
  std::string file{};
  std::vector<std::string> lines{};
  bool whole_file{};  // the file is ours alone
};

Result<std::string> own_path() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0 || size == sizeof path) return {Errc::internal, "cannot tell where this program is"};
  return std::string(path, static_cast<std::size_t>(size));
}

std::vector<Shell> shells(const std::string& home, const std::string& program, const std::string& binary) {
  std::vector<Shell> found;
  const std::string complete = "complete -C " + binary + ' ' + program;
  for (const char* name : {".bashrc", ".bash_profile", ".bash_login", ".profile"}) {
    if (const std::string file = home + '/' + name; file_exists(file)) {
      found.push_back({.file = file, .lines = {complete}});
      break;
    }
  }
  if (const std::string file = home + "/.zshrc"; file_exists(file)) {
    found.push_back(
        {.file = file,
         .lines = {"autoload -U +X bashcompinit && bashcompinit", "complete -o nospace -C " + binary + ' ' + program}});
  }
  if (const std::string folder = home + "/.config/fish"; file_exists(folder)) {
    const std::string function = "__complete_" + program;
    found.push_back({.file = folder + "/completions/" + program + ".fish",
                     .lines = {"function " + function, "    set -lx COMP_LINE (commandline -cp)",
                               "    test -z (commandline -ct)", "    and set COMP_LINE \"$COMP_LINE \"",
                               "    " + binary, "end", "complete -f -c " + program + " -a \"(" + function + ")\""},
                     .whole_file = true});
  }
  return found;
}

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

Result<> write_lines(const std::string& file, const std::vector<std::string>& lines) {
  std::error_code ignored;
  const std::string temporary = file + ".new";
  const fs::perms mode = fs::status(file, ignored).permissions();
  std::ofstream out(temporary);
  for (const std::string& line : lines) out << line << '\n';
  out.close();
  std::error_code failed;
  if (out && mode != fs::perms::unknown) fs::permissions(temporary, mode, failed);
  // The file may be a link to where its owner keeps such files.
  if (out && !failed) fs::rename(temporary, fs::exists(file) ? fs::canonical(file).string() : file, failed);
  if (out && !failed) return {};
  fs::remove(temporary, ignored);
  return {Errc::internal, "could not write " + file};
}

bool holds(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

Result<std::vector<Shell>> find_shells(const std::string& home, const std::string& program) {
  const Result<std::string> binary = own_path();
  if (!binary) return binary.error();
  std::vector<Shell> found = home.empty() ? std::vector<Shell>() : shells(home, program, *binary);
  if (found.empty()) return {Errc::not_found, "Did not find any shells to install"};
  return found;
}

}  // namespace

std::vector<std::string> completions(std::string_view line) {
  const std::vector<std::string> words = words_of(line);
  if (words.size() < 2) return {};
  std::string name;
  for (std::size_t at = 1; at + 1 < words.size(); ++at) {
    if (words[at].starts_with('-')) break;
    const std::string longer = name.empty() ? words[at] : name + ' ' + words[at];
    if (command_named(longer) == nullptr) return {};  // an argument, or a word that we do not know
    name = longer;
  }
  const Command* command = command_named(name);
  std::vector<std::string> candidates;
  if (words.back().starts_with('-')) {
    candidates = command == nullptr
                     ? std::vector<std::string>{"-autocomplete-install", "-autocomplete-uninstall", "-help", "-version"}
                     : flags_of(*command);
  } else {
    candidates = children_of(name);
  }
  std::erase_if(candidates, [&](const std::string& word) { return !word.starts_with(words.back()); });
  return candidates;
}

Result<> install_completion(const std::string& home, const std::string& program) {
  const Result<std::vector<Shell>> found = find_shells(home, program);
  if (!found) return found.error();
  for (const Shell& shell : *found) {
    std::vector<std::string> lines = lines_of(shell.file);
    if (shell.whole_file ? !lines.empty() : holds(lines, shell.lines.back())) {
      return {Errc::conflict, "already installed in " + shell.file};
    }
    if (shell.whole_file) {
      std::error_code ignored;
      fs::create_directories(fs::path(shell.file).parent_path(), ignored);
    }
    for (const std::string& line : shell.lines) {
      if (shell.whole_file || !holds(lines, line)) lines.push_back(line);
    }
    if (Result<> written = write_lines(shell.file, lines); !written) return written;
  }
  return {};
}

Result<> uninstall_completion(const std::string& home, const std::string& program) {
  const Result<std::vector<Shell>> found = find_shells(home, program);
  if (!found) return found.error();
  for (const Shell& shell : *found) {
    std::vector<std::string> lines = lines_of(shell.file);
    if (shell.whole_file ? lines.empty() : !holds(lines, shell.lines.back())) {
      return {Errc::not_found, "not installed in " + shell.file};
    }
    if (shell.whole_file) {
      std::error_code failed;
      fs::remove(shell.file, failed);
      if (failed) return {Errc::internal, "could not remove " + shell.file};
      continue;
    }
    // Other programs may need what only prepares the shell.
    std::erase(lines, shell.lines.back());
    if (Result<> written = write_lines(shell.file, lines); !written) return written;
  }
  return {};
}

}  // namespace proconsul::agent::cli
