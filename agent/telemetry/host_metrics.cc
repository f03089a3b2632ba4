#include "agent/telemetry/host_metrics.h"

#include <sys/statvfs.h>

#include <fstream>
#include <sstream>
#include <utility>

namespace proconsul::agent {
namespace {

namespace metrics = base::metrics;

double percent(double part, double whole) {
  return whole > 0 ? part / whole * 100 : 0;
}

metrics::Gauge disk_gauge(const char* name, const std::string& path, const char* help) {
  return metrics::gauge(std::string("host.disk.") + name, {{"path", path}}, help);
}

}  // namespace

HostMetrics::HostMetrics(std::string data_dir)
    : data_dir_(std::move(data_dir)),
      memory_total_(metrics::gauge("host.memory.total", {}, "Memory of the machine in bytes.")),
      memory_available_(metrics::gauge("host.memory.available", {}, "Memory that programs can still get, in bytes.")),
      memory_used_(metrics::gauge("host.memory.used", {}, "Memory in use, without caches, in bytes.")),
      memory_used_percent_(metrics::gauge("host.memory.used_percent", {}, "Share of the memory in use.")),
      memory_free_(metrics::gauge("host.memory.free", {}, "Memory that nothing uses, in bytes.")),
      uptime_(metrics::gauge("host.uptime", {}, "Seconds since the machine started.")),
      disk_size_(disk_gauge("size", data_dir_, "Size of the data directory's disk in bytes.")),
      disk_used_(disk_gauge("used", data_dir_, "Bytes used on the data directory's disk.")),
      disk_available_(disk_gauge("available", data_dir_, "Bytes that the agent may still use there.")),
      disk_used_percent_(disk_gauge("used_percent", data_dir_, "Share of the disk in use.")),
      disk_inodes_percent_(disk_gauge("inodes_percent", data_dir_, "Share of the disk's inodes in use.")) {}

void HostMetrics::read() {
  read_memory();
  read_processors();
  read_disk();
  read_uptime();
}

void HostMetrics::read_memory() {
  std::ifstream file("/proc/meminfo");
  std::map<std::string, double> bytes;
  std::string name;
  double kilobytes = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    if (words >> name >> kilobytes) bytes[name] = kilobytes * 1024;
  }
  const double total = bytes["MemTotal:"];
  const double free = bytes["MemFree:"];
  const double used = total - free - bytes["Buffers:"] - bytes["Cached:"] - bytes["SReclaimable:"];
  memory_total_.set(total);
  memory_available_.set(bytes["MemAvailable:"]);
  memory_free_.set(free);
  memory_used_.set(used);
  memory_used_percent_.set(percent(used, total));
}

HostMetrics::Processor& HostMetrics::processor(const std::string& name) {
  const auto found = processors_.find(name);
  if (found != processors_.end()) return found->second;
  const auto gauge = [&](const char* what, const char* help) {
    return metrics::gauge(std::string("host.cpu.") + what, {{"cpu", name}}, help);
  };
  return processors_
      .emplace(name, Processor{.total = gauge("total", "Share of the time in which the processor was busy."),
                               .user = gauge("user", "Share of the time spent in programs."),
                               .idle = gauge("idle", "Share of the time in which the processor was idle."),
                               .iowait = gauge("iowait", "Share of the time spent waiting for disks."),
                               .system = gauge("system", "Share of the time spent in the kernel.")})
      .first->second;
}

void HostMetrics::read_processors() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("cpu") || line.starts_with("cpu ")) continue;
    std::istringstream words(line);
    std::string name;
    double nice = 0, irq = 0, softirq = 0, steal = 0, guest = 0, guest_nice = 0;
    Times now;
    words >> name >> now.user >> nice >> now.system >> now.idle >> now.iowait >> irq >> softirq >> steal >> guest >>
        guest_nice;
    now.busy = now.user + nice + now.system + now.iowait + irq + softirq + steal + guest + guest_nice;
    Processor& cpu = processor(name);
    const Times last = std::exchange(cpu.last, now);
    const double passed = now.busy + now.idle - last.busy - last.idle;
    cpu.total.set(percent(now.busy - last.busy, passed));
    cpu.user.set(percent(now.user - last.user, passed));
    cpu.iowait.set(percent(now.iowait - last.iowait, passed));
    cpu.system.set(percent(now.system - last.system, passed));
    cpu.idle.set(passed > 0 ? percent(now.idle - last.idle, passed) : 100);
  }
}

void HostMetrics::read_disk() {
  struct statvfs disk{};
  if (data_dir_.empty() || statvfs(data_dir_.c_str(), &disk) != 0) return;
  const auto block = static_cast<double>(disk.f_frsize);
  const double size = static_cast<double>(disk.f_blocks) * block;
  const double used = static_cast<double>(disk.f_blocks - disk.f_bfree) * block;
  const double available = static_cast<double>(disk.f_bavail) * block;
  disk_size_.set(size);
  disk_used_.set(used);
  disk_available_.set(available);
  disk_used_percent_.set(percent(used, used + available));
  disk_inodes_percent_.set(
      percent(static_cast<double>(disk.f_files - disk.f_ffree), static_cast<double>(disk.f_files)));
}

void HostMetrics::read_uptime() {
  std::ifstream file("/proc/uptime");
  double seconds = 0;
  if (file >> seconds) uptime_.set(static_cast<double>(static_cast<long>(seconds)));
}

}  // namespace proconsul::agent
