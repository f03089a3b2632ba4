#include "raft/log_thread.h"

#include <pthread.h>

#include <algorithm>

#include "raft/node_metrics.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;

constexpr auto kRetryFullDisk = std::chrono::milliseconds(200);
constexpr std::size_t kMergeBytes = std::size_t{4} << 20;

std::size_t bytes_of(const StorageWrite& write) {
  std::size_t bytes = 0;
  for (const EntryPtr& entry : write.entries) bytes += entry->data.size() + entry->extensions.size();
  return bytes;
}

}  // namespace

LogThread::LogThread(std::unique_ptr<Storage> storage, Reports reports)
    : storage_(std::move(storage)), reports_(std::move(reports)), thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "raft-log");
}

LogThread::~LogThread() {
  stop();
}

void LogThread::stop() {
  stopping_ = true;
  bell_.ring();
  if (thread_.joinable()) thread_.join();
}

void LogThread::push(Item item) {
  {
    const std::lock_guard lock(entering_);
    waiting_.push_back(std::move(item));
    queued_.store(waiting_.size(), std::memory_order_relaxed);
  }
  // From the log thread itself there is nobody to wake: it looks again before it sleeps.
  if (!running_here()) bell_.ring();
}

void LogThread::write(StorageWrite write, std::uint64_t number) {
  push({.kind = Item::Kind::write, .write = std::move(write), .number = number});
}
void LogThread::compact(LogIndex up_to) {
  push({.kind = Item::Kind::compact, .up_to = up_to});
}
void LogThread::read(LogRead read) {
  push({.kind = Item::Kind::read, .read = read});
}

bool LogThread::take(std::vector<Item>& items) {
  items.clear();
  const std::lock_guard lock(entering_);
  items.swap(waiting_);
  queued_.store(0, std::memory_order_relaxed);
  return !items.empty();
}

void LogThread::look_at_oldest() {
  const LogIndex first = storage_->first_index();
  if (first.value == 0) return oldest_.store(0, std::memory_order_relaxed);
  const Result<std::vector<EntryPtr>> entry = storage_->read(first, first, 1);
  if (!entry || entry->empty()) return;
  oldest_.store(base::unix_seconds(entry->front()->appended_at), std::memory_order_relaxed);
}

void LogThread::serve(const LogRead& read) {
  reports_.read(read.token, storage_->read(read.first, read.last, read.max_bytes));
}

// True once it is on disk. A full disk is waited for: reads are served meanwhile, everything else stays queued.
bool LogThread::write_durably(StorageWrite& write, std::uint64_t number, bool last) {
  for (bool told = false;;) {
    const auto begun = std::chrono::steady_clock::now();
    Result<> written = storage_->write(write);
    if (written) {
      reports_.persisted(number, begun);
      if (oldest() == 0) look_at_oldest();
      return true;
    }
    if (written.error().code != Errc::unavailable) {
      failed_ = true;
      reports_.failed(written.error());
      return false;
    }
    if (!told) reports_.refused(written.error());
    told = true;
    const auto again = std::chrono::steady_clock::now() + kRetryFullDisk;
    while (std::chrono::steady_clock::now() < again) {
      if (stopping_) return false;
      std::vector<LogRead> reads;
      {
        const std::lock_guard lock(entering_);
        std::erase_if(waiting_, [&](const Item& item) {
          if (item.kind != Item::Kind::read) return false;
          reads.push_back(item.read);
          return true;
        });
        queued_.store(waiting_.size(), std::memory_order_relaxed);
      }
      for (const LogRead& read : reads) serve(read);
      if (last) withdraw(write, number);
      bell_.wait(again);
    }
  }
}

// The core may take back entries that were refused. Then they must not reach the disk, not even for a moment in which a
// crash would keep them.
void LogThread::withdraw(StorageWrite& write, std::uint64_t& number) {
  const std::lock_guard lock(entering_);
  while (!waiting_.empty() && waiting_.front().kind == Item::Kind::write) {
    Item& next = waiting_.front();
    if (!next.write.truncate_from || write.entries.empty() || *next.write.truncate_from > write.entries.front()->index)
      return;
    if (write.truncate_from) next.write.truncate_from = std::min(*write.truncate_from, *next.write.truncate_from);
    if (!next.write.hard_state) next.write.hard_state = std::move(write.hard_state);
    write = std::move(next.write);
    number = next.number;
    waiting_.erase(waiting_.begin());
    queued_.store(waiting_.size(), std::memory_order_relaxed);
  }
}

void LogThread::run() {
  id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::vector<Item> items;
  look_at_oldest();
  for (;;) {
    if (!take(items)) {
      if (stopping_) return;
      bell_.wait();
      continue;
    }
    for (std::size_t at = 0; at < items.size(); ++at) {
      Item& item = items[at];
      switch (item.kind) {
        case Item::Kind::read:
          serve(item.read);
          break;
        case Item::Kind::compact:
          // Not fatal: the entries merely stay until the next time.
          if (!failed_) {
            const auto begun = std::chrono::steady_clock::now();
            (void)storage_->compact(item.up_to);
            node_metrics().compact_logs.add_since(begun);
            look_at_oldest();
          }
          break;
        case Item::Kind::write: {
          // One sync for all that wait; a truncation begins anew, since it may concern what came before it.
          std::size_t bytes = at + 1 < items.size() ? bytes_of(item.write) : 0;
          while (at + 1 < items.size() && items[at + 1].kind == Item::Kind::write &&
                 !items[at + 1].write.truncate_from && bytes < kMergeBytes) {
            Item& next = items[++at];
            bytes += bytes_of(next.write);
            item.write.entries.insert(item.write.entries.end(), std::make_move_iterator(next.write.entries.begin()),
                                      std::make_move_iterator(next.write.entries.end()));
            if (next.write.hard_state) item.write.hard_state = std::move(next.write.hard_state);
            item.number = next.number;
          }
          if (!failed_ && !write_durably(item.write, item.number, at + 1 == items.size()) && stopping_) return;
          break;
        }
      }
    }
  }
}

}  // namespace proconsul::raft
