#include "agent/http/host_info.h"

#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace proconsul::agent::http {

PROCONSUL_DESCRIBE_TYPE(HostMemory, "mem.VirtualMemoryStat") {
  type.field("total", &HostMemory::total);
  type.field("available", &HostMemory::available);
  type.field("used", &HostMemory::used);
  type.field("usedPercent", &HostMemory::usedPercent);
  type.field("free", &HostMemory::free);
  type.field("active", &HostMemory::active);
  type.field("inactive", &HostMemory::inactive);
  type.field("wired", &HostMemory::wired);
  type.field("laundry", &HostMemory::laundry);
  type.field("buffers", &HostMemory::buffers);
  type.field("cached", &HostMemory::cached);
  type.field("writeBack", &HostMemory::writeBack);
  type.field("dirty", &HostMemory::dirty);
  type.field("writeBackTmp", &HostMemory::writeBackTmp);
  type.field("shared", &HostMemory::shared);
  type.field("slab", &HostMemory::slab);
  type.field("sreclaimable", &HostMemory::sreclaimable);
  type.field("sunreclaim", &HostMemory::sunreclaim);
  type.field("pageTables", &HostMemory::pageTables);
  type.field("swapCached", &HostMemory::swapCached);
  type.field("commitLimit", &HostMemory::commitLimit);
  type.field("committedAS", &HostMemory::committedAS);
  type.field("highTotal", &HostMemory::highTotal);
  type.field("highFree", &HostMemory::highFree);
  type.field("lowTotal", &HostMemory::lowTotal);
  type.field("lowFree", &HostMemory::lowFree);
  type.field("swapTotal", &HostMemory::swapTotal);
  type.field("swapFree", &HostMemory::swapFree);
  type.field("mapped", &HostMemory::mapped);
  type.field("vmallocTotal", &HostMemory::vmallocTotal);
  type.field("vmallocUsed", &HostMemory::vmallocUsed);
  type.field("vmallocChunk", &HostMemory::vmallocChunk);
  type.field("hugePagesTotal", &HostMemory::hugePagesTotal);
  type.field("hugePagesFree", &HostMemory::hugePagesFree);
  type.field("hugePagesRsvd", &HostMemory::hugePagesRsvd);
  type.field("hugePagesSurp", &HostMemory::hugePagesSurp);
  type.field("hugePageSize", &HostMemory::hugePageSize);
}

PROCONSUL_DESCRIBE_TYPE(HostProcessor, "cpu.InfoStat") {
  type.field("cpu", &HostProcessor::cpu);
  type.field("vendorId", &HostProcessor::vendorId);
  type.field("family", &HostProcessor::family);
  type.field("model", &HostProcessor::model);
  type.field("stepping", &HostProcessor::stepping);
  type.field("physicalId", &HostProcessor::physicalId);
  type.field("coreId", &HostProcessor::coreId);
  type.field("cores", &HostProcessor::cores);
  type.field("modelName", &HostProcessor::modelName);
  type.field("mhz", &HostProcessor::mhz);
  type.field("cacheSize", &HostProcessor::cacheSize);
  type.field("flags", &HostProcessor::flags);
  type.field("microcode", &HostProcessor::microcode);
}

PROCONSUL_DESCRIBE_TYPE(HostSystem, "host.InfoStat") {
  type.field("hostname", &HostSystem::hostname);
  type.field("uptime", &HostSystem::uptime);
  type.field("bootTime", &HostSystem::bootTime);
  type.field("procs", &HostSystem::procs);
  type.field("os", &HostSystem::os);
  type.field("platform", &HostSystem::platform);
  type.field("platformFamily", &HostSystem::platformFamily);
  type.field("platformVersion", &HostSystem::platformVersion);
  type.field("kernelVersion", &HostSystem::kernelVersion);
  type.field("kernelArch", &HostSystem::kernelArch);
  type.field("virtualizationSystem", &HostSystem::virtualizationSystem);
  type.field("virtualizationRole", &HostSystem::virtualizationRole);
  type.field("hostId", &HostSystem::hostId);
}

PROCONSUL_DESCRIBE_TYPE(HostDisk, "disk.UsageStat") {
  type.field("path", &HostDisk::path);
  type.field("fstype", &HostDisk::fstype);
  type.field("total", &HostDisk::total);
  type.field("free", &HostDisk::free);
  type.field("used", &HostDisk::used);
  type.field("usedPercent", &HostDisk::usedPercent);
  type.field("inodesTotal", &HostDisk::inodesTotal);
  type.field("inodesUsed", &HostDisk::inodesUsed);
  type.field("inodesFree", &HostDisk::inodesFree);
  type.field("inodesUsedPercent", &HostDisk::inodesUsedPercent);
}

PROCONSUL_DESCRIBE_TYPE(HostInfo, "debug.HostInfo") {
  type.field("Memory", &HostInfo::Memory);
  type.field("CPU", &HostInfo::CPU);
  type.field("Host", &HostInfo::Host);
  type.field("Disk", &HostInfo::Disk);
  type.field("CollectionTime", &HostInfo::CollectionTime);
  type.field("Errors", &HostInfo::Errors);
}

namespace {

std::string file_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Calls visit(name, value) for each "name<separator>value" line.
template <class Visit>
void each_line(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const std::size_t at = line.find(separator);
    if (at != std::string_view::npos) visit(trimmed(line.substr(0, at)), trimmed(line.substr(at + 1)));
  }
}

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole) * 100;
}

/// "00112233445566778899aabbccddeeff" as a UUID; empty if it is none.
std::string uuid_of(std::string_view digits) {
  if (digits.size() != 32) return {};
  std::string uuid(digits);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) uuid.insert(at, 1, '-');
  return uuid;
}

std::string host_id() {
  std::string id(trimmed(file_text("/sys/class/dmi/id/product_uuid")));
  if (id.empty()) id = uuid_of(trimmed(file_text("/etc/machine-id")));
  if (id.empty()) id = trimmed(file_text("/proc/sys/kernel/random/boot_id"));
  std::ranges::transform(id, id.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return id;
}

std::string_view family_of(std::string_view platform) {
  constexpr std::pair<std::string_view, std::string_view> kFamilies[] = {
      {"debian", "debian"},  {"ubuntu", "debian"},      {"linuxmint", "debian"}, {"raspbian", "debian"},
      {"centos", "rhel"},    {"redhat", "rhel"},        {"rhel", "rhel"},        {"rocky", "rhel"},
      {"almalinux", "rhel"}, {"amzn", "rhel"},          {"oracle", "rhel"},      {"fedora", "fedora"},
      {"suse", "suse"},      {"opensuse-leap", "suse"}, {"sles", "suse"},        {"arch", "arch"},
      {"alpine", "alpine"},  {"gentoo", "gentoo"}};
  for (const auto& [name, family] : kFamilies) {
    if (platform == name) return family;
  }
  return {};
}

/// What kind of machine or container this process sees itself in.
std::pair<std::string, std::string> virtualization() {
  std::error_code error;
  if (std::filesystem::exists("/.dockerenv", error)) return {"docker", "guest"};
  const std::string groups = file_text("/proc/self/cgroup");
  for (const std::string_view name : {"docker", "lxc"}) {
    if (groups.find(name) != std::string::npos) return {std::string(name), "guest"};
  }
  if (file_text("/proc/modules").find("kvm") != std::string::npos) return {"kvm", "host"};
  return {};
}

HostSystem system_info() {
  HostSystem host{};
  utsname names{};
  uname(&names);
  host.hostname = names.nodename;
  host.os = "linux";
  host.kernelVersion = names.release;
  host.kernelArch = names.machine;
  struct sysinfo info{};
  if (::sysinfo(&info) == 0) host.uptime = static_cast<std::uint64_t>(info.uptime);
  each_line(file_text("/proc/stat"), ' ', [&](std::string_view name, std::string_view value) {
    if (name == "btime") host.bootTime = number<std::uint64_t>(value);
  });
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) ++host.procs;
  }
  each_line(file_text("/etc/os-release"), '=', [&](std::string_view name, std::string_view value) {
    if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
    if (name == "ID") host.platform = value;
    if (name == "VERSION_ID") host.platformVersion = value;
  });
  if (host.platform == "debian") host.platformVersion = trimmed(file_text("/etc/debian_version"));
  host.platformFamily = family_of(host.platform);
  std::tie(host.virtualizationSystem, host.virtualizationRole) = virtualization();
  host.hostId = host_id();
  return host;
}

std::string file_system_name(long magic) {
  constexpr std::pair<long, const char*> kNames[] = {
      {0xef53, "ext2/ext3"},     {0x58465342, "xfs"},  {0x9123683e, "btrfs"}, {0x01021994, "tmpfs"},
      {0x794c7630, "overlayfs"}, {0x2fc12fc1, "zfs"},  {0x6969, "nfs"},       {0xf2f52010, "f2fs"},
      {0x73717368, "squashfs"},  {0x01021997, "v9fs"}, {0x65735546, "fuse"}};
  for (const auto& [known, name] : kNames) {
    if (magic == known) return name;
  }
  return {};
}

HostDisk disk_info(const char* path) {
  HostDisk disk{};
  disk.path = path;
  struct statfs place{};
  if (::statfs(path, &place) != 0) return disk;
  const auto block = static_cast<std::uint64_t>(place.f_bsize);
  disk.fstype = file_system_name(static_cast<long>(place.f_type));
  disk.total = place.f_blocks * block;
  disk.free = place.f_bavail * block;
  disk.used = (place.f_blocks - place.f_bfree) * block;
  disk.usedPercent = percent(disk.used, disk.used + disk.free);
  disk.inodesTotal = place.f_files;
  disk.inodesFree = place.f_ffree;
  disk.inodesUsed = disk.inodesTotal - disk.inodesFree;
  disk.inodesUsedPercent = percent(disk.inodesUsed, disk.inodesTotal);
  return disk;
}

}  // namespace

HostMemory read_memory(std::string_view meminfo) {
  constexpr std::pair<std::string_view, std::uint64_t HostMemory::*> kSizes[] = {
      {"MemTotal", &HostMemory::total},
      {"MemFree", &HostMemory::free},
      {"MemAvailable", &HostMemory::available},
      {"Buffers", &HostMemory::buffers},
      {"Cached", &HostMemory::cached},
      {"Active", &HostMemory::active},
      {"Inactive", &HostMemory::inactive},
      {"WriteBack", &HostMemory::writeBack},
      {"WriteBackTmp", &HostMemory::writeBackTmp},
      {"Dirty", &HostMemory::dirty},
      {"Shmem", &HostMemory::shared},
      {"Slab", &HostMemory::slab},
      {"SReclaimable", &HostMemory::sreclaimable},
      {"SUnreclaim", &HostMemory::sunreclaim},
      {"PageTables", &HostMemory::pageTables},
      {"SwapCached", &HostMemory::swapCached},
      {"CommitLimit", &HostMemory::commitLimit},
      {"Committed_AS", &HostMemory::committedAS},
      {"HighTotal", &HostMemory::highTotal},
      {"HighFree", &HostMemory::highFree},
      {"LowTotal", &HostMemory::lowTotal},
      {"LowFree", &HostMemory::lowFree},
      {"SwapTotal", &HostMemory::swapTotal},
      {"SwapFree", &HostMemory::swapFree},
      {"Mapped", &HostMemory::mapped},
      {"VmallocTotal", &HostMemory::vmallocTotal},
      {"VmallocUsed", &HostMemory::vmallocUsed},
      {"VmallocChunk", &HostMemory::vmallocChunk},
      {"Hugepagesize", &HostMemory::hugePageSize}};
  constexpr std::pair<std::string_view, std::uint64_t HostMemory::*> kCounts[] = {
      {"HugePages_Total", &HostMemory::hugePagesTotal},
      {"HugePages_Free", &HostMemory::hugePagesFree},
      {"HugePages_Rsvd", &HostMemory::hugePagesRsvd},
      {"HugePages_Surp", &HostMemory::hugePagesSurp}};
  HostMemory memory{};
  each_line(meminfo, ':', [&](std::string_view name, std::string_view value) {
    for (const auto& [known, member] : kSizes) {
      if (name == known) memory.*member = number<std::uint64_t>(value) * 1024;
    }
    for (const auto& [known, member] : kCounts) {
      if (name == known) memory.*member = number<std::uint64_t>(value);
    }
  });
  memory.cached += memory.sreclaimable;
  memory.used = memory.total - memory.free - memory.buffers - memory.cached;
  memory.usedPercent = percent(memory.used, memory.total);
  return memory;
}

base::List<HostProcessor> read_processors(std::string_view cpuinfo) {
  base::List<HostProcessor> processors;
  each_line(cpuinfo, ':', [&](std::string_view name, std::string_view value) {
    if (name == "processor") {
      HostProcessor& fresh = processors.emplace_back();
      fresh.cpu = number<std::int32_t>(value);
      fresh.cores = 1;
    }
    if (processors.empty()) return;
    HostProcessor& processor = processors.back();
    if (name == "vendor_id") processor.vendorId = value;
    if (name == "cpu family") processor.family = value;
    if (name == "model" || name == "CPU part") processor.model = value;
    if (name == "model name") processor.modelName = value;
    if (name == "stepping" || name == "CPU revision") processor.stepping = number<std::int32_t>(value);
    if (name == "cpu MHz") processor.mhz = number<double>(value);
    if (name == "cache size") processor.cacheSize = number<std::int32_t>(value);
    if (name == "physical id") processor.physicalId = value;
    if (name == "core id") processor.coreId = value;
    if (name == "microcode") processor.microcode = value;
    if (name == "flags" || name == "Features") {
      std::istringstream words{std::string(value)};
      for (std::string word; words >> word;) processor.flags.push_back(word);
    }
  });
  return processors;
}

HostInfo host_info() {
  HostInfo info{};
  const base::Time now = base::system_clock().wall();
  info.CollectionTime = (now.seconds - base::kUnixEpochSeconds) * 1'000'000'000 + now.nanoseconds;
  info.Memory.emplace() = read_memory(file_text("/proc/meminfo"));
  info.CPU = read_processors(file_text("/proc/cpuinfo"));
  for (HostProcessor& processor : info.CPU) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(processor.cpu);
    // The most that the processor can do, where the system says it, rather than what it does now.
    const double most = number<double>(file_text(folder + "/cpufreq/cpuinfo_max_freq"));
    if (most > 0) processor.mhz = most / 1000;
    if (processor.coreId.empty()) processor.coreId = trimmed(file_text(folder + "/topology/core_id"));
  }
  info.Host.emplace() = system_info();
  info.Disk.emplace() = disk_info("/");
  return info;
}

}  // namespace proconsul::agent::http
