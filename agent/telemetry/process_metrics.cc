#include "agent/telemetry/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include "base/metrics.h"

namespace proconsul::agent {
namespace {

void add(std::string& out, const char* name, const char* type, const char* help, double value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type);
  out.append("\n").append(name).append(" ");
  base::metrics::append_prometheus_number(out, value);
  out += '\n';
}

struct Stat {
  double user_ticks{}, system_ticks{}, start_ticks{}, virtual_bytes{}, resident_pages{};
};

std::optional<Stat> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = text.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  std::string state;
  rest >> state;  // field 3
  double fields[52] = {};
  for (int field = 4; field <= 24; ++field) rest >> fields[field];
  if (!rest) return std::nullopt;
  return Stat{fields[14], fields[15], fields[22], fields[23], fields[24]};
}

/// When the machine started, in seconds since 1970.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    double seconds = 0;
    if (std::sscanf(line.c_str(), "btime %lf", &seconds) == 1) return seconds;
  }
  return std::nullopt;
}

std::optional<double> open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  if (!folder) return std::nullopt;
  int count = -1;  // the folder itself
  while (const dirent* entry = readdir(folder.get())) count += entry->d_name[0] != '.';
  return count;
}

double limit_of(rlim_t limit) {
  return limit == RLIM_INFINITY ? 18446744073709551615.0 : static_cast<double>(limit);
}

}  // namespace

std::string process_metrics() {
  std::string out;
  const std::optional<Stat> stat = read_stat();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (stat) {
    add(out, "process_cpu_seconds_total", "counter", "Processor time in user and system mode, in seconds.",
        (stat->user_ticks + stat->system_ticks) / ticks);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    add(out, "process_max_fds", "gauge", "Most file descriptors that may be open.", limit_of(limit.rlim_cur));
  }
  if (const auto count = open_descriptors()) {
    add(out, "process_open_fds", "gauge", "File descriptors that are open.", *count);
  }
  if (stat) {
    add(out, "process_resident_memory_bytes", "gauge", "Resident memory in bytes.",
        stat->resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
    if (const auto boot = boot_time()) {
      add(out, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.",
          *boot + stat->start_ticks / ticks);
    }
    add(out, "process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", stat->virtual_bytes);
  }
  if (getrlimit(RLIMIT_AS, &limit) == 0) {
    add(out, "process_virtual_memory_max_bytes", "gauge", "Most virtual memory in bytes.", limit_of(limit.rlim_cur));
  }
  return out;
}

}  // namespace proconsul::agent
