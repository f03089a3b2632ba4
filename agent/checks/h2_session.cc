#include "agent/checks/h2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace proconsul::agent::checks {
namespace {

constexpr std::size_t kMostKept = 64 * 1024;  // bytes of fields, and of the body

H2Session& session_of(void* user) {
  return *static_cast<H2Session*>(user);
}

std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

struct H2Session::Callbacks {
  // What comes is only noted: the user may destroy the session, which must not happen below nghttp2.
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Session& session = session_of(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) session.has_settings_ = true;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) session.has_pong_ = true;
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    H2Session& session = session_of(user);
    session.fields_size_ += name_size + value_size;
    if (session.fields_size_ <= kMostKept) {
      session.answer_.fields.emplace_back(view(name, name_size), view(value, value_size));
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size,
                     void* user) {
    std::string& body = session_of(user).answer_.body;
    body.append(view(data, std::min(size, kMostKept - body.size())));
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t, std::uint32_t error, void* user) {
    session_of(user).answer_.closed = true;
    session_of(user).answer_.error = error;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source*, void* user) {
    H2Session& session = session_of(user);
    const std::size_t piece = std::min(size, session.body_.size() - session.body_sent_);
    std::memcpy(buffer, session.body_.data() + session.body_sent_, piece);
    session.body_sent_ += piece;
    if (session.body_sent_ == session.body_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(piece);
  }
};

H2Session::H2Session(base::net::Loop& loop, Resolver& resolver, Endpoint endpoint, User& user)
    : user_(user), connection_(loop, resolver, std::move(endpoint), *this) {}

H2Session::~H2Session() {
  nghttp2_session_del(session_);
}

void H2Session::connected() {
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
  user_.connected();
}

void H2Session::ping() {
  constexpr std::uint8_t kPayload[8] = {'c', 'h', 'e', 'c', 'k', 'i', 'n', 'g'};
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kPayload);
  send();
}

void H2Session::request(const Fields& fields, std::string body) {
  body_ = std::move(body);
  std::vector<nghttp2_nv> headers;
  for (const auto& [name, value] : fields) {
    headers.push_back({.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                       .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                       .namelen = name.size(),
                       .valuelen = value.size(),
                       .flags = NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = Callbacks::read_body};
  nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &provider, nullptr);
  send();
}

void H2Session::send() {
  std::string out;
  for (;;) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) break;
    out.append(view(data, static_cast<std::size_t>(size)));
  }
  if (!out.empty()) connection_.send(out);
}

void H2Session::received(std::string_view data) {
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
  if (taken < 0) return user_.ended(nghttp2_strerror(static_cast<int>(taken)));
  send();
  // A peer that breaks the rules: nghttp2 has said goodbye to it.
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0 && !answer_.closed) {
    return user_.ended(has_settings_ ? "http2: the peer broke the protocol" : "http2: the peer does not speak HTTP/2");
  }
  user_.progressed();
}

void H2Session::ended(const std::string& reason) {
  user_.ended(reason);
}

std::string_view field(const H2Session::Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& entry) { return entry.first == name; });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace proconsul::agent::checks
