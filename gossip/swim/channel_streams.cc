#include "gossip/swim/channel_streams.h"

#include <chrono>
#include <utility>

namespace proconsul::gossip::swim {

using base::Errc;
using base::Result;
using base::net::ChannelPtr;

namespace {

constexpr std::chrono::seconds kFinishTime{5};
constexpr std::size_t kMostUnsentBytes = std::size_t{128} << 20;  // of all together

}  // namespace

class ChannelStreams::Stream final : base::net::Channel::User, base::net::Timer {
 public:
  Stream(ChannelStreams& streams, StreamId id) : streams_(streams), id_(id) {}
  ~Stream() override {
    if (!channel_) return;
    channel_->set_user(nullptr);
    channel_->close();
  }

  void open(Detour& detour, const Address& to) {
    attempt_ = detour.open(to, [this](Result<ChannelPtr> channel) {
      streams_.loop_.post([dead = std::move(attempt_)] {});  // it is on the stack
      if (!channel) return streams_.sink_.stream_closed(id_, channel.error());
      adopt(std::move(*channel));
      streams_.sink_.stream_opened(id_);
    });
  }
  void adopt(ChannelPtr channel) {
    channel_ = std::move(channel);
    channel_->set_user(this);
  }
  void send(std::string_view bytes) {
    if (channel_) channel_->send(bytes);
  }
  std::size_t unsent() const { return channel_ ? channel_->unsent() : 0; }
  StreamId id() const { return id_; }

  /// The sink hears no more of it. Sends what is left, and waits a little for the other side's end.
  void finish() {
    finishing_ = true;
    attempt_.reset();
    if (!channel_ || channel_->closed() || (ended_ && channel_->unsent() == 0)) return streams_.gone(*this);
    channel_->finish();
    arm(streams_.loop_, base::net::Clock::now() + kFinishTime);
  }

 private:
  void received(std::string_view data) override {
    channel_->consumed(data.size());
    if (!finishing_) streams_.sink_.stream_bytes(id_, data);
  }
  void finished() override {
    ended_ = true;
    if (!finishing_) return streams_.sink_.stream_closed(id_, {});
    if (channel_->unsent() == 0) streams_.gone(*this);
  }
  void ended(const base::Error& reason) override {
    if (!finishing_) return streams_.sink_.stream_closed(id_, reason);
    streams_.gone(*this);
  }
  void on_timer() override { streams_.gone(*this); }

  ChannelStreams& streams_;
  const StreamId id_;
  std::unique_ptr<base::net::Attempt> attempt_{};
  ChannelPtr channel_{};
  bool finishing_ = false;
  bool ended_ = false;  // the other side sends no more
};

ChannelStreams::ChannelStreams(base::net::Loop& loop, StreamSink& sink) : loop_(loop), sink_(sink) {}
ChannelStreams::~ChannelStreams() = default;

void ChannelStreams::open(StreamId id, Detour& detour, const Address& to) {
  auto stream = std::make_unique<Stream>(*this, id);
  Stream& begun = *stream;
  streams_.emplace(id, std::move(stream));
  begun.open(detour, to);
}

void ChannelStreams::adopt(StreamId id, ChannelPtr channel) {
  auto stream = std::make_unique<Stream>(*this, id);
  Stream& begun = *stream;
  streams_.emplace(id, std::move(stream));
  begun.adopt(std::move(channel));
}

std::size_t ChannelStreams::unsent() const {
  std::size_t bytes = 0;
  for (const auto& [id, stream] : streams_) bytes += stream->unsent();
  for (const auto& [key, stream] : ending_) bytes += stream->unsent();
  return bytes;
}

bool ChannelStreams::carry_out(StreamEffect& effect) {
  auto* send = std::get_if<SendBytes>(&effect);
  const auto found = streams_.find(send != nullptr ? send->stream : std::get<CloseStream>(effect).stream);
  if (found == streams_.end()) return false;
  Stream& stream = *found->second;
  if (send == nullptr) {
    ending_.emplace(&stream, std::move(found->second));
    streams_.erase(found);
    stream.finish();
  } else if (unsent() + send->bytes.size() > kMostUnsentBytes) {
    sink_.stream_closed(stream.id(), Result<>(Errc::unavailable, "too many bytes wait to be sent"));
  } else {
    stream.send(send->bytes);
  }
  return true;
}

/// It is perhaps on the stack.
void ChannelStreams::gone(Stream& stream) {
  const auto found = ending_.find(&stream);
  if (found == ending_.end()) return;
  loop_.post([dead = std::move(found->second)] {});
  ending_.erase(found);
}

}  // namespace proconsul::gossip::swim
