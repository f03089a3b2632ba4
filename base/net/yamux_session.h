// A yamux session over a connection, whose streams are channels.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/net/channel.h"
#include "base/net/loop.h"
#include "base/net/yamux.h"

namespace proconsul::base::net {

/// Use on one loop's thread only. Its streams keep it alive until they are dropped.
class YamuxSession final : Channel::User, Yamux::User, Timer, public std::enable_shared_from_this<YamuxSession> {
 public:
  struct Events {
    /// The peer opened a stream, which is accepted by taking it; dropped, it is reset. Null: the peer may open none.
    std::move_only_function<void(ChannelPtr stream)> incoming{};
    /// Once, unless close() came first; every stream has heard of it already.
    std::move_only_function<void(const Error& reason)> ended{};
  };
  /// Takes over the connection.
  static std::shared_ptr<YamuxSession> start(Loop& loop, ChannelPtr connection, Yamux::Options options, Events events);
  ~YamuxSession() override;

  /// Errc::eof: the session is over; Errc::unavailable: the peer takes no more streams.
  Result<ChannelPtr> open();
  bool accepts_streams() const { return core_.accepts_streams(); }
  std::size_t streams() const { return core_.streams(); }
  /// Every stream ends with "session shutdown".
  void close();

 private:
  class Stream;
  YamuxSession(Loop& loop, ChannelPtr connection, Yamux::Options options, Events events);

  void received(std::string_view data) override;
  void finished() override;
  void drained() override;
  void ended(const Error& reason) override;
  void incoming(Yamux::StreamId id) override;
  void data(Yamux::StreamId id, std::string_view data) override;
  void peer_finished(Yamux::StreamId id) override;
  void closed(Yamux::StreamId id) override;
  void broken(Yamux::StreamId id, const Error& reason) override;
  void written(Yamux::StreamId id) override;
  void on_timer() override;

  std::shared_ptr<Stream> add(Yamux::StreamId id);
  std::shared_ptr<Stream> find(Yamux::StreamId id) const;
  void flush_soon();
  void flush();
  void after();
  void over();

  Loop& loop_;
  ChannelPtr connection_;
  Events events_;
  Yamux core_;
  std::unordered_map<Yamux::StreamId, std::weak_ptr<Stream>> streams_{};
  std::string output_{};
  bool busy_ = false;          // in the core: what is to be sent goes when it returns
  bool flush_posted_ = false;  // to the end of the loop's round
};

}  // namespace proconsul::base::net
