// Tests only: a network between nodes of one process, with cuts. One thread delivers, in order.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "raft/transport.h"

namespace proconsul::raft {

class MemoryNetwork {
 public:
  MemoryNetwork() : thread_([this] { run(); }) {}
  ~MemoryNetwork() {
    {
      const std::lock_guard lock(queue_lock_);
      stopping_ = true;
    }
    queued_.notify_all();
    thread_.join();
  }

  /// No message passes between this server and the others until heal().
  void isolate(const ServerId& id) {
    const std::lock_guard lock(queue_lock_);
    isolated_.insert(id.value);
  }
  void heal() {
    const std::lock_guard lock(queue_lock_);
    isolated_.clear();
  }
  std::size_t snapshots_sent() {
    const std::lock_guard lock(queue_lock_);
    return snapshots_sent_;
  }

  class Endpoint final : public Transport {
   public:
    Endpoint(MemoryNetwork& network, ServerId id, std::string address)
        : network_(network), id_(std::move(id)), address_(std::move(address)) {}
    void start(TransportHandler& handler) override {
      const std::lock_guard lock(network_.delivery_lock_);
      network_.handlers_[id_.value] = {&handler, address_};
    }
    void stop() override {
      const std::lock_guard lock(network_.delivery_lock_);
      network_.handlers_.erase(id_.value);
      // As a closed connection does: whoever waits for an answer learns that none will come.
      std::erase_if(network_.unanswered_, [&](const Unanswered& request) {
        if (request.to != id_.value && request.from != id_.value) return false;
        auto asker = network_.handlers_.find(request.from);
        if (asker != network_.handlers_.end()) asker->second.handler->request_failed(id_, request.call);
        return true;
      });
      for (auto& [other, registered] : network_.handlers_) registered.handler->peer_gone(id_);
    }
    void send(Message message) override { network_.push({id_.value, std::move(message), {}}); }
    void send_snapshot(Message request, OpenSnapshot open) override {
      base::Result<std::unique_ptr<SnapshotReader>> reader = open();
      network_.push({id_.value, std::move(request), reader ? std::move(*reader) : nullptr});
    }
    base::Result<std::unique_ptr<ByteSource>> snapshot_bytes(const ServerId& from, std::uint64_t call) override {
      const std::lock_guard lock(network_.queue_lock_);
      auto found = network_.arriving_.find({from.value, call});
      if (found == network_.arriving_.end()) return {base::Errc::unavailable, "no such snapshot"};
      std::unique_ptr<ByteSource> source = std::move(found->second);
      network_.arriving_.erase(found);
      return source;
    }

   private:
    MemoryNetwork& network_;
    const ServerId id_;
    const std::string address_;
  };

 private:
  struct Packet {
    std::string from;
    Message message;
    std::unique_ptr<SnapshotReader> snapshot;
  };
  struct Unanswered {
    std::string from, to;
    std::uint64_t call;
    auto operator<=>(const Unanswered&) const = default;
  };
  struct Registered {
    TransportHandler* handler;
    std::string address;
  };

  void push(Packet packet) {
    {
      const std::lock_guard lock(queue_lock_);
      queue_.push_back(std::move(packet));
    }
    queued_.notify_one();
  }

  void run() {
    for (;;) {
      Packet packet;
      bool cut = false;
      {
        std::unique_lock lock(queue_lock_);
        queued_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        packet = std::move(queue_.front());
        queue_.pop_front();
        cut = isolated_.contains(packet.from) || isolated_.contains(packet.message.peer.value);
      }
      const std::lock_guard lock(delivery_lock_);
      auto from = handlers_.find(packet.from);
      auto to = handlers_.find(packet.message.peer.value);
      const bool request = packet.message.body.index() % 2 == 0;  // requests and answers alternate in Body
      const bool snapshot = std::holds_alternative<SnapshotRequest>(packet.message.body);
      if (cut || to == handlers_.end() || (snapshot && !packet.snapshot)) {
        if (request && from != handlers_.end())
          from->second.handler->request_failed(packet.message.peer, packet.message.call);
        continue;
      }
      if (snapshot) {
        const std::lock_guard queue(queue_lock_);
        arriving_[{packet.from, packet.message.call}] = std::move(packet.snapshot);
        ++snapshots_sent_;
      }
      if (request)
        unanswered_.insert({packet.from, packet.message.peer.value, packet.message.call});
      else
        unanswered_.erase({packet.message.peer.value, packet.from, packet.message.call});
      packet.message.peer = {packet.from};
      packet.message.address = from == handlers_.end() ? "" : from->second.address;
      to->second.handler->receive(std::move(packet.message));
    }
  }

  std::mutex queue_lock_, delivery_lock_;
  std::condition_variable queued_;
  std::deque<Packet> queue_;
  std::set<std::string> isolated_;
  std::map<std::pair<std::string, std::uint64_t>, std::unique_ptr<ByteSource>> arriving_;
  std::map<std::string, Registered> handlers_;
  std::set<Unanswered> unanswered_;
  std::size_t snapshots_sent_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace proconsul::raft
