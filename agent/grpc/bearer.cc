#include "agent/grpc/bearer.h"

#include <utility>

#include "catalog/acl/builtin.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

using base::Errc;
using base::Result;
using tokens::Who;

namespace {

constexpr int kMostFetches = 4;  // of a token, one after the other

}  // namespace

void Bearers::find(base::net::Loop& loop, std::string token, std::move_only_function<void(Result<Who>)> done) {
  find(loop, std::move(token), std::move(done), 0);
}

void Bearers::find(base::net::Loop& loop, std::string token, std::move_only_function<void(Result<Who>)> done,
                   int fetches) {
  if (resolver_ == nullptr) return done(tokens::anybody());
  Result<Who> who = resolver_->resolve(server_.view()->tables(), token);
  if (who || !tokens::Resolver::is_pending(who.error()) || fetches >= kMostFetches) return done(std::move(who));
  resolver_->fetch(who.error(), [this, &loop, token = std::move(token), done = std::move(done), fetches]() mutable {
    loop.post([this, &loop, token = std::move(token), done = std::move(done), fetches]() mutable {
      find(loop, std::move(token), std::move(done), fetches + 1);
    });
  });
}

Result<> require_any_token(const Result<Who>& who) {
  if (!who) return who.error();
  if (who->accessor != catalog::kAnonymousAccessor) return {};
  return {Errc::unauthorized,
          "An ACL token must be provided (via the `x-consul-token` metadata field) to call this endpoint"};
}

}  // namespace proconsul::agent::grpc
