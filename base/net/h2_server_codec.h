// The server's side of an HTTP/2 connection as bytes in and bytes out. Frames, header compression and windows are
// nghttp2's work; what is sent waits here, uncopied, until the peer's windows have room for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/net/h2_fields.h"
#include "base/result.h"

struct nghttp2_session;

namespace proconsul::base::net {

class H2ServerCodec {
 public:
  using StreamId = std::int32_t;
  using Piece = std::shared_ptr<const std::string>;

  struct Options {
    std::uint32_t most_streams = 100;     // open at a time; more are refused
    std::size_t most_fields = 64 * 1024;  // bytes of a request's fields; above, its stream is reset
    std::uint32_t window = 64 * 1024;     // what a stream's peer may send ahead, in bytes
    std::uint32_t connection_window = 0;  // and on all of them, ahead of consumed(); 0: ahead of take(), without end
    std::size_t patience = 0;             // bytes of a request that may still come once its answer is sent
    std::uint64_t reset_burst = 10'000;   // streams that the peer resets at once before it is sent away
    std::uint64_t resets_per_second = 1'000;  // and in the long run
  };

  /// Called from take() and output() only. May call any of the codec's functions but these two.
  class User {
   public:
    virtual ~User() = default;
    /// A new stream. `finished`: no body follows.
    virtual void request(StreamId stream, H2Fields fields, bool finished) = 0;
    /// A new stream, whose request has more fields than are kept. False: it is reset.
    virtual bool oversized(StreamId stream) { return (void)stream, false; }
    virtual void received(StreamId stream, std::string_view data) = 0;
    /// The peer sends no more on it.
    virtual void finished(StreamId stream) = 0;
    /// It is over: done, or reset by either side (RST_STREAM's code). The codec knows it no longer.
    virtual void closed(StreamId stream, std::uint32_t error) = 0;
    /// All that waited is on its way, where tell_when_sent() asked. Must not send within the call.
    virtual void sent(StreamId stream) { (void)stream; }
    /// The peer's ping, which is answered. Whether anything was sent since the one before.
    virtual void pinged(bool sent_since) { (void)sent_since; }
  };

  H2ServerCodec(Options options, User& user);
  ~H2ServerCodec();
  H2ServerCodec(const H2ServerCodec&) = delete;

  /// With a connection_window: so many received bytes are dealt with. Streams that are over count too.
  void consumed(StreamId stream, std::size_t bytes);

  // On a stream that is not known (any more) these do nothing.
  /// A head that says nothing final (1xx), before that of the answer.
  void inform(StreamId stream, const H2Fields& head);
  /// The head of an answer, once; then its body.
  void respond(StreamId stream, const H2Fields& head);
  void send(StreamId stream, Piece piece);
  /// Trailers, if there are any, when all is sent; what the peer still sends is then refused,
  /// beyond Options::patience.
  void finish(StreamId stream, H2Fields trailers);
  /// An answer that is nothing but a head, in place of respond().
  void answer(StreamId stream, const H2Fields& head);
  void reset(StreamId stream, std::uint32_t error);
  /// Bytes that wait, of the stream or of all.
  std::size_t unsent(StreamId stream) const;
  std::size_t unsent() const { return unsent_; }
  /// User::sent() is called once when they have gone; false: nothing waits.
  bool tell_when_sent(StreamId stream);

  /// Asks the peer whether it is there; whatever it sends then answers that.
  void ping();
  /// GOAWAY: takes no new streams, and says why (RFC 9113 section 7) in a number and in words.
  void say_goodbye(std::uint32_t error, std::string_view words);

  /// Takes what came. An error: the peer breaks the protocol, or speaks another one; output() may have the goodbye.
  Result<> take(std::string_view data);
  /// About `limit` bytes of what is to be sent now, or all there is.
  std::string output(std::size_t limit);
  /// The peer has spoken HTTP/2.
  bool has_settings() const { return has_settings_; }
  /// The head of a request has begun, and is not whole.
  bool has_open_head() const { return open_heads_ > 0; }
  /// Nothing more will come of it: a goodbye was said and every stream is over.
  bool is_over() const;

 private:
  struct Callbacks;
  struct Stream;
  Stream* find(StreamId stream) const;

  const Options options_;
  User& user_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::size_t open_heads_ = 0;
  std::size_t unsent_ = 0;
  bool has_settings_ = false;
  bool sent_since_ping_ = false;
};

}  // namespace proconsul::base::net
