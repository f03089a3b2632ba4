// What the HTTP API, DNS and the local agent see of the replicated server: nothing of raft but this.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/ref.h"
#include "base/result.h"
#include "base/time.h"

namespace proconsul::base {
class WatchRegistry;
}
namespace proconsul::catalog {
class ChangeLog;
class View;
struct ApplyResult;
struct Session;
}  // namespace proconsul::catalog

namespace proconsul::agent::server {

struct Leadership {
  bool is_leader{};
  bool current{};                 // leads for certain, and its state has every write that was acknowledged
  bool known{};                   // some leader is known
  base::Duration last_contact{};  // with a leader; 0 on the leader, kNever before the first one

  static constexpr base::Duration kNever{std::numeric_limits<std::int64_t>::max()};
  /// Before a leader was heard the state here may be anything that was ever on disk: not even stale reads show it.
  bool may_show_stale() const { return last_contact != kNever; }
};

using ApplyDone = std::move_only_function<void(base::Result<catalog::ApplyResult>)>;
using Done = std::move_only_function<void(base::Result<>)>;

class Server {
 public:
  virtual ~Server() = default;

  /// Proposes one command (type byte and body). `done` gets the FSM's answer once the entry is applied here, or
  /// Errc::no_leader / not_leader / unavailable; it runs on any thread and must not block.
  virtual void apply(std::string command, ApplyDone done) = 0;

  /// The newest published version of the state; a reader may keep it as long as it likes.
  virtual base::Ref<const catalog::View> view() const = 0;
  /// Where changes of the state are reported, after the new version is published and before the write is acknowledged.
  virtual base::WatchRegistry& watches() = 0;
  /// The last changes, for who must miss none.
  virtual const catalog::ChangeLog& changes() const = 0;

  /// Done when this server has applied all that was committed before the call, by the word of a leader that a quorum
  /// (or its lease) confirms: itself, or the one that it asks. Errc::no_leader: there is none, or it does not answer.
  virtual void verify_leader(Done done) = 0;
  /// Cheap: asked on every read.
  virtual Leadership leadership() const = 0;
  /// "127.0.0.1:8300"; empty while no leader is known.
  virtual std::string leader_address() const = 0;
  /// A session that ended while it held this key bars others from locking it; the leader alone keeps that time.
  virtual bool lock_delayed(std::string_view key) const = 0;
  /// (Re)starts the time to live of a session, if it has one.
  virtual void restart_session_timer(const catalog::Session& session) = 0;
  /// Has the leader restart it. Errc::not_found: there is no such session. `done` runs on any thread.
  virtual void renew_session(const std::string& id, Done done) = 0;
  virtual void stop_session_timer(std::string_view id) = 0;
  /// Raft peers' addresses.
  virtual std::vector<std::string> peers() const = 0;
};

}  // namespace proconsul::agent::server
