#include "agent/cli/ui.h"

#include <istream>
#include <ostream>

namespace proconsul::agent::cli {

void Ui::output(std::string_view text) const {
  out << text << '\n';
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
