#include "base/net/h2_server_codec.h"

#include <utility>
#include <vector>

#include "base/net/h2_body.h"
#include "base/net/h2_library.h"

namespace proconsul::base::net {

struct H2ServerCodec::Stream {
  H2Fields fields{};  // of the request, until it is complete
  std::size_t fields_size = 0;
  H2Body body{};  // still to be sent
  H2Fields trailers{};
  bool oversized = false;  // more fields than are kept
  bool has_head = false;   // of the request, whole
  bool announced = false;
  bool responded = false;
  bool finishing = false;  // trailers follow the pieces
  bool peer_finished = false;
  bool ended = false;    // all is sent
  std::size_t late = 0;  // bytes that came since
  bool tells = false;    // when all is sent
  bool waits = false;    // nghttp2 asks for nothing until it is told that there is something
};

struct H2ServerCodec::Callbacks {
  static H2ServerCodec& self(void* user) { return *static_cast<H2ServerCodec*>(user); }

  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    H2ServerCodec& codec = self(user);
    if (codec.streams_.try_emplace(frame->hd.stream_id, std::make_unique<Stream>()).second) ++codec.open_heads_;
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    H2ServerCodec& codec = self(user);
    Stream* stream = codec.find(frame->hd.stream_id);
    if (!stream || stream->has_head) return 0;  // trailers say nothing that we need
    constexpr std::size_t kPerField = 32;       // as RFC 9113 counts
    stream->fields_size += name_size + value_size + kPerField;
    if (stream->fields_size > codec.options_.most_fields) {
      stream->oversized = true;
      stream->fields = {};
    }
    if (stream->oversized) return 0;
    stream->fields.emplace_back(h2::view(name, name_size), h2::view(value, value_size));
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2ServerCodec& codec = self(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) codec.has_settings_ = true;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      codec.user_.pinged(std::exchange(codec.sent_since_ping_, false));
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = codec.find(frame->hd.stream_id);
    if (!stream) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    stream->peer_finished |= end;
    if (!std::exchange(stream->has_head, true)) {
      --codec.open_heads_;
      if (stream->oversized) {
        stream->announced = codec.user_.oversized(frame->hd.stream_id);
        if (!stream->announced) codec.reset(frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
        return 0;
      }
      stream->announced = true;
      codec.user_.request(frame->hd.stream_id, std::exchange(stream->fields, {}), end);
    } else if (end && stream->announced) {
      codec.user_.finished(frame->hd.stream_id);
    }
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                     void* user) {
    H2ServerCodec& codec = self(user);
    Stream* stream = codec.find(id);
    if (stream && stream->ended && stream->late <= codec.options_.patience) {
      stream->late += size;
      if (stream->late > codec.options_.patience) codec.reset(id, NGHTTP2_NO_ERROR);
    }
    if (stream && stream->announced && !stream->ended) {
      codec.user_.received(id, h2::view(data, size));
    } else {
      codec.consumed(id, size);
    }
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    H2ServerCodec& codec = self(user);
    const auto found = codec.streams_.find(id);
    if (found == codec.streams_.end()) return 0;
    const bool announced = found->second->announced;
    if (!found->second->has_head) --codec.open_heads_;
    codec.unsent_ -= found->second->body.unsent();
    codec.streams_.erase(found);
    if (announced) codec.user_.closed(id, error);
    return 0;
  }

  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    self(user).sent_since_ping_ = true;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    // Without an error: the answer stands, but what is still to come of the request is not wanted. Some clients that
    // hear this while they send lose the answer.
    Stream* stream = self(user).find(frame->hd.stream_id);
    if (stream) stream->ended = true;
    if (stream && !stream->peer_finished && self(user).options_.patience == 0) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Stream* stream = self(user).find(id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t filled = stream->body.read(buffer, size);
    self(user).unsent_ -= filled;
    if (stream->body.unsent() == 0) {
      if (std::exchange(stream->tells, false)) self(user).user_.sent(id);
      if (stream->finishing && stream->trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      } else if (stream->finishing) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto values = h2::name_values(stream->trailers);
        nghttp2_submit_trailer(session, id, values.data(), values.size());
      } else if (filled == 0) {
        stream->waits = true;
        return NGHTTP2_ERR_DEFERRED;
      }
    }
    return static_cast<ssize_t>(filled);
  }
};

H2ServerCodec::H2ServerCodec(Options options, User& user) : options_(options), user_(user) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::on_sent);
  nghttp2_option* choices = nullptr;
  nghttp2_option_new(&choices);
  nghttp2_option_set_no_closed_streams(choices, 1);  // kept for the priority tree that nobody uses
  nghttp2_option_set_stream_reset_rate_limit(choices, options_.reset_burst, options_.resets_per_second);
  nghttp2_option_set_no_auto_window_update(choices, options_.connection_window > 0);
  nghttp2_session_server_new2(&session_, callbacks, this, choices);
  nghttp2_option_del(choices);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.most_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.most_fields)}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  if (options_.connection_window > 0) {
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(options_.connection_window));
  }
}

H2ServerCodec::~H2ServerCodec() {
  nghttp2_session_del(session_);
}

H2ServerCodec::Stream* H2ServerCodec::find(StreamId stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

void H2ServerCodec::consumed(StreamId id, std::size_t bytes) {
  if (options_.connection_window > 0) nghttp2_session_consume(session_, id, bytes);
}

void H2ServerCodec::inform(StreamId id, const H2Fields& head) {
  const Stream* stream = find(id);
  if (!stream || stream->responded) return;
  const auto values = h2::name_values(head);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, values.data(), values.size(), nullptr);
}

void H2ServerCodec::respond(StreamId id, const H2Fields& head) {
  Stream* stream = find(id);
  if (!stream || std::exchange(stream->responded, true)) return;
  nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = Callbacks::read};
  const auto values = h2::name_values(head);
  nghttp2_submit_response(session_, id, values.data(), values.size(), &provider);
}

void H2ServerCodec::send(StreamId id, Piece piece) {
  Stream* stream = find(id);
  if (!stream || stream->finishing || piece->empty()) return;
  unsent_ += piece->size();
  stream->body.add(std::move(piece));
  if (std::exchange(stream->waits, false)) nghttp2_session_resume_data(session_, id);
}

void H2ServerCodec::finish(StreamId id, H2Fields trailers) {
  Stream* stream = find(id);
  if (!stream || std::exchange(stream->finishing, true)) return;
  stream->trailers = std::move(trailers);
  if (std::exchange(stream->waits, false)) nghttp2_session_resume_data(session_, id);
}

void H2ServerCodec::answer(StreamId id, const H2Fields& head) {
  Stream* stream = find(id);
  if (!stream || std::exchange(stream->responded, true)) return;
  stream->finishing = true;
  const auto values = h2::name_values(head);
  nghttp2_submit_response(session_, id, values.data(), values.size(), nullptr);
}

void H2ServerCodec::reset(StreamId id, std::uint32_t error) {
  if (find(id)) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error);
}

std::size_t H2ServerCodec::unsent(StreamId id) const {
  const Stream* stream = find(id);
  return stream ? stream->body.unsent() : 0;
}

bool H2ServerCodec::tell_when_sent(StreamId id) {
  Stream* stream = find(id);
  if (!stream || stream->body.unsent() == 0) return false;
  stream->tells = true;
  return true;
}

void H2ServerCodec::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void H2ServerCodec::say_goodbye(std::uint32_t error, std::string_view words) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), error,
                        reinterpret_cast<const std::uint8_t*>(words.data()), words.size());
}

Result<> H2ServerCodec::take(std::string_view data) {
  if (Result<> given = h2::give_input(session_, data); !given) return given;
  if (nghttp2_session_want_read(session_) == 0) {
    return {Errc::corrupt, has_settings_ ? "http2: the peer broke the protocol" : "http2: the peer does not speak it"};
  }
  return {};
}

std::string H2ServerCodec::output(std::size_t limit) {
  std::string out;
  h2::take_output(session_, out, limit);
  return out;
}

bool H2ServerCodec::is_over() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

}  // namespace proconsul::base::net
