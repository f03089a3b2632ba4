// For tests: the HTTP server over a bare store, and a blunt client on a loopback socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "agent/http/server.h"
#include "catalog/commands.h"
#include "catalog/store/kv.h"
#include "catalog/store/kv_row.h"
#include "catalog/store/store.h"

namespace proconsul::agent::http::test {

/// A leader without raft: the test writes to the store itself.
class StoreServer final : public server::Server {
 public:
  void apply(std::string, server::ApplyDone) override {}
  catalog::ViewPtr view() const override {
    ++views;
    return store.view();
  }
  base::WatchRegistry& watches() override { return store.watches(); }
  const catalog::ChangeLog& changes() const override { return store.changes(); }
  void verify_leader(server::Done done) override {
    ++verifications;
    std::lock_guard lock(mutex);
    pending.push_back(std::move(done));
    if (!hold_verifications) release_locked();
  }
  server::Leadership leadership() const override {
    return {.is_leader = leads,
            .current = leads && current,
            .known = leads,
            .last_contact = leads ? base::Duration{} : last_contact.load()};
  }
  std::string leader_address() const override { return leads ? "127.0.0.1:8300" : ""; }
  bool lock_delayed(std::string_view) const override { return false; }
  void restart_session_timer(const catalog::Session&) override {}
  void renew_session(const std::string&, server::Done done) override { done({}); }
  void stop_session_timer(std::string_view) override {}
  std::vector<std::string> peers() const override { return {"127.0.0.1:8300"}; }

  void put(const std::string& key, const std::string& value) {
    std::lock_guard lock(mutex);
    catalog::DirEntry entry;
    entry.Key = key;
    entry.Value = base::Bytes(value);
    store.writer().begin_command(++index);
    catalog::kv_set(store.writer(), entry);
    (void)store.commit();
  }
  void release() {
    std::lock_guard lock(mutex);
    release_locked();
  }

  mutable catalog::Store store{};
  std::mutex mutex{};
  std::uint64_t index = 10;
  std::atomic<bool> leads = true;
  std::atomic<bool> current = true;  // if it leads
  std::atomic<base::Duration> last_contact{base::seconds(5)};
  std::atomic<bool> hold_verifications = false;
  std::atomic<int> verifications = 0;
  mutable std::atomic<int> views = 0;

 private:
  void release_locked() {
    for (server::Done& done : std::exchange(pending, {})) done({});
  }
  std::vector<server::Done> pending{};
};

/// A blocking socket with a bound on every wait.
class Client {
 public:
  explicit Client(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
  }
  static Client adopt(int fd) { return Client(fd, {}); }
  int fd() const { return fd_; }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), read_(std::move(other.read_)) {}
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  void send(std::string_view bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  /// One whole answer; what there is when the time is over or the peer closes.
  std::string receive(std::chrono::milliseconds within = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + within;
    for (;;) {
      if (const std::size_t size = complete(); size > 0) {
        std::string answer = read_.substr(0, size);
        read_.erase(0, size);
        return answer;
      }
      if (!more(end)) return std::exchange(read_, {});
    }
  }
  /// Everything up to and with `text`; what there is when the time is over or the peer closes.
  std::string receive_until(std::string_view text, std::chrono::milliseconds within = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + within;
    for (;;) {
      if (const std::size_t at = read_.find(text); at != std::string::npos) {
        std::string before = read_.substr(0, at + text.size());
        read_.erase(0, before.size());
        return before;
      }
      if (!more(end)) return std::exchange(read_, {});
    }
  }
  std::string until_closed(std::chrono::milliseconds within = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (more(end)) {
    }
    return std::exchange(read_, {});
  }
  std::string get(const std::string& target, const std::string& headers = {}) {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return receive();
  }

 private:
  bool more(std::chrono::steady_clock::time_point end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[65536];
    const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    read_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }
  std::size_t complete() const {
    const std::size_t head = read_.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    if (read_.starts_with("HTTP/1.1 100")) return head + 4;
    const std::size_t length = read_.find("Content-Length: ");
    if (length == std::string::npos || length > head) {
      const std::size_t last = read_.find("\r\n0\r\n\r\n");
      return last == std::string::npos ? 0 : last + 7;
    }
    const std::size_t size = head + 4 + std::stoul(read_.substr(length + 16));
    return read_.size() < size ? 0 : size;
  }
  Client(int fd, std::string read) : fd_(fd), read_(std::move(read)) {}
  int fd_ = -1;
  std::string read_{};
};

inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 5000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace proconsul::agent::http::test
