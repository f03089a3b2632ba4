#include "base/net/yamux.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace proconsul::base::net {

using yamux::FrameType;
using yamux::GoAway;
using yamux::Header;
using yamux::kAck;
using yamux::kFin;
using yamux::kHeaderSize;
using yamux::kRst;
using yamux::kSyn;
using yamux::kWindow;

namespace {

constexpr std::size_t kPiece = 64 * 1024;  // of one data frame: a large answer must not hold up the others

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

Header yamux::read_header(std::string_view bytes) {
  return {.version = static_cast<std::uint8_t>(bytes[0]),
          .type = static_cast<std::uint8_t>(bytes[1]),
          .flags = static_cast<std::uint16_t>(big_endian(bytes.substr(2, 2))),
          .stream = big_endian(bytes.substr(4, 4)),
          .length = big_endian(bytes.substr(8, 4))};
}

void yamux::append_header(std::string& out, const Header& header) {
  const auto byte = [](std::uint32_t value, int shift) { return static_cast<char>(value >> shift & 0xff); };
  const char bytes[kHeaderSize] = {static_cast<char>(header.version),
                                   static_cast<char>(header.type),
                                   byte(header.flags, 8),
                                   byte(header.flags, 0),
                                   byte(header.stream, 24),
                                   byte(header.stream, 16),
                                   byte(header.stream, 8),
                                   byte(header.stream, 0),
                                   byte(header.length, 24),
                                   byte(header.length, 16),
                                   byte(header.length, 8),
                                   byte(header.length, 0)};
  out.append(bytes, sizeof bytes);
}

Yamux::Yamux(Options options, User& user, Instant now)
    : options_(options),
      user_(user),
      next_id_(options.is_client ? 1 : 2),
      next_ping_(now + options.keepalive_interval) {}

Yamux::Stream* Yamux::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

const Yamux::Stream* Yamux::find(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

// What comes in.

void Yamux::receive(std::string_view bytes, Instant now) {
  heard_ = now;
  while (!bytes.empty() && !ended_) {
    if (payload_left_ > 0) {
      const auto piece = static_cast<std::uint32_t>(std::min<std::size_t>(payload_left_, bytes.size()));
      payload_left_ -= piece;
      payload(bytes.substr(0, piece));
      bytes.remove_prefix(piece);
      continue;
    }
    if (header_.empty() && bytes.size() >= kHeaderSize) {
      const Header header = yamux::read_header(bytes);
      bytes.remove_prefix(kHeaderSize);
      frame(header, now);
      continue;
    }
    const std::size_t missing = std::min(kHeaderSize - header_.size(), bytes.size());
    header_.append(bytes.substr(0, missing));
    bytes.remove_prefix(missing);
    if (header_.size() < kHeaderSize) return;
    const Header header = yamux::read_header(header_);
    header_.clear();
    frame(header, now);
  }
}

void Yamux::frame(const Header& header, Instant now) {
  if (header.version != 0) return end({Errc::invalid_argument, "invalid protocol version"});
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::data:
    case FrameType::window_update:
      return stream_frame(header, now);
    case FrameType::ping:
      return ping(header, now);
    case FrameType::go_away:
      return peer_goes_away(header.length);
  }
  end({Errc::invalid_argument, "invalid msg type"});
}

void Yamux::stream_frame(const Header& header, Instant) {
  const bool is_data = header.type == static_cast<std::uint8_t>(FrameType::data);
  if (is_data) {
    payload_left_ = header.length;
    payload_stream_ = header.stream;
  }
  if ((header.flags & kSyn) && !incoming(header.stream)) return;
  Stream* stream = find(header.stream);
  if (!stream) return;  // reset by us before the peer knew: what it still sends is passed over
  // Bounds first: a frame that breaks them has no other effect.
  if (is_data) {
    if (header.length > stream->receive_window) return violation("recv window exceeded");
    if (header.length > 0 && stream->peer_finished) return violation("data after the end of a stream");
    stream->receive_window -= header.length;
  } else {
    if (header.length > std::numeric_limits<std::uint32_t>::max() - stream->send_window) {
      return violation("send window overflow");
    }
    stream->send_window += header.length;
    put_in_turn(header.stream, *stream);
  }
  // The end of the stream comes behind the data of its frame.
  if (is_data && header.length > 0 && (header.flags & kFin)) {
    if (!process_flags(header.stream, header.flags & ~kFin)) return;
    finish_after_payload_ = true;
    return;
  }
  process_flags(header.stream, header.flags);
}

/// False: the stream is refused, or the session is over.
bool Yamux::incoming(StreamId id) {
  const auto refuse = [&] {
    control(FrameType::window_update, kRst, id, 0);
    return false;
  };
  if (local_away_) return refuse();
  if (streams_.contains(id)) return violation("duplicate stream initiated"), false;
  // Ids of our own parity would collide with streams that we open.
  if (id == 0 || (id % 2 == 1) == options_.is_client) return violation("stream id of the wrong side"), false;
  if (waiting_ >= options_.accept_backlog || incoming_ >= options_.most_incoming) return refuse();
  streams_.emplace(id, Stream{});
  ++waiting_;
  ++incoming_;
  user_.incoming(id);
  return true;
}

/// False: the stream is gone, or the session is over.
bool Yamux::process_flags(StreamId id, std::uint16_t flags) {
  Stream* stream = find(id);
  if (!stream) return false;
  if ((flags & kAck) && stream->ours && !stream->acknowledged) established(*stream);
  if (flags & kFin) {
    if (stream->peer_finished) return violation("unexpected flag"), false;
    stream->peer_finished = true;
    user_.peer_finished(id);
    stream = find(id);
    if (!stream) return false;
    if (stream->finish_sent) {
      forget(id);
      user_.closed(id);
      return false;
    }
  }
  if (flags & kRst) {
    forget(id);
    user_.broken(id, {Errc::eof, "connection reset"});
    return false;
  }
  return true;
}

void Yamux::payload(std::string_view bytes) {
  Stream* stream = find(payload_stream_);
  if (stream) {
    stream->unread += static_cast<std::uint32_t>(bytes.size());
    unread_ += bytes.size();
    if (unread_ > options_.most_unread) {
      control(FrameType::go_away, 0, 0, static_cast<std::uint32_t>(GoAway::internal_error));
      return end({Errc::too_large, "too much unread data"});
    }
    user_.data(payload_stream_, bytes);
  }
  if (payload_left_ == 0 && std::exchange(finish_after_payload_, false) && !ended_) {
    process_flags(payload_stream_, kFin);
  }
}

void Yamux::ping(const Header& header, Instant now) {
  if (header.flags & kSyn) return control(FrameType::ping, kAck, 0, header.length);
  if (!ping_open_ || header.length != ping_id_) return;
  ping_open_ = false;
  next_ping_ = now + options_.keepalive_interval;
}

void Yamux::peer_goes_away(std::uint32_t code) {
  switch (static_cast<GoAway>(code)) {
    case GoAway::normal:
      remote_away_ = true;
      return;
    case GoAway::protocol_error:
      return end({Errc::eof, "yamux protocol error"});
    case GoAway::internal_error:
      return end({Errc::eof, "remote yamux internal error"});
  }
  end({Errc::eof, "unexpected go away received"});
}

void Yamux::violation(std::string text) {
  control(FrameType::go_away, 0, 0, static_cast<std::uint32_t>(GoAway::protocol_error));
  end({Errc::invalid_argument, std::move(text)});
}

// What goes out.

void Yamux::control(FrameType type, std::uint16_t flags, StreamId id, std::uint32_t length) {
  if (ended_) return;
  if (control_.size() >= options_.most_control) {
    return end({Errc::too_large, "the peer does not read answers"});
  }
  yamux::append_header(control_,
                       {.type = static_cast<std::uint8_t>(type), .flags = flags, .stream = id, .length = length});
}

bool Yamux::take_output(std::string& out, std::size_t limit) {
  out += control_;
  control_.clear();
  if (control_.capacity() > kPiece) control_.shrink_to_fit();
  const std::size_t end_at = out.size() + limit;
  while (!turn_.empty() && out.size() < end_at) {
    const StreamId id = turn_.front();
    turn_.pop_front();
    Stream* stream = find(id);
    if (!stream) continue;
    stream->in_turn = false;
    if (!has_to_send(*stream)) continue;
    const std::size_t left = stream->unsent.size() - stream->sent;
    const std::size_t size = std::min({left, kPiece, static_cast<std::size_t>(stream->send_window)});
    yamux::append_header(
        out,
        {.type = static_cast<std::uint8_t>(FrameType::data), .stream = id, .length = static_cast<std::uint32_t>(size)});
    out.append(stream->unsent, stream->sent, size);
    stream->sent += size;
    stream->send_window -= static_cast<std::uint32_t>(size);
    if (size < left) {
      put_in_turn(id, *stream);
      continue;
    }
    stream->unsent.clear();
    stream->sent = 0;
    if (stream->unsent.capacity() > kPiece) stream->unsent.shrink_to_fit();
    if (stream->finish_wanted) {
      send_finish(id, *stream);
      out += std::exchange(control_, {});
    } else {
      user_.written(id);
    }
  }
  return !turn_.empty() || !control_.empty();
}

bool Yamux::has_to_send(const Stream& stream) const {
  return stream.syn_sent && stream.send_window > 0 && stream.sent < stream.unsent.size();
}

void Yamux::put_in_turn(StreamId id, Stream& stream) {
  if (stream.in_turn || !has_to_send(stream)) return;
  stream.in_turn = true;
  turn_.push_back(id);
}

void Yamux::send_syn(StreamId id, Stream& stream) {
  stream.syn_sent = true;
  ++unaccepted_;
  control(FrameType::window_update, kSyn, id, 0);
  put_in_turn(id, stream);
}

/// The last that a stream of ours sends; forgets it if the peer has finished before.
void Yamux::send_finish(StreamId id, Stream& stream) {
  stream.finish_sent = true;
  control(FrameType::window_update, kFin, id, 0);
  if (!stream.peer_finished || ended_) return;
  forget(id);
  user_.closed(id);
}

// What the user does.

Result<Yamux::StreamId> Yamux::open(Instant now) {
  if (ended_) return Error{Errc::eof, "session shutdown"};
  if (remote_away_) return Error{Errc::unavailable, "remote end is not accepting connections"};
  if (next_id_ >= std::numeric_limits<std::uint32_t>::max() - 1) return Error{Errc::unavailable, "streams exhausted"};
  const StreamId id = next_id_;
  next_id_ += 2;
  Stream& stream = streams_.emplace(id, Stream{}).first->second;
  stream.ours = true;
  while (!opening_.empty()) {
    const Stream* oldest = find(opening_.front().id);
    if (oldest && !oldest->acknowledged) break;
    opening_.pop_front();
  }
  opening_.push_back({now + options_.open_timeout, id});
  if (unaccepted_ < options_.accept_backlog) {
    send_syn(id, stream);
  } else {
    unopened_.push_back(id);
  }
  return id;
}

void Yamux::established(Stream& stream) {
  stream.acknowledged = true;
  --unaccepted_;
  while (!unopened_.empty() && unaccepted_ < options_.accept_backlog) {
    const StreamId next = unopened_.front();
    unopened_.pop_front();
    if (Stream* waiting = find(next)) {
      send_syn(next, *waiting);
      if (waiting->finish_wanted && waiting->sent == waiting->unsent.size()) send_finish(next, *waiting);
    }
  }
}

void Yamux::accept(StreamId id) {
  Stream* stream = find(id);
  if (!stream || stream->ours || stream->acknowledged) return;
  stream->acknowledged = true;
  stream->syn_sent = true;
  --waiting_;
  grant(id, *stream, true);
  put_in_turn(id, *stream);
  if (stream->finish_wanted && stream->sent == stream->unsent.size()) send_finish(id, *stream);
}

void Yamux::write(StreamId id, std::string_view data) {
  Stream* stream = find(id);
  if (!stream || stream->finish_wanted || data.empty()) return;
  if (stream->sent > kPiece && stream->sent * 2 > stream->unsent.size()) {
    stream->unsent.erase(0, stream->sent);
    stream->sent = 0;
  }
  stream->unsent += data;
  put_in_turn(id, *stream);
}

std::size_t Yamux::unsent(StreamId id) const {
  const Stream* stream = find(id);
  return stream ? stream->unsent.size() - stream->sent : 0;
}

void Yamux::consumed(StreamId id, std::size_t bytes) {
  Stream* stream = find(id);
  if (!stream) return;
  const auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, stream->unread));
  stream->unread -= taken;
  unread_ -= taken;
  if (!stream->peer_finished && stream->syn_sent) grant(id, *stream, false);
}

/// As Go does: an update for less than half a window costs more than it brings.
void Yamux::grant(StreamId id, Stream& stream, bool always) {
  // What is announced but not here yet is neither in the window nor unread: it was taken off when its frame began.
  const std::uint32_t in_flight = id == payload_stream_ ? payload_left_ : 0;
  const std::uint32_t open = stream.receive_window + stream.unread + in_flight;
  const std::uint32_t delta = kWindow - std::min(open, kWindow);
  if (!always && delta < kWindow / 2) return;
  stream.receive_window += delta;
  control(FrameType::window_update, always ? kAck : 0, id, delta);
}

void Yamux::finish(StreamId id, Instant now) {
  Stream* stream = find(id);
  if (!stream || stream->finish_wanted) return;
  stream->finish_wanted = true;
  if (!stream->peer_finished) closing_.push_back({now + options_.close_timeout, id});
  if (stream->syn_sent && stream->sent == stream->unsent.size()) send_finish(id, *stream);
}

void Yamux::reset(StreamId id) {
  Stream* stream = find(id);
  if (!stream) return;
  if (stream->syn_sent || !stream->ours) control(FrameType::window_update, kRst, id, 0);
  forget(id);
}

void Yamux::go_away() {
  if (std::exchange(local_away_, true)) return;
  control(FrameType::go_away, 0, 0, static_cast<std::uint32_t>(GoAway::normal));
}

void Yamux::forget(StreamId id) {
  const auto found = streams_.find(id);
  Stream& stream = found->second;
  unread_ -= stream.unread;
  const bool pending = stream.ours && stream.syn_sent && !stream.acknowledged;
  if (!stream.ours) {
    --incoming_;
    if (!stream.acknowledged) --waiting_;
  }
  if (pending) established(stream);
  streams_.erase(id);
}

void Yamux::end(Error reason) {
  if (ended_) return;
  ended_ = std::move(reason);
  std::vector<StreamId> all;
  all.reserve(streams_.size());
  for (const auto& [id, stream] : streams_) all.push_back(id);
  std::ranges::sort(all);
  streams_.clear();
  turn_.clear();
  unopened_.clear();
  opening_.clear();
  closing_.clear();
  unaccepted_ = waiting_ = incoming_ = unread_ = 0;
  const Error why = *ended_;
  for (const StreamId id : all) user_.broken(id, why);
}

// Time.

void Yamux::tick(Instant now) {
  while (!ended_ && !opening_.empty() && opening_.front().at <= now) {
    const Stream* stream = find(opening_.front().id);
    opening_.pop_front();
    // A peer that is not able to accept is not able to work.
    if (stream && !stream->acknowledged && !stream->finish_wanted) end({Errc::timeout, "session shutdown"});
  }
  while (!ended_ && !closing_.empty() && closing_.front().at <= now) {
    const StreamId id = closing_.front().id;
    closing_.pop_front();
    const Stream* stream = find(id);
    if (!stream || stream->peer_finished) continue;
    reset(id);
    user_.broken(id, {Errc::timeout, "stream closed"});
  }
  if (ended_ || now < next_ping_) return;
  if (ping_open_) {
    // Behind much data an answer comes late.
    if (now >= heard_ + options_.answer_timeout) return end({Errc::timeout, "keepalive timeout"});
    next_ping_ = heard_ + options_.answer_timeout;
    return;
  }
  control(FrameType::ping, kSyn, 0, ++ping_id_);
  ping_open_ = true;
  next_ping_ = now + options_.answer_timeout;
}

Yamux::Instant Yamux::next_deadline() const {
  if (ended_) return Instant::max();
  Instant next = next_ping_;
  if (!opening_.empty()) next = std::min(next, opening_.front().at);
  if (!closing_.empty()) next = std::min(next, closing_.front().at);
  return next;
}

}  // namespace proconsul::base::net
