// Where a command reads and writes. Tests hand in string streams.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::agent::cli {

struct Ui {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::string program{"proconsul"};  // the name we were invoked under; help texts show it
  bool progress{};                   // err is a terminal: long work may show how far it is
  bool to_terminal{};                // so is out: a person reads it
  bool color{};                      // and may see colours

  /// One line of data or of good news, on standard output.
  void output(std::string_view text) const;
  /// Rows as columns(); the first one is the heading. `tone` says how a row is coloured, if it is.
  enum class Tone { plain, good, doubtful, bad };
  using Rows = std::vector<std::vector<std::string>>;
  void table(const Rows& rows, Tone (*tone)(const std::vector<std::string>& row) = nullptr) const;
  /// One line of bad news, on standard error.
  void error(std::string_view text) const;
  /// Redraws the progress line; nothing unless `progress`.
  void show_progress(std::string_view text) const;
  /// Wipes the progress line.
  void end_progress() const;
};

}  // namespace proconsul::agent::cli
