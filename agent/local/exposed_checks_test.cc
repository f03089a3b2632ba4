#include "agent/local/exposed_checks.h"

#include <gtest/gtest.h>

namespace proconsul::agent::local {
namespace {

catalog::CheckType http(const std::string& url) {
  catalog::CheckType type;
  type.HTTP = url;
  type.Interval = base::seconds(10);
  return type;
}

TEST(ExposedChecks, TheTargetGetsTheProxysAddressAndTheListenersPort) {
  EXPECT_EQ(http_through("http://10.0.0.1:8080/health?a=b", "10.0.0.9", 21500), "http://10.0.0.9:21500/health?a=b");
  EXPECT_EQ(http_through("https://web/health", "proxy", 21500), "https://proxy:21500/health");
  EXPECT_EQ(http_through("http://[::1]:80/", "fe80::1", 21500), "http://[fe80::1]:21500/");
  EXPECT_EQ(http_through("http://[::1]", "[::2]", 21500), "http://[::2]:21500");
  EXPECT_EQ(http_through("ftp://web/", "proxy", 21500), "ftp://web/");
  EXPECT_EQ(grpc_through("10.0.0.1:9090/web", "10.0.0.9", 21501), "10.0.0.9:21501/web");
  EXPECT_EQ(grpc_through("10.0.0.1:9090", "10.0.0.9", 21501), "10.0.0.9:21501");
  EXPECT_EQ(grpc_through("web", "10.0.0.9", 21501), "web");
}

TEST(ExposedChecks, AnExposedCheckKeepsItsPortUntilItIsHiddenOrGone) {
  ExposedChecks checks({.min = 21500, .max = 21502});
  checks.add("a", "web", http("http://h/a"));
  checks.add("b", "web", http("http://h/b"));
  checks.add("c", "web", http("http://h/c"));

  EXPECT_EQ(checks.expose("a", "10.0.0.9").value_or(0), 21500);
  EXPECT_EQ(checks.expose("b", "10.0.0.9").value_or(0), 21501);
  EXPECT_EQ(checks.expose("a", "10.0.0.8").value_or(0), 21500);
  EXPECT_EQ(checks.expose("c", "10.0.0.9").error().detail, "no ports available to expose 'c'");
  EXPECT_EQ(checks.as_run("a").ProxyHTTP, "http://10.0.0.8:21500/a");
  EXPECT_EQ(checks.as_run("c").ProxyHTTP, "");

  checks.add("a", "web", http("http://h/new"));
  EXPECT_EQ(checks.as_run("a").ProxyHTTP, "http://10.0.0.8:21500/new") << "defined anew, it stays where it is";
  EXPECT_TRUE(checks.hide("a"));
  EXPECT_FALSE(checks.hide("a"));
  EXPECT_EQ(checks.as_run("a").ProxyHTTP, "");
  EXPECT_EQ(checks.expose("c", "10.0.0.9").value_or(0), 21500);
  checks.remove("b");
  EXPECT_EQ(checks.expose("a", "10.0.0.9").value_or(0), 21501);
}

TEST(ExposedChecks, OnlyHttpAndGrpcChecksOfServicesAreKept) {
  ExposedChecks checks({.min = 1, .max = 2});
  catalog::CheckType tcp;
  tcp.TCP = "h:1";
  tcp.Interval = base::seconds(10);
  checks.add("tcp", "web", tcp);
  checks.add("node", "", http("http://h/"));
  checks.add("http", "web", http("http://h/"));

  EXPECT_FALSE(checks.contains("tcp"));
  EXPECT_FALSE(checks.contains("node"));
  EXPECT_EQ(checks.of_service("web"), std::vector<std::string>{"http"});
  checks.add("http", "web", tcp);
  EXPECT_FALSE(checks.contains("http"));
}

}  // namespace
}  // namespace proconsul::agent::local
