#include "agent/cluster/way_advice.h"

#include <gtest/gtest.h>

#include <utility>

#include "agent/cluster/server_caller.h"
#include "agent/rpc/cluster.h"

namespace proconsul::agent::cluster {
namespace {

using base::Errc;
using base::log::Level;

TEST(WayAdvice, WaitingForThePrimaryIsNoError) {
  EXPECT_EQ(level_of({Errc::not_found, std::string("failed to get CA roots: ") + rpc::kNoPath}), Level::debug);
  EXPECT_EQ(level_of({Errc::unavailable, rpc::kDatacenterUnreachable}), Level::warn);
  EXPECT_EQ(level_of({Errc::timeout, "i/o timeout"}), Level::warn);
  EXPECT_EQ(level_of({Errc::internal, kNoServers}), Level::warn);
  EXPECT_EQ(level_of({Errc::internal, "rpc error making call: ACL not found"}), Level::error);
}

TEST(WayAdvice, SaysWhatToDoAboutCertificatesAndAddresses) {
  const std::pair<const char*, const char*> cases[] = {
      {"dial tcp 10.0.0.1:443: connect: connection refused", "mesh gateways run"},
      {"tls: first record does not look like a TLS handshake", "correct primary_gateways"},
      {"connection reset by peer", "no server of dc1 runs behind it"},
      {"tls: failed to verify certificate: x509: certificate signed by unknown authority", "tls.internal_rpc.ca_file"},
      {"tls: failed to verify certificate: x509: certificate has expired or is not yet valid", "renew"},
      {"x509: certificate is valid for server.dc3.consul, not server.dc1.consul", "certificates for server.dc1.consul"},
      {"remote error: tls: bad certificate", "the tls.internal_rpc.ca_file of dc1"},
      {"something else", "federation doctor"},
  };

  for (const auto& [error, advice] : cases) {
    EXPECT_NE(advice_on_way(error, "dc1", "server.dc1.consul").find(advice), std::string::npos) << error;
  }
}

TEST(WayAdvice, TellsATokenThatIsUnknownFromOneThatMayNot) {
  EXPECT_NE(advice_on_replication("rpc error making call: ACL not found").find("set-agent-token"), std::string::npos);
  EXPECT_NE(advice_on_replication("Permission denied").find("operator write"), std::string::npos);
  EXPECT_EQ(advice_on_replication("connection refused"), "");
}

}  // namespace
}  // namespace proconsul::agent::cluster
