#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/cli/files.h"
#include "agent/cli/test_agent.h"
#include "raft/temporary_directory.h"

namespace proconsul::agent::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// An archive that a Consul server made; it holds a little of everything.
std::string recorded() {
  return std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/snapshot.tgz";
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CliSnapshot, InspectShowsWhatARecordedArchiveHolds) {
  const Outcome plain = run_line({"snapshot", "inspect", recorded()});
  const Outcome keys = run_line({"snapshot", "inspect", "-kvdetails", "-kvdepth=1", recorded()});
  const Outcome json = run_line({"snapshot", "inspect", "-format=json", recorded()});

  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, StartsWith(" ID           2-176-1795414121350\n Size         114353\n"));
  EXPECT_THAT(plain.out, HasSubstr("\n Index                       68         2.4KB\n"));
  EXPECT_THAT(plain.out, HasSubstr("\n Total                                  111.7KB\n"));
  EXPECT_THAT(keys.out, HasSubstr("\n app           2          160B\n"));
  EXPECT_THAT(json.out, HasSubstr("\"TotalSize\": 114353,\n   \"TotalSizeKV\": 0\n}\n"));
}

TEST(CliSnapshot, ADamagedArchiveIsRefused) {
  const raft::TemporaryDirectory folder;
  const std::string archive = content_of(recorded());
  std::ofstream(folder / "cut.snap", std::ios::binary) << archive.substr(0, archive.size() / 2);
  std::ofstream(folder / "text.snap") << "this is no archive";

  for (const char* name : {"cut.snap", "text.snap"}) {
    const Outcome outcome = run_line({"snapshot", "inspect", folder / name});

    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, StartsWith("Error reading snapshot: "));
  }
}

TEST(CliSnapshot, OnlyAWholeSnapshotGetsItsName) {
  const raft::TemporaryDirectory folder;
  const std::string archive = content_of(recorded());
  TestAgent agent;
  const std::map<std::string, std::string> at{{"CONSUL_HTTP_ADDR", agent.address()}};

  agent.answer({TestAgent::reply(200, archive, "X-Consul-Index: 42\r\n")});
  const Outcome good = run_line({"snapshot", "save", "-stale", folder / "good.snap"}, at);
  agent.answer({TestAgent::reply(200, archive.substr(0, archive.size() / 2), "X-Consul-Index: 42\r\n")});
  const Outcome bad = run_line({"snapshot", "save", folder / "bad.snap"}, at);
  agent.answer({TestAgent::reply(403, "Permission denied")});
  const Outcome refused = run_line({"snapshot", "save", folder / "refused.snap"}, at);

  EXPECT_EQ(good.out, "Saved and verified snapshot to index 42\n") << good.err;
  EXPECT_THAT(agent.requests()[0], StartsWith("GET /v1/snapshot?stale= HTTP/1.1\r\n"));
  EXPECT_EQ(content_of(folder / "good.snap"), archive);
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, StartsWith("Error verifying snapshot file: "));
  EXPECT_THAT(refused.err, StartsWith("Error saving snapshot: Unexpected response code: 403 (Permission denied)\n"));
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(CliSnapshot, TheNameMayTellVersionAndDatacenter) {
  const raft::TemporaryDirectory folder;
  TestAgent agent;
  agent.answer({TestAgent::reply(429, R"({"Servers":[{"Version":"1.20.0"},{"Version":"1.21.4","Leader":true}]})"),
                TestAgent::reply(200, R"({"Config":{"Datacenter":"east"}})"),
                TestAgent::reply(200, content_of(recorded()))});

  const Outcome outcome = run_line({"snapshot", "save", "-append-filename=version,dc", folder / "a.b.snap"},
                                   {{"CONSUL_HTTP_ADDR", agent.address()}});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(file_exists(folder / "a.b-1.21.4-east.snap"));
}

TEST(CliSnapshot, RestoreSendsTheFileAsItIs) {
  TestAgent agent;
  agent.answer({TestAgent::reply(200, "")});

  const Outcome outcome = run_line({"snapshot", "restore", recorded()}, {{"CONSUL_HTTP_ADDR", agent.address()}});

  EXPECT_EQ(outcome.out, "Restored snapshot\n");
  ASSERT_EQ(agent.requests().size(), 1u);
  EXPECT_THAT(agent.requests()[0], StartsWith("PUT /v1/snapshot HTTP/1.1\r\n"));
  EXPECT_TRUE(agent.requests()[0].ends_with("\r\n\r\n" + content_of(recorded())));
}

}  // namespace
}  // namespace proconsul::agent::cli
