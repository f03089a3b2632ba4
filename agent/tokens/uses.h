// When tokens were last used, as far as servers know: kept in memory, and passed from server to server.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"

namespace proconsul::agent::tokens {

/// Times are seconds since 1970. Safe from any thread.
class Uses {
 public:
  /// The last use of one token; whoever has it notes without looking for the token again.
  using Mark = std::shared_ptr<std::atomic<std::int64_t>>;
  struct Use {
    std::string accessor{};
    std::int64_t at{};
    bool operator==(const Use&) const = default;
  };

  /// The clock outlives it.
  explicit Uses(const base::Clock& clock);

  /// Of a token that is used now, or soon. Null: there are too many already.
  Mark mark(std::string_view accessor);
  void note(const Mark& mark) const;

  /// No use after this is unknown.
  std::int64_t since() const { return since_.load(std::memory_order_relaxed); }
  /// Another server knows of all uses since then, which were merged.
  void complete_since(std::int64_t at);

  /// Counts what happens here: a number that was given out once is never given out anew.
  std::uint64_t instance() const { return instance_; }
  struct Changes {
    std::vector<Use> uses{};
    std::uint64_t last = 0;  // what is asked for next is newer than this
  };
  /// What is newer than `after`, which an earlier answer told; 0: everything.
  Changes changes(std::uint64_t after);
  /// Keeps the later of two times of a use. What lies in the future is not believed.
  void merge(const std::vector<Use>& uses);
  /// Drops the tokens that are none any more.
  void keep(const std::function<bool(std::string_view accessor)>& is_token);

 private:
  struct Entry {
    Mark at{};
    std::int64_t told{};  // what `at` was when it got its number
    std::uint64_t number{};
  };
  static constexpr std::size_t kMost = 250'000;
  Mark mark_locked(std::string_view accessor);

  const base::Clock& clock_;
  const std::uint64_t instance_;
  std::atomic<std::int64_t> since_;
  std::mutex mutex_{};  // guards what follows
  std::unordered_map<std::string, Entry> by_accessor_{};
  std::uint64_t last_number_ = 0;
};

}  // namespace proconsul::agent::tokens
