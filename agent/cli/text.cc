#include "agent/cli/text.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/utf8.h"

namespace proconsul::agent::cli {
namespace {

bool is_unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
}

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += "0123456789ABCDEF"[byte >> 4];
  out += "0123456789ABCDEF"[byte & 0xf];
}

struct TabLine {
  std::vector<std::string_view> cells{};  // the last one is not terminated by a tab
  std::vector<std::size_t> widths{};      // of the terminated ones
};

// Gives the cells of `column` in lines [first, last) their widths, and so on for the columns to the right. A run of
// lines that have the column is a block of its own; work is kept in a list because a value may hold any number of tabs.
void lay_out(std::vector<TabLine>& lines, TabLayout layout) {
  struct Block {
    std::size_t column, first, last;
  };
  std::vector<Block> blocks{{0, 0, lines.size()}};
  while (!blocks.empty()) {
    const Block block = blocks.back();
    blocks.pop_back();
    for (std::size_t line = block.first; line < block.last;) {
      if (lines[line].cells.size() < block.column + 2) {
        ++line;
        continue;
      }
      const std::size_t first = line;
      std::size_t width = layout.minimum;
      for (; line < block.last && lines[line].cells.size() >= block.column + 2; ++line) {
        width = std::max(width, rune_count(lines[line].cells[block.column]) + layout.padding);
      }
      for (std::size_t member = first; member < line; ++member) lines[member].widths.push_back(width);
      blocks.push_back({block.column + 1, first, line});
    }
  }
}

}  // namespace

std::size_t rune_count(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(base::decode_rune(text).size);
  return count;
}

std::string_view trim_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t at = 0; at < row.size(); ++at) {
      widths[at] = std::max(widths[at], rune_count(trim_space(row[at])));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    if (&row != &rows.front()) out += '\n';
    for (std::size_t at = 0; at < row.size(); ++at) {
      const std::string_view cell = trim_space(row[at]);
      out += cell;
      if (at + 1 < row.size()) out.append(widths[at] - rune_count(cell) + 2, ' ');
    }
  }
  return out;
}

std::string align_tabs(std::string_view text, TabLayout layout) {
  std::vector<TabLine> lines(1);
  std::size_t start = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const char c = at < text.size() ? text[at] : '\n';
    if (c != '\t' && c != '\n') continue;
    if (at == text.size() && start == at) break;  // as in Go, no cell begins at the very end
    lines.back().cells.push_back(text.substr(start, at - start));
    start = at + 1;
    if (c == '\n' && at < text.size()) lines.emplace_back();
  }
  lay_out(lines, layout);

  std::string out;
  for (const TabLine& line : lines) {
    if (&line != &lines.front()) out += '\n';
    for (std::size_t at = 0; at < line.cells.size(); ++at) {
      out += line.cells[at];
      if (at < line.widths.size()) out.append(line.widths[at] - rune_count(line.cells[at]), ' ');
    }
  }
  return out;
}

std::string escape_path(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (is_unreserved(c) || std::string_view("$&+,/:;=@").find(c) != std::string_view::npos) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::string escape_query(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::string indented_json(std::string_view compact, std::string_view unit) {
  std::string out;
  std::size_t depth = 0;
  const auto new_line = [&] {
    out += '\n';
    for (std::size_t level = 0; level < depth; ++level) out += unit;
  };
  for (std::size_t at = 0; at < compact.size(); ++at) {
    const char c = compact[at];
    if (c == '"') {
      std::size_t end = at + 1;
      while (end < compact.size() && compact[end] != '"') end += compact[end] == '\\' ? 2 : 1;
      out += compact.substr(at, end - at + 1);
      at = end;
    } else if (c == '{' || c == '[') {
      out += c;
      const bool empty = at + 1 < compact.size() && (compact[at + 1] == '}' || compact[at + 1] == ']');
      if (empty) {
        out += compact[++at];
        continue;
      }
      ++depth;
      new_line();
    } else if (c == '}' || c == ']') {
      depth -= depth > 0 ? 1 : 0;
      new_line();
      out += c;
    } else {
      out += c;
      if (c == ',') new_line();
      if (c == ':') out += ' ';
    }
  }
  return out;
}

std::string errno_text(int number) {
  std::string text = std::strerror(number);
  // "I/O" and the like are no words to lower; strerror has none of them for errors that files and sockets meet.
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t column = 0;
  while (!(text = trim_space(text)).empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    if (column > 0 && column + 1 + word.size() > width) {
      out += '\n';
      column = 0;
    }
    if (column == 0) {
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

}  // namespace proconsul::agent::cli
