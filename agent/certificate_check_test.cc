#include "agent/certificate_check.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/cli/certificates.h"

namespace proconsul::agent {
namespace {

using std::chrono::days;

class CertificateCheckTest : public testing::Test {
 protected:
  CertificateCheckTest() {
    const auto authority = cli::make_authority({.days = 100});
    EXPECT_TRUE(authority);
    std::ofstream(path) << authority->certificate;
  }
  ~CertificateCheckTest() override { std::filesystem::remove(path); }

  const std::string path = testing::TempDir() + "certificate-check-" + std::to_string(::getpid()) + ".pem";
  const config::CertificateExpiryCheck rules{
      .enabled = true, .warning = base::seconds(28 * 86400), .critical = base::seconds(2 * 86400)};
  const std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

TEST_F(CertificateCheckTest, WarnsOfWhatEndsSoonAndSaysHowManyDaysAreLeft) {
  const CertificateState fresh = certificate_state({path}, rules, now);
  const CertificateState old = certificate_state({path}, rules, now + days(80));
  const CertificateState ending = certificate_state({path}, rules, now + days(99));
  const CertificateState over = certificate_state({path}, {.enabled = true, .warning = rules.warning}, now + days(103));

  EXPECT_EQ(fresh.status, "passing");
  EXPECT_TRUE(fresh.output == path + ": 99 days left" || fresh.output == path + ": 100 days left") << fresh.output;
  EXPECT_EQ(old.status, "warning");
  EXPECT_EQ(ending.status, "critical");
  EXPECT_EQ(over.status, "warning");
  EXPECT_NE(over.output.find(": over for "), std::string::npos) << over.output;
}

TEST_F(CertificateCheckTest, ACertificateThatNeverEndsIsWell) {
  const auto authority = cli::make_authority({.days = 1'000'000});
  ASSERT_TRUE(authority);
  std::ofstream(path) << authority->certificate;

  const CertificateState state = certificate_state({path}, rules, now);

  EXPECT_EQ(state.status, "passing");
  EXPECT_TRUE(state.output == path + ": 999999 days left" || state.output == path + ": 1000000 days left")
      << state.output;
}

TEST_F(CertificateCheckTest, TheWorstOfTheFilesCounts) {
  const CertificateState state = certificate_state({path, path + ".none"}, rules, now);

  EXPECT_EQ(state.status, "warning");
  EXPECT_NE(state.output.find(".none: cannot be read"), std::string::npos) << state.output;
}

TEST(CertificateFiles, EachStandsOnce) {
  config::Config config;
  config.tls.internal_rpc.cert_file = config.tls.https.cert_file = "a.pem";
  config.tls.grpc.cert_file = "b.pem";

  EXPECT_EQ(certificate_files(config), (std::vector<std::string>{"a.pem", "b.pem"}));
}

}  // namespace
}  // namespace proconsul::agent
