#include "wanfed/incoming.h"

#include <utility>

#include "base/net/tcp_channel.h"
#include "gossip/ip_text.h"
#include "wanfed/frames.h"

namespace proconsul::wanfed {

using base::Error;
using base::Result;
using base::net::Channel;
using base::net::Clock;
using base::net::Fd;
using base::net::TcpChannel;
using base::net::TlsStream;
using gossip::swim::Address;

namespace {

constexpr std::chrono::minutes kReadTime{2};
constexpr std::size_t kMostConnections = 16384;

/// Of the gateway, mostly: a name for the log.
Address peer_of(const TcpChannel& channel) {
  return gossip::parse_address(channel.peer()).value_or(Address{});
}

}  // namespace

/// One member's packets.
class Incoming::Packets final : Channel::User, base::net::Timer {
 public:
  Packets(Incoming& incoming, std::shared_ptr<TcpChannel> channel, std::shared_ptr<const void> place)
      : incoming_(incoming), channel_(std::move(channel)), place_(std::move(place)), from_(peer_of(*channel_)) {}
  ~Packets() override {
    channel_->set_user(nullptr);
    channel_->close();
  }
  void start() {
    arm(incoming_.loop_, Clock::now() + kReadTime);
    channel_->set_user(this);
  }

 private:
  void received(std::string_view data) override {
    channel_->consumed(data.size());
    arm(incoming_.loop_, Clock::now() + kReadTime);
    const Result<> read = frames_.take(data, [this](std::string_view packet) {
      if (incoming_.pool_ != nullptr) incoming_.pool_->take_packet(from_, packet);
    });
    if (read) return;
    incoming_.log_.error("memberlist: gossip packets cannot be read: " + read.error().detail,
                         {{"from", channel_->peer()}});
    incoming_.gone(*this);
  }
  void finished() override { incoming_.gone(*this); }
  void ended(const Error&) override { incoming_.gone(*this); }
  void on_timer() override { incoming_.gone(*this); }

  Incoming& incoming_;
  const std::shared_ptr<TcpChannel> channel_;
  const std::shared_ptr<const void> place_;
  const Address from_;
  FrameReader frames_{};
};

Incoming::Incoming(base::net::Loop& loop) : loop_(loop) {}
Incoming::~Incoming() = default;

void Incoming::stop() {
  pool_ = nullptr;
  packets_.clear();
}

/// It is on the stack.
void Incoming::gone(Packets& packets) {
  const auto found = packets_.find(&packets);
  if (found == packets_.end()) return;
  loop_.post([dead = std::move(found->second)] {});
  packets_.erase(found);
}

void Incoming::take_packets(Fd socket, std::unique_ptr<TlsStream> tls, std::shared_ptr<const void> place) {
  loop_.post([this, socket = std::move(socket), tls = std::move(tls), place = std::move(place)]() mutable {
    if (pool_ == nullptr || packets_.size() >= kMostConnections) return;
    auto packets =
        std::make_unique<Packets>(*this, TcpChannel::adopt(loop_, std::move(socket), std::move(tls)), std::move(place));
    Packets& begun = *packets;
    packets_.emplace(&begun, std::move(packets));
    begun.start();
  });
}

void Incoming::take_stream(Fd socket, std::unique_ptr<TlsStream> tls, std::shared_ptr<const void> place) {
  loop_.post([this, socket = std::move(socket), tls = std::move(tls), place = std::move(place)]() mutable {
    if (pool_ == nullptr) return;
    std::shared_ptr<TcpChannel> channel = TcpChannel::adopt(loop_, std::move(socket), std::move(tls));
    const Address from = peer_of(*channel);
    auto* raw = channel.get();
    pool_->take_stream(
        from, base::net::ChannelPtr(raw, [channel = std::move(channel), place = std::move(place)](Channel*) mutable {
          channel.reset();
          place.reset();
        }));
  });
}

}  // namespace proconsul::wanfed
