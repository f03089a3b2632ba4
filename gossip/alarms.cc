#include "gossip/alarms.h"

namespace proconsul::gossip {

Alarms::Id Alarms::after(base::Duration delay, Task task) {
  const base::MonotonicTime time = now() + delay;
  const bool earlier = tasks_.empty() || time < tasks_.begin()->first.first;
  const Id id = ++next_id_;
  tasks_.emplace(Place{time, id}, std::move(task));
  times_.emplace(id, time);
  if (earlier && !running_ && told_) told_();
  return id;
}

void Alarms::cancel(Id id) {
  const auto found = times_.find(id);
  if (found == times_.end()) return;
  tasks_.erase({found->second, id});
  times_.erase(found);
}

std::optional<base::MonotonicTime> Alarms::next() const {
  if (tasks_.empty()) return {};
  return tasks_.begin()->first.first;
}

void Alarms::run_due() {
  const base::MonotonicTime until = now();
  const Id newest = next_id_;
  running_ = true;
  while (!tasks_.empty() && tasks_.begin()->first.first <= until && tasks_.begin()->first.second <= newest) {
    auto due = tasks_.extract(tasks_.begin());
    times_.erase(due.key().second);
    due.mapped()();
  }
  running_ = false;
}

void Alarms::clear() {
  tasks_.clear();
  times_.clear();
}

}  // namespace proconsul::gossip
