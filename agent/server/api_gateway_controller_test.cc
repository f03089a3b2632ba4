#include "agent/server/api_gateway_controller.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/entries.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/config_routes.h"

namespace proconsul::agent::server {
namespace {

using base::Result;
using Request = catalog::ReconcileRequest;

class Controller : public testing::Test {
 protected:
  Controller() {
    write("service-defaults", R"({"Name":"web","Protocol":"http"})");
    write("api-gateway", R"({"Name":"gw","Listeners":[{"Name":"web","Port":80,"Protocol":"http"}]})");
    write("http-route", R"({"Name":"r","Parents":[{"Kind":"api-gateway","Name":"gw"}],
        "Rules":[{"Services":[{"Name":"web"}]}]})");
  }

  ApiGatewayController controller() {
    ApiGatewayController::Means means;
    means.view = [this] { return store.view(); };
    means.watch = [this](const base::KeySet& keys, std::uint64_t token) {
      return store.watches().watch(keys, fired, token);
    };
    means.apply = [this](const std::string& command) -> Result<> {
      if (refused) return base::Error{base::Errc::unavailable, "no quorum"};
      ++writes;
      return apply(*catalog::read_config_entry_request(std::string_view(command).substr(1)));
    };
    means.clock = &clock;
    means.fired = &fired;
    return ApiGatewayController(std::move(means));
  }
  Result<> apply(catalog::ConfigEntryRequest request) {
    store.writer().begin_command(++index);
    const auto done = catalog::apply_config_entry(store.writer(), std::move(request));
    store.commit();
    return done ? Result<>() : Result<>(done.error());
  }
  void write(std::string_view kind, std::string_view json, std::string_view operation = "upsert") {
    std::shared_ptr<catalog::ConfigEntry> entry = *catalog::make_config_entry(kind);
    const catalog::ConfigKind* known = entry->kind;
    ASSERT_TRUE(base::read_json(json, known->type(), entry.get()));
    entry->kind = known;
    entry->Kind = kind;
    catalog::ConfigEntryRequest request;
    request.Op = operation;
    request.Entry = std::move(entry);
    ASSERT_TRUE(apply(std::move(request)));
  }
  static int finish(ApiGatewayController& controller) {
    int steps = 0;
    while (steps < 100 && controller.step()) ++steps;
    return steps;
  }
  /// "True True": accepted and bound.
  std::string route() {
    const catalog::ViewPtr view = store.view();
    const auto* entry = catalog::find_config_entry<catalog::HTTPRouteConfigEntry>(view->tables(), "http-route", "r");
    std::string text;
    for (const auto& condition : entry->Status.Conditions) text += (text.empty() ? "" : " ") + condition.Status;
    return text;
  }

  FiredWatches fired{};
  catalog::Store store{};
  base::ManualClock clock{};
  std::uint64_t index = 0;
  bool refused = false;
  int writes = 0;
};

TEST_F(Controller, BindsWhatItFindsAndThenRests) {
  ApiGatewayController looks = controller();

  EXPECT_LT(finish(looks), 100);

  EXPECT_EQ(route(), "True True");
  writes = 0;
  EXPECT_FALSE(looks.step());
  EXPECT_LT(finish(*std::make_unique<ApiGatewayController>(controller())), 100) << "another leader";
  EXPECT_EQ(writes, 0);
}

TEST_F(Controller, FollowsWhatTheServicesOfARouteDependOn) {
  ApiGatewayController looks = controller();
  finish(looks);

  write("service-defaults", R"({"Name":"other","Protocol":"tcp"})");
  EXPECT_EQ(finish(looks), 0);
  write("service-defaults", R"({"Name":"web","Protocol":"tcp"})");
  finish(looks);
  EXPECT_EQ(route(), "False False");
  write("proxy-defaults", R"({"Name":"global","Config":{"protocol":"http"}})");
  write("service-defaults", R"({"Name":"web"})", "delete");
  finish(looks);

  EXPECT_EQ(route(), "True True");
}

TEST_F(Controller, NoticesWhatIsDeleted) {
  ApiGatewayController looks = controller();
  finish(looks);

  write("api-gateway", R"({"Name":"gw"})", "delete");
  finish(looks);

  EXPECT_EQ(route(), "True False");
  EXPECT_FALSE(catalog::find_config_entry(store.view()->tables(), "bound-api-gateway", "gw"));
}

TEST_F(Controller, TriesAgainWhatCouldNotBeWritten) {
  ApiGatewayController looks = controller();
  refused = true;
  EXPECT_LT(finish(looks), 100);
  EXPECT_EQ(route(), "");

  refused = false;
  EXPECT_FALSE(looks.step()) << "not yet";
  clock.advance(base::milliseconds(5));
  finish(looks);

  EXPECT_EQ(route(), "True True");
}

TEST(ApiGatewayQueue, WaitsLongerAfterEachFailure) {
  ApiGatewayQueue queue;
  const Request request{"http-route", "r"};
  const base::MonotonicTime start{};

  EXPECT_FALSE(queue.due());
  queue.retry(request, start);
  EXPECT_EQ(queue.due(), start + base::milliseconds(5));
  EXPECT_FALSE(queue.take(start));
  EXPECT_EQ(queue.take(start + base::milliseconds(5)), request);
  queue.retry(request, start);
  EXPECT_EQ(queue.due(), start + base::milliseconds(10));
  for (int i = 0; i < 40; ++i) {
    (void)queue.take(start + base::seconds(2000));
    queue.retry(request, start);
  }
  EXPECT_EQ(queue.due(), start + base::seconds(1000));
  (void)queue.take(start + base::seconds(2000));
  queue.succeeded(request);
  queue.retry(request, start);
  EXPECT_EQ(queue.due(), start + base::milliseconds(5));
}

TEST(ApiGatewayQueue, HasEachEntryOnceInTheOrderInWhichTheyCame) {
  ApiGatewayQueue queue;
  const Request a{"http-route", "a"}, b{"api-gateway", "b"};

  for (const Request& each : {a, b, a}) queue.add(each);

  EXPECT_EQ(queue.take({}), a);
  queue.add(a);
  EXPECT_EQ(queue.take({}), b);
  EXPECT_EQ(queue.take({}), a);
  EXPECT_FALSE(queue.take({}));
}

}  // namespace
}  // namespace proconsul::agent::server
