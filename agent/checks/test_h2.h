// For tests: an HTTP/2 server as bytes in and bytes out. It knows gRPC's health service, where "unknown" is unknown and
// "" and "good" are well, and answers every other path with "over h2".
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstring>
#include <string>
#include <string_view>

#include "agent/checks/grpc_answer.h"

namespace proconsul::agent::checks::test {

class H2Server {
 public:
  H2Server() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
          if (std::string_view(reinterpret_cast<const char*>(name), name_size) == ":path") {
            self(user).path_.assign(reinterpret_cast<const char*>(value), value_size);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size, void* user) {
          self(user).body_.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          const bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
          if (request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) self(user).answer(frame->hd.stream_id);
          return 0;
        });
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~H2Server() { nghttp2_session_del(session_); }
  H2Server(const H2Server&) = delete;

  bool take(std::string_view data) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(data.data()), data.size()) >= 0;
  }
  std::string output() {
    std::string out;
    const std::uint8_t* data = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &data)) > 0;) {
      out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    return out;
  }

 private:
  static H2Server& self(void* user) { return *static_cast<H2Server*>(user); }
  static nghttp2_nv nv(const char* name, const char* value) {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name)),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value)), std::strlen(name), std::strlen(value), 0};
  }

  void answer(std::int32_t stream) {
    const bool grpc = path_ == "/grpc.health.v1.Health/Check";
    if (grpc && body_ == health_request("unknown")) {
      nghttp2_nv fields[] = {nv(":status", "200"), nv("content-type", "application/grpc"), nv("grpc-status", "5"),
                             nv("grpc-message", "unknown service")};
      nghttp2_submit_response(session_, stream, fields, 4, nullptr);
      return;
    }
    const bool well = body_ == health_request("") || body_ == health_request("good");
    reply_ = grpc ? std::string("\0\0\0\0\2\x08", 6) + (well ? '\1' : '\2') : "over h2";
    trailers_ = grpc;
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t,
                                std::uint32_t* flags, nghttp2_data_source*, void* user) -> ssize_t {
      const std::string& reply = self(user).reply_;
      std::memcpy(buffer, reply.data(), reply.size());
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (self(user).trailers_) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_nv trailer = nv("grpc-status", "0");
        nghttp2_submit_trailer(session, id, &trailer, 1);
      }
      return static_cast<ssize_t>(reply.size());
    };
    nghttp2_nv fields[] = {nv(":status", "200"), nv("content-type", grpc ? "application/grpc" : "text/plain")};
    nghttp2_submit_response(session_, stream, fields, 2, &provider);
  }

  nghttp2_session* session_ = nullptr;
  std::string path_{}, body_{}, reply_{};
  bool trailers_ = false;
};

}  // namespace proconsul::agent::checks::test
