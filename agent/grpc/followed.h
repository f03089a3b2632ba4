// Streams that show something as it is now, and again whenever it has changed, to whom may see it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/grpc/bearer.h"
#include "agent/grpc/method.h"
#include "agent/grpc/wakes.h"
#include "agent/server/server.h"
#include "base/net/loop.h"
#include "base/result.h"
#include "base/watch.h"

namespace proconsul::agent::grpc {

class Followed;

/// What wakes such streams, one on each loop. Outlives the store's writer.
class Followers {
 public:
  /// All outlive it.
  Followers(base::net::Loops& loops, server::Server& server, Bearers& bearers);
  ~Followers();

 private:
  friend class Followed;
  server::Server& server_;
  Bearers& bearers_;
  std::vector<std::unique_ptr<Wakes>> sinks_;
};

class Followed : public Handler, base::net::Timer {
 public:
  Followed(Call& call, Followers& followers);
  ~Followed() override;
  void received(std::string_view message) final;

 protected:
  /// The request. An error ends the call as internal.
  virtual base::Result<> take(std::string_view message) = 0;
  /// What is to be shown; nothing: not yet. Adds what it depends on. The error ends the call with its text, as
  /// failed_precondition.
  virtual base::Result<std::optional<std::string>> show(const catalog::View& view, base::KeySet& keys) = 0;
  /// Something beside the keys has changed.
  void look();
  Call& call() { return call_; }

 private:
  friend class Followers;
  void on_timer() override { look(); }
  void judge(const base::Result<tokens::Who>& who);

  Call& call_;
  Followers& followers_;
  Wakes& sink_;
  const std::uint64_t number_;
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  base::Watch watch_{};
  std::optional<std::string> shown_{};
  bool looking_ = false;  // the token is asked for
  bool again_ = false;    // something changed meanwhile
  bool ended_ = false;
};

}  // namespace proconsul::agent::grpc
