// An HTTP/2 client on a connection of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/net/connection.h"
#include "base/net/h2_codec.h"

namespace proconsul::agent::checks {

using base::net::Connection;
using base::net::Endpoint;
using base::net::H2Codec;
using base::net::Resolver;

class H2Session final : Connection::User {
 public:
  class User {
   public:
    virtual ~User() = default;
    // Each may destroy the session.
    /// The connection stands: codec() may be told what to ask, and flush() sends it.
    virtual void connected() = 0;
    /// Something came: see what the codec has now.
    virtual void progressed() = 0;
    /// It is over before it did what it should: the connection failed, or the peer does not speak HTTP/2.
    virtual void ended(const std::string& reason) = 0;
  };

  H2Session(base::net::Loop& loop, Resolver& resolver, Endpoint endpoint, User& user)
      : user_(user), connection_(loop, resolver, std::move(endpoint), *this) {}
  void open(base::net::Clock::time_point deadline) { connection_.open(deadline); }
  /// Whether the connection came about, TLS included; only then is there a codec.
  bool was_open() const { return codec_.has_value(); }
  H2Codec& codec() { return *codec_; }
  void flush() {
    if (const std::string out = codec_->output(); !out.empty()) connection_.send(out);
  }

 private:
  void connected() override {
    codec_.emplace();
    user_.connected();
  }
  void received(std::string_view data) override {
    const base::Result<> taken = codec_->take(data);
    flush();
    if (taken) return user_.progressed();
    user_.ended(taken.error().detail);
  }
  void ended(const std::string& reason) override { user_.ended(reason); }

  User& user_;
  Connection connection_;
  std::optional<H2Codec> codec_{};
};

}  // namespace proconsul::agent::checks
