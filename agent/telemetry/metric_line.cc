#include "agent/telemetry/metric_line.h"

#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

namespace proconsul::agent {
namespace {

namespace metrics = base::metrics;

/// ':' ends a name and a blank may not stand in one.
void append_plain(std::string& out, std::string_view text) {
  for (const char c : text) out += c == ':' || c == ' ' ? '_' : c;
}

/// A tag cannot hold an end of line.
void append_tag(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c != '\n') out += c;
  }
}

std::string_view type_of(metrics::Kind kind) {
  switch (kind) {
    case metrics::Kind::counter:
      return "|c";
    case metrics::Kind::sample:
      return "|ms";
    case metrics::Kind::gauge:
      break;
  }
  return "|g";
}

void append_fixed(std::string& out, double value) {
  char text[400];
  const int size = std::snprintf(text, sizeof text, "%.6f", value);
  out.append(text, static_cast<std::size_t>(size));
}

}  // namespace

void append_statsd_line(std::string& out, const metrics::Event& event) {
  append_plain(out, event.host_name);
  for (const auto& [name, value] : event.labels) {
    out += '.';
    append_plain(out, value);
  }
  out += ':';
  append_fixed(out, event.value);
  out += type_of(event.kind);
  out += '\n';
}

void append_dogstatsd_line(std::string& out, const metrics::Event& event, std::span<const std::string> tags) {
  append_plain(out, event.name);
  out += ':';
  char text[400];
  switch (event.kind) {
    case metrics::Kind::counter:
      out += std::to_string(static_cast<long long>(event.value));
      break;
    case metrics::Kind::sample:
      append_fixed(out, event.value);
      break;
    case metrics::Kind::gauge:
      out.append(text, std::to_chars(text, text + sizeof text, event.value, std::chars_format::fixed).ptr);
      break;
  }
  out += type_of(event.kind);
  bool first = true;
  const auto separate = [&] { out += std::exchange(first, false) ? "|#" : ","; };
  for (const std::string& tag : tags) {
    separate();
    append_tag(out, tag);
  }
  for (const auto& [name, value] : event.labels) {
    separate();
    std::string tag;
    append_plain(tag, name);
    if (!value.empty()) tag += ':';
    append_plain(tag, value);
    append_tag(out, tag);
  }
  out += '\n';
}

}  // namespace proconsul::agent
