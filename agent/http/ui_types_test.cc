#include "agent/http/ui_types.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace proconsul::agent::http {
namespace {

catalog::CheckServiceNode instance(std::string node, std::string name, std::string status, std::string kind = {}) {
  catalog::CheckServiceNode instance;
  instance.Node.emplace().Node = node;
  instance.Node->Datacenter = "dc1";
  catalog::NodeService& service = instance.Service.emplace();
  service.Service = std::move(name);
  service.Kind = std::move(kind);
  catalog::HealthCheck check;
  check.Node = std::move(node);
  check.CheckID = service.Service + "-check";
  check.Status = std::move(status);
  instance.Checks.emplace_back(std::move(check));
  return instance;
}

TEST(ServiceSummaries, SumUpTheInstancesOfAName) {
  std::vector<catalog::CheckServiceNode> instances{instance("n2", "web", "passing"), instance("n1", "web", "critical")};
  instances[0].Service->Tags = {"b", "a"};
  instances[1].Service->Tags = {"a"};
  instances[1].Service->Meta = {{"external-source", "k8s"}};

  const std::vector<ServiceListingSummary> summaries = summarize(instances);

  ASSERT_EQ(summaries.size(), 1u);
  EXPECT_EQ(
      base::to_json(summaries[0]),
      R"({"Name":"web","Datacenter":"dc1","Tags":["a","b"],"Nodes":["n1","n2"],"ExternalSources":["k8s"],)"
      R"("InstanceCount":2,"ChecksPassing":1,"ChecksWarning":0,"ChecksCritical":1,"GatewayConfig":{},)"
      R"("TransparentProxy":false,"ConnectNative":false,"ConnectedWithProxy":false,"ConnectedWithGateway":false})");
}

TEST(ServiceSummaries, AProxysChecksCountForItsService) {
  std::vector<catalog::CheckServiceNode> instances{instance("n1", "web", "passing"),
                                                   instance("n1", "web-proxy", "warning", "connect-proxy")};
  instances[1].Service->Proxy.edit().DestinationServiceName = "web";
  instances[1].Service->Proxy.edit().Mode = "transparent";

  const std::vector<ServiceListingSummary> summaries = summarize(instances);

  ASSERT_EQ(summaries.size(), 2u);
  EXPECT_EQ(summaries[0].Name, "web");
  EXPECT_EQ(summaries[0].ChecksWarning, 1);
  EXPECT_TRUE(summaries[0].ConnectedWithProxy);
  EXPECT_TRUE(summaries[0].TransparentProxy);
  EXPECT_EQ(summaries[1].Kind, "connect-proxy");
}

TEST(ServiceSummaries, SayWhatGatewaysServeAndWhere) {
  catalog::GatewayService link;
  link.Gateway.Name = "igw";
  link.Service.Name = "web";
  link.Port = 8080;
  ServiceSummaries summaries;
  for (const auto& each : {instance("n1", "web", "passing"), instance("n1", "igw", "passing", "ingress-gateway")}) {
    summaries.add(*each.Node, *each.Service, each.Checks);
  }
  summaries.add_gateway(link, {"web.ingress.dc1.consul.", "web.ingress.dc1.consul."});

  std::vector<ServiceListingSummary> shown = summaries.finish();
  add_links(shown, {&link});

  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].GatewayConfig.AssociatedServiceCount, 1);
  EXPECT_FALSE(shown[0].ConnectedWithGateway);
  EXPECT_EQ(shown[1].GatewayConfig.Addresses, base::List<std::string>{"web.ingress.dc1.consul:8080"});
  EXPECT_TRUE(shown[1].ConnectedWithGateway);
}

}  // namespace
}  // namespace proconsul::agent::http
