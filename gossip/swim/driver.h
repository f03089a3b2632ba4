// Runs a core on a loop: one UDP socket and one TCP listener at the same port, and the core's timers and effects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/result.h"
#include "gossip/swim/channel_streams.h"
#include "gossip/swim/core.h"
#include "gossip/swim/detour.h"
#include "gossip/swim/sockets.h"

namespace proconsul::gossip::swim {

class DriverMetrics;

struct DriverOptions {
  std::string bind_ip = "127.0.0.1";
  std::uint16_t bind_port = 0;  // 0: one that is free for both
  /// Its address may lack the IP, or the port: then it is that of the sockets.
  Config config{};
  std::string logger = "agent.memberlist";
  std::string network = "lan";  // a label of the metrics
  Detour* detour = nullptr;     // of members that these sockets do not reach; outlives the driver
};

/// All of it happens on the loop's thread, construction and end too. The calls of Membership may be made at any time
/// between start() and the end, also from within the delegate's.
class Driver final : public Membership, private base::net::Timer, private PacketSink, private StreamSink {
 public:
  /// Binds. The error's text is memberlist's.
  static base::Result<std::unique_ptr<Driver>> open(base::net::Loop& loop, DriverOptions options);
  ~Driver() override;

  /// The node joins its own pool: from here on others may come.
  base::Result<> start(Delegate& delegate);

  // What came by a detour, as if it had come by the sockets.
  void take_packet(const Address& from, std::string_view bytes);
  void take_stream(const Address& from, base::net::ChannelPtr channel);

  std::uint16_t port() const { return port_; }
  const Core& core() const { return *core_; }

  const Node& local() const override { return core_->local(); }
  std::vector<const Node*> members() const override { return core_->members(); }
  const Node* find(std::string_view name) const override { return core_->find(name); }
  std::size_t alive_count() const override { return core_->alive_count(); }
  std::size_t suspect_count() const override { return core_->suspect_count(); }
  int health_score() const override { return core_->health_score(); }
  void join(std::vector<Address> addresses, std::move_only_function<void(JoinOutcome)> done) override;
  void broadcasts_queued() override;
  void leave(base::Duration timeout, Done done) override;
  void update_node(base::Duration timeout, Done done) override;
  base::Result<> send_user_message(const Address& to, const Node* known, std::string_view message) override;
  void send_user_message_reliably(const Address& to, std::string_view message, Done done);

 private:
  Driver(base::net::Loop& loop, DriverOptions options, base::net::Fd datagrams, base::net::Fd listener,
         std::uint16_t port);

  void on_timer() override;
  void packet(const Address& from, std::string_view bytes) override;
  void packets_taken() override;
  void packet_not_sent(const Address& to, int error) override;
  void stream_opened(StreamId stream) override;
  void stream_bytes(StreamId stream, std::string_view bytes) override;
  void stream_closed(StreamId stream, base::Result<> error) override;
  void stream_gone(TcpStream& stream) override;

  void accept(base::net::Fd socket);
  void open_stream(const OpenStream& open);
  void send_by_detour(std::vector<Packet>& packets);
  void carry_out(StreamEffect& effect);
  /// Tells the core the time, lets it do `work`, and carries out what comes of it; within itself only the work.
  template <class Work>
  auto drive(Work work);
  void carry_out();
  void arm_timer();

  base::net::Loop& loop_;
  base::log::Logger log_;
  std::uint16_t port_;
  int family_ = 0;
  std::optional<Core> core_{};
  std::unique_ptr<DriverMetrics> metrics_;
  base::net::Fd datagrams_;  // until start()
  base::net::Fd listener_;
  std::unique_ptr<UdpSocket> udp_{};
  std::unique_ptr<base::net::Acceptor> acceptor_{};
  std::size_t unsent_ = 0;                                             // bytes that all of them hold
  std::unordered_map<StreamId, TcpStream*> streams_{};                 // that the core knows
  std::unordered_map<TcpStream*, std::unique_ptr<TcpStream>> open_{};  // and those that are ending
  std::vector<std::unique_ptr<TcpStream>> gone_{};
  Detour* detour_;                              // null: there is none
  std::unique_ptr<ChannelStreams> channels_{};  // beside it
  bool busy_ = false;
  Effects effects_{};  // those being carried out
  base::MonotonicTime last_sample_{};
  base::MonotonicTime last_send_error_{};
};

}  // namespace proconsul::gossip::swim
