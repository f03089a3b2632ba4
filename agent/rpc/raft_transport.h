// Raft's network transport, as hashicorp/raft's: connections of the server port's kind 1, each asked in one direction
// only, answered in order. Byte layout: raft/wire.h; rules: raft.md 1 of the wire reference.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/background.h"
#include "base/log.h"
#include "base/net/loop.h"
#include "base/net/pipe.h"
#include "base/net/socket.h"
#include "base/net/tcp_channel.h"
#include "base/net/tls.h"
#include "raft/transport.h"
#include "raft/wire.h"

namespace proconsul::agent::rpc {

class RaftTransport final : public raft::Transport {
 public:
  struct Options {
    raft::ServerId id{};    // of this server
    std::string address{};  // as peers know it
    /// How to reach a server: by its id where gossip knows better, else at the address of raft's configuration. On the
    /// loop's thread. Unset: plain TCP to that address.
    std::function<base::net::Destination(const raft::ServerId& id, const std::string& address)> route{};
    std::chrono::milliseconds timeout = std::chrono::seconds(10);  // to connect, and for each answer
  };
  /// All its connections live on `loop`, which should have little else to do, and must outlive it.
  RaftTransport(base::net::Loop& loop, Options options);
  ~RaftTransport() override;

  void start(raft::TransportHandler& handler) override;
  void stop() override;
  void send(raft::Message message) override;
  void send_snapshot(raft::Message request, OpenSnapshot open) override;
  base::Result<std::unique_ptr<raft::ByteSource>> snapshot_bytes(const raft::ServerId& from,
                                                                 std::uint64_t call) override;

  /// A peer's connection, behind its kind byte. Any thread; closed at once unless the transport runs.
  /// `place` is held as long as the connection lives.
  void accept(base::net::Fd socket, std::unique_ptr<base::net::TlsStream> tls,
              std::shared_ptr<const void> place = nullptr);

 private:
  class Incoming;
  class Outgoing;
  struct Peer;
  friend class Incoming;
  friend class Outgoing;

  bool running() const { return handler_.load(std::memory_order_acquire) != nullptr; }
  void answer(raft::Message message);
  void request(raft::Message message);
  void failed(const raft::ServerId& peer, std::uint64_t call);
  void received(raft::Message message);
  void look_after(const raft::ServerId& peer, const std::string& address);
  void probe(const raft::ServerId& peer);
  void probed(const raft::ServerId& peer, const base::Result<std::shared_ptr<base::net::TcpChannel>>& channel);
  void bury(Outgoing& connection);
  void bury(Incoming& connection);

  base::net::Loop& loop_;
  const Options options_;
  const raft::Header self_;
  const base::log::Logger log_{"agent.server.raft"};
  std::atomic<raft::TransportHandler*> handler_{nullptr};
  std::atomic<bool> stopped_{false};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false: tasks that are still posted do nothing

  // On the loop only.
  std::map<raft::ServerId, std::unique_ptr<Peer>> peers_;
  std::unordered_map<Incoming*, std::unique_ptr<Incoming>> incoming_;
  struct Probe {  // whether it still listens
    std::string address{};
    int tries = 0;
    std::unique_ptr<base::net::Attempt> attempt{};
  };
  std::map<raft::ServerId, Probe> probes_{};
  std::unordered_map<std::uint64_t, Incoming*> asked_{};  // who waits for our answer, by our call number
  std::uint64_t next_call_ = 1;

  std::mutex arriving_mutex_{};
  std::map<std::uint64_t, std::shared_ptr<base::net::Pipe>> arriving_{};  // by call; guarded by arriving_mutex_
  base::Background background_{};                                         // reads snapshots from the disk
};

}  // namespace proconsul::agent::rpc
