#include "agent/grpc/event_publisher.h"

#include <gtest/gtest.h>

#include <deque>

#include "agent/http/test_server.h"
#include "catalog/config_entry/entry_fixture.h"
#include "catalog/registry/register.h"
#include "catalog/registry/registry_fixture.h"
#include "catalog/store/kv.h"

namespace proconsul::agent::grpc {
namespace {

using namespace catalog::testing_support;
using catalog::NodeService;
using catalog::RegisterRequest;

/// Spells what it is sent: "+web@n1:10" for an instance, "[...]" for a batch, "end:10", "new".
class Reader final : public EventPublisher::Subscriber {
 public:
  bool deliver(const Frames& events) override {
    for (std::string_view rest = *events; !rest.empty();) {
      const std::size_t size = frame_size(rest);
      Event event;
      const base::Result<> parsed = schema().parse(rest.substr(kFrameHead, size), event);
      EXPECT_TRUE(parsed) << parsed.error().detail;
      text += (text.empty() ? "" : " ") + spell(event);
      rest.remove_prefix(kFrameHead + size);
    }
    return wants_more;
  }
  void closed() override { text += text.empty() ? "closed" : " closed"; }
  std::string take() { return std::exchange(text, {}); }

  static std::string spell(const Event& event) {
    if (event.EventBatch) {
      std::string all = "[";
      for (const Event& each : event.EventBatch->Events) all += (all.size() > 1 ? " " : "") + spell(each);
      return all + "]:" + std::to_string(event.Index);
    }
    const std::string index = ":" + std::to_string(event.Index);
    if (event.EndOfSnapshot) return "end" + index;
    if (event.NewSnapshotToFollow) return "new";
    if (event.Service) return (event.Service->Op == kRegister ? "+" : "-") + event.Service->Name + index;
    const catalog::CheckServiceNode& instance = *event.ServiceHealth->CheckServiceNode;
    std::string all = event.ServiceHealth->Op == kRegister ? "+" : "-";
    all += instance.Service->Service + "@" + instance.Node->Node;
    for (const auto& check : instance.Checks) all += "," + check->CheckID + "=" + check->Status;
    return all + index;
  }

  std::string text{};
  bool wants_more = true;
};

class Publishing : public testing::Test {
 protected:
  ~Publishing() override {
    on_loop([&] { publisher.stop(); });
  }
  template <class Work>
  void on_loop(Work work) {
    loops[0].run([&] { work(); });
  }
  Reader& reader() { return readers_.emplace_back(); }
  // What the commit's wake-up posted runs before what is posted next.
  std::string heard(Reader& reader) {
    std::string text;
    on_loop([&] { text = reader.take(); });
    return text;
  }
  void subscribe(Reader& reader, Topic topic, std::string key, std::uint64_t index = 0) {
    Subject subject{.topic = topic, .key = std::move(key)};
    subject.wildcard = subject.key.empty();
    on_loop([&] { publisher.subscribe(subject, index, reader); });
  }
  void apply(RegisterRequest request) {
    catalog::Transaction& writer = server.store.writer();
    writer.begin_command(++server.index);
    const auto done = catalog::apply_register(writer, std::move(request));
    ASSERT_TRUE(done) << done.error().detail;
    server.store.commit();
  }
  void deregister(std::string node, std::string service = {}) {
    catalog::DeregisterRequest request;
    request.Node = std::move(node);
    request.ServiceID = std::move(service);
    server.store.writer().begin_command(++server.index);
    ASSERT_TRUE(catalog::apply_deregister(server.store.writer(), request));
    server.store.commit();
  }
  void check(catalog::HealthCheck check) {
    RegisterRequest request = node_request(check.Node);
    request.SkipNodeUpdate = true;
    request.Check = std::move(check);
    apply(std::move(request));
  }
  void serve(std::string gateway, const std::string& service) {
    auto entry = entry_from("terminating-gateway", R"({"Services":[{"Name":")" + service + "\"}]}");
    entry->Name = std::move(gateway);
    catalog::ConfigEntryRequest request;
    request.Op = "upsert";
    request.Entry = std::move(entry);
    server.store.writer().begin_command(++server.index);
    ASSERT_TRUE(catalog::apply_config_entry(server.store.writer(), std::move(request)));
    server.store.commit();
  }
  static RegisterRequest gateway(std::string node, std::string name) {
    RegisterRequest request = service_request(std::move(node), name, name);
    request.Service->Kind = catalog::kKindTerminatingGateway;
    return request;
  }
  static RegisterRequest proxy(std::string node, std::string id, std::string destination) {
    RegisterRequest request = service_request(std::move(node), std::move(id), "proxy");
    request.Service->Kind = catalog::kKindConnectProxy;
    request.Service->Proxy.edit().DestinationServiceName = std::move(destination);
    return request;
  }
  std::string now() const { return ":" + std::to_string(server.index); }

  std::deque<Reader> readers_{};
  base::net::Loops loops{1};
  http::test::StoreServer server{};
  EventPublisher publisher{loops[0], server};
};

TEST_F(Publishing, ASnapshotComesAndThenEveryChange) {
  Reader& web = reader();
  apply(service_request("n1", "w", "web"));
  apply(service_request("n2", "w", "web"));
  subscribe(web, Topic::service_health, "Web");
  EXPECT_EQ(heard(web), "+web@n1:12 +web@n2:12 end:12");

  check(check_of("n1", "c", "critical", "w"));
  EXPECT_EQ(heard(web), "+web@n1,c=critical:13");
  check(check_of("n1", "serfHealth", "passing"));
  EXPECT_EQ(heard(web), "+web@n1,serfHealth=passing,c=critical:14");
  apply(service_request("n2", "x", "web"));
  EXPECT_EQ(heard(web), "+web@n2:15");
  apply(service_request("n3", "d", "db"));
  EXPECT_EQ(heard(web), "");
  deregister("n2", "x");
  EXPECT_EQ(heard(web), "-web@n2:17");
  deregister("n1");
  EXPECT_EQ(heard(web), "-web@n1:18");
}

TEST_F(Publishing, OneCommandsEventsAreOneBatch) {
  Reader& web = reader();
  apply(service_request("n1", "a", "web"));
  apply(service_request("n1", "b", "web"));
  subscribe(web, Topic::service_health, "web");
  heard(web);

  check(check_of("n1", "serfHealth", "critical"));
  EXPECT_EQ(heard(web), "[+web@n1,serfHealth=critical:13 +web@n1,serfHealth=critical:13]:13");
  deregister("n1");
  EXPECT_EQ(heard(web), "[-web@n1:14 -web@n1:14]:14");
}

TEST_F(Publishing, ANodesNewAddressIsNewsOfItsInstances) {
  Reader& web = reader();
  apply(service_request("n1", "a", "web"));
  subscribe(web, Topic::service_health, "web");
  heard(web);

  apply(node_request("n1", "10.0.0.9"));
  EXPECT_EQ(heard(web), "+web@n1:12");
}

TEST_F(Publishing, AnInstanceThatChangesItsNameIsGoneForTheOldOne) {
  Reader& web = reader();
  Reader& db = reader();
  apply(service_request("n1", "a", "web"));
  subscribe(web, Topic::service_health, "web");
  subscribe(db, Topic::service_health, "db");
  EXPECT_EQ(heard(db), "end:11");
  heard(web);

  apply(service_request("n1", "a", "db"));
  EXPECT_EQ(heard(web), "-web@n1:12");
  EXPECT_EQ(heard(db), "+db@n1:12");
}

TEST_F(Publishing, TheMeshHearsOfProxiesUnderTheirDestinations) {
  Reader& web = reader();
  Reader& db = reader();
  apply(service_request("n1", "w", "web"));
  apply(proxy("n1", "p", "web"));
  subscribe(web, Topic::service_health_connect, "web");
  subscribe(db, Topic::service_health_connect, "db");
  EXPECT_EQ(heard(web), "+proxy@n1:12 end:12");
  EXPECT_EQ(heard(db).substr(0, 4), "end:");

  check(check_of("n1", "c", "critical", "p"));
  EXPECT_EQ(heard(web), "+proxy@n1,c=critical" + now());
  apply(proxy("n1", "p", "db"));
  EXPECT_EQ(heard(web), "-proxy@n1" + now());
  EXPECT_EQ(heard(db), "+proxy@n1,c=critical" + now());
  deregister("n1", "p");
  EXPECT_EQ(heard(db), "-proxy@n1" + now());
  EXPECT_EQ(heard(web), "");
}

TEST_F(Publishing, ANativeInstanceLeavesTheMeshWhenItIsNativeNoMore) {
  Reader& web = reader();
  RegisterRequest request = service_request("n1", "w", "web");
  request.Service->Connect.edit().Native = true;
  apply(request);
  subscribe(web, Topic::service_health_connect, "web");
  EXPECT_EQ(heard(web), "+web@n1:11 end:11");

  apply(service_request("n1", "w", "web"));
  EXPECT_EQ(heard(web), "-web@n1:12");
}

TEST_F(Publishing, NamesOfServicesComeAndGo) {
  Reader& names = reader();
  apply(service_request("n1", "w", "web"));
  apply(service_request("n1", "d", "db"));
  subscribe(names, Topic::service_list, "");
  EXPECT_EQ(heard(names), "[+db:12 +web:12]:12 end:12");

  apply(service_request("n2", "w", "web"));
  apply(proxy("n2", "p", "web"));
  EXPECT_EQ(heard(names), "");
  apply(service_request("n2", "a", "api"));
  EXPECT_EQ(heard(names), "+api:15");
  deregister("n1");
  EXPECT_EQ(heard(names), "-db:16");
}

TEST_F(Publishing, WhoKnowsTheNewestGoesOnAndOthersStartAnew) {
  Reader& first = reader();
  Reader& current = reader();
  Reader& old = reader();
  Reader& again = reader();
  apply(service_request("n1", "w", "web"));
  subscribe(first, Topic::service_health, "web");
  apply(service_request("n2", "w", "web"));
  EXPECT_EQ(heard(first), "+web@n1:11 end:11 +web@n2:12");

  subscribe(current, Topic::service_health, "web", 12);
  EXPECT_EQ(heard(current), "");
  subscribe(old, Topic::service_health, "web", 11);
  EXPECT_EQ(heard(old), "new +web@n1:12 +web@n2:12 end:12");
  on_loop([&] {
    for (Reader* each : {&first, &current, &old}) publisher.unsubscribe(*each);
  });
  // Nobody listens, and nothing changes: who comes back has lost nothing.
  subscribe(again, Topic::service_health, "web", 12);
  EXPECT_EQ(heard(again), "");
  deregister("n2");
  EXPECT_EQ(heard(again), "-web@n2:13");
}

TEST_F(Publishing, ANameThatNobodyHasIsAnEmptySnapshotOfIndexOneAtLeast) {
  Reader& none = reader();
  Reader& config = reader();
  subscribe(none, Topic::service_health, "none");
  EXPECT_EQ(heard(none), "end:1");
  subscribe(config, Topic::service_defaults, "web");
  EXPECT_EQ(heard(config), "end:1");
}

TEST_F(Publishing, ARestoredStateEndsEverySubscription) {
  Reader& web = reader();
  Reader& none = reader();
  apply(service_request("n1", "w", "web"));
  subscribe(web, Topic::service_health, "web");
  subscribe(none, Topic::service_health, "none");
  heard(web);
  heard(none);

  server.index = 50;
  server.store.replace(catalog::Tables(server.store.view()->tables()), 50);
  EXPECT_EQ(heard(web), "closed");
  EXPECT_EQ(heard(none), "closed");
  subscribe(web, Topic::service_health, "web");
  EXPECT_EQ(heard(web), "+web@n1:11 end:11");
  deregister("n1");
  EXPECT_EQ(heard(web), "-web@n1:51");
}

TEST_F(Publishing, MuchThatConcernsNobodyIsNoReasonToStartAnew) {
  Reader& web = reader();
  apply(service_request("n1", "w", "web"));
  subscribe(web, Topic::service_health, "web");
  heard(web);

  for (int i = 0; i < 20; ++i) server.put("k", std::string(500'000, 'x'));
  apply(service_request("n2", "w", "web"));
  EXPECT_EQ(heard(web), "+web@n2" + now());
}

TEST_F(Publishing, WhoWantsNoMoreIsForgotten) {
  Reader& web = reader();
  Reader& other = reader();
  apply(service_request("n1", "w", "web"));
  subscribe(web, Topic::service_health, "web");
  subscribe(other, Topic::service_health, "web");
  heard(web);
  heard(other);
  on_loop([&] { web.wants_more = false; });

  deregister("n1", "w");
  EXPECT_EQ(heard(web), "-web@n1:12");
  EXPECT_EQ(heard(other), "-web@n1:12");
  apply(service_request("n1", "w", "web"));
  EXPECT_EQ(heard(web), "");
  EXPECT_EQ(heard(other), "+web@n1:13");
}

TEST_F(Publishing, TerminatingGatewaysStandForWhatTheyServe) {
  apply(gateway("n1", "tgw"));
  Reader& web = reader();
  Reader& db = reader();
  subscribe(web, Topic::service_health_connect, "web");
  subscribe(db, Topic::service_health_connect, "db");
  heard(web), heard(db);

  serve("tgw", "web");

  EXPECT_EQ(heard(web), "closed");  // it asks again, and finds the gateway
  EXPECT_EQ(heard(db), "");
  subscribe(web, Topic::service_health_connect, "web");
  EXPECT_EQ(heard(web), "+tgw@n1" + now() + " end" + now());
  check(check_of("n1", "a", "critical", "tgw"));
  EXPECT_EQ(heard(web), "+tgw@n1,a=critical" + now());
  deregister("n1", "tgw");
  EXPECT_EQ(heard(web), "-tgw@n1" + now());
  EXPECT_EQ(heard(db), "");
}

}  // namespace
}  // namespace proconsul::agent::grpc
