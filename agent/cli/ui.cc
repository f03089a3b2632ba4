#include "agent/cli/ui.h"

#include <algorithm>
#include <istream>
#include <ostream>

#include "agent/cli/text.h"

namespace proconsul::agent::cli {

void Ui::output(std::string_view text) const {
  out << text << '\n';
}

void Ui::table(const Rows& rows, Tone (*tone)(const std::vector<std::string>& row)) const {
  const std::string text = columns(rows);
  if (!color) return output(text);
  std::string_view rest = text;
  for (const std::vector<std::string>& row : rows) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    std::string_view code;
    if (&row == &rows.front()) {
      code = "\x1b[1m";
    } else if (tone != nullptr) {
      switch (tone(row)) {
        case Tone::plain:
          break;
        case Tone::good:
          code = "\x1b[32m";
          break;
        case Tone::doubtful:
          code = "\x1b[33m";
          break;
        case Tone::bad:
          code = "\x1b[31m";
          break;
      }
    }
    out << code << line << (code.empty() ? "" : "\x1b[0m") << '\n';
  }
}

void Ui::error(std::string_view text) const {
  out.flush();  // both may be one terminal: keep the order in which things happened
  err << text << '\n';
}

void Ui::show_progress(std::string_view text) const {
  if (progress) err << '\r' << text << "\x1b[K" << std::flush;
}

void Ui::end_progress() const {
  if (progress) err << "\r\x1b[K" << std::flush;
}

}  // namespace proconsul::agent::cli
