#include "agent/auto_reload.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace proconsul::agent {
namespace {

/// Through links, so that a link that is set anew counts as a change.
void add_file(const std::string& path, std::string& out) {
  struct stat status{};
  out += path;
  if (stat(path.c_str(), &status) != 0) {
    out += " none\n";
    return;
  }
  for (const auto number : {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
                            static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
                            static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
    out += ' ' + std::to_string(number);
  }
  out += '\n';
}

}  // namespace

std::string look_of(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) {
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) {
      add_file(path, out);
      continue;
    }
    std::vector<std::string> names;
    while (const dirent* entry = readdir(directory)) names.emplace_back(entry->d_name);
    closedir(directory);
    std::ranges::sort(names);
    for (const std::string& name : names) {
      if (name != "." && name != "..") add_file(path + "/" + name, out);
    }
  }
  return out;
}

AutoReload::AutoReload(Paths paths, std::function<void()> changed, std::chrono::milliseconds interval)
    : paths_(std::move(paths)), changed_(std::move(changed)), interval_(interval), seen_(look_of(paths_())) {
  thread_ = std::thread([this] { run(); });
}

AutoReload::~AutoReload() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

void AutoReload::run() {
  std::string last = seen_;
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, interval_, [this] { return stopping_; })) {
    std::string now = look_of(paths_());
    const bool settled = now == last;
    last = std::move(now);
    if (!settled || last == seen_) continue;
    seen_ = last;
    lock.unlock();
    changed_();
    lock.lock();
  }
}

}  // namespace proconsul::agent
