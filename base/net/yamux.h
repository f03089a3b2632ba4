// One end of a yamux session, pure: bytes and the time go in, bytes to send and news of streams come out. Version 0 of
// the protocol as hashicorp/yamux of October 2021 speaks it: rpc.md 4 of the wire reference. The socket around it is
// yamux_session.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace proconsul::base::net {

namespace yamux {

using Instant = std::chrono::steady_clock::time_point;
using StreamId = std::uint32_t;

inline constexpr std::size_t kHeaderSize = 12;
inline constexpr std::uint32_t kWindow = 256 * 1024;  // that a stream begins with, each way

enum class FrameType : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };
enum Flag : std::uint16_t { kSyn = 1, kAck = 2, kFin = 4, kRst = 8 };
enum class GoAway : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

struct Header {
  std::uint8_t version = 0;
  std::uint8_t type{};
  std::uint16_t flags{};
  StreamId stream{};
  std::uint32_t length{};
};
/// The first kHeaderSize bytes; more is not looked at.
Header read_header(std::string_view bytes);
void append_header(std::string& out, const Header& header);

}  // namespace yamux

class Yamux {
 public:
  using Instant = yamux::Instant;
  using StreamId = yamux::StreamId;

  /// News of streams; from within receive(), tick() or end(). Each may call the session.
  class User {
   public:
    virtual ~User() = default;
    /// The peer opened a stream: accept() it, or reset() it, now or later. Until then it counts as waiting.
    virtual void incoming(StreamId id) = 0;
    /// `data` is valid during the call; the peer's window opens as far as consumed() says.
    virtual void data(StreamId id, std::string_view data) = 0;
    virtual void peer_finished(StreamId id) = 0;
    /// Closed both ways in order: forgotten already.
    virtual void closed(StreamId id) = 0;
    /// Reset by the peer, or by the end of the session: forgotten already.
    virtual void broken(StreamId id, const Error& reason) = 0;
    /// The last of what write() kept is in what take_output() gave.
    virtual void written(StreamId id) = 0;
  };

  struct Options {
    bool is_client = false;  // the side that connected
    std::size_t accept_backlog = 256;
    std::size_t most_incoming = 65536;           // streams of the peer at a time; more are reset
    std::size_t most_unread = 64 * 1024 * 1024;  // bytes received and not consumed, of all streams
    std::size_t most_control = 1024 * 1024;      // bytes of answers that the peer does not read
    std::chrono::milliseconds keepalive_interval = std::chrono::seconds(30);
    std::chrono::milliseconds answer_timeout = std::chrono::seconds(10);  // of a ping, with nothing else coming either
    std::chrono::milliseconds open_timeout = std::chrono::seconds(75);    // until the peer accepts
    std::chrono::milliseconds close_timeout = std::chrono::minutes(5);    // until the peer finishes too
  };

  Yamux(Options options, User& user, Instant now);

  /// What arrived, in pieces of any size. After the end it is ignored.
  void receive(std::string_view bytes, Instant now);
  /// Does what is due. The next deadline: next_deadline().
  void tick(Instant now);
  Instant next_deadline() const;
  /// Appends up to about `limit` bytes to send, answers first, then data of the streams in turn. False: there is no
  /// more now.
  bool take_output(std::string& out, std::size_t limit);

  /// A stream of ours. The SYN waits while 256 are not yet accepted; data may be written at once.
  Result<StreamId> open(Instant now);
  /// Acknowledges a stream of the peer's.
  void accept(StreamId id);
  /// Kept until the window allows it. Ignored after finish() or the stream's end.
  void write(StreamId id, std::string_view data);
  std::size_t unsent(StreamId id) const;
  void consumed(StreamId id, std::size_t bytes);
  /// Half-close, behind what was written.
  void finish(StreamId id, Instant now);
  /// Nothing more either way; what was written and not sent is dropped. The user hears nothing more of it.
  void reset(StreamId id);
  /// New streams of the peer are refused from now on.
  void go_away();

  /// The session is over: every stream is broken. The first reason stays.
  void end(Error reason);
  /// Empty while it goes on. What take_output() gives then (a go-away) should still be sent.
  const std::optional<Error>& ended() const { return ended_; }
  std::size_t streams() const { return streams_.size(); }
  bool accepts_streams() const { return !ended_ && !remote_away_; }

 private:
  struct Stream {
    std::uint32_t send_window = yamux::kWindow;
    std::uint32_t receive_window = yamux::kWindow;
    std::uint32_t unread = 0;
    bool ours = false;
    bool syn_sent = false;
    bool acknowledged = false;  // ours: by the peer; theirs: by us
    bool finish_wanted = false;
    bool finish_sent = false;
    bool peer_finished = false;
    bool in_turn = false;
    std::string unsent{};
    std::size_t sent = 0;  // of unsent
  };
  struct Due {
    Instant at;
    StreamId id;
  };

  void frame(const yamux::Header& header, Instant now);
  void stream_frame(const yamux::Header& header, Instant now);
  bool incoming(StreamId id);
  bool process_flags(StreamId id, std::uint16_t flags);
  void payload(std::string_view bytes);
  void ping(const yamux::Header& header, Instant now);
  void peer_goes_away(std::uint32_t code);
  void violation(std::string text);
  void control(yamux::FrameType type, std::uint16_t flags, StreamId id, std::uint32_t length);
  void grant(StreamId id, Stream& stream, bool always);
  void send_syn(StreamId id, Stream& stream);
  void send_finish(StreamId id, Stream& stream);
  void put_in_turn(StreamId id, Stream& stream);
  void forget(StreamId id);
  void established(Stream& stream);
  bool has_to_send(const Stream& stream) const;
  Stream* find(StreamId id);
  const Stream* find(StreamId id) const;

  const Options options_;
  User& user_;
  std::unordered_map<StreamId, Stream> streams_{};
  std::deque<StreamId> turn_{};            // streams that have something to send and may
  std::deque<StreamId> unopened_{};        // of ours, whose SYN waits
  std::deque<Due> opening_{}, closing_{};  // in order of time
  std::string header_{};                   // the beginning of a frame
  StreamId payload_stream_ = 0;            // of the frame whose data arrives
  std::uint32_t payload_left_ = 0;
  bool finish_after_payload_ = false;
  std::string control_{};  // answers to send
  StreamId next_id_;
  std::size_t unaccepted_ = 0;  // of ours, not yet acknowledged
  std::size_t waiting_ = 0;     // of theirs, not yet accepted
  std::size_t incoming_ = 0;    // of theirs
  std::size_t unread_ = 0;
  bool local_away_ = false;
  bool remote_away_ = false;
  std::uint32_t ping_id_ = 0;
  bool ping_open_ = false;
  Instant heard_;  // when bytes came
  Instant next_ping_;
  std::optional<Error> ended_{};
};

}  // namespace proconsul::base::net
