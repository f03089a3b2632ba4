#include "agent/local/server_catalog.h"

#include <utility>

#include "agent/server/changes.h"
#include "agent/tokens/readable.h"
#include "base/watch.h"
#include "catalog/query/checks.h"
#include "catalog/query/nodes.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/store.h"

namespace proconsul::agent::local {

using base::Result;

namespace {

Result<tokens::Who> asking(tokens::Resolver* resolver, const catalog::View& view, const std::string& token) {
  if (resolver == nullptr) return tokens::anybody();
  return resolver->resolve(view.tables(), token);
}

class FollowedNode final : public Catalog::Followed, base::WakeSink {
 public:
  FollowedNode(server::Server& server, tokens::Resolver* tokens, std::string node, std::string service_id,
               std::string token, std::function<void()> changed)
      : server_(server),
        tokens_(tokens),
        node_(std::move(node)),
        service_id_(std::move(service_id)),
        token_(std::move(token)),
        changed_(std::move(changed)) {}

  std::optional<Result<NodeHealth>> read() override {
    for (;;) {
      const auto view = server_.view();
      base::KeySet keys;
      NodeHealth health;
      bool has_check = false;
      std::vector<const catalog::CheckRow*> rows = catalog::checks_of_node(view->tables(), node_, {}, &keys).rows;
      const Result<tokens::Who> who = asking(tokens_, *view, token_);
      if (!who && tokens::Resolver::is_pending(who.error())) {
        tokens_->fetch(who.error(), changed_);
        return std::nullopt;
      }
      if (!who) return who.error();
      tokens::keep_readable(*who, rows);
      for (const catalog::CheckRow* row : rows) {
        health.checks.push_back(row->get());
        has_check = has_check || health.checks.back().ServiceID == service_id_;
      }
      if (!has_check) health.service_exists = exists(*who, view->tables(), keys);
      watch_ = server_.watches().watch(keys, *this, 0);
      // A change between reading and watching would be missed.
      if (server_.view().get() == view.get()) return health;
    }
  }

 private:
  bool exists(const tokens::Who& who, const catalog::Tables& tables, base::KeySet& keys) const {
    catalog::NodeServicesAnswer found = catalog::services_of_node(tables, node_, {}, &keys);
    tokens::keep_readable(who, found);
    if (found.node == nullptr) return true;  // nobody knows the node: no reason to doubt its service
    for (const catalog::ServiceRow* row : found.services) {
      if (row->get().ID == service_id_) return true;
    }
    return false;
  }
  void wake(std::vector<std::uint64_t>) override { changed_(); }

  server::Server& server_;
  tokens::Resolver* const tokens_;
  const std::string node_, service_id_, token_;
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
  if (knows_tokens_ && !knows_tokens_()) {
    return done(base::Error{base::Errc::no_leader, "the primary datacenter's ACL tokens are not copied yet"});
  }
  auto* registration = std::get_if<catalog::RegisterRequest>(&request);
  const std::string& token = registration ? registration->Token : std::get<catalog::DeregisterRequest>(request).Token;
  const Result<tokens::Who> who = asking(tokens_, *server_.view(), token);
  if (!who && tokens::Resolver::is_pending(who.error())) {
    return tokens_->fetch(who.error(), [this, request = std::move(request), done = std::move(done)]() mutable {
      submit(std::move(request), std::move(done));
    });
  }
  if (!who) return done(who.error());
  if (registration) return server::register_in_catalog(server_, *who, std::move(*registration), std::move(done));
  server::deregister_from_catalog(server_, *who, std::get<catalog::DeregisterRequest>(request), std::move(done));
}

std::unique_ptr<Catalog::Followed> ServerCatalog::follow(const std::string& node, const std::string& service_id,
                                                         const std::string& token, std::function<void()> changed) {
  return std::make_unique<FollowedNode>(server_, tokens_, node, service_id, token, std::move(changed));
}

}  // namespace proconsul::agent::local
