#include "agent/grpc/followed.h"

#include <chrono>
#include <utility>

#include "acl/authorizer.h"
#include "catalog/store/store.h"

namespace proconsul::agent::grpc {

using base::Result;
using base::net::Clock;
using tokens::Who;

namespace {

constexpr std::chrono::seconds kTokenLook{30};  // where no change of the state tells that a token has changed

}  // namespace

Followers::Followers(base::net::Loops& loops, server::Server& server, Bearers& bearers)
    : server_(server), bearers_(bearers) {
  for (std::size_t i = 0; i < loops.size(); ++i) sinks_.push_back(std::make_unique<Wakes>(loops[i]));
}

Followers::~Followers() = default;

Followed::Followed(Call& call, Followers& followers)
    : call_(call),
      followers_(followers),
      sink_(*followers.sinks_[call.loop().number()]),
      number_(sink_.add([this] { look(); })) {}

Followed::~Followed() {
  *here_ = false;
  sink_.remove(number_);
}

void Followed::received(std::string_view message) {
  if (const Result<> taken = take(message); !taken) {
    ended_ = true;
    return call_.end({Code::internal, "grpc: failed to unmarshal the received message: " + taken.error().detail});
  }
  look();
}

void Followed::look() {
  if (ended_) return;
  if (looking_) {
    again_ = true;
    return;
  }
  looking_ = true;
  followers_.bearers_.find(call_.loop(), call_.token(), [this, here = here_](const Result<Who>& who) {
    if (*here) judge(who);
  });
}

void Followed::judge(const Result<Who>& who) {
  looking_ = false;
  const auto end = [this](Code code, const base::Error& why) {
    ended_ = true;
    watch_.cancel();
    call_.end({code, why.detail});
  };
  if (const Result<> any = require_any_token(who); !any) return end(Code::unauthenticated, any.error());
  if (followers_.bearers_.asks_elsewhere()) arm(call_.loop(), Clock::now() + kTokenLook);
  server::Server& server = followers_.server_;
  base::KeySet keys;
  if (followers_.bearers_.enabled()) {
    for (const char* table : {"acl-tokens", "acl-policies", "acl-roles"}) {
      catalog::watch_key(&keys, catalog::Topic::index, table);
    }
  }
  Result<std::optional<std::string>> seen = show(*server.view(), keys);
  if (!seen) return end(Code::failed_precondition, seen.error());
  watch_ = server.watches().watch(keys, sink_, number_);
  base::KeySet same;
  seen = show(*server.view(), same);  // what changed before it was watched
  if (!seen) return end(Code::failed_precondition, seen.error());
  // Whoever may write no service at all sees nothing, and waits for that to change.
  const bool may = (*who)->allows_any(acl::Resource::service, acl::Access::write);
  if (may && *seen && shown_ != *seen) {
    shown_ = std::move(*seen);
    auto frame = std::make_shared<std::string>();
    append_frame(*frame, [&] { *frame += *shown_; });
    call_.send(std::move(frame));
  }
  if (std::exchange(again_, false)) look();
}

}  // namespace proconsul::agent::grpc
