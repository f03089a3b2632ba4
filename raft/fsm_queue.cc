#include "raft/fsm_queue.h"

#include <pthread.h>

#include "raft/node_metrics.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kGuestEntries = 64;  // more of them are left to the FSM thread

const Error kShutDown{Errc::unavailable, "raft is already shutdown"};

}  // namespace

FsmQueue::FsmQueue(Fsm& fsm, LogIndex applied, Reports reports)
    : fsm_(fsm), reports_(std::move(reports)), applied_(applied.value), thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "raft-fsm");
}

FsmQueue::~FsmQueue() {
  stop();
}

void FsmQueue::stop() {
  std::deque<Work> dropped;
  std::vector<Reader> readers;
  {
    const std::lock_guard lock(entering_);
    stopped_ = true;
    dropped.swap(waiting_);
    readers.swap(readers_);
  }
  for (Work& work : dropped) {
    for (Waiter& waiter : work.waiters) waiter.callback(kShutDown);
  }
  for (Reader& reader : readers) reader.callback(kShutDown);
  stopping_ = true;
  bell_.ring();
  if (thread_.joinable()) thread_.join();
}

bool FsmQueue::push(Work work) {
  {
    const std::lock_guard lock(entering_);
    if (!stopped_) {
      pending_.fetch_add(work.entries.size(), std::memory_order_relaxed);
      waiting_.push_back(std::move(work));
      return !std::exchange(owned_, true);
    }
  }
  for (Waiter& waiter : work.waiters) waiter.callback(kShutDown);
  return false;
}

void FsmQueue::wake() {
  handed_.store(true, std::memory_order_release);
  bell_.ring();
}

bool FsmQueue::next(Work& work) {
  const std::lock_guard lock(entering_);
  if (waiting_.empty()) {
    owned_ = false;
    return false;
  }
  work = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

void FsmQueue::run_here(const std::function<bool()>& busy) {
  for (;;) {
    if (busy()) return wake();
    Work work;
    {
      const std::lock_guard lock(entering_);
      if (waiting_.empty()) {
        owned_ = false;
        return;
      }
      const Work& first = waiting_.front();
      if (first.restore || first.call || first.entries.size() > kGuestEntries) return wake();
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    perform(work);
  }
}

void FsmQueue::run() {
  while (!stopping_) {
    bell_.wait();
    if (!handed_.exchange(false, std::memory_order_acquire)) continue;
    for (Work work; !stopping_ && next(work); work = {}) perform(work);
  }
}

void FsmQueue::perform(Work& work) {
  const auto begun = std::chrono::steady_clock::now();
  work_off(work);
  saturation_.worked(begun, std::chrono::steady_clock::now());
}

void FsmQueue::work_off(Work& work) {
  if (work.restore) {
    const auto begun = std::chrono::steady_clock::now();
    Result<std::unique_ptr<ByteSource>> source = reports_.open(*work.restore);
    Result<> restored = source ? fsm_.restore(**source) : Result<>(source.error());
    node_metrics().fsm_restore.add_since(begun);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    node_metrics().restore_duration.set(took.count());
    if (!restored) {
      for (Waiter& waiter : work.waiters) waiter.callback(restored.error());
      pending_.fetch_sub(work.entries.size(), std::memory_order_relaxed);
      return reports_.failed(restored.error());
    }
    publish(work.restore->index);
    if (work.entries.empty()) reports_.applied(work.restore->index);
  }
  if (!work.entries.empty()) apply(work.entries, work.waiters);
  if (work.call) work.call(fsm_, applied());
}

void FsmQueue::apply(std::vector<EntryPtr>& entries, std::vector<Waiter>& waiters) {
  batch_.clear();
  std::size_t waiter = 0;
  for (const EntryPtr& entry : entries) {
    while (waiter < waiters.size() && waiters[waiter].index < entry->index) ++waiter;
    if (entry->type != EntryType::command) continue;
    batch_.push_back({entry.get(), waiter < waiters.size() && waiters[waiter].index == entry->index, {}});
  }
  if (!batch_.empty()) {
    const auto begun = std::chrono::steady_clock::now();
    fsm_.apply(batch_);
    node_metrics().fsm_apply.add_since(begun);
  }
  const LogIndex last = entries.back()->index;
  pending_.fetch_sub(entries.size(), std::memory_order_relaxed);
  publish(last);

  std::size_t at = 0;
  for (Waiter& waiting : waiters) {
    while (at < batch_.size() && batch_[at].entry->index < waiting.index) ++at;
    Completion completion{waiting.index, {}};
    if (at < batch_.size() && batch_[at].entry->index == waiting.index)
      completion.response = std::move(batch_[at].response);
    waiting.callback(std::move(completion));
  }
  reports_.applied(last);
}

void FsmQueue::publish(LogIndex last) {
  applied_.store(last.value);  // sequentially consistent, as the flag is: see when_applied
  if (!has_readers_.load()) return;
  std::vector<Reader> ready;
  {
    const std::lock_guard lock(entering_);
    std::erase_if(readers_, [&](Reader& reader) {
      if (reader.index > last) return false;
      ready.push_back(std::move(reader));
      return true;
    });
    has_readers_ = !readers_.empty();
  }
  for (Reader& reader : ready) reader.callback(last);
}

void FsmQueue::when_applied(LogIndex index, std::move_only_function<void(Result<LogIndex>)> callback) {
  if (applied() >= index) return callback(applied());
  bool stopped = false;
  {
    const std::lock_guard lock(entering_);
    stopped = stopped_;
    if (!stopped) {
      has_readers_ = true;
      // Looked at again behind the flag: the FSM either sees the flag or has published by now.
      if (applied_.load() < index.value) {
        readers_.push_back({index, std::move(callback)});
        return;
      }
    }
  }
  if (stopped) return callback(kShutDown);
  callback(applied());
}

}  // namespace proconsul::raft
