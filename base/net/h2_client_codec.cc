#include "base/net/h2_client_codec.h"

#include <utility>

#include "base/net/h2_body.h"
#include "base/net/h2_library.h"

namespace proconsul::base::net {

struct H2ClientCodec::Stream {
  H2Fields fields{};  // of the block that is being received
  std::size_t fields_size = 0;
  H2Body body{};  // still to be sent
  bool answered = false;
  bool peer_finished = false;
  bool finishing = false;  // nothing follows the body
  bool waits = false;      // nghttp2 asks for nothing until it is told that there is something
};

struct H2ClientCodec::Callbacks {
  static H2ClientCodec& self(void* user) { return *static_cast<H2ClientCodec*>(user); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    H2ClientCodec& codec = self(user);
    Stream* stream = codec.find(frame->hd.stream_id);
    if (!stream) return 0;
    constexpr std::size_t kPerField = 32;  // as RFC 9113 counts
    stream->fields_size += name_size + value_size + kPerField;
    if (stream->fields_size > codec.options_.most_fields) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    stream->fields.emplace_back(h2::view(name, name_size), h2::view(value, value_size));
    return 0;
  }

  static void on_headers(H2ClientCodec& codec, Stream& stream, StreamId id, bool end) {
    H2Fields fields = std::exchange(stream.fields, {});
    if (stream.answered) {
      if (end) codec.user_.finished(id, std::move(fields));
    } else if (!field(fields, ":status").starts_with('1')) {  // else an interim answer: the real one follows
      stream.answered = true;
      codec.user_.answered(id, std::move(fields), end);
    }
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2ClientCodec& codec = self(user);
    const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_SETTINGS:
        codec.has_settings_ |= !is_ack;
        return 0;
      case NGHTTP2_PING:
        if (is_ack) codec.user_.ponged();
        return 0;
      case NGHTTP2_GOAWAY:
        codec.user_.said_goodbye(frame->goaway.error_code,
                                 h2::view(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
        return 0;
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        break;
      default:
        return 0;
    }
    Stream* stream = codec.find(frame->hd.stream_id);
    if (!stream) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    stream->peer_finished |= end;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      on_headers(codec, *stream, frame->hd.stream_id, end);
    } else if (end) {
      codec.user_.finished(frame->hd.stream_id, {});
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    if (self(user).find(id)) self(user).user_.received(id, h2::view(data, size));
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    H2ClientCodec& codec = self(user);
    const auto found = codec.streams_.find(id);
    if (found == codec.streams_.end()) return 0;
    codec.streams_.erase(found);
    codec.user_.closed(id, error, error == NGHTTP2_REFUSED_STREAM);
    return 0;
  }

  static int on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int, void* user) {
    // A stream that waited for the peer's limit, and got a goodbye instead.
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    return on_close(session, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM, user);
  }

  static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t size, std::uint32_t* flags,
                      nghttp2_data_source*, void* user) {
    Stream* stream = self(user).find(id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t filled = stream->body.read(buffer, size);
    if (stream->body.unsent() > 0) return static_cast<ssize_t>(filled);
    if (stream->finishing) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (filled == 0) {
      stream->waits = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(filled);
  }
};

H2ClientCodec::H2ClientCodec(Options options, User& user) : options_(options), user_(user) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::on_not_sent);
  nghttp2_option* choices = nullptr;
  nghttp2_option_new(&choices);
  nghttp2_option_set_no_closed_streams(choices, 1);  // kept for the priority tree that nobody uses
  nghttp2_option_set_no_auto_window_update(choices, 1);
  nghttp2_session_client_new2(&session_, callbacks, this, choices);
  nghttp2_option_del(choices);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.most_fields)}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(options_.connection_window));
}

H2ClientCodec::~H2ClientCodec() {
  nghttp2_session_del(session_);
}

H2ClientCodec::Stream* H2ClientCodec::find(StreamId stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

bool H2ClientCodec::takes_streams() const {
  return nghttp2_session_check_request_allowed(session_) != 0;
}

Result<H2ClientCodec::StreamId> H2ClientCodec::open(const H2Fields& head, bool finished) {
  if (!takes_streams()) return Error{Errc::unavailable, "http2: the connection takes no new streams"};
  nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = Callbacks::read};
  const auto values = h2::name_values(head);
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, values.data(), values.size(), finished ? nullptr : &provider, nullptr);
  if (id < 0) return Error{Errc::unavailable, "http2: " + std::string(nghttp2_strerror(id))};
  auto stream = std::make_unique<Stream>();
  stream->finishing = finished;
  streams_.emplace(id, std::move(stream));
  return id;
}

void H2ClientCodec::send(StreamId id, Piece piece) {
  Stream* stream = find(id);
  if (!stream || stream->finishing || piece->empty()) return;
  stream->body.add(std::move(piece));
  if (std::exchange(stream->waits, false)) nghttp2_session_resume_data(session_, id);
}

void H2ClientCodec::finish(StreamId id) {
  Stream* stream = find(id);
  if (!stream || std::exchange(stream->finishing, true)) return;
  if (std::exchange(stream->waits, false)) nghttp2_session_resume_data(session_, id);
}

void H2ClientCodec::reset(StreamId id, std::uint32_t error) {
  if (find(id)) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error);
}

void H2ClientCodec::consumed(StreamId id, std::size_t bytes) {
  if (find(id)) nghttp2_session_consume_stream(session_, id, bytes);
}

void H2ClientCodec::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void H2ClientCodec::say_goodbye() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
}

Result<> H2ClientCodec::take(std::string_view data) {
  return h2::give_input(session_, data);
}

bool H2ClientCodec::is_over() const {
  return nghttp2_session_want_read(session_) == 0;
}

std::string H2ClientCodec::output(std::size_t limit) {
  std::string out;
  h2::take_output(session_, out, limit);
  return out;
}

}  // namespace proconsul::base::net
