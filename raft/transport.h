// How a node reaches its peers. The TCP one speaks Consul's wire; tests bring one in memory.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "raft/message.h"
#include "raft/snapshot_store.h"

namespace proconsul::raft {

/// What a transport tells its node; from any thread, never from within Transport::send.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  /// A request or an answer from a peer. Bytes that follow a SnapshotRequest wait for Transport::snapshot_bytes.
  virtual void receive(Message message) = 0;
  /// No answer will come to this request of ours.
  virtual void request_failed(ServerId peer, std::uint64_t call) = 0;
  /// The peer's process has ended: a connection from it was closed, its host refuses new ones, and no request of it has
  /// come since.
  virtual void peer_gone(ServerId peer) = 0;
};

class Transport {
 public:
  using OpenSnapshot = std::function<base::Result<std::unique_ptr<SnapshotReader>>()>;

  virtual ~Transport() = default;
  virtual void start(TransportHandler& handler) = 0;
  /// Afterwards the handler hears nothing more, and reads of snapshot bytes fail.
  virtual void stop() = 0;
  /// Neither blocks nor fails: a lost request shows as TransportHandler::request_failed.
  virtual void send(Message message) = 0;
  /// A SnapshotRequest and the state behind it; `open` is called on a thread that may wait for the disk.
  virtual void send_snapshot(Message request, OpenSnapshot open) = 0;
  /// The bytes behind a SnapshotRequest that was received: exactly as many as its meta says, or an error.
  virtual base::Result<std::unique_ptr<ByteSource>> snapshot_bytes(const ServerId& from, std::uint64_t call) = 0;
};

/// For a server that will never have peers: every request fails.
class NoTransport final : public Transport {
 public:
  void start(TransportHandler&) override {}
  void stop() override {}
  void send(Message) override {}
  void send_snapshot(Message, OpenSnapshot) override {}
  base::Result<std::unique_ptr<ByteSource>> snapshot_bytes(const ServerId&, std::uint64_t) override {
    return {base::Errc::unavailable, "this server has no peers"};
  }
};

}  // namespace proconsul::raft
