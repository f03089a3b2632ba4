// Text as Consul's command line prints it: tables, escaping, paths. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::agent::cli {

/// Number of code points; a byte that is not UTF-8 counts as one.
std::size_t rune_count(std::string_view text);

std::string_view trim_space(std::string_view text);

/// Rows of cells as left-aligned columns two spaces apart, without a final newline. Cells are trimmed; the last cell of
/// a row is not padded.
std::string columns(const std::vector<std::vector<std::string>>& rows);

struct TabLayout {
  std::size_t minimum{};  // least width of a cell, padding included
  std::size_t padding{};
};
/// Aligns tab-terminated cells with spaces: a column is a run of consecutive lines that all have a cell in it. What
/// stands after a line's last tab belongs to no column.
std::string align_tabs(std::string_view text, TabLayout layout);

/// One path of a URL, slashes kept, as Go's url.URL writes it.
std::string escape_path(std::string_view path);
/// One key or value of a query string; a space becomes '+'.
std::string escape_query(std::string_view text);

/// Compact JSON on several lines, each level indented by `unit`; empty lists and objects stay closed.
std::string indented_json(std::string_view compact, std::string_view unit);

/// The error's text as Go spells it: "no such file or directory".
std::string errno_text(int number);

/// Breaks words so that lines hold at most `width` characters and indents each by `indent`.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace proconsul::agent::cli
