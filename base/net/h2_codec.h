// An HTTP/2 client as bytes in and bytes out, for as much as checks need: a ping, or one request. Frames are nghttp2's
// work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/net/h2_fields.h"
#include "base/result.h"

struct nghttp2_session;

namespace proconsul::base::net {

class H2Codec {
 public:
  using Fields = H2Fields;
  struct Answer {
    Fields fields{};     // headers and trailers, 64 KiB at most
    std::string body{};  // 64 KiB at most between two calls of drain_body()
    bool has_head = false;
    bool closed = false;
    std::uint32_t error = 0;  // of RST_STREAM
  };

  H2Codec();
  ~H2Codec();
  H2Codec(const H2Codec&) = delete;

  void ping();
  /// Pseudo-headers first, names in small letters.
  void request(const Fields& fields, std::string body);
  /// Takes what came. An error: the peer breaks the protocol, or speaks another one.
  base::Result<> take(std::string_view data);
  /// What is to be sent now.
  std::string output();

  bool has_settings() const { return has_settings_; }
  bool has_pong() const { return has_pong_; }
  const Answer& answer() const { return answer_; }
  std::string drain_body() { return std::exchange(answer_.body, {}); }

 private:
  struct Callbacks;
  void collect();
  nghttp2_session* session_ = nullptr;
  std::string output_{};
  std::string body_{};
  std::size_t body_sent_ = 0;
  std::size_t fields_size_ = 0;
  bool has_settings_ = false, has_pong_ = false;
  Answer answer_{};
};

}  // namespace proconsul::base::net
