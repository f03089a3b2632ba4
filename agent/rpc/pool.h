// Connections to other servers: one yamux session for each (datacenter, name, address), one stream for a call at a
// time; idle streams are kept.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/call_times.h"
#include "agent/rpc/cluster.h"
#include "agent/rpc/method.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::rpc {

class Pool {
 public:
  struct Options {
    /// Where a server is reached, TLS and its preface included; on a loop's thread. `protocol`: the ALPN name of what
    /// will be spoken, for ways on which no byte says it (kind_byte.h). Unset: plain TCP to the address.
    std::function<base::net::Destination(const Target& target, std::string_view protocol)> route{};
    /// Whether there is a better way to it by now than to this address: a session that was opened there takes no more
    /// calls. On a loop's thread. Unset: ways never change.
    std::function<bool(const Target& target, const std::string& address)> outdated{};
    std::string source{};                               // an IP address to come from
    base::Duration client_timeout = base::seconds(60);  // limits.rpc_client_timeout; <= 0: none
    CallTimes times{};                                  // a query that waits has the hold timeout beyond its wait
    base::Duration idle_time = base::seconds(120);      // then a session without calls is closed
    std::size_t most_idle_streams = 64;                 // of a session
    std::size_t most_reply_bytes = 512 * 1024 * 1024;
  };
  /// The loops outlive it.
  Pool(base::net::Loops& loops, Options options);
  ~Pool();
  /// Calls that wait end with "rpc error: shutdown"; not from a loop.
  void stop();

  /// A call under way; dropping it gives it up.
  class Call {
   public:
    virtual ~Call() = default;
  };
  /// Sends the invocation's request; `done` comes on `loop`, never from within this call, and the invocation, which
  /// nobody touches meanwhile, has the reply then. Errors: "rpc error getting client: ...", "rpc error making call:
  /// ...". On the thread of `loop`.
  std::unique_ptr<Call> call(base::net::Loop& loop, const Target& target, std::string_view method,
                             InvocationPtr invocation, Finished done);

  /// Where a server is reached: for connections of other kinds than the pool's.
  base::net::Destination destination(const Target& target, std::string_view protocol) const;

 private:
  class Exchange;
  class Stream;
  class Session;
  class Sessions;
  class Handle;

  const Options options_;
  std::vector<std::unique_ptr<Sessions>> sessions_;  // of each loop: a server's session lives on one of them
  std::atomic<bool> stopped_{false};
};

/// How the text of an error begins when the server never got the call.
inline constexpr std::string_view kNoConnection = "rpc error getting client";
/// Of a lost connection, which a query may survive by being asked again: its text says so, as Consul reads it.
bool is_eof(std::string_view error);

}  // namespace proconsul::agent::rpc
