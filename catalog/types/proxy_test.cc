#include "catalog/types/proxy.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace proconsul::catalog {
namespace {

TEST(ConnectProxyConfig, LeavesOutTheTwoBlocksInWhichNothingIsSet) {
  ConnectProxyConfig config;
  EXPECT_EQ(base::to_json(config), R"({"Mode":"","MeshGateway":{},"Expose":{}})");

  config.TransparentProxy.edit();
  config.AccessLogs.edit().Enabled = true;

  EXPECT_EQ(base::to_json(config), R"({"AccessLogs":{"Enabled":true},"Mode":"","MeshGateway":{},"Expose":{}})");
}

}  // namespace
}  // namespace proconsul::catalog
