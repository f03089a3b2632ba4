// What a server does when it begins to lead, in a whole one.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "agent/server/lone_server.h"
#include "catalog/registry/settings.h"

namespace proconsul::agent::server {
namespace {

TEST(LeaderDuties, TellAllAgentsOnceWhoLeads) {
  std::atomic<int> told = 0;
  std::promise<void> first;
  RaftServer::Options options = lone_server();
  options.duties.means.tell_of_leader = [&] {
    if (told++ == 0) first.set_value();
  };
  const auto server = std::move(*RaftServer::start(std::move(options)));
  ASSERT_EQ(first.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const auto is_open = [&] { return catalog::autopilot_config(server->view()->tables(), nullptr) != nullptr; };
  for (int tries = 0; tries < 2000 && !is_open(); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(is_open());

  std::promise<base::Result<>> restored;
  server->take_snapshot([&](base::Result<Operator::Snapshot> snapshot) {
    if (!snapshot) return restored.set_value(snapshot.error());
    const raft::SnapshotMeta meta = snapshot->state->meta();
    server->restore_snapshot(std::move(snapshot->state), meta,
                             [&](base::Result<> result) { restored.set_value(std::move(result)); });
  });
  EXPECT_TRUE(restored.get_future().get());
  server->stop();
  EXPECT_EQ(told, 1) << "another state is no other leader";
}

}  // namespace
}  // namespace proconsul::agent::server
