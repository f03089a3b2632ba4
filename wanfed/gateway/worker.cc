#include "wanfed/gateway/worker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace proconsul::wanfed::gateway {
namespace {

using base::net::Clock;
using base::net::Fd;

const base::log::Logger kLog("agent.mesh_gateway");

/// How much an operator should mind.
base::log::Level level_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::closed_before_hello:
    case Refusal::idle:
      return base::log::Level::debug;
    case Refusal::drained:
    case Refusal::not_tls:
    case Refusal::not_client_hello:
      return base::log::Level::info;
    case Refusal::sslv2:
    case Refusal::malformed_hello:
    case Refusal::hello_too_large:
    case Refusal::no_server_name:
    case Refusal::hello_timeout:
    case Refusal::unknown_name:
    case Refusal::no_endpoints:
    case Refusal::connect_failed:
    case Refusal::leads_back:
    case Refusal::no_answer:
    case Refusal::too_many_connections:
    case Refusal::too_many_from_source:
    case Refusal::too_many_opening:
      return base::log::Level::warn;
  }
  return base::log::Level::warn;
}

}  // namespace

bool Shared::is_own(const Address& address) const {
  const std::lock_guard lock(mutex_);
  return std::find(own_.begin(), own_.end(), address) != own_.end();
}

bool Shared::is_own(int connected) const {
  const std::string local = base::net::local_name(connected), remote = base::net::peer_name(connected);
  const std::size_t colon = remote.rfind(':');
  if (colon == std::string::npos) return false;
  const bool is_here = local.substr(0, local.rfind(':')) == remote.substr(0, colon);
  const std::lock_guard lock(mutex_);
  return std::any_of(own_.begin(), own_.end(), [&](const Address& own) {
    // Both ends on this machine, and the far one at a port that nobody else can have.
    return to_string(own) == remote ||
           (is_here && is_everywhere(own) && remote.substr(colon + 1) == std::to_string(own.port));
  });
}

void Shared::set_own(std::vector<Address> addresses) {
  const std::lock_guard lock(mutex_);
  own_ = std::move(addresses);
}

Worker::Worker(base::net::Loop& loop, Shared& shared, Limits limits)
    : loop_(loop),
      shared_(shared),
      limits_(limits),
      pipes_(shared.options.splicing, shared.options.pipe_bytes),
      names_(loop, shared.resolver),
      random_(base::system_random().next()) {}

Worker::~Worker() {
  acceptors_.clear();
  opening_.clear();
  open_.clear();
}

void Worker::listen(std::uint64_t id, Fd listener) {
  acceptors_[id] =
      std::make_unique<base::net::Acceptor>(loop_, std::move(listener), [this](Fd socket) { take(std::move(socket)); });
}

void Worker::unlisten(std::uint64_t id) {
  acceptors_.erase(id);
}

void Worker::take(Fd socket) {
  Counters& counters = shared_.counters;
  counters.accepted.fetch_add(1, std::memory_order_relaxed);
  std::string peer = base::net::peer_name(socket.get());
  if (counters.active.load(std::memory_order_relaxed) >= shared_.most_connections.load(std::memory_order_relaxed)) {
    count(Refusal::too_many_connections, peer, {}, {});
    return reset_connection(std::move(socket));
  }
  if (!shared_.sources.enter(peer)) {
    count(Refusal::too_many_from_source, peer, {}, {});
    return reset_connection(std::move(socket));
  }
  // Whoever means it says hello within a round trip: the oldest is the least likely to.
  if (opening_.size() >= limits_.opening && !opening_.empty()) opening_.front()->refuse(Refusal::too_many_opening);
  counters.active.fetch_add(1, std::memory_order_relaxed);
  opening_.push_back(std::make_unique<Connection>(*this, std::move(socket), std::move(peer)));
  opening_.back()->start(std::prev(opening_.end()));
}

void Worker::count(Refusal refusal, std::string_view peer, std::string_view name, std::string_view detail) {
  const auto kind = static_cast<std::size_t>(refusal);
  shared_.counters.refused[kind].fetch_add(1, std::memory_order_relaxed);
  const base::log::Level level = level_of(refusal);
  if (!base::log::Logger::enabled(level)) return;
  const auto silent = shared_.refusals.may(kind, loop_.now());
  if (!silent) return;
  kLog.write(level, "connection ended: " + std::string(to_string(refusal)),
             {{"from", peer}, {"server_name", name}, {"error", detail}, {"left_out", *silent}});
}

void Worker::opened(Connections::iterator place) {
  open_.splice(open_.end(), opening_, place);
}

bool Worker::make_room() {
  while (held_ > limits_.held_bytes && !opening_.empty()) opening_.front()->refuse(Refusal::too_many_opening);
  return held_ <= limits_.held_bytes;
}

void Worker::finished(Connections::iterator place, bool is_opening) {
  (is_opening ? opening_ : open_).erase(place);
  check_drained();
}

void Worker::review() {
  for (const auto& connection : opening_) connection->review();
  for (const auto& connection : open_) connection->review();
}

void Worker::drain(Clock::time_point deadline, std::move_only_function<void()> done) {
  acceptors_.clear();
  drain_deadline_ = deadline;
  on_drained_ = std::move(done);
  review();
  check_drained();
}

void Worker::check_drained() {
  if (!on_drained_ || !opening_.empty() || !open_.empty()) return;
  std::exchange(on_drained_, nullptr)();
}

}  // namespace proconsul::wanfed::gateway
