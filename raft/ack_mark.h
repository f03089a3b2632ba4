// A lower bound of what was acknowledged, kept beside the log in a mapped page, so that a log that lost its end is
// noticed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "raft/types.h"

namespace proconsul::raft {

/// Updating it is two stores to memory: the kernel writes the page when it likes. A crash of the process loses nothing,
/// a crash of the machine leaves an older value, which is still a true lower bound.
class AckMark {
 public:
  struct Value {
    std::uint64_t sequence{};  // the database's own count of changes
    LogIndex last{};           // last entry then
  };
  /// Creates an empty mark if there is none. Errc::corrupt if the file is not one of ours.
  static base::Result<std::unique_ptr<AckMark>> open(const std::string& path);
  /// Only looks: all zero if there is none.
  static base::Result<Value> read(const std::string& path);
  ~AckMark();
  AckMark(const AckMark&) = delete;
  AckMark& operator=(const AckMark&) = delete;

  Value value() const { return value_; }
  void set(Value value);

 private:
  AckMark(void* page) : page_(page) {}
  void* page_;
  Value value_;
  unsigned turn_ = 0;
};

}  // namespace proconsul::raft
