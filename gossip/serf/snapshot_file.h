// The file of a snapshot (gossip.md B10), written apart from the loop: a disk that stalls must not stall gossip.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/background.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/net/socket.h"
#include "base/result.h"
#include "gossip/serf/snapshot.h"

namespace proconsul::gossip::serf {

class SnapshotFile final : public SnapshotStore {
 public:
  /// Reads what is there into `content`, and makes the file and its folder where they are missing.
  static base::Result<std::unique_ptr<SnapshotFile>> open(const std::string& path, std::string& content,
                                                          base::log::Logger log, const base::metrics::Labels& labels);
  /// Waits until everything is written.
  ~SnapshotFile() override = default;

  void append(std::string lines, bool sync) override;
  void replace(std::string content) override;
  bool healthy() const override { return healthy_.load(std::memory_order_acquire); }

 private:
  struct Write {
    std::string bytes{};
    bool whole = false;
    bool sync = false;
  };
  SnapshotFile(std::string path, base::net::Fd file, base::log::Logger log, const base::metrics::Labels& labels);
  void push(Write write);
  void work();  // until nothing is left; on a thread of its own
  base::Result<> carry_out(const Write& write);

  std::string path_;
  base::net::Fd file_;  // the worker's
  base::log::Logger log_;
  base::metrics::Sample append_time_;
  base::metrics::Sample compact_time_;
  std::atomic<bool> healthy_{true};
  std::mutex mutex_{};
  std::deque<Write> writes_{};
  bool working_ = false;
  base::Background background_{};  // the last: it ends before the rest goes
};

}  // namespace proconsul::gossip::serf
