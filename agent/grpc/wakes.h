// Wake-ups of a registry of watches that go on to what lives on one loop, as long as that is there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/net/loop.h"
#include "base/watch.h"

namespace proconsul::agent::grpc {

/// One of each loop. Outlives whoever reports changes.
class Wakes final : public base::WakeSink {
 public:
  explicit Wakes(base::net::Loop& loop) : loop_(loop) {}
  ~Wakes() override { *here_ = false; }
  // On the loop.
  /// The token of watches that `woken` is to hear of, on the loop.
  std::uint64_t add(std::function<void()> woken) {
    woken_.emplace(++last_, std::move(woken));
    return last_;
  }
  void remove(std::uint64_t number) { woken_.erase(number); }

 private:
  void wake(std::vector<std::uint64_t> numbers) override {
    loop_.post([this, here = here_, numbers = std::move(numbers)] {
      if (!*here) return;
      for (const std::uint64_t number : numbers) {
        const auto found = woken_.find(number);
        if (found == woken_.end()) continue;
        const std::function<void()> woken = found->second;  // it may go meanwhile
        woken();
      }
    });
  }

  base::net::Loop& loop_;
  const std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  std::unordered_map<std::uint64_t, std::function<void()>> woken_{};
  std::uint64_t last_ = 0;
};

}  // namespace proconsul::agent::grpc
