// The roots that the servers of this datacenter trust, as they are now: asked for when somebody wants them first, and
// followed from then on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/rpc/caller.h"
#include "agent/rpc/connect_ca_types.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::mesh {

/// Of one loop, on whose thread all is called. Shared: what is under way looks whether it is still there.
class Roots : public std::enable_shared_from_this<Roots> {
 public:
  using Known = std::shared_ptr<const rpc::IndexedCARoots>;
  using Got = std::move_only_function<void(base::Result<Known>)>;
  /// The caller and the loop outlive stop().
  Roots(rpc::Caller& caller, base::net::Loop& loop, std::string datacenter);

  /// Now if they are known, else when they are, or why not: whoever comes while they cannot be had asks again, and does
  /// not wait for the next attempt. `got` may be called within.
  void get(Got got);
  /// Called whenever they have changed.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  /// Known already, from elsewhere.
  void begin_with(rpc::IndexedCARoots roots);
  /// Null: not yet.
  const Known& known() const { return known_; }
  /// Nobody is called any more.
  void stop();

 private:
  void ask();
  void answered(base::Result<rpc::IndexedCARoots> roots);

  rpc::Caller& caller_;
  base::net::Loop& loop_;
  const std::string datacenter_;
  std::function<void()> changed_{};
  Known known_{};
  std::vector<Got> waiting_{};
  unsigned failures_ = 0;
  bool asking_ = false;
  bool pausing_ = false;  // after a failure, until it is tried again
  bool stopped_ = false;
};

/// The key of the root (or intermediate) that signs now, as certificates name it; empty: there is none.
std::string active_key(const rpc::IndexedCARoots& roots);
/// All of them, PEM.
std::string text_of(const rpc::IndexedCARoots& roots);

}  // namespace proconsul::agent::mesh
