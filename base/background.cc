#include "base/background.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace proconsul::base {
namespace {
constexpr int kNice = 10;  // about a tenth of what another busy thread gets
}  // namespace

void give_way() {
  // Where a sandbox refuses it, everything still works, merely less smoothly.
  const sched_param none{};
  (void)::sched_setscheduler(0, SCHED_BATCH, &none);
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

Background::~Background() {
  wait();
}

void Background::wait() {
  std::list<std::unique_ptr<Worker>> workers;
  {
    const std::lock_guard lock(mutex_);
    workers.swap(workers_);
  }
  for (const std::unique_ptr<Worker>& worker : workers) worker->thread.join();
}

void Background::run(std::move_only_function<void()> task) {
  const std::lock_guard lock(mutex_);
  workers_.remove_if([](const std::unique_ptr<Worker>& worker) {
    if (!worker->finished) return false;
    worker->thread.join();
    return true;
  });
  Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
  worker.thread = std::thread([&worker, task = std::move(task)]() mutable {
    task();
    task = nullptr;  // what it holds goes before it counts as finished
    worker.finished = true;
  });
}

}  // namespace proconsul::base
