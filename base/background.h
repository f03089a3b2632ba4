// Short-lived threads for work that waits for a disk; joined when their owner goes.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace proconsul::base {

/// This thread, and those that it starts from now on, give way to others for as long as they live: bulk work beside
/// clients that wait. They still make progress when all cores are busy. Hold no lock for long that others wait for.
void give_way();

/// Any thread may call run(). Tasks must end by themselves when asked to by whatever they wait for.
class Background {
 public:
  Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();
  /// Waits for all that were begun.
  void wait();
  void run(std::move_only_function<void()> task);

 private:
  struct Worker {
    std::thread thread{};
    std::atomic<bool> finished{false};
  };
  std::mutex mutex_{};
  std::list<std::unique_ptr<Worker>> workers_{};
};

}  // namespace proconsul::base
