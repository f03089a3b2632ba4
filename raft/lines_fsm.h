// Tests only: a state machine whose state is the list of its commands.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "raft/fsm.h"

namespace proconsul::raft {

/// Appends lines; the response is the number of lines so far.
class LinesFsm final : public Fsm {
 public:
  void apply(std::span<Applied> batch) override {
    const std::lock_guard lock(lock_);
    for (Applied& one : batch) {
      lines_.push_back(one.entry->data);
      if (one.wanted) one.response = lines_.size();
    }
  }
  std::unique_ptr<FsmSnapshot> snapshot() override {
    struct Lines final : FsmSnapshot {
      std::vector<std::string> lines;
      base::Result<> write(ByteSink& sink) override {
        for (const std::string& line : lines) {
          if (base::Result<> written = sink.write(line + "\n"); !written) return written;
        }
        return {};
      }
    };
    auto taken = std::make_unique<Lines>();
    taken->lines = lines();
    return taken;
  }
  base::Result<> restore(ByteSource& source) override {
    std::string text;
    char buffer[777];
    for (;;) {
      base::Result<std::size_t> got = source.read(buffer);
      if (!got) return got.error();
      if (*got == 0) break;
      text.append(buffer, *got);
    }
    std::vector<std::string> lines;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      lines.push_back(text.substr(at, end - at));
    const std::lock_guard lock(lock_);
    lines_ = std::move(lines);
    return {};
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(lock_);
    return lines_;
  }
  /// Nothing is applied while it is held.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(lock_); }

 private:
  mutable std::mutex lock_;
  std::vector<std::string> lines_;
};

}  // namespace proconsul::raft
