#include "raft/node.h"

#include <pthread.h>

#include <algorithm>
#include <limits>

#include "base/background.h"
#include "base/clock.h"
#include "raft/node_metrics.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

// The timer thread looks at least so often: then the deadlines that come and go with every write need not wake it.
constexpr auto kTimerSlack = std::chrono::milliseconds(500);
// A step of so few entries is applied by the log thread itself if it has nothing to write: no thread has to wake up.
constexpr std::size_t kSmallStep = 8;
constexpr std::size_t kCopyBytes = 256u << 10;

const Error kShutDown{Errc::unavailable, "raft is already shutdown"};

Instant now() {
  return std::chrono::steady_clock::now();
}

Result<> copy(ByteSource& source, ByteSink& sink, std::optional<std::uint64_t> size,
              const std::atomic<bool>& stopping) {
  std::string buffer(kCopyBytes, '\0');
  std::uint64_t copied = 0;
  for (;;) {
    if (stopping) return kShutDown;
    Result<std::size_t> got = source.read(buffer);
    if (!got) return got.error();
    if (*got == 0) break;
    copied += *got;
    if (size && copied > *size) break;
    if (Result<> written = sink.write({buffer.data(), *got}); !written) return written;
  }
  if (size && copied != *size) return {Errc::corrupt, "snapshot has another size than announced"};
  return {};
}

Result<LogIndex> index_of(Result<Completion>& completion) {
  if (!completion) return completion.error();
  return completion->index;
}

}  // namespace

struct Node::Parts {
  std::unique_ptr<Storage> storage;
  std::unique_ptr<SnapshotStore> snapshots;
  Start start;
  LogIndex applied;
};

Result<std::unique_ptr<Node>> Node::start(NodeOptions options, Fsm& fsm, Transport& transport) {
  const auto warn = [&](const std::string& text) {
    if (options.log) options.log(Severity::warning, text);
  };
  Result<Recovered> recovered = recover(options.directory, options.retained_snapshots, fsm, warn, options.open_storage);
  if (!recovered) return recovered.error();
  recovered->start.id = options.id;
  recovered->start.address = options.address;
  std::unique_ptr<Node> node(new Node(std::move(options), fsm, transport,
                                      {std::move(recovered->storage), std::move(recovered->snapshots),
                                       std::move(recovered->start), recovered->applied}));
  return node;
}

Node::Node(NodeOptions options, Fsm& fsm, Transport& transport, Parts parts)
    : options_(std::move(options)),
      fsm_(fsm),
      transport_(transport),
      snapshots_(std::move(parts.snapshots)),
      core_(options_.core, std::move(parts.start), now()),
      leader_(&leaders_.emplace_back()),
      strand_([this] { after_round(); }, [this] { timer_bell_.ring(); }) {
  fsm_queue_ = std::make_unique<FsmQueue>(
      fsm_, parts.applied,
      FsmQueue::Reports{
          .applied = [this](LogIndex index) { strand_.post([this, index] { core_.applied(index, now()); }); },
          .open = [this](const SnapshotMeta& meta) -> Result<std::unique_ptr<ByteSource>> {
            Result<std::unique_ptr<SnapshotReader>> reader = snapshots_->read(meta.id);
            if (!reader) return reader.error();
            return std::unique_ptr<ByteSource>(std::move(*reader));
          },
          .failed =
              [this](Error error) {
                strand_.post(
                    [this, error = std::move(error)]() mutable { core_.storage_failed(std::move(error), now()); });
              }});
  log_thread_ = std::make_unique<LogThread>(
      std::move(parts.storage),
      LogThread::Reports{.persisted =
                             [this](std::uint64_t number, Instant begun) {
                               disk_healthy_.store(true, std::memory_order_relaxed);
                               (is_leader() ? node_metrics().dispatch_log : node_metrics().store_logs).add_since(begun);
                               persisted(number);
                             },
                         .refused =
                             [this](Error error) {
                               disk_healthy_.store(false, std::memory_order_relaxed);
                               say(Severity::error, error.detail + "; writes are refused until there is space");
                               strand_.post([this, error = std::move(error)]() mutable {
                                 core_.write_refused(std::move(error), now());
                               });
                             },
                         .failed =
                             [this](Error error) {
                               disk_healthy_.store(false, std::memory_order_relaxed);
                               strand_.post([this, error = std::move(error)]() mutable {
                                 core_.storage_failed(std::move(error), now());
                               });
                             },
                         .read =
                             [this](std::uint64_t token, Result<std::vector<EntryPtr>> entries) {
                               strand_.post([this, token, entries = std::move(entries)]() mutable {
                                 core_.log_read(token, std::move(entries), now());
                               });
                             }});
  stop_showing_ = base::metrics::before_show([this] {
    node_metrics().applied_index.set(static_cast<double>(applied().value));
    node_metrics().last_index.set(static_cast<double>(last_index().value));
    const std::int64_t oldest = log_thread_->oldest();
    const auto now = std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch());
    if (is_leader()) {
      node_metrics().oldest_log.set(oldest == 0 ? 0 : std::max(0.0, now.count() - static_cast<double>(oldest) * 1e3));
    } else {
      node_metrics().oldest_log.clear();
    }
  });
  transport_.start(*this);
  strand_.post([this] {
    if (options_.bootstrap && core_.term().value == 0 && core_.log().last().value == 0) {
      if (Result<> bootstrapped = core_.bootstrap(*options_.bootstrap, now()); !bootstrapped) {
        say(Severity::error, "failed to bootstrap the cluster: " + bootstrapped.error().detail);
      }
    }
    core_.tick(now());
  });
  timer_ = std::thread([this] { run_timer(); });
  ::pthread_setname_np(timer_.native_handle(), "raft-timer");
}

Node::~Node() {
  stop();
}

void Node::stop() {
  const std::lock_guard once(stop_once_);
  if (stopping_.exchange(true)) return;
  stop_showing_();
  strand_.post([this] {
    if (!stopped_) stopped_ = kShutDown;
    fail_waiting_above({0}, kShutDown);
    for (auto& [read, done] : reading_) done(kShutDown);
    reading_.clear();
    for (auto& done : want_snapshot_) done(kShutDown);
    want_snapshot_.clear();
    if (transfer_done_) std::exchange(transfer_done_, nullptr)(kShutDown);
  });
  transport_.stop();
  log_thread_->stop();
  fsm_queue_->stop();
  timer_bell_.ring();
  timer_.join();
  // Nobody starts another one: `stopping_` is set, and what a thread posts meanwhile starts none.
  std::list<Background> last;
  {
    const std::lock_guard lock(background_lock_);
    last.swap(background_);
  }
  for (Background& background : last) background.thread.join();
  strand_.post([this] {
    for (auto& done : want_this_snapshot_) done(kShutDown);
    want_this_snapshot_.clear();
    if (restore_done_) std::exchange(restore_done_, nullptr)(kShutDown);
  });
  strand_.settle();
}

// ---- What the strand does ----

bool Node::refuses() {
  return stopped_.has_value();
}

void Node::after_round() {
  Effects effects = core_.take();
  // Before a message leaves that lets another server lead.
  if (is_leader()) lease_end_.store(core_.lease_end(now()), std::memory_order_release);
  // Before a follower hears of it, and shows what this server has not applied yet.
  committed_.store(core_.commit().value, std::memory_order_release);
  if (!effects.empty()) carry_out(std::move(effects));

  term_.store(core_.term().value, std::memory_order_relaxed);
  last_index_.store(core_.log().last().value, std::memory_order_relaxed);
  if (const auto heard = core_.last_contact(); heard && *heard > last_contact_.load(std::memory_order_relaxed)) {
    last_contact_.store(*heard, std::memory_order_relaxed);
  }
  // An entry of its own term is committed; it counts from when it is applied.
  if (role_.load(std::memory_order_relaxed) == Role::leader && !ready_.load(std::memory_order_relaxed) &&
      core_.log().term_at(core_.commit()) == core_.term() &&
      fsm_queue_->applied() >= core_.log().term_start(core_.commit())) {
    ready_.store(true, std::memory_order_release);
  }
  const Instant next = core_.next_tick();
  next_tick_.store(next);
  if (std::exchange(ticked_, false)) tick_waits_.store(false);
  if (next < armed_.load()) timer_bell_.ring();
}

bool Node::is_current() const {
  return is_ready() && now() < lease_end_.load(std::memory_order_acquire) &&
         fsm_queue_->applied().value >= committed_.load(std::memory_order_acquire);
}

void Node::run_timer() {
  while (!stopping_) {
    strand_.run_on();
    // One at a time: a strand that is slow would get them faster than it can do them, and do nothing else any more.
    if (next_tick_.load() <= now() && !tick_waits_.exchange(true)) {
      strand_.post([this] {
        ticked_ = true;
        core_.tick(now());
      });
    }
    // Published before the deadline is looked at again: after_round either sees it or was seen.
    const Instant latest = now() + kTimerSlack;
    const Instant armed = tick_waits_.load() ? latest : std::min(next_tick_.load(), latest);
    armed_.store(armed);
    if (!tick_waits_.load() && next_tick_.load() < armed) continue;
    timer_bell_.wait(armed);
  }
  strand_.run_on();
}

void Node::carry_out(Effects effects) {
  if (effects.write && !stopped_) {
    const bool leads = role_.load(std::memory_order_relaxed) == Role::leader;
    if (leads) node_metrics().dispatched.set(static_cast<double>(effects.write->entries.size()));
    log_thread_->write(std::move(*effects.write), effects.write_number);
  }
  for (Message& message : effects.messages) send(std::move(message));
  for (const RoleChange& change : effects.roles) changed_role(change);
  for (FsmStep& step : effects.fsm) {
    FsmQueue::Work work;
    const bool small = !step.restore && step.entries.size() <= kSmallStep;
    work.restore = std::move(step.restore);
    if (!step.entries.empty()) {
      const LogIndex last = step.entries.back()->index;
      while (!waiting_.empty() && waiting_.front().index <= last) {
        work.waiters.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    work.entries = std::move(step.entries);
    const Instant begun = now();
    if (!work.waiters.empty()) {
      node_metrics().commit_time.add_since(work.waiters.front().since);
      node_metrics().committed.set(static_cast<double>(work.entries.size()));
    }
    give_to_fsm(std::move(work), small);
    node_metrics().fsm_enqueue.add_since(begun);
  }
  if (effects.lost) fail_waiting_above(effects.lost->above, effects.lost->error);
  for (const LogRead& read : effects.log_reads) log_thread_->read(read);
  if (effects.compact) log_thread_->compact(*effects.compact);
  answer_reads(effects.reads);
  if (effects.transfer && transfer_done_) std::exchange(transfer_done_, nullptr)(*effects.transfer);
  for (const SnapshotReceive& receive : effects.receive_snapshots) store_received(receive);
  if (effects.store_user_snapshot) store_user_snapshot(std::move(*effects.store_user_snapshot));
  if (effects.take_snapshot) {
    snapshot_asked_by_core_ = true;
    if (!snapshot_running_) begin_snapshot();
  }
  if (effects.halt) halt(std::move(*effects.halt));
}

void Node::send(Message message) {
  const auto* snapshot = std::get_if<SnapshotRequest>(&message.body);
  if (snapshot == nullptr) return transport_.send(std::move(message));
  auto open = [this, id = snapshot->meta.id] {
    Result<std::unique_ptr<SnapshotReader>> reader = snapshots_->read(id);
    if (!reader) say(Severity::error, "failed to send a snapshot: " + reader.error().detail);
    return reader;
  };
  transport_.send_snapshot(std::move(message), std::move(open));
}

void Node::give_to_fsm(FsmQueue::Work work, bool small) {
  if (!fsm_queue_->push(std::move(work))) return;
  // Other reports of the log thread run what others have posted, too: nobody would look for work that they leave here.
  if (small && log_thread_->running_here() && log_thread_takes_fsm_ && log_thread_->idle()) {
    log_thread_has_fsm_ = true;
  } else {
    fsm_queue_->wake();
  }
}

void Node::persisted(std::uint64_t number) {
  log_thread_takes_fsm_ = true;
  strand_.post([this, number] { core_.persisted(number, now()); });
  log_thread_takes_fsm_ = false;
  if (std::exchange(log_thread_has_fsm_, false)) fsm_queue_->run_here([this] { return !log_thread_->idle(); });
}

void Node::fail_waiting_above(LogIndex index, const Error& error) {
  while (!waiting_.empty() && waiting_.back().index > index) {
    WhenApplied done = std::move(waiting_.back().callback);
    waiting_.pop_back();
    done(error);
  }
}

void Node::wait_for(LogIndex index, WhenApplied done) {
  waiting_.push_back({index, std::move(done), now()});
}

void Node::answer_reads(std::vector<ReadAnswer>& answers) {
  for (ReadAnswer& answer : answers) {
    auto found = reading_.find(answer.read);
    if (found == reading_.end()) continue;
    WhenDone done = std::move(found->second);
    reading_.erase(found);
    if (!answer.index) {
      done(answer.index.error());
    } else {
      fsm_queue_->when_applied(*answer.index, std::move(done));
    }
  }
}

void Node::changed_role(const RoleChange& change) {
  if (change.role != Role::leader) ready_.store(false, std::memory_order_release);
  if (leader_.load()->id != change.leader || leader_.load()->address != change.leader_address) {
    leader_.store(&leaders_.emplace_back(Leader{change.leader, change.leader_address}), std::memory_order_release);
  }
  const NodeMetrics& metrics = node_metrics();
  // Until now what this server said was the leader's: not the age of a leader that it heard before its own time.
  if (change.role != Role::leader && is_leader()) last_contact_.store(now(), std::memory_order_relaxed);
  if (role_.exchange(change.role, std::memory_order_acq_rel) != change.role) {
    switch (change.role) {
      case Role::leader:
        metrics.state_leader.add();
        break;
      case Role::candidate:
        metrics.state_candidate.add();
        break;
      case Role::follower:
        metrics.state_follower.add();
        break;
    }
  }
  if (change.role == Role::leader) metrics.peers.set(static_cast<double>(core_.status().configuration.servers.size()));
  term_.store(change.term.value, std::memory_order_relaxed);
  if (options_.on_role) options_.on_role(change);
}

void Node::halt(Error error) {
  say(Severity::error, "raft stops: " + error.detail);
  stopped_ = error;
  fail_waiting_above({0}, error);
  for (auto& [read, done] : reading_) done(error);
  reading_.clear();
}

void Node::begin_snapshot() {
  snapshot_running_ = true;
  snapshot_begun_ = now();
  snapshot_asked_by_core_ = false;
  want_this_snapshot_ = std::exchange(want_snapshot_, {});
  const auto take = [this](Fsm& fsm, LogIndex applied) {
    const Instant begun = now();
    std::shared_ptr<FsmSnapshot> state = fsm.snapshot();
    node_metrics().fsm_snapshot.add_since(begun);
    strand_.post([this, state = std::move(state), applied]() mutable {
      Result<SnapshotMeta> meta = core_.snapshot_meta(applied);
      if (!meta) return end_snapshot(std::move(meta));
      in_background([this, state = std::move(state), meta = std::move(*meta)]() mutable {
        base::give_way();
        Result<SnapshotMeta> stored = persist(std::move(state), std::move(meta));
        strand_.post([this, stored = std::move(stored)]() mutable { end_snapshot(std::move(stored)); });
      });
    });
  };
  give_to_fsm({.call = take}, false);
}

Result<SnapshotMeta> Node::persist(std::shared_ptr<FsmSnapshot> state, SnapshotMeta meta) {
  Instant begun = now();
  Result<std::unique_ptr<SnapshotWriter>> writer = snapshots_->create(std::move(meta));
  if (!writer) return writer.error();
  node_metrics().snapshot_create.add_since(begun);
  begun = now();
  if (Result<> written = state->write(**writer); !written) return written.error();
  Result<SnapshotMeta> stored = (*writer)->commit();
  node_metrics().snapshot_persist.add_since(begun);
  return stored;
}

void Node::end_snapshot(Result<SnapshotMeta> meta) {
  if (!meta && meta.error().code != Errc::not_found)
    say(Severity::error, "failed to take a snapshot: " + meta.error().detail);
  for (auto& done : std::exchange(want_this_snapshot_, {})) done(meta);
  if (meta) node_metrics().snapshot_take.add_since(snapshot_begun_);
  core_.snapshot_stored(std::move(meta), now());
  snapshot_running_ = false;
  if (!stopped_ && (snapshot_asked_by_core_ || !want_snapshot_.empty())) begin_snapshot();
}

void Node::store_received(const SnapshotReceive& receive) {
  in_background([this, receive] {
    const Instant begun = now();
    Result<SnapshotMeta> stored = [&]() -> Result<SnapshotMeta> {
      Result<std::unique_ptr<ByteSource>> bytes = transport_.snapshot_bytes(receive.from, receive.call);
      if (!bytes) return bytes.error();
      SnapshotMeta meta = receive.meta;
      meta.id.clear();
      Result<std::unique_ptr<SnapshotWriter>> writer = snapshots_->create(std::move(meta));
      if (!writer) return writer.error();
      if (Result<> copied = copy(**bytes, **writer, receive.meta.size, stopping_); !copied) return copied.error();
      return (*writer)->commit();
    }();
    node_metrics().install_snapshot.add_since(begun);
    if (!stored)
      say(Severity::error, "failed to receive a snapshot from " + receive.from.value + ": " + stored.error().detail);
    strand_.post([this, token = receive.token, stored = std::move(stored)]() mutable {
      core_.snapshot_received(token, std::move(stored), now());
    });
  });
}

void Node::store_user_snapshot(SnapshotMeta meta) {
  std::shared_ptr<ByteSource> source = std::move(restore_source_);
  in_background([this, source = std::move(source), meta = std::move(meta)]() mutable {
    Result<SnapshotMeta> stored = [&]() -> Result<SnapshotMeta> {
      if (!source) return {Errc::internal, "no archive to restore"};
      Result<std::unique_ptr<SnapshotWriter>> writer = snapshots_->create(std::move(meta));
      if (!writer) return writer.error();
      if (Result<> copied = copy(*source, **writer, {}, stopping_); !copied) return copied.error();
      return (*writer)->commit();
    }();
    source.reset();
    strand_.post([this, stored = std::move(stored)]() mutable {
      const std::optional<Error> failed = stored ? std::nullopt : std::optional(stored.error());
      Result<LogIndex> index = core_.user_snapshot_stored(std::move(stored), base::system_clock().wall(), now());
      // What was proposed before is lost to the restore; the no-op that ends it is not: it waits from here on.
      carry_out(core_.take());
      WhenDone done = std::exchange(restore_done_, nullptr);
      if (!done) return;
      node_metrics().restore_user_snapshot.add_since(restore_begun_);
      if (failed) return done(*failed);
      if (!index) return done(index.error());
      wait_for(*index, [done = std::move(done)](Result<Completion> completion) mutable { done(index_of(completion)); });
    });
  });
}

void Node::in_background(std::move_only_function<void()> task) {
  const std::lock_guard lock(background_lock_);
  std::erase_if(background_, [](Background& background) {
    if (!background.finished->load()) return false;
    background.thread.join();
    return true;
  });
  if (stopping_) {
    // Not run: the callbacks that would hear of it are told by stop().
    return;
  }
  auto finished = std::make_shared<std::atomic<bool>>(false);
  background_.push_back({std::thread([task = std::move(task), finished]() mutable {
                           task();
                           task = nullptr;
                           finished->store(true);
                         }),
                         finished});
}

void Node::say(Severity severity, const std::string& text) const {
  if (options_.log) options_.log(severity, text);
}

// ---- What others ask for ----

void Node::receive(Message message) {
  strand_.post([this, message = std::move(message)]() mutable {
    if (!refuses()) core_.receive(std::move(message), now());
  });
}

void Node::request_failed(ServerId peer, std::uint64_t call) {
  strand_.post([this, peer = std::move(peer), call] {
    if (!refuses()) core_.request_failed(peer, call, now());
  });
}

void Node::peer_gone(ServerId peer) {
  strand_.post([this, peer = std::move(peer)] {
    if (!refuses()) core_.peer_gone(peer, now());
  });
}

void Node::propose(std::string data, WhenApplied done) {
  propose(std::move(data), {}, std::move(done));
}

void Node::propose(std::string data, std::string extensions, WhenApplied done) {
  strand_.post([this, data = std::move(data), extensions = std::move(extensions), done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    node_metrics().apply.add();
    Result<LogIndex> index =
        core_.propose(EntryType::command, std::move(data), std::move(extensions), base::system_clock().wall(), now());
    if (!index) return done(index.error());
    wait_for(*index, std::move(done));
  });
}

void Node::barrier(WhenDone done) {
  strand_.post([this, done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    node_metrics().barrier.add();
    Result<LogIndex> index = core_.propose(EntryType::barrier, {}, {}, base::system_clock().wall(), now());
    if (!index) return done(index.error());
    wait_for(*index, [done = std::move(done)](Result<Completion> completion) mutable { done(index_of(completion)); });
  });
}

void Node::verify_leader(ReadMode mode, WhenDone done) {
  strand_.post([this, mode, done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    node_metrics().verify_leader.add();
    const std::uint64_t read = next_read_++;
    reading_.emplace(read, std::move(done));
    core_.read(read, mode, now());
  });
}

void Node::bootstrap(Configuration configuration, std::move_only_function<void(Result<>)> done) {
  strand_.post([this, configuration = std::move(configuration), done = std::move(done)]() mutable {
    done(stopped_ ? Result<>(*stopped_) : core_.bootstrap(std::move(configuration), now()));
  });
}

void Node::change_membership(MembershipChange change, LogIndex previous, WhenDone done) {
  strand_.post([this, change = std::move(change), previous, done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    Result<LogIndex> index = core_.change_membership(change, previous, base::system_clock().wall(), now());
    if (!index) return done(index.error());
    wait_for(*index, [done = std::move(done)](Result<Completion> completion) mutable { done(index_of(completion)); });
  });
}

void Node::transfer_leadership(ServerId target, std::move_only_function<void(Result<>)> done) {
  strand_.post([this, target = std::move(target), done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    if (Result<> begun = core_.transfer_leadership(target, now()); !begun) return done(begun.error());
    transfer_done_ = std::move(done);
  });
}

void Node::snapshot(std::move_only_function<void(Result<SnapshotMeta>)> done) {
  strand_.post([this, done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    want_snapshot_.push_back(std::move(done));
    if (!snapshot_running_) begin_snapshot();
  });
}

void Node::restore(std::unique_ptr<ByteSource> source, const SnapshotMeta& archive, WhenDone done) {
  strand_.post([this, source = std::move(source), index = archive.index, done = std::move(done)]() mutable {
    if (stopped_) return done(*stopped_);
    if (restore_done_) return done(Error{Errc::unavailable, "another restore is under way"});
    if (Result<> begun = core_.restore(index, now()); !begun) return done(begun.error());
    node_metrics().restore.add();
    restore_begun_ = now();
    restore_source_ = std::move(source);
    restore_done_ = std::move(done);
  });
}

void Node::reconfigure(const SnapshotOptions& options) {
  strand_.post([this, options] { core_.reconfigure(options, now()); });
}

Status Node::status() {
  if (strand_.running_here()) return core_.status();
  Status status;
  Doorbell told;
  strand_.post([&] {
    status = core_.status();
    told.ring();
  });
  told.wait();
  return status;
}

base::Duration Node::since_contact() const {
  if (is_leader()) return {};
  const Instant heard = last_contact_.load(std::memory_order_relaxed);
  if (heard == Instant::min()) return {std::numeric_limits<std::int64_t>::max()};
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(now() - heard).count();
  return {std::max<std::int64_t>(since, 0)};
}

std::map<std::string, std::string> Node::stats() {
  static constexpr const char* kSuffrages[] = {"Voter", "Nonvoter", "Staging"};
  static constexpr const char* kStates[] = {"Follower", "Candidate", "Leader"};
  const Status status = this->status();
  std::string servers;
  std::size_t peers = 0;
  bool member = false;
  for (const Server& server : status.configuration.servers) {
    if (!servers.empty()) servers += ' ';
    servers += "{Suffrage:" + std::string(kSuffrages[static_cast<int>(server.suffrage)]) + " ID:" + server.id.value +
               " Address:" + server.address + "}";
    if (server.suffrage != Suffrage::voter) continue;
    if (server.id == options_.id)
      member = true;
    else
      ++peers;
  }
  std::string contact = "never";
  if (status.role == Role::leader) {
    contact = "0";
  } else if (last_contact_.load() != Instant::min()) {
    contact = base::to_string(since_contact());
  }
  return {{"state", stopping_ ? "Shutdown" : kStates[static_cast<int>(status.role)]},
          {"term", std::to_string(status.term.value)},
          {"last_log_index", std::to_string(status.last_index.value)},
          {"last_log_term", std::to_string(status.last_term.value)},
          {"commit_index", std::to_string(status.commit.value)},
          {"applied_index", std::to_string(applied().value)},
          {"fsm_pending", std::to_string(fsm_queue_->pending())},
          {"last_snapshot_index", std::to_string(status.snapshot_index.value)},
          {"last_snapshot_term", std::to_string(status.snapshot_term.value)},
          {"protocol_version", "3"},
          {"protocol_version_min", "0"},
          {"protocol_version_max", "3"},
          {"snapshot_version_min", "0"},
          {"snapshot_version_max", "1"},
          {"latest_configuration_index", std::to_string(status.configuration_index.value)},
          {"latest_configuration", "[" + servers + "]"},
          {"last_contact", contact},
          {"num_peers", std::to_string(member ? peers : 0)}};
}

}  // namespace proconsul::raft
