// For tests: a server that leads, whose commands are applied at once.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/server/server.h"
#include "catalog/commands.h"
#include "catalog/store/store.h"

namespace proconsul::agent::peering::test {

class LeadingServer final : public server::Server {
 public:
  void apply(std::string command, server::ApplyDone done) override {
    ++commands;
    base::Result<catalog::ApplyResult> applied = apply_now(command);
    done(std::move(applied));
  }
  base::Result<catalog::ApplyResult> apply_now(const std::string& command) {
    const std::lock_guard lock(mutex);
    store.writer().begin_command(++index);
    const catalog::CommandRow* row = catalog::find_command(static_cast<std::uint8_t>(command.front()));
    base::Result<catalog::ApplyResult> applied = row->apply(store.writer(), std::string_view(command).substr(1));
    store.commit();
    return applied;
  }
  /// So that the mesh's authority is there.
  void set_trust_domain(const std::string& cluster_id) {
    const std::lock_guard lock(mutex);
    store.writer().begin_command(++index);
    catalog::CAConfiguration configuration;
    configuration.ClusterID = cluster_id;
    store.writer().tables().ca_config.insert(std::string(), base::make_row(std::move(configuration)));
    store.commit();
  }

  catalog::ViewPtr view() const override { return store.view(); }
  base::WatchRegistry& watches() override { return store.watches(); }
  const catalog::ChangeLog& changes() const override { return store.changes(); }
  void verify_leader(server::Done done) override { done({}); }
  server::Leadership leadership() const override { return {.is_leader = leads, .current = leads, .known = true}; }
  std::string leader_address() const override { return "127.0.0.1:8300"; }
  bool lock_delayed(std::string_view) const override { return false; }
  void restart_session_timer(const catalog::Session&) override {}
  void renew_session(const std::string&, server::Done done) override { done({}); }
  void stop_session_timer(std::string_view) override {}
  std::vector<std::string> peers() const override { return {"127.0.0.1:8300"}; }

  catalog::Store store{};
  std::mutex mutex{};
  std::uint64_t index = 10;
  std::atomic<bool> leads = true;
  std::atomic<int> commands = 0;
};

}  // namespace proconsul::agent::peering::test
