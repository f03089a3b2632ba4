// Streams: one question, perhaps one answer, within a time; how many there are and what they hold is bounded.
#include <utility>

#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {

using base::Errc;
using base::MonotonicTime;
using base::Result;
using base::log::Level;

StreamId Core::stream_accepted(MonotonicTime now, const Address& from) {
  now_ = now;
  ++counts_.streams_accepted;
  if (accepted_ >= kMostStreams) {
    ++counts_.streams_refused;
    refuse(Level::error, from, "Too many open streams", "");
    return 0;
  }
  ++accepted_;
  const StreamId id = ++next_id_;
  const MonotonicTime deadline = now_ + config_.timing.tcp_timeout;
  streams_.emplace(id, Stream{.role = Role::accepted,
                              .peer = from,
                              .reader = StreamReader(config_.wrapping, true),
                              .began = now_,
                              .deadline = deadline,
                              .opened = true});
  arm(deadline, Due::stream, id);
  say(Level::debug, "Stream connection from=", from);
  return id;
}

StreamId Core::open(Role role, const Address& to, MonotonicTime deadline, Done done) {
  const StreamId id = ++next_id_;
  streams_.emplace(id, Stream{.role = role,
                              .peer = to,
                              .reader = StreamReader(config_.wrapping, false),
                              .began = now_,
                              .deadline = deadline,
                              .done = std::move(done)});
  arm(deadline, Due::stream, id);
  effects_.streams.push_back(OpenStream{.stream = id, .to = to});
  ++counts_.streams_opened;
  return id;
}

void Core::end_stream(StreamId id, Result<> result) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream stream = std::move(found->second);
  streams_.erase(found);
  buffered_ -= stream.reader.received();
  if (stream.role == Role::accepted) --accepted_;
  if (stream.pending) --pending_;
  effects_.streams.push_back(CloseStream{.stream = id});
  if (stream.role == Role::push_pull) {
    effects_.measurements.push_back(
        {.what = Sampled::push_pull, .value = static_cast<double>((now_ - stream.began).nanoseconds) / 1e6});
  }
  if (stream.done) stream.done(std::move(result));
}

void Core::stream_overdue(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const Stream& stream = found->second;
  if (stream.role == Role::accepted) {
    ++counts_.streams_refused;
    refuse(Level::error, stream.peer, "failed to receive: ", "i/o timeout");
  }
  const std::string what = stream.opened ? "read tcp " : "dial tcp ";
  end_stream(id, Result<>(Errc::timeout, what + to_string(stream.peer) + ": i/o timeout"));
}

void Core::send_on(StreamId id, std::string message, bool labelled) {
  Result<std::string> bytes = wrap_stream(std::move(message), config_.wrapping, labelled, random_);
  if (!bytes) {
    say(Level::error, "Failed to send on a stream: ", bytes.error().detail);
    return;
  }
  counts_.stream_bytes_sent += bytes->size();
  effects_.streams.push_back(SendBytes{.stream = id, .bytes = std::move(*bytes)});
}

void Core::stream_opened(MonotonicTime now, StreamId id) {
  now_ = now;
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  stream.opened = true;
  switch (stream.role) {
    case Role::accepted:
      break;
    case Role::push_pull:
      say(Level::debug, "Initiating push/pull sync with: ", stream.peer);
      send_on(id, local_state(stream.join), true);
      break;
    case Role::ping:
      send_on(id, std::exchange(stream.message, {}), true);
      break;
    case Role::user:
      send_on(id, std::exchange(stream.message, {}), true);
      end_stream(id, {});
      break;
  }
}

void Core::stream_bytes(MonotonicTime now, StreamId id, std::string_view bytes) {
  now_ = now;
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  buffered_ -= stream.reader.received();
  Result<bool> whole = stream.reader.take(bytes);
  buffered_ += stream.reader.received();
  if (whole && !*whole && buffered_ > kMostBufferedBytes) {
    whole = Result<bool>(Errc::unavailable, "too many bytes of streams are waiting to become whole");
  }
  if (whole && !*whole) {
    if (stream.role != Role::accepted || stream.pending) return;
    if (pending_ < kMostPushPulls) {
      stream.pending = true;
      ++pending_;
      return;
    }
    ++counts_.streams_refused;
    refuse(Level::error, stream.peer, "Too many pending push/pull requests", "");
    return end_stream(id, {});
  }

  if (!whole) {
    if (stream.role == Role::accepted) {
      ++counts_.streams_refused;
      refuse(Level::error, stream.peer, stream.reader.told() ? "failed to receive: " : "", whole.error().detail);
      if (stream.reader.told()) answer_error(id, whole.error());
    }
    return end_stream(id, whole.error());
  }
  effects_.measurements.push_back(
      {.what = Sampled::remote_state, .value = static_cast<double>(stream.reader.received())});
  Result<> taken = take_message(id, stream);
  end_stream(id, std::move(taken));
}

void Core::stream_closed(MonotonicTime now, StreamId id, Result<> error) {
  now_ = now;
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const Stream& stream = found->second;
  if (!error) {
    error.error().detail =
        (stream.opened ? "read tcp " : "dial tcp ") + to_string(stream.peer) + ": " + error.error().detail;
  } else {
    error = Result<>(Errc::eof, stream.reader.received() > 0 ? "unexpected EOF" : "EOF");
  }
  if (stream.role == Role::accepted && stream.reader.received() > 0) {
    ++counts_.streams_refused;
    refuse(Level::error, stream.peer, "failed to receive: ", error.error().detail);
  }
  end_stream(id, std::move(error));
}

/// Beyond this call the stream is of no more use.
Result<> Core::take_message(StreamId id, Stream& stream) {
  // The message may be long, and the layer above may do as it likes meanwhile: nothing of the stream is held but this.
  const StreamReader reader = std::move(stream.reader);
  stream.reader = StreamReader(config_.wrapping, false);
  buffered_ -= reader.received();
  const std::string_view message = reader.message();
  const auto type = static_cast<MessageType>(message[0]);
  const std::string_view body = message.substr(1);
  if (stream.role == Role::accepted) {
    Result<> taken = take_accepted(id, stream.peer, type, body);
    return taken;
  }
  if (type == MessageType::error) {
    const Result<ErrorMessage> error = decode<ErrorMessage>(body);
    if (!error) return error.error();
    return {Errc::internal, "remote error: " + error->Error};
  }
  if (stream.role == Role::push_pull && type == MessageType::push_pull) {
    const bool join = stream.join;
    const Result<Exchange> exchange = decode_exchange(body);
    if (!exchange) return exchange.error();
    return merge(*exchange, join);
  }
  if (stream.role == Role::ping && type == MessageType::ack) {
    const Result<Ack> ack = decode<Ack>(body);
    if (!ack) return ack.error();
    if (ack->SeqNo == stream.sequence) return {};
    return {Errc::invalid_argument, "Sequence number from ack (" + std::to_string(ack->SeqNo) +
                                        ") doesn't match ping (" + std::to_string(stream.sequence) + ")"};
  }
  const std::string number = std::to_string(static_cast<unsigned>(type));
  if (stream.role == Role::ping) return {Errc::invalid_argument, "Unexpected msgType (" + number + ") from ping"};
  return {Errc::invalid_argument, "received invalid msgType (" + number + "), expected pushPullMsg (6)"};
}

/// What somebody asks of this node, or tells it.
Result<> Core::take_accepted(StreamId id, const Address& peer, MessageType type, std::string_view body) {
  const Address from = peer;
  const auto refused = [&](std::string_view what, const base::Error& error) {
    ++counts_.streams_refused;
    refuse(Level::error, from, what, error.detail);
    return Result<>(error);
  };
  switch (type) {
    case MessageType::user: {
      base::MsgpackReader reader(body, base::MsgpackHandle::plain);
      UserMessageHeader header;
      reader.object(header);
      if (Result<> read = reader.status(); !read) return refused("Failed to receive user message: ", read.error());
      if (header.UserMsgLen < 0 || reader.rest().size() < static_cast<std::size_t>(header.UserMsgLen)) {
        return refused(
            "Failed to receive user message: ",
            {Errc::invalid_argument, "Failed to read full user message (" + std::to_string(reader.rest().size()) +
                                         " / " + std::to_string(header.UserMsgLen) + ")"});
      }
      if (header.UserMsgLen > 0) {
        delegate_->user_message(reader.rest().substr(0, static_cast<std::size_t>(header.UserMsgLen)));
      }
      return {};
    }
    case MessageType::push_pull: {
      const Result<Exchange> exchange = decode_exchange(body);
      if (!exchange) return refused("Failed to read remote state: ", exchange.error());
      send_on(id, local_state(exchange->join), false);
      if (Result<> merged = merge(*exchange, exchange->join); !merged) {
        return refused("Failed push/pull merge: ", merged.error());
      }
      return {};
    }
    case MessageType::ping: {
      const Result<Ping> ping = decode<Ping>(body);
      if (!ping) return refused("Failed to decode ping: ", ping.error());
      if (!ping->Node.empty() && ping->Node != config_.name) {
        refuse(Level::warn, from, "Got ping for unexpected node ", ping->Node);
        return {};
      }
      send_on(id, encode(MessageType::ack, Ack{.SeqNo = ping->SeqNo}), false);
      return {};
    }
    default:
      return refused("Received invalid msgType ",
                     {Errc::invalid_argument, "(" + std::to_string(static_cast<unsigned>(type)) + ")"});
  }
}

void Core::answer_error(StreamId id, const base::Error& error) {
  send_on(id, encode(MessageType::error, ErrorMessage{.Error = error.detail}), false);
}

void Core::send_user_message_reliably(const Address& to, std::string_view message, Done done) {
  if (message.size() > kMostStreamBytes) {
    return done(Result<>(Errc::too_large, "a user message of " + std::to_string(message.size()) + " bytes, at most " +
                                              std::to_string(kMostStreamBytes) + " are sent"));
  }
  const StreamId id = open(Role::user, to, now_ + config_.timing.tcp_timeout, std::move(done));
  streams_.find(id)->second.message =
      encode(MessageType::user, UserMessageHeader{.UserMsgLen = static_cast<base::Int>(message.size())})
          .append(message);
}

}  // namespace proconsul::gossip::swim
