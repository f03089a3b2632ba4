#include "gossip/swim/driver.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "gossip/swim/driver_metrics.h"

namespace proconsul::gossip::swim {
namespace {

using base::Duration;
using base::Errc;
using base::MonotonicTime;
using base::Result;
using base::net::Fd;

constexpr std::size_t kMostOpenStreams = 2 * kMostStreams;  // with those that only wait for the other side's end
constexpr std::size_t kMostUnsentBytes = std::size_t{128} << 20;
constexpr int kPortTries = 10;
constexpr Duration kSampleInterval = base::seconds(30);
constexpr Duration kSendErrorInterval = base::seconds(10);

MonotonicTime now() {
  return base::system_clock().now();
}

/// Of the log and of whoever else reads it.
base::log::Level least_level() {
  using enum base::log::Level;
  for (const base::log::Level level : {trace, debug, info, warn, error}) {
    if (base::log::Logger::enabled(level)) return level;
  }
  return off;
}

struct Sockets {
  Fd datagrams{};
  Fd listener{};
  std::uint16_t port{};
};

Result<Sockets> bind_both(const std::string& ip, std::uint16_t port) {
  const auto failed = [&](std::string_view what, const base::Error& error) {
    return base::Error{error.code, "Could not set up network transport: failed to obtain an address: Failed to start " +
                                       std::string(what) + " listener on \"" + ip + "\" port " + std::to_string(port) +
                                       ": " + error.detail};
  };
  for (int tries = 1;; ++tries) {
    Sockets sockets;
    Result<Fd> listener = base::net::listen_tcp(ip, port);
    if (!listener) return failed("TCP", listener.error());
    sockets.listener = std::move(*listener);
    sockets.port = base::net::local_port(sockets.listener.get());
    Result<std::vector<Fd>> datagrams = base::net::listen_shared(ip, sockets.port, base::net::Datagrams::yes, 1);
    if (datagrams) {
      sockets.datagrams = std::move(datagrams->front());
      return sockets;
    }
    // A port that is free for one of them may be taken for the other.
    if (port != 0 || tries == kPortTries) return failed("UDP", datagrams.error());
  }
}

Address local_address(const Fd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return from_socket_address(address);
}

}  // namespace

template <class Work>
auto Driver::drive(Work work) {
  core_->at(now());
  core_->set_least_level(least_level());
  struct Outermost {
    explicit Outermost(Driver& of) : driver(of), outermost(!std::exchange(of.busy_, true)) {}
    ~Outermost() {
      if (!outermost) return;
      driver.carry_out();
      driver.busy_ = false;
    }
    Driver& driver;
    bool outermost;
  } guard(*this);
  return work();
}

Result<std::unique_ptr<Driver>> Driver::open(base::net::Loop& loop, DriverOptions options) {
  Result<Sockets> sockets = bind_both(options.bind_ip, options.bind_port);
  if (!sockets) return sockets.error();
  return std::unique_ptr<Driver>(
      new Driver(loop, std::move(options), std::move(sockets->datagrams), std::move(sockets->listener), sockets->port));
}

Driver::Driver(base::net::Loop& loop, DriverOptions options, Fd datagrams, Fd listener, std::uint16_t port)
    : loop_(loop),
      log_(options.logger),
      port_(port),
      metrics_(std::make_unique<DriverMetrics>(options.network)),
      datagrams_(std::move(datagrams)),
      listener_(std::move(listener)),
      detour_(options.detour) {
  const Address bound = local_address(datagrams_);
  family_ = bound.ip.size() == 4 ? AF_INET : AF_INET6;
  Config& config = options.config;
  if (config.address.ip.empty()) config.address.ip = bound.ip;
  if (config.address.port == 0) config.address.port = port_;
  config.bind_port = port_;
  if (detour_ != nullptr) {
    config.far = [this](std::string_view node) { return detour_->leads_to(node); };
    channels_ = std::make_unique<ChannelStreams>(loop_, static_cast<StreamSink&>(*this));
  }
  core_.emplace(std::move(config), base::system_random());
}

Driver::~Driver() {
  acceptor_.reset();
  udp_.reset();
  channels_.reset();
  open_.clear();
}

Result<> Driver::start(Delegate& delegate) {
  return drive([&]() -> Result<> {
    if (Result<> started = core_->start(now(), delegate); !started) return started;
    udp_ = std::make_unique<UdpSocket>(loop_, std::move(datagrams_), family_, static_cast<PacketSink&>(*this));
    acceptor_ = std::make_unique<base::net::Acceptor>(loop_, std::move(listener_),
                                                      [this](Fd socket) { accept(std::move(socket)); });
    return {};
  });
}

void Driver::join(std::vector<Address> addresses, std::move_only_function<void(JoinOutcome)> done) {
  drive([&] { core_->join(std::move(addresses), std::move(done)); });
}
void Driver::broadcasts_queued() {
  drive([&] { core_->broadcasts_queued(); });
}
void Driver::leave(Duration timeout, Done done) {
  drive([&] { core_->leave(timeout, std::move(done)); });
}
void Driver::update_node(Duration timeout, Done done) {
  drive([&] { core_->update_node(timeout, std::move(done)); });
}
Result<> Driver::send_user_message(const Address& to, const Node* known, std::string_view message) {
  return drive([&] { return core_->send_user_message(to, known, message); });
}
void Driver::send_user_message_reliably(const Address& to, std::string_view message, Done done) {
  drive([&] { core_->send_user_message_reliably(to, message, std::move(done)); });
}

void Driver::packet(const Address& from, std::string_view bytes) {
  metrics_->received(bytes.size());
  const bool outermost = !std::exchange(busy_, true);
  core_->packet(now(), from, bytes);
  if (outermost) busy_ = false;  // what comes of it is carried out after the batch
}
void Driver::packets_taken() {
  drive([] {});
}
void Driver::stream_opened(StreamId stream) {
  drive([&] { core_->stream_opened(now(), stream); });
}
void Driver::stream_bytes(StreamId stream, std::string_view bytes) {
  drive([&] { core_->stream_bytes(now(), stream, bytes); });
}
void Driver::stream_closed(StreamId stream, Result<> error) {
  drive([&] { core_->stream_closed(now(), stream, std::move(error)); });
}

/// Destroyed later: it may be in the middle of something.
void Driver::stream_gone(TcpStream& stream) {
  const auto found = open_.find(&stream);
  if (found == open_.end()) return;
  stream.retire();
  gone_.push_back(std::move(found->second));
  open_.erase(found);
  arm(loop_, base::net::Clock::now());
}

void Driver::on_timer() {
  gone_.clear();
  drive([&] {
    // A member that was held up reads first what came meanwhile: the answers may be there.
    if (udp_ && core_->awaits_answers()) udp_->drain();
    const MonotonicTime begin = now();
    const std::uint64_t rounds = core_->counts().gossip_rounds;
    core_->tick(begin);
    if (core_->counts().gossip_rounds != rounds) metrics_->gossip_took(now() - begin);
    if (begin - last_sample_ >= kSampleInterval) {
      last_sample_ = begin;
      metrics_->sample(*core_);
    }
  });
}

void Driver::accept(Fd socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  if (open_.size() >= kMostOpenStreams) return;
  drive([&] {
    const StreamId id = core_->stream_accepted(now(), from_socket_address(address));
    if (id == 0) return;
    auto stream =
        std::make_unique<TcpStream>(loop_, std::move(socket), id, static_cast<StreamSink&>(*this), unsent_, false);
    TcpStream* known = stream.get();
    streams_[id] = known;
    open_.emplace(known, std::move(stream));
  });
}

void Driver::take_packet(const Address& from, std::string_view bytes) {
  packet(from, bytes);
  packets_taken();
}

void Driver::take_stream(const Address& from, base::net::ChannelPtr channel) {
  if (!channels_ || open_.size() + channels_->size() >= kMostOpenStreams) return channel->close();
  drive([&] {
    const StreamId id = core_->stream_accepted(now(), from);
    if (id == 0) return channel->close();
    channels_->adopt(id, std::move(channel));
  });
}

void Driver::open_stream(const OpenStream& open) {
  if (detour_ != nullptr && detour_->leads_to(open.to.node)) return channels_->open(open.stream, *detour_, open.to);
  const auto failed = [&](std::string_view call, int error) {
    core_->stream_closed(now(), open.stream,
                         Result<>(Errc::unavailable, std::string(call) + ": " + base::net::errno_text(error)));
  };
  sockaddr_storage address;
  const socklen_t size = to_socket_address(open.to, family_, address);
  if (size == 0) return failed("socket", EAFNOSUPPORT);
  Fd socket(::socket(family_, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed("socket", errno);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 && errno != EINPROGRESS) {
    return failed("connect", errno);
  }
  auto stream = std::make_unique<TcpStream>(loop_, std::move(socket), open.stream, static_cast<StreamSink&>(*this),
                                            unsent_, true);
  TcpStream* known = stream.get();
  streams_[open.stream] = known;
  open_.emplace(known, std::move(stream));
}

void Driver::packet_not_sent(const Address& to, int error) {
  const MonotonicTime at = now();
  if (at - last_send_error_ < kSendErrorInterval && last_send_error_.nanoseconds != 0) return;
  last_send_error_ = at;
  log_.warn("memberlist: Failed to send a UDP packet to " + to_string(to) + ": " + base::net::errno_text(error));
}

/// The rest is left to the socket.
void Driver::send_by_detour(std::vector<Packet>& packets) {
  std::erase_if(packets, [this](Packet& packet) {
    if (!detour_->leads_to(packet.to.node)) return false;
    detour_->send(packet.to, std::move(packet.bytes));
    return true;
  });
}

void Driver::carry_out(StreamEffect& effect) {
  if (const auto* open = std::get_if<OpenStream>(&effect)) return open_stream(*open);
  if (channels_ && channels_->carry_out(effect)) return;
  auto* send = std::get_if<SendBytes>(&effect);
  const auto found = streams_.find(send != nullptr ? send->stream : std::get<CloseStream>(effect).stream);
  if (found == streams_.end()) return;
  TcpStream* stream = found->second;
  if (send == nullptr) {
    streams_.erase(found);
    stream->finish();
  } else if (unsent_ + send->bytes.size() > kMostUnsentBytes) {
    // Somebody asks and does not read the answers.
    log_.warn("memberlist: too many bytes of streams wait to be sent, ending one of them");
    const StreamId id = found->first;
    streams_.erase(found);
    stream_gone(*stream);
    core_->stream_closed(now(), id, Result<>(Errc::unavailable, "too many bytes wait to be sent"));
  } else {
    stream->send(std::move(send->bytes));
  }
}

void Driver::carry_out() {
  for (Effects& wanted = core_->effects();;) {
    std::swap(effects_.packets, wanted.packets);
    std::swap(effects_.streams, wanted.streams);
    std::swap(effects_.lines, wanted.lines);
    std::swap(effects_.measurements, wanted.measurements);
    if (effects_.packets.empty() && effects_.streams.empty() && effects_.lines.empty()) break;
    for (const Line& line : effects_.lines) log_.write(line.level, line.text, {});
    for (const Packet& packet : effects_.packets) metrics_->sent(packet.bytes.size());
    if (detour_ != nullptr) send_by_detour(effects_.packets);
    if (udp_) udp_->send(effects_.packets);
    for (StreamEffect& effect : effects_.streams) carry_out(effect);
    for (const Measurement& measurement : effects_.measurements) metrics_->measured(measurement);
    effects_.clear();
  }
  effects_.clear();
  metrics_->count(*core_);
  arm_timer();
}

void Driver::arm_timer() {
  if (!gone_.empty()) return arm(loop_, base::net::Clock::now());
  const MonotonicTime due = core_->next_due();
  if (due.nanoseconds == std::numeric_limits<std::int64_t>::max()) return;
  const std::int64_t left = std::max<std::int64_t>(0, (due - now()).nanoseconds);
  arm(loop_, base::net::Clock::now() + std::chrono::nanoseconds(left));
}

}  // namespace proconsul::gossip::swim
