#include "agent/local/server_catalog.h"

#include <utility>

#include "agent/server/catalog_request.h"
#include "base/watch.h"
#include "catalog/commands.h"
#include "catalog/query/checks.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"

namespace proconsul::agent::local {

using base::Result;

namespace {

class FollowedNode final : public Catalog::Followed, base::WakeSink {
 public:
  FollowedNode(server::Server& server, std::string node, std::string service_id, std::function<void()> changed)
      : server_(server), node_(std::move(node)), service_id_(std::move(service_id)), changed_(std::move(changed)) {}

  std::optional<Result<NodeHealth>> read() override {
    for (;;) {
      const auto view = server_.view();
      base::KeySet keys;
      NodeHealth health;
      bool has_check = false;
      for (const catalog::CheckRow* row : catalog::checks_of_node(view->tables(), node_, {}, &keys).rows) {
        health.checks.push_back(row->get());
        has_check = has_check || health.checks.back().ServiceID == service_id_;
      }
      if (!has_check) health.service_exists = exists(view->tables(), keys);
      watch_ = server_.watches().watch(keys, *this, 0);
      // A change between reading and watching would be missed.
      if (server_.view().get() == view.get()) return health;
    }
  }

 private:
  bool exists(const catalog::Tables& tables, base::KeySet& keys) const {
    const catalog::NodeServicesAnswer found = catalog::services_of_node(tables, node_, {}, &keys);
    if (found.node == nullptr) return true;  // nobody knows the node: no reason to doubt its service
    for (const catalog::ServiceRow* row : found.services) {
      if (row->get().ID == service_id_) return true;
    }
    return false;
  }
  void wake(std::vector<std::uint64_t>) override { changed_(); }

  server::Server& server_;
  const std::string node_, service_id_;
  const std::function<void()> changed_;
  base::Watch watch_{};
};

}  // namespace

void ServerCatalog::fetch(std::move_only_function<void(Result<Remote>)> done) {
  const auto view = server_.view();
  const catalog::Tables& tables = view->tables();
  Remote remote;
  const catalog::NodeServicesAnswer found = catalog::services_of_node(tables, own_node_, {}, nullptr);
  if (found.node != nullptr) remote.node = found.node->get();
  for (const catalog::ServiceRow* row : found.services) remote.services.push_back(row->get());
  for (const catalog::CheckRow* row : catalog::checks_of_node(tables, own_node_, {}, nullptr).rows) {
    remote.checks.push_back(row->get());
  }
  done(std::move(remote));
}

void ServerCatalog::submit(Step::Request request, std::move_only_function<void(Result<>)> done) {
  std::string command;
  if (auto* registration = std::get_if<catalog::RegisterRequest>(&request)) {
    if (Result<> valid = server::prepare(*registration, server_.view()->tables()); !valid)
      return done(std::move(valid));
    command = catalog::encode_command(catalog::Command::register_, *registration);
  } else {
    command = catalog::encode_command(catalog::Command::deregister, std::get<catalog::DeregisterRequest>(request));
  }
  server_.apply(std::move(command), [done = std::move(done)](Result<catalog::ApplyResult> result) mutable {
    if (!result) return done(result.error());
    const base::Error* error = result->error();
    done(error != nullptr ? Result<>(*error) : Result<>());
  });
}

std::unique_ptr<Catalog::Followed> ServerCatalog::follow(const std::string& node, const std::string& service_id,
                                                         std::function<void()> changed) {
  return std::make_unique<FollowedNode>(server_, node, service_id, std::move(changed));
}

}  // namespace proconsul::agent::local
