// The leader when it is another server.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::server {

/// Any thread may call; what is called back is called on any thread.
class RemoteLeader {
 public:
  virtual ~RemoteLeader() = default;
  /// The RPC that belongs to the command. Waits for a leader for a while, where nothing was sent yet.
  virtual void apply(std::string command, ApplyDone done) = 0;
  /// An index of the log that covers all that was committed before the call; the log gets there if who said it goes on
  /// leading. Errc::no_leader: nobody says one, perhaps since this server leads by now.
  virtual void read_index(std::move_only_function<void(base::Result<std::uint64_t>)> done) = 0;
  /// See Server::renew_session.
  virtual void renew_session(const std::string& id, Done done) = 0;
  /// As it sees the servers.
  virtual void health(std::move_only_function<void(base::Result<Operator::Health>)> done) = 0;
  /// Calls back after the time.
  virtual void after(base::Duration delay, base::net::Task task) = 0;
};

}  // namespace proconsul::agent::server
