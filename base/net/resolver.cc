#include "base/net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace proconsul::base::net {
namespace {

using base::Errc;

constexpr std::size_t kMostThreads = 16;
constexpr auto kIdle = std::chrono::seconds(10);  // a thread without work ends after this

void set_port(SocketAddress& address, std::uint16_t port) {
  if (address.address.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address.address).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(address.address).sin6_port = htons(port);
  }
}

Resolver::Answer ask(const std::string& name, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int failure = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (failure != 0) {
    const bool unknown = failure == EAI_NONAME || failure == EAI_NODATA;
    const std::string why = unknown                 ? "no such host"
                            : failure == EAI_AGAIN  ? "server misbehaving"
                            : failure == EAI_SYSTEM ? std::string(std::strerror(errno))
                                                    : std::string(::gai_strerror(failure));
    return {Errc::not_found, "lookup " + name + ": " + why};
  }
  std::vector<SocketAddress> found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress& address = found.emplace_back();
    std::memcpy(&address.address, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    set_port(address, port);
  }
  ::freeaddrinfo(list);
  if (found.empty()) return {Errc::not_found, "lookup " + name + ": no such host"};
  return found;
}

}  // namespace

bool parse_address(const std::string& text, std::uint16_t port, SocketAddress& out) {
  const auto first = static_cast<unsigned char>(text.empty() ? 0 : text[0]);
  if (text.find(':') == std::string::npos && (first < '0' || first > '9')) return false;  // a name: the usual case
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.address);
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    out.size = sizeof v4;
  } else {
    // With a zone only the system can tell; AI_NUMERICHOST keeps it from asking anybody.
    addrinfo hints{};
    hints.ai_family = AF_INET6;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* list = nullptr;
    if (::getaddrinfo(text.c_str(), nullptr, &hints, &list) != 0) return false;
    std::memcpy(&out.address, list->ai_addr, list->ai_addrlen);
    out.size = list->ai_addrlen;
    ::freeaddrinfo(list);
  }
  set_port(out, port);
  return true;
}

struct Resolver::Pool {
  struct Lookup {
    std::string name;
    std::uint16_t port;
    Loop* loop;
    std::weak_ptr<void> wanted;
    Done done;
  };
  std::mutex mutex{};
  std::condition_variable changed{};
  std::deque<Lookup> lookups{};
  std::size_t threads = 0, idle = 0;
  bool stopping = false;

  static void work(const std::shared_ptr<Pool>& pool) {
    std::unique_lock lock(pool->mutex);
    while (!pool->stopping) {
      if (pool->lookups.empty()) {
        ++pool->idle;
        const bool timed_out = pool->changed.wait_for(lock, kIdle) == std::cv_status::timeout;
        --pool->idle;
        if (timed_out && pool->lookups.empty()) break;
        continue;
      }
      Lookup lookup = std::move(pool->lookups.front());
      pool->lookups.pop_front();
      if (lookup.wanted.expired()) continue;
      lock.unlock();
      Answer answer = ask(lookup.name, lookup.port);
      lock.lock();
      if (pool->stopping) break;  // the loop may be gone
      lookup.loop->post(
          [wanted = std::move(lookup.wanted), done = std::move(lookup.done), answer = std::move(answer)]() mutable {
            if (!wanted.expired()) done(std::move(answer));
          });
    }
    --pool->threads;
  }
};

Resolver::Resolver() : pool_(std::make_shared<Pool>()) {}

Resolver::~Resolver() {
  const std::lock_guard lock(pool_->mutex);
  pool_->stopping = true;
  pool_->lookups.clear();
  pool_->changed.notify_all();
}

void Resolver::resolve(std::string name, std::uint16_t port, Loop& loop, std::weak_ptr<void> wanted, Done done) {
  const std::lock_guard lock(pool_->mutex);
  pool_->lookups.push_back({std::move(name), port, &loop, std::move(wanted), std::move(done)});
  if (pool_->idle >= pool_->lookups.size() || pool_->threads >= kMostThreads) {
    pool_->changed.notify_one();
    return;
  }
  ++pool_->threads;
  // Nobody can end a lookup early, so nobody waits for these threads; what they use is theirs.
  std::thread([pool = pool_] { Pool::work(pool); }).detach();
}

}  // namespace proconsul::base::net
