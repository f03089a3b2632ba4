#include "agent/server/last_seen.h"

#include <chrono>

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kLargestFile = 64 << 10;
const base::log::Logger kLog("agent");

std::string file_in(const std::string& data_dir) {
  return data_dir + "/server_metadata.json";
}

std::int64_t unix_seconds(const base::Clock& clock) {
  return clock.wall().seconds - base::kUnixEpochSeconds;
}

}  // namespace

Result<std::int64_t> read_last_seen(const std::string& data_dir) {
  Result<std::string> text = base::read_file(file_in(data_dir), kLargestFile);
  if (!text && text.error().code == Errc::not_found) return 0;
  if (!text) return Error{text.error().code, "error reading server metadata: " + text.error().detail};
  base::Map<base::Value> metadata;
  if (Result<> read = base::read_json(*text, metadata); !read) {
    return Error{Errc::corrupt, "error reading server metadata: " + read.error().detail};
  }
  return static_cast<std::int64_t>(metadata["last_seen_unix"].number());
}

Result<> check_last_seen(const std::string& data_dir, base::Duration max_age, const base::Clock& clock) {
  const Result<std::int64_t> seen = read_last_seen(data_dir);
  if (!seen) return seen.error();
  if (*seen == 0 || *seen >= unix_seconds(clock) - max_age.nanoseconds / 1'000'000'000) return {};
  return Error{Errc::internal,
               "refusing to rejoin cluster because server has been offline for more than the configured "
               "server_rejoin_age_max (" +
                   to_string(max_age) + ") - consider wiping your data dir"};
}

LastSeen::LastSeen(std::string data_dir, const base::Clock& clock)
    : path_(file_in(data_dir)), clock_(clock), thread_([this] { run(); }) {}

LastSeen::~LastSeen() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void LastSeen::run() {
  std::unique_lock lock(mutex_);
  do {
    const std::string text = "{\"last_seen_unix\":" + std::to_string(unix_seconds(clock_)) + "}";
    if (Result<> written = base::write_file_atomically(path_, text); !written) {
      kLog.error("failed to write server metadata", {{"error", written.error()}});
    }
  } while (!stop_.wait_for(lock, std::chrono::hours(1), [this] { return stopping_; }));
}

}  // namespace proconsul::agent::server
