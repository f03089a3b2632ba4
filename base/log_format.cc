// One line of the log, as go-hclog writes it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/utf8.h"

namespace proconsul::base::log {
namespace {

/// What is not printable becomes an escape sequence; quotes too where the text stands in some.
void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
  while (!text.empty()) {
    const auto [rune, size] = decode_rune(text);
    if (rune == '"' || rune == '\\') {
      if (rune == '"' && in_quotes) out += '\\';
      out += static_cast<char>(rune);
    } else if (size == 1 && rune == kReplacementCharacter) {
      append_rune(out, rune);
    } else {
      const std::string quoted = quote(text.substr(0, size));
      out.append(quoted, 1, quoted.size() - 2);
    }
    text.remove_prefix(size);
  }
}

/// Of '-' to '~' only: stands without quotes.
bool is_plain(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c >= '-' && c <= '~'; });
}

void append_field(std::string& out, const Field& field) {
  const std::string_view value = field.value;
  if (value.find('\n') == std::string_view::npos) {
    out.append(1, ' ').append(field.key).append(1, '=');
    if (value.empty() || !is_plain(value)) {
      out += '"';
      append_escaped(out, value, true);
      out += '"';
    } else {
      out += value;
    }
    return;
  }
  out.append("\n  ").append(field.key).append("=\n");
  for (std::string_view rest = value; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    out += "  | ";
    append_escaped(out, rest.substr(0, end), false);
    out += '\n';
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  out += "  ";
}

std::string text_of_time(std::int64_t unix_microseconds, bool json) {
  const std::time_t seconds = unix_microseconds / 1'000'000;
  const auto fraction = static_cast<int>(unix_microseconds % 1'000'000);
  tm parts{};
  localtime_r(&seconds, &parts);
  char when[40];
  std::size_t size = std::strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
  size += static_cast<std::size_t>(json ? std::snprintf(when + size, sizeof when - size, ".%06d", fraction)
                                        : std::snprintf(when + size, sizeof when - size, ".%03d", fraction / 1000));
  if (parts.tm_gmtoff == 0) {
    when[size++] = 'Z';
  } else {
    const long minutes = std::abs(parts.tm_gmtoff) / 60;
    size +=
        static_cast<std::size_t>(std::snprintf(when + size, sizeof when - size, json ? "%c%02ld:%02ld" : "%c%02ld%02ld",
                                               parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60));
  }
  return {when, size};
}

std::string json_line(Level level, std::string_view name, std::string_view message, std::initializer_list<Field> fields,
                      std::string_view when) {
  std::string small(to_string(level));
  for (char& c : small) c = static_cast<char>(c + 32);
  std::string line = "{\"@level\":\"" + small + "\",\"@message\":";
  append_json_string(line, message);
  line += ",\"@module\":";
  append_json_string(line, name);
  line.append(",\"@timestamp\":\"").append(when).append(1, '"');
  std::vector<const Field*> sorted;
  for (const Field& field : fields) sorted.push_back(&field);
  std::sort(sorted.begin(), sorted.end(), [](const Field* a, const Field* b) { return a->key < b->key; });
  for (const Field* field : sorted) {
    line += ',';
    append_json_string(line, field->key);
    line += ':';
    if (field->is_bare) {
      line += field->value;
    } else {
      append_json_string(line, field->value);
    }
  }
  return line += "}\n";
}

}  // namespace

std::string format(bool json, Level level, std::string_view name, std::string_view message,
                   std::initializer_list<Field> fields, std::int64_t unix_microseconds) {
  std::string line = text_of_time(unix_microseconds, json);
  if (json) return json_line(level, name, message, fields, line);
  line += " [";
  line += to_string(level);
  line += level == Level::info || level == Level::warn ? "]  " : "] ";
  line += name;
  line += ": ";
  line += message;
  if (fields.size() > 0) line += ':';
  for (const Field& field : fields) append_field(line, field);
  return line += '\n';
}

}  // namespace proconsul::base::log
