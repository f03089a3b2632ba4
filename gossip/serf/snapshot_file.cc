#include "gossip/serf/snapshot_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/files.h"

namespace proconsul::gossip::serf {
namespace {

using base::Errc;
using base::Result;
using base::net::Fd;

constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr unsigned kMode = 0644;

Result<Fd> open_to_append(const std::string& path) {
  Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode));
  if (!file) return {Errc::internal, "open " + path + ": " + base::net::errno_text(errno)};
  return file;
}

Result<> write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return {Errc::internal, base::net::errno_text(errno)};
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<SnapshotFile>> SnapshotFile::open(const std::string& path, std::string& content,
                                                         base::log::Logger log, const base::metrics::Labels& labels) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  Result<std::string> kept = base::read_file(path, kMostBytes);
  if (!kept && kept.error().code != Errc::not_found) {
    return {kept.error().code, "failed to open snapshot: " + kept.error().detail};
  }
  content = kept ? std::move(*kept) : std::string();
  Result<Fd> file = open_to_append(path);
  if (!file) return {file.error().code, "failed to open snapshot: " + file.error().detail};
  return std::unique_ptr<SnapshotFile>(new SnapshotFile(path, std::move(*file), std::move(log), labels));
}

SnapshotFile::SnapshotFile(std::string path, Fd file, base::log::Logger log, const base::metrics::Labels& labels)
    : path_(std::move(path)),
      file_(std::move(file)),
      log_(std::move(log)),
      append_time_(base::metrics::sample("serf.snapshot.appendLine", labels)),
      compact_time_(base::metrics::sample("serf.snapshot.compact", labels)) {}

void SnapshotFile::append(std::string lines, bool sync) {
  push({.bytes = std::move(lines), .sync = sync});
}

void SnapshotFile::replace(std::string content) {
  push({.bytes = std::move(content), .whole = true});
}

void SnapshotFile::push(Write write) {
  const std::lock_guard lock(mutex_);
  if (write.whole) writes_.clear();  // what was to be written is in it
  writes_.push_back(std::move(write));
  if (!std::exchange(working_, true)) background_.run([this] { work(); });
}

void SnapshotFile::work() {
  while (true) {
    Write write;
    {
      const std::lock_guard lock(mutex_);
      if (writes_.empty()) {
        working_ = false;
        return;
      }
      write = std::move(writes_.front());
      writes_.pop_front();
    }
    // After a failure the file may lack something: nothing is appended to it until it was written anew.
    if (!write.whole && !healthy()) continue;
    const Result<> done = carry_out(write);
    if (!done) log_.error("serf: Failed to update snapshot: " + done.error().detail);
    healthy_.store(done.has_value(), std::memory_order_release);
  }
}

Result<> SnapshotFile::carry_out(const Write& write) {
  const base::metrics::ScopedTimer timer(write.whole ? compact_time_ : append_time_);
  if (!write.whole) {
    if (Result<> written = write_all(file_.get(), write.bytes); !written) return written;
    if (write.sync && ::fsync(file_.get()) != 0) return {Errc::internal, base::net::errno_text(errno)};
    return {};
  }
  if (Result<> written = base::write_file_atomically(path_, write.bytes, kMode); !written) return written;
  Result<Fd> file = open_to_append(path_);
  if (!file) return file.error();
  file_ = std::move(*file);
  return {};
}

}  // namespace proconsul::gossip::serf
