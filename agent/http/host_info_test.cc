#include "agent/http/host_info.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace proconsul::agent::http {
namespace {

TEST(HostInfo, ReadsMemoryAsBytes) {
  const HostMemory memory = read_memory(
      "MemTotal:  1000 kB\nMemFree: 300 kB\nMemAvailable: 600 kB\nBuffers: 100 kB\nCached: 150 kB\n"
      "SReclaimable: 50 kB\nHugePages_Total: 7\nHugepagesize: 2048 kB\nNonsense\n");

  EXPECT_EQ(memory.total, 1000u * 1024);
  EXPECT_EQ(memory.available, 600u * 1024);
  EXPECT_EQ(memory.cached, 200u * 1024);
  EXPECT_EQ(memory.used, 400u * 1024);
  EXPECT_DOUBLE_EQ(memory.usedPercent, 40.0);
  EXPECT_EQ(memory.hugePagesTotal, 7u);
  EXPECT_EQ(memory.hugePageSize, 2048u * 1024);
}

TEST(HostInfo, ReadsOneProcessorPerBlock) {
  const base::List<HostProcessor> processors = read_processors(
      "processor\t: 0\nvendor_id\t: Maker\nmodel name\t: Fast\ncpu MHz\t\t: 2400.5\ncache size\t: 512 KB\n"
      "flags\t\t: fpu sse\n\nprocessor\t: 1\nstepping\t: 3\n");

  ASSERT_EQ(processors.size(), 2u);
  EXPECT_EQ(processors[0].vendorId, "Maker");
  EXPECT_DOUBLE_EQ(processors[0].mhz, 2400.5);
  EXPECT_EQ(processors[0].cacheSize, 512);
  EXPECT_EQ(processors[0].flags.size(), 2u);
  EXPECT_EQ(processors[1].cpu, 1);
  EXPECT_EQ(processors[1].stepping, 3);
}

TEST(HostInfo, TellsOfThisMachine) {
  const HostInfo info = host_info();

  EXPECT_GT(info.Memory->total, 0u);
  EXPECT_FALSE(info.CPU.empty());
  EXPECT_EQ(info.Host->os, "linux");
  EXPECT_GT(info.Host->procs, 0u);
  EXPECT_GT(info.Disk->total, 0u);
  EXPECT_TRUE(base::to_json(info).ends_with("\"Errors\":null}"));
}

}  // namespace
}  // namespace proconsul::agent::http
