#include "wanfed/known.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "catalog/registry/federation.h"
#include "catalog/store/store.h"

namespace proconsul::wanfed {
namespace {

using ::testing::ElementsAre;

void add(catalog::FederationState& state, std::string address, std::string status) {
  catalog::CheckServiceNode& instance = state.MeshGateways.emplace_back();
  instance.Node.emplace().Node = address;
  catalog::NodeService& service = instance.Service.emplace();
  service.Address = std::move(address);
  service.Port = 443;
  service.Meta.insert_or_assign(std::string(kFederationMeta), "1");
  instance.Checks.emplace_back().emplace().Status = std::move(status);
}

Addresses known(catalog::FederationState state) {
  catalog::Store store;
  catalog::FederationStateRequest request;
  request.Op = "upsert";
  request.State = std::move(state);
  store.writer().begin_command(1);
  EXPECT_TRUE(catalog::apply_federation_state(store.writer(), std::move(request)));
  store.commit();
  return known_gateways(store.view()->tables()).states["dc1"].wan;
}

TEST(KnownGateways, CriticalOnesAreLeftOutUnlessAllAre) {
  catalog::FederationState state;
  state.Datacenter = "dc1";
  add(state, "10.0.0.1", "critical");
  add(state, "10.0.0.2", "critical");
  EXPECT_THAT(known(state), ElementsAre("10.0.0.1:443", "10.0.0.2:443")) << "that may be old news";

  add(state, "10.0.0.3", "passing");

  EXPECT_THAT(known(state), ElementsAre("10.0.0.3:443"));
}

}  // namespace
}  // namespace proconsul::wanfed
