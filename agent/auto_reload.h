// auto_reload_config: looks at the configuration's files and says when they have changed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace proconsul::agent {

/// What the files look like now, the files of a directory included: differs as soon as one of them is written,
/// replaced, added or removed. A file that is not there is one that looks different.
std::string look_of(const std::vector<std::string>& paths);

class AutoReload {
 public:
  /// Files and directories to look at now; asked anew every time, since a reload may name others.
  using Paths = std::function<std::vector<std::string>()>;

  /// Calls `changed` on a thread of its own once files have changed and have then stayed the same for one `interval`:
  /// who writes several files, or one in several steps, is waited for.
  AutoReload(Paths paths, std::function<void()> changed, std::chrono::milliseconds interval);
  ~AutoReload();
  AutoReload(const AutoReload&) = delete;
  AutoReload& operator=(const AutoReload&) = delete;

 private:
  void run();

  const Paths paths_;
  const std::function<void()> changed_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_{};
  std::condition_variable stopped_{};
  bool stopping_ = false;  // by mutex_
  std::string seen_{};
  std::thread thread_{};
};

}  // namespace proconsul::agent
