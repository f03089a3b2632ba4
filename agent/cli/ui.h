// Where a command reads and writes. Tests hand in string streams.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace proconsul::agent::cli {

struct Ui {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::string program{"proconsul"};  // the name we were invoked under; help texts show it
  bool progress{};                   // err is a terminal: long work may show how far it is

  /// One line of data or of good news, on standard output.
  void output(std::string_view text) const;
  /// One line of bad news, on standard error.
  void error(std::string_view text) const;
  /// Redraws the progress line; nothing unless `progress`.
  void show_progress(std::string_view text) const;
  /// Wipes the progress line.
  void end_progress() const;
};

}  // namespace proconsul::agent::cli
