// For tests: a gRPC server on a port of its own, and who listens to a call of it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "agent/grpc/client.h"
#include "agent/grpc/retried_call.h"
#include "agent/grpc/server.h"
#include "base/net/loop.h"
#include "base/net/socket.h"

namespace proconsul::agent::grpc::test {

inline Frames framed(std::string_view message) {
  auto out = std::make_shared<std::string>();
  append_frame(*out, [&] { *out += message; });
  return out;
}

/// Until it is stopped.
class Place {
 public:
  Place(base::net::Loops& loops, Services services) : server_(loops, std::move(services), {}) {
    base::Result<base::net::Fd> listener = base::net::listen_tcp("127.0.0.1", 0);
    EXPECT_TRUE(listener);
    port_ = base::net::local_port(listener->get());
    door_[0].run([&] {
      acceptor_ = std::make_unique<base::net::Acceptor>(door_[0], std::move(*listener),
                                                        [this](base::net::Fd socket) { take(std::move(socket)); });
    });
  }
  ~Place() { stop(); }
  void stop() {
    if (acceptor_) door_[0].run([this] { acceptor_.reset(); });
    server_.stop();
  }
  rpc::Target target(std::string datacenter = "dc1") const {
    return {.datacenter = std::move(datacenter), .node = "s", .address = "127.0.0.1:" + std::to_string(port_)};
  }
  std::atomic<int> accepted{0};

 private:
  // What the server port does: the first byte. Nobody else is on this loop, so it may wait.
  void take(base::net::Fd socket) {
    ++accepted;
    char byte = 0;
    while (::read(socket.get(), &byte, 1) != 1) {
    }
    EXPECT_EQ(byte, 8);
    server_.accept(std::move(socket), nullptr, nullptr);
  }
  base::net::Loops door_{1};
  Server server_;
  std::uint16_t port_ = 0;
  std::unique_ptr<base::net::Acceptor> acceptor_{};
};

/// Collects what a call hears: the text of a message, or "end CODE TEXT".
class Ear : public Client::User, public RetriedCall::User {
 public:
  void received(Frames message) override { add(message->substr(kFrameHead), message->size()); }
  void ended(Status status, bool unprocessed) override {
    add("end " + std::to_string(static_cast<int>(status.code)) + " " + status.message + (unprocessed ? " new" : ""), 0);
  }
  void ended(const Status& status) override { ended(status, false); }
  std::string next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [this] { return !heard_.empty(); })) return "nothing";
    std::string text = std::move(heard_.front());
    heard_.pop_front();
    return text;
  }
  std::size_t bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  void add(std::string text, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    heard_.push_back(std::move(text));
    bytes_ += bytes;
    changed_.notify_all();
  }
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<std::string> heard_{};
  std::size_t bytes_ = 0;
};

}  // namespace proconsul::agent::grpc::test
