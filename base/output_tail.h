// The end of what a check puts out: a ring that keeps the last bytes and counts all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace proconsul::base {

class OutputTail {
 public:
  explicit OutputTail(std::size_t limit) : limit_(limit) {}

  void append(std::string_view data) {
    total_ += data.size();
    if (data.size() > limit_) data.remove_prefix(data.size() - limit_);
    const std::size_t room = limit_ - ring_.size();
    ring_.append(data.substr(0, room));
    for (data.remove_prefix(data.size() < room ? data.size() : room); !data.empty();) {
      const std::size_t piece = data.size() < limit_ - begin_ ? data.size() : limit_ - begin_;
      data.copy(ring_.data() + begin_, piece);
      begin_ = (begin_ + piece) % limit_;
      data.remove_prefix(piece);
    }
  }
  void clear() {
    ring_.clear();
    begin_ = 0;
    total_ = 0;
  }
  std::uint64_t total() const { return total_; }
  std::string text() const { return ring_.substr(begin_) + ring_.substr(0, begin_); }
  /// The text, and before it how much is missing: "Captured 4096 of 5000 bytes\n...\n".
  std::string captured() const {
    if (total_ <= limit_) return text();
    return "Captured " + std::to_string(limit_) + " of " + std::to_string(total_) + " bytes\n...\n" + text();
  }

 private:
  std::size_t limit_;  // > 0
  std::string ring_{};
  std::size_t begin_ = 0;  // of the oldest byte, once the ring is full
  std::uint64_t total_ = 0;
};

}  // namespace proconsul::base
