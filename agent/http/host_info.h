// What /v1/agent/host tells of the machine. The names are those of the Go library that Consul asks.
#pragma once

#include <cstdint>
#include <string>

#include "base/type.h"

namespace proconsul::agent::http {

/// Bytes, but for the counts of huge pages.
struct HostMemory {
  std::uint64_t total{}, available{}, used{};
  double usedPercent{};
  std::uint64_t free{}, active{}, inactive{}, wired{}, laundry{}, buffers{}, cached{}, writeBack{}, dirty{},
      writeBackTmp{}, shared{}, slab{}, sreclaimable{}, sunreclaim{}, pageTables{}, swapCached{}, commitLimit{},
      committedAS{}, highTotal{}, highFree{}, lowTotal{}, lowFree{}, swapTotal{}, swapFree{}, mapped{}, vmallocTotal{},
      vmallocUsed{}, vmallocChunk{}, hugePagesTotal{}, hugePagesFree{}, hugePagesRsvd{}, hugePagesSurp{},
      hugePageSize{};
};
PROCONSUL_DECLARE_TYPE(HostMemory)

struct HostProcessor {
  std::int32_t cpu{};
  std::string vendorId{}, family{}, model{};
  std::int32_t stepping{};
  std::string physicalId{}, coreId{};
  std::int32_t cores{};
  std::string modelName{};
  double mhz{};
  std::int32_t cacheSize{};  // KB
  base::List<std::string> flags{};
  std::string microcode{};
};
PROCONSUL_DECLARE_TYPE(HostProcessor)

struct HostSystem {
  std::string hostname{};
  std::uint64_t uptime{}, bootTime{}, procs{};  // seconds, seconds since 1970, processes
  std::string os{}, platform{}, platformFamily{}, platformVersion{}, kernelVersion{}, kernelArch{},
      virtualizationSystem{}, virtualizationRole{}, hostId{};
};
PROCONSUL_DECLARE_TYPE(HostSystem)

struct HostDisk {
  std::string path{}, fstype{};
  std::uint64_t total{}, free{}, used{};
  double usedPercent{};
  std::uint64_t inodesTotal{}, inodesUsed{}, inodesFree{};
  double inodesUsedPercent{};
};
PROCONSUL_DECLARE_TYPE(HostDisk)

struct HostInfo {
  base::Pointer<HostMemory> Memory{};
  base::List<HostProcessor> CPU{};
  base::Pointer<HostSystem> Host{};
  base::Pointer<HostDisk> Disk{};
  std::int64_t CollectionTime{};  // nanoseconds since 1970
  base::List<std::string> Errors{};
};
PROCONSUL_DECLARE_TYPE(HostInfo)

/// Reads /proc, /sys and /etc: some hundred microseconds to milliseconds. Any thread. What cannot be read stays empty.
HostInfo host_info();

// The parts that read text, for tests.
HostMemory read_memory(std::string_view meminfo);
base::List<HostProcessor> read_processors(std::string_view cpuinfo);

}  // namespace proconsul::agent::http
