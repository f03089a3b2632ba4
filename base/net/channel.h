// Bytes both ways, in order, on one event loop: a TCP connection, plain or with TLS (tcp_channel.h), or a stream of a
// yamux session (yamux_session.h). What is spoken over it need not know which.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace proconsul::base::net {

class Channel {
 public:
  /// What its user hears, on the loop; each call may close the channel and drop it.
  class User {
   public:
    virtual ~User() = default;
    /// `data` is valid during the call. The peer may send on only as far as Channel::consumed() says.
    virtual void received(std::string_view data) = 0;
    /// The peer sends no more; it may still read.
    virtual void finished() = 0;
    /// All that had to be kept is on its way now; never from within send().
    virtual void drained() {}
    /// It is over, both ways, without our doing. Nothing follows.
    virtual void ended(const Error& reason) = 0;
  };

  virtual ~Channel() = default;
  /// Who hears from now on; null: nobody, and what arrives is lost. What had arrived before comes first, from here.
  virtual void set_user(User* user) = 0;
  /// What cannot go at once is kept. After finish() or the end it is dropped.
  virtual void send(std::string_view data) = 0;
  /// Bytes that are kept.
  virtual std::size_t unsent() const = 0;
  /// So many of the received bytes are dealt with. About 256 KiB may be open at a time.
  virtual void consumed(std::size_t bytes) = 0;
  /// Sends what is kept, then tells the peer that no more comes.
  virtual void finish() = 0;
  /// Ends it both ways, now; what is kept is lost. The user hears nothing more. Idempotent.
  virtual void close() = 0;
  virtual bool closed() const = 0;
};

/// Shared: whoever works on it keeps it alive. Dropped on its loop only; that closes it.
using ChannelPtr = std::shared_ptr<Channel>;

/// How much a peer may send ahead of Channel::consumed(), in bytes.
inline constexpr std::size_t kChannelWindow = 256 * 1024;

}  // namespace proconsul::base::net
