// Calls of other servers' gRPC methods: one HTTP/2 connection for each server, which all calls share, on the server
// port (first byte 8, inside TLS where tls.internal_rpc wants that). Statuses and texts are those of grpc-go.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/grpc/frame.h"
#include "agent/grpc/method.h"
#include "agent/rpc/cluster.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"

namespace proconsul::agent::grpc {

class Client {
 public:
  struct Options {
    /// Where a server is reached, TLS and its preface included; on a loop's thread. Unset: plain TCP to the address.
    std::function<base::net::Destination(const rpc::Target& target)> route{};
    /// Whether there is a better way to it by now than to this address: new calls begin a new connection, and what
    /// still runs on the old one some seconds later ends as unavailable. On a loop's thread. Unset: ways never change.
    std::function<bool(const rpc::Target& target, const std::string& address)> outdated{};
    std::string type = "internal";                    // the label server_type of its metrics
    bool kind_byte = true;                            // first byte 8, as the server port wants it
    std::size_t most_message = std::size_t{8} << 20;  // bytes of one that comes in
    std::size_t most_ahead = std::size_t{256} << 10;  // bytes of a call that its user has not consumed
    std::chrono::seconds dial_timeout{10};
    std::chrono::seconds ping_after{30};    // silence of a server that has calls
    std::chrono::seconds ping_timeout{10};  // until it must have said something
    // The same on ways that are judged by what becomes of them (Destination::reached), where another one may do. Twice
    // only, until the server says something more: who pings more often than every 15 s is sent away.
    std::chrono::milliseconds judged_ping_after{1000};
    std::chrono::milliseconds judged_ping_timeout{2000};
    std::chrono::seconds idle_time{120};  // then a connection without calls is closed
  };

  /// What the caller hears, on the call's loop; each may drop the call.
  class User {
   public:
    virtual ~User() = default;
    /// One message, in its frame. More come only as far as Call::consumed() says.
    virtual void received(Frames message) = 0;
    /// Nothing follows. `unprocessed`: the server has surely not begun with it.
    virtual void ended(Status status, bool unprocessed) = 0;
  };

  /// A call under way; dropping it gives it up. On its loop.
  class Call {
   public:
    virtual ~Call() = default;
    /// So many bytes of messages are dealt with.
    virtual void consumed(std::size_t bytes) = 0;
    // Of a call that was begun open:
    /// Another message, in its frame.
    virtual void send(Frames message) = 0;
    /// No more messages.
    virtual void finish() = 0;
  };

  /// The loops outlive it.
  Client(base::net::Loops& loops, Options options);
  ~Client();
  /// Calls end as cancelled, and connections in order; not from a loop. Idempotent.
  void stop();

  /// Calls the method at `path` with one request (in its frame), for any number of answers. On the thread of `loop`;
  /// `user` hears nothing within this call. `metadata`: further fields, names in small letters. `open`: more messages
  /// may follow the request.
  std::unique_ptr<Call> call(base::net::Loop& loop, const rpc::Target& target, std::string path, Frames request,
                             User& user, base::net::H2Fields metadata = {}, bool open = false);

 private:
  class Exchange;
  class Connection;
  class Connections;
  class Handle;
  struct Metrics;

  const Options options_;
  const std::unique_ptr<Metrics> metrics_;
  std::vector<std::shared_ptr<Connections>> connections_;  // of each loop: a server's connection lives on one of them
  std::atomic<bool> stopped_{false};
};

}  // namespace proconsul::agent::grpc
