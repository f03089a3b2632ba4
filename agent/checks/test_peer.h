// For tests: peers on loopback that do what a test says, and a probe run once on a loop of its own.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/checks/probe.h"
#include "base/net/socket.h"

namespace proconsul::agent::checks::test {

/// Gives every connection to `serve`, one after the other; the connection closes when it returns.
class Peer {
 public:
  using Serve = std::function<void(int fd)>;
  explicit Peer(Serve serve) : Peer(*base::net::listen_tcp("127.0.0.1", 0), std::move(serve)) {
    port_ = base::net::local_port(listener_.get());
  }
  static std::unique_ptr<Peer> on_unix_socket(const std::string& path, Serve serve) {
    return std::unique_ptr<Peer>(new Peer(*base::net::listen_unix(path, "", "", ""), std::move(serve)));
  }
  ~Peer() {
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    {
      const std::lock_guard lock(mutex_);
      if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
    }
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  Peer(base::net::Fd listener, Serve serve) : listener_(std::move(listener)), serve_(std::move(serve)) {
    const int flags = ::fcntl(listener_.get(), F_GETFL);
    ::fcntl(listener_.get(), F_SETFL, flags & ~O_NONBLOCK);
    thread_ = std::thread([this] { run(); });
  }
  void run() {
    while (!stopping_) {
      base::net::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) break;
      ++connections_;
      {
        const std::lock_guard lock(mutex_);
        current_ = fd.get();
      }
      if (!stopping_) serve_(fd.get());
      const std::lock_guard lock(mutex_);
      current_ = -1;
    }
  }

  base::net::Fd listener_;
  Serve serve_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_{};
  int current_ = -1;
  std::thread thread_{};
};

/// What there is to read, at least up to `end`; less if the other side stops.
inline std::string read_until(int fd, const std::string& end) {
  std::string text;
  char buffer[4096];
  while (text.find(end) == std::string::npos) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}
inline bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}
/// Waits until the other side goes away.
inline void wait_closed(int fd) {
  char buffer[4096];
  while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
  }
}

struct Outcome {
  std::string status{};
  std::string output{};
};

/// A loop with what probes need.
class Bench {
 public:
  Bench() = default;
  ~Bench() {
    on_loop([this] {
      probe_.reset();
      user_.reset();
    });
    loops.stop();
  }

  /// Runs `task` on the loop and waits for it.
  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loops[0].post([&] {
      task();
      done.set_value();
    });
    done.get_future().get();
  }

  /// Starts the check once; the result and the end of the run come later.
  void start(const catalog::CheckType& check, std::size_t output_max_size = 4096) {
    user_ = std::make_unique<User>();
    on_loop([&] {
      probe_ = make_probe(check, output_max_size, surroundings, *user_);
      probe_->start();
    });
  }
  Outcome result() { return user_->result_promise.get_future().get(); }
  void wait_idle() { user_->idle_promise.get_future().get(); }
  void drop() {
    on_loop([this] { probe_.reset(); });
  }
  Outcome run(const catalog::CheckType& check, std::size_t output_max_size = 4096) {
    start(check, output_max_size);
    Outcome outcome = result();
    wait_idle();
    drop();
    return outcome;
  }

  base::net::Loops loops{1};
  Resolver resolver{};
  Reaper reaper{loops[0]};
  Surroundings surroundings{.loop = loops[0], .resolver = resolver, .reaper = reaper};

 private:
  struct User final : ProbeUser {
    void result(std::string_view status, std::string output) override {
      result_promise.set_value({std::string(status), std::move(output)});
    }
    void idle() override { idle_promise.set_value(); }
    std::promise<Outcome> result_promise{};
    std::promise<void> idle_promise{};
  };
  std::unique_ptr<User> user_{};
  std::unique_ptr<Probe> probe_{};
};

/// A port on which nothing listens.
inline std::uint16_t closed_port() {
  return base::net::local_port(base::net::listen_tcp("127.0.0.1", 0)->get());
}

}  // namespace proconsul::agent::checks::test
