#include "base/net/h2_codec.h"

#include <algorithm>
#include <cstring>

#include "base/net/h2_library.h"

namespace proconsul::base::net {
namespace {

using base::Errc;
using h2::view;

constexpr std::size_t kMostKept = 64 * 1024;  // bytes of fields, and of the body

H2Codec& codec_of(void* user) {
  return *static_cast<H2Codec*>(user);
}

}  // namespace

struct H2Codec::Callbacks {
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Codec& codec = codec_of(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) codec.has_settings_ = true;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) codec.has_pong_ = true;
    if (frame->hd.type == NGHTTP2_HEADERS && !codec.answer_.has_head) {
      codec.answer_.has_head = !field(codec.answer_.fields, ":status").starts_with('1');
      if (!codec.answer_.has_head) codec.answer_.fields.clear();  // an interim answer: the real one follows
    }
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    H2Codec& codec = codec_of(user);
    codec.fields_size_ += name_size + value_size;
    if (codec.fields_size_ <= kMostKept) {
      codec.answer_.fields.emplace_back(view(name, name_size), view(value, value_size));
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size,
                     void* user) {
    std::string& body = codec_of(user).answer_.body;
    body.append(view(data, std::min(size, kMostKept - body.size())));
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t, std::uint32_t error, void* user) {
    codec_of(user).answer_.closed = true;
    codec_of(user).answer_.error = error;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source*, void* user) {
    H2Codec& codec = codec_of(user);
    const std::size_t piece = std::min(size, codec.body_.size() - codec.body_sent_);
    std::memcpy(buffer, codec.body_.data() + codec.body_sent_, piece);
    codec.body_sent_ += piece;
    if (codec.body_sent_ == codec.body_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(piece);
  }
};

H2Codec::H2Codec() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
}

H2Codec::~H2Codec() {
  nghttp2_session_del(session_);
}

void H2Codec::ping() {
  constexpr std::uint8_t kPayload[8] = {'c', 'h', 'e', 'c', 'k', 'i', 'n', 'g'};
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kPayload);
}

void H2Codec::request(const Fields& fields, std::string body) {
  body_ = std::move(body);
  const std::vector<nghttp2_nv> headers = h2::name_values(fields);
  nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = Callbacks::read_body};
  nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), body_.empty() ? nullptr : &provider,
                         nullptr);
}

base::Result<> H2Codec::take(std::string_view data) {
  if (base::Result<> taken = h2::give_input(session_, data); !taken) return taken;
  collect();
  // A peer that breaks the rules: nghttp2 wants nothing more from it once it has said goodbye.
  if (nghttp2_session_want_read(session_) == 0 && !answer_.closed) {
    return {Errc::corrupt,
            has_settings_ ? "http2: the peer broke the protocol" : "http2: the peer does not speak HTTP/2"};
  }
  return {};
}

void H2Codec::collect() {
  h2::take_output(session_, output_);
}

std::string H2Codec::output() {
  collect();
  return std::exchange(output_, {});
}

}  // namespace proconsul::base::net
