// A driver's streams that are no sockets of its own: what came or goes by a detour.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "base/net/channel.h"
#include "base/net/loop.h"
#include "gossip/swim/detour.h"
#include "gossip/swim/effects.h"
#include "gossip/swim/sockets.h"

namespace proconsul::gossip::swim {

/// On the loop's thread. `sink` hears of them as it hears of the sockets'.
class ChannelStreams {
 public:
  ChannelStreams(base::net::Loop& loop, StreamSink& sink);
  ~ChannelStreams();
  ChannelStreams(const ChannelStreams&) = delete;

  void open(StreamId id, Detour& detour, const Address& to);
  void adopt(StreamId id, base::net::ChannelPtr channel);
  /// Sends on one of these, or ends it; false: it is none of these.
  bool carry_out(StreamEffect& effect);
  /// With those that are ending.
  std::size_t size() const { return streams_.size() + ending_.size(); }

 private:
  class Stream;
  void gone(Stream& stream);
  std::size_t unsent() const;

  base::net::Loop& loop_;
  StreamSink& sink_;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::unordered_map<Stream*, std::unique_ptr<Stream>> ending_;
};

}  // namespace proconsul::gossip::swim
