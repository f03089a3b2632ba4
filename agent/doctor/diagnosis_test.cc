#include "agent/doctor/diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "agent/doctor/trouble.h"

namespace proconsul::agent::doctor {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

base::Time at(std::int64_t seconds) {
  return {.seconds = seconds + base::from_unix(0).seconds};
}

View server(const std::string& node, const std::string& datacenter) {
  View view{.Datacenter = datacenter,
            .Node = node,
            .PrimaryDatacenter = "dc1",
            .Domain = "consul",
            .KnowsLeader = true,
            .Wan = true,
            .ThroughGateways = true,
            .Connect = true,
            .Acls = true,
            .TokenReplication = true,
            .Tls = true,
            .ReplicationToken = datacenter != "dc1",
            .Now = at(kNow),
            .Root = "root"};
  view.Leader = true;
  view.GossipKeys = {"0badcafe"};
  const std::string any = "server." + datacenter + ".consul";
  view.Certificate = {.NotBefore = at(kNow - 86400), .NotAfter = at(kNow + 300 * 86400)};
  view.Certificate.Names = {any, node + "." + any, "localhost"};
  const std::string number = datacenter.substr(2);
  view.Gateways.push_back({.ID = "gateway",
                           .Node = "g" + number,
                           .Lan = "10.0.0." + number + ":8443",
                           .Wan = "198.18.0." + number + ":443",
                           .Tagged = true,
                           .Marked = true,
                           .Health = "passing"});
  for (const char* each : {"1", "2"}) {
    view.States.push_back({.Datacenter = std::string("dc") + each, .UpdatedAt = at(kNow - 60), .Gateways = 1});
    view.States.back().Lan = {std::string("10.0.0.") + each + ":8443"};
    view.States.back().Wan = {std::string("198.18.0.") + each + ":443"};
  }
  view.Members.push_back({.Name = "a1.dc1", .Datacenter = "dc1", .Address = "10.0.0.11:8300", .Status = "alive"});
  view.Members.push_back({.Name = "b1.dc2", .Datacenter = "dc2", .Address = "10.0.0.21:8300", .Status = "alive"});
  for (const char* kind : {"ACL policies", "config entries and intentions", "federation states"}) {
    view.Indexes[kind] = 70;
    if (datacenter == "dc1") continue;
    view.Copying.push_back({.Kind = kind, .Index = 70, .LastSuccess = at(kNow - 300)});
  }
  const std::string other = datacenter == "dc1" ? "dc2" : "dc1";
  view.Ways.push_back({.Datacenter = other,
                       .Gateway = view.Gateways.front().Lan,
                       .Kind = "local",
                       .State = "works",
                       .InUse = true,
                       .Dials = 4});
  return view;
}

/// As b1 of dc2 sees it, a secondary with a gateway of its own; what it asks a1 of dc1 comes by that gateway.
Findings healthy() {
  Findings all{.own = server("b1", "dc2"), .now = at(kNow)};
  all.own.PrimaryGateways = {"gate.example.com:443"};
  all.names.push_back({.entry = "gate.example.com:443", .addresses = {"198.18.0.1:443"}});
  Probe probe{.datacenter = "dc1",
              .address = "10.0.0.2:8443",
              .kind = "local",
              .server_name = "server.dc1.consul",
              .round_trip = {2'000'000},
              .ahead = base::Duration{1'000'000},
              .view = server("a1", "dc1")};
  all.probes.push_back(probe);
  probe.address = "198.18.0.1:443";
  probe.kind = "direct";
  all.probes.push_back(probe);
  probe.node = "a1";
  probe.address = "10.0.0.2:8443";
  probe.kind = "local";
  probe.server_name = "a1.server.dc1.consul";
  all.probes.push_back(probe);
  all.token = {.tried = true};
  return all;
}

Findings traditional() {
  Findings all = healthy();
  all.names.clear();
  all.own.PrimaryGateways.clear();
  all.own.RetryJoinWan = true;
  all.probes.resize(1);
  all.probes[0].kind = "server";
  all.probes[0].node = "a1";
  all.probes[0].address = "10.0.0.11:8300";
  for (View* view : {&all.own, &*all.probes[0].view}) {
    view->ThroughGateways = false;
    view->Gateways.clear();
    view->States.clear();
    view->Ways.clear();
  }
  return all;
}

void fail_all(Findings& all, const std::string& error) {
  for (Probe& probe : all.probes) {
    probe.error = error;
    probe.view.reset();
    probe.ahead.reset();
  }
  std::erase_if(all.probes, [](const Probe& probe) { return !probe.node.empty() && probe.through_gateway(); });
  all.token = {};
}

View& there(Findings& all) {
  // Each answer has the same view: the first one counts.
  for (Probe& probe : all.probes) {
    if (&probe != &all.probes.front()) probe.view.reset();
  }
  return *all.probes.front().view;
}

std::string text_of(const Report& report) {
  std::string text;
  for (const Cause& cause : report.Causes) text += cause.Code + " " + cause.Datacenter + ": " + cause.Cause + "\n";
  return text;
}

TEST(Diagnosis, RaisesNoAlarmWhereAllIsWell) {
  std::vector<std::pair<std::string, Findings>> all;
  all.emplace_back("through gateways", healthy());
  all.emplace_back("traditional", traditional());
  {
    Findings primary{.own = server("a1", "dc1"), .now = at(kNow)};
    primary.probes.push_back(
        {.datacenter = "dc2", .address = "10.0.0.1:8443", .kind = "local", .view = server("b1", "dc2")});
    all.emplace_back("from the primary", std::move(primary));
  }
  {
    Findings alone{.own = server("a1", "dc1"), .now = at(kNow)};
    alone.own.Members.resize(1);
    alone.own.States.clear();
    alone.own.Gateways.clear();
    alone.own.Ways.clear();
    all.emplace_back("a primary that nobody has joined", alone);
    alone.own.ThroughGateways = alone.own.Tls = alone.own.Wan = alone.own.Acls = false;
    alone.own.Certificate = {};
    alone.own.GossipKeys.clear();
    all.emplace_back("a single datacenter", alone);
  }
  {
    Findings consul = healthy();
    for (Probe& probe : consul.probes) {
      probe.view.reset();
      probe.ahead.reset();
      probe.refusal = "cannot be asked for more (a Consul server)";
    }
    all.emplace_back("Consul on the other side", std::move(consul));
  }
  {
    Findings bootstrapping = healthy();  // the primary's gateways are dialed, the own one is there
    std::erase_if(bootstrapping.probes, [](const Probe& probe) { return probe.kind == "local"; });
    all.emplace_back("by the primary's gateways", std::move(bootstrapping));
  }
  {
    Findings wild = healthy();
    wild.own.Certificate.Names = {"*.server.dc2.consul", "server.dc2.consul"};
    all.emplace_back("a certificate for all servers", std::move(wild));
  }
  {
    Findings rotating = healthy();
    rotating.own.GossipKeys = {"11111111", "0badcafe"};
    there(rotating).GossipKeys = {"0badcafe", "11111111"};
    all.emplace_back("keys that are being exchanged", std::move(rotating));
  }
  {
    Findings quiet = healthy();
    quiet.own.Copying[0].LastError = at(kNow - 4000);
    quiet.own.Copying[0].Error = "rpc error: EOF";
    all.emplace_back("an error that is over", std::move(quiet));
  }
  for (const auto& [name, findings] : all) {
    const Report report = diagnose(findings);
    EXPECT_TRUE(report.Healthy) << name << "\n" << text_of(report);
    EXPECT_TRUE(report.Causes.empty()) << name << "\n" << text_of(report);
    EXPECT_FALSE(report.Hops.empty()) << name;
    for (const Hop& hop : report.Hops) {
      EXPECT_TRUE(hop.Result == "ok" || hop.Result == "skipped") << name << ": " << hop.What << " " << hop.Detail;
    }
  }
}

struct Broken {
  const char* what;
  const char* code;  // of the first cause
  std::function<void(Findings&)> breaks;
};

const std::string kUnknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
const std::string kExpired = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";

std::vector<Broken> broken_setups() {
  return {
      {"another CA", "unknown-authority", [](Findings& all) { fail_all(all, kUnknown); }},
      {"an expired certificate there", "certificate-expired", [](Findings& all) { fail_all(all, kExpired); }},
      {"expired by a wrong clock", "clock",
       [](Findings& all) {
         all.probes[0].error = kExpired;
         for (Probe& probe : all.probes) probe.ahead = base::Duration{-std::int64_t{4000} * 1'000'000'000};
       }},
      {"a certificate of dc3", "certificate-of-other-datacenter",
       [](Findings& all) {
         fail_all(all,
                  "tls: failed to verify certificate: x509: certificate is valid for server.dc3.consul, localhost, not "
                  "server.dc1.consul");
       }},
      {"a certificate of a node of dc3", "certificate-of-other-datacenter",
       [](Findings& all) {
         fail_all(all,
                  "tls: failed to verify certificate: x509: certificate is valid for c1.server.dc3.consul, not "
                  "server.dc1.consul");
       }},
      {"a certificate without the server's name", "certificate-names",
       [](Findings& all) {
         fail_all(all,
                  "tls: failed to verify certificate: x509: certificate is valid for www.example.com, not "
                  "server.dc1.consul");
       }},
      {"a certificate without the node's name", "certificate-names",
       [](Findings& all) {
         all.probes[2].error =
             "tls: failed to verify certificate: x509: certificate is valid for server.dc1.consul, not "
             "a1.server.dc1.consul";
       }},
      {"our certificate is refused", "own-certificate-refused",
       [](Findings& all) { fail_all(all, "remote error: tls: unknown certificate authority"); }},
      {"our certificate is refused by Go", "own-certificate-refused",
       [](Findings& all) { fail_all(all, "remote error: tls: bad certificate"); }},
      {"our certificate has expired", "certificate-expired",
       [](Findings& all) {
         all.own.Certificate.NotAfter = at(kNow - 5);
         fail_all(all, "remote error: tls: expired certificate");
       }},
      {"our certificate is not valid yet", "certificate-not-yet-valid",
       [](Findings& all) { all.own.Certificate.NotBefore = at(kNow + 5); }},
      {"our certificate lacks the node's name", "certificate-names",
       [](Findings& all) { all.own.Certificate.Names = {"server.dc2.consul"}; }},
      {"our certificate is of dc3", "certificate-names",
       [](Findings& all) { all.own.Certificate.Names = {"server.dc3.consul", "b1.server.dc3.consul"}; }},
      {"our certificate is gone", "certificate-unreadable",
       [](Findings& all) { all.own.Certificate = {.Error = "open: no such file or directory"}; }},
      {"nobody listens at primary_gateways", "gateway-refuses",
       [](Findings& all) { fail_all(all, "dial tcp 198.18.0.1:443: connect: connection refused"); }},
      {"no route to primary_gateways", "gateway-unreachable",
       [](Findings& all) { fail_all(all, "dial tcp 198.18.0.1:443: connect: no route to host"); }},
      {"a black hole", "gateway-silent", [](Findings& all) { fail_all(all, "dial tcp 198.18.0.1:443: i/o timeout"); }},
      {"a port without TLS", "not-a-gateway",
       [](Findings& all) { fail_all(all, "tls: first record does not look like a TLS handshake"); }},
      {"a port that hangs up", "gateway-has-no-way", [](Findings& all) { fail_all(all, "EOF"); }},
      {"a direct port that hangs up", "gateway-closes",
       [](Findings& all) {
         fail_all(all, "read: connection reset by peer");
         std::erase_if(all.probes, [](const Probe& probe) { return probe.kind == "local"; });
       }},
      {"TLS of something else", "not-a-server",
       [](Findings& all) { fail_all(all, "remote error: tls: no application protocol"); }},
      {"a name that is unknown to DNS", "name-unresolved",
       [](Findings& all) {
         all.probes.clear();
         all.own.Ways.clear();
         all.names = {{.entry = "gone.example.com:443", .error = "lookup gone.example.com: no such host"}};
       }},
      {"no primary_gateways", "no-primary-gateways",
       [](Findings& all) {
         all.probes.clear();
         all.own.Ways.clear();
         all.own.PrimaryGateways.clear();
         all.names.clear();
       }},
      {"another primary_datacenter", "primary-differs", [](Findings& all) { there(all).PrimaryDatacenter = "dc9"; }},
      {"the mode is off there", "mode-differs", [](Findings& all) { there(all).ThroughGateways = false; }},
      {"another domain", "domain-differs", [](Findings& all) { there(all).Domain = "example"; }},
      {"a dot in the node's name", "dotted-node-name", [](Findings& all) { all.own.Node = "b1.lan"; }},
      {"no leader", "no-leader",
       [](Findings& all) {
         all.own.KnowsLeader = all.own.Leader = false;
         all.own.Copying.clear();
       }},
      {"another gossip key", "gossip-key-differs",
       [](Findings& all) {
         there(all).GossipKeys = {"deadbeef"};
         all.own.Members.erase(all.own.Members.begin());
       }},
      {"gossip is encrypted at one end", "gossip-key-differs", [](Findings& all) { there(all).GossipKeys.clear(); }},
      {"not in the WAN pool", "not-joined", [](Findings& all) { all.own.Members.erase(all.own.Members.begin()); }},
      {"gossip does not get through", "gossip-failed",
       [](Findings& all) { all.own.Members.front().Status = "failed"; }},
      {"the primary takes us for failed", "not-seen-there",
       [](Findings& all) { there(all).Members.back().Status = "failed"; }},
      {"no replication token", "replication-token-missing", [](Findings& all) { all.own.ReplicationToken = false; }},
      {"a replication token that nobody knows", "replication-token-unknown",
       [](Findings& all) {
         all.token.error = "rpc error making call: ACL not found";
         all.own.Copying[0].LastError = at(kNow);
         all.own.Copying[0].Error = "failed to retrieve: ACL not found";
       }},
      {"a replication token that may too little", "replication-token-rights",
       [](Findings& all) { all.token.missing = {"operator:write"}; }},
      {"the leader's replication token is another one", "replication-denied",
       [](Findings& all) {
         all.own.Copying[1].LastError = at(kNow);
         all.own.Copying[1].Error = "Permission denied: token with AccessorID 'x' lacks permission 'operator:read'";
       }},
      {"replication fails", "replication-failing",
       [](Findings& all) {
         all.own.Copying[1].LastError = at(kNow);
         all.own.Copying[1].Error = "cannot be decoded";
       }},
      {"replication lags", "replication-lags", [](Findings& all) { all.own.Copying[1].Index = 12; }},
      {"the mesh's authority has not begun", "authority-not-begun", [](Findings& all) { all.own.Root.clear(); }},
      {"two authorities", "authority-differs", [](Findings& all) { all.own.Root = "other"; }},
      {"clocks differ", "clock",
       [](Findings& all) {
         for (Probe& probe : all.probes) probe.ahead = base::Duration{std::int64_t{120} * 1'000'000'000};
       }},
      {"a clock that was never set", "clock",
       [](Findings& all) {
         for (Probe& probe : all.probes) probe.ahead = base::Duration{std::numeric_limits<std::int64_t>::min()};
       }},
      {"no gateway here", "no-gateway",
       [](Findings& all) {
         there(all).Members.back().Status = "failed";
         all.own.Gateways.clear();
       }},
      {"the gateway is not marked", "gateway-unmarked", [](Findings& all) { all.own.Gateways[0].Marked = false; }},
      {"the gateway is critical", "gateways-critical", [](Findings& all) { all.own.Gateways[0].Health = "critical"; }},
      {"no gateway in the primary", "no-gateway", [](Findings& all) { there(all).Gateways.clear(); }},
      {"a wan address that is none", "gateway-wan-address",
       [](Findings& all) { all.own.Gateways[0].Wan = "0.0.0.0:443"; }},
      {"a wan address that leads nowhere", "wan-address-unreachable",
       [](Findings& all) { there(all).Ways[0].State = "failed"; }},
      {"a gateway without a wan address", "gateway-without-wan-address",
       [](Findings& all) {
         there(all).Ways[0].State = "failed";
         all.own.Gateways[0].Tagged = false;
       }},
      {"our gateways are unknown in the primary", "not-known-there",
       [](Findings& all) {
         there(all).Ways[0].State = "failed";
         std::erase_if(there(all).States, [](const KnownState& state) { return state.Datacenter == "dc2"; });
       }},
      {"an old federation state", "state-old", [](Findings& all) { all.own.States.back().Wan = {"198.18.0.77:443"}; }},
      {"an old state of the primary", "state-old",
       [](Findings& all) { all.own.States.front().Wan = {"198.18.0.77:443"}; }},
      {"both with the same wan address", "gateway-address-twice",
       [](Findings& all) {
         fail_all(all, "read: EOF");
         all.own.States.front().Wan = all.own.States.back().Wan;
       }},
      {"neither the primary nor another one is reached, and there is no gateway", "gateway-refuses",
       [](Findings& all) {
         fail_all(all, "dial tcp 198.18.0.1:443: connect: connection refused");
         all.own.Gateways.clear();
         all.own.Members.push_back({.Name = "c1.dc3", .Datacenter = "dc3", .Status = "failed"});
       }},
      {"the primary is gone", "gateway-has-no-way",
       [](Findings& all) {
         fail_all(all, "EOF");
         all.own.Members.front().Status = "failed";
       }},
  };
}

TEST(Diagnosis, NamesTheFirstThingToFix) {
  for (const Broken& broken : broken_setups()) {
    Findings findings = healthy();
    broken.breaks(findings);
    const Report report = diagnose(findings);
    EXPECT_FALSE(report.Healthy) << broken.what;
    ASSERT_FALSE(report.Causes.empty()) << broken.what;
    EXPECT_EQ(report.Causes.front().Code, broken.code) << broken.what << "\n" << text_of(report);
    EXPECT_FALSE(report.Causes.front().Fix.empty()) << broken.what;
    EXPECT_FALSE(report.Causes.front().Cause.empty()) << broken.what;
  }
  EXPECT_GE(broken_setups().size(), 40u);
}

TEST(Diagnosis, NamesItWithoutGatewaysToo) {
  const std::vector<Broken> all{
      {"nobody listens", "server-refuses",
       [](Findings& found) { fail_all(found, "dial tcp 10.0.0.11:8300: connect: connection refused"); }},
      {"a firewall", "server-silent", [](Findings& found) { fail_all(found, "dial tcp 10.0.0.11:8300: i/o timeout"); }},
      {"no route", "server-unreachable",
       [](Findings& found) { fail_all(found, "dial tcp 10.0.0.11:8300: connect: network is unreachable"); }},
      {"TLS at one end", "server-closes", [](Findings& found) { fail_all(found, "EOF"); }},
      {"no TLS there", "server-without-tls",
       [](Findings& found) { fail_all(found, "tls: first record does not look like a TLS handshake"); }},
      {"another CA", "unknown-authority", [](Findings& found) { fail_all(found, kUnknown); }},
      {"never joined", "no-retry-join-wan",
       [](Findings& found) {
         found.probes.clear();
         found.own.Members.erase(found.own.Members.begin());
         found.own.RetryJoinWan = false;
       }},
      {"the mode is on there alone", "mode-differs", [](Findings& found) { there(found).ThroughGateways = true; }},
      {"gateways, but not the mode", "mode-off",
       [](Findings& found) {
         found.probes.clear();
         found.own.Members.erase(found.own.Members.begin());
         found.own.PrimaryGateways = {"198.18.0.1:443"};
       }},
      {"UDP does not get through", "gossip-failed",
       [](Findings& found) { found.own.Members.front().Status = "failed"; }},
      {"no WAN pool", "wan-off", [](Findings& found) { found.own.Wan = false; }},
  };
  for (const Broken& broken : all) {
    Findings findings = traditional();
    broken.breaks(findings);
    const Report report = diagnose(findings);
    EXPECT_FALSE(report.Healthy) << broken.what;
    ASSERT_FALSE(report.Causes.empty()) << broken.what;
    EXPECT_EQ(report.Causes.front().Code, broken.code) << broken.what << "\n" << text_of(report);
  }
}

TEST(Diagnosis, SaysHowMuchWasNotTried) {
  Findings findings = healthy();
  findings.left_out = {{"dc1", 7}};

  const Report report = diagnose(findings);

  EXPECT_TRUE(report.Healthy) << text_of(report);
  ASSERT_EQ(report.Causes.size(), 1u) << text_of(report);
  EXPECT_EQ(report.Causes[0].Code, "not-all-tried");
  EXPECT_EQ(report.Causes[0].Datacenter, "dc1");
  EXPECT_TRUE(report.Causes[0].Cause.starts_with("7 calls")) << text_of(report);
  EXPECT_TRUE(
      std::ranges::any_of(report.Hops, [](const Hop& hop) { return hop.What == "7 more" && hop.Result == "skipped"; }));

  // Nothing is said of a way that nobody has tried.
  Findings none = traditional();
  none.probes.clear();
  EXPECT_NE(text_of(diagnose(none)).find("no-way dc1"), std::string::npos);
  none.left_out = {{"dc1", 1}};
  EXPECT_EQ(text_of(diagnose(none)).find("no-way dc1"), std::string::npos);
}

TEST(Diagnosis, OnlyWarnsOfWhatWorksEvenSo) {
  Findings findings = healthy();
  findings.probes[1].error = "dial tcp 198.18.0.1:443: connect: connection refused";  // a way that is not needed
  findings.own.Gateways.push_back({.ID = "second",
                                   .Node = "g3",
                                   .Lan = "10.0.0.3:8443",
                                   .Wan = "198.18.0.3:443",
                                   .Marked = true,
                                   .Health = "critical"});
  findings.own.Certificate.NotAfter = at(kNow + 86400);

  const Report report = diagnose(findings);

  EXPECT_TRUE(report.Healthy) << text_of(report);
  std::vector<std::string> codes;
  for (const Cause& cause : report.Causes) {
    EXPECT_TRUE(cause.Warning);
    codes.push_back(cause.Code);
  }
  std::ranges::sort(codes);
  EXPECT_EQ(codes, (std::vector<std::string>{"certificate-ends-soon", "gateway-critical", "gateway-refuses"}));
}

TEST(Diagnosis, ExplainsAMissingGatewayElsewhereBeforeWhatFollowsFromIt) {
  Findings findings{.own = server("a1", "dc1"), .now = at(kNow)};
  findings.own.States.back().Wan.reset();
  findings.own.States.back().Gateways = 0;
  findings.own.Members.back().Status = "failed";
  findings.probes.push_back({.datacenter = "dc2", .address = "10.0.0.1:8443", .kind = "local", .error = "EOF"});

  const Report report = diagnose(findings);

  ASSERT_FALSE(report.Causes.empty());
  EXPECT_EQ(report.Causes.front().Code, "no-gateway") << text_of(report);
  EXPECT_EQ(report.Causes.front().Datacenter, "dc2");
}

TEST(Summary, SaysByWhichWayEachDatacenterIsReached) {
  Findings findings = healthy();
  there(findings).Indexes["config entries and intentions"] = 75;

  const Status status = summarize(findings);

  ASSERT_EQ(status.Datacenters.size(), 2u);
  EXPECT_EQ(status.Datacenters[0].Name, "dc1");
  EXPECT_EQ(status.Datacenters[0].Way, "local gateway");
  EXPECT_EQ(status.Datacenters[0].State, "ok");
  EXPECT_TRUE(status.Datacenters[0].Primary);
  EXPECT_EQ(status.Datacenters[0].ServersAlive, 1);
  EXPECT_EQ(status.Datacenters[1].Way, "own");
  ASSERT_EQ(status.Copying.size(), 3u);
  EXPECT_EQ(status.Copying[1].Lag, 5u);
  EXPECT_EQ(status.Leader, "b1");
  EXPECT_TRUE(may_settle(findings));
}

TEST(Trouble, KnowsNamesOfCertificates) {
  EXPECT_EQ(names_in("x509: certificate is valid for a.b, c.d, not e.f"), (std::vector<std::string>{"a.b", "c.d"}));
  EXPECT_TRUE(covers("*.server.dc1.consul", "a1.server.dc1.consul"));
  EXPECT_FALSE(covers("*.server.dc1.consul", "server.dc1.consul"));
  EXPECT_TRUE(covers("a1.server.dc1.consul", "A1.server.dc1.consul"));
  EXPECT_TRUE(covers("*.Server.dc1.consul", "A1.server.dc1.consul"));
  EXPECT_EQ(trouble_of("something else"), Trouble::other);
}

}  // namespace
}  // namespace proconsul::agent::doctor
