// How metrics are shown: JSON, Prometheus' text format, and the dump of SIGUSR1.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

#include "base/metrics_registry.h"

namespace proconsul::base::metrics {
namespace {

double middle_of(std::size_t bucket) {
  return std::exp2((static_cast<double>(bucket) + 0.5) / 4 - 10);
}

void quote(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  out += '"';
}

/// A finite number as Go's JSON writes a float64, or a float32 for gauges.
void number(std::string& out, double value, bool single = false) {
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-6 || size >= 1e21);
  char text[400];
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  char* end = single ? std::to_chars(text, text + sizeof text, static_cast<float>(value), format).ptr
                     : std::to_chars(text, text + sizeof text, value, format).ptr;
  std::string digits(text, end);
  // Go writes 1e-7 where C++ writes 1e-07.
  if (const std::size_t e = digits.find("e-0"); e != std::string::npos) digits.erase(e + 2, 1);
  out += digits;
}

/// Of two with one name the last one counts.
std::map<std::string, std::string> by_name(const Labels& labels) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : labels) sorted.insert_or_assign(name, value);
  return sorted;
}

void labels_json(std::string& out, const Labels& labels) {
  out += "\"Labels\":{";
  const std::map<std::string, std::string> sorted = by_name(labels);
  bool first = true;
  for (const auto& [name, value] : sorted) {
    if (!first) out += ',';
    first = false;
    quote(out, name);
    out += ':';
    quote(out, value);
  }
  out += '}';
}

/// Names and labels of Prometheus allow fewer characters.
std::string plain(std::string text) {
  for (char& c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
    if (!ok) c = '_';
  }
  return text;
}

std::string prometheus_labels(const Labels& labels, std::string_view quantile = {}) {
  if (labels.empty() && quantile.empty()) return {};
  const std::map<std::string, std::string> sorted = by_name(labels);
  std::string out = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (out.size() > 1) out += ',';
    out += name;
    out += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  };
  for (const auto& [name, value] : sorted) add(plain(name), value);
  if (!quantile.empty()) add("quantile", quantile);
  return out += '}';
}

std::string text_of_time(std::int64_t interval) {
  const std::time_t begin = interval * kIntervalSeconds;
  tm parts{};
  gmtime_r(&begin, &parts);
  char when[64];
  return {when, std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S +0000 UTC", &parts)};
}

}  // namespace

/// As Go's %g: an exponent for what is below 1e-4 or has more than six digits before the point.
void append_prometheus_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e6);
  char text[64];
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  out.append(text, std::to_chars(text, text + sizeof text, value, format).ptr);
}

std::string Registry::json() {
  refresh();
  std::lock_guard lock(mutex_);
  const std::int64_t interval = shown_interval_locked();
  std::string out = "{\"Timestamp\":\"" + text_of_time(interval) + "\",\"Gauges\":[";
  bool first = true;
  for (const std::uint32_t id : sorted_locked(Kind::gauge)) {
    const Metric& metric = metrics_[id];
    const double value = metric.value.load(std::memory_order_relaxed);
    if (!metric.is_set.load(std::memory_order_acquire) || !std::isfinite(value)) continue;
    if (!first) out += ',';
    first = false;
    out += "{\"Name\":";
    quote(out, metric.host_name);
    out += ",\"Value\":";
    number(out, value, true);
    out += ',';
    labels_json(out, metric.labels);
    out += '}';
  }
  out += "],\"Points\":[]";
  for (const Kind kind : {Kind::counter, Kind::sample}) {
    out += kind == Kind::counter ? ",\"Counters\":[" : ",\"Samples\":[";
    first = true;
    for (const std::uint32_t id : sorted_locked(kind)) {
      const Aggregate all = aggregate_locked(id, interval);
      if (all.count == 0) continue;
      if (!first) out += ',';
      first = false;
      out += "{\"Name\":";
      quote(out, metrics_[id].full_name);
      out += ",\"Count\":" + std::to_string(all.count) + ",\"Rate\":";
      number(out, all.sum / static_cast<double>(kIntervalSeconds));
      out += ",\"Sum\":";
      number(out, all.sum);
      out += ",\"Min\":";
      number(out, all.least);
      out += ",\"Max\":";
      number(out, all.most);
      out += ",\"Mean\":";
      number(out, all.sum / static_cast<double>(all.count));
      out += ",\"Stddev\":";
      number(out, all.stddev());
      out += ',';
      labels_json(out, metrics_[id].labels);
      out += '}';
    }
    out += ']';
  }
  return out += '}';
}

/// False: it is not shown, because it has no value yet or was not touched for too long.
bool Registry::prometheus_lines_locked(std::string& lines, const std::string& name, std::uint32_t id,
                                       std::int64_t now) {
  Metric& metric = metrics_[id];
  const auto line = [&](std::string_view suffix, const std::string& labels, double value) {
    lines.append(name).append(suffix).append(labels).append(" ");
    append_prometheus_number(lines, value);
    lines += '\n';
  };
  const auto expired = [&](std::int64_t updated) {
    return !metric.is_lasting() && updated + options_.prometheus_retention_seconds < now;
  };
  const std::string labels = prometheus_labels(metric.labels);
  if (metric.kind == Kind::gauge) {
    if (!metric.is_set.load(std::memory_order_acquire) || expired(metric.updated.load(std::memory_order_relaxed))) {
      return false;
    }
    line("", labels, metric.value.load(std::memory_order_relaxed));
    return true;
  }
  Totals totals = totals_locked(id);
  if (expired(totals.updated)) {  // when it comes back it begins with nothing
    metric.expired_count = totals.count;
    metric.expired_sum = totals.sum;
  }
  totals.count -= metric.expired_count;
  totals.sum -= metric.expired_sum;
  if (totals.count == 0 && !metric.is_lasting()) return false;
  if (metric.kind == Kind::counter) {
    line("", labels, totals.sum);
    return true;
  }
  const std::int64_t running = now / kIntervalSeconds;
  Aggregate all = aggregate_locked(id, running);
  const Aggregate before = aggregate_locked(id, running - 1);
  std::uint64_t observed = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) observed += all.buckets[i] += before.buckets[i];
  constexpr std::pair<const char*, double> kQuantiles[] = {{"0.5", 0.5}, {"0.9", 0.9}, {"0.99", 0.99}};
  for (const auto& [label, rank] : kQuantiles) {
    double value = std::nan("");
    if (observed > 0) {
      const auto wanted = static_cast<std::uint64_t>(std::ceil(rank * static_cast<double>(observed)));
      std::uint64_t seen = 0;
      std::size_t bucket = 0;
      while (bucket + 1 < kBuckets && (seen += all.buckets[bucket]) < wanted) ++bucket;
      value = middle_of(bucket);
    }
    line("", prometheus_labels(metric.labels, label), value);
  }
  line("_sum", labels, totals.sum);
  lines += name + "_count" + labels + " " + std::to_string(totals.count) + "\n";
  return true;
}

std::string Registry::prometheus() {
  refresh();
  std::lock_guard lock(mutex_);
  const std::int64_t now = now_seconds();
  // One block per name, whatever its labels; names in order.
  std::map<std::string, std::vector<std::uint32_t>> blocks;
  for (const Kind kind : {Kind::counter, Kind::sample, Kind::gauge}) {
    for (const std::uint32_t id : sorted_locked(kind)) blocks[plain(metrics_[id].host_name)].push_back(id);
  }
  std::string out;
  for (const auto& [name, ids] : blocks) {
    std::string lines;
    std::string help = name;
    const Kind kind = metrics_[ids.front()].kind;
    for (const std::uint32_t id : ids) {
      if (metrics_[id].kind != kind) continue;
      if (prometheus_lines_locked(lines, name, id, now) && !metrics_[id].help.empty()) help = metrics_[id].help;
    }
    if (lines.empty()) continue;
    out += "# HELP " + name + " " + help + "\n# TYPE " + name;
    out += kind == Kind::gauge ? " gauge\n" : kind == Kind::counter ? " counter\n" : " summary\n";
    out += lines;
  }
  return out;
}

std::string Registry::dump() {
  refresh();
  std::lock_guard lock(mutex_);
  const std::int64_t interval = shown_interval_locked();
  const std::string when = "[" + text_of_time(interval) + "]";
  std::string out;
  const auto begin = [&](const char* kind, const Metric& metric) {
    std::string labels;
    for (const auto& [label, value] : metric.labels) labels += "." + value;
    std::replace_if(labels.begin(), labels.end(), [](char c) { return c == ' ' || c == ':'; }, '_');
    out += when + kind + " '" + metric.host_name + labels + "': ";
  };
  char text[400];
  for (const std::uint32_t id : sorted_locked(Kind::gauge)) {
    const Metric& metric = metrics_[id];
    if (!metric.is_set.load(std::memory_order_acquire)) continue;
    begin("[G]", metric);
    std::snprintf(text, sizeof text, "%0.3f\n", metric.value.load(std::memory_order_relaxed));
    out += text;
  }
  for (const Kind kind : {Kind::counter, Kind::sample}) {
    for (const std::uint32_t id : sorted_locked(kind)) {
      const Aggregate all = aggregate_locked(id, interval);
      if (all.count == 0) continue;
      begin(kind == Kind::counter ? "[C]" : "[S]", metrics_[id]);
      const double stddev = all.stddev();
      if (stddev == 0) {
        std::snprintf(text, sizeof text, "Count: %llu Sum: %0.3f\n", static_cast<unsigned long long>(all.count),
                      all.sum);
      } else {
        std::snprintf(text, sizeof text, "Count: %llu Min: %0.3f Mean: %0.3f Max: %0.3f Stddev: %0.3f Sum: %0.3f\n",
                      static_cast<unsigned long long>(all.count), all.least, all.sum / static_cast<double>(all.count),
                      all.most, stddev, all.sum);
      }
      out += text;
    }
  }
  return out;
}

std::string to_json() {
  return Registry::get().json();
}
std::string to_prometheus() {
  return Registry::get().prometheus();
}
std::string to_dump() {
  return Registry::get().dump();
}

}  // namespace proconsul::base::metrics
