#include "agent/server/raft_server.h"

#include <any>
#include <chrono>
#include <cstdlib>
#include <future>
#include <utility>

#include "agent/server/metrics.h"
#include "base/clock.h"
#include "base/random.h"
#include "catalog/chunking.h"
#include "catalog/store/session.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Result;

/// Going on after an entry that cannot be applied would make this server's state differ from the others'.
[[noreturn]] void halt(const base::log::Logger& log, const base::Error& error) {
  log.error("cannot apply a log entry; this server stops", {{"error", error}});
  std::abort();
}

/// Begins something of raft's and waits for its end.
template <class Begin>
Result<> wait_for(Begin begin) {
  std::promise<Result<>> promise;
  std::future<Result<>> future = promise.get_future();
  begin([&promise](Result<raft::LogIndex> index) { promise.set_value(index ? Result<>() : Result<>(index.error())); });
  return future.get();
}

constexpr base::Duration kLeaderLook = base::milliseconds(250);  // whether who was asked still leads

/// Raft's errors in Consul's words.
base::Error for_clients(base::Error error) {
  if (error.code == Errc::not_leader || error.code == Errc::no_leader) return {Errc::no_leader, "No cluster leader"};
  return error;
}

}  // namespace

RaftServer::RaftServer()
    : clocks_(base::system_clock()),
      fsm_(store_, {.effects = [this](const catalog::Effects& effects) { clocks_.note(effects); },
                    .fatal = [this](const base::Error& error) { halt(log_, error); }}) {}

Result<std::unique_ptr<RaftServer>> RaftServer::start(Options options) {
  std::unique_ptr<RaftServer> server(new RaftServer);
  server->remote_ = options.remote;
  server->hold_timeout_ = options.hold_timeout;
  server->transport_ = options.transport ? std::move(options.transport) : std::make_unique<raft::NoTransport>();
  options.raft.log = [log = &server->raft_log_](raft::Severity severity, const std::string& text) {
    constexpr base::log::Level kLevels[] = {base::log::Level::debug, base::log::Level::info, base::log::Level::warn,
                                            base::log::Level::error};
    log->write(kLevels[static_cast<std::size_t>(severity)], text, {});
  };
  options.raft.on_role = [self = server.get()](const raft::RoleChange& change) { self->role_changed(change); };
  Result<std::unique_ptr<raft::Node>> node =
      raft::Node::start(std::move(options.raft), server->fsm_, *server->transport_);
  if (!node) return node.error();
  server->node_ = std::move(*node);
  PoolDuties::Means& means = options.duties.means;
  means.raft = [self = server.get()] { return self->node_->status(); };
  means.change_raft = [self = server.get()](const raft::MembershipChange& change) {
    return wait_for([&](auto done) { self->node_->change_membership(change, {}, std::move(done)); });
  };
  const auto barrier = [self = server.get()] {
    return wait_for([&](auto done) { self->node_->barrier(std::move(done)); });
  };
  const std::lock_guard lock(server->duties_lock_);
  server->duties_ = std::make_unique<LeaderDuties>(std::move(options.duties), *server, server->clocks_,
                                                   base::system_clock(), barrier);
  server->duties_->leadership(server->leading_);
  return server;
}

RaftServer::~RaftServer() {
  {
    const std::lock_guard lock(life_->mutex);
    life_->over = true;
  }
  stop();
}

void RaftServer::stop() {
  // Raft goes first: a duty that waits for an answer gets one. The duties are destroyed only after the last role
  // report.
  if (node_) node_->stop();
  if (duties_) duties_->stop();
}

void RaftServer::apply(std::string command, ApplyDone done) {
  const auto begun = std::chrono::steady_clock::now();
  const base::metrics::Sample* times =
      command.empty() ? nullptr : server_metrics().of_command(static_cast<std::uint8_t>(command.front()));
  if (remote_ != nullptr && !node_->is_leader()) {
    return remote_->apply(std::move(command),
                          [done = std::move(done), times, begun](Result<catalog::ApplyResult> applied) mutable {
                            if (times) times->add_since(begun);
                            done(std::move(applied));
                          });
  }
  auto answer = [done = std::move(done), times, begun](Result<raft::Completion> applied) mutable {
    if (times) times->add_since(begun);
    if (!applied) return done(for_clients(std::move(applied.error())));
    auto* result = std::any_cast<catalog::ApplyResult>(&applied->response);
    done(result != nullptr ? std::move(*result) : catalog::ApplyResult{});
  };
  if (command.size() <= catalog::kMaxEntryBytes) {
    node_->propose(std::move(command), std::move(answer));
    return;
  }
  std::vector<catalog::Chunk> chunks = catalog::cut_command(std::move(command), base::system_random().next());
  for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
    node_->propose(std::move(chunks[i].data), std::move(chunks[i].extensions), [](Result<raft::Completion>) {});
  }
  // Parts are applied in order and an earlier one that was lost leaves the last one incomplete: it alone answers.
  node_->propose(std::move(chunks.back().data), std::move(chunks.back().extensions),
                 [answer = std::move(answer)](Result<raft::Completion> applied) mutable {
                   if (applied) {
                     const auto* result = std::any_cast<catalog::ApplyResult>(&applied->response);
                     if (result != nullptr && std::holds_alternative<catalog::Incomplete>(result->value)) {
                       return answer(base::Error{Errc::unavailable, "please resubmit call for rechunking"});
                     }
                   }
                   answer(std::move(applied));
                 });
}

void RaftServer::verify_leader(Done done) {
  if (resigned_) return done(base::Error{Errc::no_leader, "No cluster leader"});
  if (remote_ != nullptr && !node_->is_leader()) return await_leaders_state(std::move(done));
  verify_own_lead(std::move(done));
}

void RaftServer::verify_own_lead(Done done) {
  node_->verify_leader(raft::ReadMode::lease, [done = std::move(done)](Result<raft::LogIndex> index) mutable {
    done(index ? Result<>() : Result<>(for_clients(std::move(index.error()))));
  });
}

/// Whoever is first answers: this state is as far as a leader's was, or it takes too long.
struct RaftServer::LeaderWait {
  std::mutex mutex{};
  Done done;
  base::Duration left;
  raft::Term term{};  // in which the leader was asked last

  void answer(Result<> result) {
    Done first;
    {
      const std::lock_guard lock(mutex);
      first = std::exchange(done, nullptr);
    }
    if (first) first(std::move(result));
  }
  bool answered() {
    const std::lock_guard lock(mutex);
    return !done;
  }
};

void RaftServer::await_leaders_state(Done done) {
  auto wait = std::make_shared<LeaderWait>();
  wait->done = std::move(done);
  wait->left = hold_timeout_;
  ask_leader(wait);
  look_after(wait);
}

void RaftServer::ask_leader(const std::shared_ptr<LeaderWait>& wait) {
  wait->term = node_->term();
  remote_->read_index([this, wait](Result<std::uint64_t> index) {
    if (!index && node_->is_leader()) {
      return verify_own_lead([wait](Result<> leads) { wait->answer(std::move(leads)); });
    }
    if (!index) return wait->answer(index.error());
    node_->when_applied({*index}, [wait](Result<raft::LogIndex> applied) {
      wait->answer(applied ? Result<>() : Result<>(for_clients(std::move(applied.error()))));
    });
  });
}

// A leader that went may have named an index that no log reaches any more: its successor is asked, too.
void RaftServer::look_after(const std::shared_ptr<LeaderWait>& wait) {
  const base::Duration pause = std::min(wait->left, kLeaderLook);
  remote_->after(pause, [this, life = life_, wait, pause] {
    if (wait->answered()) return;
    wait->left.nanoseconds -= pause.nanoseconds;
    if (wait->left.nanoseconds > 0) {
      const std::lock_guard lock(life->mutex);
      if (!life->over) {
        if (node_->term() != wait->term) ask_leader(wait);
        return look_after(wait);
      }
    }
    wait->answer(base::Error{Errc::no_leader, "No cluster leader"});
  });
}

Leadership RaftServer::leadership() const {
  const bool leader = node_->is_leader() && !resigned_.load(std::memory_order_relaxed);
  return {.is_leader = leader,
          .current = leader && node_->is_current(),
          .known = leader || !node_->leader().address.empty(),
          .last_contact = leader ? base::Duration{} : node_->since_contact()};
}

std::string RaftServer::leader_address() const {
  return node_->leader().address;
}

std::vector<std::string> RaftServer::peers() const {
  std::vector<std::string> addresses;
  for (const raft::Server& server : node_->configuration().servers) addresses.push_back(server.address);
  return addresses;
}

RaftServer::Gauges RaftServer::gauges() const {
  return {.applied_index = node_->applied().value,
          .last_index = node_->last_index().value,
          .leader = node_->is_leader(),
          .timed_sessions = clocks_.timed_sessions()};
}

void RaftServer::renew_session(const std::string& id, Done done) {
  if (remote_ != nullptr && !node_->is_leader()) return remote_->renew_session(id, std::move(done));
  const auto found = catalog::session_get(view()->tables(), id, nullptr);
  if (found.sessions.empty()) return done(base::Error{Errc::not_found, "Session id '" + id + "' not found"});
  restart_session_timer(*found.sessions.front());
  done({});
}

void RaftServer::restart_session_timer(const catalog::Session& session) {
  if (!clocks_.restart_session(session)) return;
  const std::lock_guard lock(duties_lock_);
  if (duties_) duties_->wake();
}

void RaftServer::member_changed(gossip::serf::MemberPtr member, Fate fate) {
  const std::lock_guard lock(duties_lock_);
  if (duties_) duties_->member_changed(std::move(member), fate);
}

void RaftServer::role_changed(const raft::RoleChange& change) {
  const std::lock_guard lock(duties_lock_);
  const bool leading = change.role == raft::Role::leader;
  if (leading == leading_) return;
  leading_ = leading;
  stable_since_ = base::system_clock().wall();
  log_.info(leading ? "cluster leadership acquired" : "cluster leadership lost");
  if (duties_) duties_->leadership(leading);
}

}  // namespace proconsul::agent::server
