// The client's side of an HTTP/2 connection with many streams as bytes in and bytes out; h2_server_codec.h is the
// other side, h2_codec.h a client of one request. What a stream's peer may send ahead is the user's to say.
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

class H2ClientCodec {
 public:
  using StreamId = std::int32_t;
  using Piece = std::shared_ptr<const std::string>;

  struct Options {
    std::size_t most_fields = 64 * 1024;            // bytes of an answer's fields; above, its stream is reset
    std::uint32_t window = 256 * 1024;              // what the peer may send ahead of consumed() on a stream, in bytes
    std::uint32_t connection_window = 1024 * 1024;  // and on all of them ahead of take()
  };

  /// Called from take() and output() only. May call any of the codec's functions but these two.
  class User {
   public:
    virtual ~User() = default;
    /// The head of the answer. `finished`: it is all there is of it.
    virtual void answered(StreamId stream, H2Fields head, bool finished) = 0;
    virtual void received(StreamId stream, std::string_view data) = 0;
    /// The peer sends no more on it; trailers, if there are any.
    virtual void finished(StreamId stream, H2Fields trailers) = 0;
    /// It is over: done, or reset by either side (RST_STREAM's code). The codec knows it no longer. `unprocessed`: the
    /// peer has done nothing for it, and says so.
    virtual void closed(StreamId stream, std::uint32_t error, bool unprocessed) = 0;
    virtual void ponged() {}
    /// GOAWAY: the peer takes no new streams.
    virtual void said_goodbye(std::uint32_t error, std::string_view words) { (void)error, (void)words; }
  };

  H2ClientCodec(Options options, User& user);
  ~H2ClientCodec();
  H2ClientCodec(const H2ClientCodec&) = delete;

  /// A new stream; `finished`: no body follows. Errors: the peer takes none any more, or the numbers are used up.
  Result<StreamId> open(const H2Fields& head, bool finished);
  // On a stream that is not known (any more) these do nothing.
  void send(StreamId stream, Piece piece);
  void finish(StreamId stream);
  void reset(StreamId stream, std::uint32_t error);
  /// So many received bytes are dealt with: the peer may send as many more.
  void consumed(StreamId stream, std::size_t bytes);

  void ping();
  /// GOAWAY in order: no streams of the peer's are taken, which there are none of.
  void say_goodbye();

  /// Takes what came. An error: the peer breaks the protocol, and nothing can be made of it any more.
  Result<> take(std::string_view data);
  /// About `limit` bytes of what is to be sent now, or all there is.
  std::string output(std::size_t limit);
  /// The peer has spoken HTTP/2.
  bool has_settings() const { return has_settings_; }
  bool takes_streams() const;
  /// Nothing more is wanted of the peer: goodbyes were said and every stream is over, or the peer broke the protocol
  /// and output() told it so.
  bool is_over() const;
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Callbacks;
  struct Stream;
  Stream* find(StreamId stream) const;

  const Options options_;
  User& user_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  bool has_settings_ = false;
};

}  // namespace proconsul::base::net
