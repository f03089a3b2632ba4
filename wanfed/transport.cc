#include "wanfed/transport.h"

#include <utility>
#include <vector>

#include "wanfed/frames.h"
#include "wanfed/names.h"

namespace proconsul::wanfed {

using base::Error;
using base::Result;
using base::net::Channel;
using base::net::Clock;
using base::net::Destination;
using base::net::TcpChannel;
using gossip::swim::Address;

namespace {

constexpr std::size_t kMostLinks = 4096;  // members of other datacenters are a few hundred at most

}  // namespace

/// The connection for one member's packets: dialed when there is one to send, closed when there was none for a while.
class Transport::Link final : Channel::User, base::net::Timer {
 public:
  Link(Transport& transport, std::string node) : transport_(transport), node_(std::move(node)) {}
  ~Link() override { drop(); }

  void leave_outdated() {
    if (channel_ && outdated()) drop();
  }
  void send(std::string_view packet) {
    const Clock::time_point now = Clock::now();
    if (channel_ && outdated()) drop();
    if (channel_) {
      // Whoever reads so slowly gets no news that is of any use.
      if (channel_->unsent() + packet.size() > transport_.options_.most_unsent) return;
      channel_->send(frame(packet));
      return arm(transport_.loop_, now + transport_.options_.idle_time);
    }
    if (waiting_.size() + packet.size() > transport_.options_.most_unsent) return;
    if (!attempt_ && now < rests_until_) return;
    waiting_ += frame(packet);
    if (!attempt_) dial();
  }

 private:
  bool outdated() const {
    const auto name = split_node_name(node_);
    const auto& ask = transport_.options_.outdated;
    return ask && name && ask(std::string(name->datacenter), gateway_);
  }
  void dial() {
    Destination to = transport_.destination(node_, kPacketProtocol);
    gateway_ = to.address;
    attempt_ =
        base::net::connect(transport_.loop_, std::move(to), Clock::now() + transport_.options_.dial_timeout,
                           [this](Result<std::shared_ptr<TcpChannel>> channel) { connected(std::move(channel)); });
  }
  void connected(Result<std::shared_ptr<TcpChannel>> channel) {
    transport_.loop_.post([dead = std::move(attempt_)] {});  // it is on the stack
    const std::string packets = std::exchange(waiting_, {});
    if (!channel) {
      rests_until_ = Clock::now() + transport_.options_.rest_after_failure;
      transport_.log_.debug("memberlist: no way for packets to " + node_ + ": " + channel.error().detail);
      return;
    }
    channel_ = std::move(*channel);
    channel_->set_user(this);
    channel_->send(packets);
    arm(transport_.loop_, Clock::now() + transport_.options_.idle_time);
  }
  /// Nobody answers on these: what comes is the other side's end.
  void received(std::string_view data) override { channel_->consumed(data.size()); }
  void finished() override { drop(); }
  void ended(const Error&) override { drop(); }
  void on_timer() override { drop(); }
  void drop() {
    cancel();
    if (!channel_) return;
    channel_->set_user(nullptr);
    channel_->close();
    transport_.loop_.post([dead = std::move(channel_)] {});  // it may be on the stack
    channel_.reset();
  }

  Transport& transport_;
  const std::string node_;
  std::string gateway_{};
  std::unique_ptr<base::net::Attempt> attempt_{};
  std::shared_ptr<TcpChannel> channel_{};
  std::string waiting_{};  // for the connection
  Clock::time_point rests_until_{};
};

Transport::Transport(base::net::Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}

Transport::~Transport() = default;

void Transport::leave_outdated() {
  for (const auto& [node, link] : links_) link->leave_outdated();
}

void Transport::stop() {
  stopped_ = true;
  links_.clear();
}

bool Transport::leads_to(std::string_view node) const {
  const auto name = split_node_name(node);
  return !name || name->datacenter != options_.datacenter;
}

Destination Transport::destination(std::string_view node, std::string_view protocol) const {
  const auto name = split_node_name(node);
  if (!name) return {.refusal = "node name does not encode a datacenter: " + std::string(node)};
  if (stopped_) return {.refusal = "the gossip pool is shut down"};
  return options_.route(std::string(name->node), std::string(name->datacenter), protocol);
}

void Transport::send(const Address& to, std::string packet) {
  if (stopped_ || packet.size() > kMostPacketBytes) return;
  if (!split_node_name(to.node)) {
    return log_.debug("memberlist: a packet is lost: node name does not encode a datacenter: " + to.node);
  }
  auto found = links_.find(to.node);
  if (found == links_.end()) {
    if (links_.size() >= kMostLinks) return;
    found = links_.emplace(to.node, std::make_unique<Link>(*this, to.node)).first;
  }
  found->second->send(packet);
}

std::unique_ptr<base::net::Attempt> Transport::open(const Address& to, Opened opened) {
  return base::net::connect(loop_, destination(to.node, kStreamProtocol), Clock::now() + options_.dial_timeout,
                            [opened = std::move(opened)](Result<std::shared_ptr<TcpChannel>> channel) mutable {
                              if (!channel) return opened(channel.error());
                              opened(base::net::ChannelPtr(std::move(*channel)));
                            });
}

}  // namespace proconsul::wanfed
