#include "agent/local/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace proconsul::agent::local {
namespace {

namespace fs = std::filesystem;

class LocalFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(testing::TempDir()) / ("local_files." + std::string(test->name()) + "." + std::to_string(getpid()));
    fs::create_directories(folder_ / "services");
    fs::create_directories(folder_ / "checks" / "state");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  fs::path folder_;
};

TEST_F(LocalFiles, ReadTheFilesThatConsulWrites) {
  write(
      "services/by-any-name",
      R"({"Token":"t","Service":{"ID":"web","Service":"web","Tags":["a"],"Meta":null,"Port":80,"Address":"",)"
      R"("TaggedAddresses":{},"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"Mode":"",)"
      R"("MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":0,"ModifyIndex":0},"Source":"remote"})");
  write(
      "checks/a",
      R"({"Check":{"Node":"n1","CheckID":"service:web","Name":"Service 'web' check","Status":"critical","Notes":"",)"
      R"("Output":"","ServiceID":"web","ServiceName":"web","ServiceTags":["a"],"Type":"ttl","Interval":"","Timeout":"",)"
      R"("ExposedPort":0,"Definition":{},"CreateIndex":0,"ModifyIndex":0},"ChkType":{"CheckID":"","Name":"",)"
      R"("Status":"","Notes":"","ScriptArgs":null,"HTTP":"","TTL":60000000000,"OutputMaxSize":4096},"Token":"t",)"
      R"("Source":"local"})");
  write("services/broken.tmp", "{");
  write("services/broken", "{");
  Files files(folder_.string());
  std::vector<std::string> faults;

  const std::vector<PersistedService> services = files.services(faults);
  const std::vector<PersistedCheck> checks = files.checks(faults);

  ASSERT_EQ(services.size(), 1U);
  EXPECT_EQ(services[0].Service->Port, 80);
  EXPECT_EQ(services[0].Token + " " + services[0].Source, "t remote");
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].Check->ServiceID, "web");
  EXPECT_EQ(checks[0].ChkType->TTL, base::seconds(60));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("services/broken"), std::string::npos);
}

TEST_F(LocalFiles, AreNamedByTheHashOfTheIdAndGoWithIt) {
  Files files(folder_.string());
  PersistedService service{.Source = "remote"};
  service.Service.emplace().ID = "web";

  ASSERT_TRUE(files.save(service));
  ASSERT_TRUE(files.sync());
  ASSERT_EQ(std::distance(fs::directory_iterator(folder_ / "services"), {}), 1);
  EXPECT_EQ(fs::directory_iterator(folder_ / "services")->path().filename().string(),
            "4b5e57f6eb2f42b9039b3d1e13929295f231749c510cbe341cd68036d9af97e2");
  files.forget_service("web");
  EXPECT_TRUE(fs::is_empty(folder_ / "services"));
}

TEST_F(LocalFiles, AStateOfACheckCountsUntilItExpires) {
  Files files(folder_.string());
  ASSERT_TRUE(files.save(PersistedCheckState{.CheckID = "c", .Output = "o", .Status = "passing", .Expires = 100}));
  PersistedCheckState state;

  EXPECT_TRUE(files.check_state("c", 99, state));
  EXPECT_EQ(state.Status + state.Output, "passingo");
  EXPECT_FALSE(files.check_state("c", 100, state));
  EXPECT_FALSE(files.check_state("c", 99, state)) << "an expired state is removed";
  EXPECT_FALSE(files.check_state("none", 0, state));
}

TEST_F(LocalFiles, WithoutADirectoryNothingIsKept) {
  Files files("");
  std::vector<std::string> faults;

  EXPECT_TRUE(files.save(PersistedCheckState{.CheckID = "c"}));
  EXPECT_TRUE(files.services(faults).empty());
}

}  // namespace
}  // namespace proconsul::agent::local
