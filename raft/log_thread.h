// The one thread that waits for the log's disk. Whatever queued up while it waited goes into the next write.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "raft/doorbell.h"
#include "raft/effects.h"
#include "raft/storage.h"

namespace proconsul::raft {

class LogThread {
 public:
  /// Called on the log thread.
  struct Reports {
    std::function<void(std::uint64_t write_number, std::chrono::steady_clock::time_point begun)> persisted;
    std::function<void(base::Error)> refused;  // once per time that the disk is full; the write is tried again
    std::function<void(base::Error)> failed;   // will not pass; nothing is written any more
    std::function<void(std::uint64_t token, base::Result<std::vector<EntryPtr>>)> read;
  };
  LogThread(std::unique_ptr<Storage> storage, Reports reports);
  ~LogThread();
  /// Writes what is queued, as far as the disk lets it, and ends.
  void stop();

  void write(StorageWrite write, std::uint64_t number);
  void compact(LogIndex up_to);
  void read(LogRead read);

  bool running_here() const { return std::this_thread::get_id() == id_.load(std::memory_order_relaxed); }
  /// When the first entry of the log was made, in seconds since 1970; 0: there is none. Any thread.
  std::int64_t oldest() const { return oldest_.load(std::memory_order_relaxed); }
  bool idle() const { return queued_.load(std::memory_order_relaxed) == 0; }

 private:
  struct Item {
    enum class Kind : std::uint8_t { write, compact, read } kind;
    StorageWrite write{};
    std::uint64_t number{};
    LogIndex up_to{};
    LogRead read{};
  };
  void push(Item item);
  void run();
  bool take(std::vector<Item>& items);
  bool write_durably(StorageWrite& write, std::uint64_t number, bool last);
  void withdraw(StorageWrite& write, std::uint64_t& number);
  void serve(const LogRead& read);
  void look_at_oldest();

  std::unique_ptr<Storage> storage_;
  Reports reports_;
  Doorbell bell_;
  std::mutex entering_;
  std::vector<Item> waiting_;  // guarded by entering_
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::int64_t> oldest_{0};
  std::atomic<bool> stopping_{false};
  bool failed_ = false;
  std::atomic<std::thread::id> id_{};
  std::thread thread_;
};

}  // namespace proconsul::raft
