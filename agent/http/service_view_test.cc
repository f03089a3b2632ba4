// What an agent answers from views of another server's instances, over loopback and byte by byte what that server says.
#include "agent/http/service_view.h"

#include <gtest/gtest.h>

#include <mutex>

#include "agent/grpc/subscribe.h"
#include "agent/grpc/test_place.h"
#include "agent/http/server.h"
#include "agent/http/test_server.h"
#include "catalog/registry/register.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::agent::http {
namespace {

using base::Result;
using catalog::testing_support::check_of;
using catalog::testing_support::service_request;
using grpc::test::Place;
using test::Client;
using test::eventually;

/// The one server, wherever it is by now.
class OneServer final : public grpc::Servers {
 public:
  Result<rpc::Target> choose() override {
    const std::lock_guard lock(mutex);
    if (target.address.empty()) return base::Error{base::Errc::internal, "nobody"};
    return target;
  }
  void failed(const rpc::Target&, const grpc::Status&) override { ++failures; }
  std::mutex mutex{};
  rpc::Target target{};
  std::atomic<int> failures{0};
};

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}
std::string index_of(const std::string& answer) {
  const std::size_t at = answer.find("X-Consul-Index: ");
  return at == std::string::npos ? "" : answer.substr(at + 16, answer.find('\r', at) - at - 16);
}

class ServiceViews : public testing::Test {
 protected:
  ServiceViews() {
    here.server = &store;
    agent.subscriber = &subscriber;
    for (Context* context : {&here, &agent}) {
      context->loops = &loops;
      servers.push_back(std::make_unique<HttpServer>(loops, *context));
      clients.emplace_back(*servers.back()->listen_tcp("127.0.0.1", 0));
    }
    move();
    catalog::RegisterRequest first = service_request("a", "web1", "web");
    first.NodeMeta.insert_or_assign("rack", "1");
    first.Service->Tags = {"blue", "v1"};
    first.Checks.emplace_back(check_of("a", "alive", "passing", "web1"));
    apply(first);
    catalog::RegisterRequest second = service_request("b", "web2", "web");
    second.Service->Port = 81;
    second.Checks.emplace_back(check_of("b", "ill", "warning", "web2"));
    apply(second);
    catalog::RegisterRequest proxy = service_request("b", "proxy", "web-proxy");
    proxy.Service->Kind = catalog::kKindConnectProxy;
    proxy.Service->Proxy.edit().DestinationServiceName = "web";
    apply(proxy);
  }
  ~ServiceViews() override {
    for (auto& each : servers) each->stop();
    place.reset();
    calls.stop();
    subscriptions.stop();
  }
  /// The server is at another port from now on; the old one is closed.
  void move(bool streams = true) {
    grpc::Services all;
    if (streams) subscriptions.add_to(all);
    auto next = std::make_unique<Place>(loops, std::move(all));
    {
      const std::lock_guard lock(server->mutex);
      server->target = next->target();
    }
    place = std::move(next);
  }
  void apply(catalog::RegisterRequest request) {
    const std::lock_guard lock(store.mutex);
    store.store.writer().begin_command(++store.index);
    ASSERT_TRUE(catalog::apply_register(store.store.writer(), std::move(request)));
    (void)store.store.commit();
  }
  std::string get(const std::string& target) { return clients[1].get(target); }
  std::string get_there(const std::string& target) { return clients[0].get(target); }

  test::StoreServer store{};
  base::net::Loops loops{2};
  rpc::NoCluster nobody{};
  grpc::Client calls{loops, {}};
  std::shared_ptr<OneServer> server = std::make_shared<OneServer>();
  grpc::Subscriber nowhere{calls, grpc::servers_elsewhere(nobody)};
  grpc::SubscribeService subscriptions{loops, store, nobody, nowhere, {}};
  grpc::Subscriber subscriber{calls, [this](const std::string&) { return server; }};
  std::unique_ptr<Place> place{};
  base::WatchRegistry local{};
  Context here{nullptr, local, {}};   // the server
  Context agent{nullptr, local, {}};  // a client agent
  std::vector<std::unique_ptr<HttpServer>> servers{};
  std::vector<Client> clients{};
};

TEST_F(ServiceViews, AnswersAreTheServersBytes) {
  for (const std::string target :
       {"/v1/health/service/web?cached", "/v1/health/service/web?cached&passing",
        "/v1/health/service/web?cached&tag=BLUE", "/v1/health/service/web?cached&tag=blue&tag=v2",
        "/v1/health/service/web?cached&node-meta=rack:1",
        "/v1/health/service/web?cached&node-meta=rack:9&node-meta=rack:1",
        "/v1/health/service/web?cached&node-meta=rack:1&node-meta=rack:9",
        "/v1/health/service/web?cached&filter=Service.Port+==+81", "/v1/health/connect/web?cached",
        "/v1/health/service/none?cached", "/v1/health/service/WEB?cached", "/v1/health/service/web?cached&pretty"}) {
    const std::string there = get_there(target), first = get(target), second = get(target);
    EXPECT_EQ(body_of(first), body_of(there)) << target;
    EXPECT_EQ(index_of(first), index_of(there)) << target;
    EXPECT_EQ(body_of(second), body_of(there)) << target;
    EXPECT_TRUE(second.contains("Age: 0\r\n") && second.contains("X-Cache: HIT\r\n")) << second;
    EXPECT_TRUE(first.contains("X-Consul-Query-Backend: streaming\r\n")) << first;
    EXPECT_TRUE(first.contains("X-Consul-Knownleader: false\r\n")) << first;
  }
  EXPECT_EQ(place->accepted, 1);
}

TEST_F(ServiceViews, AWaitEndsWithTheNextChange) {
  const std::string now = get("/v1/health/service/web?index=1");
  EXPECT_FALSE(now.contains("X-Cache")) << now;
  clients[1].send("GET /v1/health/service/web?wait=60s&index=" + index_of(now) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  apply(service_request("c", "web3", "web"));
  const std::string later = clients[1].receive();
  EXPECT_TRUE(later.contains("web3")) << later;
  EXPECT_EQ(index_of(later), std::to_string(store.index));
  EXPECT_EQ(body_of(later), body_of(get_there("/v1/health/service/web")));

  const std::string same = get("/v1/health/service/web?wait=10ms&index=" + index_of(later));
  EXPECT_EQ(body_of(same), body_of(later));
  EXPECT_EQ(index_of(same), index_of(later));
}

TEST_F(ServiceViews, WhatStopsFittingGoes) {
  const std::string target = "/v1/health/service/web?passing&cached";
  EXPECT_TRUE(get(target).contains("web1"));
  catalog::RegisterRequest ill = catalog::testing_support::node_request("a");
  ill.NodeMeta.insert_or_assign("rack", "1");
  ill.Checks.emplace_back(check_of("a", "alive", "critical", "web1"));
  apply(ill);
  EXPECT_TRUE(eventually([&] { return body_of(get(target)) == "[]"; }));
}

TEST_F(ServiceViews, ALostServerIsNoErrorForWhoWaits) {
  const std::string target = "/v1/health/service/web?cached";
  const std::string now = get(target);
  clients[1].send("GET /v1/health/service/web?wait=60s&index=" + index_of(now) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  Client other(*servers[1]->listen_tcp("127.0.0.1", 0));
  move();
  EXPECT_TRUE(other.get(target).contains("X-Cache: HIT"));
  apply(service_request("c", "web3", "web"));
  const std::string later = clients[1].receive();
  EXPECT_TRUE(later.contains("web3")) << later;
  EXPECT_GE(server->failures, 1);
}

TEST_F(ServiceViews, ARestoredStateReplacesTheOldOne) {
  const std::string target = "/v1/health/service/web?cached";
  EXPECT_TRUE(get(target).contains("web1"));
  {
    const std::lock_guard lock(store.mutex);
    store.index = 40;
    store.store.replace({}, 40);
  }
  EXPECT_TRUE(eventually([&] { return body_of(get(target)) == "[]"; }));
}

TEST_F(ServiceViews, AServerWithoutStreamsIsAnError) {
  move(false);
  const std::string answer = get("/v1/health/service/web?cached");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << answer;
  EXPECT_EQ(body_of(answer), "unknown service subscribe.StateChangeSubscription");
}

TEST_F(ServiceViews, AFilterThatIsWrongIsSaidAtOnce) {
  const std::string answer = get("/v1/health/service/web?cached&filter=Foo==1");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << answer;
  EXPECT_EQ(body_of(answer), "Selector \"Foo\" is not valid");
  EXPECT_EQ(place->accepted, 0);
}

TEST_F(ServiceViews, WhoseTimeIsOverBeforeAnythingCameGetsNothing) {
  store.leads = false;
  store.last_contact = server::Leadership::kNever;
  const std::string answer = get("/v1/health/service/web?index=5&wait=10ms");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_EQ(body_of(answer), "[]");
  EXPECT_EQ(index_of(answer), "1");
}

}  // namespace
}  // namespace proconsul::agent::http
